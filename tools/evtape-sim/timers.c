/* timers.c - the earliest timer arms the timerfd. */
#include "tools/evtape-sim/timers.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

int
sim_timers_open(sim_timers *ret_timers, evt_error *err)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return evt_err_sys(err, errno, "timerfd_create");
	ret_timers->fd = fd;
	ret_timers->armed_ns = SIM_NEVER;
	for (int i = 0; i < SIM_TIMERS; i++)
		ret_timers->due_ns[i] = SIM_NEVER;
	return EVT_OK;
}

void
sim_timers_close(sim_timers *timers)
{
	if (timers->fd >= 0)
		close(timers->fd);
	timers->fd = -1;
}

int64_t
sim_now(void)
{
	return evt_clock_mono();
}

void
sim_timers_lower(sim_timers *timers, enum sim_timer which, int64_t ns)
{
	assert(which < SIM_TIMERS);
	if (ns < timers->due_ns[which])
		timers->due_ns[which] = ns;
}

void
sim_timers_set(sim_timers *timers, enum sim_timer which, int64_t ns)
{
	assert(which < SIM_TIMERS);
	timers->due_ns[which] = ns;
}

void
sim_timers_arm(sim_timers *timers)
{
	struct itimerspec it = { 0 };
	int64_t ns = SIM_NEVER;

	for (int i = 0; i < SIM_TIMERS; i++)
		if (timers->due_ns[i] < ns)
			ns = timers->due_ns[i];
	if (ns == timers->armed_ns)
		return;
	timers->armed_ns = ns;
	if (ns != SIM_NEVER) {
		if (ns < 1)
			ns = 1; /* 0 would switch it off */
		it.it_value.tv_sec = ns / EVT_NS_PER_S;
		it.it_value.tv_nsec = ns % EVT_NS_PER_S;
	}
	/* It fails only on a bad descriptor or bad nanoseconds. */
	(void)timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &it, NULL);
}

void
sim_timers_ack(sim_timers *timers)
{
	uint64_t n;

	/* Nothing to read: it was set again since poll reported it. */
	if (read(timers->fd, &n, sizeof(n)) > 0)
		timers->armed_ns = SIM_NEVER;
}
