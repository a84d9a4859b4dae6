/*
 * blockcopy.h - copy a tape's frames into new ones, whole blocks at a time
 * where nothing in them is left out: these are neither unpacked nor compressed
 * again.
 */
#ifndef EVT_TOOL_BLOCKCOPY_H
#define EVT_TOOL_BLOCKCOPY_H

#include "tools/evtape/each.h"
#include "tools/evtape/newtape.h"

typedef struct blockcopy {
	const cli_command *cmd;
	evt_tape *tape;
	const evt_filter *filter;
	/*
	 * The tape that takes frames received between first_ns and last_ns,
	 * which may be made now: of a whole block, or of one frame (then both
	 * are its time).  NULL, for a block: its frames must be looked at one
	 * by one.  Errors as of tool_newtape_open().
	 */
	int (*target)(void *ctx, int64_t first_ns, int64_t last_ns,
	    tool_newtape **ret_to, evt_error *err);
	void *ctx;
} blockcopy;

/* Copy all that passes the filter; the exit code, as of tool_each_run(). */
int blockcopy_run(const blockcopy *copy);

#endif
