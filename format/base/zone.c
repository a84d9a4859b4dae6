/*
 * zone.c - see zone.h.
 *
 * A zone is a sorted list of changes of its offset.  A file of the database
 * (TZif) has the changes up to now, and a rule for the time after them in the form
 * of POSIX's TZ.  The rule is written out up to the last year that a time in ns
 * can have, so that a query is one binary search.
 *
 * Nothing of a file is believed: sizes are checked against its length, and text
 * for its characters.
 */
#define _DEFAULT_SOURCE
#include "format/base/zone.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/io.h"

#define S_PER_DAY 86400
#define OFFSET_MAX_S (26 * 3600) /* RFC 9636, 3.2: what readers must take */
#define ABBREVIATION_MAX 15
#define FILE_MAX (1u << 20)
#define FIRST_YEAR 1677 /* of int64_t in ns */
#define LAST_YEAR 2262
/* No change is farther from 1970, so that sums do not overflow. */
#define FAR_S (INT64_C(1) << 59)

struct zone_type {
	int offset_s;
	char abbreviation[ABBREVIATION_MAX + 1];
};

struct zone_change {
	int64_t at_s;
	int before_s; /* the offset before it */
	uint16_t type;
};

struct evt_zone {
	char *name;
	struct zone_type *types;
	size_t n_types, types_cap;
	struct zone_change *changes;
	size_t n_changes, changes_cap;
};

/* ---- queries ------------------------------------------------------------ */

enum zone_scale { ZONE_UTC, ZONE_LOCAL, ZONE_LOCAL_LATER };

/* When a change takes effect, in seconds of the scale.  On the local clock, the
 * times between `before` and `after` come twice or never. */
static int64_t
zone_effect(const evt_zone *zone, const struct zone_change *c,
    enum zone_scale scale)
{
	int before = c->before_s, after = zone->types[c->type].offset_s;

	if (scale == ZONE_UTC)
		return c->at_s;
	return c->at_s +
	    ((scale == ZONE_LOCAL) == (before > after) ? before : after);
}

static const struct zone_type *
zone_type_at(const evt_zone *zone, int64_t ns, enum zone_scale scale)
{
	int64_t s = evt_clock_floor(ns, EVT_NS_PER_S) / EVT_NS_PER_S;
	size_t from = 0, to = zone->n_changes;

	/* How many changes have taken effect? */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (zone_effect(zone, &zone->changes[middle], scale) <= s)
			from = middle + 1;
		else
			to = middle;
	}
	return &zone->types[from == 0 ? 0 : zone->changes[from - 1].type];
}

const char *
evt_zone_name(const evt_zone *zone)
{
	assert(zone != NULL);
	return zone->name;
}

bool
evt_zone_is_fixed(const evt_zone *zone)
{
	assert(zone != NULL);
	return zone->n_changes == 0;
}

int
evt_zone_offset_s(const evt_zone *zone, int64_t ns)
{
	assert(zone != NULL);
	return zone_type_at(zone, ns, ZONE_UTC)->offset_s;
}

const char *
evt_zone_abbreviation(const evt_zone *zone, int64_t ns)
{
	assert(zone != NULL);
	return zone_type_at(zone, ns, ZONE_UTC)->abbreviation;
}

int64_t
evt_zone_to_utc(const evt_zone *zone, int64_t local_ns, bool later)
{
	assert(zone != NULL);
	return evt_clock_sub(local_ns,
	    zone_type_at(zone, local_ns, later ? ZONE_LOCAL_LATER : ZONE_LOCAL)
	            ->offset_s *
	        EVT_NS_PER_S);
}

/* ---- offsets as text ---------------------------------------------------- */

static bool
zone_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly two digits, up to max. */
static bool
zone_two_digits(const char **p, int max, int *ret)
{
	if (!zone_is_digit((*p)[0]) || !zone_is_digit((*p)[1]))
		return false;
	*ret = ((*p)[0] - '0') * 10 + ((*p)[1] - '0');
	*p += 2;
	return *ret <= max;
}

bool
evt_zone_offset_parse(const char *text, int *ret_offset_s)
{
	static const char minus[] = "\xe2\x88\x92"; /* U+2212 */
	const char *p = text;
	int sign = 1, h, m = 0;

	assert(text != NULL && ret_offset_s != NULL);
	if (strcasecmp(p, "Z") == 0) {
		*ret_offset_s = 0;
		return true;
	}
	if (*p == '+' || *p == '-') {
		sign = *p == '-' ? -1 : 1;
		p++;
	} else if (strncmp(p, minus, sizeof(minus) - 1) == 0) {
		sign = -1;
		p += sizeof(minus) - 1;
	} else {
		return false;
	}
	if (!zone_two_digits(&p, 23, &h))
		return false;
	if (*p != '\0') {
		if (*p == ':')
			p++;
		if (!zone_two_digits(&p, 59, &m) || *p != '\0')
			return false;
	}
	*ret_offset_s = sign * (h * 3600 + m * 60);
	return true;
}

const char *
evt_zone_offset_format(int offset_s, char out[EVT_ZONE_OFFSET_MAX])
{
	unsigned s =
	    offset_s < 0 ? 0u - (unsigned)offset_s : (unsigned)offset_s;
	unsigned parts[3] = { s / 3600 % 100, s / 60 % 60, s % 60 };
	size_t n = 0;

	out[n++] = offset_s < 0 ? '-' : '+';
	for (int i = 0; i < (parts[2] != 0 ? 3 : 2); i++) {
		if (i > 0)
			out[n++] = ':';
		out[n++] = (char)('0' + parts[i] / 10);
		out[n++] = (char)('0' + parts[i] % 10);
	}
	out[n] = '\0';
	return out;
}

/* ---- building ----------------------------------------------------------- */

static int
zone_damaged(evt_error *err, const char *what)
{
	return evt_err_set(err, EVT_ERR_ARG, "%s", what);
}

static int
zone_add_type(evt_zone *z, int offset_s, const char *abbreviation, size_t n,
    evt_error *err)
{
	struct zone_type *t;

	if (offset_s <= -OFFSET_MAX_S || offset_s >= OFFSET_MAX_S)
		return zone_damaged(err, "an offset of more than a day");
	if (n > ABBREVIATION_MAX)
		return zone_damaged(err, "an abbreviation that is too long");
	for (size_t i = 0; i < n; i++) {
		if (strchr("+-", abbreviation[i]) == NULL &&
		    !zone_is_digit(abbreviation[i]) &&
		    !((abbreviation[i] | 0x20) >= 'a' &&
		        (abbreviation[i] | 0x20) <= 'z'))
			return zone_damaged(err,
			    "an abbreviation with odd characters");
	}
	if (!evt_grow(&z->types, &z->types_cap, z->n_types + 1))
		return evt_err_nomem(err);
	t = &z->types[z->n_types++];
	t->offset_s = offset_s;
	memcpy(t->abbreviation, abbreviation, n);
	t->abbreviation[n] = '\0';
	return EVT_OK;
}

static int
zone_add_change(evt_zone *z, int64_t at_s, size_t type, evt_error *err)
{
	struct zone_change *c;
	size_t before =
	    z->n_changes == 0 ? 0 : z->changes[z->n_changes - 1].type;

	if (!evt_grow(&z->changes, &z->changes_cap, z->n_changes + 1))
		return evt_err_nomem(err);
	c = &z->changes[z->n_changes++];
	c->at_s = at_s;
	c->before_s = z->types[before].offset_s;
	c->type = (uint16_t)type;
	return EVT_OK;
}

/* ---- the rule of POSIX's TZ: CET-1CEST,M3.5.0,M10.5.0/3 ------------------- */

/* A day of each year, and a time of that day. */
struct zone_day {
	char form; /* 'M': month, week and weekday; 'J': day, without leap days;
	              'D': day from 0, with leap days */
	int month, week, day;
	int time_s;
};

struct zone_rule {
	struct zone_day starts, ends; /* of summer time */
	size_t standard, summer;      /* types */
	bool changes;
};

static bool
zone_number(const char **p, int min, int max, int *ret)
{
	int v = 0;

	if (!zone_is_digit(**p))
		return false;
	for (; zone_is_digit(**p) && v <= max; ++*p)
		v = v * 10 + (**p - '0');
	*ret = v;
	return v >= min && v <= max;
}

/* "2", "-2:30", "+167:00:00", in seconds. */
static bool
zone_hours(const char **p, int *ret_s)
{
	int sign = **p == '-' ? -1 : 1, h, m = 0, s = 0;

	if (**p == '-' || **p == '+')
		++*p;
	if (!zone_number(p, 0, 167, &h))
		return false;
	if (**p == ':') {
		++*p;
		if (!zone_number(p, 0, 59, &m))
			return false;
	}
	if (**p == ':') {
		++*p;
		if (!zone_number(p, 0, 59, &s))
			return false;
	}
	*ret_s = sign * (h * 3600 + m * 60 + s);
	return true;
}

static bool
zone_day(const char **p, struct zone_day *ret)
{
	*ret = (struct zone_day){ .form = 'D', .time_s = 2 * 3600 };
	if (**p == 'M') {
		ret->form = *(*p)++;
		if (!zone_number(p, 1, 12, &ret->month) || *(*p)++ != '.' ||
		    !zone_number(p, 1, 5, &ret->week) || *(*p)++ != '.' ||
		    !zone_number(p, 0, 6, &ret->day))
			return false;
	} else if (**p == 'J') {
		ret->form = *(*p)++;
		if (!zone_number(p, 1, 365, &ret->day))
			return false;
	} else if (!zone_number(p, 0, 365, &ret->day)) {
		return false;
	}
	if (**p != '/')
		return true;
	++*p;
	return zone_hours(p, &ret->time_s);
}

/* An abbreviation, and the offset after it (none: `standard_s` and an hour). */
static int
zone_rule_type(evt_zone *z, const char **p, const int *standard_s,
    evt_error *err)
{
	bool quoted = **p == '<';
	const char *name = quoted ? ++*p : *p;
	size_t n;
	int offset_s = 0;

	n = quoted ?
	    strcspn(name, ">") :
	    strspn(name,
	        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
	*p = name + n;
	if (quoted && *(*p)++ != '>')
		return zone_damaged(err, "a '<' without its '>'");
	if (n < 3)
		return zone_damaged(err, "an abbreviation that is too short");
	if (standard_s != NULL && (**p == ',' || **p == '\0'))
		offset_s = *standard_s + 3600;
	else if (zone_hours(p, &offset_s))
		offset_s = -offset_s; /* POSIX counts to the west */
	else
		return zone_damaged(err, "a bad offset in the rule");
	return zone_add_type(z, offset_s, name, n, err);
}

static int
zone_rule_parse(evt_zone *z, const char *text, struct zone_rule *ret,
    evt_error *err)
{
	/* What systems take if the days are left out. */
	const char *p = text, *days = ",M3.2.0,M11.1.0";
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->standard = z->n_types;
	r = zone_rule_type(z, &p, NULL, err);
	if (r != EVT_OK || *p == '\0')
		return r;
	ret->summer = z->n_types;
	r = zone_rule_type(z, &p, &z->types[ret->standard].offset_s, err);
	if (r != EVT_OK)
		return r;
	ret->changes = true;
	if (*p != '\0')
		days = p;
	if (*days++ != ',' || !zone_day(&days, &ret->starts) ||
	    *days++ != ',' || !zone_day(&days, &ret->ends) || *days != '\0')
		return zone_damaged(err, "a bad day in the rule");
	return EVT_OK;
}

static bool
zone_is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the first of January. */
static int64_t
zone_year_begin(int year)
{
	int y = year - 1;

	return INT64_C(365) * (year - 1970) + (y / 4 - y / 100 + y / 400) -
	    (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* The day and time of a year, in seconds of a clock without offset. */
static int64_t
zone_day_in(const struct zone_day *d, int year)
{
	static const int lengths[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int64_t day = zone_year_begin(year);
	bool leap = zone_is_leap(year);

	if (d->form == 'D') {
		day += d->day;
	} else if (d->form == 'J') {
		day += d->day - 1 + (leap && d->day >= 60);
	} else {
		int length, first;

		for (int m = 1; m < d->month; m++)
			day += lengths[m - 1] + (leap && m == 2);
		length = lengths[d->month - 1] + (leap && d->month == 2);
		/* 1970-01-01 was a Thursday. */
		first = (int)(((day + 4) % 7 + 7) % 7);
		first = (d->day - first + 7) % 7 + (d->week - 1) * 7;
		day += first < length ? first : first - 7;
	}
	return day * S_PER_DAY + d->time_s;
}

/* Add the changes of a rule to those that there are. */
static int
zone_rule_apply(evt_zone *z, const struct zone_rule *rule, evt_error *err)
{
	int64_t last_s =
	    z->n_changes == 0 ? -FAR_S : z->changes[z->n_changes - 1].at_s;
	int r = EVT_OK;

	for (int y = FIRST_YEAR; y <= LAST_YEAR && r == EVT_OK; y++) {
		int64_t to_summer = zone_day_in(&rule->starts, y) -
		    z->types[rule->standard].offset_s;
		int64_t back = zone_day_in(&rule->ends, y) -
		    z->types[rule->summer].offset_s;
		bool summer_first = to_summer < back;

		for (int i = 0; i < 2 && r == EVT_OK; i++) {
			bool summer = (i == 0) == summer_first;
			int64_t at_s = summer ? to_summer : back;

			if (at_s > last_s)
				r = zone_add_change(z, at_s,
				    summer ? rule->summer : rule->standard,
				    err);
		}
	}
	return r;
}

/* A zone that is nothing but a rule. */
static int
zone_from_rule(evt_zone *z, const char *text, evt_error *err)
{
	struct zone_rule rule;
	int r = zone_rule_parse(z, text, &rule, err);

	return r == EVT_OK && rule.changes ? zone_rule_apply(z, &rule, err) : r;
}

/* ---- a file of the database (RFC 9636) ----------------------------------- */

struct zone_part {
	uint64_t n_utc, n_standard, n_leap, n_times, n_types, n_chars;
	int version;
	size_t time_size; /* of a time: 4 or 8 bytes */
	uint64_t size;    /* of the data after the header */
};

#define PART_HEADER 44

static uint32_t
zone_get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static int64_t
zone_get_time(const uint8_t *p, size_t size)
{
	int64_t t = (int32_t)zone_get32(p);

	if (size == 8)
		t = (int64_t)((uint64_t)zone_get32(p) << 32 |
		    zone_get32(p + 4));
	return t < -FAR_S ? -FAR_S : t > FAR_S ? FAR_S : t;
}

/* Read the header of the n bytes at p, whose times have `time_size` bytes. */
static bool
zone_part_read(const uint8_t *p, size_t n, size_t time_size,
    struct zone_part *ret)
{
	if (n < PART_HEADER || memcmp(p, "TZif", 4) != 0)
		return false;
	ret->version = p[4] == 0 ? 1 : p[4] - '0';
	ret->n_utc = zone_get32(p + 20);
	ret->n_standard = zone_get32(p + 24);
	ret->n_leap = zone_get32(p + 28);
	ret->n_times = zone_get32(p + 32);
	ret->n_types = zone_get32(p + 36);
	ret->n_chars = zone_get32(p + 40);
	ret->time_size = time_size;
	ret->size = ret->n_times * (time_size + 1) + ret->n_types * 6 +
	    ret->n_chars + ret->n_leap * (time_size + 4) + ret->n_standard +
	    ret->n_utc;
	return ret->version >= 1 && ret->size <= n - PART_HEADER;
}

/* The types and the changes of a part; `p`: its data. */
static int
zone_part_load(evt_zone *z, const struct zone_part *part, const uint8_t *p,
    evt_error *err)
{
	const uint8_t *indices = p + part->n_times * part->time_size;
	const uint8_t *types = indices + part->n_times;
	const char *chars = (const char *)types + part->n_types * 6;
	int64_t before = -FAR_S - 1;
	int r = EVT_OK;

	if (part->n_leap > 0)
		return zone_damaged(err, "it counts leap seconds");
	if (part->n_types == 0 || part->n_types > 256 || part->n_chars == 0)
		return zone_damaged(err, "it has no types of local time");
	for (size_t i = 0; i < part->n_types && r == EVT_OK; i++) {
		const uint8_t *t = types + i * 6;

		if (t[5] >= part->n_chars)
			return zone_damaged(err, "a bad abbreviation");
		r = zone_add_type(z, (int)(int32_t)zone_get32(t), chars + t[5],
		    strnlen(chars + t[5], part->n_chars - t[5]), err);
	}
	for (size_t i = 0; i < part->n_times && r == EVT_OK; i++) {
		int64_t at =
		    zone_get_time(p + i * part->time_size, part->time_size);

		if (indices[i] >= part->n_types || at < before)
			return zone_damaged(err, "its changes are in disorder");
		r = zone_add_change(z, at, indices[i], err);
		before = at;
	}
	return r;
}

/* The rule between two line feeds, at the end of the file. */
static int
zone_footer(evt_zone *z, const uint8_t *p, size_t n, evt_error *err)
{
	const uint8_t *end =
	    n < 2 || *p != '\n' ? NULL : memchr(p + 1, '\n', n - 1);
	struct zone_rule rule;
	char text[256];
	size_t len;
	int r;

	if (end == NULL || (size_t)(end - p) > sizeof(text))
		return zone_damaged(err, "it is cut off");
	len = (size_t)(end - p) - 1;
	if (len == 0) /* the last change is for ever */
		return EVT_OK;
	memcpy(text, p + 1, len);
	text[len] = '\0';
	r = zone_rule_parse(z, text, &rule, err);
	if (r == EVT_OK && rule.changes)
		r = zone_rule_apply(z, &rule, err);
	else if (r == EVT_OK && z->n_changes == 0)
		z->types[0] = z->types[rule.standard];
	return r;
}

static int
zone_from_bytes(evt_zone *z, const uint8_t *p, size_t n, evt_error *err)
{
	struct zone_part part;
	int r;

	if (!zone_part_read(p, n, 4, &part))
		return zone_damaged(err, "it is not a file of time zones");
	if (part.version == 1)
		return zone_part_load(z, &part, p + PART_HEADER, err);
	/* Since version 2, the same follows with times of 64 bits. */
	p += PART_HEADER + part.size;
	n -= PART_HEADER + part.size;
	if (!zone_part_read(p, n, 8, &part))
		return zone_damaged(err, "it is cut off");
	r = zone_part_load(z, &part, p + PART_HEADER, err);
	if (r != EVT_OK)
		return r;
	return zone_footer(z, p + PART_HEADER + part.size,
	    n - PART_HEADER - part.size, err);
}

/* Load a file; *ret_found: there is one.  Files of the database may be links. */
static int
zone_from_file(evt_zone *z, const char *path, bool *ret_found, evt_error *err)
{
	const evt_io *io = &evt_io_posix;
	char *real = evt_io_resolve(io, path);
	evt_buf b = { 0 };
	size_t n = 0;
	int r, fd = -1;

	*ret_found = false;
	if (real == NULL || !evt_buf_reserve(&b, FILE_MAX)) {
		r = evt_err_nomem(err);
		goto end;
	}
	r = EVT_OK;
	fd = io->open(io->ctx, real, O_RDONLY, 0);
	if (fd < 0)
		goto end;
	*ret_found = true;
	r = evt_io_read_at(io, fd, b.data, FILE_MAX, 0, path, &n, err);
	if (r == EVT_OK)
		r = zone_from_bytes(z, b.data, n, err);
end:
	if (fd >= 0)
		(void)io->close(io->ctx, fd);
	evt_buf_free(&b);
	free(real);
	return r;
}

/* ---- names -------------------------------------------------------------- */

static const char *const zone_folders[] = { "/usr/share/zoneinfo",
	"/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo" };

/* A name that leads nowhere but into the database. */
static bool
zone_is_name(const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		if ((p == name || p[-1] == '/') && (*p == '/' || *p == '.'))
			return false;
		if (strchr("+-_./", *p) == NULL && !zone_is_digit(*p) &&
		    !((*p | 0x20) >= 'a' && (*p | 0x20) <= 'z'))
			return false;
	}
	return *name != '\0';
}

/* *ret_database: this machine has a database. */
static int
zone_from_database(evt_zone *z, const char *name, bool *ret_found,
    bool *ret_database, evt_error *err)
{
	const char *own = getenv("TZDIR");
	size_t n = own != NULL ? 1 : sizeof(zone_folders) / sizeof(char *);
	int r = EVT_OK;

	*ret_found = *ret_database = false;
	for (size_t i = 0; i < n && r == EVT_OK && !*ret_found; i++) {
		const char *folder = own != NULL ? own : zone_folders[i];
		char *path = evt_io_path_join(folder, name);
		struct stat st;

		if (path == NULL)
			return evt_err_nomem(err);
		if (evt_io_posix.stat(NULL, folder, &st) == 0)
			*ret_database = true;
		if (zone_is_name(name))
			r = zone_from_file(z, path, ret_found, err);
		free(path);
	}
	return r;
}

static int
zone_set_name(evt_zone *z, const char *name, evt_error *err)
{
	free(z->name);
	z->name = strdup(name);
	return z->name != NULL ? EVT_OK : evt_err_nomem(err);
}

/* Add a type whose abbreviation is its offset. */
static int
zone_add_offset(evt_zone *z, int offset_s, evt_error *err)
{
	char text[EVT_ZONE_OFFSET_MAX] = "UTC";
	int r = zone_add_type(z, offset_s, "", 0, err);

	if (r != EVT_OK)
		return r;
	if (offset_s != 0)
		evt_zone_offset_format(offset_s, text);
	memcpy(z->types[z->n_types - 1].abbreviation, text, strlen(text) + 1);
	return EVT_OK;
}

static int
zone_from_offset(evt_zone *z, int offset_s, evt_error *err)
{
	int r = zone_add_offset(z, offset_s, err);

	return r == EVT_OK ? zone_set_name(z, z->types[0].abbreviation, err) :
	                     r;
}

/* A file that is given by its path, such as /etc/localtime: it often is a link
 * into the database, which then has the name. */
static int
zone_from_path(evt_zone *z, const char *path, bool *ret_found, evt_error *err)
{
	static const char in[] = "/zoneinfo/";
	char *real;
	const char *name;
	int r = zone_from_file(z, path, ret_found, err);

	if (r != EVT_OK || !*ret_found)
		return r;
	real = evt_io_resolve(&evt_io_posix, path);
	if (real == NULL)
		return evt_err_nomem(err);
	name = strstr(real, in);
	if (name != NULL && zone_is_name(name + sizeof(in) - 1))
		r = zone_set_name(z, name + sizeof(in) - 1, err);
	free(real);
	return r;
}

static int
zone_from_machine(evt_zone *z, evt_error *err)
{
	const char *tz = getenv("TZ");
	bool found = false, database;
	int r;

	if (tz == NULL) {
		r = zone_from_path(z, "/etc/localtime", &found, err);
		return r == EVT_OK && !found ? zone_from_offset(z, 0, err) : r;
	}
	if (*tz == ':')
		tz++;
	if (*tz == '\0')
		return zone_from_offset(z, 0, err);
	if (*tz == '/') {
		r = zone_from_path(z, tz, &found, err);
		if (r == EVT_OK && !found)
			r = evt_err_set(err, EVT_ERR_ARG, "no such file");
		return r;
	}
	r = zone_from_database(z, tz, &found, &database, err);
	if (r == EVT_OK && !found)
		r = zone_from_rule(z, tz, err);
	return r == EVT_OK ? zone_set_name(z, tz, err) : r;
}

static int
zone_load(evt_zone *z, const char *name, evt_error *err)
{
	static const char forms[] =
	    "write UTC, local, an offset as +02:00, or a name as Europe/Berlin";
	bool found, database;
	evt_error why = { 0 };
	int offset_s = 0, r;

	if (strcasecmp(name, "UTC") == 0 ||
	    evt_zone_offset_parse(name, &offset_s))
		return zone_from_offset(z, offset_s, err);
	if (strcmp(name, "local") == 0) {
		r = zone_from_machine(z, &why);
		if (r == EVT_ERR_ARG)
			return evt_err_set(err, r,
			    "cannot tell this machine's time zone (TZ is "
			    "'%.80s'): %s",
			    getenv("TZ") != NULL ? getenv("TZ") : "", why.text);
	} else {
		r = zone_from_database(z, name, &found, &database, &why);
		if (r == EVT_OK && !found)
			return evt_err_set(err, EVT_ERR_ARG,
			    "no time zone '%.80s'%s; %s", name,
			    database ?
			        "" :
			        ": this machine has no database of time zones "
			        "(package tzdata)",
			    forms);
		if (r == EVT_ERR_ARG)
			return evt_err_set(err, r,
			    "cannot read the time zone '%.80s': %s", name,
			    why.text);
	}
	return r == EVT_OK ? EVT_OK : evt_err_set(err, r, "%s", why.text);
}

int
evt_zone_open(const char *name, evt_zone **ret, evt_error *err)
{
	evt_zone *z;
	int r;

	assert(name != NULL && ret != NULL);
	z = calloc(1, sizeof(*z));
	if (z == NULL)
		return evt_err_nomem(err);
	r = zone_set_name(z, name, err);
	if (r == EVT_OK)
		r = zone_load(z, name, err);
	if (r != EVT_OK) {
		evt_zone_free(z);
		return r;
	}
	assert(z->n_types > 0);
	*ret = z;
	return EVT_OK;
}

int
evt_zone_make(int first_s, const int64_t *at_ns, const int *offset_s, size_t n,
    evt_zone **ret, evt_error *err)
{
	evt_zone *z = calloc(1, sizeof(*z));
	int r;

	assert(ret != NULL && (at_ns != NULL || n == 0));
	if (z == NULL)
		return evt_err_nomem(err);
	r = zone_from_offset(z, first_s, err);
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		assert(i == 0 || at_ns[i - 1] <= at_ns[i]);
		r = zone_add_offset(z, offset_s[i], err);
		if (r == EVT_OK)
			r = zone_add_change(z,
			    evt_clock_floor(at_ns[i], EVT_NS_PER_S) /
			        EVT_NS_PER_S,
			    i + 1, err);
	}
	if (r != EVT_OK) {
		evt_zone_free(z);
		return r;
	}
	*ret = z;
	return EVT_OK;
}

void
evt_zone_free(evt_zone *zone)
{
	if (zone == NULL)
		return;
	free(zone->name);
	free(zone->types);
	free(zone->changes);
	free(zone);
}
