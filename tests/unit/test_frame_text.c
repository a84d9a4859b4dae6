/* test_frame_text.c - the four forms of output, byte for byte. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/read/frame_text.h"
#include "tests/unit/lib/test.h"

static const evt_frame frame = { .seq = 0x1122334455667788,
	.time_ns = INT64_C(1772369503000000042),
	.mono_ns = -2,
	.conn = 3,
	.tape = 1,
	.kind = EVT_KIND_SENT,
	.opcode = EVT_OP_BINARY,
	.payload = (const uint8_t *)"a\nb",
	.len = 3 };

static void
check(enum evt_frame_text_form form, const evt_frame *f, const void *want,
    size_t n)
{
	evt_frame_text *o;
	evt_buf b = { 0 };

	assert_int_equal(evt_frame_text_new(form, false, &o, NULL), EVT_OK);
	assert_int_equal(evt_frame_text_add(o, f, &b, NULL), EVT_OK);
	assert_int_equal(b.len, n);
	assert_memory_equal(b.data, want, n);
	/* The second frame is appended to the first. */
	assert_int_equal(evt_frame_text_add(o, f, &b, NULL), EVT_OK);
	assert_int_equal(b.len, 2 * n);
	assert_memory_equal(b.data + n, want, n);
	evt_frame_text_free(o);
	evt_buf_free(&b);
}

TEST(lines)
{
	evt_frame empty = frame;

	check(EVT_FRAME_TEXT_LINES, &frame, "a\nb\n", 4);
	empty.payload = NULL;
	empty.len = 0;
	check(EVT_FRAME_TEXT_LINES, &empty, "\n", 1);
}

TEST(stamped)
{
	check(EVT_FRAME_TEXT_STAMPED, &frame,
	    "2026-03-01T12:51:43.000000042Z\ta\nb\n", 35);
}

TEST(binary)
{
	static const uint8_t want[] = { 35, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, /* the time: filled in below */
		0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x88, 0x77,
		0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 3, 0, 0, 0, 1, 0, 1, 2, 'a',
		'\n', 'b' };
	uint8_t all[sizeof(want)];

	memcpy(all, want, sizeof(want));
	for (size_t i = 0; i < 8; i++)
		all[4 + i] = (uint8_t)((uint64_t)frame.time_ns >> 8 * i);
	check(EVT_FRAME_TEXT_BINARY, &frame, all, sizeof(all));
}

TEST(envelope)
{
	static const char want[] =
	    "{\"seq\":1234605616436508552,\"time\":\"2026-03-01T12:51:43."
	    "000000042Z\",\"time_ns\":1772369503000000042,\"mono_ns\":-2,"
	    "\"connection\":3,\"kind\":\"sent\",\"opcode\":\"binary\","
	    "\"sources\":[],\"payload_base64\":\"YQpi\"}\n";

	check(EVT_FRAME_TEXT_ENVELOPE, &frame, want, sizeof(want) - 1);
}

TEST(names)
{
	static const char *const name[] = { "lines", "envelope", "stamped",
		"binary" };
	enum evt_frame_text_form form;
	evt_error err;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(evt_frame_text_form_parse(name[i], &form,
		                     NULL),
		    EVT_OK);
		assert_int_equal(form, i);
	}
	assert_int_equal(evt_frame_text_form_parse("json", &form, &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "lines, envelope, stamped, binary"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(lines),
		RUN(stamped),
		RUN(binary),
		RUN(envelope),
		RUN(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
