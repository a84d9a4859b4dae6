/* json_write.c - see json_write.h. */
#include "format/base/json_write.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/timetext.h"

static void
json_write_check(evt_json_write *w, bool ok)
{
	w->failed = w->failed || !ok;
}

/* Write what precedes a value: a comma, and the member's name. */
static void
json_write_lead(evt_json_write *w, const char *name)
{
	bool in_array = w->depth == 0 || (w->arrays >> (w->depth - 1) & 1) != 0;

	assert((name == NULL) == in_array);
	(void)in_array;
	if (w->failed)
		return;
	if (w->comma)
		json_write_check(w, evt_buf_add_byte(w->out, ','));
	if (name != NULL) {
		json_write_check(w,
		    evt_buf_add_byte(w->out, '"') &&
		        evt_buf_add_str(w->out, name) &&
		        evt_buf_add(w->out, "\":", 2));
	}
	w->comma = true;
}

static void
json_write_open(evt_json_write *w, const char *name, bool array)
{
	uint64_t bit = UINT64_C(1) << w->depth;

	assert(w->depth < EVT_JSON_WRITE_DEPTH);
	json_write_lead(w, name);
	w->arrays = array ? w->arrays | bit : w->arrays & ~bit;
	w->depth++;
	w->comma = false;
	if (!w->failed)
		json_write_check(w,
		    evt_buf_add_byte(w->out, array ? '[' : '{'));
}

void
evt_json_write_begin(evt_json_write *w, evt_buf *out)
{
	assert(out != NULL);
	*w = (evt_json_write){ .out = out, .start = out->len };
}

bool
evt_json_write_end(evt_json_write *w)
{
	assert(w->depth == 0);
	if (w->failed)
		w->out->len = w->start;
	return !w->failed;
}

void
evt_json_write_object(evt_json_write *w, const char *name)
{
	json_write_open(w, name, false);
}

void
evt_json_write_array(evt_json_write *w, const char *name)
{
	json_write_open(w, name, true);
}

void
evt_json_write_close(evt_json_write *w)
{
	bool array;

	assert(w->depth > 0);
	w->depth--;
	array = (w->arrays >> w->depth & 1) != 0;
	w->comma = true;
	if (!w->failed)
		json_write_check(w,
		    evt_buf_add_byte(w->out, array ? ']' : '}'));
}

void
evt_json_write_text(evt_json_write *w, const char *name, const void *text,
    size_t n)
{
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w, evt_buf_add_json(w->out, text, n));
}

void
evt_json_write_str(evt_json_write *w, const char *name, const char *text)
{
	if (text == NULL)
		evt_json_write_null(w, name);
	else
		evt_json_write_text(w, name, text, strlen(text));
}

void
evt_json_write_strf(evt_json_write *w, const char *name, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		w->failed = true;
		return;
	}
	evt_json_write_text(w, name, text, (size_t)n);
	free(text);
}

void
evt_json_write_raw(evt_json_write *w, const char *name, const void *json,
    size_t n)
{
	assert(n > 0);
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w, evt_buf_add(w->out, json, n));
}

/* Append JSON without the white space between its tokens.  Nothing else may
 * change: a number may have more digits than a double holds. */
static bool
json_write_add_compact(evt_buf *out, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *from = p;
	bool in_string = false;

	for (; p < end; p++) {
		if (in_string && *p == '\\') {
			p++;
		} else if (*p == '"') {
			in_string = !in_string;
		} else if (!in_string && *p <= ' ') {
			if (!evt_buf_add(out, from, (size_t)(p - from)))
				return false;
			from = p + 1;
		}
	}
	return evt_buf_add(out, from, (size_t)(end - from));
}

void
evt_json_write_compact(evt_json_write *w, const char *name, const void *json,
    size_t n)
{
	assert(n > 0);
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w, json_write_add_compact(w->out, json, n));
}

void
evt_json_write_int(evt_json_write *w, const char *name, int64_t value)
{
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w, evt_buf_printf(w->out, "%" PRId64, value));
}

void
evt_json_write_uint(evt_json_write *w, const char *name, uint64_t value)
{
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w, evt_buf_printf(w->out, "%" PRIu64, value));
}

void
evt_json_write_bool(evt_json_write *w, const char *name, bool value)
{
	const char *text = value ? "true" : "false";

	evt_json_write_raw(w, name, text, strlen(text));
}

void
evt_json_write_null(evt_json_write *w, const char *name)
{
	evt_json_write_raw(w, name, "null", 4);
}

void
evt_json_write_fixed(evt_json_write *w, const char *name, double value,
    int decimals)
{
	assert(decimals >= 0 && decimals <= 17);
	if (!isfinite(value)) {
		evt_json_write_null(w, name);
		return;
	}
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w,
		    evt_buf_printf(w->out, "%.*f", decimals, value));
}

/* A value with at most six decimals, as most have, in integers, which is many
 * times as fast.  A quotient of two exact numbers is the double nearest to it, and
 * so is what a reader makes of its digits.  false: it is not such a value. */
static bool
json_write_decimal(evt_json_write *w, double value)
{
	const uint64_t unit = 1000000;
	double size = fabs(value);
	const char *sign = value < 0 ? "-" : "";
	uint64_t n, fraction;
	int decimals = 6;

	if (size >= 1e9)
		return false;
	n = (uint64_t)(size * (double)unit + 0.5);
	if ((double)n / (double)unit != size)
		return false;
	fraction = n % unit;
	n /= unit;
	for (; decimals > 0 && fraction % 10 == 0; decimals--)
		fraction /= 10;
	json_write_check(w,
	    decimals == 0 ? evt_buf_printf(w->out, "%s%" PRIu64, sign, n) :
	                    evt_buf_printf(w->out, "%s%" PRIu64 ".%0*" PRIu64,
	                        sign, n, decimals, fraction));
	return true;
}

void
evt_json_write_double(evt_json_write *w, const char *name, double value)
{
	char text[40];

	if (!isfinite(value)) {
		evt_json_write_null(w, name);
		return;
	}
	json_write_lead(w, name);
	if (w->failed || json_write_decimal(w, value))
		return;
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	json_write_check(w, evt_buf_add_str(w->out, text));
}

void
evt_json_write_seconds(evt_json_write *w, const char *name, int64_t ns)
{
	int64_t left = ns % EVT_NS_PER_MS;
	int64_t ms = ns / EVT_NS_PER_MS;

	if (left >= EVT_NS_PER_MS / 2)
		ms++;
	else if (left <= -EVT_NS_PER_MS / 2)
		ms--;
	json_write_lead(w, name);
	if (!w->failed)
		json_write_check(w,
		    evt_buf_printf(w->out, "%s%" PRId64 ".%03d",
		        ms < 0 ? "-" : "", ms < 0 ? -(ms / 1000) : ms / 1000,
		        abs((int)(ms % 1000))));
}

void
evt_json_write_time(evt_json_write *w, const char *name, int64_t ns, int digits)
{
	char text[EVT_TIMETEXT_MAX];

	evt_json_write_str(w, name, evt_timetext_format(ns, digits, text));
}
