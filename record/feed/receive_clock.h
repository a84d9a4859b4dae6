/*
 * stamps.h - when something was received, on two clocks.
 *
 * CLOCK_REALTIME says what time it was and can be set; CLOCK_BOOTTIME says
 * what time has passed, also while the machine slept.  Their difference moves
 * by a few parts per million while the clock is slewed, and jumps when it is
 * stepped: that is how a step is seen.
 */
#ifndef EVT_STAMPS_H
#define EVT_STAMPS_H

#include <stdbool.h>
#include <stdint.h>

/* A jump of the difference between two stamps that counts as a step. */
#define EVT_STAMPS_STEP_NS INT64_C(50000000)

typedef struct evt_stamps {
	int64_t start_real, start_boot;
	int64_t last_diff; /* steady time minus wall time, at the last stamp */
	/* The clocks; for tests to replace. */
	int64_t (*real)(void);
	int64_t (*boot)(void);
} evt_stamps;

typedef struct evt_moment {
	int64_t time_ns; /* CLOCK_REALTIME */
	int64_t mono_ns; /* steady time, as in evt_frame */
	int64_t step_ns; /* the wall clock was stepped by this since the last
	                    stamp; 0: it was not */
} evt_moment;

/* Start: steady time is wall time now. */
void evt_stamps_start(evt_stamps *s);
/* The time now.  A step is reported by one stamp only. */
evt_moment evt_stamps_now(evt_stamps *s);

/* The time now for whoever is not the one that makes stamps: it looks for no
 * step, which is then still to be told. */
static inline evt_moment
evt_stamps_peek(const evt_stamps *s)
{
	evt_moment at = { .time_ns = s->real() };

	at.mono_ns = s->start_real + (s->boot() - s->start_boot);
	return at;
}

/* The CLOCK_BOOTTIME time of a stamp. */
static inline int64_t
evt_stamps_boot(const evt_stamps *s, const evt_moment *stamp)
{
	return stamp->mono_ns - s->start_real + s->start_boot;
}

#endif
