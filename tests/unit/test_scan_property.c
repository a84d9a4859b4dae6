/*
 * test_scan_property.c - the key scanner says what the oracles say
 * (scan_oracle.h), on frames that are made up, on the same with bytes changed,
 * and on frames that were recorded.
 *
 * The seed is fixed; EVTAPE_SEED gives another one, EVTAPE_ROUNDS more rounds.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

#include "format/buf.h"
#include "format/scan.h"
#include "format/units.h"
#include "tests/unit/scan_oracle.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const navixy_events[] = { "/event" };
static const char *const navixy_sources[] = { "/data/source_id",
	"/data/*/source_id", "/data/*/state/source_id" };
static const char *const stream_sources[] = { "/stream" };
static const char *const odd_events[] = { "/0/*", "/event", "/*/event", "" };
static const char *const odd_sources[] = { "/*", "/*/*/*", "/data/1", "/0/0",
	"/a~1b", "/*/~0", "/", "/data//state", "/\xc3\xa9" };

static const oracle_profile profiles[] = {
	{ navixy_events, COUNT(navixy_events), navixy_sources,
	    COUNT(navixy_sources) },
	{ odd_events, COUNT(odd_events), odd_sources, COUNT(odd_sources) },
	{ NULL, 0, stream_sources, COUNT(stream_sources) },
};

struct fixture {
	evt_profile *profile;
	evt_scanner *scanner;
};

static struct fixture fixtures[COUNT(profiles)];

static int
set_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(profiles); i++) {
		const oracle_profile *p = &profiles[i];

		if (evt_profile_new(p->events, p->n_events, p->sources,
		    p->n_sources, &fixtures[i].profile, NULL) != EVT_OK ||
		    evt_scanner_new(fixtures[i].profile, &fixtures[i].scanner,
		    NULL) != EVT_OK)
			return -1;
	}
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(profiles); i++) {
		evt_scanner_free(fixtures[i].scanner);
		evt_profile_free(fixtures[i].profile);
	}
	return 0;
}

static evt_scan_result
check(size_t which, const uint8_t *p, size_t n)
{
	evt_scan_result r;
	const char *differ;

	assert_int_equal(evt_scan(fixtures[which].scanner, p, n, &r, NULL),
	    EVT_OK);
	differ = oracle_differs(&profiles[which], p, n, &r);
	if (differ != NULL)
		fail_msg("profile %zu, frame '%.*s': %s", which,
		    (int)(n < 4000 ? n : 4000), (const char *)p, differ);
	return r;
}

/* ---- chance --------------------------------------------------------------- */

struct dice {
	uint64_t state; /* splitmix64 */
};

static uint64_t
roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % sides;
}

static int64_t
from_environment(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t v = otherwise;

	if (text != NULL)
		assert_int_equal(evt_int_parse(text, name, 0, INT64_MAX, &v,
		    NULL), EVT_OK);
	return v;
}

/* ---- frames that are made up ---------------------------------------------- */

static void
put(evt_buf *b, const char *text)
{
	assert_true(evt_buf_add_str(b, text));
}

#define PUT_ONE_OF(d, b, list) put(b, (list)[roll(d, COUNT(list))])

static void
put_space(struct dice *d, evt_buf *b)
{
	static const char *const spaces[] = { " ", "  ", "\t", "\n", "\r\n" };

	if (roll(d, 8) == 0)
		PUT_ONE_OF(d, b, spaces);
}

static void
put_number(struct dice *d, evt_buf *b)
{
	static const char *const odd[] = { "0", "-0", "-0.0", "1.0", "1e3",
		"0e0", "-1E-2", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "0.1", "1e400", "999999999999999999",
		"1000000000000000000", "12345678901234567890123456789012345678" };

	if (roll(d, 400) == 0) {
		put(b, "1");
		for (uint64_t n = roll(d, 300); n > 0; n--)
			put(b, "7");
	} else if (roll(d, 3) == 0) {
		PUT_ONE_OF(d, b, odd);
	} else {
		assert_true(evt_buf_printf(b, "%" PRId64,
		    (int64_t)roll(d, 200000) - 100000));
	}
}

static void
put_string(struct dice *d, evt_buf *b)
{
	static const char *const bits[] = { "a", "source_id", " ", "/", "~",
		"\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\u20AC",
		"\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\\u0000", "\x7f", "{", "]", ":", ",",
		"0123456789abcdef" };
	uint64_t n = roll(d, 8);

	if (roll(d, 60) == 0)
		n = roll(d, 300);
	put(b, "\"");
	for (; n > 0; n--)
		PUT_ONE_OF(d, b, bits);
	put(b, "\"");
}

/* The name of a member, mostly one that a profile knows, at times with one of
 * its characters escaped. */
static void
put_name(struct dice *d, evt_buf *b)
{
	static const char *const names[] = { "event", "data", "source_id",
		"state", "stream", "0", "1", "", "a/b", "~", "\xc3\xa9", "type",
		"datA", "source_ie", "sourceid", "*" };
	const char *name = names[roll(d, COUNT(names))];
	uint64_t escaped = roll(d, 10);

	if (roll(d, 12) == 0) {
		put_string(d, b);
		return;
	}
	put(b, "\"");
	for (uint64_t i = 0; *name != '\0'; i++, name++) {
		if (i == escaped && (uint8_t)*name < 0x80)
			assert_true(evt_buf_printf(b, "\\u%04x", *name));
		else
			assert_true(evt_buf_add_byte(b, (uint8_t)*name));
	}
	put(b, "\"");
}

static void
put_value(struct dice *d, evt_buf *b, unsigned depth)
{
	static const char *const words[] = { "true", "false", "null", "[]",
		"{}" };
	uint64_t kind = depth == 0 ? 3 + roll(d, 7) :
	    roll(d, depth < 7 ? 10 : 5);

	put_space(d, b);
	if (kind < 2) {
		put_number(d, b);
	} else if (kind < 4) {
		put_string(d, b);
	} else if (kind == 4) {
		PUT_ONE_OF(d, b, words);
	} else {
		bool object = kind < 8;

		put(b, object ? "{" : "[");
		for (uint64_t n = roll(d, 6); n > 0; n--) {
			put_space(d, b);
			if (object) {
				put_name(d, b);
				put_space(d, b);
				put(b, ":");
			}
			put_value(d, b, depth + 1);
			put(b, n > 1 ? "," : "");
		}
		put_space(d, b);
		put(b, object ? "}" : "]");
	}
	put_space(d, b);
}

/* Change a few bytes: another one, one less, one more, a piece moved. */
static void
mutate(struct dice *d, evt_buf *b)
{
	static const char bytes[] = "{}[]\",:\\/ \t\n019-+.eEutfn\x1f\x80\xc3\xed"
	    "\xf4\xff";
	uint64_t n = 1 + roll(d, 3);

	for (; n > 0 && b->len > 1; n--) {
		size_t at = (size_t)roll(d, b->len);
		size_t to = (size_t)roll(d, b->len);
		uint8_t c = roll(d, 3) == 0 ? (uint8_t)roll(d, 256) :
		    (uint8_t)bytes[roll(d, sizeof(bytes) - 1)];

		switch (roll(d, 6)) {
		case 0:
			b->len = at + 1;
			break;
		case 1:
			memmove(b->data + at, b->data + at + 1, b->len - at - 1);
			b->len--;
			break;
		case 2:
			assert_true(evt_buf_add_byte(b, c));
			memmove(b->data + at + 1, b->data + at, b->len - at - 1);
			b->data[at] = c;
			break;
		case 3:
			b->data[at] = b->data[to];
			break;
		default:
			b->data[at] = c;
			break;
		}
	}
}

static void
test_made_up(void **state)
{
	int64_t rounds = from_environment("EVTAPE_ROUNDS", 30000);
	struct dice d = { (uint64_t)from_environment("EVTAPE_SEED", 20181017) };
	uint64_t json = 0, keys = 0, broken = 0;
	evt_buf b = { 0 }, changed = { 0 };

	(void)state;
	for (int64_t i = 0; i < rounds; i++) {
		size_t which = (size_t)roll(&d, COUNT(profiles));
		evt_scan_result r;

		b.len = 0;
		put_value(&d, &b, 0);
		r = check(which, b.data, b.len);
		assert_true(r.json);
		keys += r.n_sources;
		for (int k = 0; k < 4; k++) {
			changed.len = 0;
			assert_true(evt_buf_add(&changed, b.data, b.len));
			mutate(&d, &changed);
			r = check(which, changed.data, changed.len);
			json += r.json;
			broken += !r.json;
		}
	}
	print_message("%" PRId64 " frames with %" PRIu64 " sources; changed: %"
	    PRIu64 " still JSON, %" PRIu64 " not\n", rounds, keys, json, broken);
	/* Both sides must have been tried. */
	assert_true(rounds < 30000 || (keys > 10000 && json > 10000 &&
	    broken > 10000));
	evt_buf_free(&b);
	evt_buf_free(&changed);
}

/* ---- frames like the platform's ------------------------------------------- */

static const char state_frame[] =
    "{\"type\":\"event\",\"event\":\"state\",\"user_time\":\"2018-10-17 "
    "12:51:55\",\"data\":{\"source_id\":10284,\"gps\":{\"updated\":\"2018-10-17 "
    "12:51:43\",\"signal_level\":100,\"location\":{\"lat\":14.330065796228606,"
    "\"lng\":-90.99037259141691},\"heading\":248,\"speed\":0,\"alt\":431},"
    "\"connection_status\":\"active\",\"movement_status\":\"parked\",\"gsm\":"
    "null,\"last_update\":\"2018-10-17 12:51:46\",\"battery_level\":null,"
    "\"battery_update\":null,\"inputs\":[false,false,false,false,false,false,"
    "false,false],\"inputs_update\":\"2018-10-17 12:51:43\",\"outputs\":[false,"
    "false,false,false,false,false,false,false],\"outputs_update\":\"2018-10-17 "
    "12:51:43\",\"actual_track_update\":\"2018-10-04 22:47:07\"}}";

/* Each byte of a state frame, changed to each value that matters. */
static void
test_state_frame_changed(void **state)
{
	static const char bytes[] = "\"\\{}[]:,-0.e nat\n\x01\x80\xc3";
	uint8_t frame[sizeof(state_frame) - 1];
	size_t n = sizeof(frame);

	(void)state;
	memcpy(frame, state_frame, n);
	assert_int_equal(check(0, frame, n).n_sources, 1);
	for (size_t i = 0; i < n; i++) {
		uint8_t was = frame[i];

		for (size_t k = 0; k < sizeof(bytes) - 1; k++) {
			frame[i] = (uint8_t)bytes[k];
			check(i % COUNT(profiles), frame, n);
		}
		for (int bit = 0; bit < 8; bit++) {
			frame[i] = (uint8_t)(was ^ 1u << bit);
			check(i % COUNT(profiles), frame, n);
		}
		frame[i] = was;
		check(0, frame, i);
	}
}

/* ---- frames that were recorded --------------------------------------------- */

static FILE *
open_capture(void)
{
	const char *data = getenv("EVTAPE_DATA");
	char path[2000], command[2100];

	if (data == NULL)
		data = "../shared/data";
	snprintf(path, sizeof(path),
	    "%s/binance-ws/binance_usdm_btcusdt_20240808.gz", data);
	if (access(path, R_OK) != 0 || strchr(path, '\'') != NULL) {
		print_message("%s is not there\n", path);
		return NULL;
	}
	snprintf(command, sizeof(command), "zcat '%s'", path);
	return popen(command, "r");
}

static void
test_recorded(void **state)
{
	FILE *f = open_capture();
	struct dice d = { 1 };
	evt_buf b = { 0 };
	char *line = NULL;
	size_t cap = 0, frames = 0, sources = 0;
	ssize_t n;

	(void)state;
	if (f == NULL)
		skip();
	while ((n = getline(&line, &cap, f)) > 0) {
		char *frame = memchr(line, ' ', (size_t)n);
		evt_scan_result r;

		assert_non_null(frame);
		b.len = 0;
		assert_true(evt_buf_add(&b, frame + 1,
		    (size_t)(line + n - 1 - (frame + 1))));
		r = check(2, b.data, b.len);
		assert_true(r.json && !r.line_break);
		sources += r.n_sources;
		if (++frames % 8 == 0) {
			mutate(&d, &b);
			check(2, b.data, b.len);
		}
	}
	assert_int_equal(pclose(f), 0);
	free(line);
	evt_buf_free(&b);
	/* One line is a REST answer, without a stream. */
	assert_int_equal(frames, 93954);
	assert_int_equal(sources, 93953);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_up),
		cmocka_unit_test(test_state_frame_changed),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
