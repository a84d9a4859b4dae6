/* test_fanout.c - many readers of one stream. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/wire/ws_frame.h"
#include "replay/serve/fanout.h"
#include "tests/unit/lib/test.h"

/* Append a message, and append its expected bytes to `all`. */
static void
add(evt_fanout *f, evt_buf *all, const void *p, size_t n)
{
	evt_frame frame = { .opcode = EVT_OP_BINARY, .payload = p, .len = n };
	uint8_t head[EVT_WS_FRAME_UNMASKED_HEAD_MAX];

	assert_int_equal(evt_fanout_add(f, &frame, NULL), EVT_OK);
	for (unsigned opcode = EVT_OP_BINARY;; opcode = 0) {
		size_t part = n < 65526 ? n : 65526;

		assert_true(evt_buf_add(all, head,
		    evt_ws_frame_head(head, part == n, opcode, NULL, part)));
		assert_true(evt_buf_add(all, p, part));
		p = (const char *)p + part;
		n -= part;
		if (n == 0)
			break;
	}
	assert_int_equal(evt_fanout_total(f), all->len);
}

/* Take up to n bytes and compare them with the expected bytes. */
static void
take(evt_fanout_reader *tap, const evt_buf *all, size_t n)
{
	uint8_t *p;
	size_t there = evt_fanout_reader_peek(tap, &p);

	if (there > n)
		there = n;
	assert_memory_equal(p, all->data + tap->taken, there);
	evt_fanout_reader_take(tap, there);
}

/* Readers at speeds of their own, coming and going, all see the same bytes. */
static void
readers(size_t chunk_bytes)
{
	static uint8_t payload[200000];
	evt_fanout *f;
	evt_buf all = { 0 };
	evt_fanout_reader tap[5] = { { 0 } };
	uint32_t rng = 1;

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 251);
	assert_int_equal(evt_fanout_new(chunk_bytes, &f, NULL), EVT_OK);
	for (int round = 0; round < 4000; round++) {
		size_t who;

		rng = rng * 1664525u + 1013904223u;
		who = rng >> 24 & 3;
		if (tap[who].fanout == NULL)
			evt_fanout_reader_open(&tap[who], f);
		else if ((rng >> 8 & 63) == 0)
			evt_fanout_reader_close(&tap[who]);
		else
			take(&tap[who], &all, 1000u << who);
		add(f, &all, payload + (rng & 255),
		    (rng & 1023) == 0 ? 190000 : rng >> 12 & 1023);
	}
	evt_fanout_reader_close(&tap[4]); /* was never open */
	for (int i = 0; i < 4; i++) {
		while (tap[i].fanout != NULL &&
		    evt_fanout_reader_behind(&tap[i]) > 0)
			take(&tap[i], &all, SIZE_MAX);
		evt_fanout_reader_close(&tap[i]);
	}
	evt_fanout_free(f);
	evt_buf_free(&all);
}

TEST(readers)
{
	readers(EVT_FANOUT_NARROW);
	readers(EVT_FANOUT_WIDE);
}

/* The number of bytes up to the end of the frame that a part ends in. */
TEST(whole_frames)
{
	static const uint8_t payload[70000];
	static const size_t len[] = { 0, 125, 126, 65526, 70000, 3 };
	static const struct {
		size_t n, whole;
	} row[] = {
		{ 0, 0 },
		{ 1, 2 },
		{ 2, 2 },
		{ 3, 129 },
		{ 129, 129 },
		{ 130, 259 },
		{ 259, 259 },
		{ 260, 65789 },
		{ 65789, 65789 },
		/* In fragments of 65,526 and 4,474 bytes. */
		{ 65790, 131319 },
		{ 131319, 131319 },
		{ 131320, 135797 },
		{ 135797, 135797 },
		{ 135798, 135802 },
		{ 135802, 135802 },
	};
	evt_fanout *f;
	evt_buf all = { 0 };
	evt_fanout_reader tap;
	uint8_t *p;

	assert_int_equal(evt_fanout_new(EVT_FANOUT_WIDE, &f, NULL), EVT_OK);
	evt_fanout_reader_open(&tap, f);
	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++)
		add(f, &all, payload, len[i]);
	assert_int_equal(evt_fanout_reader_peek(&tap, &p), 135802);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(evt_fanout_reader_whole(&tap, row[i].n),
		    row[i].whole);
	evt_fanout_reader_take(&tap, 129);
	assert_int_equal(evt_fanout_reader_peek(&tap, &p), 135802 - 129);
	assert_int_equal(evt_fanout_reader_whole(&tap, 1), 130);
	evt_fanout_reader_close(&tap);
	evt_fanout_free(f);
	evt_buf_free(&all);
}

/* A message that fits is put into the same chunk.  Two chunks are enough for a
 * reader that keeps up. */
TEST(fits)
{
	static const uint8_t payload[60000];
	evt_fanout *f;
	evt_buf all = { 0 };
	evt_fanout_reader tap;
	uint8_t *p, *chunk[2];

	assert_int_equal(evt_fanout_new(EVT_FANOUT_WIDE, &f, NULL), EVT_OK);
	evt_fanout_reader_open(&tap, f);
	for (size_t i = 0; i < 8; i++) {
		while (evt_fanout_fits(f, sizeof(payload)))
			add(f, &all, payload, sizeof(payload));
		add(f, &all, payload, sizeof(payload)); /* into the next */
		assert_int_equal(evt_fanout_reader_peek(&tap, &p), 4 * 60004);
		if (i < 2)
			chunk[i] = p;
		assert_ptr_equal(p, chunk[i % 2]);
		evt_fanout_reader_take(&tap, 4 * 60004);
		assert_int_equal(evt_fanout_reader_peek(&tap, &p), 60004);
	}
	evt_fanout_reader_close(&tap);
	evt_fanout_free(f);
	evt_buf_free(&all);
}

/* With one reader that keeps up, or with no reader, one chunk is used for
 * ever. */
TEST(lone_reader)
{
	evt_fanout *f;
	evt_buf all = { 0 };
	evt_fanout_reader tap;
	uint8_t *first, *p;

	assert_int_equal(evt_fanout_new(EVT_FANOUT_NARROW, &f, NULL), EVT_OK);
	add(f, &all, "x", 1);
	evt_fanout_reader_open(&tap, f);
	assert_int_equal(evt_fanout_reader_behind(&tap), 0);
	assert_int_equal(evt_fanout_reader_peek(&tap, &p), 0);
	add(f, &all, "first", 5);
	take(&tap, &all, 100);
	evt_fanout_reader_peek(&tap, &first);
	for (int i = 0; i < 100000; i++) {
		add(f, &all, "hello", 5);
		assert_int_equal(evt_fanout_reader_behind(&tap), 7);
		assert_int_equal(evt_fanout_reader_peek(&tap, &p), 7);
		assert_ptr_equal(p, first);
		take(&tap, &all, 7);
	}
	evt_fanout_reader_close(&tap);
	evt_fanout_free(f);
	evt_buf_free(&all);
}

TEST(opcodes)
{
	evt_frame mark = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_GAP,
		.payload = (const uint8_t *)"{}",
		.len = 2 };
	evt_fanout *f;
	evt_fanout_reader tap;
	uint8_t *p;

	assert_int_equal(evt_fanout_new(EVT_FANOUT_NARROW, &f, NULL), EVT_OK);
	evt_fanout_reader_open(&tap, f);
	assert_int_equal(evt_fanout_add(f, &mark, NULL), EVT_OK);
	assert_int_equal(evt_fanout_reader_peek(&tap, &p), 4);
	assert_memory_equal(p, "\x81\x02{}", 4);
	mark.kind = EVT_KIND_RECEIVED;
	mark.opcode = 11; /* no opcode that a tape should hold */
	assert_int_equal(evt_fanout_add(f, &mark, NULL), EVT_OK);
	assert_int_equal(evt_fanout_reader_peek(&tap, &p), 8);
	assert_memory_equal(p + 4, "\x82\x02{}", 4);
	evt_fanout_reader_close(&tap);
	evt_fanout_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(readers),
		RUN(whole_frames),
		RUN(fits),
		RUN(lone_reader),
		RUN(opcodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
