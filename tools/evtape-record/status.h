/*
 * status.h - the status that evtape-record shows while it runs, and at the end.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_STATUS_H
#define EVT_TOOLS_EVTAPE_RECORD_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/recorder.h"

typedef struct status status;

/*
 * `json`: print JSON objects on stdout, one a line.  `quiet`: print only warnings
 * and errors on stderr.  Without both, on a terminal, show a status line on
 * stderr that is redrawn in place.  NULL: out of memory.
 */
status *status_new(const char *program, bool json, bool quiet);
void status_free(status *s);

/* An evt_recorder_options.event; ctx is the status.  From any thread. */
void status_event(void *ctx, enum evt_status_event event, const char *text);

/* Show the figures.  To be called about once a second. */
void status_show(status *s, const evt_status_figures *stats);
/* Print the summary. */
void status_end(status *s, const char *tape, const evt_recorder_result *result);

#endif
