/* test_shown.c - text of others, on a terminal. */
#include <stdlib.h>
#include <string.h>

#include "format/base/shown.h"
#include "format/base/utf8.h"
#include "tests/unit/lib/test.h"

TEST(control_characters_are_escaped)
{
	static const struct {
		const char *text, *shown;
	} cases[] = {
		{ "", "    " },
		{ "Bus 5", "Bus 5" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x8c",
		    "\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x8c" },
		{ "a\x1b[31m\r\nb\x7f", "a\\u001b[31m\\u000d\\u000ab\\u007f" },
		{ "\xc2\x9b"
		  "31m",
		    "\\u009b31m" },
		{ "\xe2\x80\xae\xe2\x80\xa8", "\\u202e\\u2028" },
		{ "\x9b\xff\xe2\x82", "\\x9b\\xff\\xe2\\x82" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_buf b = { 0 };

		assert_true(
		    evt_shown_add(&b, cases[i].text, strlen(cases[i].text), 4));
		assert_int_equal(b.len, strlen(cases[i].shown));
		assert_memory_equal(b.data, cases[i].shown, b.len);
		evt_buf_free(&b);
	}
}

TEST(lines_and_tabs_stay_where_they_may)
{
	evt_buf b = { 0 };
	static const char text[] = "a\tb\n\0\r\x1b",
	                  shown[] = "a\tb\n\\u0000\\u000d\\u001b";

	assert_true(evt_shown_add_lines(&b, text, sizeof(text) - 1));
	assert_int_equal(b.len, strlen(shown));
	assert_memory_equal(b.data, shown, b.len);
	evt_buf_free(&b);
}

/* Any bytes. */
TEST(any_bytes_are_shown_as_text)
{
	uint32_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		uint8_t bytes[24];
		evt_buf b = { 0 };
		evt_utf8_check check = { 0 };

		for (size_t k = 0; k < sizeof(bytes); k++) {
			seed = seed * 1664525u + 1013904223u;
			bytes[k] = (uint8_t)(seed >> (seed >> 31 ? 24 : 20));
		}
		assert_true(evt_shown_add(&b, (char *)bytes, sizeof(bytes), 0));
		assert_true(evt_utf8_check_add(&check, b.data, b.len));
		assert_true(evt_utf8_check_whole(&check));
		for (size_t k = 0; k < b.len; k++)
			assert_true(b.data[k] >= 0x20 && b.data[k] != 0x7f);
		evt_buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(control_characters_are_escaped),
		RUN(lines_and_tabs_stay_where_they_may),
		RUN(any_bytes_are_shown_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
