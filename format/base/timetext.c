/*
 * timetext.c - see timetext.h.
 *
 * Dates are computed here (proleptic Gregorian calendar, days since 1970-01-01)
 * and not with timegm() and strptime().  These know no fractions and offsets and
 * accept invalid dates (32 January), and strptime() depends on the locale.
 *
 * The helpers return NULL on success, or else the reason: the words that the
 * caller puts between the text and the forms that it accepts.
 */
#include "format/base/timetext.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "format/base/clock.h"
#include "format/base/err.h"

#define S_PER_DAY INT64_C(86400)

#define TIME_FORMS                                                            \
	"write 2026-03-01T12:51:43Z, '2026-03-01 12:51:43', 2026-03-01, "     \
	"12:51[:43] (the tape's day), +10m or -5m (from the tape's start or " \
	"end), 1700000000 (epoch seconds or milliseconds), @N (nanoseconds) " \
	"or mark:NAME"
#define DURATION_FORMS "write 90, 90s, 1.5s, 250ms, 10us, 5m, 1h30m or 2d"
#define SIZE_FORMS                                                          \
	"write 65536, 64k, 64KiB, 1.5GiB or 10G (powers of 1024), or 10GB " \
	"(powers of 1000)"

#define BAD_OFFSET "an offset from UTC is Z, +HH:MM, +HHMM or +HH"

static int
timetext_refuse(evt_error *err, const char *what, const char *text,
    const char *why, const char *forms)
{
	return evt_err_set(err, EVT_ERR_ARG, "bad %s '%.80s': %s; %s", what,
	    text, why, forms);
}

/* ---- numbers ------------------------------------------------------------ */

static bool
timetext_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly two digits, min to max. */
static bool
timetext_two_digits(const char **p, int min, int max, int *ret)
{
	int v;

	if (!timetext_is_digit((*p)[0]) || !timetext_is_digit((*p)[1]))
		return false;
	v = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	if (v < min || v > max)
		return false;
	*p += 2;
	*ret = v;
	return true;
}

/* Parse ".25" as 250000000 billionths; without a fraction it is 0. */
static const char *
timetext_fraction(const char **p, int64_t *ret_billionths)
{
	int64_t v = 0;
	int n = 0;

	*ret_billionths = 0;
	if (**p != '.')
		return NULL;
	for (++*p; timetext_is_digit(**p); ++*p, n++) {
		if (n == 9)
			return "more than 9 digits after the point";
		v = v * 10 + (**p - '0');
	}
	if (n == 0)
		return "no digit after the point";
	for (; n < 9; n++)
		v *= 10;
	*ret_billionths = v;
	return NULL;
}

/* "1.25": the whole part, and the fraction in billionths. */
static const char *
timetext_number(const char **p, uint64_t *ret_whole, int64_t *ret_billionths)
{
	uint64_t v = 0;

	if (!timetext_is_digit(**p))
		return "a number is missing";
	for (; timetext_is_digit(**p); ++*p) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return "the number is too large";
	}
	*ret_whole = v;
	return timetext_fraction(p, ret_billionths);
}

/* whole.billionths times unit, rounded down.  false: beyond uint64_t. */
static bool
timetext_scale(uint64_t whole, int64_t billionths, uint64_t unit, uint64_t *ret)
{
	const uint64_t g = UINT64_C(1000000000);
	uint64_t f = (uint64_t)billionths;
	/* In two parts, since f * unit may be beyond 64 bits. */
	uint64_t part = f * (unit / g) + f * (unit % g) / g;
	uint64_t v;

	if (__builtin_mul_overflow(whole, unit, &v) ||
	    __builtin_add_overflow(v, part, &v))
		return false;
	*ret = v;
	return true;
}

/* Combine seconds since 1970 and ns of the second.  int64_t covers only a part
 * of its first second, which is refused as a whole. */
static const char *
timetext_to_ns(int64_t s, int64_t ns, int64_t *ret)
{
	int64_t v;

	if (__builtin_mul_overflow(s, EVT_NS_PER_S, &v) ||
	    __builtin_add_overflow(v, ns, &v))
		return "outside the years 1678 to 2262";
	*ret = v;
	return NULL;
}

int
evt_timetext_int_parse(const char *text, const char *what, int64_t min,
    int64_t max, int64_t *ret_value, evt_error *err)
{
	const char *p = text;
	bool minus = *p == '-', fits;
	int64_t v = 0;

	if (minus)
		p++;
	fits = timetext_is_digit(*p);
	for (; fits && timetext_is_digit(*p); p++) {
		int digit = *p - '0';

		fits = !__builtin_mul_overflow(v, 10, &v) &&
		    !__builtin_add_overflow(v, minus ? -digit : digit, &v);
	}
	if (!fits || *p != '\0' || v < min || v > max)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s must be a whole number from %" PRId64 " to %" PRId64
		    ", not '%.80s'",
		    what, min, max, text);
	*ret_value = v;
	return EVT_OK;
}

/* ---- durations ---------------------------------------------------------- */

static const struct duration_unit {
	const char *name;
	int64_t ns;
} duration_units[] = {
	/* longest first */
	{ "d", S_PER_DAY *EVT_NS_PER_S },
	{ "h", 3600 * EVT_NS_PER_S },
	{ "m", 60 * EVT_NS_PER_S },
	{ "s", EVT_NS_PER_S },
	{ "ms", EVT_NS_PER_MS },
	{ "us", EVT_NS_PER_US },
	{ "ns", 1 },
	{ NULL, 0 },
};

/* 100 years of 365.25 days. */
#define DURATION_MAX (INT64_C(36525) * S_PER_DAY * EVT_NS_PER_S)

/* Find the unit of n letters at p; it must come after `after` in the table. */
static const char *
timetext_duration_unit(const char *p, size_t n,
    const struct duration_unit *after, const struct duration_unit **ret)
{
	const struct duration_unit *u = duration_units;

	if (n == 0)
		return "a unit is missing";
	while (u->name != NULL &&
	    (strlen(u->name) != n || memcmp(u->name, p, n) != 0))
		u++;
	if (u->name == NULL)
		return "the units are d, h, m, s, ms, us and ns";
	if (after != NULL && u <= after)
		return "units go from the longest to the shortest";
	*ret = u;
	return NULL;
}

static const char *
timetext_duration(const char *p, int64_t *ret_ns)
{
	const struct duration_unit *unit = NULL;
	int64_t billionths;
	uint64_t whole, ns, total = 0;
	const char *why;

	do {
		why = timetext_number(&p, &whole, &billionths);
		if (why != NULL)
			return why;
		if (*p == '\0' && unit == NULL) {
			unit = &duration_units[3];
		} else {
			size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz");

			why = timetext_duration_unit(p, n, unit, &unit);
			if (why != NULL)
				return why;
			p += n;
		}
		if (!timetext_scale(whole, billionths, (uint64_t)unit->ns,
		        &ns) ||
		    ns > (uint64_t)DURATION_MAX ||
		    (total += ns) > (uint64_t)DURATION_MAX)
			return "longer than 100 years";
	} while (*p != '\0');
	*ret_ns = (int64_t)total;
	return NULL;
}

int
evt_timetext_duration_parse(const char *text, int64_t *ret_ns, evt_error *err)
{
	const char *why = timetext_duration(text, ret_ns);

	if (why != NULL)
		return timetext_refuse(err, "duration", text, why,
		    DURATION_FORMS);
	return EVT_OK;
}

int
evt_timetext_signed_duration_parse(const char *text, int64_t *ret_ns,
    evt_error *err)
{
	bool minus = *text == '-';
	int r = evt_timetext_duration_parse(text + (minus || *text == '+'),
	    ret_ns, err);

	if (r == EVT_OK && minus)
		*ret_ns = -*ret_ns;
	return r;
}

/* ---- sizes -------------------------------------------------------------- */

static const struct size_unit {
	const char *name; /* in any case */
	uint64_t bytes;
} size_units[] = {
	{ "", 1 },
	{ "b", 1 },
	{ "k", UINT64_C(1) << 10 },
	{ "kib", UINT64_C(1) << 10 },
	{ "kb", UINT64_C(1000) },
	{ "m", UINT64_C(1) << 20 },
	{ "mib", UINT64_C(1) << 20 },
	{ "mb", UINT64_C(1000000) },
	{ "g", UINT64_C(1) << 30 },
	{ "gib", UINT64_C(1) << 30 },
	{ "gb", UINT64_C(1000000000) },
	{ "t", UINT64_C(1) << 40 },
	{ "tib", UINT64_C(1) << 40 },
	{ "tb", UINT64_C(1000000000000) },
	{ NULL, 0 },
};

static const char *
timetext_size(const char *p, uint64_t *ret_bytes)
{
	const struct size_unit *u = size_units;
	uint64_t whole;
	int64_t billionths;
	const char *why = timetext_number(&p, &whole, &billionths);

	if (why != NULL)
		return why;
	if (*p == ' ' && p[1] != '\0') /* "1.5 MiB", as we write it */
		p++;
	while (u->name != NULL && strcasecmp(u->name, p) != 0)
		u++;
	if (u->name == NULL)
		return "the units are k, M, G, T, KiB, MiB, GiB, TiB, kB, MB, "
		       "GB and TB";
	if (u->bytes == 1 && billionths != 0)
		return "a part of a byte";
	if (!timetext_scale(whole, billionths, u->bytes, ret_bytes))
		return "beyond 16 EiB";
	return NULL;
}

int
evt_timetext_size_parse(const char *text, uint64_t *ret_bytes, evt_error *err)
{
	const char *why = timetext_size(text, ret_bytes);

	if (why != NULL)
		return timetext_refuse(err, "size", text, why, SIZE_FORMS);
	return EVT_OK;
}

/* ---- the calendar ------------------------------------------------------- */

/*
 * Days from 1970-01-01 to a date and back.  The year is taken to begin in
 * March, so that the leap day is its last, and an era is 400 years, after
 * which the calendar repeats: no tables, no loops.
 */
static int64_t
timetext_days_from_date(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
timetext_date_from_days(int64_t days, int *ret_y, int *ret_m, int *ret_d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*ret_d = (int)(doy - (153 * mp + 2) / 5 + 1);
	*ret_m = (int)(mp < 10 ? mp + 3 : mp - 9);
	*ret_y = (int)(yoe + era * 400 + (*ret_m <= 2));
}

/* Seconds since 1970, rounded down, and the rest in ns. */
static int64_t
timetext_split_seconds(int64_t ns, int64_t *ret_rest)
{
	int64_t s = ns / EVT_NS_PER_S, rest = ns % EVT_NS_PER_S;

	if (rest < 0) {
		rest += EVT_NS_PER_S;
		s--;
	}
	*ret_rest = rest;
	return s;
}

static int64_t
timetext_day_of(int64_t s)
{
	return (s >= 0 ? s : s - (S_PER_DAY - 1)) / S_PER_DAY;
}

/* ---- times -------------------------------------------------------------- */

/* YYYY-MM-DD */
static const char *
timetext_date(const char **p, int64_t *ret_days)
{
	static const int in_month[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int high, low, y, m, d;
	bool leap;

	if (!timetext_two_digits(p, 0, 99, &high) ||
	    !timetext_two_digits(p, 0, 99, &low))
		return "the year must have four digits";
	y = high * 100 + low;
	if (**p != '-')
		return "a date is YYYY-MM-DD";
	++*p;
	if (!timetext_two_digits(p, 1, 12, &m))
		return "the month must be 01 to 12";
	if (**p != '-')
		return "a date is YYYY-MM-DD";
	++*p;
	if (!timetext_two_digits(p, 1, 31, &d))
		return "the day must be 01 to 31";
	leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
	if (d > in_month[m - 1] + (m == 2 && leap))
		return "that month has no such day";
	if (y < 1678 || y > 2262)
		return "outside the years 1678 to 2262";
	*ret_days = timetext_days_from_date(y, m, d);
	return NULL;
}

/* HH:MM[:SS[.fraction]]: seconds and ns of the day.  UTC counts no leap second:
 * second 60 is the first second of the next minute.  It ends a day of UTC, so in
 * any zone it ends a quarter of an hour. */
static const char *
timetext_time_of_day(const char **p, int64_t *ret_s, int64_t *ret_ns)
{
	int h, m, s = 0;

	*ret_ns = 0;
	if (!timetext_two_digits(p, 0, 23, &h))
		return "the hour must be 00 to 23";
	if (**p != ':')
		return "a time of day is HH:MM[:SS]";
	++*p;
	if (!timetext_two_digits(p, 0, 59, &m))
		return "the minute must be 00 to 59";
	if (**p == ':') {
		const char *why;

		++*p;
		if (!timetext_two_digits(p, 0, 60, &s) ||
		    (s == 60 && m % 15 != 14))
			return "the second must be 00 to 59, or 60 in a leap "
			       "second";
		why = timetext_fraction(p, ret_ns);
		if (why != NULL)
			return why;
	}
	*ret_s = h * 3600 + m * 60 + s;
	return NULL;
}

/* A minus sign: ISO 8601 prefers U+2212 to the hyphen.  Returns its bytes. */
static size_t
timetext_minus(const char *p)
{
	if (*p == '-')
		return 1;
	return strncmp(p, "\xe2\x88\x92", 3) == 0 ? 3 : 0;
}

/* Where a clock hangs: its offset from UTC if the text has one, else its zone. */
struct timetext_place {
	const evt_zone *zone; /* NULL: ahead_s counts */
	int64_t ahead_s;      /* local time is so much ahead of UTC */
};

/* An offset in any form of ISO 8601: Z, +02:00, +0200 or +02; after a space
 * the first two; or nothing.  */
static const char *
timetext_offset(const char **p, struct timetext_place *place)
{
	size_t minus;
	int h, m = 0;
	bool spaced;

	if (**p == '\0')
		return NULL;
	place->zone = NULL;
	/* After a space, +02 alone could begin a message. */
	spaced = **p == ' ' && ((*p)[1] == '+' || timetext_minus(*p + 1) > 0);
	*p += spaced;
	if (**p == 'Z' || **p == 'z') {
		++*p;
		return NULL;
	}
	minus = timetext_minus(*p);
	if (**p != '+' && minus == 0)
		return "unexpected text after the time of day";
	*p += minus > 0 ? minus : 1;
	if (!timetext_two_digits(p, 0, 23, &h))
		return BAD_OFFSET;
	if (**p == ':')
		++*p;
	else if (!timetext_is_digit(**p) && !spaced)
		goto done;
	if (!timetext_two_digits(p, 0, 59, &m))
		return BAD_OFFSET;
done:
	place->ahead_s = (minus > 0 ? -1 : 1) * (h * 3600 + m * 60);
	return NULL;
}

static const char *
timetext_local_to_ns(const struct timetext_place *place, int64_t s, int64_t ns,
    int64_t *ret)
{
	const char *why =
	    timetext_to_ns(s - (place->zone == NULL ? place->ahead_s : 0), ns,
	        ret);

	if (why == NULL && place->zone != NULL)
		*ret = evt_zone_to_utc(place->zone, *ret, false);
	return why;
}

static const char *
timetext_absolute(const char *p, const evt_zone *zone, int64_t *ret_ns)
{
	struct timetext_place place = { .zone = zone };
	int64_t days, s = 0, ns = 0;
	const char *why = timetext_date(&p, &days);

	if (why == NULL && *p != '\0') {
		if (*p != 'T' && *p != 't' && *p != ' ')
			return "unexpected text after the date";
		p++;
		why = timetext_time_of_day(&p, &s, &ns);
		if (why == NULL)
			why = timetext_offset(&p, &place);
		if (why == NULL && *p != '\0')
			why = "unexpected text after the time";
	}
	if (why != NULL)
		return why;
	return timetext_local_to_ns(&place, days * S_PER_DAY + s, ns, ret_ns);
}

static const char *
timetext_epoch(const char *p, int64_t *ret_ns)
{
	uint64_t whole, ns, unit = (uint64_t)EVT_NS_PER_S;
	int64_t billionths;
	const char *why = timetext_number(&p, &whole, &billionths);

	if (why != NULL)
		return why;
	if (*p != '\0')
		return "unexpected text after the number";
	if (whole >= UINT64_C(100000000000))
		unit = (uint64_t)EVT_NS_PER_MS;
	if (!timetext_scale(whole, billionths, unit, &ns) ||
	    ns > (uint64_t)INT64_MAX)
		return "outside the years 1678 to 2262";
	*ret_ns = (int64_t)ns;
	return NULL;
}

/* The day of a time on a local clock, since 1970-01-01. */
static int64_t
timetext_local_day(const struct timetext_place *place, int64_t ns)
{
	int64_t rest,
	    ahead = place->zone != NULL ? evt_zone_offset_s(place->zone, ns) :
	                                  place->ahead_s;

	return timetext_day_of(timetext_split_seconds(ns, &rest) + ahead);
}

/* A time of day on the days from `day` on. */
struct timetext_days {
	struct timetext_place place;
	int64_t day, s, ns; /* the first day; second of the day, and the rest */
};

/* The time on the i-th day, at most INT64_MAX. */
static int64_t
timetext_days_at(const struct timetext_days *d, int64_t i)
{
	int64_t at;

	return timetext_local_to_ns(&d->place, (d->day + i) * S_PER_DAY + d->s,
	           d->ns, &at) == NULL ?
	    at :
	    INT64_MAX;
}

/* Refuse a time of day that the tape has more than once, and name the days. */
static int
timetext_refuse_days(const char *text, const struct timetext_days *days,
    int64_t last_ns, evt_error *err)
{
	char list[160] = "";
	size_t n = 0;

	for (int64_t i = 0; timetext_days_at(days, i) <= last_ns; i++) {
		int y, m, d;

		if (n + sizeof(", 2026-03-01, ...") > sizeof(list)) {
			(void)snprintf(list + n, sizeof(list) - n, ", ...");
			break;
		}
		timetext_date_from_days(days->day + i, &y, &m, &d);
		n += (size_t)snprintf(list + n, sizeof(list) - n,
		    "%s%04d-%02d-%02d", n > 0 ? ", " : "", y, m, d);
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "the tape has '%.40s' on several days: write the day, one of %s",
	    text, list);
}

/* A time of day is on the only day on which the tape has it; if it has it never,
 * on the day of its first frame. */
static int
timetext_clock(const char *text, const evt_timetext_ref *ref, int64_t *ret_ns,
    evt_error *err)
{
	struct timetext_days days = { .place.zone =
		                          ref != NULL ? ref->zone : NULL };
	const char *p = text,
	           *why = timetext_time_of_day(&p, &days.s, &days.ns);

	if (why == NULL)
		why = timetext_offset(&p, &days.place);
	if (why == NULL && *p != '\0')
		why = "unexpected text after the time of day";
	if (why == NULL && (ref == NULL || !ref->has_span))
		why = "a time of day needs a tape with frames, for its day";
	if (why != NULL)
		return timetext_refuse(err, "time", text, why, TIME_FORMS);
	days.day = timetext_local_day(&days.place, ref->first_ns);
	if (timetext_days_at(&days, 0) < ref->first_ns &&
	    timetext_days_at(&days, 1) <= ref->last_ns)
		days.day++;
	if (timetext_days_at(&days, 0) >= ref->first_ns &&
	    timetext_days_at(&days, 1) <= ref->last_ns)
		return timetext_refuse_days(text, &days, ref->last_ns, err);
	why = timetext_local_to_ns(&days.place, days.day * S_PER_DAY + days.s,
	    days.ns, ret_ns);
	return why == NULL ?
	    EVT_OK :
	    timetext_refuse(err, "time", text, why, TIME_FORMS);
}

/* mark:NAME, or mark:NAME-5m if there is no bookmark of that name. */
static int
timetext_mark(const char *name, const evt_timetext_ref *ref, int64_t *ret_ns,
    evt_error *err)
{
	const char *sign = name + strlen(name);
	int64_t d, at;
	char *bare;
	int r = ref->find_mark(ref->ctx, name, ret_ns, err);

	while (sign > name && *sign != '+' && *sign != '-')
		sign--;
	if (r == EVT_OK || sign == name ||
	    timetext_duration(sign + 1, &d) != NULL)
		return r;
	bare = strndup(name, (size_t)(sign - name));
	if (bare == NULL)
		return evt_err_nomem(err);
	/* What is said is that there is no bookmark with the whole text. */
	if (ref->find_mark(ref->ctx, bare, &at, NULL) == EVT_OK) {
		*ret_ns =
		    *sign == '+' ? evt_clock_add(at, d) : evt_clock_sub(at, d);
		r = EVT_OK;
	}
	free(bare);
	return r;
}

static const char *
timetext_relative(const char *p, const evt_timetext_ref *ref, int64_t *ret_ns)
{
	int64_t d;
	const char *why = timetext_duration(p + 1, &d);
	bool over;

	if (why != NULL)
		return why;
	if (ref == NULL || !ref->has_span)
		return "a relative time needs a tape with frames";
	over = *p == '+' ? __builtin_add_overflow(ref->first_ns, d, &d) :
	                   __builtin_sub_overflow(ref->last_ns, d, &d);
	if (over)
		return "outside the years 1678 to 2262";
	*ret_ns = d;
	return NULL;
}

/* "@N", as times are given to programs. */
static const char *
timetext_nanoseconds(const char *p, int64_t *ret_ns)
{
	const int64_t max = 9200000000 * EVT_NS_PER_S;

	return evt_timetext_int_parse(p + 1, "", -max, max, ret_ns, NULL) ==
	        EVT_OK ?
	    NULL :
	    "@ must be followed by a whole number of nanoseconds";
}

int
evt_timetext_parse(const char *text, const evt_timetext_ref *ref,
    int64_t *ret_ns, evt_error *err)
{
	const char *why;
	size_t digits;

	assert(text != NULL && ret_ns != NULL);
	digits = strspn(text, "0123456789");

	if (strncmp(text, "mark:", 5) == 0 && text[5] != '\0' && ref != NULL &&
	    ref->find_mark != NULL)
		return timetext_mark(text + 5, ref, ret_ns, err);
	if (digits > 0 && text[digits] == ':')
		return timetext_clock(text, ref, ret_ns, err);
	if (*text == '\0')
		why = "the text is empty";
	else if (strncmp(text, "mark:", 5) == 0)
		why = text[5] == '\0' ? "the bookmark's text is missing" :
		                        "a bookmark needs a tape";
	else if (*text == '+' || *text == '-')
		why = timetext_relative(text, ref, ret_ns);
	else if (digits > 0 && text[digits] == '-')
		why = timetext_absolute(text, ref != NULL ? ref->zone : NULL,
		    ret_ns);
	else if (digits > 0)
		why = timetext_epoch(text, ret_ns);
	else if (*text == '@')
		why = timetext_nanoseconds(text, ret_ns);
	else
		why = "unknown form";
	if (why != NULL)
		return timetext_refuse(err, "time", text, why, TIME_FORMS);
	return EVT_OK;
}

/* ---- for people --------------------------------------------------------- */

/* Write the last n digits of v and the text that follows them. */
static char *
timetext_put_digits(char *p, int64_t v, int n, char follow)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		p[i] = (char)('0' + v % 10);
	p[n] = follow;
	return p + n + 1;
}

/* The date and the time of day of a local time, and room for what follows: a point
 * and the digits are there.  Returns the place after them. */
static char *
timetext_put(int64_t s, int64_t rest, int digits, char *p)
{
	int64_t day = timetext_day_of(s);
	int of_day = (int)(s - day * S_PER_DAY), y, m, d;

	timetext_date_from_days(day, &y, &m, &d);
	p = timetext_put_digits(p, y, 4, '-');
	p = timetext_put_digits(p, m, 2, '-');
	p = timetext_put_digits(p, d, 2, 'T');
	p = timetext_put_digits(p, of_day / 3600, 2, ':');
	p = timetext_put_digits(p, of_day / 60 % 60, 2, ':');
	p = timetext_put_digits(p, of_day % 60, 2, '.');
	if (digits <= 0)
		return p - 1;
	timetext_put_digits(p, rest, 9, '\0');
	return p + (digits < 9 ? digits : 9);
}

const char *
evt_timetext_format(int64_t ns, int digits, char out[EVT_TIMETEXT_MAX])
{
	return evt_timetext_format_zone(NULL, ns, digits, out);
}

const char *
evt_timetext_format_zone(const evt_zone *zone, int64_t ns, int digits,
    char out[EVT_TIMETEXT_MAX])
{
	int64_t rest, s = timetext_split_seconds(ns, &rest);
	int ahead = zone != NULL ? evt_zone_offset_s(zone, ns) : 0;
	char *end = timetext_put(s + ahead, rest, digits, out);

	_Static_assert(sizeof("2026-03-01T12:51:43.123456789") +
	            EVT_ZONE_OFFSET_MAX <=
	        EVT_TIMETEXT_MAX,
	    "room for the offset");
	if (zone == NULL || (ahead == 0 && evt_zone_is_fixed(zone)))
		memcpy(end, "Z", sizeof("Z"));
	else
		(void)evt_zone_offset_format(ahead, end);
	return out;
}

/* "3.2s": whole units, with tenths if `show` and they are not 0. */
static void
timetext_format_tenths(uint64_t tenths, const char *unit, bool show, char *out,
    size_t n)
{
	if (show && tenths % 10 != 0)
		snprintf(out, n, "%" PRIu64 ".%" PRIu64 "%s", tenths / 10,
		    tenths % 10, unit);
	else
		snprintf(out, n, "%" PRIu64 "%s", tenths / 10, unit);
}

const char *
evt_timetext_duration_format(int64_t ns, char out[EVT_TIMETEXT_MAX])
{
	uint64_t v = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t s = v / (uint64_t)EVT_NS_PER_S;
	char *p = out;
	size_t n = EVT_TIMETEXT_MAX;

	if (ns < 0) {
		*p++ = '-';
		n--;
	}
	if (v == 0)
		snprintf(p, n, "0s");
	else if (v < 1000)
		snprintf(p, n, "%" PRIu64 "ns", v);
	else if (v < 1000000)
		timetext_format_tenths(v / 100, "us", v < 10000, p, n);
	else if (s == 0)
		timetext_format_tenths(v / 100000, "ms", v < 10000000, p, n);
	else if (s < 60)
		timetext_format_tenths(v / 100000000, "s", true, p, n);
	else if (s < 3600)
		snprintf(p, n, "%dm%02ds", (int)(s / 60), (int)(s % 60));
	else if (s < (uint64_t)S_PER_DAY)
		snprintf(p, n, "%dh%02dm%02ds", (int)(s / 3600),
		    (int)(s / 60 % 60), (int)(s % 60));
	else
		snprintf(p, n, "%" PRIu64 "d%02dh%02dm",
		    s / (uint64_t)S_PER_DAY, (int)(s / 3600 % 24),
		    (int)(s / 60 % 60));
	return out;
}

const char *
evt_timetext_size_format(uint64_t bytes, char out[EVT_TIMETEXT_MAX])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB",
		"EiB" };
	uint64_t whole = bytes, rest = 0, tenths;
	size_t u = 0;

	if (bytes < 1024) {
		snprintf(out, EVT_TIMETEXT_MAX, "%" PRIu64 " B", bytes);
		return out;
	}
	for (; whole >= 1024 && u < sizeof(units) / sizeof(units[0]); u++) {
		rest = whole % 1024;
		whole /= 1024;
	}
	tenths = whole * 10 + (rest * 10 + 512) / 1024;
	if (tenths >= 10240 && u < sizeof(units) / sizeof(units[0])) {
		tenths = 10;
		u++;
	}
	snprintf(out, EVT_TIMETEXT_MAX, "%" PRIu64 ".%" PRIu64 " %s",
	    tenths / 10, tenths % 10, units[u - 1]);
	return out;
}

/* ---- at full speed ------------------------------------------------------- */

static const char pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536"
    "37383940414243444546474849505152535455565758596061626364656667686970717273"
    "7475767778798081828384858687888990919293949596979899";

size_t
evt_timetext_write_decimal(uint64_t value, uint8_t *out)
{
	char text[20], *p = text + sizeof(text);
	size_t n;

	while (value >= 100) {
		p -= 2;
		memcpy(p, pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10) {
		p -= 2;
		memcpy(p, pairs + 2 * value, 2);
	} else {
		*--p = (char)('0' + value);
	}
	n = (size_t)(text + sizeof(text) - p);
	memcpy(out, p, n);
	return n;
}

size_t
evt_timetext_write(evt_timetext_cache *stamp, int64_t ns, uint8_t *out)
{
	int64_t second = ns / EVT_NS_PER_S, rest = ns % EVT_NS_PER_S;
	size_t n;

	if (rest < 0) {
		rest += EVT_NS_PER_S;
		second--;
	}
	if (stamp->len == 0 || stamp->second != second) {
		char text[EVT_TIMETEXT_MAX];

		/* "...43.1Z" without its last two characters. */
		evt_timetext_format(ns, 1, text);
		stamp->len = strlen(text) - 2;
		memcpy(stamp->text, text, stamp->len);
		stamp->second = second;
	}
	n = stamp->len;
	memcpy(out, stamp->text, n);
	for (size_t i = 9; i-- > 0; rest /= 10)
		out[n + i] = (uint8_t)('0' + rest % 10);
	out[n + 9] = 'Z';
	return n + 10;
}
