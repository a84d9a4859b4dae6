/*
 * blockcopy.h - copy a tape's frames into new ones, whole blocks at a time
 * where nothing in them is left out: these are neither unpacked nor compressed
 * again.
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
	 * The tape that takes what comes next, which may be made now.  NULL,
	 * for a block: its frames must be looked at one by one.  Errors as of
	 * newtape_open().
	 */
	int (*target)(void *ctx, const blockcopy_span *next, newtape **ret_to,
	    evt_error *err);
	void *ctx;
} blockcopy;

/* Copy all that passes the filter; the exit code, as of frame_loop_run(). */
int blockcopy_run(const blockcopy *copy);

#endif
