/*
 * scrub_tally.h - counts what `evtape scrub` changed: how many values at each
 * JSON pointer, with an asterisk in place of array indexes.
 */
#ifndef EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TALLY_H
#define EVT_TOOLS_EVTAPE_SCRUB_SCRUB_TALLY_H

#include "format/base/buf.h"
#include "format/base/json_write.h"
#include "format/base/key_table.h"

enum scrub_action {
	SCRUB_ID,
	SCRUB_PLACE,
	SCRUB_HEADING,
	SCRUB_ALTITUDE,
	SCRUB_TIME,
	SCRUB_BLOTTED,
	SCRUB_DROPPED,
	SCRUB_KEPT,
	SCRUB_N
};

/* Zero-initialised is a valid empty tally. */
typedef struct scrub_tally {
	evt_key_table where; /* a letter for the action, and the pointer */
	uint64_t *count;
	size_t cap;
	uint32_t *noted; /* numbers in `where` */
	size_t n_noted, cap_noted;
} scrub_tally;

void scrub_tally_free(scrub_tally *t);

/* Note that the value at the pointer (n bytes) was changed.  It is counted by
 * the next scrub_tally_count().  false: out of memory. */
bool scrub_tally_note(scrub_tally *t, enum scrub_action action,
    const char *pointer, size_t n);
/* Count what was noted since the last call; not `real`: forget it. */
void scrub_tally_count(scrub_tally *t, bool real);

/* Append it as a table.  false: out of memory. */
bool scrub_tally_table(const scrub_tally *t, evt_buf *out);
/* Write it as an array `name` of {"action":...,"pointer":...,"values":N}.  false:
 * out of memory, and nothing was written. */
bool scrub_tally_json(const scrub_tally *t, const char *name,
    evt_json_write *w);

#endif
