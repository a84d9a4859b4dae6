/*
 * cursor.c - the public face of cursors, and the one that merges several
 * tapes by receive time.
 */
#include "format/read/cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"

/* One tape of a merge, with its next frame. */
struct branch {
	evt_cursor *cursor;
	evt_frame frame;
	bool has_frame;
	bool ended;
};

struct merge {
	evt_cursor base;
	struct branch *branch;
	size_t n;
};

/* Have a frame of each tape that is not at its end. */
static int
cursor_fill(struct merge *m, evt_error *err)
{
	bool again = false;

	for (size_t i = 0; i < m->n; i++) {
		struct branch *b = &m->branch[i];
		int r;

		if (b->has_frame || b->ended)
			continue;
		r = evt_cursor_next(b->cursor, &b->frame, err);
		if (r == EVT_AGAIN)
			again = true;
		else if (r == EVT_END)
			b->ended = true;
		else if (r != EVT_OK)
			return r;
		b->has_frame = r == EVT_OK;
	}
	/* A live tape may still add a frame that is earlier than all others. */
	return again ? EVT_AGAIN : EVT_OK;
}

static int
cursor_merge_next(evt_cursor *base, evt_frame *ret_frame, evt_error *err)
{
	struct merge *m = (struct merge *)base;
	struct branch *first = NULL;
	int r = cursor_fill(m, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < m->n; i++) {
		struct branch *b = &m->branch[i];

		if (b->has_frame &&
		    (first == NULL || b->frame.time_ns < first->frame.time_ns))
			first = b;
	}
	if (first == NULL)
		return EVT_END;
	first->has_frame = false;
	*ret_frame = first->frame;
	return EVT_OK;
}

static int
cursor_merge_seek(evt_cursor *base, bool has_time, int64_t time_ns,
    evt_error *err)
{
	struct merge *m = (struct merge *)base;
	int r = EVT_OK;

	for (size_t i = 0; i < m->n && r == EVT_OK; i++) {
		struct branch *b = &m->branch[i];

		b->has_frame = b->ended = false;
		r = b->cursor->ops->seek(b->cursor, has_time, time_ns, err);
	}
	return r;
}

static void
cursor_merge_stats(const evt_cursor *base, evt_cursor_stats *ret_stats)
{
	const struct merge *m = (const struct merge *)base;

	memset(ret_stats, 0, sizeof(*ret_stats));
	for (size_t i = 0; i < m->n; i++) {
		evt_cursor_stats s;

		evt_cursor_get_stats(m->branch[i].cursor, &s);
		ret_stats->blocks_read += s.blocks_read;
		ret_stats->blocks_bad += s.blocks_bad;
		ret_stats->frames_lost += s.frames_lost;
	}
}

static void
cursor_merge_close(evt_cursor *base)
{
	struct merge *m = (struct merge *)base;

	for (size_t i = 0; i < m->n; i++)
		evt_cursor_close(m->branch[i].cursor);
	free(m->branch);
	free(m);
}

static const struct evt_cursor_ops merge_ops = { cursor_merge_next,
	cursor_merge_seek, cursor_merge_stats, cursor_merge_close };

static int
cursor_merge_open(evt_tape *const *tapes, size_t n, const evt_filter *filter,
    evt_cursor **ret_cursor, evt_error *err)
{
	struct merge *m = calloc(1, sizeof(*m));
	int r = EVT_OK;

	if (m == NULL)
		return evt_err_nomem(err);
	m->base.ops = &merge_ops;
	m->branch = calloc(n, sizeof(*m->branch));
	if (m->branch == NULL)
		r = evt_err_nomem(err);
	for (; m->n < n && r == EVT_OK; m->n++) {
		r = evt_cursor_open_tape(tapes[m->n], (uint32_t)m->n, filter,
		    &m->branch[m->n].cursor, err);
		if (r != EVT_OK)
			break;
	}
	if (r != EVT_OK) {
		cursor_merge_close(&m->base);
		return r;
	}
	*ret_cursor = &m->base;
	return EVT_OK;
}

/* ---- the public calls ------------------------------------------------------------ */

int
evt_cursor_open(evt_tape *const *tapes, size_t n, const evt_filter *filter,
    evt_cursor **ret_cursor, evt_error *err)
{
	assert(ret_cursor != NULL && (tapes != NULL || n == 0));
	if (n == 0)
		return evt_err_set(err, EVT_ERR_ARG, "a cursor needs a tape");
	if (n == 1)
		return evt_cursor_open_tape(tapes[0], 0, filter, ret_cursor,
		    err);
	return cursor_merge_open(tapes, n, filter, ret_cursor, err);
}

void
evt_cursor_close(evt_cursor *c)
{
	if (c != NULL)
		c->ops->close(c);
}

int
evt_cursor_next(evt_cursor *c, evt_frame *ret_frame, evt_error *err)
{
	return c->ops->next(c, ret_frame, err);
}

int
evt_cursor_reset(evt_cursor *c, evt_error *err)
{
	return c->ops->seek(c, false, 0, err);
}

int
evt_cursor_seek(evt_cursor *c, int64_t time_ns, evt_error *err)
{
	return c->ops->seek(c, true, time_ns, err);
}

void
evt_cursor_get_stats(const evt_cursor *c, evt_cursor_stats *ret_stats)
{
	c->ops->stats(c, ret_stats);
}
