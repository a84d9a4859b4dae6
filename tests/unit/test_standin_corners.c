/*
 * test_standin_corners.c - the messages to a client when subscriptions change,
 * when one frame names a source twice, and when two connections report different
 * things about a source.
 */
#include "tests/unit/lib/clients.h"
#include "tests/unit/lib/test.h"

static const struct line three[] = {
	{ 0, 1, STATE(1, 10) },
	{ 10, 1, STATE(2, 20) },
	{ 20, 1, STATE(1, 11) },
	{ 2000, 1, STATE(1, 12) },
	{ 2010, 1, STATE(2, 21) },
	{ 2020, 1, STATE(3, 30) },
	{ 3000, 1, STATE(1, 13) },
};

/* Gathered states of a source are dropped if no subscription wants them any
 * more. */
TEST(unsubscribed_while_gathered)
{
	struct client *x = BEGIN(three, 1000);

	say(x, 1000, ASK(SOME("state_batch", "1,2", EVERY("5s"))));
	play(x, 2);
	forget(x);
	say(x, 2100, STOP(SOME("state_batch", "1", "")));
	forget(x);
	tick(x, 6000);
	heard(x, "batch 2:21");
	finish(x);
}

/* A client that subscribes again has got the states; the old grid is over. */
TEST(another_grid)
{
	struct client *x = BEGIN(three, 1000);

	say(x, 1000, ASK(ALL("state_batch", EVERY("5s"))));
	play(x, 2);
	forget(x);
	say(x, 2100, ASK(ALL("state_batch", EVERY("60s"))));
	forget(x);
	assert_int_equal(due_ms(x), -1);
	finish(x);
}

#define SECOND(n)                                \
	{                                        \
		(n) * 1000, 1, BATCH(ITEM(1, n)) \
	}
static const struct line each_second[] = {
	SECOND(0),
	SECOND(1),
	SECOND(2),
	SECOND(3),
	SECOND(4),
	SECOND(5),
	SECOND(6),
	SECOND(7),
	SECOND(8),
	SECOND(9),
	SECOND(10),
	SECOND(11),
	SECOND(12),
	SECOND(13),
	SECOND(14),
	SECOND(15),
	SECOND(16),
	SECOND(17),
	SECOND(18),
	SECOND(19),
	SECOND(20),
};

/* Those that pass and those that are gathered keep the limit together. */
TEST(a_batch_each_second)
{
	struct client *x = BEGIN(each_second, 500);

	say(x, 500, ASK(ALL("state_batch", EVERY("5s"))));
	forget(x);
	for (int i = 1; i <= 20; i++) {
		tick(x, i * 1000 - 1);
		play(x, 1);
	}
	assert_in_range(x->n, 3, 5);
	finish(x);
}

static const struct line twice[] = {
	{ 0, 1, BATCH(ITEM(1, 10)) },
	{ 1000, 1, BATCH(ITEM(1, 11) "," ITEM(1, 12)) },
};

/* The later item counts. */
TEST(twice_in_a_frame_split)
{
	struct client *x = BEGIN(twice, 500);

	say(x, 500, ASK(SOME("state", "1", "")));
	forget(x);
	play(x, 1);
	heard(x, "state 1:12");
	finish(x);
}

/* Also where it is found through the index. */
TEST(twice_in_a_frame_loaded)
{
	struct client *x = BEGIN(twice, 1500);

	say(x, 500, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:12");
	finish(x);
}

static const struct line late[] = {
	{ 0, 1, STATE(1, 10) },
	{ 4000, 1, STATE(1, 11) },
	{ 7000, 1, STATE(1, 12) },
	{ 20000, 1, STATE(2, 1) },
};

/* A batch that was due before a frame has the states from before it. */
TEST(a_frame_is_no_part_of_an_earlier_batch)
{
	struct client *x = BEGIN(late, 1000);

	say(x, 1000, ASK(ALL("state_batch", EVERY("5s"))));
	forget(x);
	play(x, 3);
	heard(x, "batch 1:11 | batch 1:12");
	finish(x);
}

static const struct line later_batch[] = {
	{ 0, 1, STATE(1, 10) },
	{ 1000, 1, LIFE(1, "block") },
	{ 2000, 2, BATCH(ITEM(1, 12)) },
	{ 3000, 2, STATE(2, 1) },
};

/* The newest state is of a later connection: it was unblocked. */
TEST(blocked_and_heard_of_in_a_batch)
{
	struct client *x = BEGIN(later_batch, 2500);

	say(x, 2500, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:12");
	finish(x);
}

static const struct line ahead[] = {
	{ 0, 1, STATE(1, 10) },
	{ 3000, 2, ANSWER("\"1\":\"blocked\"") },
};

/* The messages of a later connection do not apply to an earlier one. */
TEST(an_answer_to_another_connection)
{
	struct client *x = BEGIN(ahead, 1000);

	say(x, 1000, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:10");
	finish(x);
}

static const struct line gone[] = {
	{ 0, 1, ANSWER("\"1\":\"normal\"") },
	{ 10, 1, STATE(1, 10) },
	{ 1000, 1, LIFE(1, "corrupt") },
	{ 2000, 2, ANSWER("\"1\":\"normal\"") },
	{ 3000, 2, STATE(2, 1) },
};

/* A later response names it: it is no longer removed. */
TEST(removed_and_there_again)
{
	struct client *x = BEGIN(gone, 0);

	play(x, 5);
	say(x, 3500, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:10");
	finish(x);
}

static const struct line noans[] = {
	{ 0, 1, ANSWER("\"1\":\"blocked\"") },
	{ 1000, 2, STATE(1, 10) },
	{ 3000, 2, STATE(2, 1) },
};

/* A state on a connection without a response. */
TEST(blocked_and_heard_of_later)
{
	struct client *x = BEGIN(noans, 0);

	play(x, 3);
	say(x, 3500, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:10");
	forget(x);
	place(x, 3500);
	say(x, 3500, ASK(SOME("state", "1", "")));
	heard(x, "answer state 1=normal | state 1:10");
	finish(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(unsubscribed_while_gathered),
		RUN(another_grid),
		RUN(a_batch_each_second),
		RUN(twice_in_a_frame_split),
		RUN(twice_in_a_frame_loaded),
		RUN(a_frame_is_no_part_of_an_earlier_batch),
		RUN(blocked_and_heard_of_in_a_batch),
		RUN(an_answer_to_another_connection),
		RUN(removed_and_there_again),
		RUN(blocked_and_heard_of_later),
	};

	return cmocka_run_group_tests_name("standin_corners", tests, NULL,
	    NULL);
}
