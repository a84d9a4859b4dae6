/* mark_words.h - marks in words, for people. */
#ifndef EVT_TOOLS_EVTAPE_LIB_MARK_WORDS_H
#define EVT_TOOLS_EVTAPE_LIB_MARK_WORDS_H

#include <stdbool.h>

#include "format/base/buf.h"

/*
 * Append what a mark says: "connected to wss://…, attempt 2".  `opcode`: enum
 * evt_mark.  `json`: its payload.  Members that are missing or have another type
 * than docs/format.md says are left out; a mark that is not known, or is no JSON
 * object, is appended as it is.  The words may hold any character of the tape: show
 * them through print_line().  false: out of memory.
 */
bool mark_words_add(evt_buf *out, unsigned opcode, const char *json);

#endif
