/*
 * progress.h - how far a long command is, as a line on stderr: "evtape cut:
 * 40 %, 3 s left".
 *
 * The line appears after one second, and only if stderr is a terminal.  A command
 * that prints data meanwhile shows none if stdout is a terminal too.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_PROGRESS_H
#define EVT_TOOLS_EVTAPE_LIB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/cli.h"

typedef struct progress {
	bool
	    shown; /* stderr is a terminal, and the data is written elsewhere */
	bool drawn; /* a line is on the terminal now */
	int64_t start_ns, next_ns;
} progress;

/* `prints`: the command prints to stdout before progress_end(). */
progress progress_begin(bool prints);
/* Redraw the line if it is time to.  `fraction`: how much is done, 0 to 1. */
void progress_at(progress *p, const cli_command *cmd, double fraction);
/* Erase the line, so that something else can be printed.  progress_at() may
 * draw it again. */
void progress_end(progress *p);

#endif
