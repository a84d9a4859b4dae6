/*
 * service.h - evtape-record under a service manager.
 *
 * READY=1 is sent when the tape is open and the recording runs.  Whether the
 * feed can be reached plays no part in it: the recorder is there to wait for
 * it, and a unit that fails for that would be given up on.
 *
 * WATCHDOG=1 is sent while the recorder's threads get on.  A tape that cannot
 * be written to, or a disk that does not answer, is no reason to leave it out:
 * the recorder holds frames in memory until the disk is back, and they would
 * go with the process.
 *
 * Times are CLOCK_BOOTTIME.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_SERVICE_H
#define EVT_TOOLS_EVTAPE_RECORD_SERVICE_H

#include "record/recorder.h"
#include "tools/cli.h"
#include "tools/sd_notify.h"

typedef struct service {
	sd_notify to;
	int64_t ping_ns;   /* the next WATCHDOG=1, INT64_MAX: none is wanted */
	int64_t status_ns; /* the next STATUS= */
	evt_status_figures shown; /* what it was told of */
	bool stopping;
} service;

/* Warns where the environment is wrong. */
void service_open(service *s, const cli_command *cmd);
void service_close(service *s);

/* The recording runs. */
void service_ready(service *s);
/* It is being ended; said once. */
void service_stopping(service *s);

/* When service_turn() has something to do; INT64_MAX: never. */
int64_t service_due(const service *s);
void service_turn(service *s, evt_recorder *r);

#endif
