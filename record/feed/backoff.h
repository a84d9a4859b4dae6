/*
 * backoff.h - how long to wait before the next attempt to connect.
 *
 * The wait is exponential with full jitter: the n-th one is drawn evenly from 0
 * to min(60 s, 0.5 s * 2^n), so that a thousand recorders that lost the same
 * server do not come back at the same moment.  After a connection that lasted
 * 60 s the series begins again.  After one that failed at once it does not, so
 * a server that accepts and drops is not hammered.  Between these, from 2 s on,
 * the series goes back until the longest wait is no longer than the connection
 * was: a bad modem that drops every ten seconds then costs less than half of
 * the recording.
 *
 * Pure but for evt_backoff_chance(): the caller passes time and randomness.
 * All times are in ns.
 */
#ifndef EVT_RECORD_FEED_BACKOFF_H
#define EVT_RECORD_FEED_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#define EVT_BACKOFF_FIRST_NS INT64_C(500000000)
#define EVT_BACKOFF_MOST_NS INT64_C(60000000000)
#define EVT_BACKOFF_STEADY_NS INT64_C(2000000000)
#define EVT_BACKOFF_HEALTHY_NS INT64_C(60000000000)
/* The longest Retry-After that is obeyed. */
#define EVT_BACKOFF_ASKED_MOST_NS INT64_C(3600000000000)

/* Zero-initialised, with `random` and `ctx` set, it is ready for use. */
typedef struct evt_backoff {
	unsigned failures; /* since the last healthy connection */
	bool up;
	int64_t up_ns;                 /* when the connection came up */
	uint64_t (*random)(void *ctx); /* even over all 64 bits */
	void *ctx;
} evt_backoff;

/* Random bits from the kernel, for `random`.  `ctx` is ignored. */
uint64_t evt_backoff_chance(void *ctx);

/* The connection is up, at `now_ns` of any steady clock. */
void evt_backoff_up(evt_backoff *b, int64_t now_ns);

/*
 * The connection was lost, or the attempt failed.  Returns how long to wait.
 * `at_least_ns`: the least wait that the server (Retry-After) or the kind of
 * failure asks for; 0: none.  The wait is then that plus a jitter of up to a
 * tenth, and never more than an hour and a tenth.
 */
int64_t evt_backoff_next(evt_backoff *b, int64_t now_ns, int64_t at_least_ns);

/*
 * The same for requests that are not urgent: the waits double from a second to
 * an hour, each plus a jitter of up to a tenth.
 */
int64_t evt_backoff_patient(evt_backoff *b, int64_t now_ns,
    int64_t at_least_ns);

#endif
