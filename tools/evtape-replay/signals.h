/*
 * signals.h - signals, as flags and a descriptor to wait for.
 *
 * System calls that wait are interrupted; loops that poll find the descriptor
 * readable, so that no signal is missed between a look at a flag and the wait.
 */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_SIGNALS_H
#define EVT_TOOLS_EVTAPE_REPLAY_SIGNALS_H

#include <stdbool.h>

#include "format/evtape.h"

/* Take SIGINT, SIGTERM and SIGHUP as requests to stop, note SIGCONT, ignore
 * SIGPIPE.  Errors: EVT_ERR_IO. */
int signals_open(evt_error *err);
void signals_close(void);

/* Readable when a signal came that signals_clear() has not seen. */
int signals_fd(void);
void signals_clear(void);

/* Called from the handler when a request to stop comes; only what is safe
 * there.  fn may be NULL. */
void signals_on_stop(void (*fn)(void *ctx), void *ctx);

/* Whether the program is asked to stop. */
bool signals_stop(void);
/* Whether it was continued since the last call. */
bool signals_continued(void);
/* Whether the terminal asked for a stop (Ctrl-Z) since the last call.  It is
 * taken only after signals_take_suspend(). */
bool signals_suspend(void);
void signals_take_suspend(void);
/* Stop now, as Ctrl-Z would have; returns when continued. */
void signals_do_suspend(void);

#endif
