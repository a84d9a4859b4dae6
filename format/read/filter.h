/* match.h - a filter, compiled: which frames pass it. */
#ifndef EVT_FORMAT_READ_FILTER_H
#define EVT_FORMAT_READ_FILTER_H

#include "format/store/block.h"
#include "format/base/key_table.h"
#include "format/evtape.h"

typedef struct evt_filter_match {
	evt_filter filter; /* its strings point into the lists below */
	char **sources, **events;
	evt_key_table source_set, event_set;
} evt_filter_match;

/* The frames of a block that pass.  Zero is a valid empty one; it keeps its
 * memory from block to block. */
typedef struct evt_filter_matched {
	uint32_t *frame; /* their places in the block */
	size_t n, cap;
	bool *sources; /* scratch: by place in a block's dictionary */
	bool *events;
	size_t cap_sources, cap_events;
} evt_filter_matched;

/* filter NULL: everything passes.  Errors: EVT_ERR_NOMEM, EVT_ERR_ARG. */
int evt_filter_match_init(evt_filter_match *m, const evt_filter *filter,
    evt_error *err);
void evt_filter_match_free(evt_filter_match *m);

/* Whether any frame of a block with these times, ending before end_seq, can
 * pass. */
bool evt_filter_match_range(const evt_filter_match *m, int64_t min_ns,
    int64_t max_ns, uint64_t end_seq);

bool evt_filter_match_frame(const evt_filter_match *m, const evt_frame *f);

/* The frames of the block that pass and have the sequence number from_seq or a
 * later one. */
int evt_filter_match_block(const evt_filter_match *m, const evt_block *b,
    uint64_t from_seq, evt_filter_matched *out, evt_error *err);
void evt_filter_matched_free(evt_filter_matched *m);

#endif
