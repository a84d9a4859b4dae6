/* backoff.c - see backoff.h. */
#include "record/feed/backoff.h"

#include <assert.h>
#include <stddef.h>
#include <sys/random.h>

#include "format/base/clock.h"

uint64_t
evt_backoff_chance(void *ctx)
{
	uint64_t n;

	(void)ctx;
	if (getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		n = (uint64_t)evt_clock_boot() * UINT64_C(0x9e3779b97f4a7c15);
	return n;
}

void
evt_backoff_up(evt_backoff *b, int64_t now_ns)
{
	b->up = true;
	b->up_ns = now_ns;
}

/* An even draw from 0 to most, both included. */
static int64_t
backoff_draw(evt_backoff *b, int64_t most)
{
	return (int64_t)(b->random(b->ctx) % ((uint64_t)most + 1));
}

/* The longest wait after so many failures. */
static int64_t
backoff_longest(unsigned failures)
{
	int64_t most = EVT_BACKOFF_FIRST_NS;

	for (unsigned i = 0; i < failures && most < EVT_BACKOFF_MOST_NS; i++)
		most *= 2;
	return most < EVT_BACKOFF_MOST_NS ? most : EVT_BACKOFF_MOST_NS;
}

/* Reduce the failures after a connection that lasted that long. */
static void
backoff_forgive(evt_backoff *b, int64_t lasted_ns)
{
	if (lasted_ns >= EVT_BACKOFF_HEALTHY_NS)
		b->failures = 0;
	while (lasted_ns >= EVT_BACKOFF_STEADY_NS &&
	    backoff_longest(b->failures) > lasted_ns)
		b->failures--;
}

int64_t
evt_backoff_next(evt_backoff *b, int64_t now_ns, int64_t at_least_ns)
{
	int64_t most, wait;

	assert(b->random != NULL);
	if (b->up)
		backoff_forgive(b, now_ns - b->up_ns);
	b->up = false;
	most = backoff_longest(b->failures);
	if (b->failures < 64)
		b->failures++;
	wait = backoff_draw(b, most);
	if (at_least_ns > EVT_BACKOFF_ASKED_MOST_NS)
		at_least_ns = EVT_BACKOFF_ASKED_MOST_NS;
	if (at_least_ns > 0 && wait < at_least_ns)
		wait = at_least_ns + backoff_draw(b, at_least_ns / 10);
	return wait;
}

int64_t
evt_backoff_patient(evt_backoff *b, int64_t now_ns, int64_t at_least_ns)
{
	int64_t least = EVT_NS_PER_S;

	for (unsigned i = 0;
	     i < b->failures && least < EVT_BACKOFF_ASKED_MOST_NS; i++)
		least *= 2;
	return evt_backoff_next(b, now_ns,
	    least > at_least_ns ? least : at_least_ns);
}
