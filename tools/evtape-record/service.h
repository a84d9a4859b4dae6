/*
 * service.h - evtape-record under a service manager.
 *
 * READY=1 is sent when the tape is open and the recording runs, even if the feed
 * cannot be reached: the recorder waits for the feed, and the service manager
 * would give up a unit that failed for that reason.
 *
 * WATCHDOG=1 is sent while the recorder's threads make progress.  It is also
 * sent if the tape cannot be written to or the disk does not answer: the
 * recorder holds frames in memory until the disk is back, and they would be
 * lost with the process.
 *
 * Times are CLOCK_BOOTTIME, in ns.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_SERVICE_H
#define EVT_TOOLS_EVTAPE_RECORD_SERVICE_H

#include "record/recorder.h"
#include "tools/cli.h"
#include "tools/sd_notify.h"

typedef struct service {
	sd_notify to;
	int64_t ping_ns;          /* the next WATCHDOG=1; INT64_MAX: never */
	int64_t status_ns;        /* the next STATUS= */
	evt_status_figures shown; /* the figures of the last STATUS= */
	bool stopping;
} service;

/* Warns if the environment is invalid. */
void service_open(service *s, const cli_command *cmd);
void service_close(service *s);

/* The recording runs. */
void service_ready(service *s);
/* The recording is being ended; sent once. */
void service_stopping(service *s);

/* When service_turn() has something to do; INT64_MAX: never. */
int64_t service_due(const service *s);
void service_turn(service *s, evt_recorder *rec);

#endif
