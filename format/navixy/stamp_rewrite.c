/* stamp_rewrite.c - see stamp_rewrite.h. */
#define _DEFAULT_SOURCE
#include "format/navixy/stamp_rewrite.h"

#include <assert.h>
#include <string.h>
#include <time.h>

#include "format/base/timetext.h"

/* ---- one stamp ----------------------------------------------------------- */

/* The parts of a stamp. */
struct stamp {
	int64_t s;               /* epoch seconds, taken as UTC */
	const uint8_t *fraction; /* ".123", unchanged */
	size_t n_fraction;
	bool iso, zulu;
	int offset_s;
};

/* Read a number of n digits; -1: not all bytes are digits. */
static int
stamp_rewrite_digits(const uint8_t *p, int n)
{
	int v = 0;

	for (int i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

/* "Z", "+02:00" */
static bool
stamp_rewrite_read_offset(const uint8_t *p, const uint8_t *end, struct stamp *s)
{
	int h, m;

	if (end - p == 1 && *p == 'Z') {
		s->zulu = true;
		return true;
	}
	if (end - p != 6 || (*p != '+' && *p != '-') || p[3] != ':' ||
	    stamp_rewrite_digits(p + 1, 2) < 0 ||
	    stamp_rewrite_digits(p + 4, 2) < 0)
		return false;
	h = stamp_rewrite_digits(p + 1, 2);
	m = stamp_rewrite_digits(p + 4, 2);
	s->offset_s = (h * 60 + m) * (*p == '-' ? -60 : 60);
	return true;
}

static bool
stamp_rewrite_read_stamp(const uint8_t *p, const uint8_t *end,
    struct stamp *ret)
{
	struct stamp s = { 0 };
	struct tm tm = { 0 };

	if (end - p < 19 || p[4] != '-' || p[7] != '-' || p[13] != ':' ||
	    p[16] != ':' || (p[10] != ' ' && p[10] != 'T'))
		return false;
	s.iso = p[10] == 'T';
	tm.tm_year = stamp_rewrite_digits(p, 4) - 1900;
	tm.tm_mon = stamp_rewrite_digits(p + 5, 2) - 1;
	tm.tm_mday = stamp_rewrite_digits(p + 8, 2);
	tm.tm_hour = stamp_rewrite_digits(p + 11, 2);
	tm.tm_min = stamp_rewrite_digits(p + 14, 2);
	tm.tm_sec = stamp_rewrite_digits(p + 17, 2);
	if (tm.tm_year < -1900 || tm.tm_mon < 0 || tm.tm_mon > 11 ||
	    tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 ||
	    tm.tm_sec < 0 || tm.tm_sec > 60)
		return false;
	p += 19;
	s.fraction = p;
	if (p < end && *p == '.') {
		do
			p++;
		while (p < end && *p >= '0' && *p <= '9');
	}
	s.n_fraction = (size_t)(p - s.fraction);
	if (s.iso ? p < end && !stamp_rewrite_read_offset(p, end, &s) :
	            p != end)
		return false;
	s.s = timegm(&tm);
	*ret = s;
	return true;
}

bool
evt_stamp_rewrite_read(evt_json_view v, int64_t *ret_s, bool *ret_iso,
    int *ret_offset_s)
{
	struct stamp s;

	if (evt_json_view_kind(v) != EVT_JSON_VIEW_STRING || v.n < 2 ||
	    !stamp_rewrite_read_stamp(v.p + 1, v.p + v.n - 1, &s))
		return false;
	*ret_s = s.s;
	*ret_iso = s.iso;
	*ret_offset_s = s.offset_s;
	return true;
}

/* Append the changed stamp.  false: out of memory, or the year would not have
 * four digits; the stamp then stays as it is. */
static bool
stamp_rewrite_write_stamp(const evt_stamp_rewrite *how, const struct stamp *s,
    evt_buf *out)
{
	bool iso = how->form == EVT_STAMP_REWRITE_KEEP ?
	    s->iso :
	    how->form == EVT_STAMP_REWRITE_ISO;
	int offset = s->iso ? s->offset_s : how->offset_s;
	time_t t = (time_t)(s->s + how->shift_s);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 ||
	    tm.tm_year > 8099)
		return false;
	if (!evt_buf_printf(out, "%04d-%02d-%02d%c%02d:%02d:%02d%.*s",
	        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, iso ? 'T' : ' ',
	        tm.tm_hour, tm.tm_min, tm.tm_sec, (int)s->n_fraction,
	        (const char *)s->fraction))
		return false;
	if (!iso)
		return true;
	if (s->zulu)
		return evt_buf_add_byte(out, 'Z');
	return evt_buf_printf(out, "%c%02d:%02d", offset < 0 ? '-' : '+',
	    (offset < 0 ? -offset : offset) / 3600,
	    (offset < 0 ? -offset : offset) / 60 % 60);
}

/* ---- all stamps of a text ------------------------------------------------ */

static bool
stamp_rewrite_is_stamp_name(const uint8_t *p, size_t n)
{
	static const char *const names[] = { "user_time", "updated",
		"last_update", "update_time", "msg_time", "srv_time",
		"timestamp" };

	if (n > 7 && memcmp(p + n - 7, "_update", 7) == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == n && memcmp(names[i], p, n) == 0)
			return true;
	}
	return false;
}

/* The byte after the string whose opening quote is at p. */
static const uint8_t *
stamp_rewrite_string_end(const uint8_t *p, const uint8_t *end)
{
	for (p++; p < end && *p != '"'; p++) {
		if (*p == '\\' && p + 1 < end)
			p++;
	}
	return p < end ? p + 1 : end;
}

static const uint8_t *
stamp_rewrite_skip_space(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

bool
evt_stamp_rewrite_text(const evt_stamp_rewrite *how, const uint8_t *text,
    size_t n, evt_buf *out)
{
	const uint8_t *p = text, *end = text + n, *copied = text;

	assert(how != NULL && (text != NULL || n == 0) && out != NULL);
	/* A changed stamp is longer by a few bytes at most. */
	if (!evt_buf_reserve(out, n + n / 4 + 64))
		return false;
	while (p < end && (p = memchr(p, '"', (size_t)(end - p))) != NULL) {
		const uint8_t *close = stamp_rewrite_string_end(p, end),
		              *name = p + 1;
		const uint8_t *value = stamp_rewrite_skip_space(close, end);
		struct stamp s;

		if (value >= end || *value != ':' || close - name < 2 ||
		    !stamp_rewrite_is_stamp_name(name,
		        (size_t)(close - 1 - name))) {
			p = close;
			continue;
		}
		value = stamp_rewrite_skip_space(value + 1, end);
		p = value;
		if (value >= end || *value != '"')
			continue;
		p = stamp_rewrite_string_end(value, end);
		if (p - value < 2 ||
		    !stamp_rewrite_read_stamp(value + 1, p - 1, &s))
			continue;
		if (!evt_buf_add(out, copied, (size_t)(value + 1 - copied)))
			return false;
		copied = value + 1;
		if (stamp_rewrite_write_stamp(how, &s, out))
			copied = p - 1;
	}
	return evt_buf_add(out, copied, (size_t)(end - copied));
}

/* ---- compact ------------------------------------------------------------- */

static bool
stamp_rewrite_is_left_out(evt_json_view name)
{
	static const char *const names[] = { "gsm", "battery_level",
		"battery_update", "inputs", "inputs_update", "outputs",
		"outputs_update", "actual_track_update" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (evt_json_view_is(name, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

bool
evt_stamp_rewrite_compact(evt_json_view state, evt_buf *out)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(state);
	const uint8_t *copied = state.p;
	evt_json_view name, value;
	bool ok = true, first = true, kept = false;

	if (evt_json_view_kind(state) != EVT_JSON_VIEW_OBJECT)
		return evt_buf_add(out, state.p, state.n);
	/* A member is left out together with the comma before it.  If no member
	 * before it was kept, it is left out with the comma after it. */
	while (ok && evt_json_view_walk_next(&walk, &name, &value)) {
		const uint8_t *after = value.p + value.n;

		if (stamp_rewrite_is_left_out(name)) {
			if (first)
				ok = evt_buf_add(out, copied,
				    (size_t)(name.p - copied));
			copied = after;
		} else {
			if (!kept && !first)
				copied = name.p;
			ok = evt_buf_add(out, copied, (size_t)(after - copied));
			copied = after;
			kept = true;
		}
		first = false;
	}
	return ok &&
	    evt_buf_add(out, copied, (size_t)(state.p + state.n - copied));
}
