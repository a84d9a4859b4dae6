/* line_splitter.c - see line_splitter.h. */
#include "format/base/line_splitter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (256u << 10)
/* A larger buffer is freed once its long line is done. */
#define KEEP_BYTES (1u << 20)

/* Grow or shrink the buffer to cap, which holds all that is in it. */
static bool
line_splitter_resize(evt_line_splitter *l, size_t cap)
{
	uint8_t *data = realloc(l->data, cap);

	if (data == NULL)
		return false;
	l->data = data;
	l->cap = cap;
	return true;
}

uint8_t *
evt_line_splitter_room(evt_line_splitter *l, size_t *ret_room)
{
	size_t left = l->end - l->start;

	assert(l->max > 0);
	if (l->start > 0) {
		memmove(l->data, l->data + l->start, left);
		l->scanned -= l->start;
		l->end = left;
		l->start = 0;
	}
	if (l->cap > KEEP_BYTES && left <= ROOM)
		(void)line_splitter_resize(l, 2 * ROOM);
	/* `left` is at most `max` plus one read. */
	if (l->cap - left < ROOM &&
	    !line_splitter_resize(l, left < ROOM ? 2 * ROOM : left * 2 + ROOM))
		return NULL;
	*ret_room = l->cap - l->end;
	return l->data + l->end;
}

void
evt_line_splitter_added(evt_line_splitter *l, size_t n)
{
	assert(n <= l->cap - l->end);
	l->end += n;
}

/* Return the complete line of n bytes at `start`, which `more` bytes of newline
 * follow. */
static enum evt_line_splitter_state
line_splitter_complete(evt_line_splitter *l, size_t n, size_t more,
    uint8_t **ret_line, uint64_t *ret_len)
{
	bool skip = l->skipping || n > l->max;

	*ret_line = l->data + l->start;
	*ret_len = l->skipped + n;
	l->start += n + more;
	l->scanned = l->start;
	l->skipping = false;
	l->skipped = 0;
	return skip ? EVT_LINE_SPLITTER_SKIPPED : EVT_LINE_SPLITTER_LINE;
}

enum evt_line_splitter_state
evt_line_splitter_next(evt_line_splitter *l, uint8_t **ret_line,
    uint64_t *ret_len)
{
	uint8_t *nl = l->end == l->scanned ?
	    NULL :
	    memchr(l->data + l->scanned, '\n', l->end - l->scanned);

	if (nl != NULL)
		return line_splitter_complete(l,
		    (size_t)(nl - l->data) - l->start, 1, ret_line, ret_len);
	l->scanned = l->end;
	if (l->skipping || l->end - l->start > l->max) {
		l->skipping = true;
		l->skipped += l->end - l->start;
		l->start = l->end;
	}
	return EVT_LINE_SPLITTER_MORE;
}

enum evt_line_splitter_state
evt_line_splitter_last(evt_line_splitter *l, uint8_t **ret_line,
    uint64_t *ret_len)
{
	if (!l->skipping && l->end == l->start)
		return EVT_LINE_SPLITTER_MORE;
	return line_splitter_complete(l, l->end - l->start, 0, ret_line,
	    ret_len);
}

void
evt_line_splitter_free(evt_line_splitter *l)
{
	free(l->data);
	*l = (evt_line_splitter){ .max = l->max };
}
