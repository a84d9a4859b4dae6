/*
 * test_filter.c - filters: one frame by itself, and all frames of a block, must
 * be judged alike.  (test_cursor.c tries random filters on whole tapes.)
 */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/read/filter.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define N 60u

static const evt_key keys[] = { { "1", 1, true }, { "1", 1, false },
	{ "22", 2, true }, { "x", 1, false } };

/* Frames of every mix of event, kind and sources. */
static evt_frame
frame(unsigned i)
{
	evt_frame f = { .seq = 100 + i,
		.time_ns = T0 + i,
		.mono_ns = T0 + i,
		.kind = i % 3,
		.opcode = 1,
		.conn = 1,
		.payload = (const uint8_t *)"x",
		.len = 1 };

	if (i % 4 != 3) {
		f.event = i % 4 == 0 ? "state" : i % 4 == 1 ? "" : "logout";
		f.event_len = strlen(f.event);
	}
	f.n_sources = i % 5 < 4 ? 1 + (i % 5 == 1) : 0;
	f.sources = f.n_sources > 0 ? keys + i % 5 : NULL;
	if (i % 5 == 3)
		f.sources = keys + 3;
	return f;
}

static void
make_block(evt_block *block)
{
	static const uint8_t uuid[16];
	evt_block_builder *b;
	evt_buf bytes = { 0 };
	evt_block_head head;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < N; i++) {
		evt_frame f = frame(i);

		ok(evt_block_builder_add(b, &f, false, &err), &err);
	}
	ok(evt_block_builder_encode(b, uuid, 1, 0, &bytes, NULL, &err), &err);
	ok(evt_block_head_read(bytes.data, bytes.len, "test", &head, &err),
	    &err);
	ok(evt_block_load(block, &head, bytes.data, true, "test", &err), &err);
	evt_block_builder_free(b);
	evt_buf_free(&bytes);
}

/* How many frames pass; block and frames must agree on which. */
static unsigned
passing(const evt_filter *filter)
{
	evt_block block = { 0 };
	evt_filter_matched got = { 0 };
	size_t k = 0, n;
	evt_error err;
	evt_filter_match m;

	make_block(&block);
	ok(evt_filter_match_init(&m, filter, &err), &err);
	ok(evt_filter_match_block(&m, &block, 0, &got, &err), &err);
	for (unsigned i = 0; i < N; i++) {
		evt_frame f = frame(i);
		bool in_block = k < got.n && got.frame[k] == i;

		assert_int_equal(evt_filter_match_frame(&m, &f), in_block);
		k += in_block;
	}
	assert_int_equal(k, got.n);
	/* From the middle on, into memory that is used. */
	ok(evt_filter_match_block(&m, &block, 100 + N / 2, &got, &err), &err);
	n = got.n;
	for (unsigned i = N / 2; i < N; i++) {
		evt_frame f = frame(i);

		n -= evt_filter_match_frame(&m, &f);
	}
	assert_int_equal(n, 0);
	evt_filter_match_free(&m);
	evt_filter_matched_free(&got);
	evt_block_free(&block);
	return (unsigned)k;
}

TEST(each_part_of_a_filter)
{
	static const char *one[] = { "1" }, *more[] = { "22", "x", "nobody" },
	                  *none[] = { "nobody" }, *event[] = { "state", "" };

	assert_int_equal(passing(NULL), N);
	assert_int_equal(passing(&(evt_filter){ 0 }), N);
	/* 1 as a number and as a word are one to a filter. */
	assert_int_equal(passing(
	                     &(evt_filter){ .sources = one, .n_sources = 1 }),
	    N / 5 * 2);
	assert_int_equal(passing(
	                     &(evt_filter){ .sources = more, .n_sources = 3 }),
	    N / 5 * 3);
	assert_int_equal(passing(
	                     &(evt_filter){ .sources = none, .n_sources = 1 }),
	    0);
	assert_int_equal(passing(
	                     &(evt_filter){ .events = event, .n_events = 2 }),
	    N / 2);
	assert_int_equal(passing(&(evt_filter){ .events = event,
	                     .n_events = 2,
	                     .sources = one,
	                     .n_sources = 1 }),
	    N / 5);
	assert_int_equal(passing(&(evt_filter){ .kinds = 1u << EVT_KIND_MARK |
	                         1u << EVT_KIND_SENT }),
	    N / 3 * 2);
	/* Marks are added to the wanted events, but not outside the window. */
	assert_int_equal(passing(&(evt_filter){ .sources = none,
	                     .n_sources = 1,
	                     .with_marks = true }),
	    N / 3);
	assert_int_equal(passing(&(evt_filter){ .with_marks = true,
	                     .kinds = 1u << EVT_KIND_SENT }),
	    N / 3 * 2);
	assert_int_equal(passing(&(evt_filter){ .sources = none,
	                     .n_sources = 1,
	                     .with_marks = true,
	                     .from_seq = 130 }),
	    N / 6);
	assert_int_equal(passing(&(evt_filter){ .from_seq = 110 }), N - 10);
	assert_int_equal(passing(&(evt_filter){ .has_from = true,
	                     .from_ns = T0 + 10,
	                     .has_to = true,
	                     .to_ns = T0 + 20 }),
	    10);
	assert_int_equal(passing(&(evt_filter){ .has_to = true, .to_ns = T0 }),
	    0);
}

/* A block is passed over only if no frame of it can pass. */
TEST(ranges)
{
	evt_filter filter = { .has_from = true,
		.from_ns = 10,
		.has_to = true,
		.to_ns = 20,
		.from_seq = 5 };
	evt_error err;
	evt_filter_match m;

	ok(evt_filter_match_init(&m, &filter, &err), &err);
	assert_true(evt_filter_match_range(&m, 10, 10, 9));
	assert_true(evt_filter_match_range(&m, 0, 10, 9));
	assert_true(evt_filter_match_range(&m, 19, 99, 6));
	assert_false(evt_filter_match_range(&m, 0, 9, 9));
	assert_false(evt_filter_match_range(&m, 20, 99, 9));
	assert_false(evt_filter_match_range(&m, 10, 10, 5));
	evt_filter_match_free(&m);
}

TEST(refuses_keys_that_no_frame_can_have)
{
	char text[EVT_KEY_MAX + 2];
	const char *one[] = { text };
	evt_filter filter = { .sources = one, .n_sources = 1 };
	evt_error err;
	evt_filter_match m;

	memset(text, 'a', sizeof(text));
	text[EVT_KEY_MAX] = '\0';
	ok(evt_filter_match_init(&m, &filter, &err), &err);
	evt_filter_match_free(&m);
	text[EVT_KEY_MAX] = 'a';
	text[EVT_KEY_MAX + 1] = '\0';
	assert_int_equal(evt_filter_match_init(&m, &filter, &err), EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "too long"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(each_part_of_a_filter),
		RUN(ranges),
		RUN(refuses_keys_that_no_frame_can_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
