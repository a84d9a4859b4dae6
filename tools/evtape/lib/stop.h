/*
 * stop.h - a clean stop by signal.
 *
 * Commands that write to stdout die of SIGINT and SIGTERM as any program does.
 * Those that make a file or a tape have to remove the half of it first:
 * output_file_open() and newtape_open() take these signals for them, and
 * their loops ask stop_requested().
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_STOP_H
#define EVT_TOOLS_EVTAPE_LIB_STOP_H

/* Take SIGINT and SIGTERM as requests for a clean stop from now on. */
void stop_catch_signals(void);
/* 128 + the number of the signal that asks to stop, 0: none. */
int stop_requested(void);

#endif
