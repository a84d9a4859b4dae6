/*
 * failing.h - let the n-th call to the system fail, for n = 1, 2, 3...
 *
 * Unit tests are linked so that what the sources call goes through here: the
 * allocations (cJSON's too), the start of a thread, SQLite's memory, and the
 * calls that read files.  All pass until failing_each() says otherwise.
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
 * Call run(arg) with the first call of that kind failing, then with the one
 * that comes `step` calls later, until none fails any more.  run() makes what
 * it needs, calls failing_start(), does what is tested, calls failing_stop(),
 * looks whether the promises hold, and clears up.  It returns what the tested
 * code returned.
 *
 * The test fails when run() returns something else than EVT_OK though nothing
 * failed, an error of another sort than what failed, or leaves memory behind.
 * Returns how often a call failed.
 */
unsigned failing_each(enum failing kind, unsigned step, int (*run)(void *arg),
    void *arg);

/* Between these two, calls count. */
void failing_start(void);
void failing_stop(void);

#endif
