/*
 * test_sink.c - frames on their way into a tape that fails for a while: they
 * wait, it is said once, and only at the very end are they given up and
 * counted.
 */
#include "tests/unit/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/ring.h"
#include "format/units.h"
#include "format/writer.h"
#include "record/sink.h"
#include "tests/unit/faulty.h"

struct fixture {
	char *dir, *path;
	struct faulty fault;
	evt_io io;
	evt_writer *writer;
	evt_board board;
	evt_sink *sink;
	bool ending;
	bool dropping;  /* all sealed segments but the last */
	bool keep_list; /* and the list of trackers is not to go with them */
	unsigned pauses, mend_after; /* 0: never */
	unsigned errors, mended, stops;
	char said[800], reason[32];
	evt_room *room; /* NULL: the disk is not watched */
	bool keep_last; /* frames are held for a trigger */
	evt_pretrigger *pretrigger;
	unsigned beats;
};

static bool
ending(void *ctx)
{
	return ((struct fixture *)ctx)->ending;
}

/* Time that passes, in which somebody makes room. */
static void
wait_ns(void *ctx, int64_t ns)
{
	struct fixture *x = ctx;

	assert_int_equal(ns, EVT_NS_PER_S);
	if (++x->pauses == x->mend_after)
		x->fault.kind = NONE;
}

static void
say(void *ctx, bool error, const char *text)
{
	struct fixture *x = ctx;

	if (error)
		x->errors++;
	else
		x->mended++;
	snprintf(x->said, sizeof(x->said), "%s", text);
}

static void
say_pretrigger(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static evt_moment
now(void *ctx)
{
	(void)ctx;
	return (evt_moment){ .time_ns = 8000, .mono_ns = 8000 };
}

static void
beat(void *ctx)
{
	((struct fixture *)ctx)->beats++;
}

/* The sink has had enough; the recording is being ended. */
static void
stop(void *ctx, const char *reason, const char *text)
{
	struct fixture *x = ctx;

	x->stops++;
	x->ending = true;
	snprintf(x->reason, sizeof(x->reason), "%s", reason);
	snprintf(x->said, sizeof(x->said), "%s", text);
}

static uint64_t
closing(void *ctx)
{
	(void)ctx;
	return 0;
}

static bool
no_space(void *ctx, const char *path, evt_space *ret)
{
	(void)ctx;
	(void)path;
	(void)ret;
	return false;
}

static evt_room *
make_room(struct fixture *x)
{
	evt_room_options o = { .path = "x", .limit = evt_room_default,
		.closing = closing, .board = &x->board,
		.space = no_space, .say = NULL, .stop = stop, .ctx = x };
	evt_room *room = evt_room_new(&o);

	assert_non_null(room);
	return room;
}

/* A recording that holds its frames, armed. */
static void
arm(struct fixture *x)
{
	evt_item item = { .time_ns = 900, .mono_ns = 900,
		.payload = (const uint8_t *)"{}", .len = 2,
		.kind = EVT_KIND_MARK, .opcode = EVT_MARK_STARTED };

	evt_sink_put(x->sink, &item);
	evt_sink_commit(x->sink);
	assert_true(x->board.stats.armed);
}

static evt_pretrigger *
make_pretrigger(struct fixture *x)
{
	evt_pretrigger_options o = { .writer = x->writer,
		.keep_ns = 3600 * EVT_NS_PER_S, .after_ns = EVT_NS_PER_S,
		.keep_bytes = 1u << 30, .now = now, .say = say_pretrigger };
	evt_pretrigger *p;
	evt_error err;

	ok(evt_pretrigger_new(&o, &p, &err), &err);
	return p;
}

static void
begin(struct fixture *x, uint64_t max_frames, uint64_t max_stored)
{
	evt_sink_options o = { .writer = NULL, .board = &x->board,
		.max_frames = max_frames, .max_stored = max_stored,
		.dropping = x->keep_list,
		.room = x->room, .ending = ending, .pause = wait_ns,
		.say = say, .stop = stop, .beat = beat, .ctx = x };
	evt_writer_env env = *test_env();
	evt_writer_options wo;
	evt_error err;

	x->dir = make_dir();
	x->path = in_dir(x->dir, "s.tape");
	x->io = faulty_io(&x->fault);
	env.io = &x->io;
	evt_writer_options_init(&wo);
	wo.keep_bytes = x->dropping ? 1 : 0;
	ok(evt_writer_open_env(x->path, &wo, &env, &x->writer, &err), &err);
	assert_int_equal(pthread_mutex_init(&x->board.lock, NULL), 0);
	o.writer = x->writer;
	if (x->keep_last)
		o.pretrigger = x->pretrigger = make_pretrigger(x);
	x->sink = evt_sink_new(&o);
	assert_non_null(x->sink);
	if (x->keep_last)
		arm(x);
}

static void
close_tape(struct fixture *x)
{
	evt_error err;

	evt_sink_free(x->sink);
	evt_pretrigger_free(x->pretrigger);
	evt_room_free(x->room);
	x->fault.kind = NONE;
	ok(evt_writer_close(x->writer, &err), &err);
	pthread_mutex_destroy(&x->board.lock);
}

static void
end(struct fixture *x)
{
	close_tape(x);
	free(x->path);
	remove_dir(x->dir);
}

static void
put(struct fixture *x, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		evt_frame f = make_state(i, 3);
		evt_item item = { .time_ns = 1000 + i, .mono_ns = 1000 + i,
			.payload = f.payload, .len = f.len, .conn = 1,
			.kind = EVT_KIND_RECEIVED, .opcode = EVT_OP_TEXT };

		evt_sink_put(x->sink, &item);
		free((void *)(uintptr_t)f.payload);
	}
}

static void
put_mark(struct fixture *x)
{
	evt_item item = { .time_ns = 5000, .mono_ns = 5000,
		.payload = (const uint8_t *)"{\"mark\":\"note\"}", .len = 15,
		.kind = EVT_KIND_MARK, .opcode = EVT_MARK_NOTE };

	evt_sink_put(x->sink, &item);
}

static void
tells_the_board_what_is_committed(void **state)
{
	struct fixture x = { 0 };
	evt_item sent = { .time_ns = 9000, .mono_ns = 9000,
		.payload = (const uint8_t *)"X", .len = 1, .conn = 1,
		.kind = EVT_KIND_SENT, .opcode = EVT_OP_TEXT };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 10);
	put_mark(&x);
	evt_sink_put(x.sink, &sent);
	assert_int_equal(x.board.stats.frames, 0);
	evt_sink_commit(x.sink);
	assert_int_equal(x.board.stats.frames, 10);
	assert_int_equal(x.board.stats.marks, 1);
	assert_int_equal(x.board.stats.sent, 1);
	assert_int_equal(x.board.stats.last_seq, 12);
	assert_int_equal(x.board.stats.last_frame_ns, 1009);
	assert_true(x.board.stats.bytes > 1000);
	assert_true(x.board.stats.stored_bytes > 0);
	evt_sink_rotate(x.sink);
	assert_int_equal(x.board.stats.segment, 2);
	evt_sink_tick(x.sink);
	assert_null(evt_sink_done(x.sink));
	assert_int_equal(x.errors + x.mended + x.pauses, 0);
	end(&x);
}

static void
stops_at_its_limits(void **state)
{
	struct fixture x = { 0 }, y = { 0 };

	(void)state;
	begin(&x, 7, 0);
	put(&x, 0, 7);
	assert_string_equal(evt_sink_done(x.sink), "frames");
	put(&x, 7, 20);
	put_mark(&x); /* marks go in still: the end must be told */
	evt_sink_commit(x.sink);
	assert_int_equal(x.board.stats.frames, 7);
	assert_int_equal(x.board.stats.marks, 1);
	assert_int_equal(evt_sink_lost(x.sink, false), 0);
	end(&x);

	begin(&y, 0, 1000);
	put(&y, 0, 10);
	assert_null(evt_sink_done(y.sink)); /* stored is what is committed */
	evt_sink_commit(y.sink);
	assert_string_equal(evt_sink_done(y.sink), "max-size");
	end(&y);
}

/* A full disk is waited for, and said once. */
static void
waits_for_a_failing_tape(void **state)
{
	struct fixture x = { .mend_after = 30 };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_sink_commit(x.sink);
	assert_int_equal(x.pauses, 30);
	assert_int_equal(x.errors, 1);
	assert_int_equal(x.mended, 1);
	assert_string_equal(x.said, "the tape can be written to again");
	assert_false(x.board.stats.failing);
	put(&x, 10, 20);
	evt_sink_commit(x.sink);
	assert_int_equal(x.board.stats.frames, 20);
	assert_int_equal(evt_sink_lost(x.sink, false), 0);
	assert_int_equal(check_states(x.path, 0, 3), 20);
	end(&x);
}

/* When the recording is being ended it is tried a few times more. */
static void
gives_up_at_the_end_and_counts(void **state)
{
	struct fixture x = { .ending = true };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 10);
	evt_sink_commit(x.sink);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	put(&x, 10, 20);
	evt_sink_commit(x.sink);
	assert_int_equal(x.pauses, 3);
	assert_int_equal(x.errors, 1);
	assert_non_null(strstr(x.said, "make room, or mend the disk"));
	assert_true(x.board.stats.failing);
	assert_int_equal(x.board.stats.frames, 10);
	put(&x, 20, 25); /* nothing more is tried */
	evt_sink_tick(x.sink);
	assert_int_equal(x.pauses, 3);
	assert_int_equal(evt_sink_lost(x.sink, false), 5);
	end(&x);
}

/* What was put and not committed is lost as well, unless closing the tape
 * writes it after all: with a mark that says what is missing. */
static void
counts_what_is_in_memory(void **state)
{
	struct fixture x = { .ending = true };
	evt_moment now = { .time_ns = 7000, .mono_ns = 7000 };

	(void)state;
	begin(&x, 0, 0);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	put(&x, 0, 10);
	evt_sink_commit(x.sink);
	put(&x, 10, 13);
	put_mark(&x); /* no data */
	assert_int_equal(evt_sink_lost(x.sink, false), 3);
	assert_int_equal(evt_sink_lost(x.sink, true), 13);
	x.pauses = 0;
	evt_sink_last_try(x.sink, &now);
	evt_sink_commit(x.sink);
	assert_true(x.pauses <= 1);
	assert_int_equal(evt_sink_lost(x.sink, true), 13);
	x.fault.kind = NONE; /* room at the last moment */
	evt_sink_last_try(x.sink, &now);
	put_mark(&x);
	evt_sink_commit(x.sink);
	assert_int_equal(evt_sink_lost(x.sink, true), 3);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	end(&x);
}

/* A full disk that is watched is not waited for for ever. */
static void
ends_where_the_disk_stays_full(void **state)
{
	struct fixture x = { 0 };

	(void)state;
	x.room = make_room(&x);
	begin(&x, 0, 0);
	put(&x, 0, 10);
	evt_sink_commit(x.sink);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	put(&x, 10, 20);
	evt_sink_commit(x.sink);
	assert_int_equal(x.stops, 1);
	assert_string_equal(x.reason, EVT_REASON_FULL);
	assert_non_null(strstr(x.said, "no room was made in 30 seconds"));
	assert_int_equal(x.pauses, EVT_SINK_PATIENCE + 3);
	assert_int_equal(evt_sink_lost(x.sink, true), 10);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	end(&x);
}

/* What is in the way may be journal files whose blocks are in the segment:
 * they go, and nobody has to wait. */
static void
a_full_disk_gets_back_what_waits(void **state)
{
	struct fixture x = { 0 };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 12000); /* more than a block */
	evt_sink_commit(x.sink);
	put(&x, 12000, 12010);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, false };
	evt_sink_commit(x.sink);
	assert_int_equal(x.pauses + x.errors, 0);
	assert_false(evt_writer_reclaim(x.writer)); /* there is no more */
	put(&x, 12010, 24000);
	assert_true(evt_writer_reclaim(x.writer));
	evt_sink_commit(x.sink);
	assert_int_equal(check_states(x.path, 0, 3), 24000);
	end(&x);
}

/* Another fault may be mended at any time. */
static void
waits_for_ever_for_a_disk_that_fails(void **state)
{
	struct fixture x = { .mend_after = 500 };

	(void)state;
	x.room = make_room(&x);
	begin(&x, 0, 0);
	x.fault = (struct faulty){ 0, 0, FAIL_IO, true };
	put(&x, 0, 10);
	evt_sink_commit(x.sink);
	assert_int_equal(x.pauses, 500);
	assert_int_equal(x.stops, 0);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	end(&x);
}

static void
ends_where_the_tape_is_gone(void **state)
{
	struct fixture x = { 0 };
	char *away;
	evt_error err;

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 10);
	evt_sink_commit(x.sink);
	away = in_dir(x.dir, "away.tape");
	assert_int_equal(rename(x.path, away), 0);
	evt_sink_tick(x.sink);
	assert_int_equal(x.stops, 1);
	assert_string_equal(x.reason, EVT_REASON_GONE);
	assert_non_null(strstr(x.said, "and did not come back"));
	assert_int_equal(x.pauses, EVT_SINK_PATIENCE + 3);
	assert_int_equal(check_states(away, 0, 3), 10);
	evt_sink_free(x.sink);
	assert_int_equal(evt_writer_close(x.writer, &err), EVT_ERR_NOTATAPE);
	pthread_mutex_destroy(&x.board.lock);
	free(away);
	free(x.path);
	remove_dir(x.dir);
}

/* How many marks with a list of trackers are on the tape when its segments
 * were dropped again and again. */
static unsigned
count_lists(struct fixture *x)
{
	static const char list[] = "{\"mark\":\"trackers\",\"list\":[{\"id\":7}]}";
	evt_item item = { .time_ns = 500, .mono_ns = 500,
		.payload = (const uint8_t *)list, .len = strlen(list),
		.kind = EVT_KIND_MARK, .opcode = EVT_MARK_TRACKERS };
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;
	evt_error err;
	unsigned n = 0;

	begin(x, 0, 0);
	evt_sink_put(x->sink, &item);
	for (unsigned i = 0; i < 50; i += 10) {
		put(x, i, i + 10);
		evt_sink_rotate(x->sink);
		evt_sink_tick(x->sink);
	}
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_int_equal(f.opcode, EVT_MARK_TRACKERS);
		assert_int_equal(f.len, strlen(list));
		assert_memory_equal(f.payload, list, f.len);
		n++;
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	end(x);
	return n;
}

static void
a_list_does_not_go_with_its_segment(void **state)
{
	struct fixture all = { 0 }, lost = { .dropping = true };
	struct fixture kept = { .dropping = true, .keep_list = true };

	(void)state;
	assert_int_equal(count_lists(&all), 1);
	assert_int_equal(count_lists(&lost), 0);
	assert_true(count_lists(&kept) > 0);
}

/* ---- with what is held for a trigger ------------------------------------- */

/* What a full disk keeps from getting onto the tape is no loss as long as it
 * lies on the disk where it is held: the next recording takes it from there. */
static void
what_is_held_on_disk_is_not_lost(void **state)
{
	evt_error err;
	bool hit = true;

	(void)state;
	for (unsigned at = 0; hit; at++) {
		struct fixture x = { .keep_last = true };

		begin(&x, 0, 0);
		put(&x, 0, 10);
		evt_sink_commit(x.sink);
		assert_int_equal(x.board.stats.held, 10);
		assert_int_equal(x.board.stats.frames, 0);
		x.ending = true;
		x.fault = (struct faulty){ at, 0, FAIL_FULL, true };
		evt_sink_trigger(x.sink);
		hit = x.fault.calls > at;
		assert_int_equal(evt_sink_lost(x.sink, true), 0);
		close_tape(&x);
		ok(evt_writer_open_env(x.path, NULL, test_env(), &x.writer,
		    &err), &err);
		ok(evt_writer_close(x.writer, &err), &err);
		assert_int_equal(check_states(x.path, 0, 3), 10);
		free(x.path);
		remove_dir(x.dir);
	}
}

/* What was not written there yet goes with the process. */
static void
what_is_held_in_memory_is_lost(void **state)
{
	struct fixture x = { .keep_last = true, .ending = true };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 4);
	evt_sink_commit(x.sink);
	put(&x, 4, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_sink_trigger(x.sink);
	put(&x, 10, 13);
	assert_int_equal(evt_sink_lost(x.sink, false), 9);
	end(&x);
}

/* The text of the marks on the tape. */
static void
marks(struct fixture *x, char *to, size_t size)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;
	evt_error err;
	size_t n = 0;

	to[0] = '\0';
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		n += (size_t)snprintf(to + n, size - n, " %s",
		    evt_mark_name(f.opcode));
		assert_true(n < size);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

/* There is room at the last moment: the last marks are not held, and what is
 * held is let go as at any other end. */
static void
the_last_try_ends_what_is_armed(void **state)
{
	struct fixture x = { .keep_last = true, .ending = true };
	evt_moment at = { .time_ns = 7000, .mono_ns = 7000 };
	uint64_t files, bytes;
	char text[200], *journal;

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_sink_commit(x.sink);
	put(&x, 10, 13);
	evt_sink_end(x.sink);
	x.fault.kind = NONE;
	evt_sink_last_try(x.sink, &at);
	put_mark(&x);
	evt_sink_commit(x.sink);
	assert_int_equal(evt_sink_lost(x.sink, true), 3);
	marks(&x, text, sizeof(text));
	assert_string_equal(text, " started armed gap note");
	journal = in_dir(x.path, "journal");
	evt_ring_folder(&evt_io_posix, journal, &files, &bytes);
	assert_int_equal(files, 0);
	free(journal);
	end(&x);
}

/* A move of much that is held takes long: who watches the thread sees that it
 * gets on. */
static void
a_long_move_is_seen_to_get_on(void **state)
{
	struct fixture x = { .keep_last = true };

	(void)state;
	begin(&x, 0, 0);
	put(&x, 0, 24000);
	evt_sink_commit(x.sink);
	assert_true(x.board.stats.held_bytes > 1u << 20);
	x.beats = 0;
	evt_sink_trigger(x.sink);
	assert_int_equal(x.board.stats.frames, 24000);
	assert_true(x.beats >= 1);
	end(&x);
}

struct looks {
	unsigned n;
	uint64_t free;
};

static bool
some_space(void *ctx, const char *path, evt_space *ret)
{
	struct looks *l = ctx;

	(void)path;
	l->n++;
	*ret = (evt_space){ .size = 1u << 30, .free = l->free };
	return true;
}

/* What is held fills the disk as what is written does. */
static void
what_is_held_takes_room_too(void **state)
{
	struct fixture x = { .keep_last = true };
	struct looks l = { .free = 8u << 20 };
	evt_room_options o = { .path = "x", .limit = { 4u << 20, 0 },
		.closing = closing, .board = &x.board, .space = some_space,
		.space_ctx = &l, .stop = stop, .ctx = &x };

	(void)state;
	x.room = evt_room_new(&o);
	assert_non_null(x.room);
	begin(&x, 0, 0);
	evt_sink_tick(x.sink);
	l.n = 0;
	for (unsigned i = 0; i < 12000; i += 1000) {
		put(&x, i, i + 1000);
		evt_sink_commit(x.sink);
	}
	assert_true(l.n >= 1);
	end(&x);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_board_what_is_committed),
		cmocka_unit_test(stops_at_its_limits),
		cmocka_unit_test(waits_for_a_failing_tape),
		cmocka_unit_test(gives_up_at_the_end_and_counts),
		cmocka_unit_test(counts_what_is_in_memory),
		cmocka_unit_test(ends_where_the_disk_stays_full),
		cmocka_unit_test(a_full_disk_gets_back_what_waits),
		cmocka_unit_test(waits_for_ever_for_a_disk_that_fails),
		cmocka_unit_test(ends_where_the_tape_is_gone),
		cmocka_unit_test(a_list_does_not_go_with_its_segment),
		cmocka_unit_test(what_is_held_on_disk_is_not_lost),
		cmocka_unit_test(what_is_held_in_memory_is_lost),
		cmocka_unit_test(the_last_try_ends_what_is_armed),
		cmocka_unit_test(a_long_move_is_seen_to_get_on),
		cmocka_unit_test(what_is_held_takes_room_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
