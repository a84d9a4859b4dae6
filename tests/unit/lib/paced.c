/* paced.c - see paced.h. */
#include "tests/unit/lib/paced.h"

static int
tape_next(void *ctx, evt_frame *ret_frame, evt_error *err)
{
	struct paced_tape *t = ctx;

	(void)err;
	if (t->live_until > 0 && t->at >= t->live_until)
		return EVT_AGAIN;
	if (t->at >= t->n)
		return EVT_END;
	if (t->bad > 0 && t->at == t->bad) {
		t->at++;
		return EVT_ERR_CORRUPT;
	}
	*ret_frame = t->frame[t->at++];
	return EVT_OK;
}

static int
tape_reset(void *ctx, evt_error *err)
{
	(void)err;
	((struct paced_tape *)ctx)->at = 0;
	return EVT_OK;
}

static int
tape_seek(void *ctx, int64_t time_ns, evt_error *err)
{
	struct paced_tape *t = ctx;

	(void)err;
	for (t->at = 0; t->at < t->n; t->at++) {
		if (t->frame[t->at].time_ns >= time_ns)
			break;
	}
	return EVT_OK;
}

void
paced_put(struct paced_tape *t, int64_t at)
{
	t->frame[t->n] = (evt_frame){ .seq = t->n + 1,
		.time_ns = T0 + at,
		.mono_ns = T0 + at,
		.opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)"{}",
		.len = 2 };
	t->n++;
}

evt_deck_input
paced_feed(struct paced_tape *t)
{
	return (evt_deck_input){ tape_next, tape_reset, tape_seek, t };
}

evt_deck *
paced_deck(struct paced_tape *t, const evt_deck_options *o)
{
	evt_deck *d;

	assert_int_equal(evt_deck_new(paced_feed(t), o, &d, NULL), EVT_OK);
	return d;
}

int
paced_play(evt_deck *d, struct paced *p, int64_t until, int64_t late)
{
	evt_frame f;
	int64_t due;

	for (;;) {
		int r = evt_deck_poll(d, p->now, &f, &due, NULL);

		if (r == EVT_DECK_FRAME) {
			assert_true(p->n < 256);
			p->seq[p->n] = f.seq;
			p->due[p->n++] = due;
		} else if (r != EVT_DECK_WAIT) {
			return r;
		} else if (due > until) {
			p->now = until;
			return r;
		} else if (due > p->now) {
			p->now = due + late;
		}
	}
}

evt_deck_options
paced_options(void)
{
	evt_deck_options o;

	evt_deck_options_init(&o);
	return o;
}

void
paced_check_dues(const struct paced *p, const int64_t *want, size_t n)
{
	assert_int_equal(p->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->due[i], want[i]);
}
