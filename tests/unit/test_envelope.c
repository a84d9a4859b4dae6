/* test_envelope.c - frames as lines of JSON; cJSON reads the lines back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tests/unit/lib/test.h"

static evt_frame
frame_of(const char *payload, size_t len)
{
	return (evt_frame){ .seq = 7,
		.time_ns = INT64_C(1772369503000000042),
		.mono_ns = INT64_C(1772369503000000001),
		.conn = 3,
		.opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)payload,
		.len = len };
}

/* The line of a frame, as a string to be freed. */
static char *
line_of(const evt_frame *f, bool with_tape)
{
	evt_envelope *e;
	evt_buf b = { 0 };

	assert_int_equal(evt_envelope_new(with_tape, &e, NULL), EVT_OK);
	assert_int_equal(evt_envelope_write(e, f, &b, NULL), EVT_OK);
	evt_envelope_free(e);
	assert_true(evt_buf_add_byte(&b, 0));
	return (char *)b.data;
}

TEST(exact)
{
	evt_key keys[2] = { { "10001", 5, true }, { "a\"b", 3, false } };
	evt_frame f = frame_of("{\"a\": 1.50}", 11);
	char *s;

	f.event = "state";
	f.event_len = 5;
	f.sources = keys;
	f.n_sources = 2;
	f.tape = 1;
	s = line_of(&f, true);
	assert_string_equal(s,
	    "{\"seq\":7,\"tape\":1,\"time\":\"2026-03-01T12:51:43.000000042Z\","
	    "\"time_ns\":1772369503000000042,\"mono_ns\":1772369503000000001,"
	    "\"connection\":3,\"kind\":\"received\",\"opcode\":\"text\","
	    "\"event\":\"state\",\"sources\":[10001,\"a\\\"b\"],\"payload\":{"
	    "\"a\": 1.50}}\n");
	free(s);
}

TEST(marks_and_sent)
{
	evt_frame f = frame_of("{\"mark\":\"gap\"}", 14);
	char *s;

	f.kind = EVT_KIND_MARK;
	f.opcode = EVT_MARK_GAP;
	s = line_of(&f, false);
	assert_non_null(strstr(s,
	    ",\"kind\":\"mark\",\"mark\":\"gap\",\"sources\":[],\"payload\":{"
	    "\"mark\":\"gap\"}}\n"));
	free(s);
	f.kind = EVT_KIND_SENT;
	f.opcode = 9;
	s = line_of(&f, false);
	assert_non_null(strstr(s, ",\"kind\":\"sent\",\"opcode\":9,"));
	assert_non_null(
	    strstr(s, "\"payload_base64\":\"eyJtYXJrIjoiZ2FwIn0=\""));
	free(s);
}

/* Text that cannot be embedded comes back to the byte through cJSON. */
static void
check_text(const char *payload)
{
	evt_frame f = frame_of(payload, strlen(payload));
	char *s = line_of(&f, false);
	cJSON *j = cJSON_Parse(s);

	assert_non_null(j);
	assert_ptr_equal(strchr(s, '\n'), s + strlen(s) - 1);
	assert_string_equal(cJSON_GetObjectItem(j, "payload_text")->valuestring,
	    payload);
	assert_null(cJSON_GetObjectItem(j, "payload"));
	cJSON_Delete(j);
	free(s);
}

TEST(text)
{
	check_text("X");
	check_text("");
	check_text("{\"a\":\n1}");
	check_text("\"\\\t\x01 \xc3\xa9 \xf0\x9f\x9a\x8c \x7f");
	check_text("{\"a\":1} {\"b\":2}");
}

static void
check_base64(const char *payload, size_t len, uint8_t opcode, const char *want)
{
	evt_frame f = frame_of(payload, len);
	char *s, all[256];

	f.opcode = opcode;
	s = line_of(&f, false);
	snprintf(all, sizeof(all), ",\"payload_base64\":\"%s\"}\n", want);
	assert_non_null(strstr(s, all));
	free(s);
}

TEST(base64)
{
	check_base64("", 0, EVT_OP_BINARY, "");
	check_base64("f", 1, EVT_OP_BINARY, "Zg==");
	check_base64("fo", 2, EVT_OP_BINARY, "Zm8=");
	check_base64("foo", 3, EVT_OP_BINARY, "Zm9v");
	check_base64("foob", 4, EVT_OP_BINARY, "Zm9vYg==");
	check_base64("\x00\xff\xfe", 3, EVT_OP_BINARY, "AP/+");
	check_base64("\xff{}", 3, EVT_OP_TEXT, "/3t9");
}

/* A key that is marked as an integer, but is not one, is written as a
 * string. */
TEST(false_integer)
{
	static const char *const bad[] = { "", "-", "01", "1.5", "1,2",
		"12345678901234567890" };
	evt_frame f = frame_of("1", 1);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_key key = { bad[i], (uint32_t)strlen(bad[i]), true };
		cJSON *j;
		char *s;

		f.sources = &key;
		f.n_sources = 1;
		s = line_of(&f, false);
		j = cJSON_Parse(s);
		assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(j,
		                                           "sources"),
		                        0)
		                        ->valuestring,
		    bad[i]);
		cJSON_Delete(j);
		free(s);
	}
}

static void
check_stamp(evt_timetext_cache *stamp, int64_t ns, const char *want)
{
	uint8_t out[EVT_TIMETEXT_MAX];
	size_t n = evt_timetext_write(stamp, ns, out);

	assert_int_equal(n, strlen(want));
	assert_memory_equal(out, want, n);
}

TEST(stamps)
{
	evt_timetext_cache stamp = { 0 };

	check_stamp(&stamp, 0, "1970-01-01T00:00:00.000000000Z");
	check_stamp(&stamp, 1, "1970-01-01T00:00:00.000000001Z");
	check_stamp(&stamp, -1, "1969-12-31T23:59:59.999999999Z");
	check_stamp(&stamp, 1000000000, "1970-01-01T00:00:01.000000000Z");
	check_stamp(&stamp, INT64_MAX, "2262-04-11T23:47:16.854775807Z");
	check_stamp(&stamp, INT64_MIN + 1, "1677-09-21T00:12:43.145224193Z");
}

TEST(decimal)
{
	static const uint64_t v[] = { 0, 9, 10, 99, 100, 12345, UINT64_MAX };

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		uint8_t out[20];
		char want[24];
		int n = snprintf(want, sizeof(want), "%llu",
		    (unsigned long long)v[i]);

		assert_int_equal(evt_timetext_write_decimal(v[i], out), n);
		assert_memory_equal(out, want, (size_t)n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(exact),
		RUN(marks_and_sent),
		RUN(text),
		RUN(base64),
		RUN(false_integer),
		RUN(stamps),
		RUN(decimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
