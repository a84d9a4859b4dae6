/*
 * shown.h - show text of a feed, a tape or a peer to a person.
 *
 * A terminal obeys control characters, so such text must not hold any: it could
 * recolour, retitle, or rewrite what is on the screen, and a line break would make
 * one value look like two.
 */
#ifndef EVT_FORMAT_BASE_SHOWN_H
#define EVT_FORMAT_BASE_SHOWN_H

#include "format/base/buf.h"

/* How many bytes at p are a character that can be shown as it is; 0: it, or the byte
 * that begins no character, has to be escaped. */
size_t evt_shown_length(const char *p, size_t n);

/*
 * Append the n bytes at p, then spaces until at least `width` bytes were appended.
 * Control characters, line separators and characters that turn the direction of
 * writing become \uXXXX as in JSON, and bytes that are not UTF-8 become \xXX.
 * Everything else stays.  false: out of memory.
 */
bool evt_shown_add(evt_buf *out, const char *p, size_t n, size_t width);

/* The same for text of several lines: line feeds and tabs stay. */
bool evt_shown_add_lines(evt_buf *out, const char *p, size_t n);

#endif
