/* test_ws_frame.c - WebSocket frames as a client reads and writes them. */
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/wire/ws_message.h"
#include "format/wire/ws_frame.h"
#include "tests/unit/lib/test.h"

/* ---- reading a stream ------------------------------------------------------ */

/* A frame as a server sends it. */
static void
add_frame(evt_buf *b, unsigned first, const void *p, size_t n)
{
	bool ok = evt_buf_add_byte(b, (uint8_t)first);

	if (n < 126) {
		ok = ok && evt_buf_add_byte(b, (uint8_t)n);
	} else {
		size_t bytes = n > 0xffff ? 8 : 2;

		ok = ok && evt_buf_add_byte(b, bytes == 8 ? 127 : 126);
		for (size_t i = bytes; i-- > 0;)
			ok = ok &&
			    evt_buf_add_byte(b,
			        (uint8_t)((uint64_t)n >> 8 * i));
	}
	assert_true(ok && evt_buf_add(b, p, n));
}

struct reader {
	evt_ws_frame wire;
	evt_ws_message assembly;
	evt_buf said; /* "text:...", "ping:...", one after the other */
};

static void
note(struct reader *r, const char *what, const uint8_t *p, size_t n)
{
	assert_true(evt_buf_printf(&r->said, "%s:", what) &&
	    evt_buf_add(&r->said, p, n) && evt_buf_add_byte(&r->said, '\n'));
}

static void
note_piece(struct reader *r, const evt_ws_frame_event *e)
{
	uint8_t *data;
	uint64_t n;

	if (evt_ws_message_add(&r->assembly, e->data, e->n, e->last, &data,
	        &n) == EVT_WS_MESSAGE_DONE)
		note(r, e->opcode == EVT_WS_FRAME_OP_TEXT ? "text" : "binary",
		    data, (size_t)n);
}

/* Hand bytes over, as one read() had them. */
static enum evt_ws_frame_what
hand(struct reader *r, const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1), *p = copy;
	enum evt_ws_frame_what what;
	evt_ws_frame_event e;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	do {
		what = evt_ws_frame_next(&r->wire, &p, &n, &e);
		if (what == EVT_WS_FRAME_PIECE)
			note_piece(r, &e);
		else if (what == EVT_WS_FRAME_PING)
			note(r, "ping", e.data, e.n);
		else if (what == EVT_WS_FRAME_PONG)
			note(r, "pong", e.data, e.n);
		else if (what == EVT_WS_FRAME_CLOSE)
			note(r, "close", e.data, e.n);
	} while (what != EVT_WS_FRAME_NOTHING && what != EVT_WS_FRAME_BROKEN);
	assert_true(what == EVT_WS_FRAME_BROKEN || n == 0);
	free(copy);
	return what;
}

static void
done(struct reader *r)
{
	evt_ws_message_reset(&r->assembly);
	evt_buf_free(&r->said);
}

static void
says(struct reader *r, const char *want, size_t n)
{
	assert_int_equal(r->said.len, n);
	assert_memory_equal(r->said.data, want, n);
}

/* ---- tests ----------------------------------------------------------------- */

static const char everything[] =
    "text:Hello\ntext:\nbinary:\nping:Hello\n"
    "pong:\ntext:Hello\nping:in between\nbinary:abc\n";

static void
add_everything(evt_buf *b)
{
	static const uint8_t masked[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
		0x7f, 0x9f, 0x4d, 0x51, 0x58 };

	/* Those of RFC 6455, 5.7, first. */
	add_frame(b, 0x81, "Hello", 5);
	add_frame(b, 0x81, "", 0);
	add_frame(b, 0x82, "", 0);
	add_frame(b, 0x89, "Hello", 5);
	add_frame(b, 0x8a, "", 0);
	assert_true(evt_buf_add(b, masked, sizeof(masked)));
	add_frame(b, 0x02, "a", 1);
	add_frame(b, 0x00, "", 0);
	add_frame(b, 0x89, "in between", 10);
	add_frame(b, 0x00, "b", 1);
	add_frame(b, 0x80, "c", 1);
}

/* The events are the same, wherever a read() ends. */
TEST(every_split_of_a_stream)
{
	evt_buf b = { 0 };
	uint8_t long_text[300];

	memset(long_text, 'x', sizeof(long_text));
	add_everything(&b);
	add_frame(&b, 0x81, long_text, sizeof(long_text));
	for (size_t i = 0; i <= b.len; i++) {
		for (size_t j = i; j <= b.len; j += i % 7 + 1) {
			struct reader r = { .assembly = { .max = 1000 } };

			hand(&r, b.data, i);
			hand(&r, b.data + i, j - i);
			hand(&r, b.data + j, b.len - j);
			assert_int_equal(r.said.len,
			    sizeof(everything) - 1 + sizeof("text:\n") - 1 +
			        sizeof(long_text));
			assert_memory_equal(r.said.data, everything,
			    sizeof(everything) - 1);
			done(&r);
		}
	}
	evt_buf_free(&b);
}

TEST(byte_by_byte)
{
	struct reader r = { .assembly = { .max = 1000 } };
	evt_buf b = { 0 };

	add_everything(&b);
	for (size_t i = 0; i < b.len; i++)
		assert_int_equal(hand(&r, b.data + i, 1), EVT_WS_FRAME_NOTHING);
	says(&r, everything, sizeof(everything) - 1);
	done(&r);
	evt_buf_free(&b);
}

/* A frame that is there as a whole is handed out where it lies. */
TEST(nothing_is_copied)
{
	uint8_t bytes[] = "\x81\x03"
	                  "abc\x82\x01"
	                  "d";
	uint8_t *p = bytes;
	size_t n = sizeof(bytes) - 1;
	evt_ws_frame w = { 0 };
	evt_ws_frame_event e;

	assert_int_equal(evt_ws_frame_next(&w, &p, &n, &e), EVT_WS_FRAME_PIECE);
	assert_ptr_equal(e.data, bytes + 2);
	assert_true(e.n == 3 && e.last && e.opcode == EVT_WS_FRAME_OP_TEXT);
	assert_int_equal(evt_ws_frame_next(&w, &p, &n, &e), EVT_WS_FRAME_PIECE);
	assert_ptr_equal(e.data, bytes + 7);
	assert_true(e.n == 1 && e.last && e.opcode == EVT_WS_FRAME_OP_BINARY);
	assert_int_equal(evt_ws_frame_next(&w, &p, &n, &e),
	    EVT_WS_FRAME_NOTHING);
	assert_int_equal(n, 0);
}

/* Each length at which its form changes; longer forms than need be too. */
TEST(lengths)
{
	static const size_t sizes[] = { 0, 1, 125, 126, 127, 128, 65535, 65536,
		200000 };
	uint8_t *payload = calloc(1, 200000);

	assert_non_null(payload);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct reader r = { .assembly = { .max = 1 << 20 } };
		evt_buf b = { 0 };

		add_frame(&b, 0x82, payload, sizes[i]);
		add_frame(&b, 0x81, "end", 3);
		hand(&r, b.data, b.len);
		assert_int_equal(r.said.len,
		    sizeof("binary:\n") - 1 + sizes[i] + sizeof("text:end\n") -
		        1);
		done(&r);
		evt_buf_free(&b);
	}
	free(payload);

	struct reader r = { .assembly = { .max = 10 } };
	hand(&r,
	    "\x81\x7e\x00\x01"
	    "a\x81\x7f\0\0\0\0\0\0\0\x01"
	    "b",
	    16);
	says(&r, "text:a\ntext:b\n", 14);
	done(&r);
}

/* The largest possible length costs no memory before its bytes arrive. */
TEST(a_length_costs_nothing)
{
	struct reader r = { .assembly = { .max = 10 } };
	uint8_t some[1000] = { 0 };

	assert_int_equal(hand(&r, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff",
	                     10),
	    EVT_WS_FRAME_NOTHING);
	for (int i = 0; i < 100; i++)
		assert_int_equal(hand(&r, some, sizeof(some)),
		    EVT_WS_FRAME_NOTHING);
	assert_int_equal(r.said.len, 0);
	assert_int_equal(evt_ws_message_reset(&r.assembly), 100 * sizeof(some));
	done(&r);
}

/* RFC 6455, 5.2, 5.4 and 5.5; as the cases 3.*, 4.*, 5.* and 2.5 of Autobahn's
 * test suite have them. */
TEST(invalid_frames)
{
	static const struct {
		const char *bytes;
		size_t n;
	} cases[] = {
		{ "\x83\x00", 2 },
		{ "\x84\x00", 2 },
		{ "\x85\x00", 2 },
		{ "\x86\x00", 2 },
		{ "\x87\x00", 2 },
		{ "\x8b\x00", 2 },
		{ "\x8c\x00", 2 },
		{ "\x8d\x00", 2 },
		{ "\x8e\x00", 2 },
		{ "\x8f\x00", 2 },
		{ "\xc1\x00", 2 },
		{ "\xa1\x00", 2 },
		{ "\x91\x00", 2 },
		{ "\xf1\x00", 2 },
		{ "\xc9\x00", 2 },
		{ "\x98\x00", 2 },
		{ "\x80\x00", 2 },
		{ "\x00\x00", 2 }, /* of nothing */
		{ "\x01\x00\x81\x00", 4 },
		{ "\x01\x00\x02\x00", 4 },
		{ "\x01\x00\x80\x00\x80\x00", 6 },
		{ "\x09\x00", 2 },
		{ "\x0a\x00", 2 },
		{ "\x08\x00", 2 },
		{ "\x89\x7e", 2 },
		{ "\x8a\x7e", 2 },
		{ "\x88\x7e", 2 },
		{ "\x89\x7f", 2 },
		{ "\x82\x7f\x80\0\0\0\0\0\0\0", 10 },
		{ "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff....", 14 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reader r = { .assembly = { .max = 1000 } };
		struct reader slow = { .assembly = { .max = 1000 } };

		if (hand(&r, cases[i].bytes, cases[i].n) != EVT_WS_FRAME_BROKEN)
			fail_msg("case %zu is taken", i);
		/* And so it stays. */
		assert_int_equal(hand(&r, "\x81\x00", 2), EVT_WS_FRAME_BROKEN);
		for (size_t k = 0; k + 1 < cases[i].n; k++)
			(void)hand(&slow, cases[i].bytes + k, 1);
		assert_int_equal(hand(&slow, cases[i].bytes + cases[i].n - 1,
		                     1),
		    EVT_WS_FRAME_BROKEN);
		done(&r);
		done(&slow);
	}
}

/* The reader reads back the frames that the writer makes. */
TEST(written_frames_are_read_back)
{
	static const size_t sizes[] = { 0, 1, 5, 125, 126, 65535, 65536 };
	static const uint8_t mask[4] = { 1, 2, 0xfe, 0xff };
	uint8_t *p = malloc(70000);

	assert_non_null(p);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct reader r = { .assembly = { .max = 70000 } };
		uint8_t head[EVT_WS_FRAME_HEAD_MAX];
		size_t n = sizes[i];

		memset(p, 'x', n);
		evt_ws_frame_mask(p, n, mask, 0);
		assert_true(n == 0 || p[0] == ('x' ^ 1));
		hand(&r, head,
		    evt_ws_frame_head(head, true, EVT_WS_FRAME_OP_TEXT, mask,
		        n));
		/* The mask continues where a read() ended. */
		hand(&r, p, n / 3);
		hand(&r, p + n / 3, n - n / 3);
		assert_int_equal(r.said.len, n + sizeof("text:\n") - 1);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(r.said.data[5 + k], 'x');
		assert_true((head[1] & 0x80) != 0); /* a client must mask */
		done(&r);
	}
	free(p);
}

TEST(heads_of_a_server)
{
	static const struct {
		uint64_t len;
		uint8_t bytes[EVT_WS_FRAME_UNMASKED_HEAD_MAX];
		size_t n;
	} row[] = {
		{ 0, { 0x81, 0 }, 2 },
		{ 125, { 0x81, 125 }, 2 },
		{ 126, { 0x81, 126, 0, 126 }, 4 },
		{ 65535, { 0x81, 126, 0xff, 0xff }, 4 },
		{ 65536, { 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 }, 10 },
		{ 0x123456789a,
		    { 0x81, 127, 0, 0, 0, 0x12, 0x34, 0x56, 0x78, 0x9a }, 10 },
	};
	uint8_t out[EVT_WS_FRAME_UNMASKED_HEAD_MAX];

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(evt_ws_frame_head(out, true,
		                     EVT_WS_FRAME_OP_TEXT, NULL, row[i].len),
		    row[i].n);
		assert_memory_equal(out, row[i].bytes, row[i].n);
	}
	evt_ws_frame_head(out, true, EVT_WS_FRAME_OP_BINARY, NULL, 1);
	assert_int_equal(out[0], 0x82);
	evt_ws_frame_head(out, false, 0, NULL, 1);
	assert_int_equal(out[0], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(every_split_of_a_stream),
		RUN(byte_by_byte),
		RUN(nothing_is_copied),
		RUN(lengths),
		RUN(a_length_costs_nothing),
		RUN(invalid_frames),
		RUN(written_frames_are_read_back),
		RUN(heads_of_a_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
