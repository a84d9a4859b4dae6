/*
 * test_zone.c - time zones: names, offsets and local times.  The judge of most
 * tests is the C library: localtime_r() with TZ set to the same zone.
 */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#include "tests/unit/lib/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/zone.h"
#include "tests/unit/lib/fail_alloc.h"

#define DATABASE "/usr/share/zoneinfo"
#define DAY 86400

static evt_zone *
opened(const char *name)
{
	evt_error err = { 0 };
	evt_zone *z = NULL;

	if (evt_zone_open(name, &z, &err) != EVT_OK)
		fail_msg("%s: %s", name, err.text);
	return z;
}

/* The zone of TZ. */
static evt_zone *
opened_as_local(const char *tz)
{
	assert_int_equal(setenv("TZ", tz, 1), 0);
	tzset();
	return opened("local");
}

static void
refused(const char *name, const char *why)
{
	evt_error err = { 0 };
	evt_zone *z = NULL;

	assert_int_equal(evt_zone_open(name, &z, &err), EVT_ERR_ARG);
	if (strstr(err.text, why) == NULL)
		fail_msg("%s: %s", name, err.text);
	assert_null(z);
}

/* 1970 to 2000 and so on: seconds of a year's begin, about. */
static int64_t
year(int y)
{
	return (int64_t)(y - 1970) * 31556952;
}

/* ---- the judge ----------------------------------------------------------- */

static int
judged_offset(int64_t s, struct tm *ret_tm)
{
	time_t t = (time_t)s;

	assert_non_null(localtime_r(&t, ret_tm));
	return (int)ret_tm->tm_gmtoff;
}

static void
check_at(const evt_zone *z, int64_t s)
{
	struct tm tm;
	int want = judged_offset(s, &tm);

	if (evt_zone_offset_s(z, s * EVT_NS_PER_S) != want)
		fail_msg("%s at %lld: offset %d, want %d", evt_zone_name(z),
		    (long long)s, evt_zone_offset_s(z, s * EVT_NS_PER_S), want);
	assert_string_equal(evt_zone_abbreviation(z, s * EVT_NS_PER_S),
	    tm.tm_zone);
}

/* A local time must be the one of its UTC time, unless the clocks left it out; and
 * it must be the first or the last UTC time with it. */
static void
check_local(const evt_zone *z, int64_t local, int before, int after)
{
	int64_t early = evt_zone_to_utc(z, local * EVT_NS_PER_S, false),
	        late = evt_zone_to_utc(z, local * EVT_NS_PER_S, true);
	struct tm tm;
	bool by_before, by_after;

	assert_int_equal(early % EVT_NS_PER_S, 0);
	early /= EVT_NS_PER_S;
	late /= EVT_NS_PER_S;
	by_before = judged_offset(local - before, &tm) == before;
	by_after = judged_offset(local - after, &tm) == after;
	if (by_before != by_after) { /* it comes once */
		assert_int_equal(early, local - (by_before ? before : after));
		assert_int_equal(late, early);
	} else { /* twice, or never */
		assert_int_equal(early, local - before);
		assert_int_equal(late, local - after);
	}
}

static void
check_change(const evt_zone *z, int64_t from, int64_t to)
{
	struct tm tm;
	int before = judged_offset(from, &tm), after = judged_offset(to, &tm);

	while (to - from > 1) {
		int64_t middle = from + (to - from) / 2;

		if (judged_offset(middle, &tm) == before)
			from = middle;
		else
			to = middle;
	}
	after = judged_offset(to, &tm);
	for (int64_t d = -2; d < 3; d++) {
		check_at(z, to + d);
		check_local(z, to + before + d, before, after);
		check_local(z, to + after + d, before, after);
		check_local(z, to + (before + after) / 2 + d, before, after);
	}
}

/* Between two years, in steps, and at each change that the judge shows. */
static void
check_zone(const evt_zone *z, int first, int last)
{
	int64_t step = 19 * DAY + 3607;
	struct tm tm;

	for (int64_t s = year(first); s < year(last); s += step) {
		check_at(z, s);
		if (judged_offset(s, &tm) != judged_offset(s + step, &tm))
			check_change(z, s, s + step);
	}
}

/* ---- tests --------------------------------------------------------------- */

static int n_names;

static int
check_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + sizeof(DATABASE);
	char magic[4] = "";
	int fd;
	evt_zone *z;

	(void)st;
	(void)at;
	if (type != FTW_F || strncmp(name, "posix/", 6) == 0)
		return 0;
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	(void)!read(fd, magic, sizeof(magic));
	close(fd);
	if (memcmp(magic, "TZif", 4) != 0) {
		refused(name, "it is not a file of time zones");
		return 0;
	}
	if (strncmp(name, "right/", 6) == 0) {
		refused(name, "it counts leap seconds");
		return 0;
	}
	assert_int_equal(setenv("TZ", name, 1), 0);
	tzset();
	z = opened(name);
	check_zone(z, 1960, 2050);
	check_zone(z, 2258, 2262);
	assert_string_equal(evt_zone_name(z), name);
	evt_zone_free(z);
	n_names++;
	return 0;
}

TEST(every_zone_of_the_database_is_as_the_c_library_has_it)
{
	if (access(DATABASE "/Europe/Berlin", R_OK) != 0)
		skip();
	n_names = 0;
	assert_int_equal(nftw(DATABASE, check_file, 16, FTW_PHYS), 0);
	assert_true(n_names > 300);
}

TEST(rules_of_tz)
{
	static const char *const rules[] = {
		"CET-1CEST,M3.5.0,M10.5.0/3",
		"EST5EDT,M3.2.0,M11.1.0",
		"IST-2IDT,M3.4.4/26,M10.5.0",
		"IST-1GMT0,M10.5.0,M3.5.0/1", /* winter is the exception */
		"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
		"<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
		"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
		"AAA3BBB,J60/1:30:15,J300",
		"AAA3BBB,59,330/23",
		"<-03>3",
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		evt_zone *z = opened_as_local(rules[i]);

		assert_string_equal(evt_zone_name(z), rules[i]);
		check_zone(z, 1975, 2262);
		evt_zone_free(z);
	}
}

/* The end of summer is its next beginning (RFC 9636, 3.3.1).  The C library is no
 * judge of that. */
TEST(a_rule_of_summer_for_ever)
{
	evt_zone *z = opened_as_local("XXX3EDT4,0/0,J365/23");

	for (int64_t s = year(1999); s < year(2010); s += 1801) {
		int64_t ns = s * EVT_NS_PER_S,
		        utc = ns + 4 * 3600 * EVT_NS_PER_S;

		assert_int_equal(evt_zone_offset_s(z, ns), -4 * 3600);
		assert_int_equal(evt_zone_to_utc(z, ns, false), utc);
		assert_int_equal(evt_zone_to_utc(z, ns, true), utc);
	}
	evt_zone_free(z);
}

TEST(bad_rules)
{
	static const char *const rules[] = { "CE-1", "CETX", "CET-1CEST,",
		"CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/168", "CET-1CEST,M3.5.0,M10.5.0x",
		"CET-1CEST,J0,J1", "CET-1CEST,366,1", "<CET-1", "CET-99",
		"CET-1:60", "AVeryLongAbbreviation-1", "<a b>-1" };

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		assert_int_equal(setenv("TZ", rules[i], 1), 0);
		refused("local", "cannot tell this machine's time zone");
	}
}

TEST(local)
{
	evt_zone *z;

	z = opened_as_local("");
	assert_string_equal(evt_zone_name(z), "UTC");
	evt_zone_free(z);
	if (access(DATABASE "/Asia/Kathmandu", R_OK) != 0)
		skip();
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "Asia/Kathmandu",
			":Asia/Kathmandu", DATABASE "/Asia/Kathmandu" };

		z = opened_as_local(names[i]);
		assert_string_equal(evt_zone_name(z), "Asia/Kathmandu");
		assert_int_equal(evt_zone_offset_s(z,
		                     year(2020) * EVT_NS_PER_S),
		    5 * 3600 + 2700);
		evt_zone_free(z);
	}
	assert_int_equal(setenv("TZ", "/nonexistent", 1), 0);
	refused("local", "no such file");
	assert_int_equal(unsetenv("TZ"), 0);
	z = opened("local");
	evt_zone_free(z);
}

TEST(offsets)
{
	static const struct {
		const char *text, *name;
		int offset_s;
	} good[] = {
		{ "+02:00", "+02:00", 7200 },
		{ "-0530", "-05:30", -19800 },
		{ "+14", "+14:00", 50400 },
		{ "\xe2\x88\x92"
		  "03:30",
		    "-03:30", -12600 },
		{ "Z", "UTC", 0 },
		{ "z", "UTC", 0 },
		{ "utc", "UTC", 0 },
		{ "-00:00", "UTC", 0 },
		{ "+23:59", "+23:59", 86340 },
	};
	static const char *const bad[] = { "", "02:00", "+2", "+24:00",
		"+02:60", "+02:", "+02:0", "+02:000", "+02:00x", " +02:00",
		"+-2:00", "+02-00" };
	char text[EVT_ZONE_OFFSET_MAX];
	int offset_s;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		evt_zone *z = opened(good[i].text);

		assert_string_equal(evt_zone_name(z), good[i].name);
		assert_string_equal(evt_zone_abbreviation(z, 0), good[i].name);
		assert_true(evt_zone_is_fixed(z));
		assert_int_equal(evt_zone_offset_s(z, INT64_MAX),
		    good[i].offset_s);
		assert_int_equal(evt_zone_to_utc(z, 0, false),
		    -good[i].offset_s * EVT_NS_PER_S);
		evt_zone_free(z);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(evt_zone_offset_parse(bad[i], &offset_s));
		refused(bad[i], "no time zone");
	}
	assert_string_equal(evt_zone_offset_format(-3 * 3600 - 1800, text),
	    "-03:30");
	assert_string_equal(evt_zone_offset_format(0, text), "+00:00");
	assert_string_equal(evt_zone_offset_format(3208, text), "+00:53:28");
	assert_string_equal(evt_zone_offset_format(INT_MIN, text) + 3,
	    ":14:08");
}

TEST(no_name_leads_out_of_the_database)
{
	static const char *const bad[] = { "../../../etc/passwd", "/etc/passwd",
		"Europe/../Europe/Berlin", "./UTC", "Europe//Berlin", "Europe",
		"Europe/", "Nowhere", "Europe/Berlin\n", "local " };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], "no time zone");
	assert_int_equal(setenv("TZDIR", "/nonexistent", 1), 0);
	refused("Asia/Tokyo", "(package tzdata)");
	assert_int_equal(unsetenv("TZDIR"), 0);
}

TEST(the_ends_of_time)
{
	evt_zone *z = opened_as_local("CET-1CEST,M3.5.0,M10.5.0/3");

	assert_int_equal(evt_zone_to_utc(z, INT64_MIN, false), INT64_MIN);
	assert_int_equal(evt_zone_to_utc(z, INT64_MAX, true),
	    INT64_MAX - evt_zone_offset_s(z, INT64_MAX) * EVT_NS_PER_S);
	/* In September of 1677. */
	assert_int_equal(evt_zone_offset_s(z, INT64_MIN), 7200);
	evt_zone_free(z);
}

/* ---- damaged files -------------------------------------------------------- */

static char folder[] = "/tmp/evtape-zone-XXXXXX";

static void
write_file(const uint8_t *p, size_t n)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/Own", folder);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static size_t
put_header(uint8_t *p, char version, int times, int types, int chars)
{
	memset(p, 0, 44);
	memcpy(p, "TZif", 4);
	p[4] = (uint8_t)version;
	p[35] = (uint8_t)times;
	p[39] = (uint8_t)types;
	p[43] = (uint8_t)chars;
	return 44;
}

/* Two changes, and a rule. */
static size_t
make_file(uint8_t *p)
{
	static const uint8_t data[] = { /* times, and which types they begin */
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0,
		/* types: +1 h, +2 h */
		0, 0, 0x0e, 0x10, 0, 0, 0, 0, 0x1c, 0x20, 1, 4, 'O', 'N', 'E',
		0, 'T', 'W', 'O', 0
	};
	static const char rule[] = "\nONE-1TWO,M3.5.0,M10.5.0/3\n";
	size_t n = put_header(p, '2', 0, 0, 0);

	n += put_header(p + n, '2', 2, 2, 8);
	memcpy(p + n, data, sizeof(data));
	n += sizeof(data);
	memcpy(p + n, rule, sizeof(rule) - 1);
	return n + sizeof(rule) - 1;
}

TEST(damaged_files_are_refused_or_read_but_do_no_harm)
{
	uint8_t bytes[256];
	size_t n = make_file(bytes);
	evt_error err;
	evt_zone *z;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(setenv("TZDIR", folder, 1), 0);
	write_file(bytes, n);
	z = opened("Own");
	assert_int_equal(evt_zone_offset_s(z, -1), 3600);
	assert_int_equal(evt_zone_offset_s(z, 0), 7200);
	assert_string_equal(evt_zone_abbreviation(z, INT64_MAX), "TWO");
	evt_zone_free(z);
	for (size_t cut = 0; cut < n; cut++) {
		write_file(bytes, cut);
		refused("Own", "cannot read the time zone 'Own': it is ");
	}
	for (size_t bit = 0; bit < n * 8; bit++) {
		int r;

		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		write_file(bytes, n);
		z = NULL;
		r = evt_zone_open("Own", &z, &err);
		assert_true(r == EVT_OK || r == EVT_ERR_ARG);
		if (r == EVT_OK) {
			(void)evt_zone_to_utc(z, INT64_MIN, true);
			(void)evt_zone_to_utc(z, INT64_MAX, false);
			evt_zone_free(z);
		}
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(unsetenv("TZDIR"), 0);
	snprintf((char *)bytes, sizeof(bytes), "%s/Own", folder);
	assert_int_equal(unlink((char *)bytes), 0);
	assert_int_equal(rmdir(folder), 0);
}

static int
open_local(void *arg)
{
	evt_error err = { 0 };
	evt_zone *z = NULL;
	int r;

	(void)arg;
	failing_start();
	r = evt_zone_open("local", &z, &err);
	failing_stop();
	if (r == EVT_OK)
		evt_zone_free(z);
	return r;
}

TEST(memory_runs_out)
{
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	assert_true(failing_each(FAILING_MEMORY, 1, open_local, NULL) > 5);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(every_zone_of_the_database_is_as_the_c_library_has_it),
		RUN(rules_of_tz),
		RUN(a_rule_of_summer_for_ever),
		RUN(bad_rules),
		RUN(local),
		RUN(offsets),
		RUN(no_name_leads_out_of_the_database),
		RUN(the_ends_of_time),
		RUN(damaged_files_are_refused_or_read_but_do_no_harm),
		RUN(memory_runs_out),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
