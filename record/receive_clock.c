/* receive_clock.c - see receive_clock.h. */
#include "record/receive_clock.h"

#include "format/base/clock.h"

/* If two readings of the clocks are further apart than this, the thread was
 * interrupted between them, and their difference means nothing. */
#define APART_NS INT64_C(5000000)
#define TRIES 8

void
evt_receive_clock_start(evt_receive_clock *c)
{
	c->real = evt_clock_real;
	c->boot = evt_clock_boot;
	c->start_real = c->real();
	c->start_boot = c->boot();
	c->last_diff = 0;
}

static bool
receive_clock_is_step(int64_t change)
{
	return change >= EVT_RECEIVE_CLOCK_STEP_NS ||
	    change <= -EVT_RECEIVE_CLOCK_STEP_NS;
}

evt_receive_clock_time
evt_receive_clock_now(evt_receive_clock *c)
{
	evt_receive_clock_time at = { .time_ns = c->real() };
	int64_t diff;

	at.mono_ns = c->start_real + (c->boot() - c->start_boot);
	diff = at.time_ns - at.mono_ns;
	/* Before a step is believed, read the time of day again, between two
	 * readings of the steady clock. */
	for (int i = 0; receive_clock_is_step(diff - c->last_diff) && i < TRIES;
	     i++) {
		int64_t before = c->boot(), real = c->real(), after = c->boot();

		if (after - before > APART_NS)
			continue;
		diff = real - (c->start_real + (before - c->start_boot));
		if (receive_clock_is_step(diff - c->last_diff))
			at.step_ns = diff - c->last_diff;
		break;
	}
	/* Follow slewing, and a step once it is reported. */
	if (at.step_ns != 0 || !receive_clock_is_step(diff - c->last_diff))
		c->last_diff = diff;
	return at;
}
