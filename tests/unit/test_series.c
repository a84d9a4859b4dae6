/*
 * test_series.c - buckets of values: at their edges, without a value, in windows,
 * of batches; which values are numbers; other windows of what was kept.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/find/find_eval.h"
#include "format/series/series.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

static const char *const speed[] = { "gps.speed" };
static size_t cells_max = 20000;

static evt_series *
make(const char *const *fields, size_t n, int64_t from, int64_t to,
    unsigned points)
{
	evt_series_options o = { .fields = fields,
		.n_fields = n,
		.n_tapes = 2,
		.from_ns = T0 + from,
		.to_ns = T0 + to,
		.points = points,
		.cells_max = cells_max,
		.kept_max = 100 };
	evt_series *s;
	evt_error err;

	ok(evt_series_new(&o, &s, &err), &err);
	return s;
}

static int
put_frame(evt_series *s, uint32_t tape, int64_t at, const evt_key *sources,
    size_t n, const char *json, evt_error *err)
{
	static uint64_t seq;
	evt_frame f = { .seq = ++seq,
		.time_ns = T0 + at,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)json,
		.len = strlen(json),
		.sources = sources,
		.n_sources = n,
		.tape = tape };

	return evt_series_frame(s, &f, err);
}

/* A state of source 1 with this speed. */
static void
put(evt_series *s, int64_t at, const char *value)
{
	const evt_key one = { "1", 1, true };
	char json[200];
	evt_error err;

	snprintf(json, sizeof(json),
	    "{\"event\":\"state\",\"data\":{\"source_id\":1,\"gps\":{\"speed\":"
	    "%s}}}",
	    value);
	ok(put_frame(s, 0, at, &one, 1, json, &err), &err);
}

/* The line of that field and source (NULL: of none). */
static evt_series_line
line(const evt_series *s, const char *field, const char *source)
{
	evt_series_line l;

	for (size_t i = 0; i < evt_series_n_lines(s); i++) {
		if (!evt_series_get(s, i, &l) || strcmp(l.field, field) != 0)
			continue;
		if (source == NULL ? l.source.text == NULL :
		                     l.source.text != NULL &&
		            l.source.len == strlen(source) &&
		            memcmp(l.source.text, source, l.source.len) == 0)
			return l;
	}
	fail_msg("no line of %s", field);
	return l;
}

static void
has(const evt_series_bucket *b, uint64_t count, double min, double max,
    double last)
{
	assert_int_equal(b->count, count);
	if (count == 0)
		return;
	assert_true(b->min == min);
	assert_true(b->max == max);
	assert_true(b->last == last);
}

TEST(values_at_the_edges_of_buckets)
{
	evt_series *s = make(speed, 1, 0, 100, 4);
	int64_t from, step;
	evt_series_line l;

	put(s, 0, "3");
	put(s, 24, "-7.5");
	put(s, 10, "1");
	put(s, 25, "8");
	put(s, 75, "9");
	put(s, 99, "4");
	assert_int_equal(evt_series_steps(s, &from, &step), 4);
	assert_int_equal(from, T0);
	assert_int_equal(step, 25);
	l = line(s, "gps.speed", "1");
	assert_int_equal(l.count, 6);
	/* The last one in the order of the tape, not by time. */
	has(&l.bucket[0], 3, -7.5, 3, 1);
	has(&l.bucket[1], 1, 8, 8, 8);
	has(&l.bucket[2], 0, 0, 0, 0);
	has(&l.bucket[3], 2, 4, 9, 4);
	evt_series_free(s);
}

TEST(a_window_that_begins_in_the_middle)
{
	evt_series *s = make(speed, 1, 40, 60, 10000);
	int64_t from, step;
	evt_series_line l;

	for (int64_t at = 0; at < 100; at += 10) {
		char value[20];

		snprintf(value, sizeof(value), "%d", (int)at);
		put(s, at, value);
	}
	/* A bucket is a nanosecond at least. */
	assert_int_equal(evt_series_steps(s, &from, &step), 20);
	assert_int_equal(step, 1);
	l = line(s, "gps.speed", "1");
	assert_int_equal(l.count, 2);
	has(&l.bucket[0], 1, 40, 40, 40);
	has(&l.bucket[10], 1, 50, 50, 50);
	evt_series_free(s);
}

TEST(steps_cover_the_window)
{
	static const int64_t spans[] = { 1, 2, 7, 99, 100, 101, 3599999999999,
		INT64_MAX - T0 };

	for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++) {
		for (unsigned points = 1; points <= 10000;
		     points = points * 3 + 1) {
			evt_series *s = make(speed, 1, 0, spans[i], points);
			int64_t from, step;
			size_t n = evt_series_steps(s, &from, &step);

			assert_in_range(n, 1, points);
			assert_true(
			    (uint64_t)step * (n - 1) < (uint64_t)spans[i]);
			assert_true((uint64_t)step * n >= (uint64_t)spans[i]);
			put(s, spans[i] - 1, "5");
			put(s, 0, "6");
			assert_int_equal(line(s, "gps.speed", "1").count, 2);
			evt_series_free(s);
		}
	}
}

TEST(batches_sources_and_fields)
{
	static const char *const fields[] = { "gps.speed", "/event", "n",
		"gps.speed" };
	const evt_key both[] = { { "1", 1, true }, { "1", 1, false } };
	evt_series *s = make(fields, 4, 0, 100, 1);
	evt_series_line l;
	evt_error err;

	ok(put_frame(s, 0, 5, both, 2,
	       "{\"event\":\"state_batch\",\"data\":[{\"state\":{\"source_id\":"
	       "1,\"gps\":{\"speed\":5},\"n\":1}},{\"source_id\":\"1\",\"n\":2}"
	       "]}",
	       &err),
	    &err);
	ok(put_frame(s, 1, 6, NULL, 0, "{\"n\":77,\"gps\":[]}", &err), &err);
	put(s, 7, "6");
	assert_int_equal(line(s, "gps.speed", "1").count, 2);
	l = line(s, "n", NULL);
	assert_int_equal(l.count, 1);
	has(&l.bucket[0], 1, 77, 77, 77);
	for (size_t i = 0, n = 0; i < evt_series_n_lines(s); i++) {
		if (!evt_series_get(s, i, &l) || strcmp(l.field, "n") != 0)
			continue;
		/* The number 1, the text 1, and no source. */
		assert_in_range(++n, 1, 3);
		has(&l.bucket[0], 1, n == 3 ? 77 : (double)n,
		    n == 3 ? 77 : (double)n, n == 3 ? 77 : (double)n);
	}
	evt_series_free(s);
}

TEST(which_values_are_numbers)
{
	static const struct {
		const char *json;
		double number; /* NaN: none */
	} cases[] = {
		{ "0", 0 },
		{ "-12", -12 },
		{ "1.25e2", 125 },
		{ "9223372036854775807", 9223372036854775808.0 },
		{ "123456789012345678901234567890", 1.2345678901234568e29 },
		{ "1e400", (double)NAN },
		{ "1e-400", 0 },
		{ "true", 1 },
		{ "false", 0 },
		{ "\"61000.5\"", 61000.5 },
		{ "\"-3\"", -3 },
		{ "\"\\u0031\\u0032\"", 12 },
		{ "\"1e400\"", (double)NAN },
		{ "\"NaN\"", (double)NAN },
		{ "\"nan\"", (double)NAN },
		{ "\"inf\"", (double)NAN },
		{ "\"-Infinity\"", (double)NAN },
		{ "\"0x10\"", (double)NAN },
		{ "\" 1\"", (double)NAN },
		{ "\"1 \"", (double)NAN },
		{ "\"1-2\"", (double)NAN },
		{ "\"1.2.3\"", (double)NAN },
		{ "\"-\"", (double)NAN },
		{ "\"\"", (double)NAN },
		{ "\"true\"", (double)NAN },
		{ "null", (double)NAN },
		{ "[1]", (double)NAN },
		{ "{\"a\":1}", (double)NAN },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_json_view v =
		    evt_json_view_make((const uint8_t *)cases[i].json,
		        strlen(cases[i].json));
		evt_series *s = make(speed, 1, 0, 100, 1);
		evt_series_line l;
		double got;

		ok(evt_find_eval_as_number(v, &got, NULL), NULL);
		if (!(isnan(cases[i].number) ? isnan(got) :
		                               got == cases[i].number))
			fail_msg("%s: %g", cases[i].json, got);
		put(s, 50, cases[i].json);
		l = line(s, "gps.speed", "1");
		assert_int_equal(l.count, isnan(cases[i].number) ? 0 : 1);
		assert_int_equal(l.others, isnan(cases[i].number) ? 1 : 0);
		assert_true((l.bucket == NULL) == (l.count == 0));
		evt_series_free(s);
	}
}

TEST(other_windows_of_what_was_kept)
{
	evt_series *s = make(speed, 1, 0, 100, 10);
	evt_series_line l;
	evt_error err;
	int64_t from, step;

	for (int64_t at = 0; at < 100; at++)
		put(s, at, at == 50 ? "null" : at % 2 == 0 ? "1" : "2");
	assert_true(evt_series_is_kept(s));
	assert_int_equal(evt_series_n_kept(s), 100);
	ok(evt_series_rebucket(s, T0 + 49, T0 + 52, 3, &err), &err);
	assert_int_equal(evt_series_steps(s, &from, &step), 3);
	l = line(s, "gps.speed", "1");
	assert_int_equal(l.count, 2);
	assert_int_equal(l.others, 1);
	has(&l.bucket[0], 1, 2, 2, 2);
	has(&l.bucket[1], 0, 0, 0, 0);
	has(&l.bucket[2], 1, 2, 2, 2);
	ok(evt_series_rebucket(s, T0, T0 + 100, 2, &err), &err);
	l = line(s, "gps.speed", "1");
	has(&l.bucket[0], 50, 1, 2, 2);
	has(&l.bucket[1], 49, 1, 2, 2);
	/* One more than can be kept. */
	put(s, 99, "3");
	assert_false(evt_series_is_kept(s));
	assert_int_equal(evt_series_n_kept(s), 0);
	assert_int_equal(line(s, "gps.speed", "1").count, 100);
	evt_series_free(s);
}

TEST(too_many_buckets)
{
	const evt_key two = { "2", 1, true };
	evt_series *s;
	evt_error err;

	cells_max = 1000;
	s = make(speed, 1, 0, 600, 600);
	cells_max = 20000;
	put(s, 1, "1");
	assert_int_equal(put_frame(s, 0, 2, &two, 1,
	                     "{\"data\":{\"source_id\":2,\"gps\":{\"speed\":1}}"
	                     "}",
	                     &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "fewer sources"));
	evt_series_free(s);
}

TEST(bad_fields)
{
	static const char *const bad[] = { "", "a b", "a.", ".a", "a = 1",
		"(a)", "\"a", "a or b" };
	evt_find_expr *x;
	evt_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(evt_find_expr_exists(&bad[i], 1, &x, &err),
		    EVT_ERR_ARG);
		assert_non_null(strstr(err.text, "bad field"));
		assert_non_null(strstr(err.text, "column"));
	}
}

/* ---- memory ---------------------------------------------------------------- */

static int
series_once(void *arg)
{
	static const char *const fields[] = { "gps.speed", "n" };
	const evt_key one = { "1", 1, true };
	evt_series_options o = { .fields = fields,
		.n_fields = 2,
		.n_tapes = 1,
		.from_ns = T0,
		.to_ns = T0 + 100,
		.points = 10,
		.cells_max = 1000,
		.kept_max = 100 };
	evt_series *s = NULL;
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int r;

	(void)arg;
	failing_start();
	r = evt_series_new(&o, &s, &err);
	if (r == EVT_OK)
		r = put_frame(s, 0, 50, &one, 1,
		    "{\"data\":{\"source_id\":1,\"gps\":{\"speed\":1},\"n\":"
		    "\"\\u0031\"}}",
		    &err);
	if (r == EVT_OK)
		r = evt_series_rebucket(s, T0 + 10, T0 + 90, 5, &err);
	if (r == EVT_OK) {
		evt_json_write_begin(&w, &out);
		for (size_t i = 0; i < evt_series_n_lines(s); i++)
			evt_series_write_line(s, i, &w);
		if (!evt_json_write_end(&w))
			r = EVT_ERR_NOMEM;
	}
	failing_stop();
	if (r == EVT_OK)
		assert_int_equal(line(s, "n", "1").count, 1);
	else
		assert_int_equal(r, EVT_ERR_NOMEM);
	evt_buf_free(&out);
	evt_series_free(s);
	return r;
}

TEST(memory_runs_out)
{
	assert_true(failing_each(FAILING_MEMORY, 1, series_once, NULL) > 15);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(values_at_the_edges_of_buckets),
		RUN(a_window_that_begins_in_the_middle),
		RUN(steps_cover_the_window),
		RUN(batches_sources_and_fields),
		RUN(which_values_are_numbers),
		RUN(other_windows_of_what_was_kept),
		RUN(too_many_buckets),
		RUN(bad_fields),
		RUN(memory_runs_out),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
