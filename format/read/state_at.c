/*
 * state_at.c - the last frame of one source before a time:
 * evt_tape_last_before().
 *
 * The newest frames are searched first: the journal, then the segments from the
 * last to the first.  Of a segment only the blocks that the index names are
 * read.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/read/filter.h"
#include "format/read/tape.h"

/* ---- the journal -------------------------------------------------------------- */

struct newest {
	const evt_filter_match *match;
	evt_tape *tape;
	evt_frame frame;
	bool found;
};

/* Keep a copy: the next record overwrites the reader's memory. */
static int
state_at_keep(void *ctx, const evt_frame *f, evt_error *err)
{
	struct newest *n = ctx;
	evt_buf *b = &n->tape->copy;

	if (!evt_filter_match_frame(n->match, f))
		return EVT_OK;
	b->len = 0;
	if (!evt_grow(&n->tape->keys, &n->tape->cap_keys, f->n_sources) ||
	    !evt_buf_add(b, f->payload, f->len) ||
	    !evt_buf_add(b, f->event, f->event_len))
		return evt_err_nomem(err);
	for (size_t i = 0; i < f->n_sources; i++) {
		n->tape->keys[i] = f->sources[i];
		if (!evt_buf_add(b, f->sources[i].text, f->sources[i].len))
			return evt_err_nomem(err);
	}
	n->frame = *f;
	n->found = true;
	return EVT_OK;
}

/* Point the kept frame at the copy, which does not move any more. */
static void
state_at_settle(struct newest *n)
{
	const uint8_t *p = n->tape->copy.data;
	evt_frame *f = &n->frame;

	f->payload = p;
	p += f->len;
	if (f->event != NULL)
		f->event = (const char *)p;
	p += f->event_len;
	for (size_t i = 0; i < f->n_sources; i++) {
		n->tape->keys[i].text = (const char *)p;
		p += n->tape->keys[i].len;
	}
	f->sources = n->tape->keys;
}

/* ---- segments ------------------------------------------------------------------ */

/* Which blocks of the segment to read: those that the index names, or all if
 * there is no usable index.  The caller frees it; NULL: out of memory. */
static bool *
state_at_wanted_blocks(evt_tape *t, const evt_segment *s,
    const evt_filter_match *m)
{
	bool *wanted = calloc(s->n_blocks + 1, sizeof(*wanted));

	if (wanted == NULL)
		return NULL;
	if (t->index == NULL || !evt_index_has(t->index, s) ||
	    evt_index_find(t->index, s->no, &m->filter, wanted, s->n_blocks,
	        NULL) != EVT_OK)
		memset(wanted, true, s->n_blocks);
	return wanted;
}

/* Search one block.  EVT_ERR_NOTFOUND: no frame passes, or the block is damaged;
 * its frames are lost in any case. */
static int
state_at_search_block(evt_tape *t, int fd, const evt_segment *s, size_t i,
    evt_filter_match *m, evt_frame *ret_frame, evt_error *err)
{
	evt_filter_matched found = { 0 };
	uint32_t at;
	int r = evt_segment_read_block(t->io, fd, s->name, &s->blocks[i], false,
	    &t->raw, &t->block, err);

	if (r == EVT_ERR_CORRUPT)
		return EVT_ERR_NOTFOUND;
	if (r == EVT_OK)
		r = evt_filter_match_block(m, &t->block, 0, &found, err);
	at = found.n > 0 ? found.frame[found.n - 1] : UINT32_MAX;
	evt_filter_matched_free(&found);
	if (r != EVT_OK)
		return r;
	if (at == UINT32_MAX)
		return EVT_ERR_NOTFOUND;
	r = evt_block_load_lines(&t->block, t->raw.data, at + 1, s->name, err);
	if (r == EVT_ERR_CORRUPT)
		return EVT_ERR_NOTFOUND;
	return r != EVT_OK ? r : evt_block_frame(&t->block, at, ret_frame, err);
}

static int
state_at_search_segment(evt_tape *t, const evt_segment *s, evt_filter_match *m,
    evt_frame *ret_frame, evt_error *err)
{
	bool *wanted = state_at_wanted_blocks(t, s, m);
	int fd = -1, r = EVT_ERR_NOTFOUND;

	if (wanted == NULL)
		return evt_err_nomem(err);
	for (size_t i = s->n_blocks; i-- > 0 && r == EVT_ERR_NOTFOUND;) {
		if (!wanted[i] ||
		    !evt_filter_match_range(m, s->blocks[i].min_ns,
		        s->blocks[i].max_ns, UINT64_MAX))
			continue;
		/* EVT_ERR_NOTFOUND: retention dropped it. */
		if (fd < 0) {
			r = evt_segment_open(s, &fd, err);
			if (r != EVT_OK)
				break;
		}
		r = state_at_search_block(t, fd, s, i, m, ret_frame, err);
	}
	if (fd >= 0)
		t->io->close(t->io->ctx, fd);
	free(wanted);
	return r;
}

static int
state_at_search(evt_tape *t, evt_filter_match *m, evt_frame *ret_frame,
    evt_error *err)
{
	struct newest newest = { .match = m, .tape = t };
	int r = evt_tape_refresh(t, err);

	if (r == EVT_OK)
		r = evt_tape_each_open(t, evt_tape_end_seq(t), state_at_keep,
		    &newest, err);
	if (r != EVT_OK)
		return r;
	if (newest.found) {
		state_at_settle(&newest);
		*ret_frame = newest.frame;
		return EVT_OK;
	}
	r = EVT_ERR_NOTFOUND;
	for (size_t i = t->n_segments; i-- > 0 && r == EVT_ERR_NOTFOUND;)
		r = state_at_search_segment(t, &t->segments[i], m, ret_frame,
		    err);
	return r;
}

int
evt_tape_last_before(evt_tape *t, const char *source, const char *event,
    int64_t time_ns, evt_frame *ret_frame, evt_error *err)
{
	evt_filter filter = {
		.has_to = true,
		.to_ns = time_ns,
		.sources = &source,
		.n_sources = 1,
		.events = &event,
		.n_events = event != NULL ? 1 : 0,
	};
	evt_filter_match m;
	int r = evt_filter_match_init(&m, &filter, err);

	if (r != EVT_OK)
		return r;
	r = state_at_search(t, &m, ret_frame, err);
	evt_filter_match_free(&m);
	if (r == EVT_ERR_NOTFOUND)
		return evt_err_set(err, r,
		    "%s holds nothing of source %s before that time", t->path,
		    source);
	return r;
}
