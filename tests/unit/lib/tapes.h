/* tapes.h - functions that unit tests of the tape share. */
#ifndef EVT_TESTS_UNIT_LIB_TAPES_H
#define EVT_TESTS_UNIT_LIB_TAPES_H

#include <stdint.h>

#include "format/evtape.h"
#include "tests/unit/lib/test.h"

/* A new folder of the test's own, in $TMPDIR or /tmp; remove_dir() frees the name too. */
char *make_dir(void);
void remove_dir(char *dir);
/* The same in memory where the system has such folders, for tests that make
 * thousands. */
char *make_quick_dir(void);
/* dir/name; free() it. */
char *in_dir(const char *dir, const char *name);

/* An env of which wall and steady clock are set by the test. */
extern int64_t test_steady_ns, test_wall_ns;
struct evt_writer_env;
const struct evt_writer_env *test_env(void);

/* Fails the test with err's words unless code is EVT_OK. */
void ok(int code, const evt_error *err);

/* The profile of the platform's events. */
evt_profile *navixy_profile(void);

/* A state frame of source (10001 + i % sources), deterministic; its payload is
 * in memory of the caller's: free(f->payload). */
evt_frame make_state(unsigned i, unsigned sources);

/* Put n states numbered from `from`, received each `step_ns` from start_ns. */
void put_states(evt_writer *w, unsigned from, unsigned n, unsigned sources,
    int64_t start_ns, int64_t step_ns);

/* Read all frames of the tape and compare each state's payload with
 * make_state(); returns their number. */
unsigned check_states(const char *path, unsigned from, unsigned sources);

/* Run a child process that gets fn(arg) and then dies as if by kill -9. */
void die_after(void (*fn)(void *arg), void *arg);

#endif
