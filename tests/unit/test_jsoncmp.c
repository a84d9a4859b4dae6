/* test_jsoncmp.c - JSON values that say the same, and where others differ. */
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "tools/evtape/lib/jsoncmp.h"

struct found {
	char text[1000];
	size_t n;
};

static evt_json_view
of(const char *text)
{
	return evt_json_view_make((const uint8_t *)text, strlen(text));
}

static int
keep(void *ctx, const char *pointer, evt_json_view a, evt_json_view b,
    evt_error *err)
{
	struct found *f = ctx;
	size_t n = strlen(f->text);

	(void)err;
	snprintf(f->text + n, sizeof(f->text) - n, "%s:%.*s>%.*s ", pointer,
	    (int)a.n, a.p != NULL ? (const char *)a.p : "", (int)b.n,
	    b.p != NULL ? (const char *)b.p : "");
	f->n++;
	return EVT_OK;
}

/* The differences must read like this; the hashes must agree with that. */
static void
differ(const char *a, const char *b, const evt_strings *ignore,
    const char *want)
{
	struct found f = { .n = 0 };
	bool nomem;
	evt_error err;

	ok(jsoncmp_find(of(a), of(b), ignore, keep, &f, &err), &err);
	assert_string_equal(f.text, want);
	assert_int_equal(jsoncmp_hash(of(a), ignore, &nomem) ==
	        jsoncmp_hash(of(b), ignore, &nomem),
	    f.n == 0);
}

TEST(equal_values)
{
	static const char *const pairs[] = {
		"{\"a\":1,\"b\":[true,null]}",
		"{ \"b\" : [true , null], \"a\":1}",
		"1",
		"1.0",
		"100",
		"1e2",
		"-0",
		"0.0",
		"0.5",
		"5e-1",
		"\"\\u00e4\\/\"",
		"\"\xc3\xa4/\"",
		"{}",
		" { } ",
		"[]",
		"[ ]",
		"12345678901234567890",
		"12345678901234567890",
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i += 2)
		differ(pairs[i], pairs[i + 1], NULL, "");
}

TEST(different_values)
{
	differ("1", "2", NULL, ":1>2 ");
	differ("1", "\"1\"", NULL, ":1>\"1\" ");
	differ("true", "false", NULL, ":true>false ");
	differ("[]", "{}", NULL, ":[]>{} ");
	differ("[1,2]", "[2,1]", NULL, "/0:1>2 /1:2>1 ");
	differ("[1]", "[1,[2]]", NULL, "/1:>[2] ");
	differ("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":3},\"d\":4}", NULL,
	    "/a/b:1>3 /a/c:2> /d:>4 ");
	differ("{\"a/b\":1,\"m~n\":2}", "{}", NULL, "/a~1b:1> /m~0n:2> ");
	differ("9007199254740993", "9007199254740992", NULL,
	    ":9007199254740993>9007199254740992 ");
	differ("{\"a\":null}", "{}", NULL, "/a:null> ");
}

TEST(ignored_members)
{
	evt_strings ignore = { 0 };

	assert_true(evt_strings_add(&ignore, "/a/b", 4));
	assert_true(evt_strings_add(&ignore, "/l/1", 4));
	differ("{\"a\":{\"b\":1,\"c\":2}}", "{\"a\":{\"b\":3,\"c\":2}}",
	    &ignore, "");
	differ("{\"a\":{\"c\":2}}", "{\"a\":{\"b\":3,\"c\":2}}", &ignore, "");
	differ("{\"l\":[0,1,2]}", "{\"l\":[0,9,3]}", &ignore, "/l/2:2>3 ");
	differ("{\"b\":1}", "{\"b\":2}", &ignore, "/b:1>2 ");
	evt_strings_free(&ignore);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(equal_values),
		RUN(different_values),
		RUN(ignored_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
