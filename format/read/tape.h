/* tape.h - struct evt_tape, for the files of format/read/, tools that copy
 * blocks, and tests. */
#ifndef EVT_FORMAT_READ_TAPE_H
#define EVT_FORMAT_READ_TAPE_H

#include "format/evtape.h"
#include "format/index/index.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

struct evt_tape {
	const evt_io *io;
	char *path, *journal_dir;
	evt_segment *segments; /* by number, loaded */
	size_t n_segments, cap_segments;
	evt_index *index; /* NULL: no usable index */
	enum evt_index_state index_state;
	/* Memory of the frame that evt_tape_last_before() returns. */
	evt_block block;
	evt_buf raw;
	evt_buf copy;
	evt_key *keys;
	size_t cap_keys;
};

/* evt_tape_open() with other file operations, which must outlive the tape. */
int evt_tape_open_io(const char *path, const evt_io *io, evt_tape **ret_tape,
    evt_error *err);

/* Find the segments and blocks that were added since the last call.  The array
 * `segments` may move; the segments in it keep their numbers.
 * Errors: EVT_ERR_VERSION, _IO, _NOMEM. */
int evt_tape_refresh(evt_tape *t, evt_error *err);

/* The sequence number after the last frame that is in a segment. */
uint64_t evt_tape_end_seq(const evt_tape *t);

/* Add the whole tape to a summary: the totals, and at least the lists that
 * `lists` names (bits of EVT_INFO_ALL).  *ret_damaged: number of damaged
 * places. */
int evt_tape_gather(evt_tape *t, unsigned lists, evt_summary *sum,
    uint64_t *ret_damaged, evt_error *err);

/*
 * Call fn() for each complete record of the journal with a sequence number of
 * from_seq or more, in order.  Stops when fn() returns something else than
 * EVT_OK, and returns that.
 */
int evt_tape_each_open(evt_tape *t, uint64_t from_seq,
    int (*fn)(void *ctx, const evt_frame *f, evt_error *err), void *ctx,
    evt_error *err);

#endif
