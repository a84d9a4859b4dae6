/*
 * test_find.c - the parts of a search: paths against the walk of json_view.h, what
 * the items of a source say over time, and memory that runs out anywhere.
 */
#include "tests/unit/lib/tapes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/find/find.h"
#include "format/find/find_paths.h"
#include "format/find/find_track.h"
#include "format/keys/json_scan.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define S EVT_NS_PER_S
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

/* ---- paths ----------------------------------------------------------------- */

static void
finds_as_json_view(const char *json)
{
	static const char *const pointers[] = { "/a", "/a/b", "/a/b/c", "/0",
		"/a/0", "/a/1/b", "/b", "/", "/a b", "/a~1b", "/a/01", "/c/2" };
	const uint8_t *p = (const uint8_t *)json, *end = p + strlen(json);
	evt_json_view value[EVT_FIND_PATHS_MAX];
	evt_find_paths paths = { .n = 0 };
	evt_find_expr *x[COUNT(pointers)];

	for (size_t i = 0; i < COUNT(pointers); i++) {
		char text[40];

		snprintf(text, sizeof(text), "exists \"%s\"", pointers[i]);
		assert_int_equal(evt_find_expr_parse(text, &x[i], NULL, NULL),
		    EVT_OK);
		evt_find_paths_add(&paths, NULL, x[i]->field[0].part,
		    x[i]->field[0].n_parts);
	}
	assert_ptr_equal(evt_find_paths_walk(&paths, p, end, value), end);
	for (size_t i = 0; i < COUNT(pointers); i++) {
		evt_json_view want =
		    evt_json_view_at(evt_json_view_make(p, strlen(json)),
		        pointers[i]);

		if (want.p != value[i].p || want.n != value[i].n)
			fail_msg("%s in %s: '%.*s'", pointers[i], json,
			    (int)value[i].n, (const char *)value[i].p);
		evt_find_expr_free(x[i]);
	}
}

TEST(paths_of_one_walk)
{
	finds_as_json_view("{\"a\":{\"b\":{\"c\":1}},\"b\":2}");
	finds_as_json_view("{ \"a\" : [ 1 , { \"b\" : [ ] } ] , \"\" : {} }");
	finds_as_json_view("{\"a\":1,\"a\":{\"b\":2},\"a\":{\"b\":3,\"b\":4}}");
	finds_as_json_view("{\"a\":{\"b\":2},\"a\":[]}");
	finds_as_json_view(
	    "{\"\\u0061\":{\"\\u0062\":\"x\\\"}\"},\"a\\/b\":[]}");
	finds_as_json_view("{\"a b\":true,\"a/b\":null,\"c\":[[],[1],-1e5]}");
	finds_as_json_view("[{\"a\":1},2]");
	finds_as_json_view("[]");
	finds_as_json_view("{}");
	finds_as_json_view("\"a\"");
	finds_as_json_view("12");
	finds_as_json_view(
	    "{\"x\":{\"a\":[\"]}\",{\"y\":\"\\\\\"}]},\"a\":\"\"}");
}

/* Whatever is cut off, the walk stays within the text. */
TEST(paths_in_text_that_is_cut_off)
{
	static const char json[] =
	    "{\"x\":[1,\"\\u0041\",{}],\"a\":{\"b\":{\"c\":\"d\"}},\"b\":true}";
	evt_find_expr *x;
	evt_json_view value[EVT_FIND_PATHS_MAX];
	evt_find_paths paths = { .n = 0 };

	assert_int_equal(evt_find_expr_parse("exists a.b.c", &x, NULL, NULL),
	    EVT_OK);
	evt_find_paths_add(&paths, NULL, x->field[0].part, 3);
	evt_find_paths_add(&paths, "x", x->field[0].part, 0);
	for (size_t n = 0; n < sizeof(json) - 1; n++) {
		uint8_t *copy = malloc(n + 1);
		const uint8_t *end;

		assert_non_null(copy);
		memcpy(copy, json, n);
		end = evt_find_paths_walk(&paths, copy, copy + n, value);
		assert_null(end);
		assert_null(value[0].p);
		assert_null(value[1].p);
		free(copy);
	}
	evt_find_expr_free(x);
}

/* ---- over time ------------------------------------------------------------- */

static evt_find_track_item
item(int64_t s, double lat, double lng)
{
	return (evt_find_track_item){ .time_ns = T0 + s * S,
		.seq = (uint64_t)s + 1,
		.has_place = true,
		.place = { lat, lng, T0 + s * S, 1 },
		.hash = (uint64_t)s + 1 };
}

TEST(distances)
{
	double quarter = 6371008.8 * 3.14159265358979 / 2;

	assert_near(evt_find_track_distance(5, 6, 5, 6), 0, 1e-6);
	assert_near(evt_find_track_distance(0, 0, 90, 0), quarter, 1);
	assert_near(evt_find_track_distance(0, 179.999, 0, -179.999),
	    quarter / 90 * 0.002, 0.01);
	assert_near(evt_find_track_distance(90, 0, -90, 77), 2 * quarter, 1);
	/* Berlin to Paris, by geodesy's own figures: 878 km. */
	assert_near(evt_find_track_distance(52.5200, 13.4050, 48.8566, 2.3522),
	    878e3, 2e3);
}

TEST(a_speed_is_by_the_time_of_the_fix)
{
	evt_find_track t = { .heard = false };
	evt_find_track_item a = item(0, 50, 10), b = item(100, 50.01, 10);
	evt_find_track_found found;

	evt_find_track_see(&t, &a, &found);
	assert_true(found.jump_m < 0 && found.silent_s < 0);
	b.place.at_ns = T0 + 10 * S;
	evt_find_track_see(&t, &b, &found);
	assert_near(found.jump_m, 1111.95, 0.1);
	assert_near(found.speed_ms, 111.195, 0.01);
	/* Two fixes of one time, and one that is older. */
	a = item(101, 50.02, 10);
	a.place.at_ns = T0 + 10 * S;
	evt_find_track_see(&t, &a, &found);
	assert_near(found.speed_ms, 1111.95, 0.1);
	b = item(102, 50.03, 10);
	b.place.at_ns = T0;
	evt_find_track_see(&t, &b, &found);
	assert_near(found.speed_ms, 111.195, 0.01);
	/* A stamp that stays the same. */
	a = item(112, 50.04, 10);
	a.place.at_ns = T0;
	evt_find_track_see(&t, &a, &found);
	assert_near(found.speed_ms, 111.195, 0.01);
	/* Times of two clocks do not compare: the receive times do. */
	a = item(122, 50.03, 10);
	a.place.clock = 2;
	a.place.at_ns = INT64_MAX;
	evt_find_track_see(&t, &a, &found);
	assert_near(found.speed_ms, 111.195, 0.01);
}

TEST(seeds_in_any_order)
{
	evt_find_track t = { .heard = false };
	evt_find_track_item late = item(90, 50, 10), early = item(10, 51, 10),
	                    next = item(100, 50, 10);
	evt_find_track_found found;

	late.seed = early.seed = true;
	evt_find_track_see(&t, &late, &found);
	assert_true(found.jump_m < 0 && found.silent_s < 0);
	evt_find_track_see(&t, &early, &found);
	assert_true(found.jump_m < 0 && found.silent_s < 0);
	evt_find_track_see(&t, &next, &found);
	assert_near(found.jump_m, 0, 1e-6);
	assert_near(found.silent_s, 10, 1e-9);
	assert_true(found.heard_ns == T0 + 90 * S);
}

TEST(stuck_ends_when_it_moves_or_rests)
{
	evt_find_track t = { .heard = false };
	evt_find_track_found found;

	for (int64_t s = 0; s < 300; s++) {
		evt_find_track_item i =
		    item(s, s < 100 ? 50 : 51, 10 + (double)(s % 2) * 0.0002);
		int64_t since = s < 100 ? 0 : s < 201 ? 100 : 201;

		i.moving = s != 200;
		evt_find_track_see(&t, &i, &found);
		if (s == since || s == 200)
			assert_true(found.stuck_s < 0);
		else
			assert_near(found.stuck_s, (double)(s - since), 1e-9);
	}
	assert_near(found.stuck_before_s, 97, 1e-9);
}

TEST(own_times)
{
	static const int own[] = { 0, 5, 3, 5, 6 };
	evt_find_track t = { .heard = false };
	evt_find_track_found found;

	for (int s = 0; s < 5; s++) {
		evt_find_track_item i = item(s + 10, 0, 0);

		i.has_own = true;
		i.own_ns = T0 + own[s] * S;
		evt_find_track_see(&t, &i, &found);
		assert_true(found.late_known);
		assert_near(found.late_s, s + 10 - own[s], 1e-9);
		assert_int_equal(found.out_of_order, s == 2);
		if (s == 2)
			assert_true(found.own_before_ns == T0 + 5 * S);
	}
}

TEST(a_copy_is_of_the_same_event)
{
	/* Event and contents of each item. */
	static const struct {
		uint64_t event, hash;
		bool copy;
	} items[] = { { 1, 7, false }, { 2, 7, false }, { 1, 7, true },
		{ 2, 8, false }, { 2, 8, true }, { 3, 1, false },
		{ 4, 1, false }, { 5, 1, false }, { 5, 1, true },
		{ 2, 8, true }, { 1, 7, false }, { 1, 9, false },
		{ 1, 7, false } };
	evt_find_track t = { .heard = false };
	evt_find_track_found found;

	for (size_t s = 0; s < COUNT(items); s++) {
		evt_find_track_item i = item((int64_t)s, 0, 0);

		i.event = items[s].event;
		i.hash = items[s].hash;
		evt_find_track_see(&t, &i, &found);
		assert_int_equal(found.duplicate, items[s].copy);
	}
}

TEST(times_at_the_ends_of_their_range)
{
	evt_find_track t = { .heard = false };
	evt_find_track_found found;

	for (int i = 0; i < 4; i++) {
		evt_find_track_item x = item(0, 0, i);

		x.time_ns = i % 2 == 0 ? INT64_MIN : INT64_MAX;
		x.place.at_ns = x.own_ns = x.time_ns;
		x.has_own = x.moving = true;
		evt_find_track_see(&t, &x, &found);
		assert_true(
		    isfinite(found.silent_s) && isfinite(found.speed_ms));
	}
}

/* ---- memory ---------------------------------------------------------------- */

#define FRAME_STATE                                                            \
	"{\"event\":\"state\",\"user_time\":\"2023-11-14 22:13:20\",\"data\":" \
	"{\"source_id\":1,\"gps\":{\"location\":{\"lat\":1,\"lng\":2},"        \
	"\"speed\":5},\"name\":\"a\\nb\",\"last_update\":"                     \
	"\"2023-11-14 22:10:00\"}}"
#define FRAME_BATCH                                                         \
	"{\"event\":\"state_batch\",\"data\":[{\"state\":{\"source_id\":1," \
	"\"gps\":{\"location\":{\"lat\":2,\"lng\":2},\"speed\":50}}},"      \
	"{\"state\":{\"source_id\":\"t\\u0031\",\"name\":\"x\"}}]}"
#define FRAME_PART                                        \
	"{\"mark\":\"state\",\"frames\":1,\"received\":[" \
	"\"2023-11-14T22:13:20Z\"]}"
#define FRAME_OLD \
	"{\"event\":\"state\",\"data\":{\"source_id\":1,\"name\":\"old\"}}"
#define FRAME_GAP                                      \
	"{\"mark\":\"gap\",\"reason\":\"queue full\"," \
	"\"from\":\"2023-11-14T22:13:20Z\"}"
#define FRAME_NEW \
	"{\"event\":\"state\",\"data\":{\"source_id\":1,\"name\":\"c\"}}"

static const char *const frames[] = { FRAME_STATE, FRAME_BATCH, FRAME_PART,
	FRAME_OLD, FRAME_GAP, FRAME_NEW };

static int
count_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	(void)err;
	assert_true(hit->n_reasons > 0);
	++*(unsigned *)ctx;
	return EVT_OK;
}

static int
search(unsigned *hits, evt_error *err)
{
	evt_find_options options = { .hit = count_hit, .ctx = hits };
	const evt_key one = { "1", 1, true },
	              both[] = { one, { "t1", 2, false } };
	evt_find_expr *x = NULL;
	evt_find *f = NULL;
	int r = evt_find_expr_parse(
	    "jump > 5 m or silent > 5 m or changed name or gap or late > 60 s "
	    "or out_of_order or duplicate or stuck 5 m or gps.speed > 20 or "
	    "name ~ 'B' and /event = \"state\" or \"quo\\\"ted\".x = 'y'",
	    &x, NULL, err);

	if (r == EVT_OK)
		r = evt_find_new(x, &options, &f, err);
	for (size_t i = 0; i < COUNT(frames) && r == EVT_OK; i++) {
		bool mark = strncmp(frames[i], "{\"mark", 6) == 0;
		evt_frame frame = { .seq = i + 1,
			.time_ns = T0 + (int64_t)i * 1000 * S,
			.kind = mark ? EVT_KIND_MARK : EVT_KIND_RECEIVED,
			.opcode = i == 2 ? EVT_MARK_STATE :
			    mark         ? EVT_MARK_GAP :
			                   EVT_OP_TEXT,
			.payload = (const uint8_t *)frames[i],
			.len = strlen(frames[i]),
			.event = mark ? NULL : "state",
			.event_len = mark ? 0 : 5,
			.sources = i == 1 ? both : &one,
			.n_sources = mark ? 0 :
			    i == 1        ? 2 :
			                    1 };

		r = evt_find_frame(f, &frame, err);
	}
	if (r == EVT_OK)
		r = evt_find_end(f, T0 + 9000 * S, err);
	evt_find_free(f);
	evt_find_expr_free(x);
	return r;
}

static int
search_once(void *arg)
{
	unsigned hits = 0, want = *(unsigned *)arg;
	evt_error err;
	int r;

	failing_start();
	r = search(&hits, &err);
	failing_stop();
	if (r == EVT_OK)
		assert_int_equal(hits, want);
	else
		assert_int_equal(r, EVT_ERR_NOMEM);
	return r;
}

TEST(memory_runs_out)
{
	unsigned want = 0;
	evt_error err;

	ok(search(&want, &err), &err);
	/* Late and with b; jump and speed; the gap; the new name after a silence;
	 * and two silences at the end. */
	assert_int_equal(want, 6);
	assert_true(failing_each(FAILING_MEMORY, 1, search_once, &want) > 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(paths_of_one_walk),
		RUN(paths_in_text_that_is_cut_off),
		RUN(distances),
		RUN(a_speed_is_by_the_time_of_the_fix),
		RUN(seeds_in_any_order),
		RUN(stuck_ends_when_it_moves_or_rests),
		RUN(own_times),
		RUN(a_copy_is_of_the_same_event),
		RUN(times_at_the_ends_of_their_range),
		RUN(memory_runs_out),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
