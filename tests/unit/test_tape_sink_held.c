/*
 * test_tape_sink_held.c - the same with frames that are held for a trigger:
 * which of them are lost when the disk fails.
 */
#include "tests/unit/lib/sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/store/tape_dir.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

/* If the disk is full when held frames are moved, they are not lost while the
 * ring's files have them: the next recording moves them. */
TEST(frames_held_on_disk_are_not_lost)
{
	evt_error err;
	bool hit = true;

	for (unsigned at = 0; hit; at++) {
		struct sinks x = { .keep_last = true };

		sinks_begin(&x, 0, 0);
		sinks_put(&x, 0, 10);
		evt_tape_sink_commit(x.sink);
		assert_int_equal(x.status.figures.held, 10);
		assert_int_equal(x.status.figures.frames, 0);
		x.ending = true;
		x.fault = (struct faulty){ at, 0, FAIL_FULL, true };
		evt_tape_sink_trigger(x.sink);
		hit = x.fault.calls > at;
		assert_int_equal(evt_tape_sink_lost(x.sink, true), 0);
		sinks_close(&x);
		ok(evt_writer_open_env(x.path, NULL, test_env(), &x.writer,
		       &err),
		    &err);
		ok(evt_writer_close(x.writer, &err), &err);
		assert_int_equal(check_states(x.path, 0, 3), 10);
		free(x.path);
		remove_dir(x.dir);
	}
}

/* Frames that were not written to the ring yet are lost with the process. */
TEST(frames_held_in_memory_are_lost)
{
	struct sinks x = { .keep_last = true, .ending = true };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 4);
	evt_tape_sink_commit(x.sink);
	sinks_put(&x, 4, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_tape_sink_trigger(x.sink);
	sinks_put(&x, 10, 13);
	assert_int_equal(evt_tape_sink_lost(x.sink, false), 9);
	sinks_end(&x);
}

/* The text of the marks on the tape. */
static void
marks(struct sinks *x, char *to, size_t size)
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

/* Space becomes free at the last moment: the last marks are not held, and held
 * frames are dropped as at any other end. */
TEST(the_last_attempt_disarms)
{
	struct sinks x = { .keep_last = true, .ending = true };
	evt_receive_clock_time at = { .time_ns = 7000, .mono_ns = 7000 };
	uint64_t files, bytes;
	char text[200], *journal;

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_tape_sink_commit(x.sink);
	sinks_put(&x, 10, 13);
	evt_tape_sink_end(x.sink);
	x.fault.kind = NONE;
	evt_tape_sink_last_try(x.sink, &at);
	sinks_put_mark(&x);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 3);
	marks(&x, text, sizeof(text));
	assert_string_equal(text, " started armed gap note");
	journal = in_dir(x.path, "journal");
	evt_tape_dir_ring(&evt_io_posix, journal, &files, &bytes);
	assert_int_equal(files, 0);
	free(journal);
	sinks_end(&x);
}

/* Moving many held frames takes long; the heartbeat shows that the thread makes
 * progress. */
TEST(a_long_move_shows_progress)
{
	struct sinks x = { .keep_last = true };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 24000);
	evt_tape_sink_commit(x.sink);
	assert_true(x.status.figures.held_bytes > 1u << 20);
	x.beats = 0;
	evt_tape_sink_trigger(x.sink);
	assert_int_equal(x.status.figures.frames, 24000);
	assert_true(x.beats >= 1);
	sinks_end(&x);
}

struct looks {
	unsigned n;
	uint64_t free;
};

static bool
some_space(void *ctx, const char *path, evt_disk_space_figures *ret)
{
	struct looks *l = ctx;

	(void)path;
	l->n++;
	*ret = (evt_disk_space_figures){ .size = 1u << 30, .free = l->free };
	return true;
}

/* Held frames fill the disk just as written frames do. */
TEST(held_frames_take_space_too)
{
	struct sinks x = { .keep_last = true };
	struct looks l = { .free = 8u << 20 };
	evt_disk_space_options o = { .path = "x",
		.limit = { 4u << 20, 0 },
		.closing = sinks_closing,
		.supervisor = &x.supervisor,
		.query = some_space,
		.query_ctx = &l };

	x.supervisor = sinks_supervise(&x);
	x.disk_space = evt_disk_space_new(&o);
	assert_non_null(x.disk_space);
	sinks_begin(&x, 0, 0);
	evt_tape_sink_tick(x.sink);
	l.n = 0;
	for (unsigned i = 0; i < 12000; i += 1000) {
		sinks_put(&x, i, i + 1000);
		evt_tape_sink_commit(x.sink);
	}
	assert_true(l.n >= 1);
	sinks_end(&x);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(frames_held_on_disk_are_not_lost),
		RUN(frames_held_in_memory_are_lost),
		RUN(the_last_attempt_disarms),
		RUN(a_long_move_shows_progress),
		RUN(held_frames_take_space_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
