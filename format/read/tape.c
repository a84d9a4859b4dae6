/* tape.c - open a tape for reading, and follow one that is being recorded. */
#include "format/read/tape.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/tape_dir.h"
#include "format/base/io.h"
#include "format/store/journal.h"
#include "format/store/lock.h"

void
evt_tape_close(evt_tape *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_segments; i++)
		evt_segment_free(&t->segments[i]);
	free(t->segments);
	evt_index_close(t->index);
	evt_block_free(&t->block);
	evt_buf_free(&t->raw);
	evt_buf_free(&t->copy);
	free(t->keys);
	free(t->journal_dir);
	free(t->path);
	free(t);
}

/* Append the segments of `list` that are newer than all known ones. */
static int
tape_adopt(evt_tape *t, evt_segment *list, size_t n, evt_error *err)
{
	uint32_t last =
	    t->n_segments > 0 ? t->segments[t->n_segments - 1].no : 0;
	bool room = evt_grow(&t->segments, &t->cap_segments, t->n_segments + n);

	for (size_t i = 0; i < n; i++) {
		if (room && list[i].no > last)
			t->segments[t->n_segments++] = list[i];
		else
			evt_segment_free(&list[i]);
	}
	free(list);
	return room ? EVT_OK : evt_err_nomem(err);
}

int
evt_tape_refresh(evt_tape *t, evt_error *err)
{
	evt_segment *list;
	size_t n;
	int r = evt_segment_list(t->io, t->path, &list, &n, err);

	if (r == EVT_OK)
		r = tape_adopt(t, list, n, err);
	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < t->n_segments; i++) {
		r = evt_segment_load(&t->segments[i], err);
		/* Retention may have dropped it between the two looks. */
		if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
			return r;
	}
	return EVT_OK;
}

int
evt_tape_open_io(const char *path, const evt_io *io, evt_tape **ret_tape,
    evt_error *err)
{
	evt_tape *t;
	int r = evt_tape_dir_check(io, path, err);

	if (r != EVT_OK)
		return r;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return evt_err_nomem(err);
	t->io = io;
	t->path = strdup(path);
	t->journal_dir = evt_io_path_join(path, "journal");
	if (t->path == NULL || t->journal_dir == NULL)
		r = evt_err_nomem(err);
	else
		r = evt_tape_refresh(t, err);
	if (r != EVT_OK) {
		evt_tape_close(t);
		return r;
	}
	t->index = evt_index_open(io, path, &t->index_state);
	*ret_tape = t;
	return EVT_OK;
}

int
evt_tape_open(const char *path, evt_tape **ret_tape, evt_error *err)
{
	assert(path != NULL && ret_tape != NULL);
	return evt_tape_open_io(path, &evt_io_posix, ret_tape, err);
}

const char *
evt_tape_path(const evt_tape *t)
{
	return t->path;
}

bool
evt_tape_live(const evt_tape *t)
{
	return evt_lock_held(t->io, t->path);
}

uint64_t
evt_tape_end_seq(const evt_tape *t)
{
	for (size_t i = t->n_segments; i-- > 0;) {
		if (t->segments[i].n_blocks > 0)
			return evt_segment_end_seq(&t->segments[i]);
	}
	return 1;
}

/* ---- the journal ------------------------------------------------------------- */

static int
tape_each_in_file(evt_tape *t, uint64_t first_seq, uint64_t from_seq,
    int (*fn)(void *, const evt_frame *, evt_error *), void *ctx,
    evt_error *err)
{
	evt_journal_reader *reader;
	bool in_lines;
	evt_frame f;
	int r =
	    evt_journal_open(t->io, t->journal_dir, first_seq, &reader, err);

	if (r == EVT_AGAIN || r == EVT_ERR_NOTFOUND || r == EVT_ERR_CORRUPT)
		return EVT_OK;
	if (r != EVT_OK)
		return r;
	while ((r = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK) {
		if (f.seq >= from_seq) {
			r = fn(ctx, &f, err);
			if (r != EVT_OK)
				break;
		}
	}
	evt_journal_close(reader);
	return r == EVT_AGAIN || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

int
evt_tape_each_open(evt_tape *t, uint64_t from_seq,
    int (*fn)(void *ctx, const evt_frame *f, evt_error *err), void *ctx,
    evt_error *err)
{
	uint64_t *files;
	size_t n;
	int r = evt_journal_list(t->io, t->journal_dir, &files, &n, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		if (i + 1 == n || files[i + 1] > from_seq)
			r = tape_each_in_file(t, files[i], from_seq, fn, ctx,
			    err);
	}
	free(files);
	return r;
}

/* ---- span -------------------------------------------------------------------- */

struct span {
	bool any;
	int64_t first, last;
};

/* The span of a tape, and that of all its frames, bookmarks too. */
struct spans {
	struct span tape, all;
	bool known; /* which blocks have bookmarks: those of these frames */
	uint64_t *bookmark;
	size_t n_bookmarks;
};

static void
tape_widen(struct span *s, int64_t first, int64_t last)
{
	if (!s->any || first < s->first)
		s->first = first;
	if (!s->any || last > s->last)
		s->last = last;
	s->any = true;
}

static int
tape_widen_by_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct spans *spans = ctx;

	(void)err;
	tape_widen(&spans->all, f->time_ns, f->time_ns);
	if (f->kind != EVT_KIND_MARK || f->opcode != EVT_MARK_BOOKMARK)
		tape_widen(&spans->tape, f->time_ns, f->time_ns);
	return EVT_OK;
}

/* Widen the tape's span by the frames of a block.  Of a damaged block, the times
 * in its header count. */
static int
tape_widen_by_block(const evt_segment *s, const evt_segment_block *b,
    struct span *span, evt_error *err)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	int fd, r = evt_segment_open(s, &fd, err);

	if (r != EVT_OK) /* retention may have dropped it */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	r = evt_segment_read_block(s->io, fd, s->name, b, false, &raw, &block,
	    err);
	for (uint32_t i = 0; r == EVT_OK && i < block.n; i++) {
		if (!evt_block_is_mark(&block, i, EVT_MARK_BOOKMARK))
			tape_widen(span, block.time_ns[i], block.time_ns[i]);
	}
	if (r == EVT_ERR_CORRUPT) {
		tape_widen(span, b->min_ns, b->max_ns);
		r = EVT_OK;
	}
	s->io->close(s->io->ctx, fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
	return r;
}

static int
tape_compare_seq(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* The index knows which frames are bookmarks. */
static int
tape_find_bookmarks(evt_tape *t, struct spans *spans, evt_error *err)
{
	evt_summary sum = { 0 };
	uint64_t damaged;
	int r;

	if (t->index == NULL)
		return EVT_OK;
	r = evt_tape_gather(t, EVT_INFO_MARKS, &sum, &damaged, err);
	if (r == EVT_OK) {
		spans->bookmark =
		    calloc(sum.n_marks + 1, sizeof(*spans->bookmark));
		spans->known = spans->bookmark != NULL;
		r = spans->known ? EVT_OK : evt_err_nomem(err);
	}
	for (size_t i = 0; r == EVT_OK && i < sum.n_marks; i++) {
		if (sum.mark[i].opcode == EVT_MARK_BOOKMARK)
			spans->bookmark[spans->n_bookmarks++] = sum.mark[i].seq;
	}
	if (spans->n_bookmarks > 0)
		qsort(spans->bookmark, spans->n_bookmarks,
		    sizeof(*spans->bookmark), tape_compare_seq);
	evt_summary_free(&sum);
	return r;
}

/* Whether a block has a bookmark, or may have one. */
static bool
tape_has_bookmark(const struct spans *spans, const evt_segment_block *b)
{
	size_t from = 0, to = spans->n_bookmarks;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (spans->bookmark[middle] < b->first_seq)
			from = middle + 1;
		else
			to = middle;
	}
	return !spans->known ||
	    (from < spans->n_bookmarks &&
	        spans->bookmark[from] - b->first_seq < b->frames);
}

/* A block's header has the times of its bookmarks too.  So each block that may
 * have one and seems to widen the span is read; of frames in order of time, that
 * is the first one, or the last one if `last` is set. */
static int
tape_widen_by_blocks(evt_tape *t, bool last, struct spans *spans,
    evt_error *err)
{
	struct span *span = &spans->tape;
	int r = EVT_OK;

	for (size_t i = 0; i < t->n_segments; i++) {
		const evt_segment *s =
		    &t->segments[last ? t->n_segments - 1 - i : i];

		for (size_t k = 0; k < s->n_blocks && r == EVT_OK; k++) {
			const evt_segment_block *b =
			    &s->blocks[last ? s->n_blocks - 1 - k : k];

			tape_widen(&spans->all, b->min_ns, b->max_ns);
			if (!tape_has_bookmark(spans, b))
				tape_widen(span, b->min_ns, b->max_ns);
			else if (!span->any ||
			    (last ? b->max_ns > span->last :
			            b->min_ns < span->first))
				r = tape_widen_by_block(s, b, span, err);
		}
	}
	return r;
}

int
evt_tape_span(evt_tape *t, int64_t *ret_first_ns, int64_t *ret_last_ns,
    evt_error *err)
{
	struct spans spans = { 0 };
	const struct span *span = &spans.tape;
	int r = evt_tape_refresh(t, err);

	if (r == EVT_OK)
		r = evt_tape_each_open(t, evt_tape_end_seq(t),
		    tape_widen_by_frame, &spans, err);
	if (r == EVT_OK)
		r = tape_find_bookmarks(t, &spans, err);
	if (r == EVT_OK)
		r = tape_widen_by_blocks(t, false, &spans, err);
	if (r == EVT_OK)
		r = tape_widen_by_blocks(t, true, &spans, err);
	free(spans.bookmark);
	if (r != EVT_OK)
		return r;
	if (!span->any)
		span = &spans.all; /* a tape of bookmarks alone */
	if (!span->any)
		return evt_err_set(err, EVT_ERR_NOTFOUND, "%s is empty",
		    t->path);
	*ret_first_ns = span->first;
	*ret_last_ns = span->last;
	return EVT_OK;
}
