/* pulse.c - see pulse.h. */
#include "record/heartbeat.h"

#include <pthread.h>

#include "format/base/timetext.h"

/* CLOCK_MONOTONIC stands still while the machine sleeps, as the threads do. */
static int64_t
read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) != 0)
		return 0;
	return ts.tv_sec * EVT_NS_PER_S + ts.tv_nsec;
}

void
evt_pulse_begin(evt_pulse *p)
{
	if (pthread_getcpuclockid(pthread_self(), &p->clock) != 0)
		return; /* not watched, then */
	evt_pulse_beat(p);
}

void
evt_pulse_beat(evt_pulse *p)
{
	atomic_store(&p->used_ns, read_clock(p->clock));
	atomic_store(&p->beat_ns, read_clock(CLOCK_MONOTONIC));
}

void
evt_pulse_end(evt_pulse *p)
{
	atomic_store(&p->beat_ns, 0);
}

enum evt_pulse_state
evt_pulse_judge(int64_t still_ns, int64_t used_ns, int64_t patience_ns)
{
	if (still_ns < patience_ns)
		return EVT_PULSE_GOOD;
	return used_ns >= still_ns / 2 ? EVT_PULSE_SPINS : EVT_PULSE_WAITS;
}

int64_t
evt_pulse_still(evt_pulse *p)
{
	int64_t beat = atomic_load(&p->beat_ns), still;

	still = beat != 0 ? read_clock(CLOCK_MONOTONIC) - beat : 0;
	return still > 0 ? still : 0;
}

enum evt_pulse_state
evt_pulse_look(evt_pulse *p, int64_t patience_ns)
{
	int64_t used;

	if (atomic_load(&p->beat_ns) == 0)
		return EVT_PULSE_GONE;
	used = read_clock(p->clock) - atomic_load(&p->used_ns);
	return evt_pulse_judge(evt_pulse_still(p), used, patience_ns);
}
