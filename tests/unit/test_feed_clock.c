/*
 * test_feed_clock.c - the offset of a feed's local times: any zone, late events,
 * daylight saving time, and times that are of no zone.
 */
#include "tests/unit/lib/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "format/base/clock.h"
#include "format/navixy/feed_clock.h"

#define T0 INT64_C(1700000000)
#define HOUR 3600

/* An event that was sent at `sent_s` and received later. */
static void
see(evt_feed_clock *c, int64_t sent_s, int64_t received_s, int offset_s)
{
	time_t local = (time_t)(sent_s + offset_s);
	char text[40];
	struct tm tm;

	assert_non_null(gmtime_r(&local, &tm));
	assert_true(
	    strftime(text, sizeof(text), "\"%Y-%m-%d %H:%M:%S\"", &tm) > 0);
	evt_feed_clock_see(c,
	    (evt_json_view){ (const uint8_t *)text, strlen(text) },
	    received_s * EVT_NS_PER_S);
}

TEST(any_zone)
{
	for (int offset = -12 * HOUR; offset <= 14 * HOUR; offset += 900) {
		evt_feed_clock c = { 0 };

		assert_int_equal(evt_feed_clock_offset_s(&c), 0);
		/* Late ones before and after one in time, for a day. */
		for (int i = 0; i < 24 * 60; i++) {
			int64_t t = T0 + i * 60;

			see(&c, t - (i % 7 == 3 ? i * 97 % 5000 : i % 5), t,
			    offset);
			if (i >= 10)
				assert_int_equal(evt_feed_clock_offset_s(&c),
				    offset);
		}
	}
}

TEST(a_clock_that_is_minutes_ahead_or_behind)
{
	for (int skew = -400; skew <= 400; skew += 100) {
		evt_feed_clock c = { 0 };

		see(&c, T0 + skew, T0, 5 * HOUR + 2700);
		assert_int_equal(evt_feed_clock_offset_s(&c), 5 * HOUR + 2700);
	}
}

TEST(daylight_saving_time_in_both_directions)
{
	evt_feed_clock c = { 0 };

	see(&c, T0, T0, HOUR);
	see(&c, T0 + HOUR, T0 + HOUR, 2 * HOUR);
	assert_int_equal(evt_feed_clock_offset_s(&c), 2 * HOUR);
	for (int i = 2; i < 5; i++)
		see(&c, T0 + i * HOUR, T0 + i * HOUR, HOUR);
	assert_int_equal(evt_feed_clock_offset_s(&c), HOUR);
}

TEST(times_of_no_zone_are_left_out)
{
	static const char *const odd[] = { "\"noon\"", "5", "null",
		"\"2023-11-14\"", "\"\"" };
	evt_feed_clock c = { 0 };

	see(&c, T0, T0, -5 * HOUR);
	see(&c, T0 + 15 * HOUR, T0, 0);
	see(&c, T0 - 13 * HOUR, T0, 0);
	see(&c, T0 + 500 * HOUR, T0, 0);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		evt_feed_clock_see(&c,
		    (evt_json_view){ (const uint8_t *)odd[i], strlen(odd[i]) },
		    T0 * EVT_NS_PER_S);
	assert_int_equal(evt_feed_clock_offset_s(&c), -5 * HOUR);
	/* The ends of time. */
	see(&c, T0, INT64_MAX / EVT_NS_PER_S, 0);
	see(&c, T0, INT64_MIN / EVT_NS_PER_S, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(any_zone),
		RUN(a_clock_that_is_minutes_ahead_or_behind),
		RUN(daylight_saving_time_in_both_directions),
		RUN(times_of_no_zone_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
