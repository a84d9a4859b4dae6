/*
 * heartbeat.h - whether a thread makes progress.
 *
 * A thread gives a heartbeat on each turn of its loop.  If there is none for a
 * while, the thread's CPU time shows why: a thread that waits for a disk uses
 * none, a thread in an endless loop uses all of it.  The difference matters: a
 * process that holds frames for a disk that does not answer must not be killed
 * for it.
 */
#ifndef EVT_RECORD_HEARTBEAT_H
#define EVT_RECORD_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Zero-initialised, it is the heartbeat of a thread that does not run. */
typedef struct evt_heartbeat {
	clockid_t clock;      /* CPU time of the thread */
	atomic_llong beat_ns; /* CLOCK_MONOTONIC; 0: it does not run */
	atomic_llong used_ns; /* CPU time at that heartbeat */
} evt_heartbeat;

/* For the thread itself: at its begin, on each turn, and at its end. */
void evt_heartbeat_begin(evt_heartbeat *h);
void evt_heartbeat_beat(evt_heartbeat *h);
void evt_heartbeat_end(evt_heartbeat *h);

enum evt_heartbeat_state {
	EVT_HEARTBEAT_GONE, /* the thread does not run */
	EVT_HEARTBEAT_GOOD,
	EVT_HEARTBEAT_WAITS, /* no heartbeat for too long; it waits */
	EVT_HEARTBEAT_SPINS  /* no heartbeat for too long; it uses the CPU */
};

/*
 * Judge a thread that gave no heartbeat for `still_ns` and used `used_ns` of
 * CPU time meanwhile.  `patience_ns`: how long it may go without.
 */
enum evt_heartbeat_state evt_heartbeat_judge(int64_t still_ns, int64_t used_ns,
    int64_t patience_ns);

/* Judge a thread, from any other.  The thread must not have been joined. */
enum evt_heartbeat_state evt_heartbeat_look(evt_heartbeat *h,
    int64_t patience_ns);
/* Time since the last heartbeat in ns; 0: the thread does not run. */
int64_t evt_heartbeat_still(evt_heartbeat *h);

#endif
