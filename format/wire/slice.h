/*
 * slice.h - a part of a text, for parsers of the network's text formats.
 *
 * A slice points into a text and is not NUL-terminated.
 */
#ifndef EVT_FORMAT_WIRE_SLICE_H
#define EVT_FORMAT_WIRE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct evt_slice {
	const char *p;
	size_t n;
} evt_slice;

/* Remove the text before the separator, and the separator, from *rest, and return
 * that text; without a separator, all of it. */
static inline evt_slice
evt_slice_cut(evt_slice *rest, char separator)
{
	const char *at =
	    rest->n > 0 ? memchr(rest->p, separator, rest->n) : NULL;
	evt_slice s = { rest->p,
		at != NULL ? (size_t)(at - rest->p) : rest->n };
	size_t over = at != NULL ? s.n + 1 : s.n;

	rest->p += over;
	rest->n -= over;
	return s;
}

/* Whether the slice equals the text, in upper or lower case. */
static inline bool
evt_slice_is(evt_slice s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

/* Copy the slice into `out`, which has `size` bytes, and end it with a NUL.
 * false: it does not fit. */
static inline bool
evt_slice_copy(evt_slice s, char *out, size_t size)
{
	if (s.n >= size)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

#endif
