/* test_source_id.c - source ids as people write and read them. */
#include "format/keys/source_id.h"

#include <string.h>

#include "tests/unit/lib/test.h"

/* Read a list; its elements go into `out` with a '|' after each. */
static int
read_list(const char *list, evt_buf *out)
{
	enum evt_source_id_kind kind;
	evt_buf id = { 0 };
	int r;

	out->len = 0;
	for (;;) {
		r = evt_source_id_next(&list, &id, &kind, NULL);
		if (r != EVT_OK)
			break;
		assert_true(evt_buf_printf(out, "%s%s|",
		    kind == EVT_SOURCE_ID_TEXT      ? "T:" :
		        kind == EVT_SOURCE_ID_LABEL ? "L:" :
		                                      "",
		    (const char *)id.data));
	}
	evt_buf_free(&id);
	return r;
}

TEST(lists)
{
	static const struct {
		const char *list, *want;
	} cases[] = {
		{ "1,2", "1|2|" },
		{ ",,1,,2,", "1|2|" },
		{ "a b", "a b|" },
		{ "depot 3\\,4,5", "depot 3,4|5|" },
		{ "\"depot 3,4\",5", "T:depot 3,4|5|" },
		{ "\"a\\\"b\"", "T:a\"b|" },
		{ "\\\"x,a\"b", "\"x|a\"b|" },
		{ "a\\\\b", "a\\b|" },
		{ "a\\n\\t\\r\\x41\\x7f", "a\n\t\rA\x7f|" },
		{ "label:Bus 1\\,2,3", "L:Bus 1,2|3|" },
		{ "\\label:x", "label:x|" },
		{ "a/b?c=d", "a/b?c=d|" },
	};
	evt_buf out = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_list(cases[i].list, &out), EVT_END);
		assert_true(out.len == strlen(cases[i].want));
		assert_memory_equal(out.data, cases[i].want, out.len);
	}
	evt_buf_free(&out);
}

TEST(bad_lists)
{
	static const char *const cases[] = { "\"a", "\"a\"b", "a\\", "\\x",
		"\\x4", "\\xg1", "\\x00" };
	evt_buf out = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(read_list(cases[i], &out), EVT_ERR_ARG);
	evt_buf_free(&out);
}

/* For any id, the written form is one line and reads back as the id; two ids in
 * a list stay two. */
TEST(there_and_back)
{
	uint32_t seed = 12345;
	static const char special[] = ",\\\"\n\tlabel:x1-0 /\x01\x7f\xc3\xa9";

	for (int round = 0; round < 20000; round++) {
		char text[12];
		evt_key key = { text, 0, false };
		evt_buf list = { 0 }, want = { 0 }, got = { 0 };
		bool number;

		seed = seed * 1103515245 + 12345;
		key.len = 1 + (seed >> 16) % 8;
		for (uint32_t i = 0; i < key.len; i++) {
			seed = seed * 1103515245 + 12345;
			text[i] = special[(seed >> 16) % (sizeof(special) - 1)];
		}
		number = evt_source_id_is_number(text, key.len);
		key.is_int = number && round % 2 == 0;
		assert_true(evt_source_id_write(&list, &key));
		assert_null(memchr(list.data, '\n', list.len));
		assert_true(evt_buf_add_byte(&list, ','));
		assert_true(evt_source_id_write(&list, &key));
		assert_true(evt_buf_add_byte(&list, '\0'));
		assert_int_equal(read_list((char *)list.data, &got), EVT_END);
		for (int i = 0; i < 2; i++)
			assert_true(evt_buf_printf(&want, "%s%.*s|",
			    number && !key.is_int ? "T:" : "", (int)key.len,
			    text));
		assert_true(got.len == want.len);
		assert_memory_equal(got.data, want.data, want.len);
		evt_buf_free(&list);
		evt_buf_free(&want);
		evt_buf_free(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(lists),
		RUN(bad_lists),
		RUN(there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
