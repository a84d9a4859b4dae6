/*
 * blockcopy.h - copy the frames of a tape to new tapes.  A block whose frames
 * are all wanted is copied whole, neither unpacked nor compressed again.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_BLOCKCOPY_H
#define EVT_TOOLS_EVTAPE_LIB_BLOCKCOPY_H

#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/newtape.h"

/* A whole block, or one frame. */
typedef struct blockcopy_span {
	uint64_t first_seq; /* on the tape that is copied */
	uint32_t frames;
	int64_t first_ns, last_ns; /* least and greatest receive time */
	int64_t time_ns, mono_ns;  /* of the first frame */
} blockcopy_span;

typedef struct blockcopy {
	const cli_command *cmd;
	evt_tape *tape;
	const evt_filter *filter;
	/*
	 * Set *ret_to to the tape that takes `next`; it may be opened now.
	 * NULL, for a block: offer its frames one by one.  Errors: as of
	 * newtape_open().
	 */
	int (*target)(void *ctx, const blockcopy_span *next, newtape **ret_to,
	    evt_error *err);
	void *ctx;
} blockcopy;

/* Copy everything that passes the filter.  Returns an exit code as
 * frame_loop_run() does. */
int blockcopy_run(const blockcopy *copy);

#endif
