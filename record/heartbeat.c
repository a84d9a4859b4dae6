/* heartbeat.c - see heartbeat.h. */
#include "record/heartbeat.h"

#include <assert.h>
#include <pthread.h>

#include "format/base/clock.h"

/* CLOCK_MONOTONIC stops while the machine sleeps, as the threads do. */
static int64_t
heartbeat_read_clock(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) != 0)
		return 0;
	return ts.tv_sec * EVT_NS_PER_S + ts.tv_nsec;
}

void
evt_heartbeat_begin(evt_heartbeat *h)
{
	if (pthread_getcpuclockid(pthread_self(), &h->clock) != 0)
		return; /* then it is not watched */
	evt_heartbeat_beat(h);
}

void
evt_heartbeat_beat(evt_heartbeat *h)
{
	atomic_store(&h->used_ns, heartbeat_read_clock(h->clock));
	atomic_store(&h->beat_ns, heartbeat_read_clock(CLOCK_MONOTONIC));
}

void
evt_heartbeat_end(evt_heartbeat *h)
{
	atomic_store(&h->beat_ns, 0);
}

enum evt_heartbeat_state
evt_heartbeat_judge(int64_t still_ns, int64_t used_ns, int64_t patience_ns)
{
	assert(patience_ns >= 0);
	if (still_ns < patience_ns)
		return EVT_HEARTBEAT_GOOD;
	return used_ns >= still_ns / 2 ? EVT_HEARTBEAT_SPINS :
	                                 EVT_HEARTBEAT_WAITS;
}

int64_t
evt_heartbeat_still(evt_heartbeat *h)
{
	int64_t beat = atomic_load(&h->beat_ns), still;

	still = beat != 0 ? heartbeat_read_clock(CLOCK_MONOTONIC) - beat : 0;
	return still > 0 ? still : 0;
}

enum evt_heartbeat_state
evt_heartbeat_look(evt_heartbeat *h, int64_t patience_ns)
{
	int64_t used;

	if (atomic_load(&h->beat_ns) == 0)
		return EVT_HEARTBEAT_GONE;
	used = heartbeat_read_clock(h->clock) - atomic_load(&h->used_ns);
	return evt_heartbeat_judge(evt_heartbeat_still(h), used, patience_ns);
}
