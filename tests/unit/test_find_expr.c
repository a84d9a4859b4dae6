/*
 * test_find_expr.c - expressions of a search: what they mean, and where an error
 * is.
 */
#include "tests/unit/lib/test.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "format/find/find_eval.h"
#include "format/find/find_expr.h"
#include "format/find/find_text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static evt_find_expr *
parse(const char *text)
{
	evt_find_expr *x = NULL;
	evt_error err;

	if (evt_find_expr_parse(text, &x, NULL, &err) != EVT_OK)
		fail_msg("%s: %s", text, err.text);
	return x;
}

TEST(paths)
{
	evt_find_expr *x =
	    parse("gps.speed > 1 and /a~1b/~0/0 = 1 and \"x y\".'z'.10 = 2 and "
	          "gps.speed < 5 and \"/p q/r\" = 1 and \"gps\".speed = 3 and "
	          "\"source\" = 1");

	assert_int_equal(x->n_fields, 5);
	assert_int_equal(x->n_tests, 7);
	assert_string_equal(x->field[0].name, "gps.speed");
	assert_false(x->field[0].root);
	assert_int_equal(x->field[0].n_parts, 2);
	assert_string_equal(x->field[0].part[1].text, "speed");
	assert_true(x->field[1].root);
	assert_string_equal(x->field[1].part[0].text, "a/b");
	assert_string_equal(x->field[1].part[1].text, "~");
	assert_int_equal(x->field[1].part[2].index, 0);
	assert_int_equal(x->field[1].part[1].index, UINT32_MAX);
	assert_string_equal(x->field[2].part[0].text, "x y");
	assert_int_equal(x->field[2].part[2].index, 10);
	assert_true(x->field[3].root);
	assert_string_equal(x->field[3].part[0].text, "p q");
	assert_string_equal(x->field[4].part[0].text, "source");
	assert_int_equal(x->test[5].field, 0);
	evt_find_expr_free(x);
}

TEST(units)
{
	static const struct {
		const char *text;
		enum evt_find_expr_about about;
		enum evt_find_expr_op op;
		double number;
	} cases[] = {
		{ "jump > 500 m", EVT_FIND_EXPR_JUMP, EVT_FIND_EXPR_GT, 500 },
		{ "jump>=1.5km", EVT_FIND_EXPR_JUMP, EVT_FIND_EXPR_GE, 1500 },
		{ "implied_speed > 36 km/h", EVT_FIND_EXPR_IMPLIED_SPEED,
		    EVT_FIND_EXPR_GT, 10 },
		{ "implied_speed > 36 m/s", EVT_FIND_EXPR_IMPLIED_SPEED,
		    EVT_FIND_EXPR_GT, 36 },
		{ "silent > 10 m", EVT_FIND_EXPR_SILENT, EVT_FIND_EXPR_GT,
		    600 },
		{ "silent 1h30m", EVT_FIND_EXPR_SILENT, EVT_FIND_EXPR_GE,
		    5400 },
		{ "stuck 30 min", EVT_FIND_EXPR_STUCK, EVT_FIND_EXPR_GE, 1800 },
		{ "late > 250ms", EVT_FIND_EXPR_LATE, EVT_FIND_EXPR_GT, 0.25 },
		{ "late > 2d", EVT_FIND_EXPR_LATE, EVT_FIND_EXPR_GT, 172800 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		evt_find_expr *x = parse(cases[i].text);

		assert_int_equal(x->test[0].about, cases[i].about);
		assert_int_equal(x->test[0].op, cases[i].op);
		assert_near(x->test[0].number, cases[i].number, 1e-9);
		evt_find_expr_free(x);
	}
}

/* Whether the expression is true if the tests hold whose letters are in `holds`:
 * the first test is a. */
static bool
is_true(const char *text, const char *holds, const char *reasons)
{
	evt_find_expr *x = parse(text);
	uint64_t bits = 0, found;
	char names[65] = "";
	size_t n = 0;
	bool is;

	for (; *holds != '\0'; holds++)
		bits |= UINT64_C(1) << (*holds - 'a');
	is = evt_find_eval_expr(x, bits);
	found = evt_find_eval_reasons(x, bits);
	for (unsigned i = 0; i < x->n_tests; i++) {
		if ((found >> i & 1) != 0)
			names[n++] = (char)('a' + i);
	}
	assert_string_equal(names, reasons);
	evt_find_expr_free(x);
	return is;
}

TEST(not_binds_before_and_before_or)
{
#define A "exists a"
#define B "exists b"
#define C "exists c"
	assert_true(is_true(A " or " B " and " C, "a", "a"));
	assert_true(is_true(A " or " B " and " C, "bc", "bc"));
	assert_false(is_true(A " or " B " and " C, "b", ""));
	assert_false(is_true("(" A " or " B ") and " C, "a", ""));
	assert_true(is_true("(" A " or " B ") and " C, "bc", "bc"));
	assert_true(is_true("not " A " and " B, "b", "b"));
	assert_false(is_true("not (" A " or " B ")", "b", ""));
	assert_true(is_true("not (" A " or " B ")", "c", ""));
	assert_true(is_true("NOT not " A, "a", ""));
	assert_true(is_true("not " A " Or " B, "", ""));
}

TEST(errors_name_their_column)
{
	static const struct {
		const char *text;
		size_t column;
		const char *words;
	} cases[] = {
		{ "", 1, "a test is missing" },
		{ "   ", 4, "a test is missing" },
		{ "a", 2, "an operator is missing after a:" },
		{ "a >", 4, "a value is missing after >:" },
		{ "a > b", 5, "put text in quotes: \"b\"" },
		{ "a > 5x", 6, "unexpected text after the number" },
		{ "a = 1 b", 7, "expected and, or, or the end" },
		{ "(a = 1", 1, "this bracket is not closed" },
		{ "(a = 1 b", 8, "a closing bracket" },
		{ "a = 1)", 6, "expected and, or, or the end" },
		{ "a..b = 1", 3, "a name is missing after the dot" },
		{ "a. = 1", 3, "a name is missing after the dot" },
		{ "= 1", 1, "a test begins with" },
		{ "a = 1 and", 10, "a test is missing" },
		{ "not", 4, "a test is missing" },
		{ "a = \"b", 5, "this text has no closing \"" },
		{ "'a = 1", 1, "this text has no closing '" },
		{ "a < true", 5, "no order" },
		{ "a ~ 1", 5, "~ needs a text" },
		{ "exists", 7, "a field is missing after exists" },
		{ "exists jump", 8, "exists needs a field" },
		{ "changed", 8, "a field is missing after changed" },
		{ "changed = 1", 9, "a field is missing after changed" },
		{ "jump", 5, "jump needs a distance" },
		{ "jump < 5 m", 6, "jump is compared with > or >=" },
		{ "jump > 5", 9, "the unit is missing: jump needs a distance" },
		{ "jump > 5 s", 10, "jump needs a distance" },
		{ "jump > -5 m", 8, "jump needs a distance" },
		{ "implied_speed > 5 km", 19, "implied_speed needs a speed" },
		{ "silent > 5 km", 12, "silent needs a time" },
		{ "silent > x", 10, "silent needs a time" },
		{ "\xc3\xa4 = \xc3\xb6", 5, "put text in quotes" },
		{ "duplicate > 1", 11, "expected and, or, or the end" },
		{ "a = 1 & b = 2", 7, "expected and, or, or the end" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		evt_find_expr *x = NULL;
		evt_error err;
		size_t offset = 0, column = 0;
		char want[40];

		assert_int_equal(evt_find_expr_parse(cases[i].text, &x, &offset,
		                     &err),
		    EVT_ERR_ARG);
		assert_null(x);
		snprintf(want, sizeof(want), "column %zu: ", cases[i].column);
		if (strncmp(err.text, want, strlen(want)) != 0 ||
		    strstr(err.text, cases[i].words) == NULL)
			fail_msg("'%s': %s", cases[i].text, err.text);
		assert_true(offset <= strlen(cases[i].text));
		for (size_t k = 0; k < offset; k++)
			column += (cases[i].text[k] & 0xc0) != 0x80;
		assert_int_equal(column + 1, cases[i].column);
	}
}

/* n times `part`, with `before` and `after`. */
static int
parse_many(const char *before, const char *part, unsigned n, const char *after)
{
	static char text[10000];
	evt_find_expr *x = NULL;
	size_t len = 0;
	evt_error err;
	int r;

	len += (size_t)snprintf(text, sizeof(text), "%s", before);
	for (unsigned i = 0; i < n; i++)
		len +=
		    (size_t)snprintf(text + len, sizeof(text) - len, part, i);
	snprintf(text + len, sizeof(text) - len, "%s", after);
	r = evt_find_expr_parse(text, &x, NULL, &err);
	evt_find_expr_free(x);
	return r;
}

TEST(bounds)
{
	assert_int_equal(parse_many("a=1", " and a=%u", 63, ""), EVT_OK);
	assert_int_equal(parse_many("a=1", " and a=%u", 64, ""), EVT_ERR_ARG);
	assert_int_equal(parse_many("a=1", " and b%u=1", 15, ""), EVT_OK);
	assert_int_equal(parse_many("a=1", " and b%u=1", 16, ""), EVT_ERR_ARG);
	assert_int_equal(parse_many("", "not ", 63, "a=1"), EVT_OK);
	assert_int_equal(parse_many("", "not ", 64, "a=1"), EVT_ERR_ARG);
	assert_int_equal(parse_many("", "(", 3000, ""), EVT_ERR_ARG);
	assert_int_equal(parse_many("a", ".b", 23, "=1"), EVT_OK);
	assert_int_equal(parse_many("a", ".b", 24, "=1"), EVT_ERR_ARG);
	assert_int_equal(parse_many("", "a", 4097, ""), EVT_ERR_ARG);
	/* Every test under as many nots as can be. */
	assert_int_equal(parse_many("not not not not not not not not a=1",
	                     " and not not not not not not not not a=%u", 63,
	                     ""),
	    EVT_OK);
}

/* Whether the JSON value passes the comparison. */
static bool
passes(const char *json, const char *comparison)
{
	char text[200];
	evt_buf scratch = { 0 };
	evt_find_expr *x;
	bool holds;

	snprintf(text, sizeof(text), "a %s", comparison);
	x = parse(text);
	assert_int_equal(evt_find_eval_view(&x->test[0],
	                     evt_json_view_make((const uint8_t *)json,
	                         strlen(json)),
	                     &scratch, &holds, NULL),
	    EVT_OK);
	evt_find_expr_free(x);
	evt_buf_free(&scratch);
	return holds;
}

TEST(values)
{
	assert_true(passes("100", "= 1e2"));
	assert_true(passes("1e2", "= 100"));
	assert_true(passes("-0.5", "> -1"));
	assert_true(passes("9223372036854775807", "> 9223372036854775806"));
	assert_false(passes("9007199254740993", "= 9007199254740992"));
	assert_true(passes("1e400", "!= 5"));
	assert_false(passes("1e400", "> 5"));
	assert_true(passes("\"5\"", "= 5"));
	assert_true(passes("\"5\"", "= '5'"));
	assert_false(passes("5", "= '5'"));
	assert_true(passes("5", "!= '5'"));
	assert_true(passes("5", "~ '5'"));
	assert_false(passes("\"5-3\"", "= 5"));
	assert_false(passes("\"\"", "< 5"));
	assert_true(passes("\"\"", "= ''"));
	assert_true(passes("\"\"", "~ ''"));
	assert_true(passes("\"a\\u0062c\"", "= 'abc'"));
	assert_true(passes("\"a\\u0062c\"", "~ 'BC'"));
	assert_true(passes("\"ab\"", "< 'abc'"));
	assert_true(passes("\"abc\"", "> 'ab'"));
	assert_true(passes("true", "= true"));
	assert_true(passes("true", "!= false"));
	assert_false(passes("null", "= false"));
	assert_true(passes("null", "= null"));
	assert_true(passes("{\"x\":1}", "~ '\"X\"'"));
	assert_false(passes("[1]", "= 1"));
	assert_false(passes("", "!= 1"));
}

static void
folds(const char *text, const char *to)
{
	evt_buf out = { 0 };

	assert_true(evt_find_text_fold(&out, text, strlen(text)));
	assert_int_equal(out.len, strlen(to));
	if (out.len > 0)
		assert_memory_equal(out.data, to, out.len);
	evt_buf_free(&out);
}

TEST(folding)
{
	folds("", "");
	folds("VAN 7 z[", "van 7 z[");
	folds("ÀÖ×ØÞßÿ", "àö×øþßÿ");
	folds("ŁĽŽžŸǅ", "łľžžÿǅ");
	folds("ΑΩάΣ", "αωάσ");
	folds("ЁЖЯўҐ", "ёжяўґ");
	folds("ẞẠế日\xff\xc3", "ẞạế日\xff\xc3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(paths),
		RUN(units),
		RUN(not_binds_before_and_before_or),
		RUN(errors_name_their_column),
		RUN(bounds),
		RUN(values),
		RUN(folding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
