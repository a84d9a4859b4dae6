/*
 * test_json_view.c - views of JSON text: results agree with cJSON on random
 * values, and with the JSON pointers of RFC 6901.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/json_view.h"
#include "tests/unit/lib/test.h"

static evt_json_view
of(const char *text)
{
	return evt_json_view_make((const uint8_t *)text, strlen(text));
}

static void
is_text(evt_json_view v, const char *want)
{
	assert_int_equal(v.n, strlen(want));
	assert_memory_equal(v.p, want, v.n);
}

/* The document and the pointers of RFC 6901, section 5. */
TEST(pointers)
{
	static const char doc[] =
	    " {\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2, "
	    "\"e^f\": 3, \"g|h\": 4, \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7, "
	    "\"m~n\": 8} ";
	static const char *const cases[] = { "/foo", "[\"bar\", \"baz\"]",
		"/foo/0", "\"bar\"", "/", "0", "/a~1b", "1", "/c%d", "2",
		"/e^f", "3", "/g|h", "4", "/i\\j", "5", "/k\"l", "6", "/ ", "7",
		"/m~0n", "8" };
	static const char *const none[] = { "/foo/2", "/foo/00", "/foo/-",
		"/foo/a", "/fo", "/foo/0/x", "/a/b", "//" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2)
		is_text(evt_json_view_at(of(doc), cases[i]), cases[i + 1]);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(evt_json_view_kind(
		                     evt_json_view_at(of(doc), none[i])),
		    EVT_JSON_VIEW_NONE);
	assert_int_equal(evt_json_view_kind(evt_json_view_at(of(doc), "")),
	    EVT_JSON_VIEW_OBJECT);
}

TEST(forms_of_pointers)
{
	evt_error err;

	ok(evt_json_view_check_pointer("", &err), &err);
	ok(evt_json_view_check_pointer("/a~0~1/", &err), &err);
	assert_int_equal(evt_json_view_check_pointer("a", &err), EVT_ERR_ARG);
	assert_int_equal(evt_json_view_check_pointer("/a~", &err), EVT_ERR_ARG);
	assert_int_equal(evt_json_view_check_pointer("/~2", &err), EVT_ERR_ARG);
}

TEST(strings)
{
	evt_buf b = { 0 };
	evt_json_view v = of("\"a\\n\\\"\\\\\\/\\u00e4\\ud83d\\ude00\\u0000\"");

	assert_true(evt_json_view_text(v, &b));
	assert_int_equal(b.len, 12);
	assert_memory_equal(b.data, "a\n\"\\/\xc3\xa4\xf0\x9f\x98\x80\0", 12);
	assert_true(evt_json_view_is(v, (char *)b.data, b.len));
	assert_false(evt_json_view_is(v, (char *)b.data, b.len - 1));
	assert_false(evt_json_view_is(of("\"ab\""), "a", 1));
	assert_true(evt_json_view_is(of("\"\""), "", 0));
	assert_false(evt_json_view_is(of("1"), "1", 1));
	/* Backslashes before the closing quote. */
	is_text(of("\"a\\\\\", 1"), "\"a\\\\\"");
	is_text(of("\"a\\\"\", 1"), "\"a\\\"\"");
	evt_buf_free(&b);
}

TEST(numbers)
{
	int64_t n;
	double d;

	assert_true(evt_json_view_int(of("-9223372036854775808"), &n));
	assert_int_equal(n, INT64_MIN);
	assert_false(evt_json_view_int(of("9223372036854775808"), &n));
	assert_false(evt_json_view_int(of("1.0"), &n));
	assert_false(evt_json_view_int(of("1e2"), &n));
	assert_false(evt_json_view_int(of("\"1\""), &n));
	assert_true(evt_json_view_double(of("1e2"), &d));
	assert_true(d > 99 && d < 101);
	assert_false(evt_json_view_double(of("1e999"), &d));
	assert_true(evt_json_view_double(of("1e-999"), &d));
	assert_false(evt_json_view_double(of("null"), &d));
}

/* ---- against cJSON ------------------------------------------------------- */

/* A small generator of its own, so that a failure can be had again. */
static uint32_t
draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static cJSON *
make(uint32_t *seed, int depth)
{
	static const char *const strings[] = { "", "a", "\"q\"", "\\", "{[,]}",
		"\xc3\xa4", "line\nbreak", "a/b~c" };
	cJSON *v;
	uint32_t n = draw(seed, 4);

	switch (draw(seed, depth > 0 ? 7 : 5)) {
	case 0:
		return cJSON_CreateNull();
	case 1:
		return cJSON_CreateBool(n & 1);
	case 2:
		return cJSON_CreateNumber((double)draw(seed, 1000) / 8 - 50);
	case 3:
	case 4:
		return cJSON_CreateString(strings[draw(seed, 8)]);
	case 5:
		v = cJSON_CreateArray();
		while (n-- > 0)
			cJSON_AddItemToArray(v, make(seed, depth - 1));
		return v;
	default:
		v = cJSON_CreateObject();
		while (n-- > 0) {
			char name[16];

			snprintf(name, sizeof(name), "%s%u",
			    strings[draw(seed, 8)], n);
			cJSON_AddItemToObject(v, name, make(seed, depth - 1));
		}
		return v;
	}
}

static void
same(evt_json_view v, const cJSON *want)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(v);
	evt_json_view name, value;
	evt_buf text = { 0 };
	double d;

	if (cJSON_IsObject(want) || cJSON_IsArray(want)) {
		assert_int_equal(evt_json_view_kind(v),
		    cJSON_IsObject(want) ? EVT_JSON_VIEW_OBJECT :
		                           EVT_JSON_VIEW_ARRAY);
		for (const cJSON *c = want->child; c != NULL; c = c->next) {
			assert_true(
			    evt_json_view_walk_next(&walk, &name, &value));
			if (c->string != NULL)
				assert_true(evt_json_view_is(name, c->string,
				    strlen(c->string)));
			same(value, c);
		}
		assert_false(evt_json_view_walk_next(&walk, &name, &value));
	} else if (cJSON_IsString(want)) {
		assert_true(evt_json_view_text(v, &text));
		assert_int_equal(text.len, strlen(want->valuestring));
		assert_true(text.len == 0 ||
		    memcmp(text.data, want->valuestring, text.len) == 0);
	} else if (cJSON_IsNumber(want)) {
		assert_true(evt_json_view_double(v, &d));
		assert_false(d < want->valuedouble || d > want->valuedouble);
	} else {
		assert_int_equal(evt_json_view_kind(v),
		    cJSON_IsNull(want) ? EVT_JSON_VIEW_NULL :
		                         EVT_JSON_VIEW_BOOL);
	}
	evt_buf_free(&text);
}

TEST(agrees_with_cjson)
{
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t seed = i;
		cJSON *want = make(&seed, 5);
		char *text =
		    i % 2 ? cJSON_Print(want) : cJSON_PrintUnformatted(want);

		assert_non_null(text);
		same(of(text), want);
		/* Cut off anywhere it stays within the text. */
		for (size_t n = 0; n < strlen(text); n += 1 + n / 16) {
			char *cut = malloc(n + 1);
			evt_json_view_walk walk;
			evt_json_view name, value;

			assert_non_null(cut);
			memcpy(cut, text, n);
			walk = evt_json_view_walk_begin(
			    evt_json_view_make((uint8_t *)cut, n));
			while (evt_json_view_walk_next(&walk, &name, &value))
				assert_true(
				    value.p + value.n <= (uint8_t *)cut + n);
			free(cut);
		}
		cJSON_free(text);
		cJSON_Delete(want);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(pointers),
		RUN(forms_of_pointers),
		RUN(strings),
		RUN(numbers),
		RUN(agrees_with_cjson),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
