/*
 * test_prefetch.c - blocks are returned in the order in which they were
 * started, with a thread and without; dropped blocks leave nothing.
 */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/read/prefetch.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define FRAMES 2000u

struct fixture {
	char *dir, *path;
	evt_segment *segment;
	size_t n_segments;
	int fd;
	evt_filter_match match;
	evt_prefetch *fetch;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	evt_profile *profile = navixy_profile();
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "a.tape");
	evt_writer_options_init(&o);
	o.profile = profile;
	o.block_bytes = 4096;
	ok(evt_writer_open(x->path, &o, &w, &err), &err);
	put_states(w, 0, FRAMES, 5, T0, 1);
	ok(evt_writer_close(w, &err), &err);
	evt_profile_free(profile);
	ok(evt_segment_list(&evt_io_posix, x->path, &x->segment, &x->n_segments,
	       &err),
	    &err);
	assert_int_equal(x->n_segments, 1);
	ok(evt_segment_load(x->segment, &err), &err);
	assert_true(x->segment->n_blocks > 20);
	ok(evt_segment_open(x->segment, &x->fd, &err), &err);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_io_posix.close(evt_io_posix.ctx, x->fd);
	evt_segment_free(x->segment);
	free(x->segment);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
open_fetch(struct fixture *x, const evt_filter *filter, bool threaded)
{
	evt_error err;

	ok(evt_filter_match_init(&x->match, filter, &err), &err);
	ok(evt_prefetch_new(&x->match, threaded, &x->fetch, &err), &err);
}

static void
close_fetch(struct fixture *x)
{
	evt_prefetch_free(x->fetch);
	evt_filter_match_free(&x->match);
}

static void
start(struct fixture *x, size_t block, uint64_t from_seq)
{
	const evt_segment *s = x->segment;

	evt_prefetch_start(x->fetch, &evt_io_posix, x->fd, s->name,
	    &s->blocks[block], from_seq);
}

/* The next that is loaded is this block, and all of it that passes. */
static void
check_next(struct fixture *x, size_t block, uint64_t from_seq)
{
	const evt_segment_block *ref = &x->segment->blocks[block];
	size_t pending = evt_prefetch_pending(x->fetch), n = 0;
	evt_prefetch_result *got = evt_prefetch_wait(x->fetch);
	evt_error err;

	assert_int_equal(evt_prefetch_pending(x->fetch), pending - 1);
	ok(got->code, &got->err);
	assert_int_equal(got->ref.first_seq, ref->first_seq);
	for (uint32_t i = 0; i < ref->frames; i++) {
		evt_frame want =
		    make_state((unsigned)ref->first_seq + i - 1, 5);
		evt_frame f;

		ok(evt_block_frame(&got->block, i, &f, &err), &err);
		if (f.seq >= from_seq &&
		    evt_filter_match_frame(&x->match, &f)) {
			assert_int_equal(got->match.frame[n++], i);
			assert_int_equal(f.len, want.len);
			assert_memory_equal(f.payload, want.payload, f.len);
		}
		free((void *)(uintptr_t)want.payload);
	}
	assert_int_equal(got->match.n, n);
}

TEST(in_order)
{
	static const char *const one[] = { "10003" };
	const evt_filter filters[] = { { 0 },
		{ .sources = one, .n_sources = 1 },
		{ .has_from = true, .from_ns = T0 + FRAMES / 2 } };
	struct fixture *x = *state;
	size_t n = x->segment->n_blocks;

	for (size_t i = 0; i < 6; i++) {
		size_t next = 0;

		open_fetch(x, &filters[i / 2], i % 2);
		for (size_t done = 0; done < n; done++) {
			while (next < n && evt_prefetch_has_room(x->fetch))
				start(x, next++, 0);
			assert_int_equal(evt_prefetch_pending(x->fetch),
			    i % 2 == 0       ? 1 :
			        done + 1 < n ? 2 :
			                       1);
			check_next(x, done, 0);
		}
		close_fetch(x);
	}
}

/* A third is not taken, and the two that were do not suffer. */
TEST(no_more_than_there_is_room_for)
{
	struct fixture *x = *state;

	open_fetch(x, NULL, true);
	for (size_t i = 0; i < 3; i++)
		start(x, i, 0);
	assert_int_equal(evt_prefetch_pending(x->fetch), 2);
	assert_false(evt_prefetch_has_room(x->fetch));
	check_next(x, 0, 0);
	check_next(x, 1, 0);
	assert_int_equal(evt_prefetch_pending(x->fetch), 0);
	close_fetch(x);
}

TEST(each_from_its_own_number)
{
	struct fixture *x = *state;
	uint64_t middle = x->segment->blocks[3].first_seq + 5;

	open_fetch(x, NULL, true);
	start(x, 3, middle);
	start(x, 4, 0);
	check_next(x, 3, middle);
	check_next(x, 4, 0);
	close_fetch(x);
}

TEST(dropped)
{
	struct fixture *x = *state;

	for (int threaded = 0; threaded < 2; threaded++) {
		open_fetch(x, NULL, threaded);
		for (size_t i = 0; i < 20; i++) {
			start(x, i, 0);
			if (threaded && i % 3 > 0)
				start(x, i + 1, 0);
			if (i % 2 == 1)
				check_next(x, i, 0);
			evt_prefetch_drop(x->fetch);
			assert_int_equal(evt_prefetch_pending(x->fetch), 0);
		}
		start(x, 7, 0);
		check_next(x, 7, 0);
		/* And with some that are not waited for. */
		start(x, 8, 0);
		close_fetch(x);
	}
}

/* One that cannot be read is reported in its turn, and the next is right. */
TEST(a_bad_block_between)
{
	struct fixture *x = *state;
	evt_segment_block lie = x->segment->blocks[1];
	evt_prefetch_result *got;

	for (int threaded = 0; threaded < 2; threaded++) {
		open_fetch(x, NULL, threaded);
		start(x, 0, 0);
		check_next(x, 0, 0);
		lie.offset = x->segment->blocks[1].offset + 1;
		evt_prefetch_start(x->fetch, &evt_io_posix, x->fd, "it", &lie,
		    0);
		if (threaded)
			start(x, 2, 0);
		got = evt_prefetch_wait(x->fetch);
		assert_int_equal(got->code, EVT_ERR_CORRUPT);
		assert_non_null(strstr(got->err.text, "it at offset"));
		if (!threaded)
			start(x, 2, 0);
		check_next(x, 2, 0);
		close_fetch(x);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(in_order),
		RUN(no_more_than_there_is_room_for),
		RUN(each_from_its_own_number),
		RUN(dropped),
		RUN(a_bad_block_between),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
