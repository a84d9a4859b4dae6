/* tape.h - the inside of evt_tape, for the reading half of the library. */
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
	size_t n_segments;
	evt_index *index; /* NULL: none that can be used */
	enum evt_index_state index_state;
	/* What evt_tape_last_before() points into. */
	evt_block block;
	evt_buf raw;
	evt_buf copy;
	evt_key *keys;
};

/* evt_tape_open() on other file operations, which must outlive it. */
int evt_tape_open_io(const char *path, const evt_io *io, evt_tape **ret_tape,
    evt_error *err);

/* Learn of segments and blocks that came since.  The array may move, what
 * stood in it stays at its place. */
int evt_tape_refresh(evt_tape *t, evt_error *err);

/* Sequence number behind the last frame that is in a segment. */
uint64_t evt_tape_end_seq(const evt_tape *t);

/* Add up what is on the tape: the totals, and of the lists at least those of
 * EVT_INFO_ALL that are asked for.  *ret_damaged counts bad places. */
int evt_tape_gather(evt_tape *t, unsigned lists, evt_summary *sum,
    uint64_t *ret_damaged, evt_error *err);

/*
 * Give each whole record of the journal with a sequence number of from_seq or
 * more to fn(), in their order, until one returns something else than EVT_OK.
 */
int evt_tape_each_open(evt_tape *t, uint64_t from_seq,
    int (*fn)(void *ctx, const evt_frame *f, evt_error *err), void *ctx,
    evt_error *err);

#endif
