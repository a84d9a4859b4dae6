/* test_buf.c - the growing buffer, and JSON strings. */
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/buf.h"
#include "format/base/utf8.h"
#include "tests/unit/lib/test.h"

TEST(grows)
{
	evt_buf b = { 0 };

	for (size_t i = 0; i < 10000; i++) {
		assert_true(evt_buf_add_byte(&b, (uint8_t)i));
		assert_int_equal(b.len, i + 1);
		assert_true(b.cap >= b.len);
	}
	for (size_t i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], (uint8_t)i);
	assert_true(evt_buf_reserve(&b, 5000));
	assert_true(b.cap - b.len >= 5000);
	assert_int_equal(b.len, 10000);
	evt_buf_free(&b);
	assert_null(b.data);
	assert_int_equal(b.len, 0);
	assert_int_equal(b.cap, 0);
	assert_true(evt_buf_add_str(&b, "again"));
	assert_memory_equal(b.data, "again", 5);
	evt_buf_free(&b);
	evt_buf_free(&b);
}

TEST(nothing)
{
	evt_buf b = { 0 };

	assert_true(evt_buf_add(&b, NULL, 0));
	assert_true(evt_buf_add_str(&b, ""));
	assert_true(evt_buf_reserve(&b, 0));
	assert_int_equal(b.len, 0);
	evt_buf_free(&b);
}

/* If memory cannot be allocated, nothing changes. */
TEST(too_large)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 3, SIZE_MAX / 2 };
	evt_buf b = { 0 };

	assert_false(evt_buf_reserve(&b, SIZE_MAX));
	assert_true(evt_buf_add_str(&b, "abc"));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *data = b.data;
		size_t cap = b.cap;

		assert_false(evt_buf_reserve(&b, sizes[i]));
		assert_ptr_equal(b.data, data);
		assert_int_equal(b.cap, cap);
		assert_int_equal(b.len, 3);
	}
	evt_buf_free(&b);
}

TEST(printf)
{
	evt_buf b = { 0 };
	char want[400];

	assert_true(evt_buf_printf(&b, "%s", ""));
	assert_int_equal(b.len, 0);
	assert_true(evt_buf_printf(&b, "%d-%s", 42, "x"));
	assert_true(evt_buf_printf(&b, "%0300d", 7));
	snprintf(want, sizeof(want), "42-x%0300d", 7);
	assert_int_equal(b.len, strlen(want));
	assert_string_equal((char *)b.data, want);
	evt_buf_free(&b);
}

TEST(json_text)
{
	static const struct {
		const char *text;
		size_t len;
		const char *json;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "plain", 5, "\"plain\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\n\r\t\b\x1f\x7f", 6, "\"\\n\\r\\t\\u0008\\u001f\x7f\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
		    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xff", 1, "\"\xef\xbf\xbd\"" },
		{ "\xc3", 1, "\"\xef\xbf\xbd\"" },
		{ "x\xc3y", 3, "\"x\xef\xbf\xbdy\"" },
		{ "\xed\xa0\x80", 3,
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_buf b = { 0 };

		assert_true(evt_buf_add_json(&b, cases[i].text, cases[i].len));
		assert_true(evt_buf_add_byte(&b, '\0'));
		assert_string_equal((char *)b.data, cases[i].json);
		evt_buf_free(&b);
	}
}

/* Every character of the first planes comes back from cJSON as it was. */
TEST(json_read_back)
{
	for (unsigned c = 1; c < 0x20000; c++) {
		evt_buf b = { 0 };
		char text[5] = "";
		cJSON *item;

		if (c < 0x80) {
			text[0] = (char)c;
		} else if (c < 0x800) {
			text[0] = (char)(0xc0 + c / 64);
			text[1] = (char)(0x80 + c % 64);
		} else if (c < 0x10000) {
			text[0] = (char)(0xe0 + c / 4096);
			text[1] = (char)(0x80 + c / 64 % 64);
			text[2] = (char)(0x80 + c % 64);
		} else {
			text[0] = (char)(0xf0 + c / 262144);
			text[1] = (char)(0x80 + c / 4096 % 64);
			text[2] = (char)(0x80 + c / 64 % 64);
			text[3] = (char)(0x80 + c % 64);
		}
		if (c >= 0xd800 && c < 0xe000) {
			assert_int_equal(evt_utf8_len((uint8_t *)text,
			                     (uint8_t *)text + 3),
			    0);
			continue;
		}
		assert_true(evt_buf_add_json(&b, text, strlen(text)));
		item = cJSON_ParseWithLength((char *)b.data, b.len);
		assert_non_null(item);
		assert_string_equal(item->valuestring, text);
		cJSON_Delete(item);
		evt_buf_free(&b);
	}
}

/* Checking a text in pieces gives the same result as checking the whole
 * text. */
TEST(utf8_in_pieces)
{
	static const uint8_t edge[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
		0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
		0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff };
	const size_t n = sizeof(edge);

	for (size_t i = 0; i < n * n * n * n; i++) {
		uint8_t text[4] = { edge[i / (n * n * n)],
			edge[i / (n * n) % n], edge[i / n % n], edge[i % n] };
		evt_utf8_check u = { 0 };
		size_t at = 0, k = 1;
		bool ok = true;

		while (at < sizeof(text) && k > 0) {
			k = evt_utf8_len(text + at, text + sizeof(text));
			at += k;
		}
		for (size_t j = 0; j < sizeof(text) && ok; j++)
			ok = evt_utf8_check_add(&u, text + j, 1);
		ok = ok && evt_utf8_check_whole(&u);
		if (ok != (k > 0))
			fail_msg("%02x %02x %02x %02x", text[0], text[1],
			    text[2], text[3]);
	}
}

/* The vectors of RFC 4648, section 10. */
TEST(base64)
{
	static const char *const pairs[] = { "", "", "f", "Zg==", "fo",
		"Zm8=", "foo", "Zm9v", "foob", "Zm9vYg==", "fooba",
		"Zm9vYmE=", "foobar", "Zm9vYmFy", "\xff\xfe\xfb", "//77" };
	static const char *const bad[] = { "Zg=", "Zg", "Z===", "====", "Zg=a",
		"Zm9v\n", "Zm9\xe4", "Zm9-", "=m9v" };
	bool valid;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i += 2) {
		evt_buf b = { 0 };
		size_t n = strlen(pairs[i + 1]), m = strlen(pairs[i]);

		assert_true(evt_buf_add_base64(&b, pairs[i], m));
		assert_int_equal(b.len, n);
		assert_true(n == 0 || memcmp(b.data, pairs[i + 1], n) == 0);
		assert_true(evt_buf_add_unbase64(&b, pairs[i + 1], n, &valid));
		assert_true(valid);
		assert_int_equal(b.len, n + m);
		assert_true(m == 0 || memcmp(b.data + n, pairs[i], m) == 0);
		evt_buf_free(&b);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_buf b = { 0 };

		assert_true(
		    evt_buf_add_unbase64(&b, bad[i], strlen(bad[i]), &valid));
		assert_false(valid);
		assert_int_equal(b.len, 0);
		evt_buf_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(utf8_in_pieces),
		RUN(base64),
		RUN(grows),
		RUN(nothing),
		RUN(too_large),
		RUN(printf),
		RUN(json_text),
		RUN(json_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
