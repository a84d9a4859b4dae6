/* clock.h - the clocks of this machine, and sums of times in ns. */
#ifndef EVT_FORMAT_BASE_CLOCK_H
#define EVT_FORMAT_BASE_CLOCK_H

#include <stdint.h>

#define EVT_NS_PER_S INT64_C(1000000000)
#define EVT_NS_PER_MS INT64_C(1000000)
#define EVT_NS_PER_US INT64_C(1000)

/* Sum and difference of times in ns; they saturate instead of overflowing. A
 * tape may have any times, so all code that computes with times uses these. */
static inline int64_t
evt_clock_add(int64_t a, int64_t b)
{
	int64_t sum;

	return !__builtin_add_overflow(a, b, &sum) ? sum :
	    b > 0                                  ? INT64_MAX :
	                                             INT64_MIN;
}

static inline int64_t
evt_clock_sub(int64_t a, int64_t b)
{
	int64_t left;

	return !__builtin_sub_overflow(a, b, &left) ? left :
	    b < 0                                   ? INT64_MAX :
	                                              INT64_MIN;
}

/* The last multiple of `step` that is not after t. */
static inline int64_t
evt_clock_floor(int64_t t, int64_t step)
{
	int64_t rest = t % step;

	return evt_clock_sub(t, rest < 0 ? rest + step : rest);
}

/* CLOCK_REALTIME, CLOCK_BOOTTIME and CLOCK_MONOTONIC now, in ns. */
int64_t evt_clock_real(void);
int64_t evt_clock_boot(void);
int64_t evt_clock_mono(void);

#endif
