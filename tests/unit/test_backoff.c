/* test_backoff.c - waits between attempts, with time and chance of our own. */
#include "tests/unit/lib/tapes.h"

#include "format/base/timetext.h"
#include "record/feed/backoff.h"
#include "record/net/retry_after.h"
#include "tests/unit/lib/test.h"

static uint64_t chance;

static uint64_t
draw(void *ctx)
{
	(void)ctx;
	return chance;
}

TEST(waits_grow_to_a_minute_and_are_spread)
{
	evt_backoff b = { .random = draw };
	int64_t most = EVT_BACKOFF_FIRST_NS;

	for (int i = 0; i < 40; i++) {
		int64_t wait;

		/* The greatest that may be drawn is, and one more is not. */
		chance = i % 2 ? (uint64_t)most : (uint64_t)most + 1;
		wait = evt_backoff_next(&b, i, 0);
		assert_int_equal(wait, i % 2 ? most : 0);
		most = most * 2 > EVT_BACKOFF_MOST_NS ? EVT_BACKOFF_MOST_NS :
		                                        most * 2;
	}
}

TEST(a_healthy_connection_resets_it_a_short_one_does_not)
{
	evt_backoff b = { .random = draw };
	int64_t now = 0;

	chance = EVT_BACKOFF_MOST_NS;
	for (int i = 0; i < 10; i++)
		evt_backoff_next(&b, now, 0);
	evt_backoff_up(&b, now);
	now += EVT_BACKOFF_STEADY_NS - 1;
	assert_true(evt_backoff_next(&b, now, 0) > 50 * EVT_NS_PER_S);
	evt_backoff_up(&b, now);
	now += EVT_BACKOFF_HEALTHY_NS;
	assert_true(evt_backoff_next(&b, now, 0) <= EVT_BACKOFF_FIRST_NS);
}

/* A modem that drops every few seconds must not cost most of the recording. */
TEST(a_wait_is_no_longer_than_the_connection_was)
{
	static const struct {
		int64_t lasted_s, most_s;
	} cases[] = { { 2, 2 }, { 3, 2 }, { 7, 4 }, { 8, 8 }, { 15, 8 },
		{ 59, 32 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t lasted = cases[i].lasted_s * EVT_NS_PER_S;
		int64_t most = cases[i].most_s * EVT_NS_PER_S, now = 0;
		evt_backoff b = { .random = draw };

		chance = 0;
		for (int k = 0; k < 10; k++)
			evt_backoff_next(&b, now, 0);
		/* Time after time, not only once. */
		for (int k = 0; k < 20; k++) {
			evt_backoff_up(&b, now);
			now += lasted;
			/* The greatest that may be drawn is, one more is not. */
			chance = (uint64_t)most + (unsigned)k % 2;
			assert_int_equal(evt_backoff_next(&b, now, 0),
			    k % 2 ? 0 : most);
		}
	}
}

TEST(a_floor_is_kept)
{
	evt_backoff b = { .random = draw };
	int64_t wait;

	for (int i = 0; i < 2; i++) {
		chance = i ? UINT64_MAX : 0;
		wait = evt_backoff_next(&b, 0, 60 * EVT_NS_PER_S);
		assert_true(wait >= 60 * EVT_NS_PER_S);
		assert_true(wait <= 66 * EVT_NS_PER_S);
		wait = evt_backoff_next(&b, 0, 1000000 * EVT_NS_PER_S);
		assert_true(wait <= EVT_BACKOFF_ASKED_MOST_NS / 10 * 11);
	}
}

TEST(patience_doubles_to_an_hour)
{
	evt_backoff b = { .random = draw };
	int64_t least = EVT_NS_PER_S;

	for (int i = 0; i < 100; i++) {
		int64_t wait;

		chance = i % 2 ? UINT64_MAX : 0;
		wait = evt_backoff_patient(&b, i, 0);
		assert_in_range(wait, least, least / 10 * 11);
		least = least * 2 > EVT_BACKOFF_ASKED_MOST_NS ?
		    EVT_BACKOFF_ASKED_MOST_NS :
		    least * 2;
	}
	b = (evt_backoff){ .random = draw };
	chance = 0;
	assert_int_equal(evt_backoff_patient(&b, 0, 60 * EVT_NS_PER_S),
	    60 * EVT_NS_PER_S);
}

TEST(retry_after)
{
	/* 2023-11-14T22:13:20Z */
	int64_t now = INT64_C(1700000000) * EVT_NS_PER_S, ns = -1;

	assert_true(evt_retry_after_parse("120", now, &ns));
	assert_int_equal(ns, 120 * EVT_NS_PER_S);
	assert_true(
	    evt_retry_after_parse("Tue, 14 Nov 2023 22:14:20 GMT", now, &ns));
	assert_int_equal(ns, 60 * EVT_NS_PER_S);
	assert_true(
	    evt_retry_after_parse("Tue, 14 Nov 2023 22:00:00 GMT", now, &ns));
	assert_int_equal(ns, 0);
	ns = 7;
	assert_false(evt_retry_after_parse("soon", now, &ns));
	assert_false(evt_retry_after_parse("", now, &ns));
	assert_false(evt_retry_after_parse("-5", now, &ns));
	assert_int_equal(ns, 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(waits_grow_to_a_minute_and_are_spread),
		RUN(a_healthy_connection_resets_it_a_short_one_does_not),
		RUN(a_wait_is_no_longer_than_the_connection_was),
		RUN(a_floor_is_kept),
		RUN(patience_doubles_to_an_hour),
		RUN(retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
