/*
 * prefetch.h - load a cursor's next blocks, on a thread if asked to.
 *
 * At most three blocks are held: the one whose frames the cursor returns, and
 * the next two.  If the cursor has to wait for the first of these two, its own
 * thread loads the second one meanwhile.  If few frames pass the filter, loading
 * is nearly all the work, and takes half the time on two processors.
 *
 * Without a thread a block is loaded by the wait for it, so that one block ahead
 * is enough.
 */
#ifndef EVT_FORMAT_READ_PREFETCH_H
#define EVT_FORMAT_READ_PREFETCH_H

#include "format/read/filter.h"
#include "format/store/segment.h"

/* A block that was loaded, and what to load. */
typedef struct evt_prefetch_result {
	evt_block block;
	evt_filter_matched match; /* the frames that pass the filter */
	evt_buf raw;
	int code; /* the result of loading it; on failure `err` is set */
	evt_error err;
	/* What to load. */
	const evt_io *io;
	int fd;
	const char *name;
	evt_segment_block ref;
	uint64_t from_seq; /* frames before it do not pass */
} evt_prefetch_result;

typedef struct evt_prefetch evt_prefetch;

/* `match` must outlive the prefetch, and may be changed only while no block is
 * pending.  Errors: EVT_ERR_NOMEM. */
int evt_prefetch_new(const evt_filter_match *match, bool threaded,
    evt_prefetch **ret_fetch, evt_error *err);
void evt_prefetch_free(evt_prefetch *f);

/* Begin to load a block; does nothing if there is no room.  `io`, `fd` and
 * `name` must stay valid until the block was waited for or dropped. */
void evt_prefetch_start(evt_prefetch *f, const evt_io *io, int fd,
    const char *name, const evt_segment_block *ref, uint64_t from_seq);

/* The number of blocks that were started and not waited for, and whether there
 * is room for one more. */
size_t evt_prefetch_pending(const evt_prefetch *f);
bool evt_prefetch_has_room(const evt_prefetch *f);

/* Wait for the first pending block.  It stays until the next wait.  A block must
 * be pending. */
evt_prefetch_result *evt_prefetch_wait(evt_prefetch *f);
/* Discard all pending blocks. */
void evt_prefetch_drop(evt_prefetch *f);

#endif
