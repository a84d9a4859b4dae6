/*
 * test_clock.c - a tape whose wall clock is set back and forward while it is
 * written: nothing but the stamps of its frames follows it.
 */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"

#define HOUR (3600 * EVT_NS_PER_S)
#define YEAR (365 * 24 * HOUR)
#define T0 INT64_C(1700000000000000000)

static const int64_t steps[] = { HOUR, -3 * HOUR, YEAR, -2 * YEAR, 12 * HOUR,
	-12 * HOUR, YEAR };

struct fixture {
	char *dir, *path;
	evt_writer_options opt;
	struct faulty counter; /* of file operations; nothing fails */
	evt_io io;
	evt_writer *w;
	unsigned put;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "c.tape");
	evt_writer_options_init(&x->opt);
	x->io = faulty_io(&x->counter);
	test_steady_ns = 1000;
	test_wall_ns = T0;
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
begin(struct fixture *x)
{
	evt_writer_env env = *test_env();
	evt_error err;

	env.io = &x->io;
	ok(evt_writer_open_env(x->path, &x->opt, &env, &x->w, &err), &err);
}

static void
end(struct fixture *x)
{
	evt_error err;

	ok(evt_writer_close(x->w, &err), &err);
}

/* Time passes, on both clocks. */
static void
pass(int64_t ns)
{
	test_steady_ns += ns;
	test_wall_ns += ns;
}

static void
put(struct fixture *x, unsigned n)
{
	put_states(x->w, x->put, n, 5, test_wall_ns, 1);
	x->put += n;
}

/* A sealed segment that holds n frames of now. */
static void
segment(struct fixture *x, unsigned n)
{
	evt_error err;

	put(x, n);
	ok(evt_writer_rotate(x->w, &err), &err);
}

/* The first segment that is kept, and the one that is written. */
static void
expect(struct fixture *x, uint32_t first, uint32_t last)
{
	evt_writer_stats stats;
	evt_error err;

	ok(evt_writer_tick(x->w, &err), &err);
	evt_writer_get_stats(x->w, &stats);
	assert_int_equal(stats.first_segment, first);
	assert_int_equal(stats.segment, last);
}

/* No files, no syncs, no new segments: only real time brings them. */
TEST(a_step_brings_no_storm)
{
	struct fixture *x = *state;
	unsigned calls, quiet;

	x->opt.segment_age_ns = HOUR;
	x->opt.keep_age_ns = 2 * HOUR;
	begin(x);
	segment(x, 10);
	put(x, 10);
	pass(EVT_NS_PER_S);
	expect(x, 1, 2);
	/* The number of file operations of a tick when nothing happens. */
	calls = x->counter.calls;
	expect(x, 1, 2);
	quiet = x->counter.calls - calls;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		test_wall_ns += steps[i];
		for (int j = 0; j < 100; j++) {
			calls = x->counter.calls;
			expect(x, 1, 2);
			assert_int_equal(x->counter.calls - calls, quiet);
		}
	}
	assert_true(quiet < 5);
	pass(HOUR);
	expect(x, 1, 3);
	end(x);
	assert_int_equal(check_states(x->path, 0, 5), 20);
}

TEST(age_is_the_time_that_passed)
{
	struct fixture *x = *state;

	x->opt.keep_age_ns = 24 * HOUR;
	begin(x);
	for (size_t i = 0; i < 7; i++) {
		segment(x, 10);
		test_wall_ns += steps[i];
		pass(HOUR);
	}
	expect(x, 1, 8);
	pass(18 * HOUR - 1); /* the first is 25 hours old, less a moment */
	expect(x, 2, 8);
	pass(HOUR);
	expect(x, 3, 8);
	pass(YEAR);
	expect(x, 7, 8); /* the newest stays */
	end(x);
}

/* A machine without a clock begins in 1970, and gets the time later. */
TEST(a_clock_that_is_wrong_at_the_start)
{
	struct fixture *x = *state;

	begin(x);
	segment(x, 10);
	pass(HOUR);
	segment(x, 10);
	end(x);
	/* Stamps in the future of this clock are not believed, and age. */
	x->opt.keep_age_ns = 24 * HOUR;
	test_wall_ns = HOUR;
	begin(x);
	expect(x, 1, 3);
	segment(x, 10); /* stamps of 1970 */
	test_wall_ns = T0 + 2 * HOUR;
	expect(x, 1, 4);
	end(x);
	/* A later segment is not older than the one before it. */
	begin(x);
	segment(x, 10);
	expect(x, 1, 5);
	pass(23 * HOUR); /* both first ones are beyond 24 hours: 1970 is not */
	expect(x, 2, 5);
	end(x);
	assert_int_equal(check_states(x->path, 10, 5), 30);
}

/* Sequence is the order, and a window takes frames by their stamps. */
TEST(order_and_windows)
{
	struct fixture *x = *state;
	evt_filter f = { .has_from = true, .has_to = true };
	unsigned in_window = 0;
	int64_t from = T0 - HOUR, to = T0 + HOUR + HOUR / 2;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame frame;
	uint64_t last = 0;

	x->opt.block_bytes = 4096;
	begin(x);
	for (unsigned i = 0; i < 70; i++) {
		put(x, 10);
		in_window +=
		    test_wall_ns >= from && test_wall_ns + 10 <= to ? 10 : 0;
		pass(EVT_NS_PER_S);
		if (i % 10 == 9)
			test_wall_ns += steps[i / 10];
	}
	end(x);
	assert_int_equal(check_states(x->path, 0, 5), 700);
	assert_true(in_window > 100 && in_window < 600);
	f.from_ns = from;
	f.to_ns = to;
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &f, &cur, &err), &err);
	while (evt_cursor_next(cur, &frame, &err) == EVT_OK) {
		assert_true(frame.seq > last);
		assert_true(frame.time_ns >= from && frame.time_ns < to);
		last = frame.seq;
		in_window--;
	}
	assert_int_equal(in_window, 0);
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

int
main(void)
{
#define T(f) RUN_WITH(f, setup, teardown)
	static const struct CMUnitTest tests[] = {
		T(a_step_brings_no_storm),
		T(age_is_the_time_that_passed),
		T(a_clock_that_is_wrong_at_the_start),
		T(order_and_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
