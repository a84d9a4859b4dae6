/*
 * each.h - what commands that go through frames share: the loop, with its
 * warnings, its progress on a terminal and its clean stop.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_FRAME_LOOP_H
#define EVT_TOOLS_EVTAPE_LIB_FRAME_LOOP_H

#include "tools/cli.h"
#include "tools/evtape/lib/progress.h"
#include "tools/evtape/lib/stop.h"
#include "tools/filter.h"

/*
 * Told of each frame; what it points to is valid during the call.  EVT_OK: go
 * on.  EVT_END: enough.  Any other code, with words: that ends it as failed.
 */
typedef int (*frame_loop_fn)(void *ctx, const evt_frame *f, evt_error *err);

typedef struct frame_loop {
	const cli_command *cmd;
	evt_tape *const *tapes;
	size_t n_tapes;
	const evt_filter *filter; /* NULL: all */
	bool follow;  /* at the end for now, wait for more (live tapes) */
	bool verbose; /* tell at the end how many blocks were read */
	frame_loop_fn frame;
	/* With follow: told before it waits, to show what there is.  NULL:
	 * nothing.  As for frame. */
	int (*idle)(void *ctx, evt_error *err);
	void *ctx;
} frame_loop;

/*
 * Go through the frames.  Damaged blocks are warned of and passed.  Returns
 * CLI_DONE, CLI_LOSSES (blocks were damaged), CLI_FAILED (words were said), or
 * 128 + the signal's number if one ended it.
 */
int frame_loop_run(const frame_loop *each);

#endif
