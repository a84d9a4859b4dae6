/*
 * find_text.h - text without regard to case, for `~`.
 *
 * Folded text has small letters in place of capitals: ASCII, Latin with accents,
 * Greek and Cyrillic.  Other characters, and bytes that are not UTF-8, stay.
 */
#ifndef EVT_FORMAT_FIND_FIND_TEXT_H
#define EVT_FORMAT_FIND_FIND_TEXT_H

#include <stdbool.h>

#include "format/base/buf.h"

/* Append the n bytes at p, folded.  false: out of memory. */
bool evt_find_text_fold(evt_buf *out, const void *p, size_t n);

#endif
