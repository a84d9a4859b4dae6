/*
 * check.h - evtape-record --check: whether a recording would work.
 *
 * Nothing on the disk is changed and no tape is made.  The feed is connected
 * to as a recording would, and left again.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_CHECK_H
#define EVT_TOOLS_EVTAPE_RECORD_CHECK_H

#include "tools/evtape-record/options.h"

/* Check and print; the exit code: CLI_DONE, or CLI_FAILED if anything would
 * keep it from recording. */
int check_run(const options *o, const evt_recorder_options *ro);

/* ---- for the parts of the check ------------------------------------------ */

enum check_result { CHECK_OK, CHECK_WARNING, CHECK_FAILED };

typedef struct check {
	const options *o;
	const evt_recorder_options *ro;
	unsigned warnings, failures;
} check;

/* One line: what was looked at, and what was found, why, and what to do. */
void check_say(check *c, enum check_result result, const char *what,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* check_disk.c: the tape and its disk. */
void check_disk(check *c);

/* check_feed.c: name, connection, TLS, handshake, subscription. */
void check_feed(check *c);

#endif
