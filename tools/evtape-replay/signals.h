/*
 * signals.h - signals, as flags and a descriptor to wait for.
 *
 * A signal interrupts system calls that wait, and makes the descriptor readable.
 * So a loop misses no signal that comes between its check of a flag and its
 * poll().
 */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_SIGNALS_H
#define EVT_TOOLS_EVTAPE_REPLAY_SIGNALS_H

#include <stdbool.h>

#include "format/evtape.h"

/* Take SIGINT, SIGTERM and SIGHUP as requests to stop, record SIGCONT, ignore
 * SIGPIPE.  Errors: EVT_ERR_IO. */
int signals_open(evt_error *err);
/* Back to the default actions. */
void signals_close(void);

/* Readable if a signal came since the last signals_clear(). */
int signals_fd(void);
void signals_clear(void);

/* Call fn in the signal handler of each request to stop: fn must be
 * async-signal-safe.  NULL: call nothing. */
void signals_on_stop(void (*fn)(void *ctx), void *ctx);

/* Whether there was a request to stop. */
bool signals_stop(void);
/* Whether SIGCONT came since the last call. */
bool signals_continued(void);
/* Whether Ctrl-Z (SIGTSTP) came since the last call.  It suspends the program as
 * usual until signals_take_suspend() is called. */
bool signals_suspend(void);
void signals_take_suspend(void);
/* Suspend the program now, as Ctrl-Z would have; returns on SIGCONT. */
void signals_do_suspend(void);

#endif
