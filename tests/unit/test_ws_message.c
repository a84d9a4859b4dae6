/* test_ws_message.c - messages out of the fragments that they come in. */
#include <stdint.h>

#include <stdlib.h>
#include <string.h>

#include "format/wire/ws_message.h"
#include "tests/unit/lib/test.h"

TEST(messages_from_fragments)
{
	evt_ws_message a = { .max = 8 };
	uint8_t one[] = "whole", two[] = "abc", three[] = "defgh", more[] = "x",
	        *got;
	uint64_t n;

	assert_int_equal(evt_ws_message_add(&a, one, 5, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
	assert_ptr_equal(got, one); /* no copy */
	assert_int_equal(evt_ws_message_add(&a, two, 3, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, three, 5, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
	assert_int_equal(n, 8);
	assert_memory_equal(got, "abcdefgh", 8);
	/* One byte more than fits: skipped to its end, the next is whole. */
	assert_int_equal(evt_ws_message_add(&a, two, 3, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, three, 5, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, more, 1, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, more, 1, true, &got, &n),
	    EVT_WS_MESSAGE_SKIPPED);
	assert_int_equal(n, 10);
	assert_int_equal(evt_ws_message_add(&a, one, 0, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
	assert_int_equal(n, 0);
	assert_int_equal(evt_ws_message_add(&a, two, 3, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_reset(&a), 3);
	evt_buf_free(&a.buf);
}

/* A message is the same for any number and sizes of pieces. */
TEST(any_number_of_fragments)
{
	uint8_t text[257], *got;
	uint64_t n;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i * 31);
	for (size_t step = 1; step <= sizeof(text); step++) {
		evt_ws_message a = { .max = sizeof(text) };
		enum evt_ws_message_state s = EVT_WS_MESSAGE_MORE;

		for (size_t at = 0; at < sizeof(text); at += step) {
			size_t k =
			    sizeof(text) - at < step ? sizeof(text) - at : step;

			assert_int_equal(s, EVT_WS_MESSAGE_MORE);
			s = evt_ws_message_add(&a, text + at, k,
			    at + k == sizeof(text), &got, &n);
		}
		assert_int_equal(s, EVT_WS_MESSAGE_DONE);
		assert_int_equal(n, sizeof(text));
		assert_memory_equal(got, text, sizeof(text));
		assert_int_equal(evt_ws_message_reset(&a), 0);
	}
}

/* A message beyond the limit is counted to its end, and takes no memory. */
TEST(an_endless_message)
{
	evt_ws_message a = { .max = 100000 };
	uint8_t piece[1000] = { 0 }, *got;
	uint64_t n;

	for (int i = 0; i < 5000; i++) {
		assert_int_equal(evt_ws_message_add(&a, piece, sizeof(piece),
		                     false, &got, &n),
		    EVT_WS_MESSAGE_MORE);
		assert_true(a.buf.cap <= 200000);
	}
	/* The connection is lost within it. */
	assert_int_equal(evt_ws_message_reset(&a), 5000000);
	assert_int_equal(evt_ws_message_reset(&a), 0);
	assert_int_equal(evt_ws_message_add(&a, piece, 3, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
	assert_int_equal(n, 3);
	/* One piece that is too long by itself. */
	a.max = 10;
	assert_int_equal(evt_ws_message_add(&a, piece, 11, true, &got, &n),
	    EVT_WS_MESSAGE_SKIPPED);
	assert_int_equal(n, 11);
	assert_int_equal(evt_ws_message_add(&a, piece, 10, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
}

/* Empty fragments (RFC 6455 allows them) neither begin a second message nor
 * end the one that is open. */
TEST(empty_fragments)
{
	evt_ws_message a = { .max = 8 };
	uint8_t text[] = "abc", *got;
	uint64_t n;

	assert_int_equal(evt_ws_message_add(&a, text, 0, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, text, 3, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, text, 0, false, &got, &n),
	    EVT_WS_MESSAGE_MORE);
	assert_int_equal(evt_ws_message_add(&a, text, 0, true, &got, &n),
	    EVT_WS_MESSAGE_DONE);
	assert_int_equal(n, 3);
	assert_memory_equal(got, "abc", 3);
	evt_ws_message_reset(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(messages_from_fragments),
		RUN(any_number_of_fragments),
		RUN(an_endless_message),
		RUN(empty_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
