/*
 * fail_alloc.h - let the n-th call to the system fail, for n = 1, 2, 3...
 *
 * Unit tests are linked so that calls of the sources go through this module:
 * allocations (cJSON's too), the start of a thread, SQLite's memory, and calls
 * that read files. All calls pass until failing_each() makes one fail.
 */
#ifndef EVT_TESTS_UNIT_LIB_FAIL_ALLOC_H
#define EVT_TESTS_UNIT_LIB_FAIL_ALLOC_H

enum failing {
	FAILING_MEMORY,   /* our allocations, cJSON's, zstd's, and threads */
	FAILING_DATABASE, /* SQLite's allocations */
	FAILING_READS     /* open, opendir, pread, read: EIO */
};

/*
 * To be called first in main(), before SQLite is used: sends its allocations
 * and cJSON's through here.  Tests that do the same thousands of times want no
 * disk either: tapes are then made in memory where there is such a place.
 */
void failing_begin(void);

/*
 * Call run(arg) with the first call of that kind failing, then with the call
 * `step` calls later, and so on until run() makes too few calls.  run()
 * prepares its data, calls failing_start(), the tested code and failing_stop(),
 * checks the promises, and cleans up.  It returns the result of the tested
 * code.
 *
 * The test fails if run() returns an error though no call failed, or an error
 * of another kind than the failed call, or if it leaks memory.  Returns how
 * often a call failed.
 */
unsigned failing_each(enum failing kind, unsigned step, int (*run)(void *arg),
    void *arg);

/* Between these two, calls count. */
void failing_start(void);
void failing_stop(void);

#endif
