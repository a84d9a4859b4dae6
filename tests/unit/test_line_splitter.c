/* test_line_splitter.c - lines out of a stream, however it comes in pieces. */
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/line_splitter.h"
#include "tests/unit/lib/test.h"

/* Feed text in pieces of n bytes, and join the lines with '|'; a line that is
 * too long appears as its length. */
static void
split(const char *text, size_t len, size_t n, char *out)
{
	evt_line_splitter l = { .max = 10 };
	uint8_t *line;
	uint64_t size;
	int what;

	*out = '\0';
	for (size_t at = 0; at <= len; at += n) {
		size_t room, k = len - at < n ? len - at : n;
		uint8_t *to = evt_line_splitter_room(&l, &room);

		assert_non_null(to);
		assert_true(room >= k);
		memcpy(to, text + at, k);
		evt_line_splitter_added(&l, k);
		while ((what = evt_line_splitter_next(&l, &line, &size)) !=
		    EVT_LINE_SPLITTER_MORE) {
			if (what == EVT_LINE_SPLITTER_SKIPPED) {
				out +=
				    snprintf(out, 24, "<%u>", (unsigned)size);
			} else {
				memcpy(out, line, size);
				out += size;
			}
			*out++ = '|';
		}
	}
	what = evt_line_splitter_last(&l, &line, &size);
	if (what == EVT_LINE_SPLITTER_LINE) {
		memcpy(out, line, size);
		out += size;
	}
	*out = '\0';
	evt_line_splitter_free(&l);
}

TEST(lines_in_any_pieces)
{
	static const char text[] = "a\n\nbc\r\n0123456789\n0123456789A\nend";
	char out[100];

	for (size_t n = 1; n < sizeof(text) + 3; n++) {
		split(text, sizeof(text) - 1, n, out);
		assert_string_equal(out, "a||bc\r|0123456789|<11>|end");
	}
}

/* The promised space is available, however many bytes are left over. */
TEST(there_is_always_room)
{
	evt_line_splitter l = { .max = 1u << 20 };
	uint8_t *line;
	uint64_t n;
	size_t room, sum = 0;

	for (int i = 0; i < 5; i++) {
		uint8_t *to = evt_line_splitter_room(&l, &room);

		assert_non_null(to);
		assert_true(room >= 256u << 10);
		memset(to, 'a' + i, 100000);
		evt_line_splitter_added(&l, 100000);
		sum += 100000;
		assert_int_equal(evt_line_splitter_next(&l, &line, &n),
		    EVT_LINE_SPLITTER_MORE);
	}
	evt_line_splitter_room(&l, &room)[0] = '\n';
	evt_line_splitter_added(&l, 1);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_LINE);
	assert_int_equal(n, sum);
	for (size_t i = 0; i < sum; i++)
		assert_int_equal(line[i], 'a' + i / 100000);
	evt_line_splitter_free(&l);
}

/* A line that is too long takes no memory, however long it is, and its length
 * is reported at its end, also at the end of the stream. */
TEST(long_lines_are_skipped)
{
	evt_line_splitter l = { .max = 1000 };
	uint8_t *line;
	uint64_t n, sum = 0;
	size_t room;

	for (int i = 0; i < 200; i++) {
		uint8_t *to = evt_line_splitter_room(&l, &room);

		memset(to, 'x', room);
		evt_line_splitter_added(&l, room);
		sum += room;
		assert_int_equal(evt_line_splitter_next(&l, &line, &n),
		    EVT_LINE_SPLITTER_MORE);
		assert_true(l.cap < 2u << 20);
	}
	memcpy(evt_line_splitter_room(&l, &room), "\nshort\nlong", 11);
	evt_line_splitter_added(&l, 11);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_SKIPPED);
	assert_int_equal(n, sum);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_LINE);
	assert_int_equal(n, 5);
	assert_memory_equal(line, "short", 5);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_MORE);
	memset(evt_line_splitter_room(&l, &room), 'y', 2000);
	evt_line_splitter_added(&l, 2000);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_MORE);
	assert_int_equal(evt_line_splitter_last(&l, &line, &n),
	    EVT_LINE_SPLITTER_SKIPPED);
	assert_int_equal(n, 2004);
	evt_line_splitter_free(&l);
}

TEST(an_empty_stream)
{
	evt_line_splitter l = { .max = 10 };
	uint8_t *line;
	uint64_t n;
	size_t room;

	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_MORE);
	assert_int_equal(evt_line_splitter_last(&l, &line, &n),
	    EVT_LINE_SPLITTER_MORE);
	memcpy(evt_line_splitter_room(&l, &room), "a\n", 2);
	evt_line_splitter_added(&l, 2);
	assert_int_equal(evt_line_splitter_next(&l, &line, &n),
	    EVT_LINE_SPLITTER_LINE);
	/* A newline ends a line and does not begin another. */
	assert_int_equal(evt_line_splitter_last(&l, &line, &n),
	    EVT_LINE_SPLITTER_MORE);
	evt_line_splitter_free(&l);
	evt_line_splitter_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(lines_in_any_pieces),
		RUN(there_is_always_room),
		RUN(long_lines_are_skipped),
		RUN(an_empty_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
