/*
 * test_summary.c - sums of frames: adding blocks, single frames and whole
 * segments must give the same.
 */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/index/summary.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

static const evt_key keys[] = { { "1", 1, true }, { "2", 1, true } };

/* Four frames: a state of 1, one of 1 and 2, one without keys, and a mark. */
static evt_frame
frame(unsigned i)
{
	evt_frame f = { .seq = 1 + i,
		.time_ns = T0 - i,
		.mono_ns = T0 + i,
		.opcode = EVT_OP_TEXT,
		.conn = 1 + i / 2,
		.payload = (const uint8_t *)"{\"mark\":\"note\"}",
		.len = i == 3 ? 15 : 10 };

	if (i < 2) {
		f.event = "state";
		f.event_len = 5;
		f.sources = keys;
		f.n_sources = 1 + i;
	}
	if (i == 3) {
		f.kind = EVT_KIND_MARK;
		f.opcode = EVT_MARK_BOOKMARK;
		f.conn = 0;
	}
	return f;
}

static void
add_as_block(evt_summary *s)
{
	static const uint8_t uuid[16];
	evt_block block = { 0 };
	evt_block_head head;
	evt_buf bytes = { 0 };
	evt_block_builder *b;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < 4; i++) {
		evt_frame f = frame(i);

		ok(evt_block_builder_add(b, &f, false, &err), &err);
	}
	ok(evt_block_builder_encode(b, uuid, 1, 0, &bytes, NULL, &err), &err);
	ok(evt_block_head_read(bytes.data, bytes.len, "it", &head, &err), &err);
	ok(evt_block_load(&block, &head, bytes.data, true, "it", &err), &err);
	ok(evt_summary_add_block(s, &block, 7, &err), &err);
	evt_block_builder_free(b);
	evt_block_free(&block);
	evt_buf_free(&bytes);
}

static void
add_as_frames(evt_summary *s)
{
	evt_error err;

	for (unsigned i = 0; i < 4; i++) {
		evt_frame f = frame(i);

		ok(evt_summary_add_frame(s, &f, &err), &err);
	}
}

/* The span of a source ("" for all) and event (NULL: without an event). */
static const evt_summary_span_row *
span(evt_summary *s, const char *source, const char *event)
{
	uint32_t n = s->n_spans, e = 0, k = 0;
	const evt_summary_span_row *found;

	if (source[0] != '\0')
		k = 1 +
		    evt_key_table_find(&s->sources, source,
		        (uint32_t)strlen(source), true);
	if (event != NULL)
		e = 1 +
		    evt_key_table_find(&s->events, event,
		        (uint32_t)strlen(event), false);
	found = evt_summary_span(s, k, e);
	assert_non_null(found);
	assert_int_equal(s->n_spans, n);
	return found;
}

static void
check_one(evt_summary *s)
{
	assert_int_equal(s->frames, 4);
	assert_int_equal(s->received, 3);
	assert_int_equal(s->payload, 45);
	assert_int_equal(s->first_seq, 1);
	assert_int_equal(s->last_seq, 4);
	assert_int_equal(s->first_ns, T0 - 3);
	assert_int_equal(s->last_ns, T0);
	assert_int_equal(s->max_conn, 2);
	assert_int_equal(span(s, "1", "state")->frames, 2);
	assert_int_equal(span(s, "2", "state")->frames, 1);
	assert_int_equal(span(s, "2", "state")->first_ns, T0 - 1);
	/* The mark counts in no span. */
	assert_int_equal(span(s, "", "state")->frames, 2);
	assert_int_equal(span(s, "", NULL)->frames, 1);
	assert_int_equal(s->n_spans, 4);
	assert_int_equal(s->n_conns, 2);
	assert_int_equal(s->conn[0].frames, 2);
	assert_int_equal(s->conn[1].frames, 1);
	assert_int_equal(s->n_marks, 1);
	assert_int_equal(s->mark[0].seq, 4);
	assert_string_equal(s->mark[0].json, "{\"mark\":\"note\"}");
}

TEST(blocks_and_frames_come_to_the_same)
{
	evt_summary a = { 0 }, b = { 0 };

	add_as_block(&a);
	check_one(&a);
	assert_int_equal(span(&a, "1", "state")->blocks.len, 1);
	assert_int_equal(span(&a, "1", "state")->blocks.data[0], 7);
	add_as_frames(&b);
	check_one(&b);
	assert_int_equal(span(&b, "1", "state")->blocks.len, 0);
	/* Cleared, it is as new. */
	evt_summary_clear(&a);
	assert_int_equal(a.frames + a.n_spans + a.n_conns + a.n_marks, 0);
	add_as_block(&a);
	check_one(&a);
	evt_summary_free(&a);
	evt_summary_free(&b);
}

/* Thousands of pairs, each of them found again. */
TEST(many_spans)
{
	evt_summary s = { 0 };

	for (uint32_t round = 1; round < 4; round++) {
		for (uint32_t i = 0; i < 5000; i++)
			evt_summary_span(&s, i, i % 3)->frames += i;
		assert_int_equal(s.n_spans, 5000);
	}
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(evt_summary_span(&s, i, i % 3)->frames, 3 * i);
	evt_summary_free(&s);
}

TEST(parts_are_merged)
{
	evt_summary s = { 0 };
	evt_info_conn late = { 5, 2, 20, 100, 200 },
	              early = { 5, 1, 10, 50, 60 };
	evt_error err;

	ok(evt_summary_add_conn(&s, &late, &err), &err);
	ok(evt_summary_add_conn(&s, &early, &err), &err);
	assert_int_equal(s.n_conns, 1);
	assert_int_equal(s.conn[0].frames, 3);
	assert_int_equal(s.conn[0].bytes, 30);
	assert_int_equal(s.conn[0].first_ns, 50);
	assert_int_equal(s.conn[0].last_ns, 200);
	evt_summary_free(&s);
}

/* A list of trackers may be larger than all else on the tape. */
TEST(a_list_is_left_out)
{
	static const char *const cases[] = {
		("{\"mark\":\"trackers\",\"from\":\"x\",\"trackers\":2,"
		 "\"list\":[{\"id\":1},{\"list\":2}]}"),
		"{\"mark\":\"trackers\",\"from\":\"x\",\"trackers\":2}",
		("{\"list\":[], \"mark\" : "
		 "\"trackers\",\"more\":{\"list\":[1]}}"),
		"{\"mark\":\"trackers\",\"more\":{\"list\":[1]}}",
		"{\"\\u006cist\":null}", "{}", "{}", "{}", "[1]", "{}", "",
		"{}", "{\"list\"", "{}"
	};
	evt_summary s = { 0 };
	evt_error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2) {
		evt_frame f = { .kind = EVT_KIND_MARK,
			.opcode = EVT_MARK_TRACKERS,
			.seq = 1 + i,
			.payload = (const uint8_t *)cases[i],
			.len = strlen(cases[i]) };

		ok(evt_summary_add_frame(&s, &f, &err), &err);
		assert_string_equal(s.mark[i / 2].json, cases[i + 1]);
	}
	evt_summary_free(&s);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(blocks_and_frames_come_to_the_same),
		RUN(many_spans),
		RUN(parts_are_merged),
		RUN(a_list_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
