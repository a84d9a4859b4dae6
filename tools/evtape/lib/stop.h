/*
 * stop.h - a clean stop by signal.
 *
 * A command that writes to stdout dies of SIGINT and SIGTERM like any program.  A
 * command that makes a file or a tape must remove the incomplete one first:
 * output_file_open() and newtape_open() block these signals, and
 * loops poll stop_requested().
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_STOP_H
#define EVT_TOOLS_EVTAPE_LIB_STOP_H

#include <stdbool.h>

/* From now on, SIGINT and SIGTERM are requests for a clean stop. */
void stop_catch_signals(void);
/* 128 plus the number of the signal that was received; 0: no signal. */
int stop_requested(void);
/* Whether there was one. */
bool stop_asked(void);

#endif
