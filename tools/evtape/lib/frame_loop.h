/*
 * frame_loop.h - the loop of commands that read the frames of tapes, with
 * warnings about damage, progress on a terminal, a clean stop by signal, and a
 * report if no frame was found.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_FRAME_LOOP_H
#define EVT_TOOLS_EVTAPE_LIB_FRAME_LOOP_H

#include "tools/cli.h"
#include "tools/evtape/lib/progress.h"
#include "tools/evtape/lib/stop.h"
#include "tools/filter.h"

/*
 * Called with each frame, which is valid during the call.  Returns EVT_OK to
 * continue, EVT_END to stop; an error, with its text in *err, fails the loop.
 */
typedef int (*frame_loop_fn)(void *ctx, const evt_frame *f, evt_error *err);

typedef struct frame_loop {
	const cli_command *cmd;
	evt_tape *const *tapes;
	size_t n_tapes;
	const evt_filter *filter; /* NULL: all frames */
	bool follow;              /* at the end of a live tape, wait for more */
	bool prints;              /* `frame` prints to stdout (progress.h) */
	bool verbose; /* report at the end how many blocks were read */
	/* Do not report that no frame was found (not_found.h): the caller
	 * reads in several loops, and reports it itself. */
	bool may_be_empty;
	uint64_t *ret_found; /* how many frames were found; may be NULL */
	frame_loop_fn frame;
	/* With `follow`: called before each wait, to show what is buffered;
	 * may be NULL.  Returns as `frame` does. */
	int (*idle)(void *ctx, evt_error *err);
	void *ctx;
} frame_loop;

/*
 * Read the frames.  Damaged blocks are skipped with a warning.  Returns CLI_DONE,
 * CLI_LOSSES (blocks were damaged), CLI_FAILED (the reason was printed), or 128
 * plus the number of the signal that stopped it.
 */
int frame_loop_run(const frame_loop *each);

#endif
