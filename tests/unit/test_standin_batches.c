/*
 * test_standin_batches.c - batches for a client of the stand-in: gathered from
 * single states on the grid of the rate limit, passed, cut, thinned and split.
 */
#include "tests/unit/lib/clients.h"
#include "tests/unit/lib/test.h"

#include <stdio.h>

static const struct line three[] = {
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 20, 1, STATE(1, 11) },
	{ 2000, 1, STATE(1, 12) },
	{ 2010, 1, STATE(2, 21) },
	{ 2020, 1, STATE(3, 30) },
	{ 3000, 1, STATE(1, 13) },
};

/* ---- single states, gathered ------------------------------------------- */

/* The grid begins at the subscription, at 1000 ms. */
TEST(gathered_on_the_grid)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 1000, 1, STATE(1, 11) },
		{ 2999, 1, STATE(2, 20) },
		{ 3000, 1, STATE(1, 12) },
		{ 3001, 1, STATE(1, 13) },
		{ 9000, 1, STATE(2, 21) },
	};
	struct client *x = BEGIN(lines, 1000);

	say(x, 1000, ASK(ALL("state_batch", EVERY("2s"))));
	assert_int_equal(x->n, 2);
	forget(x);
	assert_int_equal(due_ms(x), -1);
	play(x, 1); /* on the grid: for its next point */
	assert_int_equal(due_ms(x), 3000);
	play(x, 1);
	assert_int_equal(due_ms(x), 3000);
	tick(x, 2999);
	heard(x, "");
	tick(x, 3000);
	heard_exactly(x, BATCH(ITEM(1, 11) "," ITEM(2, 20)));
	assert_int_equal(due_ms(x), -1);
	tick(x, 5000); /* nothing was said */
	heard(x, "");
	play(x, 1);
	assert_int_equal(due_ms(x), 5000);
	play(x, 1);
	heard(x, "");
	tick(x, 5000); /* its next state, once */
	heard(x, "batch 1:13");
	play(x, 1);
	assert_int_equal(due_ms(x), 11000);
	finish(x);
}

/* Without a rate limit each state is sent as soon as possible. */
TEST(gathered_at_once)
{
	static const char *const limits[] = { "", EVERY("0s"), EVERY("0") };

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct client *x = BEGIN(three, 1000);
		char ask[200];

		snprintf(ask, sizeof(ask),
		    ASK("{\"type\":\"state_batch\",\"target\":{\"type\":"
		        "\"all\"}%s}"),
		    limits[i]);
		say(x, 1000, ask);
		forget(x);
		play(x, 1);
		assert_int_equal(due_ms(x), 2000);
		tick(x, 2000);
		heard(x, "batch 1:12");
		play(x, 2);
		tick(x, 2020);
		heard(x, "batch 2:21 | batch 3:30");
		finish(x);
	}
}

/* A frame makes batches due that precede it. */
TEST(frames_bring_batches)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 1000, 1, STATE(1, 11) },
		{ 8000, 1, STATE(2, 20) },
	};
	struct client *x = BEGIN(lines, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("2s"))));
	forget(x);
	play(x, 1);
	heard(x, "");
	play(x, 1);
	heard(x, "batch 1:11");
	assert_int_equal(due_ms(x), 8500);
	finish(x);
}

/* States of a tracker that was blocked meanwhile are not sent. */
TEST(gathered_and_blocked)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 1000, 1, STATE(1, 11) },
		{ 1100, 1, STATE(2, 20) },
		{ 1200, 1, LIFE(1, "block") },
		{ 1300, 1, STATE(3, 30) },
		{ 1400, 1, LIFE(2, "corrupt") },
		{ 1500, 1, LIFE(3, "block") },
	};
	struct client *x = BEGIN(lines, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("5s"))));
	forget(x);
	play(x, 4);
	heard(x, "block 1");
	play(x, 1);
	heard(x, "corrupt 2");
	tick(x, 5500);
	heard(x, "batch 3:30");
	finish(x);
	x = BEGIN(lines, 500);
	say(x, 500, ASK(ALL("state_batch", EVERY("5s"))));
	play(x, 6);
	forget(x);
	tick(x, 5500); /* nothing is left of it */
	heard(x, "");
	finish(x);
}

/* ---- batches of the tape ----------------------------------------------- */

static const struct line grid[] = {
	{ 0, 1, BATCH(ITEM(1, 10) "," ITEM(2, 20) "," ITEM(3, 30)) },
	{ 1000, 1, BATCH(ITEM(1, 11) "," ITEM(2, 21)) },
	{ 2000, 1, BATCH(ITEM(3, 31)) },
	{ 2999, 1, BATCH(ITEM(1, 12)) },
	{ 4001, 1, BATCH(ITEM(1, 13) "," ITEM(3, 32)) },
};

/* With the rate limit that the recorder had, all pass to the byte, though not
 * quite on the grid. */
TEST(batches_whole)
{
	struct client *x = BEGIN(grid, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("1s"))));
	heard(x,
	    "answer state_batch 1=normal 2=normal 3=normal | batch 1:10 2:20 "
	    "3:30");
	for (size_t i = 1; i < sizeof(grid) / sizeof(grid[0]); i++) {
		play(x, 1);
		heard_exactly(x, grid[i].text);
		assert_int_equal(due_ms(x), -1);
	}
	finish(x);
}

TEST(batches_in_part)
{
	struct client *x = BEGIN(grid, 500);

	say(x, 500, ASK(SOME("state_batch", "1", EVERY("1s"))));
	heard(x, "answer state_batch 1=normal | batch 1:10");
	play(x, 1);
	heard_exactly(x, BATCH(ITEM(1, 11)));
	play(x, 1);
	heard(x, "");
	play(x, 1);
	heard_exactly(x, grid[3].text);
	play(x, 1);
	heard_exactly(x, BATCH(ITEM(1, 13)));
	finish(x);
}

/* Those between come when the tape's next one may, each source once. */
TEST(batches_thinned)
{
	struct client *x = BEGIN(grid, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("5s"))));
	forget(x);
	play(x, 1);
	heard_exactly(x, grid[1].text);
	play(x, 2);
	heard(x, "");
	assert_int_equal(due_ms(x), 6000);
	tick(x, 5999);
	heard(x, "");
	tick(x, 6000);
	heard(x, "batch 1:12 3:31");
	finish(x);
}

/* A recorder that began again is answered again: its first batch passes. */
TEST(batches_of_two_connections)
{
	static const struct line lines[] = {
		{ 0, 1, BATCH(ITEM(1, 10)) },
		{ 1000, 1, BATCH(ITEM(1, 11)) },
		{ 1100, 2, BATCH(ITEM(1, 12) "," ITEM(2, 20)) },
		{ 1200, 2, BATCH(ITEM(2, 21)) },
	};
	struct client *x = BEGIN(lines, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("5s"))));
	forget(x);
	play(x, 1);
	heard_exactly(x, lines[1].text);
	play(x, 1);
	heard_exactly(x, lines[2].text);
	play(x, 1);
	heard(x, "");
	tick(x, 6100);
	heard(x, "batch 2:21");
	finish(x);
}

/* An empty batch is sent to clients that asked for all trackers. */
TEST(empty_batches)
{
	static const struct line lines[] = {
		{ 0, 1, BATCH(ITEM(1, 10)) },
		{ 1000, 1, BATCH("") },
	};
	struct client *x = BEGIN(lines, 500);

	say(x, 500, ASK(ALL("state_batch", "")));
	forget(x);
	play(x, 1);
	heard_exactly(x, BATCH(""));
	finish(x);
	x = BEGIN(lines, 500);
	say(x, 500, ASK(SOME("state_batch", "1", "")));
	forget(x);
	play(x, 1);
	heard(x, "");
	finish(x);
}

/* A client that asked for single states gets them out of batches. */
TEST(batches_split)
{
	struct client *x = BEGIN(grid, 500);

	say(x, 500, OLD("1,3"));
	heard(x, "answer state 1=normal 3=normal | state 1:10 | state 3:30");
	play(x, 1);
	heard_exactly(x, STATE(1, 11));
	play(x, 1);
	heard_exactly(x, STATE(3, 31));
	play(x, 2);
	heard(x, "state 1:12 | state 1:13 | state 3:32");
	finish(x);
}

/* If the tape has states and batches, each client gets what it asked for,
 * without duplicates. */
TEST(both_recorded)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 10, 1, BATCH(ITEM(1, 10)) },
		{ 1000, 1, STATE(1, 11) },
		{ 1100, 1, BATCH(ITEM(1, 11)) },
		{ 1200, 1, STATE(1, 12) },
		{ 1300, 1, BATCH(ITEM(1, 12)) },
	};
	struct client *x = BEGIN(lines, 0);

	say(x, 0, OLD("1"));
	play(x, 6);
	heard(x,
	    "answer state 1=normal | state 1:10 | state 1:11 | state 1:12");
	finish(x);
}

/* ---- readings ---------------------------------------------------------- */

static const struct line sensors[] = {
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 100, 1, READINGS(READING(1, 100) "," READING(2, 200)) },
	{ 200, 1, IOT("{\"tracker_id\":1,\"n\":7}") },
	{ 2000, 1, READINGS(READING(1, 101) "," READING(2, 201)) },
	{ 2100, 1,
	    IOT("{\"tracker_id\":1,\"n\":8},{\"tracker_id\":2,\"n\":9}") },
	{ 2200, 1, READINGS(READING(2, 202)) },
};

TEST(readings)
{
	struct client *x = BEGIN(sensors, 1000);

	say(x, 1000, ASK(SOME("readings_batch", "2", EVERY("5s"))));
	heard(x, "answer readings_batch 2=normal | readings 2:200");
	play(x, 1);
	heard_exactly(x, READINGS(READING(2, 201)));
	play(x, 2);
	heard(x, "");
	tick(x, 7000);
	heard(x, "readings 2:202");
	finish(x);
	x = BEGIN(sensors, 1000);
	say(x, 1000, ASK(ALL("readings_batch", EVERY("1s"))));
	forget(x);
	play(x, 1);
	heard_exactly(x, sensors[4].text);
	finish(x);
}

TEST(iot)
{
	struct client *x = BEGIN(sensors, 1000);

	say(x, 1000, ASK(SOME("iot_monitor", "1", EVERY("5s"))));
	assert_int_equal(x->n, 2);
	assert_string_equal(x->sent[1], sensors[3].text);
	forget(x);
	play(x, 3);
	heard_exactly(x, IOT("{\"tracker_id\":1,\"n\":8}"));
	finish(x);
	x = BEGIN(sensors, 1000);
	say(x, 1000, ASK(SOME("iot_monitor", "1,2", "")));
	forget(x);
	play(x, 3);
	heard_exactly(x, sensors[5].text);
	finish(x);
}

/* A client without a subscription gets nothing. */
TEST(silence)
{
	struct client *x = BEGIN(grid, 0);
	struct client *y = BEGIN(sensors, 0);

	play(x, 5);
	play(y, 7);
	tick(x, 9000);
	tick(y, 9000);
	heard(x, "");
	heard(y, "");
	finish(x);
	finish(y);
}

/* After a move, gathered states are dropped, and the grid begins again. */
TEST(moved_while_gathering)
{
	static const struct line lines[] = {
		{ 0, 1, STATE(1, 10) },
		{ 10, 1, STATE(2, 20) },
		{ 2000, 1, STATE(1, 11) },
		{ 8000, 1, STATE(2, 21) },
		{ 9000, 1, STATE(2, 22) },
	};
	struct client *x = BEGIN(lines, 1000);

	say(x, 1000, ASK(ALL("state_batch", EVERY("5s"))));
	play(x, 1);
	forget(x);
	assert_int_equal(due_ms(x), 6000);
	move(x, 8500);
	heard(x, "batch 1:11 2:21");
	assert_int_equal(due_ms(x), -1);
	play(x, 1);
	assert_int_equal(due_ms(x), 13500);
	move(x, 1000);
	heard(x, "batch 1:10 2:20");
	assert_int_equal(due_ms(x), -1);
	finish(x);
}

/* After a move a batch of the tape is sent at once, also if the move was
 * back. */
TEST(moved_among_batches)
{
	struct client *x = BEGIN(grid, 2500);

	say(x, 2500, ASK(ALL("state_batch", EVERY("5s"))));
	play(x, 1);
	forget(x);
	move(x, 500);
	heard(x, "batch 1:10 2:20 3:30");
	play(x, 1);
	heard_exactly(x, grid[1].text);
	finish(x);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(gathered_on_the_grid),
		RUN(gathered_at_once),
		RUN(frames_bring_batches),
		RUN(gathered_and_blocked),
		RUN(batches_whole),
		RUN(batches_in_part),
		RUN(batches_thinned),
		RUN(batches_of_two_connections),
		RUN(empty_batches),
		RUN(batches_split),
		RUN(both_recorded),
		RUN(readings),
		RUN(iot),
		RUN(silence),
		RUN(moved_while_gathering),
		RUN(moved_among_batches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
