/* test_deck_control.c - controls of a deck while it plays: pause, step, speed,
 * seek, loops. */
#include "tests/unit/lib/paced.h"
#include "tests/unit/lib/test.h"

#include <stdlib.h>
#include <string.h>

TEST(pause_and_resume)
{
	static const int64_t want[] = { 0, S, 101 * S + S / 2,
		102 * S + S / 2 };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);
	evt_deck_stats st;

	for (int i = 0; i < 4; i++)
		paced_put(&t, i * S);
	assert_int_equal(paced_play(d, &p, 3 * S / 2, 0), EVT_DECK_WAIT);
	evt_deck_pause(d, p.now);
	evt_deck_pause(d, p.now + 1); /* again: nothing */
	assert_true(evt_deck_paused(d));
	p.now = 101 * S;
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	evt_deck_resume(d, p.now);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 4);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.frames, 4);
	assert_int_equal(st.bytes, 8);
	assert_int_equal(st.tape_ns, 3 * S);
	assert_int_equal(st.wall_ns, 3 * S);
	evt_deck_free(d);
}

TEST(start_paused_and_step)
{
	static const int64_t want[] = { 10 * S, 11 * S, 20 * S + S,
		20 * S + 3 * S };
	struct paced_tape t = { 0 };
	struct paced p = { .now = 10 * S };
	evt_deck_options o = paced_options();
	evt_deck_stats st;
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, 500 * S);
	paced_put(&t, 501 * S);
	paced_put(&t, 503 * S);
	o.paused = true;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 0);
	evt_deck_step(d);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 1);
	p.now = 11 * S;
	evt_deck_step(d);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.n, 2);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 500 * S);
	p.now = 20 * S;
	evt_deck_resume(d, p.now);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 4);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.tape_ns, 3 * S);
	assert_int_equal(st.wall_ns, 4 * S - S);
	evt_deck_free(d);
}

TEST(speed_change)
{
	static const int64_t want[] = { 0, S, 3 * S / 2 + S / 4, 2 * S + S / 4,
		2 * S + S / 4 };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 5; i++)
		paced_put(&t, i * S);
	assert_int_equal(paced_play(d, &p, 3 * S / 2, 0), EVT_DECK_WAIT);
	evt_deck_set_speed(d, p.now, 2 * EVT_SPEED_ONE);
	assert_int_equal(evt_deck_speed(d), 2 * EVT_SPEED_ONE);
	assert_int_equal(paced_play(d, &p, 2 * S + S / 4, 0), EVT_DECK_WAIT);
	evt_deck_set_speed(d, p.now, EVT_SPEED_UNLIMITED);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	paced_check_dues(&p, want, 5);
	evt_deck_free(d);
}

TEST(seek)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 4; i++)
		paced_put(&t, i * 100 * S);
	assert_int_equal(paced_play(d, &p, 50 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 50 * S);
	/* Back by 10 s within a silence: its rest is longer, nothing is skipped. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 40 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 40 * S);
	assert_int_equal(paced_play(d, &p, 111 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[1], 2);
	assert_int_equal(p.due[1], 110 * S);
	/* Forward over a frame. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 299 * S, NULL), EVT_OK);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	assert_int_equal(p.seq[2], 4);
	assert_int_equal(p.due[2], 112 * S);
	/* From the end, to before the start: no wait. */
	assert_int_equal(evt_deck_seek(d, p.now, T0 - 10 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0);
	assert_int_equal(paced_play(d, &p, 112 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[3], 1);
	assert_int_equal(p.due[3], 112 * S);
	evt_deck_free(d);
}

/* Where the tape begins is known once its first frame was read, not the first
 * after a seek. */
TEST(seek_back_from_the_first_seek)
{
	struct paced_tape t = { .n = 0 };
	struct paced p = { .now = S };
	evt_deck_options o = paced_options();
	evt_deck *d;

	for (int i = 0; i < 10; i++)
		paced_put(&t, i * 10 * S);
	d = paced_deck(&t, &o);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 50 * S, NULL), EVT_OK);
	assert_int_equal(paced_play(d, &p, p.now + S, 0), EVT_DECK_WAIT);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 25 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 25 * S);
	assert_int_equal(paced_play(d, &p, p.now + 6 * S, 0), EVT_DECK_WAIT);
	assert_int_equal(p.n, 2);
	assert_int_equal(p.seq[0], 6);
	assert_int_equal(p.seq[1], 4);
	evt_deck_free(d);
}

TEST(seek_while_paused)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 4; i++)
		paced_put(&t, i * S);
	assert_int_equal(paced_play(d, &p, S, 0), EVT_DECK_WAIT);
	evt_deck_pause(d, p.now);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 3 * S, NULL), EVT_OK);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	evt_deck_step(d);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_PAUSED);
	assert_int_equal(p.seq[p.n - 1], 4);
	evt_deck_free(d);
}

/* Where the first frame is read after a seek, the window does not begin there. */
TEST(seek_before_the_first_frame)
{
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d = paced_deck(&t, &o);

	for (int i = 0; i < 6; i++)
		paced_put(&t, i * S);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 4 * S, NULL), EVT_OK);
	assert_int_equal(paced_play(d, &p, 0, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[0], 5);
	assert_int_equal(evt_deck_seek(d, p.now, T0 + 2 * S, NULL), EVT_OK);
	assert_int_equal(evt_deck_tape_time(d, p.now), T0 + 2 * S);
	assert_int_equal(paced_play(d, &p, 0, 0), EVT_DECK_WAIT);
	assert_int_equal(p.seq[1], 3);
	evt_deck_free(d);
}

TEST(loops)
{
	static const int64_t want[] = { 0, S, S + 77, 2 * S + 77, 2 * S + 154,
		3 * S + 154 };
	struct paced_tape t = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck_stats st;
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, S);
	o.passes = 3;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 77), EVT_DECK_END);
	paced_check_dues(&p, want, 6);
	evt_deck_get_stats(d, &st);
	assert_int_equal(st.passes, 3);
	assert_int_equal(st.tape_ns, 3 * S);
	evt_deck_free(d);
}

TEST(endless_loop)
{
	struct paced_tape t = { 0 }, empty = { 0 };
	struct paced p = { 0 };
	evt_deck_options o = paced_options();
	evt_deck *d;

	paced_put(&t, 0);
	paced_put(&t, S);
	o.passes = 0;
	d = paced_deck(&t, &o);
	assert_int_equal(paced_play(d, &p, 99 * S + S / 2, 0), EVT_DECK_WAIT);
	assert_int_equal(p.n, 199);
	evt_deck_free(d);
	/* Nothing to loop over. */
	d = paced_deck(&empty, &o);
	assert_int_equal(paced_play(d, &p, INT64_MAX, 0), EVT_DECK_END);
	evt_deck_free(d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(pause_and_resume),
		RUN(start_paused_and_step),
		RUN(speed_change),
		RUN(seek),
		RUN(seek_back_from_the_first_seek),
		RUN(seek_while_paused),
		RUN(seek_before_the_first_frame),
		RUN(loops),
		RUN(endless_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
