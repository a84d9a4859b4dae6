/* clock.c - see clock.h. */
#include "format/base/clock.h"

#include <time.h>

static int64_t
clock_ns(clockid_t id)
{
	struct timespec ts = { 0, 0 };

	/* It fails only for an unknown clock. */
	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * EVT_NS_PER_S + ts.tv_nsec;
}

int64_t
evt_clock_real(void)
{
	return clock_ns(CLOCK_REALTIME);
}

int64_t
evt_clock_boot(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

int64_t
evt_clock_mono(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}
