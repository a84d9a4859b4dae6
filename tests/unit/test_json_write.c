/* test_json_write.c - the written JSON is the expected text; cJSON reads it
 * back. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/err.h"
#include "format/base/json_write.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

static evt_json_write *
begin(evt_json_write *w, evt_buf *out)
{
	evt_json_write_begin(w, out);
	return w;
}

/* End the text: it must be these bytes, and JSON. */
static void
reads(evt_json_write *w, evt_buf *out, const char *want)
{
	const char *end = NULL;
	cJSON *json;

	assert_true(evt_json_write_end(w));
	assert_int_equal(out->len, strlen(want));
	assert_memory_equal(out->data, want, out->len);
	json = cJSON_ParseWithLengthOpts((const char *)out->data, out->len,
	    &end, false);
	assert_non_null(json);
	assert_ptr_equal(end, (const char *)out->data + out->len);
	cJSON_Delete(json);
	evt_buf_free(out);
}

static void
writes_double(double value, const char *want)
{
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_double(begin(&w, &out), NULL, value);
	assert_true(evt_json_write_end(&w));
	assert_true(evt_buf_add_byte(&out, '\0'));
	assert_string_equal(out.data, want);
	evt_buf_free(&out);
}

TEST(doubles_are_read_back)
{
	evt_buf out = { 0 };
	evt_json_write w;
	uint64_t bits = 1;

	writes_double(0, "0");
	writes_double(-1, "-1");
	writes_double(0.1, "0.1");
	writes_double(-52.516301, "-52.516301");
	writes_double(999999999.999999, "999999999.999999");
	writes_double(9007199254740993.0, "9007199254740992");
	writes_double(1e300, "1e+300");
	writes_double(0.1 + 0.2, "0.30000000000000004");
	writes_double(1.0 / 3, "0.3333333333333333");
	writes_double(DBL_MIN, "2.2250738585072014e-308");
	writes_double((double)NAN, "null");
	writes_double(-(double)INFINITY, "null");
	for (unsigned i = 0; i < 20000; i++) {
		double value;

		bits =
		    bits * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (i % 2 == 0)
			memcpy(&value, &bits, sizeof(value));
		else
			value = (double)(int32_t)(bits >> 32) / 1e4;
		if (!isfinite(value))
			continue;
		out.len = 0;
		evt_json_write_double(begin(&w, &out), NULL, value);
		assert_true(
		    evt_json_write_end(&w) && evt_buf_add_byte(&out, '\0'));
		assert_true(strtod((char *)out.data, NULL) == value);
	}
	evt_buf_free(&out);
}

TEST(scalars_at_the_top)
{
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_int(begin(&w, &out), NULL, INT64_MIN);
	reads(&w, &out, "-9223372036854775808");
	evt_json_write_uint(begin(&w, &out), NULL, UINT64_MAX);
	reads(&w, &out, "18446744073709551615");
	evt_json_write_bool(begin(&w, &out), NULL, true);
	reads(&w, &out, "true");
	evt_json_write_bool(begin(&w, &out), NULL, false);
	reads(&w, &out, "false");
	evt_json_write_null(begin(&w, &out), NULL);
	reads(&w, &out, "null");
	evt_json_write_str(begin(&w, &out), NULL, NULL);
	reads(&w, &out, "null");
	evt_json_write_str(begin(&w, &out), NULL, "");
	reads(&w, &out, "\"\"");
	evt_json_write_strf(begin(&w, &out), NULL, "%d \"%s\"", 7, "x\n");
	reads(&w, &out, "\"7 \\\"x\\n\\\"\"");
	evt_json_write_raw(begin(&w, &out), NULL, "{ }", 3);
	reads(&w, &out, "{ }");
}

TEST(containers_and_commas)
{
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_object(begin(&w, &out), NULL);
	evt_json_write_close(&w);
	reads(&w, &out, "{}");
	evt_json_write_array(begin(&w, &out), NULL);
	evt_json_write_close(&w);
	reads(&w, &out, "[]");

	evt_json_write_object(begin(&w, &out), NULL);
	evt_json_write_array(&w, "a");
	evt_json_write_close(&w);
	evt_json_write_array(&w, "b");
	evt_json_write_int(&w, NULL, 1);
	evt_json_write_object(&w, NULL);
	evt_json_write_object(&w, "c");
	evt_json_write_close(&w);
	evt_json_write_str(&w, "d", "e");
	evt_json_write_close(&w);
	evt_json_write_array(&w, NULL);
	evt_json_write_null(&w, NULL);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	evt_json_write_bool(&w, "f", true);
	evt_json_write_close(&w);
	reads(&w, &out,
	    "{\"a\":[],\"b\":[1,{\"c\":{},\"d\":\"e\"},[null]],\"f\":true}");
}

/* Objects and arrays by turns, as deep as is allowed. */
TEST(depth)
{
	evt_buf out = { 0 };
	evt_json_write w;
	cJSON *json, *at;

	evt_json_write_begin(&w, &out);
	for (unsigned i = 0; i < EVT_JSON_WRITE_DEPTH; i++) {
		const char *name = i % 2 == 1 ? "o" : NULL;

		if (i % 2 == 0)
			evt_json_write_object(&w, name);
		else
			evt_json_write_array(&w, name);
	}
	for (unsigned i = 0; i < EVT_JSON_WRITE_DEPTH; i++)
		evt_json_write_close(&w);
	assert_true(evt_json_write_end(&w));
	json = cJSON_ParseWithLength((const char *)out.data, out.len);
	assert_non_null(json);
	at = json;
	for (unsigned i = 0; i < EVT_JSON_WRITE_DEPTH; i++) {
		assert_non_null(at);
		assert_true(
		    i % 2 == 0 ? cJSON_IsObject(at) : cJSON_IsArray(at));
		at = at->child;
	}
	assert_null(at);
	cJSON_Delete(json);
	evt_buf_free(&out);
}

/* Each byte alone and each pair of bytes: cJSON decodes the same text if it is
 * UTF-8; other bytes become U+FFFD. */
TEST(texts)
{
	evt_buf out = { 0 };
	evt_json_write w;

	for (unsigned c = 1; c < 256; c++) {
		char text[3] = { (char)c, 'x', '\0' };
		cJSON *json;

		evt_json_write_str(begin(&w, &out), NULL, text);
		assert_true(evt_json_write_end(&w));
		json = cJSON_ParseWithLength((const char *)out.data, out.len);
		assert_true(cJSON_IsString(json));
		assert_string_equal(json->valuestring,
		    c < 0x80 ? text : "\xef\xbf\xbdx");
		cJSON_Delete(json);
		evt_buf_free(&out);
	}
	evt_json_write_str(begin(&w, &out), NULL, "\xc3\xa4\xf0\x9f\x9a\x9a");
	reads(&w, &out, "\"\xc3\xa4\xf0\x9f\x9a\x9a\"");
	evt_json_write_text(begin(&w, &out), NULL, "a\0b", 3);
	reads(&w, &out, "\"a\\u0000b\"");
}

TEST(numbers)
{
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_fixed(begin(&w, &out), NULL, 1.25, 1);
	reads(&w, &out, "1.2");
	evt_json_write_fixed(begin(&w, &out), NULL, -0.5, 3);
	reads(&w, &out, "-0.500");
	evt_json_write_fixed(begin(&w, &out), NULL, 1e15, 0);
	reads(&w, &out, "1000000000000000");
	evt_json_write_fixed(begin(&w, &out), NULL, (double)INFINITY, 2);
	reads(&w, &out, "null");
	evt_json_write_fixed(begin(&w, &out), NULL, (double)NAN, 2);
	reads(&w, &out, "null");
}

TEST(durations_and_times)
{
	static const struct {
		int64_t ns;
		const char *text;
	} row[] = {
		{ 0, "0.000" },
		{ 499999, "0.000" },
		{ 500000, "0.001" },
		{ -499999, "0.000" },
		{ -500000, "-0.001" },
		{ 1499999999, "1.500" },
		{ 61234600000, "61.235" },
		{ -61234600000, "-61.235" },
		{ INT64_MAX, "9223372036.855" },
		{ INT64_MIN, "-9223372036.855" },
	};
	evt_buf out = { 0 };
	evt_json_write w;

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		evt_json_write_seconds(begin(&w, &out), NULL, row[i].ns);
		reads(&w, &out, row[i].text);
	}
	evt_json_write_time(begin(&w, &out), NULL, 1700000000000000001, 9);
	reads(&w, &out, "\"2023-11-14T22:13:20.000000001Z\"");
	evt_json_write_time(begin(&w, &out), NULL, 1700000000000000001, 0);
	reads(&w, &out, "\"2023-11-14T22:13:20Z\"");
}

TEST(compact)
{
	static const char json[] =
	    "{ \"a b\" :\t[ 1 ,\r\n 2.50 ] , \"c\\\" \\\\\" : \" d \" }";
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_array(begin(&w, &out), NULL);
	evt_json_write_compact(&w, NULL, json, sizeof(json) - 1);
	evt_json_write_compact(&w, NULL, "12345678901234567890123", 23);
	evt_json_write_close(&w);
	reads(&w, &out,
	    "[{\"a b\":[1,2.50],\"c\\\" \\\\\":\" d \"},"
	    "12345678901234567890123]");
}

/* Text before the writer's stays, and two writers can follow each other. */
TEST(appends)
{
	evt_buf out = { 0 };
	evt_json_write w;

	assert_true(evt_buf_add_str(&out, "["));
	evt_json_write_int(begin(&w, &out), NULL, 1);
	assert_true(evt_json_write_end(&w));
	assert_true(evt_buf_add_byte(&out, ','));
	evt_json_write_int(begin(&w, &out), NULL, 2);
	assert_true(evt_json_write_end(&w));
	assert_true(evt_buf_add_byte(&out, ']'));
	assert_int_equal(out.len, 5);
	assert_memory_equal(out.data, "[1,2]", 5);
	evt_buf_free(&out);
}

/* ---- out of memory ------------------------------------------------------- */

static int
write_everything(void *arg)
{
	evt_buf out = { 0 };
	evt_json_write w;
	bool ok;
	int r = EVT_OK;

	(void)arg;
	assert_true(evt_buf_add_str(&out, "kept"));
	failing_start();
	evt_json_write_object(begin(&w, &out), NULL);
	evt_json_write_str(&w, "text", "\"quoted\" text that needs room");
	evt_json_write_strf(&w, "made", "%0200d", 1);
	evt_json_write_array(&w, "list");
	for (int i = 0; i < 100; i++)
		evt_json_write_int(&w, NULL, i);
	evt_json_write_close(&w);
	evt_json_write_object(&w, "numbers");
	evt_json_write_uint(&w, "u", UINT64_MAX);
	evt_json_write_fixed(&w, "f", 1.5, 17);
	evt_json_write_seconds(&w, "s", INT64_MAX);
	evt_json_write_close(&w);
	evt_json_write_compact(&w, "json", "[ 1, 2 ]", 8);
	evt_json_write_time(&w, "time", 0, 9);
	evt_json_write_bool(&w, "last", false);
	evt_json_write_close(&w);
	ok = evt_json_write_end(&w);
	failing_stop();
	if (ok) {
		cJSON *json =
		    cJSON_ParseWithLength((char *)out.data + 4, out.len - 4);

		assert_non_null(json);
		assert_true(cJSON_IsFalse(cJSON_GetObjectItem(json, "last")));
		cJSON_Delete(json);
	} else {
		/* The text before it stays, the rest is removed. */
		assert_int_equal(out.len, 4);
		r = EVT_ERR_NOMEM;
	}
	assert_memory_equal(out.data, "kept", 4);
	evt_buf_free(&out);
	return r;
}

TEST(every_failed_allocation_is_reported)
{
	assert_true(
	    failing_each(FAILING_MEMORY, 1, write_everything, NULL) > 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(scalars_at_the_top),
		RUN(doubles_are_read_back),
		RUN(containers_and_commas),
		RUN(depth),
		RUN(texts),
		RUN(numbers),
		RUN(durations_and_times),
		RUN(compact),
		RUN(appends),
		RUN(every_failed_allocation_is_reported),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
