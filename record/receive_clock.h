/*
 * stamps.h - when something was received, on two clocks.
 *
 * CLOCK_REALTIME says what time it was and can be set; CLOCK_BOOTTIME says
 * what time has passed, also while the machine slept.  Their difference moves
 * by a few parts per million while the clock is slewed, and jumps when it is
 * stepped: that is how a step is seen.
 */
#ifndef EVT_RECORD_RECEIVE_CLOCK_H
#define EVT_RECORD_RECEIVE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* A jump of the difference between two stamps that counts as a step. */
#define EVT_RECEIVE_CLOCK_STEP_NS INT64_C(50000000)

typedef struct evt_receive_clock {
	int64_t start_real, start_boot;
	int64_t last_diff; /* steady time minus wall time, at the last stamp */
	/* The clocks; for tests to replace. */
	int64_t (*real)(void);
	int64_t (*boot)(void);
} evt_receive_clock;

typedef struct evt_receive_clock_time {
	int64_t time_ns; /* CLOCK_REALTIME */
	int64_t mono_ns; /* steady time, as in evt_frame */
	int64_t step_ns; /* the wall clock was stepped by this since the last
	                    stamp; 0: it was not */
} evt_receive_clock_time;

/* Start: steady time is wall time now. */
void evt_receive_clock_start(evt_receive_clock *s);
/* The time now.  A step is reported by one stamp only. */
evt_receive_clock_time evt_receive_clock_now(evt_receive_clock *s);

/* The time now for whoever is not the one that makes stamps: it looks for no
 * step, which is then still to be told. */
static inline evt_receive_clock_time
evt_receive_clock_peek(const evt_receive_clock *s)
{
	evt_receive_clock_time at = { .time_ns = s->real() };

	at.mono_ns = s->start_real + (s->boot() - s->start_boot);
	return at;
}

/* The CLOCK_BOOTTIME time of a stamp. */
static inline int64_t
evt_receive_clock_boot(const evt_receive_clock *s,
    const evt_receive_clock_time *stamp)
{
	return stamp->mono_ns - s->start_real + s->start_boot;
}

#endif
