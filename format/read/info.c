/* info.c - the contents of a tape: from the index, or from the blocks of
 * segments that the index does not have. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/base/io.h"
#include "format/store/journal.h"
#include "format/store/tape_dir.h"
#include "format/store/layout.h"
#include "format/read/tape.h"

/* ---- adding up ----------------------------------------------------------------- */

static int
info_add_open(void *ctx, const evt_frame *f, evt_error *err)
{
	return evt_summary_add_frame(ctx, f, err);
}

/* Lists by source or event: the index may have sums of these over segments. */
#define KEYS (EVT_INFO_SOURCES | EVT_INFO_EVENTS)

static int
info_load_sums(evt_tape *t, unsigned lists, evt_summary *sum,
    uint32_t *ret_summed, evt_error *err)
{
	*ret_summed = lists & KEYS ?
	    evt_index_summed(t->index, t->segments, t->n_segments) :
	    0;
	return *ret_summed == 0 ?
	    EVT_OK :
	    evt_index_load_sums(t->index, lists, sum, err);
}

static int
info_load_rows(evt_tape *t, uint32_t no, unsigned lists, uint32_t summed,
    evt_summary *sum, evt_error *err)
{
	return evt_index_load(t->index, no, no > summed ? lists : lists & ~KEYS,
	    sum, err);
}

static int
info_gather(evt_tape *t, bool by_index, unsigned lists, evt_summary *sum,
    uint64_t *ret_damaged, evt_error *err)
{
	uint32_t summed = 0;
	int r = by_index ? info_load_sums(t, lists, sum, &summed, err) : EVT_OK;

	*ret_damaged = 0;
	for (size_t i = 0; i < t->n_segments && r == EVT_OK; i++) {
		const evt_segment *s = &t->segments[i];

		if (by_index && evt_index_has(t->index, s))
			r = info_load_rows(t, s->no, lists, summed, sum, err);
		else
			r = evt_summary_add_segment(sum, s, ret_damaged, err);
		if (r == EVT_ERR_NOTFOUND)
			r = EVT_OK; /* retention dropped it */
	}
	if (r == EVT_OK)
		r = evt_tape_each_open(t, evt_tape_end_seq(t), info_add_open,
		    sum, err);
	return r;
}

/* Whether the rows of all segments can be read.  This must be known first if the
 * summary has frames of other tapes, since half of a tape cannot be taken out
 * again. */
static int
info_try_index(evt_tape *t, unsigned lists, evt_error *err)
{
	evt_summary sum = { 0 };
	uint32_t summed;
	int r = info_load_sums(t, lists, &sum, &summed, err);

	for (size_t i = 0; i < t->n_segments && r == EVT_OK; i++) {
		if (evt_index_has(t->index, &t->segments[i]))
			r = info_load_rows(t, t->segments[i].no, lists, summed,
			    &sum, err);
	}
	evt_summary_free(&sum);
	return r;
}

static int
info_gather_best(evt_tape *t, unsigned lists, evt_summary *sum,
    uint64_t *ret_damaged, evt_error *err)
{
	bool by_index = t->index != NULL;
	int r = EVT_OK;

	/* A damaged index costs time. */
	if (by_index && sum->frames > 0) {
		r = info_try_index(t, lists, err);
		by_index = r == EVT_OK;
		if (r == EVT_ERR_INDEX)
			r = EVT_OK;
	}
	if (r != EVT_OK)
		return r;
	if (sum->frames > 0)
		return info_gather(t, by_index, lists, sum, ret_damaged, err);
	r = info_gather(t, by_index, lists, sum, ret_damaged, err);
	if (r == EVT_ERR_INDEX) {
		evt_summary_clear(sum);
		r = info_gather(t, false, lists, sum, ret_damaged, err);
	}
	return r;
}

int
evt_tape_gather(evt_tape *t, unsigned lists, evt_summary *sum,
    uint64_t *ret_damaged, evt_error *err)
{
	int r = evt_tape_refresh(t, err);

	*ret_damaged = 0;
	if (r != EVT_OK)
		return r;
	evt_index_hold(t->index);
	r = info_gather_best(t, lists, sum, ret_damaged, err);
	evt_index_release(t->index);
	return r;
}

/* ---- info ---------------------------------------------------------------------- */

/* Frames of each source are those of its (source, event) spans together. */
static int
info_fill_keys(const evt_summary *sum, const evt_key_table *d, bool sources,
    evt_info_key **ret, size_t *ret_n, evt_error *err)
{
	size_t n = (size_t)d->n + 1;
	evt_info_key *keys = calloc(n, sizeof(*keys));

	if (keys == NULL)
		return evt_err_nomem(err);
	*ret = keys;
	*ret_n = n;
	for (uint32_t i = 0; i < sum->n_spans; i++) {
		const evt_summary_span_row *s = &sum->span[i];
		evt_info_key *k = &keys[sources ? s->source : s->event];

		if (sources != (s->source > 0))
			continue;
		if (k->frames == 0 || s->first_ns < k->first_ns)
			k->first_ns = s->first_ns;
		if (k->frames == 0 || s->last_ns > k->last_ns)
			k->last_ns = s->last_ns;
		k->frames += s->frames;
	}
	for (size_t i = 0; i < n; i++) {
		evt_key key = { "", 0, false };

		if (i > 0)
			key = evt_key_table_key(d, (uint32_t)i - 1);
		keys[i].is_int = key.is_int;
		keys[i].name = strndup(key.text, key.len);
		if (keys[i].name == NULL)
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

static int
info_compare_keys(const void *a, const void *b)
{
	const evt_info_key *x = a, *y = b;

	if (x->frames != y->frames)
		return x->frames > y->frames ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Most frames first; entries without frames are left out. */
static void
info_sort_keys(evt_info_key *keys, size_t *n)
{
	if (*n > 0)
		qsort(keys, *n, sizeof(*keys), info_compare_keys);
	while (*n > 0 && keys[*n - 1].frames == 0)
		free(keys[--*n].name);
}

static int
info_fill_marks(evt_summary *sum, evt_info *info, evt_error *err)
{
	info->mark = calloc(sum->n_marks + 1, sizeof(*info->mark));
	if (info->mark == NULL)
		return evt_err_nomem(err);
	info->n_marks = sum->n_marks;
	for (size_t i = 0; i < sum->n_marks; i++) {
		evt_summary_mark *m = &sum->mark[i];

		info->mark[i] = (evt_info_mark){ m->seq, m->time_ns, m->opcode,
			m->conn, m->json };
		m->json = NULL; /* handed over */
	}
	return EVT_OK;
}

static int
info_fill_segment(evt_tape *t, const evt_segment *s, evt_info_segment *out,
    evt_error *err)
{
	out->no = s->no;
	out->bytes = s->size;
	out->blocks = (uint32_t)s->n_blocks;
	out->sealed = s->sealed;
	out->indexed = t->index != NULL && evt_index_has(t->index, s);
	for (size_t i = 0; i < s->n_blocks; i++) {
		const evt_segment_block *b = &s->blocks[i];

		out->frames += b->frames;
		if (i == 0 || b->min_ns < out->first_ns)
			out->first_ns = b->min_ns;
		if (i == 0 || b->max_ns > out->last_ns)
			out->last_ns = b->max_ns;
	}
	out->first_seq = s->n_blocks > 0 ? s->blocks[0].first_seq : 0;
	out->file = strdup(s->name);
	return out->file != NULL ? EVT_OK : evt_err_nomem(err);
}

static int
info_fill_segments(evt_tape *t, evt_info *info, evt_error *err)
{
	int r = EVT_OK;

	info->segments = calloc(t->n_segments + 1, sizeof(*info->segments));
	if (info->segments == NULL)
		return evt_err_nomem(err);
	info->n_segments = t->n_segments;
	if (t->index_state == EVT_INDEX_NOMEM)
		return evt_err_nomem(err);
	info->index = t->index_state == EVT_INDEX_MISSING ? "missing" :
	    t->index_state == EVT_INDEX_DAMAGED           ? "damaged" :
	                                                    "ok";
	evt_index_hold(t->index);
	for (size_t i = 0; i < t->n_segments && r == EVT_OK; i++) {
		r = info_fill_segment(t, &t->segments[i], &info->segments[i],
		    err);
		info->stored_bytes += t->segments[i].size;
		/* The segment that is being written has no rows yet. */
		if (t->index_state == EVT_INDEX_OK &&
		    !info->segments[i].indexed && t->segments[i].sealed)
			info->index = "stale";
	}
	evt_index_release(t->index);
	return r;
}

static uint64_t
info_file_bytes(const evt_tape *t, const char *name)
{
	char *path = evt_io_path_join(t->path, name);
	struct stat st;
	uint64_t n = 0;

	if (path != NULL && t->io->stat(t->io->ctx, path, &st) == 0)
		n = (uint64_t)st.st_size;
	free(path);
	return n;
}

static void
info_fill_sizes(const evt_tape *t, evt_info *info)
{
	info->index_bytes =
	    info_file_bytes(t, "tape.db") + info_file_bytes(t, "tape.db-wal");
	info->journal_bytes = evt_journal_folder_bytes(t->io, t->journal_dir);
	evt_tape_dir_ring(t->io, t->journal_dir, &info->ring_files,
	    &info->ring_bytes);
	info->stored_bytes +=
	    info->index_bytes + info->journal_bytes + info->ring_bytes;
}

static void
info_fill_id(const evt_tape *t, evt_info *info)
{
	const uint8_t *u = NULL;

	for (size_t i = 0; i < t->n_segments && u == NULL; i++)
		u = t->segments[i].n_blocks > 0 ? t->segments[i].uuid : NULL;
	for (int i = 0, at = 0; i < EVT_UUID_LEN && u != NULL; i++)
		at += snprintf(info->id + at, sizeof(info->id) - (size_t)at,
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x",
		    u[i]);
}

static void
info_fill_totals(const evt_summary *sum, evt_info *info)
{
	info->frames = sum->frames;
	info->received = sum->received;
	info->sent = sum->sent;
	info->marks = sum->frames - sum->received - sum->sent;
	info->first_seq = sum->first_seq;
	info->last_seq = sum->last_seq;
	info->payload_bytes = sum->payload;
}

/* Whether the last segment was closed. */
static bool
info_is_sealed(const evt_tape *t)
{
	return t->n_segments == 0 || t->segments[t->n_segments - 1].sealed;
}

static int
info_fill_lists(unsigned lists, evt_summary *sum, evt_info *info,
    evt_error *err)
{
	int r = EVT_OK;

	if (lists & EVT_INFO_EVENTS)
		r = info_fill_keys(sum, &sum->events, false, &info->events,
		    &info->n_events, err);
	if (r == EVT_OK && (lists & EVT_INFO_SOURCES))
		r = info_fill_keys(sum, &sum->sources, true, &info->sources,
		    &info->n_sources, err);
	if (r == EVT_OK && (lists & EVT_INFO_MARKS))
		r = info_fill_marks(sum, info, err);
	if (r != EVT_OK)
		return r;
	info_sort_keys(info->events, &info->n_events);
	info_sort_keys(info->sources, &info->n_sources);
	if (lists & EVT_INFO_CONNS) {
		info->conns = sum->conn;
		info->n_conns = sum->n_conns;
		sum->conn = NULL; /* handed over */
	}
	return EVT_OK;
}

static int
info_fill_info(evt_tape *t, unsigned lists, evt_summary *sum, evt_info *info,
    evt_error *err)
{
	int r = evt_tape_gather(t, lists, sum, &info->n_damaged, err);

	if (r == EVT_OK)
		r = info_fill_lists(lists, sum, info, err);
	if (r == EVT_OK)
		r = info_fill_segments(t, info, err);
	if (r != EVT_OK)
		return r;
	info_fill_totals(sum, info);
	if (info->frames > 0)
		r = evt_tape_span(t, &info->first_ns, &info->last_ns, err);
	if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
		return r;
	info_fill_sizes(t, info);
	info_fill_id(t, info);
	info->live = evt_tape_live(t);
	info->unclosed = !info->live && info->frames > 0 &&
	    (info->last_seq >= evt_tape_end_seq(t) || !info_is_sealed(t));
	return EVT_OK;
}

int
evt_tape_info(evt_tape *t, evt_info **ret_info, evt_error *err)
{
	return evt_tape_info_of(t, EVT_INFO_ALL, ret_info, err);
}

int
evt_tape_info_of(evt_tape *t, unsigned lists, evt_info **ret_info,
    evt_error *err)
{
	evt_info *info = calloc(1, sizeof(*info));
	evt_summary sum = { 0 };
	int r;

	assert(t != NULL && ret_info != NULL);
	r = info != NULL ? info_fill_info(t, lists, &sum, info, err) :
	                   evt_err_nomem(err);
	evt_summary_free(&sum);
	if (r != EVT_OK) {
		evt_info_free(info);
		return r;
	}
	*ret_info = info;
	return EVT_OK;
}

static void
info_free_keys(evt_info_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(keys[i].name);
	free(keys);
}

void
evt_info_free(evt_info *info)
{
	if (info == NULL)
		return;
	for (size_t i = 0; i < info->n_segments; i++)
		free(info->segments[i].file);
	for (size_t i = 0; i < info->n_marks; i++)
		free(info->mark[i].json);
	free(info->segments);
	free(info->mark);
	info_free_keys(info->events, info->n_events);
	info_free_keys(info->sources, info->n_sources);
	free(info->conns);
	free(info);
}
