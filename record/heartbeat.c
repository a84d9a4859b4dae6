/* pulse.c - see pulse.h. */
#include "record/heartbeat.h"

#include <pthread.h>

#include "format/base/timetext.h"

/* CLOCK_MONOTONIC stands still while the machine sleeps, as the threads do. */
static int64_t
heartbeat_read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) != 0)
		return 0;
	return ts.tv_sec * EVT_NS_PER_S + ts.tv_nsec;
}

void
evt_heartbeat_begin(evt_heartbeat *p)
{
	if (pthread_getcpuclockid(pthread_self(), &p->clock) != 0)
		return; /* not watched, then */
	evt_heartbeat_beat(p);
}

void
evt_heartbeat_beat(evt_heartbeat *p)
{
	atomic_store(&p->used_ns, heartbeat_read_clock(p->clock));
	atomic_store(&p->beat_ns, heartbeat_read_clock(CLOCK_MONOTONIC));
}

void
evt_heartbeat_end(evt_heartbeat *p)
{
	atomic_store(&p->beat_ns, 0);
}

enum evt_heartbeat_state
evt_heartbeat_judge(int64_t still_ns, int64_t used_ns, int64_t patience_ns)
{
	if (still_ns < patience_ns)
		return EVT_HEARTBEAT_GOOD;
	return used_ns >= still_ns / 2 ? EVT_HEARTBEAT_SPINS :
	                                 EVT_HEARTBEAT_WAITS;
}

int64_t
evt_heartbeat_still(evt_heartbeat *p)
{
	int64_t beat = atomic_load(&p->beat_ns), still;

	still = beat != 0 ? heartbeat_read_clock(CLOCK_MONOTONIC) - beat : 0;
	return still > 0 ? still : 0;
}

enum evt_heartbeat_state
evt_heartbeat_look(evt_heartbeat *p, int64_t patience_ns)
{
	int64_t used;

	if (atomic_load(&p->beat_ns) == 0)
		return EVT_HEARTBEAT_GONE;
	used = heartbeat_read_clock(p->clock) - atomic_load(&p->used_ns);
	return evt_heartbeat_judge(evt_heartbeat_still(p), used, patience_ns);
}
