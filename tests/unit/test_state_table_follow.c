/*
 * test_state_table_follow.c - the table, which is loaded for a time from the index,
 * against one that took every frame before that time.
 *
 * The tapes are random: states alone and in batches, readings, blocks and
 * removals, two connections of the recorder with the platform's responses,
 * small blocks, several segments, and receive times that step back.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/write/writer.h"
#include "replay/standin/state_table.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define MS INT64_C(1000000)
#define FRAMES 700u
#define SOURCES 24u
#define TAPES 2u

struct tape {
	char *path;
	evt_writer *writer;
	evt_tape *tape;
	unsigned first;  /* its first source */
	int64_t last_ns; /* that was put */
	bool blocked[SOURCES];
	bool silent[SOURCES]; /* it was when the recorder connected again */
};

struct fixture {
	char *dir;
	evt_profile *profile;
	struct tape tape[TAPES];
	evt_tape_set tapes;
	evt_tape *tape_array[TAPES];
};

/* ---- random tapes ------------------------------------------------------ */

static unsigned
next_random(unsigned *x)
{
	*x = *x * 1103515245u + 12345u;
	return *x >> 16;
}

static void
put(struct tape *t, uint32_t conn, uint8_t mark, const char *text)
{
	evt_frame f = { .kind = mark != 0 ? EVT_KIND_MARK : EVT_KIND_RECEIVED,
		.opcode = mark != 0 ? mark : EVT_OP_TEXT,
		.conn = conn,
		.payload = (const uint8_t *)text,
		.len = strlen(text) };
	evt_error err;

	f.time_ns = f.mono_ns = t->last_ns;
	ok(evt_writer_put(t->writer, &f, &err), &err);
	ok(evt_writer_commit(t->writer, &err), &err);
}

static void
add_state(evt_buf *b, unsigned id, unsigned n)
{
	assert_true(evt_buf_printf(b,
	    "{\"source_id\":%u,\"gps\":{\"updated\":\"2023-11-14 "
	    "16:13:%02u\"},\"n\":%u}",
	    id, n % 60, n));
}

static void
add_batch(evt_buf *b, const struct tape *t, unsigned n, unsigned *x)
{
	const char *comma = "";

	assert_true(evt_buf_add_str(b, "{\"data\":["));
	for (unsigned i = 0; i < SOURCES; i++) {
		if (i % 3 == 0 || t->silent[i] || next_random(x) % 4 != 0)
			continue;
		assert_true(evt_buf_printf(b,
		    "%s{\"type\":\"source_state_event\",\"state\":", comma));
		add_state(b, t->first + i, n);
		assert_true(evt_buf_add_byte(b, '}'));
		comma = ",";
	}
	assert_true(evt_buf_printf(b,
	    "],\"user_time\":\"2023-11-14 "
	    "16:14:%02u\",\"event\":\"state_batch\",\"type\":\"event\"}",
	    n % 60));
}

static void
add_readings(evt_buf *b, const struct tape *t, unsigned n, bool iot,
    unsigned *x)
{
	const char *comma = "";

	assert_true(evt_buf_printf(b,
	    "{\"type\":\"event\",\"event\":\"%s\",\"data\":%s[",
	    iot ? "iot_monitor" : "readings_batch",
	    iot ? "{\"iot_last_values\":" : ""));
	for (unsigned i = 0; i < SOURCES; i++) {
		if (next_random(x) % 4 != 0)
			continue;
		assert_true(evt_buf_printf(b,
		    "%s{\"tracker_id\":%u,\"n\":%u,\"update_time\":\"2023-11-"
		    "14 16:13:%02u\"}",
		    comma, t->first + i, n, n % 60));
		comma = ",";
	}
	assert_true(evt_buf_add_str(b, iot ? "]}}" : "]}"));
}

/* A source of which states come alone and in batches is never blocked here. */
static void
add_lifecycle(evt_buf *b, struct tape *t, unsigned *x)
{
	unsigned i = next_random(x) % SOURCES;
	bool block = next_random(x) % 2 == 0;

	if (i % 3 == 2)
		i--;
	t->blocked[i] = block;
	t->silent[i] = t->silent[i] && block;
	/* The last ones are removed, and for good. */
	assert_true(evt_buf_printf(b,
	    "{\"type\":\"event\",\"event\":\"lifecycle\",\"data\":{\"source_"
	    "id\":%u,\"lifecycle_event\":\"%s\"}}",
	    t->first + i,
	    i > 18    ? "corrupt" :
	        block ? "block" :
	                "unblock"));
}

static void
add_answer(evt_buf *b, struct tape *t, unsigned *x)
{
	assert_true(evt_buf_add_str(b,
	    "{\"type\":\"response\",\"action\":\"subscription/"
	    "subscribe\",\"events\":[\"state\"],\"data\":{\"state\":{\"value\":"
	    "{"));
	for (unsigned i = 0; i <= 18; i++) {
		bool block = i % 3 != 2 && next_random(x) % 3 == 0;

		t->silent[i] = t->blocked[i] && block;
		t->blocked[i] = block;
		assert_true(
		    evt_buf_printf(b, "%s\"%u\":\"%s\"", i > 0 ? "," : "",
		        t->first + i, block ? "blocked" : "normal"));
	}
	assert_true(evt_buf_add_str(b, "},\"success\":true}}}"));
}

/* A connection, which is answered at once. */
static void
connect_to(struct tape *t, uint32_t conn, unsigned *x)
{
	evt_buf b = { 0 };

	t->last_ns += 500 * MS;
	put(t, conn, EVT_MARK_CONNECTED, "{\"mark\":\"connected\"}");
	t->last_ns += MS;
	add_answer(&b, t, x);
	assert_true(evt_buf_add_byte(&b, '\0'));
	put(t, conn, 0, (char *)b.data);
	evt_buf_free(&b);
	t->last_ns += 500 * MS;
}

static void
put_one(struct tape *t, uint32_t conn, unsigned n, unsigned *x)
{
	unsigned what = next_random(x) % 20, i = next_random(x) % SOURCES;
	evt_buf b = { 0 };

	i = i % 3 == 1 ? i - 1 : i;
	if (what < 11 && !t->silent[i]) {
		assert_true(evt_buf_printf(&b,
		    "{\"event\":\"state\",\"type\":\"event\",%s\"data\":",
		    n % 5 == 0 ? "" :
		                 "\"user_time\":\"2023-11-14 16:13:20\","));
		add_state(&b, t->first + i, n);
		assert_true(evt_buf_add_str(&b, " }"));
	} else if (what < 15) {
		add_batch(&b, t, n, x);
	} else if (what < 17) {
		add_readings(&b, t, n, what == 16, x);
	} else if (what < 19) {
		add_lifecycle(&b, t, x);
	} else {
		assert_true(evt_buf_printf(&b, "{\"n\":%u}", n));
	}
	assert_true(evt_buf_add_byte(&b, '\0'));
	put(t, conn, 0, (char *)b.data);
	evt_buf_free(&b);
}

static void
put_all(struct tape *t, unsigned seed, bool steps)
{
	unsigned x = seed;
	uint32_t conn = 0;
	evt_error err;

	t->last_ns = T0;
	for (unsigned n = 0; n < FRAMES; n++) {
		if (n % (FRAMES / 2) == 0)
			connect_to(t, ++conn, &x);
		t->last_ns +=
		    steps && next_random(&x) % 50 == 0 ? -60 * MS : 10 * MS;
		put_one(t, conn, n, &x);
		if (n % 150 == 149)
			ok(evt_writer_rotate(t->writer, &err), &err);
	}
}

/* ---- the fixture ------------------------------------------------------- */

static void
reel_of(struct fixture *x, size_t n)
{
	evt_error err;

	for (size_t i = 0; i < n; i++) {
		ok(evt_tape_open(x->tape[i].path, &x->tape[i].tape, &err),
		    &err);
		x->tape_array[i] = x->tape[i].tape;
	}
	ok(evt_tape_set_open(x->tape_array, n, &x->tapes, &err), &err);
}

static void
unreel(struct fixture *x)
{
	evt_tape_set_close(&x->tapes);
	for (size_t i = 0; i < TAPES; i++) {
		evt_tape_close(x->tape[i].tape);
		x->tape[i].tape = NULL;
	}
}

static void
make_tapes(struct fixture *x, size_t n, unsigned seed, bool steps)
{
	evt_writer_options opt;
	evt_error err;

	evt_writer_options_init(&opt);
	opt.profile = x->profile;
	opt.block_bytes = 4096;
	for (size_t i = 0; i < n; i++) {
		struct tape *t = &x->tape[i];
		char name[40];

		snprintf(name, sizeof(name), "%u-%zu.tape", seed, i);
		t->path = in_dir(x->dir, name);
		t->first = 1 + (unsigned)i * 100;
		ok(evt_writer_open_env(t->path, &opt, test_env(), &t->writer,
		       &err),
		    &err);
		put_all(t, seed + (unsigned)i, steps);
	}
}

static void
close_writers(struct fixture *x)
{
	evt_error err;

	for (size_t i = 0; i < TAPES; i++) {
		if (x->tape[i].writer != NULL)
			ok(evt_writer_close(x->tape[i].writer, &err), &err);
		x->tape[i].writer = NULL;
	}
}

static void
forget_tapes(struct fixture *x)
{
	close_writers(x);
	for (size_t i = 0; i < TAPES; i++) {
		free(x->tape[i].path);
		x->tape[i] = (struct tape){ .path = NULL };
	}
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->profile = navixy_profile();
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	forget_tapes(x);
	evt_profile_free(x->profile);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* ---- two boards -------------------------------------------------------- */

static void
same_bytes(const uint8_t *a, size_t n, const uint8_t *b, size_t m)
{
	assert_int_equal(n, m);
	if (n > 0)
		assert_memory_equal(a, b, n);
}

static void
same_source(const evt_state_source *a, const evt_state_source *b)
{
	assert_int_equal(a->state.known, b->state.known);
	assert_int_equal(a->lifecycle.corrupt, b->lifecycle.corrupt);
	/* A removed tracker is neither. */
	if (!a->lifecycle.corrupt)
		assert_int_equal(a->lifecycle.blocked, b->lifecycle.blocked);
	same_bytes(a->reading.text.data, a->reading.text.len,
	    b->reading.text.data, b->reading.text.len);
	same_bytes(a->iot.text.data, a->iot.text.len, b->iot.text.data,
	    b->iot.text.len);
	if (!a->state.known)
		return;
	same_bytes(a->state.text.data, a->state.text.len, b->state.text.data,
	    b->state.text.len);
	assert_int_equal(a->state.at, b->state.at);
	assert_int_equal(a->state.len, b->state.len);
	assert_int_equal(a->state.seq, b->state.seq);
	assert_int_equal(a->state.tape, b->state.tape);
	assert_int_equal(a->state.time_ns, b->state.time_ns);
}

static void
same(const evt_state_table *a, const evt_state_table *b)
{
	assert_int_equal(evt_state_table_n(a), evt_state_table_n(b));
	for (size_t i = 0; i < evt_state_table_n(a); i++) {
		const evt_state_source *s = evt_state_table_at(a, i);
		const evt_state_source *t =
		    evt_state_table_by_tracker(b, s->tracker);

		assert_non_null(t);
		same_source(s, t);
	}
}

/* Give the table all frames received in [from, to). */
static void
take_frames(const struct fixture *x, evt_state_table *b, evt_time_shift *shift,
    int64_t from, int64_t to)
{
	evt_filter window = { .has_from = true,
		.has_to = true,
		.from_ns = from,
		.to_ns = to };
	evt_cursor *cursor;
	evt_error err;
	evt_frame f;
	evt_state_update update;
	int r;

	ok(evt_cursor_open(x->tapes.tape, x->tapes.n, &window, &cursor, &err),
	    &err);
	while ((r = evt_cursor_next(cursor, &f, &err)) == EVT_OK) {
		ok(evt_time_shift_frame(shift, &f, &err), &err);
		ok(evt_state_table_apply(b, &f, &update, &err), &err);
	}
	if (r != EVT_END && r != EVT_AGAIN)
		fail_msg("reading: %s", err.text);
	evt_cursor_close(cursor);
}

/* A table that was loaded at `from` and then followed the deck, and one that is
 * loaded where the deck is now. */
static void
check_at(const struct fixture *x, evt_time_shift *shift, int64_t from,
    int64_t to)
{
	evt_state_table *loaded, *followed;
	evt_error err;

	ok(evt_state_table_new(&x->tapes, shift, &loaded, &err), &err);
	ok(evt_state_table_new(&x->tapes, shift, &followed, &err), &err);
	ok(evt_state_table_load(followed, from, &err), &err);
	take_frames(x, followed, shift, from, to);
	ok(evt_state_table_load(loaded, to, &err), &err);
	same(loaded, followed);
	/* Again, after all later frames. */
	take_frames(x, loaded, shift, to, INT64_MAX);
	ok(evt_state_table_load(loaded, to, &err), &err);
	same(loaded, followed);
	evt_state_table_free(loaded);
	evt_state_table_free(followed);
}

static void
check_everywhere(const struct fixture *x, evt_time_shift *shift)
{
	for (int i = 0; i <= 20; i++)
		check_at(x, shift, T0, T0 + i * 450 * MS + 3);
	check_at(x, shift, T0, T0 + 60 * 1000 * MS);
}

TEST(loaded_equals_followed)
{
	struct fixture *x = *state;

	for (unsigned seed = 1; seed <= 4; seed++) {
		make_tapes(x, 1, seed, true);
		/* While it is recorded, closed, and without its index. */
		for (int how = 0; how < 3; how++) {
			char *db = in_dir(x->tape[0].path, "tape.db");

			if (how == 1)
				close_writers(x);
			if (how == 2)
				assert_int_equal(unlink(db), 0);
			free(db);
			reel_of(x, 1);
			check_everywhere(x, NULL);
			unreel(x);
		}
		forget_tapes(x);
	}
}

/* From any place to any later one, where receive times do not step back. */
TEST(loaded_between)
{
	struct fixture *x = *state;
	unsigned r = 5;

	for (unsigned seed = 11; seed <= 13; seed++) {
		make_tapes(x, 1, seed, false);
		reel_of(x, 1);
		for (int i = 0; i < 25; i++) {
			int64_t from = T0 + next_random(&r) % 9500 * MS;

			check_at(x, NULL, from,
			    from + next_random(&r) % 4000 * MS);
		}
		unreel(x);
		forget_tapes(x);
	}
}

TEST(loaded_of_two_tapes)
{
	struct fixture *x = *state;

	make_tapes(x, 2, 21, true);
	reel_of(x, 2);
	check_everywhere(x, NULL);
	unreel(x);
}

/* ---- shift ------------------------------------------------------------ */

TEST(loaded_with_other_times)
{
	struct fixture *x = *state;
	evt_time_shift *shift;
	evt_state_table *b;
	evt_error err;

	make_tapes(x, 1, 31, true);
	reel_of(x, 1);
	ok(evt_time_shift_new(T0, T0 + 86400 * 1000 * MS, &shift, &err), &err);
	check_everywhere(x, shift);
	ok(evt_state_table_new(&x->tapes, shift, &b, &err), &err);
	ok(evt_state_table_load(b, T0 + 60 * 1000 * MS, &err), &err);
	for (unsigned i = 0; i < SOURCES; i++) {
		const evt_state_source *s =
		    evt_state_table_by_tracker(b, 1 + i);

		assert_non_null(s);
		assert_true(s->state.known);
		assert_non_null(memmem(s->state.text.data + s->state.at,
		    s->state.len, "\"2023-11-15 16:13:", 18));
		assert_null(
		    memmem(s->state.text.data, s->state.text.len, "11-14", 5));
		assert_non_null(memmem(s->reading.text.data,
		    s->reading.text.len, "\"2023-11-15 16:13:", 18));
	}
	evt_state_table_free(b);
	evt_time_shift_free(shift);
	unreel(x);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(loaded_equals_followed),
		T(loaded_between),
		T(loaded_of_two_tapes),
		T(loaded_with_other_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
