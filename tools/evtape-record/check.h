/*
 * check.h - evtape-record --check: check whether a recording would work.
 *
 * The check changes nothing on the disk and makes no tape.  It connects to the
 * feed as a recording would, and disconnects again.
 */
#ifndef EVT_TOOLS_EVTAPE_RECORD_CHECK_H
#define EVT_TOOLS_EVTAPE_RECORD_CHECK_H

#include "tools/evtape-record/options.h"

/* Check and print.  Returns the exit code: CLI_FAILED if anything would keep the
 * recording from working, else CLI_DONE. */
int check_run(const options *o, const evt_recorder_options *ro);

/* ---- for the parts of the check ------------------------------------------ */

enum check_result {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_FAILED,
	CHECK_RESULTS /* how many there are */
};

typedef struct check {
	const options *o;
	const evt_recorder_options *ro;
	unsigned warnings, failures;
} check;

/* Print one line.  `what`: what was checked; the text: the result, why, and what
 * to do. */
void check_say(check *c, enum check_result result, const char *what,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* check_disk.c: the tape and its disk. */
void check_disk(check *c);

/* check_feed.c: name, connection, TLS, handshake, subscription. */
void check_feed(check *c);

#endif
