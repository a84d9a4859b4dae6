/*
 * status.h - what evtape-record shows while it runs, and at the end.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_STATUS_H
#define EVT_TOOLS_EVTAPE_RECORD_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/recorder.h"

typedef struct status status;

/*
 * json: a JSON object a line on stdout.  quiet: only warnings and errors on
 * stderr.  Else, on a terminal, a line that is redrawn in place on stderr.
 * NULL: out of memory.
 */
status *status_new(const char *program, bool json, bool quiet);
void status_free(status *s);

/* An evt_recorder_options.event; ctx is the status.  From any thread. */
void status_event(void *ctx, enum evt_status_event event, const char *text);

/* "connected" and so on. */
const char *status_state(enum evt_status_state state);

/* Show the present state: about once a second. */
void status_show(status *s, const evt_status_figures *stats);
/* The summary. */
void status_end(status *s, const char *tape, const evt_recorder_result *result);

#endif
