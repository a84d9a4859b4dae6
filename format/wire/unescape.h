/*
 * unescape.h - a text without its escapes, and where each byte of it comes from.
 *
 * One secret may be written in many ways: percent-encoded, escaped as in JSON, as
 * HTML entities, and one of these within another.  Here all of them become the
 * same bytes.  Escapes are undone until none is left: %253D, \u00253D and &#37;3D
 * all become "=".  Backslashes vanish, and a control character becomes the letter
 * that JSON escapes it with, so that "\n" and a line feed are both "n".  A text that
 * only looks escaped is changed like any other; so a text that is searched for must
 * be unescaped, too.
 *
 * The text comes in byte by byte.  Its beginning can be taken away at any time.
 */
#ifndef EVT_FORMAT_WIRE_UNESCAPE_H
#define EVT_FORMAT_WIRE_UNESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for so many unescaped bytes. */
#define EVT_UNESCAPE_ROOM 16384u
/* A byte adds at most this many. */
#define EVT_UNESCAPE_STEP 4u
/* The last bytes may still become something else with what follows. */
#define EVT_UNESCAPE_LAST 16u

/* Backslashes before a byte. */
enum evt_unescape_slash {
	EVT_UNESCAPE_NONE,
	EVT_UNESCAPE_RAW,     /* one or more of the original */
	EVT_UNESCAPE_DECODED, /* what an escape stands for */
	EVT_UNESCAPE_BOTH     /* the latter, then the former */
};

/* Begin with `n` and `slash` zero. */
typedef struct evt_unescape {
	uint8_t text[EVT_UNESCAPE_ROOM];
	/* Where in the original a byte's escape begins; from[n]: where the text
	 * ends, after evt_unescape_end(). */
	size_t from[EVT_UNESCAPE_ROOM + 1];
	uint8_t escaped[EVT_UNESCAPE_ROOM]; /* evt_unescape_slash before it */
	size_t n;
	enum evt_unescape_slash
	    slash;         /* the original so far ends with these, */
	size_t slash_from; /* which begin there */
} evt_unescape;

/* Add the byte `c` from the place `at`.  There must be room for
 * EVT_UNESCAPE_STEP bytes. */
void evt_unescape_add(evt_unescape *u, uint8_t c, size_t at);

/* Set from[n]; the original ends, or goes on, at `at`. */
void evt_unescape_end(evt_unescape *u, size_t at);

/* Take the beginning away, all but the last `keep` bytes.  If more of the text
 * follows, `keep` must be EVT_UNESCAPE_LAST at least. */
void evt_unescape_keep(evt_unescape *u, size_t keep);

#endif
