/*
 * test_json_scan.c - the key scanner, against tables and against oracles
 * (scan_oracle.h) on random, mutated and real frames.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/keys/json_scan.h"
#include "tests/unit/lib/scan_cases.h"
#include "tests/lib/scan_oracle.h"
#include "tests/unit/lib/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- profiles ------------------------------------------------------------ */

static const char *const navixy_events[] = { "/event" };
static const char *const navixy_sources[] = { "/data/source_id",
	"/data/*/source_id", "/data/*/state/source_id" };
static const char *const stream_sources[] = { "/stream", "/data/s" };
static const char *const star_events[] = { "/*/*", "/b", "/*" };
static const char *const star_sources[] = { "/*", "/*/*", "/*/a/*", "" };
static const char *const odd_events[] = { "", "/0", "/a~1b", "/event" };
static const char *const odd_sources[] = { "/~0", "/a~1b/~01", "/", "//",
	"/1/0", "/data/0", "/*/1", "/01", "/-1", "/data/*/*/0", "/\xc3\xa9" };

static const oracle_profile profiles[] = {
	{ navixy_events, COUNT(navixy_events), navixy_sources,
	    COUNT(navixy_sources) },
	{ NULL, 0, stream_sources, COUNT(stream_sources) },
	{ star_events, COUNT(star_events), star_sources, COUNT(star_sources) },
	{ odd_events, COUNT(odd_events), odd_sources, COUNT(odd_sources) },
};

struct setup {
	evt_profile *profile[COUNT(profiles)];
	evt_json_scanner *scanner[COUNT(profiles)];
};

static evt_json_scanner *
new_scanner(const oracle_profile *paths, evt_profile **ret_profile)
{
	evt_json_scanner *scanner;
	evt_error err;

	assert_int_equal(evt_profile_new(paths->events, paths->n_events,
	                     paths->sources, paths->n_sources, ret_profile,
	                     &err),
	    EVT_OK);
	assert_int_equal(evt_json_scanner_new(*ret_profile, &scanner, &err),
	    EVT_OK);
	return scanner;
}

static int
set_up(void **state)
{
	struct setup *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return -1;
	for (size_t i = 0; i < COUNT(profiles); i++)
		s->scanner[i] = new_scanner(&profiles[i], &s->profile[i]);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct setup *s = *state;

	for (size_t i = 0; i < COUNT(profiles); i++) {
		evt_json_scanner_free(s->scanner[i]);
		evt_profile_free(s->profile[i]);
	}
	free(s);
	return 0;
}

/* Scan with profile `which` and compare with the oracles.  The frame is put
 * into memory of its very size, so that reading past it is caught. */
static evt_json_scan_result
check(struct setup *s, size_t which, const void *p, size_t n)
{
	uint8_t *exact = malloc(n > 0 ? n : 1);
	evt_json_scan_result r;
	evt_error err;
	const char *differ;

	assert_non_null(exact);
	memcpy(exact, p, n);
	assert_int_equal(evt_json_scan(s->scanner[which], exact, n, &r, &err),
	    EVT_OK);
	differ = oracle_differs(&profiles[which], exact, n, &r);
	if (differ != NULL)
		fail_msg("profile %zu, frame '%.*s': %s", which,
		    (int)(n < 2000 ? n : 2000), (const char *)p, differ);
	free(exact);
	return r;
}

/* ---- well-formed or not -------------------------------------------------- */

TEST(yes)
{
	for (size_t i = 0; i < COUNT(yes_cases); i++) {
		const struct scan_case *c = &yes_cases[i];

		if (!check(*state, i % COUNT(profiles), c->text, c->len).json)
			fail_msg("refused: %s", c->text);
	}
}

TEST(no)
{
	for (size_t i = 0; i < COUNT(no_cases); i++) {
		const struct scan_case *c = &no_cases[i];

		if (check(*state, i % COUNT(profiles), c->text, c->len).json)
			fail_msg("taken: %s", c->text);
	}
}

/* Every beginning of every case, and every case inside containers. */
TEST(cut_and_wrapped)
{
	evt_buf b = { 0 };

	for (size_t i = 0; i < COUNT(yes_cases) + COUNT(no_cases); i++) {
		const struct scan_case *c = i < COUNT(yes_cases) ?
		    &yes_cases[i] :
		    &no_cases[i - COUNT(yes_cases)];

		for (size_t n = 0; n < c->len; n++)
			check(*state, n % COUNT(profiles), c->text, n);
		b.len = 0;
		assert_true(evt_buf_add_str(&b, "{\"data\":[0,") &&
		    evt_buf_add(&b, c->text, c->len) &&
		    evt_buf_add_str(&b, "],\"event\":\"e\"}"));
		for (size_t k = 0; k < COUNT(profiles); k++)
			check(*state, k, b.data, b.len);
	}
	evt_buf_free(&b);
}

/* Each byte value at each place of strings of each length to 40: the wide
 * loads and their ends. */
TEST(every_byte_in_strings)
{
	char text[44];

	for (size_t n = 1; n <= 40; n++) {
		for (size_t at = 0; at < n; at++) {
			for (int c = 0; c < 256; c++) {
				memset(text, 'x', sizeof(text));
				text[0] = text[n + 1] = '"';
				text[at + 1] = (char)c;
				check(*state, 0, text, n + 2);
			}
		}
	}
}

/* Every one-unit escape, and pairs around the borders. */
TEST(every_unit)
{
	static const unsigned edges[] = { 0, 0x41, 0xd7ff, 0xd800, 0xd801,
		0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff };
	char text[20];

	for (unsigned u = 0; u < 0x10000; u++) {
		snprintf(text, sizeof(text), "\"\\u%04x\"", u);
		check(*state, 2, text, strlen(text));
	}
	for (size_t i = 0; i < COUNT(edges); i++) {
		for (size_t k = 0; k < COUNT(edges); k++) {
			snprintf(text, sizeof(text), "\"\\u%04X\\u%04x\"",
			    edges[i], edges[k]);
			check(*state, 3, text, strlen(text));
		}
	}
}

TEST(depth)
{
	static const char *const pairs[][2] = { { "[", "]" },
		{ "{\"a\":", "}" }, { "[{\"data\":", "}]" } };

	for (size_t i = 0; i < COUNT(pairs); i++) {
		size_t each = i == 2 ? 2 : 1;

		for (size_t d = EVT_JSON_SCAN_DEPTH - 2;
		     d <= EVT_JSON_SCAN_DEPTH + 2; d++) {
			evt_buf b = { 0 };
			bool ok = true;

			for (size_t k = 0; k < d / each; k++)
				ok &= evt_buf_add_str(&b, pairs[i][0]);
			ok &= evt_buf_add_str(&b, "1");
			for (size_t k = 0; k < d / each; k++)
				ok &= evt_buf_add_str(&b, pairs[i][1]);
			assert_true(ok);
			for (size_t k = 0; k < COUNT(profiles); k++)
				assert_int_equal(check(*state, k, b.data, b.len)
				                     .json,
				    d / each * each <= EVT_JSON_SCAN_DEPTH);
			evt_buf_free(&b);
		}
	}
}

TEST(line_break)
{
	assert_false(check(*state, 0, "[1, 2]", 6).line_break);
	assert_true(check(*state, 0, "[1,\n2]", 6).line_break);
	assert_true(check(*state, 0, "[1,\r2]", 6).line_break);
	assert_true(check(*state, 0, "\n1", 2).line_break);
	assert_true(check(*state, 0, "1\n", 2).line_break);
	assert_false(check(*state, 0, "\"\\n\"", 4).line_break);
	assert_false(check(*state, 0, "[1,\n2", 5).line_break);
}

/* ---- keys ----------------------------------------------------------------- */

/* The keys of a frame in one string, "event|source source/i"; /i marks an
 * integer. */
static void
expect(struct setup *s, size_t which, const char *frame, const char *want)
{
	evt_json_scan_result r = check(s, which, frame, strlen(frame));
	evt_error err;
	evt_buf b = { 0 };

	assert_int_equal(evt_json_scan(s->scanner[which],
	                     (const uint8_t *)frame, strlen(frame), &r, &err),
	    EVT_OK);
	if (r.event != NULL)
		assert_true(evt_buf_add(&b, r.event, r.event_len));
	assert_true(evt_buf_add_byte(&b, '|'));
	for (size_t i = 0; i < r.n_sources; i++)
		assert_true(evt_buf_printf(&b, "%s%.*s%s", i > 0 ? " " : "",
		    (int)r.sources[i].len, r.sources[i].text,
		    r.sources[i].is_int ? "/i" : ""));
	assert_true(evt_buf_add_byte(&b, '\0'));
	assert_string_equal((char *)b.data, want);
	evt_buf_free(&b);
}

TEST(platform_frames)
{
	struct setup *s = *state;

	expect(s, 0,
	    "{\"type\":\"event\",\"event\":\"state\",\"user_time\":\"2018-10-"
	    "17 "
	    "12:51:55\",\"data\":{\"source_id\":10284,\"gps\":{\"updated\":"
	    "\"2018-10-17 "
	    "12:51:43\",\"location\":{\"lat\":14.3,\"lng\":-90.9},\"heading\":"
	    "248},\"gsm\":null,\"inputs\":[false,false]}}",
	    "state|10284/i");
	expect(s, 0,
	    "{\"data\":{\"lifecycle_event\":\"block\",\"source_id\":123456},"
	    "\"event\":\"lifecycle\",\"type\":\"event\"}",
	    "lifecycle|123456/i");
	expect(s, 0,
	    "{\"type\":\"event\",\"event\":\"logout\",\"data\":\"session "
	    "closed\"}",
	    "logout|");
	expect(s, 0,
	    "{\"event\":\"state_batch\",\"data\":[{\"type\":\"source_state_"
	    "event\",\"state\":{\"source_id\":1}},{\"state\":{\"gps\":{"
	    "\"source_id\":9},\"source_id\":2}},{\"source_id\":3}]}",
	    "state_batch|1/i 2/i 3/i");
	expect(s, 0, "X", "|");
	expect(s, 1,
	    "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"s\":"
	    "\"BTCUSDT\"}}",
	    "|btcusdt@trade BTCUSDT");
}

TEST(integers)
{
	struct setup *s = *state;

	expect(s, 1, "{\"stream\":0}", "|0/i");
	expect(s, 1, "{\"stream\":-0}", "|0/i");
	expect(s, 1, "{\"stream\":-17}", "|-17/i");
	expect(s, 1, "{\"stream\":999999999999999999}",
	    "|999999999999999999/i");
	expect(s, 1, "{\"stream\":9223372036854775807}",
	    "|9223372036854775807/i");
	expect(s, 1, "{\"stream\":9223372036854775808}",
	    "|9223372036854775808");
	expect(s, 1, "{\"stream\":-9223372036854775808}",
	    "|-9223372036854775808/i");
	expect(s, 1, "{\"stream\":-9223372036854775809}",
	    "|-9223372036854775809");
	expect(s, 1, "{\"stream\":10000000000000000000}",
	    "|10000000000000000000");
	expect(s, 1, "{\"stream\":1.0,\"data\":{\"s\":1e0}}", "|");
	expect(s, 1, "{\"stream\":-0.0,\"data\":{\"s\":0E5}}", "|");
	expect(s, 1, "{\"stream\":true,\"data\":{\"s\":null}}", "|");
	expect(s, 1, "{\"stream\":[1],\"data\":{\"s\":{\"s\":1}}}", "|");
}

/* Strings and integers of 254 to 257 bytes, plain and escaped. */
TEST(longest_keys)
{
	struct setup *s = *state;

	for (size_t n = EVT_KEY_MAX - 1; n <= EVT_KEY_MAX + 2; n++) {
		for (int form = 0; form < 4; form++) {
			static const char *const one[] = { "x", "\\u0041",
				"\\\"", "7" };
			const char *quote = form == 3 ? "" : "\"";
			evt_buf b = { 0 };
			evt_json_scan_result r;
			bool ok = evt_buf_printf(&b, "{\"stream\":%s", quote);

			for (size_t i = 0; i < n; i++)
				ok &= evt_buf_add_str(&b, one[form]);
			ok &= evt_buf_printf(&b, "%s}", quote);
			assert_true(ok);
			r = check(s, 1, b.data, b.len);
			assert_true(r.json);
			assert_int_equal(r.n_sources, n <= EVT_KEY_MAX);
			if (n <= EVT_KEY_MAX)
				assert_int_equal(r.sources[0].len, n);
			evt_buf_free(&b);
		}
	}
}

TEST(strings)
{
	struct setup *s = *state;

	expect(s, 1, "{\"stream\":\"\"}", "|");
	expect(s, 1, "{\"stream\":\"a\\u0000b\"}", "|");
	expect(s, 1, "{\"stream\":\"\\u0000\"}", "|");
	expect(s, 1, "{\"stream\":\" \"}", "| ");
	expect(s, 1, "{\"stream\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}",
	    "|\"\\/\b\f\n\r\t");
	expect(s, 1, "{\"stream\":\"\\u0041\\u00e9\\u20aC\\ud83d\\uDE00\"}",
	    "|A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	expect(s, 1, "{\"stream\":\"\xc3\xa9\xe2\x82\xac\"}",
	    "|\xc3\xa9\xe2\x82\xac");
	/* names are decoded before they are compared */
	expect(s, 1, "{\"str\\u0065am\":1,\"\\u0064ata\":{\"\\u0073\":2}}",
	    "|1/i 2/i");
	expect(s, 1, "{\"stream\\u0000\":1,\"strea\":2,\"streams\":3}", "|");
	/* several decoded strings at once */
	expect(s, 0,
	    "{\"event\":\"\\u0061\",\"data\":[{\"source_id\":\"\\u0062\"},{"
	    "\"so\\u0075rce_id\":\"\\u0063\\u0063\"},{\"source_id\":"
	    "\"\\u0064\"}]}",
	    "a|b cc d");
}

TEST(which_event)
{
	struct setup *s = *state;

	/* star_events: "/" "*" "/" "*", then /b, then any member */
	expect(s, 2, "{\"a\":1,\"b\":2,\"c\":{\"d\":3}}", "3|1/i 2/i 3/i");
	expect(s, 2, "{\"a\":1,\"b\":2}", "2|1/i 2/i");
	expect(s, 2, "{\"c\":1,\"a\":2}", "1|1/i 2/i");
	expect(s, 2, "{\"b\":\"\",\"c\":[],\"a\":1.5,\"d\":4}", "4|4/i");
	expect(s, 2, "[\"x\",[\"y\"],[\"z\"]]", "y|x y z");
	/* one path, twice in the frame: the first that is a key */
	expect(s, 0, "{\"event\":\"a\",\"event\":\"b\"}", "a|");
	expect(s, 0, "{\"event\":null,\"event\":\"b\"}", "b|");
	expect(s, 0, "{\"event\":7}", "7|");
	expect(s, 0, "{\"e\":{\"event\":\"a\"}}", "|");
	/* a path to the whole value */
	expect(s, 3, "\"word\"", "word|");
	expect(s, 3, " -5 ", "-5|");
	expect(s, 2, "12", "|12/i");
}

TEST(odd_paths)
{
	struct setup *s = *state;

	expect(s, 3, "[10,[20,21,22],[30,31]]", "10|20/i 21/i 31/i");
	expect(s, 3, "{\"0\":\"x\",\"1\":{\"0\":5,\"1\":6,\"2\":7}}",
	    "x|5/i 6/i");
	expect(s, 3, "{\"a/b\":\"x\",\"~\":\"y\"}", "x|y");
	expect(s, 3, "{\"a/b\":{\"~1\":1,\"/\":2,\"~01\":3}}", "|1/i");
	expect(s, 3, "{\"\":1,\"x\":2}", "|1/i");
	expect(s, 3, "{\"\":{\"\":1}}", "|1/i");
	expect(s, 3, "{\"data\":[[[1],{\"0\":2}],3],\"01\":4,\"-1\":5}",
	    "|1/i 2/i 3/i 4/i 5/i");
	expect(s, 3, "[[0,1],[0,1]]", "|1/i 0/i 1/i");
	expect(s, 3, "{\"\xc3\xa9\":1,\"\\u00e9\":2}", "|1/i 2/i");
	expect(s, 3, "{\"data\":{\"0\":1},\"1\":[[2]]}", "|1/i");
}

/* Names as long as 32, 64 and 100 bytes, and their like. */
TEST(long_names)
{
	char path[102] = "/", frame[220];
	const char *paths[] = { path };
	oracle_profile one = { NULL, 0, paths, 1 };

	for (size_t n = 1; n <= 100; n++) {
		evt_profile *profile;
		evt_json_scanner *scanner;
		evt_json_scan_result r;

		memset(path + 1, 'x', n);
		path[n + 1] = '\0';
		scanner = new_scanner(&one, &profile);
		for (int last = 'x'; last <= 'y'; last++) {
			snprintf(frame, sizeof(frame),
			    "{\"%s\":1,\"x%.*s%c\":2}", path + 1 + n / 2,
			    (int)n - 2, path + 1, last);
			assert_int_equal(evt_json_scan(scanner,
			                     (uint8_t *)frame, strlen(frame),
			                     &r, NULL),
			    EVT_OK);
			assert_null(oracle_differs(&one, (uint8_t *)frame,
			    strlen(frame), &r));
			assert_true(n < 2 || r.n_sources == (last == 'x'));
		}
		evt_json_scanner_free(scanner);
		evt_profile_free(profile);
	}
}

/* A profile of 64 paths, and of paths as deep as a frame may be. */
TEST(many_and_deep_paths)
{
	char text[64][8], deep[2 * EVT_JSON_SCAN_DEPTH + 1];
	const char *paths[64];
	oracle_profile many = { NULL, 0, paths, 64 };
	oracle_profile one = { NULL, 0, paths, 1 };
	evt_profile *profile;
	evt_json_scanner *scanner;
	evt_json_scan_result r;
	evt_error err;
	evt_buf b = { 0 };
	bool ok = true;

	for (size_t i = 0; i < 64; i++) {
		snprintf(text[i], sizeof(text[i]), "/k%zu", i);
		paths[i] = text[i];
		ok &= evt_buf_printf(&b, "%s\"k%zu\":%zu", i ? "," : "{",
		    63 - i, i);
	}
	assert_true(ok && evt_buf_add_str(&b, "}"));
	scanner = new_scanner(&many, &profile);
	assert_int_equal(evt_json_scan(scanner, b.data, b.len, &r, &err),
	    EVT_OK);
	assert_int_equal(r.n_sources, 64);
	assert_null(oracle_differs(&many, b.data, b.len, &r));
	evt_json_scanner_free(scanner);
	evt_profile_free(profile);

	b.len = 0;
	for (size_t i = 0; i < EVT_JSON_SCAN_DEPTH; i++) {
		memcpy(deep + 2 * i, i % 2 ? "/0" : "/*", 3);
		ok &= evt_buf_add_str(&b, "[");
	}
	ok &= evt_buf_add_str(&b, "1");
	for (size_t i = 0; i < EVT_JSON_SCAN_DEPTH; i++)
		ok &= evt_buf_add_str(&b, "]");
	assert_true(ok);
	paths[0] = deep;
	scanner = new_scanner(&one, &profile);
	assert_int_equal(evt_json_scan(scanner, b.data, b.len, &r, &err),
	    EVT_OK);
	assert_int_equal(r.n_sources, 1);
	evt_json_scanner_free(scanner);
	evt_profile_free(profile);
	evt_buf_free(&b);
}

TEST(no_profile)
{
	const char *frame = "{\"event\":\"a\",\"d\\u0061ta\":[1,\n\"x\"]}";
	evt_profile *profile;
	evt_json_scanner *scanner;
	evt_json_scan_result r;
	evt_error err;

	for (int empty = 0; empty < 2; empty++) {
		profile = NULL;
		if (empty)
			assert_int_equal(evt_profile_new(NULL, 0, NULL, 0,
			                     &profile, &err),
			    EVT_OK);
		assert_int_equal(evt_json_scanner_new(profile, &scanner, &err),
		    EVT_OK);
		assert_int_equal(evt_json_scan(scanner, (const uint8_t *)frame,
		                     strlen(frame), &r, &err),
		    EVT_OK);
		assert_true(r.json && r.line_break);
		assert_null(r.event);
		assert_int_equal(r.n_sources, 0);
		assert_int_equal(evt_json_scan(scanner, NULL, 0, &r, NULL),
		    EVT_OK);
		assert_false(r.json);
		evt_json_scanner_free(scanner);
		evt_profile_free(profile);
	}
	evt_json_scanner_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(yes),
		RUN(no),
		RUN(cut_and_wrapped),
		RUN(every_byte_in_strings),
		RUN(every_unit),
		RUN(depth),
		RUN(line_break),
		RUN(platform_frames),
		RUN(integers),
		RUN(longest_keys),
		RUN(strings),
		RUN(which_event),
		RUN(odd_paths),
		RUN(long_names),
		RUN(many_and_deep_paths),
		RUN(no_profile),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
