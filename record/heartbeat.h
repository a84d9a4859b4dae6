/*
 * pulse.h - whether a thread gets on.
 *
 * The thread beats each time that it comes round.  If it does not for a while,
 * its CPU time tells why: a thread that waits for a disk uses none, one that
 * turns in a loop without end uses all of it.  That matters: a process that
 * holds frames for a disk that does not answer is not to be killed for it.
 */
#ifndef EVT_RECORD_HEARTBEAT_H
#define EVT_RECORD_HEARTBEAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Zero-initialised is the pulse of a thread that does not run. */
typedef struct evt_heartbeat {
	clockid_t clock;      /* CPU time of the thread */
	atomic_llong beat_ns; /* CLOCK_MONOTONIC; 0: it does not run */
	atomic_llong used_ns; /* by the thread's clock at that beat */
} evt_heartbeat;

/* For the thread itself. */
void evt_heartbeat_begin(evt_heartbeat *p);
void evt_heartbeat_beat(evt_heartbeat *p);
void evt_heartbeat_end(evt_heartbeat *p);

enum evt_heartbeat_state {
	EVT_HEARTBEAT_GONE, /* it does not run */
	EVT_HEARTBEAT_GOOD,
	EVT_HEARTBEAT_WAITS, /* no beat for too long; it waits for the system */
	EVT_HEARTBEAT_SPINS  /* no beat for too long; it uses the CPU */
};

/* What it means that there was no beat for still_ns, in which the thread used
 * used_ns of CPU time. */
enum evt_heartbeat_state evt_heartbeat_judge(int64_t still_ns, int64_t used_ns,
    int64_t patience_ns);

/* The same for a thread, from any other, which is joined only later. */
enum evt_heartbeat_state evt_heartbeat_look(evt_heartbeat *p,
    int64_t patience_ns);
/* Time since the last beat; 0: it does not run. */
int64_t evt_heartbeat_still(evt_heartbeat *p);

#endif
