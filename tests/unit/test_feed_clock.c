/*
 * test_feed_clock.c - the offset of a feed's local times: any zone, late events,
 * clocks that are changed in both directions, bursts, and times of no zone.
 */
#include "tests/unit/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/navixy/feed_clock.h"

#define T0 INT64_C(1699999200) /* a whole hour */
#define HOUR 3600

/* An event that was sent at `sent_s`, on a clock of that offset, and received
 * later. */
static void
see(evt_feed_clock *c, int64_t sent_s, int64_t received_s, int offset_s)
{
	evt_feed_clock_see(c, sent_s + offset_s - received_s,
	    received_s * EVT_NS_PER_S);
}

static int
last(const evt_feed_clock *c)
{
	return c->n == 0 ? -1 : c->change[c->n - 1].offset_s;
}

TEST(any_zone)
{
	for (int offset = -12 * HOUR; offset <= 14 * HOUR; offset += 900) {
		evt_feed_clock c = { 0 };

		/* Late ones before and after one in time, for a day. */
		for (int i = 0; i < 24 * 60; i++) {
			int64_t t = T0 + i * 60;

			see(&c, t - (i % 7 == 3 ? i * 97 % 5000 : i % 5), t,
			    offset);
			assert_int_equal(c.n, 1);
			assert_int_equal(c.change[0].offset_s, offset);
		}
		assert_true(evt_feed_clock_is_sure(&c));
	}
}

TEST(a_clock_that_is_minutes_ahead_or_behind)
{
	for (int skew = -400; skew <= 400; skew += 100) {
		evt_feed_clock c = { 0 };

		see(&c, T0 + skew, T0, 5 * HOUR + 2700);
		assert_int_equal(last(&c), 5 * HOUR + 2700);
		assert_false(evt_feed_clock_is_sure(&c));
	}
}

/* Changes by half an hour and an hour, in both directions, of feeds that are slow
 * and fast: the offset changes at the second of the change. */
TEST(clocks_are_changed)
{
	static const int steps[] = { 1, 7, 60, 290 },
	                 by[] = { -HOUR, -1800, 1800, HOUR };

	for (size_t i = 0; i < 16; i++) {
		int step = steps[i % 4], change = by[i / 4];
		evt_feed_clock c = { 0 };

		for (int64_t t = T0 - 2 * HOUR; t < T0 + 2 * HOUR; t += step)
			see(&c, t, t + 1 + t % 3,
			    t < T0 ? HOUR : HOUR + change);
		assert_int_equal(c.n, 2);
		assert_int_equal(c.change[0].offset_s, HOUR);
		assert_int_equal(c.change[1].offset_s, HOUR + change);
		assert_int_equal(c.change[1].at_ns, T0 * EVT_NS_PER_S);
	}
}

/* A minute after the change, or with three events, it is known. */
TEST(a_change_is_known_soon)
{
	for (int step = 1; step < 600; step = step * 2 + 1) {
		evt_feed_clock c = { 0 };
		int64_t t = T0 - HOUR;

		for (; t < T0; t += step)
			see(&c, t, t, HOUR);
		for (int n = 0; n < 3 || t < T0 + 60 + 2 * step; n++, t += step)
			see(&c, t, t, 0);
		assert_int_equal(last(&c), 0);
	}
}

/* An outage of the recorder's line: everything comes at once, or in order while it
 * catches up; before it, in the middle, and at the very beginning. */
TEST(bursts_of_late_events)
{
	for (int start = 0; start <= 2 * HOUR; start += HOUR) {
		for (int rate = 10; rate <= 10000; rate *= 10) {
			evt_feed_clock c = { 0 };
			int64_t t, sent;

			for (t = T0; t < T0 + start; t++)
				see(&c, t, t, 2 * HOUR);
			/* Three hours of events, `rate` of them a second. */
			sent = t;
			for (t += 3 * HOUR; sent < t - 1; t++) {
				for (int i = 0; i < rate && sent < t; i++)
					see(&c, sent++, t, 2 * HOUR);
			}
			for (int i = 0; i < HOUR; i++, t++)
				see(&c, t, t, 2 * HOUR);
			assert_int_equal(c.n, 1);
			assert_int_equal(c.change[0].offset_s, 2 * HOUR);
		}
	}
}

/* Of two sources, one is always late, by any time. */
TEST(a_source_that_is_late)
{
	for (int late = 30; late < 3 * HOUR; late += 30) {
		evt_feed_clock c = { 0 };

		for (int64_t t = T0; t < T0 + HOUR; t += 20) {
			see(&c, t - late, t, -HOUR);
			see(&c, t + 9, t + 10, -HOUR);
		}
		assert_int_equal(c.n, 1);
		assert_int_equal(last(&c), -HOUR);
	}
}

/* The first event after the clocks went back comes before the last one before. */
TEST(events_out_of_order_at_a_change)
{
	evt_feed_clock c = { 0 };

	see(&c, T0, T0, 0);
	see(&c, T0 - 1, T0 + 1, HOUR);
	for (int t = 2; t < 300; t += 40)
		see(&c, T0 + t, T0 + t, 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.change[0].offset_s, HOUR);
	assert_int_equal(c.change[1].at_ns, T0 * EVT_NS_PER_S);
}

TEST(many_changes_do_no_harm)
{
	evt_feed_clock c = { 0 };

	for (int i = 0; i < 100000; i++)
		see(&c, T0 + i, T0 + i, i / 200 % 7 * 900);
	assert_int_equal(c.n, EVT_FEED_CLOCK_MAX);
	/* The ends of time. */
	evt_feed_clock_see(&c, 0, INT64_MAX);
	evt_feed_clock_see(&c, 900, INT64_MIN);
	for (int i = 0; i < 5; i++)
		evt_feed_clock_see(&c, -900, i % 2 ? INT64_MIN : INT64_MAX);
}

static bool
ahead(const char *text, int64_t time_s, int64_t *s, bool *exact)
{
	return evt_feed_clock_ahead((evt_json_view){ (const uint8_t *)text,
	                                strlen(text) },
	    time_s * EVT_NS_PER_S + 999999999, s, exact);
}

TEST(times_of_no_zone_are_left_out)
{
	static const char *const odd[] = { "\"noon\"", "5", "null",
		"\"2023-11-14\"", "\"\"", "\"2023-11-15 15:00:00\"",
		"\"2023-11-14 08:00:00\"", "\"9999-11-14 08:00:00\"" };
	int64_t s = 1;
	bool exact = true;

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		assert_false(ahead(odd[i], T0, &s, &exact));
	assert_true(ahead("\"2023-11-14 22:00:07\"", T0, &s, &exact));
	assert_int_equal(s, 7);
	assert_false(exact);
	assert_true(ahead("\"2023-11-15 11:59:00\"", T0, &s, &exact));
	assert_int_equal(s, 14 * HOUR - 60);
	assert_true(ahead("\"2020-11-14T22:00:07-03:30\"", T0, &s, &exact));
	assert_int_equal(s, -3 * HOUR - 1800);
	assert_true(exact);
	assert_false(ahead("\"2020-11-14T22:00:07-23:30\"", T0, &s, &exact));
	assert_false(ahead("\"2023-11-14 22:00:07\"", INT64_MIN / EVT_NS_PER_S,
	    &s, &exact));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(any_zone),
		RUN(a_clock_that_is_minutes_ahead_or_behind),
		RUN(clocks_are_changed),
		RUN(a_change_is_known_soon),
		RUN(bursts_of_late_events),
		RUN(a_source_that_is_late),
		RUN(events_out_of_order_at_a_change),
		RUN(many_changes_do_no_harm),
		RUN(times_of_no_zone_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
