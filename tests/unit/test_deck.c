/* test_deck.c - pacing. */
#include "tests/unit/lib/paced.h"
#include "tests/unit/lib/test.h"

#include <stdlib.h>
#include <string.h>

/* ---- pacing -------------------------------------------------------------- */

/* However late each wake-up is, due times stay on the anchor's grid. */
TEST(no_drift)
{
	struct paced_tape t = { 0 };
	struct paced p = { .now = 5000 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 60; i++)
		paced_put(&t, i * MS);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 123456), EVT_DECK_END);
	assert_int_equal(p.n, 60);
	for (int i = 0; i < 60; i++)
		assert_int_equal(p.due[i], 5000 + i * MS);
	evt_deck_free(d);
}

TEST(speeds)
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
		{ EVT_SPEED_UNLIMITED, { 0, 0, 0 } },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct paced_tape t = { 0 };
		struct paced p = { 0 };
		evt_deck_options o = paced_options();
		evt_deck *d;

		paced_put(&t, 7);
		paced_put(&t, 7 + S);
		paced_put(&t, 7 + 3 * S);
		o.speed = row[i].speed;
		d = paced_deck(&t, &o);
		assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
		paced_check_dues(&p, row[i].due, 3);
		evt_deck_free(d);
	}
}

TEST(bad_speeds)
{
	static const uint32_t bad[] = { 1, EVT_SPEED_MIN - 1, EVT_SPEED_MAX + 1,
		UINT32_MAX };
	struct paced_tape t = { 0 };
	evt_deck_input feed = paced_feed(&t);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_deck_options o = paced_options();
		evt_deck *d;

		o.speed = bad[i];
		assert_int_equal(evt_deck_new(feed, &o, &d, NULL), EVT_ERR_ARG);
	}
}

TEST(max_gap)
{
	static const int64_t want[] = { 0, S, 3 * S, 5 * S, 5 * S };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, S);
	paced_put(&t, 3601 * S);
	paced_put(&t, 9000 * S);
	paced_put(&t, 9000 * S);
	o.max_gap_ns = 2 * S;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 5);
	evt_deck_free(d);
}

/* Stamps that step back: due at once, and no time is gained or lost. */
TEST(merged_out_of_order)
{
	static const int64_t at[] = { 0, 10, 5, 11, 190, 20, 191 };
	static const int64_t want[] = { 0, 10, 10, 11, 190, 190, 191 };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d;

	for (size_t i = 0; i < 7; i++)
		paced_put(&t, at[i]);
	o.merged = true;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 7);
	evt_deck_free(d);
}

/* A step of the wall clock within a run moves nothing. */
TEST(clock_step)
{
	static const int64_t want[] = { 0, S, 2 * S, 3 * S };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 4; i++)
		paced_put(&t, i * S);
	t.frame[2].time_ns -= 3600 * S;
	t.frame[3].time_ns += 3600 * S;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 4);
	evt_deck_free(d);
}

/* Across the border of two runs the receive times count; after it, the new
 * run's steady clock. */
static void
check_runs(struct paced_tape *t, const evt_deck_options *o)
{
	static const int64_t want[] = { 0, S, 61 * S, 62 * S, 62 * S };
	struct paced p = { 0 };
	evt_deck *d = paced_deck(t, o);

	t->at = 0;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 5);
	evt_deck_free(d);
}

TEST(runs)
{
	static const uint64_t runs[] = { 1, 3, 5 };
	struct paced_tape t = { 0 };
	evt_deck_options o = paced_options();

	paced_put(&t, 0);
	paced_put(&t, S);
	paced_put(&t, 61 * S);
	paced_put(&t, 62 * S);
	paced_put(&t, 0);               /* the third run's clock is earlier */
	t.frame[0].mono_ns += 5000 * S; /* as if the clock had been wrong */
	t.frame[1].mono_ns += 5000 * S;
	o.runs = runs;
	o.n_runs = 3;
	check_runs(&t, &o);
	/* The same with marks of the clock step. */
	o.n_runs = 0;
	for (size_t i = 0; i < 3; i++) {
		t.frame[runs[i] - 1].kind = EVT_KIND_MARK;
		t.frame[runs[i] - 1].opcode = EVT_MARK_STARTED;
	}
	check_runs(&t, &o);
}

TEST(wild_stamps)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, 0);
	paced_put(&t, 0);
	t.frame[0].time_ns = t.frame[0].mono_ns = INT64_MIN;
	t.frame[1].time_ns = t.frame[1].mono_ns = INT64_MAX;
	t.frame[2].time_ns = t.frame[2].mono_ns = INT64_MIN;
	o.speed = EVT_SPEED_MIN;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.n, 3);
	assert_int_equal(p.due[1], INT64_MAX);
	evt_deck_free(d);
}

/* ---- live tapes and damaged ones ----------------------------------------- */

TEST(live)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 4; i++)
		paced_put(&t, i * S);
	t.live_until = 2;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	assert_int_equal(p.n, 2);
	/* The recorder adds two frames long after the first would have been due:
	 * that one is not late, and the second keeps its distance. */
	p.now = 50 * S;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	t.live_until = 4;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	assert_int_equal(p.due[2], 50 * S);
	assert_int_equal(p.due[3], 51 * S);
	t.live_until = 0;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	evt_deck_free(d);
}

/* The deck waits for frames that are added in time. */
TEST(live_in_time)
{
	static const int64_t want[] = { 0, 5 * S };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	paced_put(&t, 0);
	paced_put(&t, 5 * S);
	t.live_until = 1;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_LIVE);
	p.now = S;
	t.live_until = 0;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 2);
	evt_deck_free(d);
}

TEST(no_follow)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, S);
	t.live_until = 1;
	o.no_follow = true;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.n, 1);
	evt_deck_free(d);
}

TEST(damaged)
{
	static const int64_t want[] = { 0, 2 * S };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 3; i++)
		paced_put(&t, i * S);
	t.bad = 1;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_ERR_CORRUPT);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 2);
	evt_deck_free(d);
}

/* Reading the first block takes its time: the first frame is not late. */
TEST(anchor_after_first_read)
{
	struct paced_tape t = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);
	evt_frame f;
	int64_t due;

	paced_put(&t, 0);
	paced_put(&t, S);
	assert_int_equal(evt_deck_poll(d, 100, &f, &due, NULL), EVT_DECK_WAIT);
	assert_int_equal(due, 100);
	assert_int_equal(evt_deck_poll(d, 5000, &f, &due, NULL),
	    EVT_DECK_FRAME);
	assert_int_equal(due, 5000);
	assert_int_equal(evt_deck_poll(d, 5000, &f, &due, NULL), EVT_DECK_WAIT);
	assert_int_equal(due, 5000 + S);
	evt_deck_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(no_drift),
		RUN(speeds),
		RUN(bad_speeds),
		RUN(max_gap),
		RUN(merged_out_of_order),
		RUN(clock_step),
		RUN(runs),
		RUN(wild_stamps),
		RUN(live),
		RUN(live_in_time),
		RUN(no_follow),
		RUN(damaged),
		RUN(anchor_after_first_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
