/*
 * source_id.h - source ids as people write and read them.
 *
 * An id may hold any bytes but NUL, and 1 and "1" are two ids.  The written form
 * is the id itself, but for these:
 *
 *   \,  \\          a comma, a backslash; \ before any other character than
 *                   n r t x stands for that character
 *   \n \r \t \xHH   a line feed, carriage return, tab; the byte with hex value HH
 *   "1"             the text 1.  A text in quotes is one id, commas are part of
 *                   it, and \" is a quote in it
 *   \"...           an id that begins with a quote
 *   label:TEXT      the sources of the trackers with this label; \label:TEXT is
 *                   an id that begins with "label:"
 *
 * A list has commas between its ids.  A number without quotes is the integer,
 * or the text if there is no such integer.
 */
#ifndef EVT_FORMAT_KEYS_SOURCE_ID_H
#define EVT_FORMAT_KEYS_SOURCE_ID_H

#include <stdbool.h>

#include "format/base/buf.h"
#include "format/evtape.h"

/* What kind of id an element of a list has. */
enum evt_source_id_kind {
	EVT_SOURCE_ID_ANY,  /* an id, integer or text */
	EVT_SOURCE_ID_TEXT, /* a text: it had quotes */
	EVT_SOURCE_ID_LABEL /* a tracker's label */
};

/* Append the written form of an id.  false: out of memory. */
bool evt_source_id_write(evt_buf *out, const evt_key *key);

/*
 * Read the next element of the list at *text, which is moved past it and its
 * comma.  The id, or the label, replaces the contents of `out`, with a NUL after
 * its last byte (out->len counts that).  Empty elements are skipped.
 * EVT_END: there are no more.  Errors: EVT_ERR_ARG (a quote without its end, a
 * bad \x, an id longer than EVT_KEY_MAX), EVT_ERR_NOMEM.
 */
int evt_source_id_next(const char **text, evt_buf *out,
    enum evt_source_id_kind *ret_kind, evt_error *err);

/* Whether the text is an integer's, as a frame's key has it. */
bool evt_source_id_is_number(const char *text, size_t len);

#endif
