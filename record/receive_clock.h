/*
 * receive_clock.h - the time at which something was received, on two clocks.
 *
 * CLOCK_REALTIME is the time of day and can be set.  CLOCK_BOOTTIME is the time
 * that has passed, also while the machine slept.  While the time of day is
 * slewed, their difference moves by a few parts per million.  When it is
 * stepped, the difference jumps: so a step is detected.
 */
#ifndef EVT_RECORD_RECEIVE_CLOCK_H
#define EVT_RECORD_RECEIVE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A jump of the difference between two stamps that counts as a step. */
#define EVT_RECEIVE_CLOCK_STEP_NS INT64_C(50000000)

typedef struct evt_receive_clock {
	int64_t start_real, start_boot;
	int64_t last_diff; /* wall time minus steady time, at the last stamp */
	/* The clocks, in ns; for tests to replace. */
	int64_t (*real)(void);
	int64_t (*boot)(void);
} evt_receive_clock;

/* A stamp. */
typedef struct evt_receive_clock_time {
	int64_t time_ns; /* CLOCK_REALTIME */
	int64_t mono_ns; /* steady time, as in evt_frame */
	int64_t step_ns; /* the time of day was stepped by this since the last
	                    stamp; 0: it was not */
} evt_receive_clock_time;

/* Start: the steady time begins as the time of day now. */
void evt_receive_clock_start(evt_receive_clock *c);
/* Make a stamp of the time now.  A step is reported by one stamp only. */
evt_receive_clock_time evt_receive_clock_now(evt_receive_clock *c);

/* The time now, without looking for a step: the next stamp reports it.  For
 * threads other than the one that makes stamps. */
static inline evt_receive_clock_time
evt_receive_clock_peek(const evt_receive_clock *c)
{
	evt_receive_clock_time at = { .time_ns = c->real() };

	at.mono_ns = c->start_real + (c->boot() - c->start_boot);
	return at;
}

/* The CLOCK_BOOTTIME time of a stamp. */
static inline int64_t
evt_receive_clock_boot(const evt_receive_clock *c,
    const evt_receive_clock_time *stamp)
{
	return stamp->mono_ns - c->start_real + c->start_boot;
}

#endif
