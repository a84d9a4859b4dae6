/*
 * test_deck.c - pacing, with a clock that only moves when the test moves it.
 *
 * Tapes are arrays of frames; play() polls a deck, jumps to each time that it
 * asks to wait for (plus what the test adds), and writes down what came when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/units.h"
#include "replay/deck.h"

#define S EVT_NS_PER_S
#define MS EVT_NS_PER_MS
#define T0 (INT64_C(1700000000) * S)

struct tape {
	evt_frame frame[64];
	size_t n, at;
	size_t live_until; /* frames that are "there"; the rest comes later */
	size_t bad;        /* the frame at this place is a damaged block; 0: none */
	bool told;
};

static int
tape_next(void *ctx, evt_frame *ret_frame, evt_error *err)
{
	struct tape *t = ctx;

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
	((struct tape *)ctx)->at = 0;
	return EVT_OK;
}

static int
tape_seek(void *ctx, int64_t time_ns, evt_error *err)
{
	struct tape *t = ctx;

	(void)err;
	for (t->at = 0; t->at < t->n; t->at++) {
		if (t->frame[t->at].time_ns >= time_ns)
			break;
	}
	return EVT_OK;
}

/* A frame `at` ns behind T0 by both clocks. */
static void
put(struct tape *t, int64_t at)
{
	t->frame[t->n] = (evt_frame){ .seq = t->n + 1, .time_ns = T0 + at,
		.mono_ns = T0 + at, .opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)"{}", .len = 2 };
	t->n++;
}

struct played {
	uint64_t seq[256];
	int64_t due[256];
	size_t n;
	int64_t now;
};

static evt_deck *
deck_of(struct tape *t, const evt_deck_options *o)
{
	evt_feed feed = { tape_next, tape_reset, tape_seek, t };
	evt_deck *d;

	assert_int_equal(evt_deck_new(feed, o, &d, NULL), EVT_OK);
	return d;
}

/* Poll until the deck wants to wait beyond `until`, pauses or ends; each wake-up
 * is `late` ns late. */
static int
play(evt_deck *d, struct played *p, int64_t until, int64_t late)
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

static evt_deck_options
options(void)
{
	evt_deck_options o;

	evt_deck_options_init(&o);
	return o;
}

static void
check_dues(const struct played *p, const int64_t *want, size_t n)
{
	assert_int_equal(p->n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p->due[i], want[i]);
}

/* ---- pacing -------------------------------------------------------------- */

/* Whatever the lateness of each wake-up, dues lie on the anchor's grid. */
static void
test_no_drift(void **state)
{
	struct tape t = { 0 };
	struct played p = { .now = 5000 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 60; i++)
		put(&t, i * MS);
	assert_int_equal(play(d, &p, INT64_MAX, 123456), EVT_DECK_END);
	assert_int_equal(p.n, 60);
	for (int i = 0; i < 60; i++)
		assert_int_equal(p.due[i], 5000 + i * MS);
	evt_deck_free(d);
}

static void
test_speeds(void **state)
{
	static const struct {
		uint32_t speed;
		int64_t due[3];
	} row[] = {
		{ EVT_SPEED_ONE, { 0, S, 3 * S } },
		{ 2 * EVT_SPEED_ONE, { 0, S / 2, 3 * S / 2 } },
		{ EVT_SPEED_ONE / 2, { 0, 2 * S, 6 * S } },
		{ EVT_SPEED_MIN, { 0, 10 * S, 30 * S } },
		{ EVT_SPEED_MAX, { 0, MS, 3 * MS } },
		{ 3 * EVT_SPEED_ONE, { 0, 333333333, S } },
		{ EVT_SPEED_FLAT_OUT, { 0, 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct tape t = { 0 };
		struct played p = { 0 };
		evt_deck_options o = options();
		evt_deck *d;

		put(&t, 7);
		put(&t, 7 + S);
		put(&t, 7 + 3 * S);
		o.speed = row[i].speed;
		d = deck_of(&t, &o);
		assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
		check_dues(&p, row[i].due, 3);
		evt_deck_free(d);
	}
}

static void
test_bad_speeds(void **state)
{
	static const uint32_t bad[] = { 1, EVT_SPEED_MIN - 1,
		EVT_SPEED_MAX + 1, UINT32_MAX };
	struct tape t = { 0 };
	evt_feed feed = { tape_next, tape_reset, tape_seek, &t };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_deck_options o = options();
		evt_deck *d;

		o.speed = bad[i];
		assert_int_equal(evt_deck_new(feed, &o, &d, NULL), EVT_ERR_ARG);
	}
}

static void
test_max_gap(void **state)
{
	static const int64_t want[] = { 0, S, 3 * S, 5 * S, 5 * S };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, S);
	put(&t, 3601 * S);
	put(&t, 9000 * S);
	put(&t, 9000 * S);
	o.max_gap_ns = 2 * S;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 5);
	evt_deck_free(d);
}

/* Stamps that step back: due at once, and no time is gained or lost. */
static void
test_merged_out_of_order(void **state)
{
	static const int64_t at[] = { 0, 10, 5, 11, 190, 20, 191 };
	static const int64_t want[] = { 0, 10, 10, 11, 190, 190, 191 };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	for (size_t i = 0; i < 7; i++)
		put(&t, at[i]);
	o.merged = true;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 7);
	evt_deck_free(d);
}

/* A step of the wall clock within a run moves nothing. */
static void
test_clock_step(void **state)
{
	static const int64_t want[] = { 0, S, 2 * S, 3 * S };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 4; i++)
		put(&t, i * S);
	t.frame[2].time_ns -= 3600 * S;
	t.frame[3].time_ns += 3600 * S;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 4);
	evt_deck_free(d);
}

/* Over the border of two runs the receive times count; behind it, the new
 * run's steady clock. */
static void
check_runs(struct tape *t, const evt_deck_options *o)
{
	static const int64_t want[] = { 0, S, 61 * S, 62 * S, 62 * S };
	struct played p = { 0 };
	evt_deck *d = deck_of(t, o);

	t->at = 0;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 5);
	evt_deck_free(d);
}

static void
test_runs(void **state)
{
	static const uint64_t runs[] = { 1, 3, 5 };
	struct tape t = { 0 };
	evt_deck_options o = options();

	(void)state;
	put(&t, 0);
	put(&t, S);
	put(&t, 61 * S);
	put(&t, 62 * S);
	put(&t, 0); /* the third run's clock is behind */
	t.frame[0].mono_ns += 5000 * S; /* as if the clock had been wrong */
	t.frame[1].mono_ns += 5000 * S;
	o.runs = runs;
	o.n_runs = 3;
	check_runs(&t, &o);
	/* The same, told by the marks themselves. */
	o.n_runs = 0;
	for (size_t i = 0; i < 3; i++) {
		t.frame[runs[i] - 1].kind = EVT_KIND_MARK;
		t.frame[runs[i] - 1].opcode = EVT_MARK_STARTED;
	}
	check_runs(&t, &o);
}

static void
test_wild_stamps(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, 0);
	put(&t, 0);
	t.frame[0].time_ns = t.frame[0].mono_ns = INT64_MIN;
	t.frame[1].time_ns = t.frame[1].mono_ns = INT64_MAX;
	t.frame[2].time_ns = t.frame[2].mono_ns = INT64_MIN;
	o.speed = EVT_SPEED_MIN;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.due[1], INT64_MAX);
	evt_deck_free(d);
}

/* ---- control ------------------------------------------------------------- */

static void
test_pause_and_resume(void **state)
{
	static const int64_t want[] = { 0, S, 101 * S + S / 2, 102 * S + S / 2 };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);
	evt_deck_stats st;

	(void)state;
	for (int i = 0; i < 4; i++)
		put(&t, i * S);
	assert_int_equal(play(d, &p, 3 * S / 2, 0), EVT_DECK_WAIT);
	evt_deck_pause(d, p.now);
	evt_deck_pause(d, p.now + 1); /* again: nothing */
	assert_true(evt_deck_paused(d));
	p.now = 101 * S;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	evt_deck_resume(d, p.now);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 4);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.frames, 4);
	assert_int_equal(st.bytes, 8);
	assert_int_equal(st.tape_ns, 3 * S);
	assert_int_equal(st.wall_ns, 3 * S);
	evt_deck_free(d);
}

static void
test_start_paused_and_step(void **state)
{
	static const int64_t want[] = { 10 * S, 11 * S, 20 * S + S, 20 * S + 3 * S };
	struct tape t = { 0 };
	struct played p = { .now = 10 * S };
	evt_deck_options o = options();
	evt_deck_stats st;
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, 500 * S);
	put(&t, 501 * S);
	put(&t, 503 * S);
	o.paused = true;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 0);
	evt_deck_step(d);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 1);
	p.now = 11 * S;
	evt_deck_step(d);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 2);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 500 * S);
	p.now = 20 * S;
	evt_deck_resume(d, p.now);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 4);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.tape_ns, 3 * S);
	assert_int_equal(st.wall_ns, 4 * S - S);
	evt_deck_free(d);
}

static void
test_speed_change(void **state)
{
	static const int64_t want[] = { 0, S, 3 * S / 2 + S / 4, 2 * S + S / 4,
		2 * S + S / 4 };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 5; i++)
		put(&t, i * S);
	assert_int_equal(play(d, &p, 3 * S / 2, 0), EVT_DECK_WAIT);
	evt_deck_set_speed(d, p.now, 2 * EVT_SPEED_ONE);
	assert_int_equal(evt_deck_speed(d), 2 * EVT_SPEED_ONE);
	assert_int_equal(play(d, &p, 2 * S + S / 4, 0), EVT_DECK_WAIT);
	evt_deck_set_speed(d, p.now, EVT_SPEED_FLAT_OUT);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 5);
	evt_deck_free(d);
}

static void
test_seek(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 4; i++)
		put(&t, i * 100 * S);
	assert_int_equal(play(d, &p, 50 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 50 * S);
	/* Back by 10 s within a silence: its rest is longer, nothing is skipped. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 40 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 40 * S);
	assert_int_equal(play(d, &p, 111 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[1], 2);
	assert_int_equal(p.due[1], 110 * S);
	/* Forward over a frame. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 299 * S, NULL), EVT_OK);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.seq[2], 4);
	assert_int_equal(p.due[2], 112 * S);
	/* From the end, to before the start: no wait. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 - 10 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0);
	assert_int_equal(play(d, &p, 112 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[3], 1);
	assert_int_equal(p.due[3], 112 * S);
	evt_deck_free(d);
}

/* Where the tape begins is known once its first frame was read, not the first
 * behind a seek. */
static void
test_seek_back_from_the_first_seek(void **state)
{
	struct tape t = { .n = 0 };
	struct played p = { .now = S };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	for (int i = 0; i < 10; i++)
		put(&t, i * 10 * S);
	d = deck_of(&t, &o);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 50 * S, NULL), EVT_OK);
	assert_int_equal(play(d, &p, p.now + S, 0), EVT_DECK_WAIT);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 25 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 25 * S);
	assert_int_equal(play(d, &p, p.now + 6 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.seq[0], 6);
	assert_int_equal(p.seq[1], 4);
	evt_deck_free(d);
}

static void
test_seek_while_paused(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 4; i++)
		put(&t, i * S);
	assert_int_equal(play(d, &p, S, 0), EVT_DECK_WAIT);
	evt_deck_pause(d, p.now);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 3 * S, NULL), EVT_OK);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	evt_deck_step(d);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.seq[p.n - 1], 4);
	evt_deck_free(d);
}

/* Where the first frame is read after a seek, the window does not begin there. */
static void
test_seek_before_the_first_frame(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 6; i++)
		put(&t, i * S);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 4 * S, NULL), EVT_OK);
	assert_int_equal(play(d, &p, 0, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[0], 5);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 2 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 2 * S);
	assert_int_equal(play(d, &p, 0, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[1], 3);
	evt_deck_free(d);
}

static void
test_loops(void **state)
{
	static const int64_t want[] = { 0, S, S + 77, 2 * S + 77, 2 * S + 154,
		3 * S + 154 };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck_stats st;
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, S);
	o.passes = 3;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 77), EVT_DECK_END);
	check_dues(&p, want, 6);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.passes, 3);
	assert_int_equal(st.tape_ns, 3 * S);
	evt_deck_free(d);
}

static void
test_endless_loop(void **state)
{
	struct tape t = { 0 }, empty = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, S);
	o.passes = 0;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, 99 * S + S / 2, 0), EVT_DECK_WAIT);
	assert_int_equal(p.n, 199);
	evt_deck_free(d);
	/* Nothing to loop over. */
	d = deck_of(&empty, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	evt_deck_free(d);
}

/* ---- live tapes and damaged ones ----------------------------------------- */

static void
test_live(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 4; i++)
		put(&t, i * S);
	t.live_until = 2;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	assert_int_equal(p.n, 2);
	/* The recorder adds two frames long after the first would have been due:
	 * that one is not late, and the second keeps its distance. */
	p.now = 50 * S;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	t.live_until = 4;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	assert_int_equal(p.due[2], 50 * S);
	assert_int_equal(p.due[3], 51 * S);
	t.live_until = 0;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	evt_deck_free(d);
}

/* What is added in time is waited for. */
static void
test_live_in_time(void **state)
{
	static const int64_t want[] = { 0, 5 * S };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	put(&t, 0);
	put(&t, 5 * S);
	t.live_until = 1;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	p.now = S;
	t.live_until = 0;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 2);
	evt_deck_free(d);
}

static void
test_no_follow(void **state)
{
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d;

	(void)state;
	put(&t, 0);
	put(&t, S);
	t.live_until = 1;
	o.no_follow = true;
	d = deck_of(&t, &o);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.n, 1);
	evt_deck_free(d);
}

static void
test_damaged(void **state)
{
	static const int64_t want[] = { 0, 2 * S };
	struct tape t = { 0 };
	struct played p = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);

	(void)state;
	for (int i = 0; i < 3; i++)
		put(&t, i * S);
	t.bad = 1;
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_ERR_CORRUPT);
	assert_int_equal(play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	check_dues(&p, want, 2);
	evt_deck_free(d);
}

/* Reading the first block takes its time: the first frame is not late. */
static void
test_anchor_after_first_read(void **state)
{
	struct tape t = { 0 };
	evt_deck_options o = options();
	evt_deck *d = deck_of(&t, &o);
	evt_frame f;
	int64_t due;

	(void)state;
	put(&t, 0);
	put(&t, S);
	assert_int_equal(evt_deck_poll(d, 100, &f, &due, NULL), EVT_DECK_WAIT);
	assert_int_equal(due, 100);
	assert_int_equal(evt_deck_poll(d, 5000, &f, &due, NULL), EVT_DECK_FRAME);
	assert_int_equal(due, 5000);
	assert_int_equal(evt_deck_poll(d, 5000, &f, &due, NULL), EVT_DECK_WAIT);
	assert_int_equal(due, 5000 + S);
	evt_deck_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_speeds),
		cmocka_unit_test(test_bad_speeds),
		cmocka_unit_test(test_max_gap),
		cmocka_unit_test(test_merged_out_of_order),
		cmocka_unit_test(test_clock_step),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_wild_stamps),
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_start_paused_and_step),
		cmocka_unit_test(test_speed_change),
		cmocka_unit_test(test_seek),
		cmocka_unit_test(test_seek_back_from_the_first_seek),
		cmocka_unit_test(test_seek_while_paused),
		cmocka_unit_test(test_seek_before_the_first_frame),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_endless_loop),
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_live_in_time),
		cmocka_unit_test(test_no_follow),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_anchor_after_first_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
