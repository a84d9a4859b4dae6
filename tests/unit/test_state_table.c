/*
 * test_state_table.c - how single frames change the table: trackers and their
 * sources, readings, the sources of a frame, the user's clock.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/write/writer.h"
#include "replay/standin/state_table.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define SEC INT64_C(1000000000)

struct fixture {
	char *dir;
	evt_tape *tape;
	evt_tape_set tapes;
	evt_state_table *table;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_state_table_free(x->table);
	evt_tape_set_close(&x->tapes);
	evt_tape_close(x->tape);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* A tape of received frames, a second apart, all on one connection. */
static evt_tape *
record(const struct fixture *x, const char *name, const char *const *text,
    size_t n)
{
	evt_profile *profile = navixy_profile();
	char *path = in_dir(x->dir, name);
	evt_tape *tape;
	evt_writer_options opt;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&opt);
	opt.profile = profile;
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	for (size_t i = 0; i < n; i++) {
		evt_frame f = { .kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT,
			.conn = 1,
			.payload = (const uint8_t *)text[i],
			.len = strlen(text[i]) };

		f.time_ns = f.mono_ns = T0 + (int64_t)i * SEC;
		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	evt_profile_free(profile);
	ok(evt_tape_open(path, &tape, &err), &err);
	free(path);
	return tape;
}

/* The table of such a tape. */
static evt_state_table *
board_of(struct fixture *x, const char *const *text, size_t n)
{
	evt_error err;

	x->tape = record(x, "a.tape", text, n);
	ok(evt_tape_set_open(&x->tape, 1, &x->tapes, &err), &err);
	ok(evt_state_table_new(&x->tapes, NULL, &x->table, &err), &err);
	return x->table;
}

#define STATE(id) "{\"event\":\"state\",\"data\":{\"source_id\":" id "}}"

static void
is_text(const evt_buf *got, const char *want)
{
	assert_int_equal(got->len, strlen(want));
	assert_memory_equal(got->data, want, got->len);
}

static void
is_tracker(const evt_state_table *b, size_t i, int64_t id, const char *source)
{
	const evt_state_source *s;
	int64_t got;

	assert_true(evt_state_table_tracker_at(b, i, &got, &s));
	assert_int_equal(got, id);
	assert_ptr_equal(s, evt_state_table_by_text(b, source));
}

TEST(ids_taken_as_equal)
{
	static const char *const text[] = { STATE("5"), STATE("\"ship\""),
		STATE("5"), STATE("5"), STATE("\"ship\"") };
	struct fixture *x = *state;
	evt_state_table *b = board_of(x, text, 5);
	const evt_state_source *s;
	int64_t id;

	assert_false(evt_state_table_has_trackers(b));
	assert_int_equal(evt_state_table_n(b), 2);
	s = evt_state_table_by_tracker(b, 5);
	assert_non_null(s);
	assert_int_equal(s->tracker, 5);
	assert_null(s->label);
	assert_ptr_equal(evt_state_table_by_text(b, "5"), s);
	assert_ptr_equal(evt_state_table_at(b, s->no), s);
	s = evt_state_table_by_text(b, "ship");
	assert_non_null(s);
	assert_int_equal(s->tracker, EVT_STATE_SOURCE_NO_TRACKER);
	assert_null(evt_state_table_by_text(b, "6"));
	assert_null(evt_state_table_by_text(b, ""));
	assert_null(evt_state_table_by_tracker(b, 6));
	assert_null(evt_state_table_by_tracker(b, EVT_STATE_SOURCE_NO_TRACKER));
	assert_int_equal(evt_state_table_n_trackers(b), 2);
	is_tracker(b, evt_state_table_by_text(b, "5")->no, 5, "5");
	assert_false(evt_state_table_tracker_at(b, s->no, &id, &s));
}

TEST(trackers_told_of)
{
	static const char *const text[] = { STATE("5"), STATE("\"ship\""),
		STATE("9") };
	static const evt_key five = { "5", 1, true },
	                     ship = { "ship", 4, false },
	                     new = { "77", 2, true };
	struct fixture *x = *state;
	evt_state_table *b = board_of(x, text, 3);
	evt_error err;
	char label[] = "Van";

	ok(evt_state_table_add_tracker(b, 100, &five, label, &err), &err);
	label[0] = 'x'; /* it is copied */
	ok(evt_state_table_add_tracker(b, INT64_MAX, &ship, NULL, &err), &err);
	ok(evt_state_table_add_tracker(b, 101, &five, "Clone", &err), &err);
	ok(evt_state_table_add_tracker(b, 102, &new, "New", &err), &err);
	assert_true(evt_state_table_has_trackers(b));
	assert_int_equal(evt_state_table_n(b), 4);
	assert_int_equal(evt_state_table_n_trackers(b), 4);
	is_tracker(b, 0, 100, "5");
	is_tracker(b, 1, INT64_MAX, "ship");
	is_tracker(b, 2, 101, "5");
	is_tracker(b, 3, 102, "77");
	assert_string_equal(evt_state_table_by_text(b, "5")->label, "Van");
	assert_int_equal(evt_state_table_by_text(b, "5")->tracker, 100);
	assert_ptr_equal(evt_state_table_by_tracker(b, 101),
	    evt_state_table_by_text(b, "5"));
	assert_null(evt_state_table_by_tracker(b, 5));
	/* A source without a tracker is in the table, but clients cannot name
	 * it. */
	assert_int_equal(evt_state_table_by_text(b, "9")->tracker,
	    EVT_STATE_SOURCE_NO_TRACKER);
	assert_null(evt_state_table_by_tracker(b, 9));
}

/* Readings name trackers, so they need the list. */
TEST(readings_of_trackers)
{
	static const char *const text[] = { STATE("5"),
		"{\"event\":\"readings_batch\",\"data\":[{\"tracker_id\":100,"
		"\"v\":1},{\"tracker_id\":5,\"v\":2},{\"v\":3},7]}",
		"{\"event\":\"iot_monitor\",\"data\":{\"iot_last_values\":[{"
		"\"tracker_id\":100,\"v\":4}]}}" };
	static const evt_key five = { "5", 1, true };
	struct fixture *x = *state;
	evt_state_table *b = board_of(x, text, 3);
	const evt_state_source *s;
	evt_error err;

	ok(evt_state_table_add_tracker(b, 100, &five, NULL, &err), &err);
	s = evt_state_table_by_text(b, "5");
	ok(evt_state_table_load(b, T0 + 3 * SEC / 2, &err), &err);
	is_text(&s->reading.text, "{\"tracker_id\":100,\"v\":1}");
	assert_int_equal(s->iot.text.len, 0);
	ok(evt_state_table_load(b, INT64_MAX, &err), &err);
	/* It is looked for ten minutes back. */
	assert_int_equal(s->reading.text.len, 0);
	ok(evt_state_table_load(b, T0 + 599 * SEC, &err), &err);
	is_text(&s->iot.text, "{\"tracker_id\":100,\"v\":4}");
	ok(evt_state_table_load(b, T0, &err), &err);
	assert_int_equal(s->reading.text.len, 0);
	assert_false(s->state.known);
}

/* The sources of a frame. */
TEST(updates_of_frames)
{
	static const char *const text[] = { STATE("5"),
		"{\"event\":\"state_batch\",\"data\":[{\"state\":{\"source_"
		"id\":5}},{},{\"source_id\":6}]}",
		"{\"event\":\"lifecycle\",\"data\":{\"source_id\":5,"
		"\"lifecycle_event\":\"block\"}}",
		"{\"event\":\"lifecycle\",\"data\":{\"source_id\":5,"
		"\"lifecycle_event\":\"polish\"}}",
		"{\"event\":\"logout\",\"data\":\"session closed\"}",
		"{\"event\":\"weather\",\"data\":{\"source_id\":5}}", "X",
		"{\"type\":\"response\"}" };
	static const struct {
		enum evt_state_update_kind kind;
		unsigned n;
		enum evt_state_update_life life;
	} want[] = {
		{ EVT_STATE_UPDATE_STATE, 1, EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_STATE_BATCH, 2,
		    EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_LIFECYCLE, 1, EVT_STATE_UPDATE_LIFE_BLOCK },
		{ EVT_STATE_UPDATE_LIFECYCLE, 1, EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_LOGOUT, 0, EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_NONE, 0, EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_NONE, 0, EVT_STATE_UPDATE_LIFE_OTHER },
		{ EVT_STATE_UPDATE_ANSWER, 0, EVT_STATE_UPDATE_LIFE_OTHER },
	};
	struct fixture *x = *state;
	evt_state_table *b = board_of(x, text, 8);
	evt_cursor *cursor;
	evt_error err;
	size_t i = 0;
	evt_frame f;

	ok(evt_state_table_load(b, T0, &err), &err);
	ok(evt_cursor_open(x->tapes.tape, 1, NULL, &cursor, &err), &err);
	while (evt_cursor_next(cursor, &f, &err) == EVT_OK) {
		evt_state_update update;

		ok(evt_state_table_apply(b, &f, &update, &err), &err);
		if (f.kind == EVT_KIND_MARK) {
			assert_int_equal(update.kind, EVT_STATE_UPDATE_NONE);
			continue;
		}
		assert_int_equal(update.kind, want[i].kind);
		assert_int_equal(update.n, want[i].n);
		assert_int_equal(update.life, want[i].life);
		i++;
	}
	assert_int_equal(i, 8);
	assert_true(evt_state_table_by_text(b, "5")->lifecycle.blocked);
	assert_false(
	    evt_state_source_sendable(evt_state_table_by_text(b, "5")));
	assert_true(evt_state_source_sendable(evt_state_table_by_text(b, "6")));
	evt_cursor_close(cursor);
}

/* T0 is 22:13:20 UTC.  The clock of source 6 is wrong. */
TEST(users_clock)
{
#define AT(id, clock, own)                                  \
	"{\"event\":\"state\",\"user_time\":\"" clock "\"," \
	"\"data\":{\"source_id\":" id ",\"last_update\":\"" own "\"}}"
	static const char *const text[] = { AT("5", "2023-11-14 16:13:20",
		                                "2023-11-14 16:13:19"),
		AT("6", "2023-11-14 16:13:21", "2023-11-14 21:13:20"),
		AT("5", "2023-11-14T16:13:22-06:00",
		    "2023-11-14T16:13:22-06:00"),
		AT("6", "2023-11-14 15:13:23", "2023-11-14 21:13:22"),
		STATE("5") };
	struct fixture *x = *state;
	evt_state_table *b = board_of(x, text, 5);
	evt_zone *given;
	evt_error err;
	int got;

	for (int i = 1; i < 7; i++) {
		int64_t at = T0 + i * SEC;

		ok(evt_state_table_load(b, at, &err), &err);
		ok(evt_state_table_utc_offset(b, at, &got, &err), &err);
		assert_int_equal(got, -21600);
		for (size_t k = 0; k < evt_state_table_n(b); k++) {
			const evt_state_source *s = evt_state_table_at(b, k);

			if (s->state.known)
				assert_int_equal(s->state.offset_s, -21600);
		}
	}
	evt_state_table_free(x->table);
	ok(evt_zone_open("+05:45", &given, &err), &err);
	x->tapes.feed_zone = given;
	ok(evt_state_table_new(&x->tapes, NULL, &x->table, &err), &err);
	ok(evt_state_table_load(x->table, T0 + 9 * SEC, &err), &err);
	ok(evt_state_table_utc_offset(x->table, T0, &got, &err), &err);
	assert_int_equal(got, 20700);
	assert_int_equal(evt_state_table_by_text(x->table, "6")->state.offset_s,
	    20700);
	evt_state_table_free(x->table);
	x->table = NULL;
	evt_zone_free(given);
}

/* Two tapes of users in different zones. */
TEST(clocks_of_tapes)
{
	static const char *const zone[] = { "16", "23" };
	struct fixture *x = *state;
	evt_tape *tape[2];
	evt_state_table *b;
	evt_error err;

	for (int i = 0; i < 2; i++) {
		char text[200];
		const char *texts[] = { text };

		snprintf(text, sizeof(text),
		    "{\"event\":\"state\",\"user_time\":\"2023-11-14 "
		    "%s:13:20\",\"data\":{\"source_id\":%d}}",
		    zone[i], i + 5);
		tape[i] = record(x, i == 0 ? "a.tape" : "b.tape", texts, 1);
	}
	ok(evt_tape_set_open(tape, 2, &x->tapes, &err), &err);
	ok(evt_state_table_new(&x->tapes, NULL, &b, &err), &err);
	ok(evt_state_table_load(b, T0 + SEC, &err), &err);
	assert_int_equal(evt_state_table_by_text(b, "5")->state.offset_s,
	    -6 * 3600);
	assert_int_equal(evt_state_table_by_text(b, "6")->state.offset_s, 3600);
	evt_state_table_free(b);
	evt_tape_set_close(&x->tapes);
	x->tapes = (evt_tape_set){ .n = 0 };
	evt_tape_close(tape[0]);
	evt_tape_close(tape[1]);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(ids_taken_as_equal),
		T(trackers_told_of),
		T(readings_of_trackers),
		T(updates_of_frames),
		T(users_clock),
		T(clocks_of_tapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
