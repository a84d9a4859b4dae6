/* test_foreign_time.c - the times that other programs write. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "format/base/timetext.h"
#include "tests/unit/lib/test.h"
#include "tools/evtape/lib/foreign_time.h"

#define T0 INT64_C(1700000000000000000) /* 2023-11-14T22:13:20Z */
#define S EVT_NS_PER_S

static void
reads(const char *text, int64_t want)
{
	int64_t ns = -1;

	if (!foreign_time_parse(text, strlen(text), NULL, &ns))
		fail_msg("'%s' was not read", text);
	if (ns != want)
		fail_msg("'%s' is %lld and not %lld", text, (long long)ns,
		    (long long)want);
}

TEST(numbers_by_their_size)
{
	reads("0", 0);
	reads("1700000000", T0);
	reads("1700000000.5", T0 + S / 2);
	reads("1700000000,25", T0 + S / 4);
	reads("1700000000.123456789", T0 + 123456789);
	reads("1700000000.1234567891", T0 + 123456789);
	reads("1700000000123", T0 + 123 * EVT_NS_PER_MS);
	reads("1700000000123.5", T0 + 123500000);
	reads("1700000000123456", T0 + 123456000);
	reads("1700000000123456789", T0 + 123456789);
	/* Just below and at the limits. */
	reads("9223372036", INT64_C(9223372036) * S);
	reads("100000000000", INT64_C(100000000000) * EVT_NS_PER_MS);
}

TEST(dates)
{
	reads("2023-11-14T22:13:20Z", T0);
	reads("2023-11-14 22:13:20", T0);
	reads("2023-11-14 22:13:20.25", T0 + S / 4);
	reads("2023-11-14 22:13:20,25", T0 + S / 4);
	reads("2023-11-15T00:13:20+02:00", T0);
	reads("2023-11-15T00:13:20+0200", T0);
	reads("2023-11-14T17:13:20,5-05", T0 + S / 2);
	reads("2023-11-14 17:13:20 -0500", T0);
	reads("2023-11-14T22:13:20.123456789012Z", T0 + 123456789);
	reads("2023-11-14T22:14:60Z", T0 + 100 * S);
	reads("2016-12-31T23:59:60Z", INT64_C(1483228800) * S);
}

TEST(invalid_times)
{
	static const char *const bad[] = { "", ".5", "1.", "1.5x", "-1", "1e9",
		"x", "22:13:20", "+10m", "2023-11-14", "2023-13-14 22:13:20",
		"99999999999999999999", "99999999999", "9223372036.9",
		"2023-11-14T22:13:20Z and much, much more" };
	int64_t ns;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (foreign_time_parse(bad[i], strlen(bad[i]), NULL, &ns))
			fail_msg("'%s' was read", bad[i]);
	}
}

TEST(times_of_day)
{
	foreign_time_day day = { true, T0 - T0 % (86400 * S), 0 };
	int64_t midnight = day.midnight_ns, ns;

	assert_true(foreign_time_parse("23:59:59.5", 10, &day, &ns));
	assert_int_equal(ns, midnight + 86399 * S + S / 2);
	/* A little back is not a day on; far back is. */
	assert_true(foreign_time_parse("23:59:58", 8, &day, &ns));
	assert_int_equal(ns, midnight + 86398 * S);
	assert_true(foreign_time_parse("00:00:01", 8, &day, &ns));
	assert_int_equal(ns, midnight + 86401 * S);
	assert_false(foreign_time_parse("24:00:00", 8, &day, &ns));
	assert_false(foreign_time_parse("12:00", 5, &day, &ns));
	assert_false(foreign_time_parse("12:00:00Z", 9, &day, &ns));
}

TEST(at_the_beginning_of_a_line)
{
	static const struct {
		const char *line;
		size_t takes;
	} cases[] = {
		{ "1700000000 {}", 11 },
		{ "1700000000\t{}", 11 },
		{ "1700000000: {}", 12 },
		{ "[1700000000] {}", 13 },
		{ "[1700000000]{}", 12 },
		{ "1700000000", 10 },
		{ "2023-11-14 22:13:20 x", 20 },
		{ "2023-11-14T22:13:20Z x", 21 },
		{ "[2023-11-14 22:13:20] x", 22 },
		{ "2023-11-14 22:13:20 +0000 x", 26 },
		{ "2023-11-14 22:13:20 +0000", 25 },
		{ "[2023-11-14 22:13:20 -0500] x", 28 },
		{ "x 1700000000", 0 },
		{ "[1700000000 {}", 0 },
		{ "[] x", 0 },
		{ "", 0 },
		{ " 1 x", 0 },
	};
	int64_t ns;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t got = foreign_time_leading(cases[i].line,
		    strlen(cases[i].line), NULL, &ns);

		if (got != cases[i].takes)
			fail_msg("'%s': %zu bytes", cases[i].line, got);
	}
}

static int64_t
of_json(const char *json)
{
	int64_t ns = -1;

	return foreign_time_of_view(evt_json_view_make((const uint8_t *)json,
	                                strlen(json)),
	           &ns) ?
	    ns :
	    -1;
}

TEST(json_values)
{
	assert_int_equal(of_json("1700000000.5"), T0 + S / 2);
	assert_int_equal(of_json("\"1700000000\""), T0);
	/* Exponents, as many programs write large numbers. */
	assert_int_equal(of_json("1.7e9"), T0);
	assert_int_equal(of_json("1.7E+12"), T0);
	assert_int_equal(of_json("1.70000000025e+09"), T0 + S / 4);
	assert_int_equal(of_json("17000000005e-1"), T0 + S / 2);
	assert_int_equal(of_json("1700000000123456789e0"), T0 + 123456789);
	assert_int_equal(of_json("0.17e10"), T0);
	assert_int_equal(of_json("-1.7e9"), -1);
	assert_int_equal(of_json("1e400"), -1);
	assert_int_equal(of_json("1e-400"), -1);
	assert_int_equal(of_json("1e999999999999"), -1);
	assert_int_equal(of_json("1.000000000000000000000000000000000001e9"),
	    -1);
	assert_int_equal(of_json("\"2023-11-15T00:13:20\\u002B02:00\""), T0);
	assert_int_equal(of_json("\"\""), -1);
	assert_int_equal(of_json("\"\\u0000\""), -1);
	assert_int_equal(of_json("null"), -1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(numbers_by_their_size),
		RUN(dates),
		RUN(invalid_times),
		RUN(times_of_day),
		RUN(at_the_beginning_of_a_line),
		RUN(json_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
