/* foreign_time.c - parse the times that other programs write. */
#include "tools/evtape/lib/foreign_time.h"

#include <string.h>

#include "format/base/timetext.h"

#define NS_PER_DAY (INT64_C(86400) * EVT_NS_PER_S)
/* Longest time that is parsed. */
#define MAX_STAMP 48u

static bool
foreign_time_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Nanoseconds of the unit that a count of this magnitude is in. */
static int64_t
foreign_time_unit_of(int64_t count)
{
	if (count < INT64_C(100000000000))
		return EVT_NS_PER_S;
	if (count < INT64_C(100000000000000))
		return EVT_NS_PER_MS;
	return count < INT64_C(100000000000000000) ? 1000 : 1;
}

/* Parse digits and a fraction, in decimal so that no digit is lost. */
static bool
foreign_time_parse_number(const char *s, size_t n, int64_t *ret_ns)
{
	int64_t count = 0, unit, part;
	size_t i = 0;

	for (; i < n && foreign_time_is_digit(s[i]); i++) {
		if (count > (INT64_MAX - 9) / 10)
			return false;
		count = count * 10 + (s[i] - '0');
	}
	if (i == 0)
		return false;
	unit = foreign_time_unit_of(count);
	if (count > INT64_MAX / unit)
		return false;
	*ret_ns = count * unit;
	if (i == n)
		return true;
	if ((s[i] != '.' && s[i] != ',') || i + 1 == n)
		return false;
	part = unit;
	for (i++; i < n && foreign_time_is_digit(s[i]); i++) {
		part /= 10;
		if (__builtin_add_overflow(*ret_ns, (s[i] - '0') * part,
		        ret_ns))
			return false;
	}
	return i == n;
}

/* Parse 12:51:43.5; *ret_ns: since midnight. */
static bool
foreign_time_parse_clock(const char *s, size_t n, int64_t *ret_ns)
{
	static const int64_t unit[] = { 3600, 60, 1 };
	int64_t ns = 0, frac;
	size_t i = 0;

	for (int k = 0; k < 3; k++) {
		int v;

		if (i + 2 > n || !foreign_time_is_digit(s[i]) ||
		    !foreign_time_is_digit(s[i + 1]))
			return false;
		v = (s[i] - '0') * 10 + (s[i + 1] - '0');
		if (v > (k == 0 ? 23 : k == 1 ? 59 : 60))
			return false;
		ns += v * unit[k] * EVT_NS_PER_S;
		i += 2;
		if (k < 2 && (i >= n || s[i++] != ':'))
			return false;
	}
	if (i < n && s[i] != '.' && s[i] != ',')
		return false;
	frac = EVT_NS_PER_S;
	for (i += i < n; i < n && foreign_time_is_digit(s[i]); i++) {
		frac /= 10;
		ns += (s[i] - '0') * frac;
	}
	*ret_ns = ns;
	return i == n;
}

/* Copy a time, with a point for the comma that ISO 8601 prefers, and without the
 * digits after it that are below a nanosecond. */
static void
foreign_time_copy(const char *text, size_t n, char copy[MAX_STAMP + 1])
{
	int digits = -1; /* -1: not in the fraction */
	char *to = copy;

	for (size_t i = 0; i < n; i++) {
		char c = text[i] == ',' ? '.' : text[i];

		if (c == '.')
			digits = 0;
		else if (!foreign_time_is_digit(c))
			digits = -1;
		else if (digits >= 0 && ++digits > 9)
			continue;
		*to++ = c;
	}
	*to = '\0';
}

bool
foreign_time_parse(const char *text, size_t n, foreign_time_day *day,
    int64_t *ret_ns)
{
	char copy[MAX_STAMP + 1];
	int64_t ns;

	if (n == 0 || n > MAX_STAMP)
		return false;
	if (foreign_time_parse_number(text, n, ret_ns))
		return true;
	if (day != NULL && day->known &&
	    foreign_time_parse_clock(text, n, &ns)) {
		ns += day->midnight_ns;
		/* Midnight has passed.  A small step back is a clock that was set. */
		if (day->last_ns != 0 && day->last_ns - ns > NS_PER_DAY / 2) {
			day->midnight_ns += NS_PER_DAY;
			ns += NS_PER_DAY;
		}
		day->last_ns = *ret_ns = ns;
		return true;
	}
	foreign_time_copy(text, n, copy);
	/* It must begin with a date: the day of a bare time is not known. */
	return n > 10 && copy[4] == '-' &&
	    evt_timetext_parse(copy, NULL, ret_ns, NULL) == EVT_OK;
}

/* A string with escapes: some serializers write + as \u002B. */
static bool
foreign_time_of_escaped(evt_json_view v, int64_t *ret_ns)
{
	evt_buf text = { 0 };
	bool ok = v.n <= 6 * MAX_STAMP && evt_json_view_text(v, &text) &&
	    foreign_time_parse((const char *)text.data, text.len, NULL, ret_ns);

	evt_buf_free(&text);
	return ok;
}

/* A JSON number, written without its exponent: "1.7e9" is "1700000000". */
static bool
foreign_time_of_exponent(const char *s, size_t n, size_t e, int64_t *ret_ns)
{
	char plain[MAX_STAMP + 1];
	size_t len = 0, digits = 0;
	int point = -1, exponent = 0;
	size_t i = e + 1 + (e + 1 < n && (s[e + 1] == '+' || s[e + 1] == '-'));

	for (; i < n && exponent < 100; i++)
		exponent = exponent * 10 + (s[i] - '0');
	if (e + 1 < n && s[e + 1] == '-')
		exponent = -exponent;
	for (i = 0; i < e; i++)
		digits += foreign_time_is_digit(s[i]);
	for (i = 0; i < e && point < 0; i++)
		point = s[i] == '.' ? (int)i : -1;
	point = (point < 0 ? (int)e : point) + exponent;
	/* All digits, with zeros up to the point: no time has more than 19. */
	if (s[0] == '-' || point < 1 || point > 19 ||
	    digits + 22 > sizeof(plain))
		return false;
	for (i = 0; i < e || (int)len < point; i++) {
		if (i < e && s[i] == '.')
			continue;
		if ((int)len == point)
			plain[len++] = '.';
		plain[len++] = i < e ? s[i] : '0';
	}
	return foreign_time_parse_number(plain, len, ret_ns);
}

static bool
foreign_time_of_number(const char *s, size_t n, int64_t *ret_ns)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == 'e' || s[i] == 'E')
			return foreign_time_of_exponent(s, n, i, ret_ns);
	}
	return foreign_time_parse(s, n, NULL, ret_ns);
}

bool
foreign_time_of_view(evt_json_view v, int64_t *ret_ns)
{
	if (evt_json_view_kind(v) == EVT_JSON_VIEW_STRING && v.n >= 2)
		return memchr(v.p, '\\', v.n) != NULL ?
		    foreign_time_of_escaped(v, ret_ns) :
		    foreign_time_parse((const char *)v.p + 1, v.n - 2, NULL,
		        ret_ns);
	return evt_json_view_kind(v) == EVT_JSON_VIEW_NUMBER &&
	    foreign_time_of_number((const char *)v.p, v.n, ret_ns);
}

static bool
foreign_time_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* The end of word number `words`. */
static size_t
foreign_time_end_of_words(const char *s, size_t n, int words)
{
	size_t i = 0;

	while (words-- > 0) {
		while (i < n && foreign_time_is_space(s[i]))
			i++;
		while (i < n && !foreign_time_is_space(s[i]))
			i++;
	}
	return i;
}

size_t
foreign_time_leading(const char *line, size_t n, foreign_time_day *day,
    int64_t *ret_ns)
{
	size_t end;

	if (n > 0 && line[0] == '[') {
		const char *close = memchr(line, ']', n);

		end = close != NULL ? (size_t)(close - line) : 0;
		if (end == 0 ||
		    !foreign_time_parse(line + 1, end - 1, day, ret_ns))
			return 0;
		end++;
		return end < n && foreign_time_is_space(line[end]) ? end + 1 :
		                                                     end;
	}
	/* The time is one word, or a date and a time of day, or these and an
	 * offset. */
	for (int words = 3; words >= 1; words--) {
		end = foreign_time_end_of_words(line, n, words);
		if (end > 0 && line[end - 1] == ':' && end > 1 &&
		    foreign_time_parse(line, end - 1, day, ret_ns))
			return end < n ? end + 1 : end;
		if (foreign_time_parse(line, end, day, ret_ns))
			return end < n ? end + 1 : end;
	}
	return 0;
}
