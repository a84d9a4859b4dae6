/* stamps.c - see stamps.h. */
#include "record/receive_clock.h"

#include "format/base/timetext.h"

/* Two readings further apart than this say nothing of the clocks' difference:
 * the thread was interrupted between them. */
#define APART_NS INT64_C(5000000)
#define TRIES 8

void
evt_receive_clock_start(evt_receive_clock *s)
{
	s->real = evt_clock_real;
	s->boot = evt_clock_boot;
	s->start_real = s->real();
	s->start_boot = s->boot();
	s->last_diff = 0;
}

static bool
receive_clock_is_step(int64_t change)
{
	return change >= EVT_RECEIVE_CLOCK_STEP_NS ||
	    change <= -EVT_RECEIVE_CLOCK_STEP_NS;
}

evt_receive_clock_time
evt_receive_clock_now(evt_receive_clock *s)
{
	evt_receive_clock_time st = { .time_ns = s->real() };
	int64_t diff;

	st.mono_ns = s->start_real + (s->boot() - s->start_boot);
	diff = st.time_ns - st.mono_ns;
	/* Read again before a step is believed, the wall clock between two
	 * readings of the other. */
	for (int i = 0; receive_clock_is_step(diff - s->last_diff) && i < TRIES;
	     i++) {
		int64_t before = s->boot(), real = s->real(), after = s->boot();

		if (after - before > APART_NS)
			continue;
		diff = real - (s->start_real + (before - s->start_boot));
		if (receive_clock_is_step(diff - s->last_diff))
			st.step_ns = diff - s->last_diff;
		break;
	}
	/* Slewing is followed; a step too, once it is told. */
	if (st.step_ns != 0 || !receive_clock_is_step(diff - s->last_diff))
		s->last_diff = diff;
	return st;
}
