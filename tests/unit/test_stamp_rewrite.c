/* test_stamp_rewrite.c - stamps moved and rewritten, states made compact. */
#include <stdint.h>
#include <string.h>

#include "format/navixy/stamp_rewrite.h"
#include "tests/unit/lib/test.h"

static void
check(const evt_stamp_rewrite *how, const char *text, const char *want)
{
	evt_buf out = { 0 };

	assert_true(evt_stamp_rewrite_text(how, (const uint8_t *)text,
	    strlen(text), &out));
	assert_true(evt_buf_add_byte(&out, '\0'));
	assert_string_equal((char *)out.data, want);
	evt_buf_free(&out);
}

TEST(shift)
{
	const evt_stamp_rewrite day = { .shift_s = 86400 };
	const evt_stamp_rewrite back = { .shift_s = -12 * 3600 - 51 * 60 - 56 };

	check(&day, "{\"user_time\":\"2018-10-31 12:51:55\"}",
	    "{\"user_time\":\"2018-11-01 12:51:55\"}");
	check(&day,
	    "{\"gps\":{\"updated\" : \"2025-10-08T17:27:04-06:00\"},\"x\":1}",
	    "{\"gps\":{\"updated\" : \"2025-10-09T17:27:04-06:00\"},\"x\":1}");
	check(&back,
	    "{\"last_update\":\"2018-10-17 "
	    "12:51:55\",\"battery_update\":null,\"outputs_update\":\"2020-02-"
	    "29T23:59:59.125Z\"}",
	    "{\"last_update\":\"2018-10-16 "
	    "23:59:59\",\"battery_update\":null,\"outputs_update\":\"2020-02-"
	    "29T11:08:03.125Z\"}");
}

/* Names and values that only look like stamps stay. */
TEST(untouched)
{
	static const char *const texts[] = {
		"{\"label\":\"2018-10-17 12:51:55\"}",
		"{\"updated\":\"yesterday\",\"user_time\":\"\"}",
		"{\"updated\":[\"2018-10-17 12:51:55\"]}",
		("{\"updated\":\"2018-10-17\","
		 "\"_update\":\"2018-10-17 12:51:55\"}"),
		"{\"updated\":\"2018-13-17 12:51:55\"}",
		"{\"updated\":\"2018-10-17 12:51:55Z\"}",
		"{\"updated\":\"2018-10-17T12:51:55+2\"}",
		"{\"a\\\"updated\":\"2018-10-17 12:51:55\"}",
		"{\"note\":\"\\\"updated\\\":\\\"2018-10-17 12:51:55\\\"\"}",
		"[\"updated\",\"2018-10-17 12:51:55\"]",
		"\"2018-10-17 12:51:55\"",
		"",
		"{}",
		"[",
		"\"",
		"{\"updated\":\"",
	};
	const evt_stamp_rewrite how = { .shift_s = 5,
		.form = EVT_STAMP_REWRITE_ISO };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check(&how, texts[i], texts[i]);
}

TEST(forms)
{
	const evt_stamp_rewrite iso = { .form = EVT_STAMP_REWRITE_ISO,
		.offset_s = -21600 };
	const evt_stamp_rewrite plain = { .form = EVT_STAMP_REWRITE_PLAIN };

	check(&iso, "{\"updated\":\"2018-10-17 12:51:55\"}",
	    "{\"updated\":\"2018-10-17T12:51:55-06:00\"}");
	check(&iso, "{\"updated\":\"2018-10-17T12:51:55+05:30\"}",
	    "{\"updated\":\"2018-10-17T12:51:55+05:30\"}");
	check(&plain, "{\"updated\":\"2018-10-17T12:51:55+05:30\",\"a\":[]}",
	    "{\"updated\":\"2018-10-17 12:51:55\",\"a\":[]}");
	check(&plain, "{\"updated\":\"2018-10-17 12:51:55\"}",
	    "{\"updated\":\"2018-10-17 12:51:55\"}");
}

static void
check_compact(const char *text, const char *want)
{
	evt_buf out = { 0 };

	assert_true(
	    evt_stamp_rewrite_compact(evt_json_view_make((const uint8_t *)text,
	                                  strlen(text)),
	        &out));
	assert_true(evt_buf_add_byte(&out, '\0'));
	assert_string_equal((char *)out.data, want);
	evt_buf_free(&out);
}

TEST(compact)
{
	check_compact("{\"source_id\":1, \"gsm\":{\"a\":[1]}, \"speed\" : 2}",
	    "{\"source_id\":1, \"speed\" : 2}");
	check_compact("{\"gsm\":null,\"source_id\":1,\"inputs\":[true]}",
	    "{\"source_id\":1}");
	check_compact("{\"gsm\":null,\"inputs\":[true]}", "{}");
	check_compact("{\"gsm\":null,\"outputs\":[],\"a\":1,\"b\":2}",
	    "{\"a\":1,\"b\":2}");
	check_compact(
	    "{\"battery_level\":5,\"battery_update\":null,\"z\":0,\"inputs_"
	    "update\":1,\"outputs_update\":2,\"actual_track_update\":3}",
	    "{\"z\":0}");
	check_compact("{}", "{}");
	check_compact("7", "7");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(shift),
		RUN(untouched),
		RUN(forms),
		RUN(compact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
