/* filter.h - compile a filter, and find the frames that pass it. */
#ifndef EVT_FORMAT_READ_FILTER_H
#define EVT_FORMAT_READ_FILTER_H

#include "format/store/block.h"
#include "format/base/key_table.h"
#include "format/evtape.h"

/* A compiled filter.  All zero is valid: every frame passes. */
typedef struct evt_filter_match {
	evt_filter filter; /* its strings point into the lists below; it has no
	                      source_types: source_set has */
	char **sources, **events;
	evt_key_table source_set, event_set;
} evt_filter_match;

/* The frames of a block that pass.  Zero-initialised is valid and empty.  Its
 * memory is used again for the next block. */
typedef struct evt_filter_matched {
	uint32_t *frame; /* their numbers in the block, ascending */
	size_t n, cap;
	bool *sources; /* scratch: by number in the block */
	bool *events;
	size_t cap_sources, cap_events;
} evt_filter_matched;

/* Compile a filter, whose strings are copied.  NULL: every frame passes.
 * Errors: EVT_ERR_ARG (a key is too long), EVT_ERR_NOMEM. */
int evt_filter_match_init(evt_filter_match *m, const evt_filter *filter,
    evt_error *err);
void evt_filter_match_free(evt_filter_match *m);

/* Whether any frame can pass of a block that holds frames from min_ns to max_ns
 * (UTC, ns) with sequence numbers below end_seq. */
bool evt_filter_match_range(const evt_filter_match *m, int64_t min_ns,
    int64_t max_ns, uint64_t end_seq);

/* Whether the frame passes. */
bool evt_filter_match_frame(const evt_filter_match *m, const evt_frame *f);

/* Find the frames of the block that pass and have a sequence number of from_seq
 * or more.  Errors: EVT_ERR_NOMEM. */
int evt_filter_match_block(const evt_filter_match *m, const evt_block *b,
    uint64_t from_seq, evt_filter_matched *out, evt_error *err);
void evt_filter_matched_free(evt_filter_matched *m);

#endif
