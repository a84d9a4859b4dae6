/*
 * torture.h - the results of fault tests, for the reliability report.
 *
 * `make torture` sets EVTAPE_TORTURE to a file; each test of faults adds a
 * line of JSON to it, from which docs/reliability.md's table is made.  With it
 * set, a test also takes its full size; CI runs a share of it.
 */
#ifndef EVT_TESTS_UNIT_LIB_TORTURE_H
#define EVT_TESTS_UNIT_LIB_TORTURE_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this is the full run. */
bool torture_full(void);

/*
 * Report one kind of fault, in the words of a reader: how often it was tried,
 * how many frames the promise covered over all tries (synced, committed, or
 * intact, as the fault's own words say), and how many of these were lost,
 * altered or came twice.  Does nothing outside the full run.  Fails the test
 * if it cannot write.
 */
void torture_report(const char *fault, uint64_t tried, uint64_t frames,
    uint64_t lost);

#endif
