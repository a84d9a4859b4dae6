/* test_timetext.c - times, durations, sizes and numbers: every form, every
 * refusal with its words, and the calendar against the C library's. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define S EVT_NS_PER_S
#define UNTOUCHED INT64_C(0x5a5a5a5a5a5a)

/* A text and the words that its refusal must hold. */
struct refusal {
	const char *text;
	const char *why;
};

static void
expect_refusal(int code, const evt_error *err, const struct refusal *c,
    const char *form)
{
	char quoted[100];

	snprintf(quoted, sizeof(quoted), "'%.80s'", c->text);
	assert_int_equal(code, EVT_ERR_ARG);
	assert_int_equal(err->code, EVT_ERR_ARG);
	if (strstr(err->text, c->why) == NULL ||
	    strstr(err->text, quoted) == NULL ||
	    strstr(err->text, form) == NULL)
		fail_msg("'%s': want \"%s\" and \"%s\", got \"%s\"", c->text,
		    c->why, form, err->text);
}

/* ---- times --------------------------------------------------------------- */

/* 2026-03-01T12:51:43Z */
#define T INT64_C(1772369503)
/* The day that the tape begins on, a little before midnight. */
#define FIRST (INT64_C(1700006399) * S + 123456789) /* 2023-11-14T23:59:59 */
#define LAST (INT64_C(1700010000) * S)
#define DAY INT64_C(1699920000)

static int
find_mark(void *ctx, const char *name, int64_t *ret_ns, evt_error *err)
{
	if (strcmp(name, ctx) != 0)
		return evt_err_set(err, EVT_ERR_NOTFOUND, "no mark '%s'", name);
	*ret_ns = 42;
	return EVT_OK;
}

static char mark[] = "door: open";
static const evt_timetext_ref ref = { .has_span = true,
	.first_ns = FIRST,
	.last_ns = LAST,
	.find_mark = find_mark,
	.ctx = mark };

static const struct time_case {
	const char *text;
	int64_t ns;
} time_cases[] = {
	{ "2026-03-01T12:51:43Z", T *S },
	{ "2026-03-01t12:51:43z", T *S },
	{ "2026-03-01T12:51:43.25Z", T *S + 250000000 },
	{ "2026-03-01T12:51:43.123456789Z", T *S + 123456789 },
	{ "2026-03-01T12:51:43.000000001Z", T *S + 1 },
	{ "2026-03-01T14:51:43.25+02:00", T *S + 250000000 },
	{ "2026-03-01T07:21:43-05:30", T *S },
	{ "2026-03-01T00:00:00+23:59", (T - 46303 - 86340) * S },
	{ "2026-03-01T12:51:43-00:00", T *S },
	{ "2026-03-01T14:51:43+0200", T *S },
	{ "2026-03-01T14:51:43+02", T *S },
	{ "2026-03-01T07:21:43-0530", T *S },
	{ "2026-03-01T12:51:43+0000", T *S },
	{ "2026-03-01T12:51:43-0000", T *S },
	{ "2026-03-01 07:51:43.25 -0500", T *S + 250000000 },
	{ "2026-03-01T07:51:43\xe2\x88\x92"
	  "05:00",
	    T *S },
	{ "2016-12-31T23:59:60Z", INT64_C(1483228800) * S },
	{ "2016-12-31T23:59:60.5Z", INT64_C(1483228800) * S + 500000000 },
	{ "2017-01-01T05:44:60+0545", INT64_C(1483228800) * S },
	{ "23:59:60", (DAY + 86400) * S },
	{ "2026-03-01T12:51:43", T *S },
	{ "2026-03-01T12:51Z", (T - 43) * S },
	{ "2026-03-01 12:51:43", T *S },
	{ "2026-03-01 12:51:43.5", T *S + 500000000 },
	{ "2026-03-01 12:51:43+02:00", (T - 7200) * S },
	{ "2026-03-01 12:51", (T - 43) * S },
	{ "2026-03-01", (T - 46303) * S },
	{ "2024-02-29", INT64_C(1709164800) * S },
	{ "2000-02-29", INT64_C(951782400) * S },
	{ "1970-01-01", 0 },
	{ "1970-01-01T00:00:00.000000001Z", 1 },
	{ "1969-12-31T23:59:59.999999999Z", -1 },
	{ "1969-12-31T23:59:59Z", -S },
	{ "1678-01-01T00:00:00Z", INT64_C(-9214560000) * S },
	{ "2262-04-11T23:47:16.854775807Z", INT64_MAX },
	{ "12:51", (DAY + 46260) * S },
	{ "12:51:43", (DAY + 46303) * S },
	{ "12:51:43.5", (DAY + 46303) * S + 500000000 },
	{ "00:00", (DAY + 86400) * S }, /* the only one on the tape */
	{ "00:30:00.5", (DAY + 86400 + 1800) * S + 500000000 },
	{ "19:30-05:00", (DAY + 86400 + 1800) * S },
	{ "05:30+0530", DAY *S + 86400 * S },
	{ "23:59:59Z", DAY *S + 86399 * S },
	{ "23:59:59.999999999", DAY *S + 86400 * S - 1 },
	{ "+0", FIRST },
	{ "+10m", FIRST + 600 * S },
	{ "+1h30m", FIRST + 5400 * S },
	{ "+2.5s", FIRST + 2500000000 },
	{ "+90", FIRST + 90 * S },
	{ "+2d", FIRST + 172800 * S },
	{ "-0", LAST },
	{ "-5m", LAST - 300 * S },
	{ "-1.5", LAST - 1500000000 },
	{ "0", 0 },
	{ "1700000000", INT64_C(1700000000) * S },
	{ "1700000000.5", INT64_C(1700000000) * S + 500000000 },
	{ "1700000000.123456789", INT64_C(1700000000) * S + 123456789 },
	{ "1700000000000", INT64_C(1700000000) * S },
	{ "1700000000123", INT64_C(1700000000) * S + 123000000 },
	{ "1700000000123.5", INT64_C(1700000000) * S + 123500000 },
	{ "@1700000000123456789", INT64_C(1700000000123456789) },
	{ "@0", 0 },
	{ "@-1", -1 },
	{ "9223372036.854775807", INT64_MAX },
	{ "100000000000", INT64_C(100000000) * S }, /* ms from here on */
	{ "9223372036854", INT64_C(9223372036854) * EVT_NS_PER_MS },
	{ "mark:door: open", 42 },
	{ "mark:door: open+1m", 42 + 60 * S },
	{ "mark:door: open-1h30m", 42 - 5400 * S },
};

/* On a tape of several days, a time of day that it has more than once. */
TEST(a_time_of_day_on_several_days)
{
	evt_timetext_ref days = ref;
	int64_t got;
	evt_error err;

	days.last_ns = LAST + 2 * 86400 * S;
	assert_int_equal(evt_timetext_parse("00:30", &days, &got, &err),
	    EVT_ERR_ARG);
	assert_string_equal(err.text,
	    "the tape has '00:30' on several days: write the day, one of "
	    "2023-11-15, 2023-11-16, 2023-11-17");
	assert_int_equal(evt_timetext_parse("19:30-05:00", &days, &got, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text,
	    "one of 2023-11-14, 2023-11-15, "
	    "2023-11-16"));
	days.last_ns = LAST + 300 * 86400 * S;
	assert_int_equal(evt_timetext_parse("12:00", &days, &got, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "2023-11-15, 2023-11-16, "));
	assert_non_null(strstr(err.text, ", ..."));
	days.first_ns = INT64_MIN;
	days.last_ns = INT64_MAX;
	assert_int_equal(evt_timetext_parse("12:00", &days, &got, &err),
	    EVT_ERR_ARG);
}

static const struct refusal time_refusals[] = {
	{ "", "the text is empty" },
	{ "yesterday", "unknown form" },
	{ " 12:51", "unknown form" },
	{ "T12:51", "unknown form" },
	{ "Mark:x", "unknown form" },
	{ ".5", "unknown form" },
	{ "mark:", "the bookmark's text is missing" },
	{ "26-03-01", "the year must have four digits" },
	{ "12026-03-01", "a date is YYYY-MM-DD" },
	{ "2026-3-01", "the month must be 01 to 12" },
	{ "2026-00-01", "the month must be 01 to 12" },
	{ "2026-13-01", "the month must be 01 to 12" },
	{ "2026-03", "a date is YYYY-MM-DD" },
	{ "2026-03-", "the day must be 01 to 31" },
	{ "2026-03-1", "the day must be 01 to 31" },
	{ "2026-03-00", "the day must be 01 to 31" },
	{ "2026-03-32", "the day must be 01 to 31" },
	{ "2026-04-31", "that month has no such day" },
	{ "2026-02-29", "that month has no such day" },
	{ "1900-02-29", "that month has no such day" },
	{ "2024-02-30", "that month has no such day" },
	{ "1677-12-31", "outside the years 1678 to 2262" },
	{ "2263-01-01", "outside the years 1678 to 2262" },
	{ "9999-12-31", "outside the years 1678 to 2262" },
	{ "2262-04-11T23:47:16.854775808Z", "outside the years" },
	{ "2262-04-12", "outside the years" },
	{ "2026-03-01x", "unexpected text after the date" },
	{ "2026-03-01 ", "the hour must be 00 to 23" },
	{ "2026-03-01T", "the hour must be 00 to 23" },
	{ "2026-03-01T24:00:00Z", "the hour must be 00 to 23" },
	{ "2026-03-01T1:00", "the hour must be 00 to 23" },
	{ "2026-03-01T12", "a time of day is HH:MM[:SS]" },
	{ "2026-03-01T12:60Z", "the minute must be 00 to 59" },
	{ "2026-03-01T12:5Z", "the minute must be 00 to 59" },
	{ "2026-03-01T12:51:61Z", "the second must be 00 to 59" },
	{ "2026-03-01T12:51:4Z", "the second must be 00 to 59" },
	{ "2016-12-31T23:58:60Z", "or 60 in a leap second" },
	{ "2016-12-31T23:59:61Z", "or 60 in a leap second" },
	{ "23:50:60", "or 60 in a leap second" },
	{ "2026-03-01T12:51:43.Z", "no digit after the point" },
	{ "2026-03-01T12:51:43,5Z", "after the time of day" },
	{ "2026-03-01T12:51:43.1234567890Z", "more than 9 digits" },
	{ "2026-03-01T12:51:43Zx", "unexpected text after the time" },
	{ "2026-03-01T12:51:43 Z", "after the time of day" },
	{ "2026-03-01T12:51:43CET", "after the time of day" },
	{ "2026-03-01T12:51:43+2",
	    "an offset from UTC is Z, +HH:MM, +HHMM or +HH" },
	{ "2026-03-01T12:51:43+02:", "an offset from UTC" },
	{ "2026-03-01T12:51:43+020", "an offset from UTC" },
	{ "2026-03-01T12:51:43+02000", "unexpected text after" },
	{ "2026-03-01T12:51:43 +02", "an offset from UTC" },
	{ "2026-03-01T12:51:43  +02", "after the time of day" },
	{ "2026-03-01T12:51:43+24:00", "an offset from UTC" },
	{ "2026-03-01T12:51:43+02:60", "an offset from UTC" },
	{ "2026-03-01T12:51:43+02:00Z", "unexpected text after" },
	{ "9:05", "the hour must be 00 to 23" },
	{ "24:00", "the hour must be 00 to 23" },
	{ "012:00", "a time of day is HH:MM[:SS]" },
	{ "12:51 CET", "unexpected text after the time of day" },
	{ "12:51:43.5+05:00x", "unexpected text after the time of day" },
	{ "12:51+5", "an offset from UTC is Z" },
	{ "+", "a number is missing" },
	{ "+-5m", "a number is missing" },
	{ "+5 m", "a unit is missing" },
	{ "+5y", "the units are d, h, m, s, ms, us and ns" },
	{ "-101000d", "longer than 100 years" },
	{ "17e8", "unexpected text after the number" },
	{ "@", "nanoseconds" },
	{ "@1.5", "nanoseconds" },
	{ "@9300000000000000000", "nanoseconds" },
	{ "1700000000s", "unexpected text after the number" },
	{ "1700000000.", "no digit after the point" },
	{ "99999999999", "outside the years 1678 to 2262" },
	{ "9223372036.854775808", "outside the years" },
	{ "9223372036855", "outside the years" },
	{ "1700000000000000000", "outside the years" },
	{ "99999999999999999999", "the number is too large" },
};

TEST(times)
{
	evt_error err;

	for (size_t i = 0; i < COUNT(time_cases); i++) {
		const struct time_case *c = &time_cases[i];
		int64_t ns = UNTOUCHED;

		if (evt_timetext_parse(c->text, &ref, &ns, &err) != EVT_OK)
			fail_msg("%s", err.text);
		if (ns != c->ns)
			fail_msg("'%s': %" PRId64 " and not %" PRId64, c->text,
			    ns, c->ns);
	}
}

TEST(times_refused)
{
	for (size_t i = 0; i < COUNT(time_refusals); i++) {
		int64_t ns = UNTOUCHED;
		evt_error err = { 0 };
		int code =
		    evt_timetext_parse(time_refusals[i].text, &ref, &ns, &err);

		expect_refusal(code, &err, &time_refusals[i],
		    "+10m or -5m (from the tape's start or end)");
		assert_non_null(strstr(err.text, "mark:NAME"));
		assert_int_equal(ns, UNTOUCHED);
	}
	assert_int_equal(evt_timetext_parse("x", NULL, &(int64_t){ 0 }, NULL),
	    EVT_ERR_ARG);
}

/* With no tape to refer to, only absolute forms are taken. */
TEST(times_without_a_tape)
{
	static const struct refusal cases[] = {
		{ "12:51", "a time of day needs a tape" },
		{ "+10m", "a relative time needs a tape" },
		{ "-5m", "a relative time needs a tape" },
		{ "mark:x", "a bookmark needs a tape" },
	};
	static const evt_timetext_ref empty = { 0 };
	int64_t ns = UNTOUCHED;
	evt_error err;

	for (size_t i = 0; i < COUNT(cases); i++) {
		for (int k = 0; k < 2; k++) {
			int code = evt_timetext_parse(cases[i].text,
			    k == 0 ? NULL : &empty, &ns, &err);

			expect_refusal(code, &err, &cases[i], "mark:NAME");
		}
	}
	assert_int_equal(ns, UNTOUCHED);
	assert_int_equal(evt_timetext_parse("1970-01-01", NULL, &ns, &err),
	    EVT_OK);
	assert_int_equal(ns, 0);
}

TEST(times_at_the_edge)
{
	static const evt_timetext_ref edge = { .has_span = true,
		.first_ns = INT64_MAX - 5,
		.last_ns = INT64_MIN + 5 };
	static const evt_timetext_ref early = { .has_span = true,
		.first_ns = INT64_MIN,
		.last_ns = INT64_MIN + 5 };
	int64_t ns;
	evt_error err;

	assert_int_equal(evt_timetext_parse("+5ns", &edge, &ns, &err), EVT_OK);
	assert_int_equal(ns, INT64_MAX);
	assert_int_equal(evt_timetext_parse("-5ns", &edge, &ns, &err), EVT_OK);
	assert_int_equal(ns, INT64_MIN);
	assert_int_equal(evt_timetext_parse("+6ns", &edge, &ns, &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_timetext_parse("-6ns", &edge, &ns, &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_timetext_parse("23:59", &edge, &ns, &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_timetext_parse("00:00", &early, &ns, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "outside the years 1678 to 2262"));
}

TEST(unknown_mark)
{
	int64_t ns = UNTOUCHED;
	evt_error err;

	assert_int_equal(evt_timetext_parse("mark:window", &ref, &ns, &err),
	    EVT_ERR_NOTFOUND);
	assert_string_equal(err.text, "no mark 'window'");
	assert_int_equal(ns, UNTOUCHED);
}

/* Every day of the range, both ways, against gmtime_r(). */
TEST(calendar)
{
	for (int64_t day = -106650; day <= 106750; day++) {
		time_t t = (time_t)(day * 86400 +
		    (day * 7919 % 86400 + 86400) % 86400);
		char want[EVT_TIMETEXT_MAX], got[EVT_TIMETEXT_MAX];
		struct tm tm;
		int64_t ns;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%SZ",
		                &tm) > 0);
		evt_timetext_format((int64_t)t * S, 0, got);
		assert_string_equal(got, want);
		assert_int_equal(evt_timetext_parse(got, NULL, &ns, NULL),
		    EVT_OK);
		assert_int_equal(ns, (int64_t)t * S);
	}
}

TEST(time_format)
{
	static const struct {
		int64_t ns;
		int digits;
		const char *text;
	} cases[] = {
		{ T * S + 123456789, 9, "2026-03-01T12:51:43.123456789Z" },
		{ T * S + 123456789, 3, "2026-03-01T12:51:43.123Z" },
		{ T * S + 999999999, 1, "2026-03-01T12:51:43.9Z" },
		{ T * S + 999999999, 0, "2026-03-01T12:51:43Z" },
		{ T * S + 999999999, -1, "2026-03-01T12:51:43Z" },
		{ T * S, 99, "2026-03-01T12:51:43.000000000Z" },
		{ 0, 0, "1970-01-01T00:00:00Z" },
		{ -1, 9, "1969-12-31T23:59:59.999999999Z" },
		{ -1, 0, "1969-12-31T23:59:59Z" },
		{ INT64_MAX, 9, "2262-04-11T23:47:16.854775807Z" },
		{ INT64_MIN, 9, "1677-09-21T00:12:43.145224192Z" },
	};
	char out[EVT_TIMETEXT_MAX];

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(evt_timetext_format(cases[i].ns,
		                        cases[i].digits, out),
		    cases[i].text);
}

/* ---- durations ----------------------------------------------------------- */

/* In a zone: what has no offset, days, times of day, and output. */
TEST(zones)
{
	static const struct {
		const char *text, *utc;
	} in_berlin[] = {
		{ "2026-03-28 12:00", "2026-03-28T11:00:00Z" },
		{ "2026-03-29 12:00", "2026-03-29T10:00:00Z" },
		{ "2026-03-29 12:00Z", "2026-03-29T12:00:00Z" },
		{ "2026-03-29 12:00-05:00", "2026-03-29T17:00:00Z" },
		{ "2026-03-29", "2026-03-28T23:00:00Z" },
		{ "2026-10-25 02:30", "2026-10-25T00:30:00Z" }, /* the first */
		{ "2026-03-29 02:30", "2026-03-29T01:30:00Z" }, /* left out */
		{ "1700000000", "2023-11-14T22:13:20Z" },
		/* The tape begins at 23:30 of the 24th and ends at 12:00. */
		{ "23:45", "2026-10-24T21:45:00Z" },
		{ "11:00", "2026-10-25T10:00:00Z" },
		{ "11:00Z", "2026-10-25T11:00:00Z" },
	};
	evt_timetext_ref here = { .has_span = true };
	char text[EVT_TIMETEXT_MAX];
	evt_zone *zone;
	evt_error err;

	assert_int_equal(evt_zone_open("Europe/Berlin", &zone, &err), EVT_OK);
	here.zone = zone;
	assert_int_equal(evt_timetext_parse("2026-10-24T21:30:00Z", NULL,
	                     &here.first_ns, &err),
	    EVT_OK);
	assert_int_equal(evt_timetext_parse("2026-10-25T11:00:00Z", NULL,
	                     &here.last_ns, &err),
	    EVT_OK);
	for (size_t i = 0; i < sizeof(in_berlin) / sizeof(in_berlin[0]); i++) {
		int64_t ns;

		assert_int_equal(evt_timetext_parse(in_berlin[i].text, &here,
		                     &ns, &err),
		    EVT_OK);
		assert_string_equal(evt_timetext_format(ns, 0, text),
		    in_berlin[i].utc);
	}
	assert_string_equal(evt_timetext_format_zone(zone, here.first_ns + 5, 9,
	                        text),
	    "2026-10-24T23:30:00.000000005+02:00");
	assert_string_equal(evt_timetext_format_zone(zone, here.last_ns, 0,
	                        text),
	    "2026-10-25T12:00:00+01:00");
	(void)evt_timetext_format_zone(zone, INT64_MIN, 9, text);
	(void)evt_timetext_format_zone(zone, INT64_MAX, 9, text);
	evt_zone_free(zone);
	assert_int_equal(evt_zone_open("UTC", &zone, &err), EVT_OK);
	assert_string_equal(evt_timetext_format_zone(zone, here.last_ns, 3,
	                        text),
	    "2026-10-25T11:00:00.000Z");
	evt_zone_free(zone);
}

TEST(durations)
{
	static const struct time_case cases[] = {
		{ "0", 0 },
		{ "0s", 0 },
		{ "90", 90 * S },
		{ "90s", 90 * S },
		{ "1.5s", 1500000000 },
		{ "1.5", 1500000000 },
		{ "250ms", 250 * EVT_NS_PER_MS },
		{ "10us", 10000 },
		{ "7ns", 7 },
		{ "5m", 300 * S },
		{ "1h", 3600 * S },
		{ "2d", 172800 * S },
		{ "1h30m", 5400 * S },
		{ "1d2h3m4s5ms6us7ns", 93784 * S + 5006007 },
		{ "1h02m03s", 3723 * S },
		{ "90m", 5400 * S },
		{ "1.5h30m", 7200 * S },
		{ "0.5d", 43200 * S },
		{ "0.000000001s", 1 },
		{ "0.0000001ms", 0 },
		{ "0.123456789d", INT64_C(10666666569600) },
		{ "36525d", INT64_C(3155760000) * S },
		{ "3155760000", INT64_C(3155760000) * S },
	};
	evt_error err;

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ns = UNTOUCHED;

		if (evt_timetext_duration_parse(cases[i].text, &ns, &err) !=
		    EVT_OK)
			fail_msg("%s", err.text);
		if (ns != cases[i].ns)
			fail_msg("'%s': %" PRId64 " and not %" PRId64,
			    cases[i].text, ns, cases[i].ns);
	}
}

TEST(durations_refused)
{
	static const struct refusal cases[] = {
		{ "", "a number is missing" },
		{ "s", "a number is missing" },
		{ " 5s", "a number is missing" },
		{ "-5s", "a number is missing" },
		{ "+5s", "a number is missing" },
		{ ".5s", "a number is missing" },
		{ "5 s", "a unit is missing" },
		{ "5s ", "a number is missing" },
		{ "5x", "the units are d, h, m, s, ms, us and ns" },
		{ "5S", "a unit is missing" },
		{ "5sec", "the units are" },
		{ "1h30", "a unit is missing" },
		{ "1.s", "no digit after" },
		{ "1.1234567890s", "more than 9 digits" },
		{ "1m1h", "units go from the longest to the shortest" },
		{ "1m1m", "units go from the longest to the shortest" },
		{ "36525d1ns", "longer than 100 years" },
		{ "3155760001", "longer than 100 years" },
		{ "9999999999999999999d", "longer than 100 years" },
		{ "18446744073709551616", "the number is too large" },
		{ "1.5.5s", "a unit is missing" },
		{ "\xc2\xb5s", "a number is missing" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ns = UNTOUCHED;
		evt_error err = { 0 };
		int code =
		    evt_timetext_duration_parse(cases[i].text, &ns, &err);

		expect_refusal(code, &err, &cases[i],
		    "write 90, 90s, 1.5s, 250ms, 10us, 5m, 1h30m or 2d");
		assert_int_equal(ns, UNTOUCHED);
	}
}

TEST(duration_format)
{
	static const struct time_case cases[] = {
		{ "0s", 0 },
		{ "1ns", 1 },
		{ "999ns", 999 },
		{ "1us", 1000 },
		{ "1.2us", 1299 },
		{ "9.9us", 9999 },
		{ "12us", 12999 },
		{ "999us", 999999 },
		{ "1ms", 1000000 },
		{ "1.5ms", 1500000 },
		{ "450ms", 450000000 },
		{ "999ms", 999999999 },
		{ "1s", S },
		{ "3.2s", 3200000000 },
		{ "59.9s", 60 * S - 1 },
		{ "30s", 30 * S },
		{ "1m00s", 60 * S },
		{ "59m59s", 3600 * S - 1 },
		{ "1h00m00s", 3600 * S },
		{ "1h02m03s", 3723 * S },
		{ "23h59m59s", 86400 * S - 1 },
		{ "1d00h00m", 86400 * S },
		{ "106751d23h47m", INT64_MAX },
		{ "-1.5s", -1500000000 },
		{ "-106751d23h47m", INT64_MIN },
	};
	char out[EVT_TIMETEXT_MAX];
	int64_t ns;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(evt_timetext_duration_format(cases[i].ns,
		                        out),
		    cases[i].text);
		if (cases[i].ns < 0 || cases[i].ns == INT64_MAX)
			continue;
		assert_int_equal(evt_timetext_duration_parse(out, &ns, NULL),
		    EVT_OK);
		assert_true(ns <= cases[i].ns);
	}
}

/* ---- sizes and numbers --------------------------------------------------- */

TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0 },
		{ "1", 1 },
		{ "65536", 65536 },
		{ "64k", 65536 },
		{ "64K", 65536 },
		{ "64KiB", 65536 },
		{ "64kib", 65536 },
		{ "64kB", 64000 },
		{ "64KB", 64000 },
		{ "100B", 100 },
		{ "64M", 67108864 },
		{ "64m", 67108864 },
		{ "64MiB", 67108864 },
		{ "64MB", 64000000 },
		{ "1.5GiB", 1610612736 },
		{ "10G", UINT64_C(10737418240) },
		{ "10GB", UINT64_C(10000000000) },
		{ "2T", UINT64_C(2199023255552) },
		{ "2TiB", UINT64_C(2199023255552) },
		{ "2TB", UINT64_C(2000000000000) },
		{ "1.5 MiB", 1572864 },
		{ "100 B", 100 },
		{ "0.5k", 512 },
		{ "1.0", 1 },
		{ "0.000000001T", 1099 },
		{ "0.999999999T", UINT64_C(1099511626676) },
		{ "18446744073709551615", UINT64_MAX },
		{ "16777215.999999999T", UINT64_MAX - 1099 },
	};
	evt_error err;

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t bytes = 77;

		if (evt_timetext_size_parse(cases[i].text, &bytes, &err) !=
		    EVT_OK)
			fail_msg("%s", err.text);
		if (bytes != cases[i].bytes)
			fail_msg("'%s': %" PRIu64 " and not %" PRIu64,
			    cases[i].text, bytes, cases[i].bytes);
	}
}

TEST(sizes_refused)
{
	static const struct refusal cases[] = {
		{ "", "a number is missing" },
		{ "k", "a number is missing" },
		{ "-1", "a number is missing" },
		{ " 1", "a number is missing" },
		{ "1 ", "the units are k, M, G, T" },
		{ "1  k", "the units are" },
		{ "1kk", "the units are" },
		{ "1x", "the units are" },
		{ "1k5", "the units are" },
		{ "1e6", "the units are" },
		{ "1.5", "a part of a byte" },
		{ "1.5B", "a part of a byte" },
		{ "1.k", "no digit after the point" },
		{ "1.0123456789k", "more than 9 digits" },
		{ "18446744073709551616", "the number is too large" },
		{ "16777216T", "beyond 16 EiB" },
		{ "18446744073709551615k", "beyond 16 EiB" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t bytes = 77;
		evt_error err = { 0 };
		int code = evt_timetext_size_parse(cases[i].text, &bytes, &err);

		expect_refusal(code, &err, &cases[i],
		    "write 65536, 64k, 64KiB, 1.5GiB or 10G");
		assert_int_equal(bytes, 77);
	}
}

TEST(size_format)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 1572864, "1.5 MiB" },
		{ 10239, "10.0 KiB" },
		{ 1048575, "1.0 MiB" },
		{ 1048000, "1023.4 KiB" },
		{ 1099511627776, "1.0 TiB" },
	};
	char out[EVT_TIMETEXT_MAX];
	uint64_t bytes;

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_string_equal(evt_timetext_size_format(cases[i].bytes,
		                        out),
		    cases[i].text);
		assert_int_equal(evt_timetext_size_parse(out, &bytes, NULL),
		    EVT_OK);
	}
	assert_string_equal(evt_timetext_size_format(UINT64_C(1) << 60, out),
	    "1.0 EiB");
	assert_string_equal(evt_timetext_size_format(UINT64_MAX, out),
	    "16.0 EiB");
}

TEST(integers)
{
	static const char *const bad[] = { "", "-", "+5", " 5", "5 ", "5x", "x",
		"0x10", "1.0", "1e2", "-11", "101", "--5",
		"9223372036854775808", "99999999999999999999" };
	int64_t v = UNTOUCHED;
	evt_error err;
	char text[24];

	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(evt_timetext_int_parse(bad[i], "the count",
		                     -10, 100, &v, &err),
		    EVT_ERR_ARG);
		assert_non_null(strstr(err.text,
		    "the count must be a whole number from -10 to 100, not '"));
		assert_non_null(strstr(err.text, bad[i]));
		assert_int_equal(v, UNTOUCHED);
	}
	for (int64_t want = -10; want <= 100; want++) {
		snprintf(text, sizeof(text), "%" PRId64, want);
		assert_int_equal(evt_timetext_int_parse(text, "n", -10, 100, &v,
		                     &err),
		    EVT_OK);
		assert_int_equal(v, want);
	}
	assert_int_equal(evt_timetext_int_parse("-9223372036854775808", "n",
	                     INT64_MIN, INT64_MAX, &v, &err),
	    EVT_OK);
	assert_true(v == INT64_MIN);
	assert_int_equal(evt_timetext_int_parse("9223372036854775807", "n",
	                     INT64_MIN, INT64_MAX, &v, &err),
	    EVT_OK);
	assert_true(v == INT64_MAX);
	assert_int_equal(evt_timetext_int_parse("007", "n", 0, 7, &v, NULL),
	    EVT_OK);
	assert_int_equal(v, 7);
}

TEST(clocks)
{
	int64_t boot = evt_clock_boot(), real = evt_clock_real();
	int64_t mono = evt_clock_mono();

	assert_true(boot > 0);
	assert_true(evt_clock_boot() >= boot);
	assert_true(mono > 0);
	assert_true(evt_clock_mono() >= mono);
	/* Some day after this was written. */
	assert_true(real > INT64_C(1700000000) * S);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_time_of_day_on_several_days),
		RUN(times),
		RUN(times_refused),
		RUN(times_without_a_tape),
		RUN(times_at_the_edge),
		RUN(unknown_mark),
		RUN(calendar),
		RUN(time_format),
		RUN(zones),
		RUN(durations),
		RUN(durations_refused),
		RUN(duration_format),
		RUN(sizes),
		RUN(sizes_refused),
		RUN(size_format),
		RUN(integers),
		RUN(clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
