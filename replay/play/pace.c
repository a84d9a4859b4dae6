/* pace.c - the playing loop that stdout and the server share; see pace.h. */
#include "replay/play/pace.h"

#include <assert.h>

#include "format/base/clock.h"

/* Frames that are later than this are gathered, to catch up. */
#define CATCH_UP_NS EVT_NS_PER_MS
/* Frames for one look at the clock where none has a due time: a look for each
 * would be a large part of the work. */
#define CLOCK_FRAMES 64u
/* How often the input of a live tape is asked for more. */
#define LIVE_NS (20 * EVT_NS_PER_MS)

void
evt_pace_init(evt_pace *p, const evt_pace_output *output,
    evt_lateness *lateness)
{
	assert(output->take != NULL && output->deliver != NULL);
	assert(lateness != NULL);
	p->wake_ns = p->now_ns = 0;
	p->output = *output;
	if (p->output.clock == NULL)
		p->output.clock = evt_clock_mono;
	p->lateness = lateness;
	p->n = p->n_due = 0;
}

size_t
evt_pace_pending(const evt_pace *p)
{
	return p->n;
}

void
evt_pace_deliver(evt_pace *p)
{
	size_t n_due = p->n_due;

	if (p->n == 0)
		return;
	p->n = p->n_due = 0;
	if (!p->output.deliver(p->output.ctx) || n_due == 0)
		return;
	p->now_ns = p->output.clock();
	for (size_t i = 0; i < n_due; i++)
		evt_lateness_add(p->lateness,
		    evt_clock_sub(p->now_ns, p->due[i]));
}

/* The deck has no frame that is due: the result, and when to ask again. */
static int
pace_idle(evt_pace *p, int deck_result, int64_t due)
{
	evt_pace_deliver(p);
	p->wake_ns = 0;
	switch (deck_result) {
	case EVT_DECK_WAIT:
		if (due <= p->now_ns)
			return EVT_PACE_MORE;
		p->wake_ns = due;
		return EVT_PACE_WAIT;
	case EVT_DECK_LIVE:
		p->wake_ns = evt_clock_add(p->now_ns, LIVE_NS);
		return EVT_PACE_LIVE;
	case EVT_DECK_PAUSED:
		p->wake_ns = INT64_MAX;
		return EVT_PACE_PAUSED;
	case EVT_DECK_END:
		p->wake_ns = INT64_MAX;
		return EVT_PACE_END;
	default:
		return deck_result;
	}
}

int
evt_pace_play(evt_pace *p, evt_deck *deck, evt_error *err)
{
	bool timed = evt_deck_speed(deck) != EVT_SPEED_UNLIMITED;
	unsigned until_clock = 0;

	for (;;) {
		enum evt_pace_taken taken;
		evt_frame f;
		int64_t now, due = 0;
		int r;

		if (timed || until_clock == 0) {
			p->now_ns = p->output.clock();
			until_clock = CLOCK_FRAMES;
		}
		until_clock--;
		now = p->now_ns; /* take() may deliver, which moves it */
		r = evt_deck_poll(deck, now, &f, &due, err);
		if (r != EVT_DECK_FRAME)
			return pace_idle(p, r, due);
		taken = p->output.take(p->output.ctx, &f);
		if (taken == EVT_PACE_REFUSED) {
			p->wake_ns = 0;
			return EVT_PACE_STOPPED;
		}
		p->n++;
		if (timed) {
			assert(p->n_due < EVT_PACE_BATCH_MAX);
			p->due[p->n_due++] = due;
		}
		if (taken == EVT_PACE_FULL || p->n_due == EVT_PACE_BATCH_MAX ||
		    (timed && now - due < CATCH_UP_NS)) {
			evt_pace_deliver(p);
			p->wake_ns = 0;
			return EVT_PACE_MORE;
		}
	}
}
