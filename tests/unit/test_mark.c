/* test_mark.c - each mark is one line of JSON with the members that
 * docs/format.md lists, whatever its texts contain. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "format/base/buf.h"
#include "format/mark.h"
#include "tests/unit/lib/test.h"

/* The mark's text; it must be these bytes. */
static void
reads(evt_buf *out, const char *want)
{
	assert_int_equal(out->len, strlen(want));
	assert_memory_equal(out->data, want, out->len);
	evt_buf_free(out);
}

TEST(of_a_run)
{
	static const char *const events[] = { "state_batch", "a\"b" };
	evt_buf out = { 0 };

	assert_true(evt_mark_started(&out, "ws://h/p?hash=${CREDENTIAL}",
	    "navixy", events, 2));
	reads(&out,
	    "{\"mark\":\"started\",\"program\":\"evtape-record " EVT_VERSION
	    "\",\"url\":\"ws://h/"
	    "p?hash=${CREDENTIAL}\",\"profile\":\"navixy\",\"events\":[\"state_"
	    "batch\",\"a\\\"b\"]}");
	assert_true(evt_mark_started(&out, NULL, NULL, NULL, 0));
	reads(&out,
	    "{\"mark\":\"started\",\"program\":\"evtape-record " EVT_VERSION
	    "\",\"url\":null,\"profile\":null,\"events\":[]}");
	assert_true(evt_mark_stopped(&out, "signal", UINT64_C(1) << 40));
	reads(&out,
	    "{\"mark\":\"stopped\",\"reason\":\"signal\",\"frames\":"
	    "1099511627776}");
	assert_true(evt_mark_clock(&out, -3600000000000));
	reads(&out, "{\"mark\":\"clock\",\"step_ns\":-3600000000000}");
}

TEST(of_a_connection)
{
	evt_buf out = { 0 };

	assert_true(
	    evt_mark_connected(&out, "ws://h/", "[::1]:1234", NULL, 1, -1));
	reads(&out,
	    "{\"mark\":\"connected\",\"url\":\"ws://h/"
	    "\",\"peer\":\"[::1]:1234\",\"tls\":null,\"attempt\":1,\"after_s\":"
	    "null}");
	assert_true(evt_mark_connected(&out, "wss://h/", "1.2.3.4:443",
	    "TLSv1.3 X", 12, 61234600000));
	reads(&out,
	    "{\"mark\":\"connected\",\"url\":\"wss://h/"
	    "\",\"peer\":\"1.2.3.4:443\",\"tls\":\"TLSv1.3 "
	    "X\",\"attempt\":12,\"after_s\":61.235}");
	assert_true(evt_mark_disconnected(&out, 1006, "line 1\nline\x01 2", 0));
	reads(&out,
	    "{\"mark\":\"disconnected\",\"code\":1006,\"reason\":\"line "
	    "1\\nline\\u0001 2\",\"frames\":0}");
}

/* Unknown counts are null, never a number. */
TEST(of_a_gap)
{
	evt_buf out = { 0 };
	evt_mark_gap_info gap = { .frames = EVT_MARK_UNKNOWN,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "not connected" };

	assert_true(evt_mark_gap(&out, &gap));
	reads(&out,
	    "{\"mark\":\"gap\",\"frames\":null,\"bytes\":null,\"reason\":\"not "
	    "connected\",\"seconds\":null,\"from\":null,\"to\":null}");
	gap = (evt_mark_gap_info){ .frames = 1,
		.bytes = 17000000,
		.reason = "too large",
		.has_span = true,
		.from_ns = 1700000000000000001,
		.to_ns = 1700000001500000000,
		.span_ns = 1499999999 };
	assert_true(evt_mark_gap(&out, &gap));
	reads(&out,
	    "{\"mark\":\"gap\",\"frames\":1,\"bytes\":17000000,\"reason\":"
	    "\"too "
	    "large\",\"seconds\":1.500,\"from\":\"2023-11-14T22:13:20."
	    "000000001Z\",\"to\":\"2023-11-14T22:13:21.500000000Z\"}");
}

TEST(of_a_trigger)
{
	evt_buf out = { 0 };

	assert_true(evt_mark_trigger(&out, "match", "/a=\"x\"", 7, 0));
	reads(&out,
	    "{\"mark\":\"trigger\",\"cause\":\"match\",\"what\":\"/"
	    "a=\\\"x\\\"\",\"frames\":7,\"let_go\":0}");
	assert_true(evt_mark_trigger(&out, "signal", NULL, 0, 12));
	reads(&out,
	    "{\"mark\":\"trigger\",\"cause\":\"signal\",\"what\":null,"
	    "\"frames\":0,\"let_go\":12}");
	assert_true(
	    evt_mark_trigger(&out, "recovered", NULL, 3, EVT_MARK_UNKNOWN));
	reads(&out,
	    "{\"mark\":\"trigger\",\"cause\":\"recovered\",\"what\":null,"
	    "\"frames\":3,\"let_go\":null}");
	assert_true(evt_mark_armed(&out, 60000000000, 1500000000));
	reads(&out, "{\"mark\":\"armed\",\"keep_s\":60.000,\"after_s\":1.500}");
}

TEST(of_a_bookmark)
{
	evt_buf out = { 0 };

	assert_true(evt_mark_bookmark(&out, "lap \"2\""));
	reads(&out, "{\"mark\":\"note\",\"text\":\"lap \\\"2\\\"\"}");
	assert_true(evt_mark_bookmark_removal(&out, UINT64_MAX));
	reads(&out, "{\"mark\":\"note\",\"removes\":18446744073709551615}");
}

TEST(of_lists_and_states)
{
	static const char list[] = "[ {\"id\" : 1,\n\"label\":\"a \\\" b\"} ]";
	static const int64_t received[] = { 1600000000000000000, -1 };
	evt_buf out = { 0 };

	assert_true(evt_mark_state(&out, 1700000000000000001, received, 2));
	reads(&out,
	    "{\"mark\":\"state\",\"frames\":2,\"before\":"
	    "\"2023-11-14T22:13:20.000000001Z\",\"received\":["
	    "\"2020-09-13T12:26:40.000000000Z\","
	    "\"1969-12-31T23:59:59.999999999Z\"]}");
	assert_true(evt_mark_trackers(&out, "list.json", 1,
	    (const uint8_t *)list, sizeof(list) - 1));
	reads(&out,
	    "{\"mark\":\"trackers\",\"from\":\"list.json\",\"trackers\":1,"
	    "\"list\":[{\"id\":1,\"label\":\"a \\\" b\"}]}");
}

TEST(names)
{
	for (unsigned i = EVT_MARK_STARTED; i <= EVT_MARK_ARMED; i++)
		assert_string_not_equal(evt_mark_name(i), "unknown");
	assert_string_equal(evt_mark_name(0), "unknown");
	assert_string_equal(evt_mark_name(EVT_MARK_ARMED + 1), "unknown");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(of_a_run),
		RUN(of_a_connection),
		RUN(of_a_gap),
		RUN(of_a_trigger),
		RUN(of_a_bookmark),
		RUN(of_lists_and_states),
		RUN(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
