/* test_mark_words.c - marks in words: those that we write, and any others. */
#include <stdlib.h>
#include <string.h>

#include "format/mark.h"
#include "tests/unit/lib/test.h"
#include "tools/evtape/lib/mark_words.h"

static void
says(unsigned opcode, const char *json, const char *want)
{
	evt_buf out = { 0 };

	assert_true(mark_words_add(&out, opcode, json));
	assert_true(evt_buf_add_byte(&out, '\0'));
	assert_string_equal((char *)out.data, want);
	evt_buf_free(&out);
}

/* The payload that mark.c writes, in words. */
#define SAYS(opcode, call, want)                         \
	do {                                             \
		evt_buf b = { 0 };                       \
		assert_true(call);                       \
		assert_true(evt_buf_add_byte(&b, '\0')); \
		says(opcode, (char *)b.data, want);      \
		evt_buf_free(&b);                        \
	} while (0)

TEST(every_mark_of_ours)
{
	static const char *const events[] = { "state", "lifecycle" };
	const evt_mark_gap_info lost = { .frames = 1,
		.bytes = 20,
		.reason = "queue full",
		.has_span = true,
		.from_ns = 0,
		.to_ns = 1500000000,
		.span_ns = 1500000000 };
	const evt_mark_gap_info unknown = { .frames = EVT_MARK_UNKNOWN,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "the connection was lost" };

	SAYS(EVT_MARK_STARTED,
	    evt_mark_started(&b, "wss://h/p", "navixy", events, 2),
	    "started: evtape-record " EVT_VERSION
	    ", wss://h/p, profile navixy; events state, lifecycle");
	SAYS(EVT_MARK_STARTED, evt_mark_started(&b, NULL, NULL, NULL, 0),
	    "started: evtape-record " EVT_VERSION);
	SAYS(EVT_MARK_STOPPED, evt_mark_stopped(&b, "end of input", 1),
	    "stopped: end of input; 1 frame");
	SAYS(EVT_MARK_CONNECTED,
	    evt_mark_connected(&b, "wss://h/p", "10.0.0.1:443", "TLSv1.3", 2,
	        4000000000),
	    "connected to wss://h/p at 10.0.0.1:443, TLSv1.3, 4s after the "
	    "connection was lost");
	SAYS(EVT_MARK_CONNECTED,
	    evt_mark_connected(&b, "ws://h/p", "10.0.0.1:80", NULL, 1, -1),
	    "connected to ws://h/p at 10.0.0.1:80");
	SAYS(EVT_MARK_DISCONNECTED,
	    evt_mark_disconnected(&b, 1006, "reset by peer", 12),
	    "disconnected, code 1006: reset by peer; 12 frames");
	SAYS(EVT_MARK_GAP, evt_mark_gap(&b, &lost),
	    "1 frame, 20 bytes lost in 1.5s, from "
	    "1970-01-01T00:00:00.000000000Z to 1970-01-01T00:00:01.500000000Z: "
	    "queue full");
	SAYS(EVT_MARK_GAP, evt_mark_gap(&b, &unknown),
	    "an unknown number of frames lost: the connection was lost");
	SAYS(EVT_MARK_CLOCK, evt_mark_clock(&b, -2000000000),
	    "the clock was set back by 2s");
	SAYS(EVT_MARK_BOOKMARK, evt_mark_bookmark(&b, "gate \"A\""),
	    "bookmark 'gate \"A\"'");
	SAYS(EVT_MARK_BOOKMARK, evt_mark_bookmark_removal(&b, 17),
	    "bookmark #17 removed");
	SAYS(EVT_MARK_STATE,
	    evt_mark_state(&b, 0, (const int64_t[]){ 1, 2 }, 2),
	    "what counts here, from before 1970-01-01T00:00:00.000000000Z: 2 "
	    "frames");
	SAYS(EVT_MARK_TRACKERS,
	    evt_mark_trackers(&b, "https://h/list", 3, (const uint8_t *)"[]",
	        2),
	    "tracker list of 3 trackers from https://h/list");
	SAYS(EVT_MARK_TRIGGER,
	    evt_mark_trigger(&b, "match", "/data/alarm=1", 1, 50),
	    "trigger: match '/data/alarm=1'; kept 1 held frame; discarded 50 "
	    "frames");
	SAYS(EVT_MARK_ARMED, evt_mark_armed(&b, 10000000000, 5000000000),
	    "waiting for a trigger; keeps 10s before it and 5s after it");
}

/* A tape may come from anywhere. */
TEST(other_marks)
{
	static const char *const odd[] = { "", "{", "[]", "7", "null",
		"\"x\"" };

	for (unsigned opcode = 0; opcode < 256; opcode++) {
		for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
			says(opcode, odd[i], odd[i]);
	}
	says(200, "{\"mark\":\"new\"}", "{\"mark\":\"new\"}");
	says(EVT_MARK_GAP,
	    "{\"frames\":1e300,\"bytes\":-5,\"seconds\":1e308,\"from\":7,"
	    "\"reason\":[]}",
	    "an unknown number of frames lost");
	says(EVT_MARK_CLOCK, "{\"step_ns\":1e300}", "the clock was set");
	says(EVT_MARK_STARTED, "{\"events\":[1,\"a\",null]}",
	    "started; events a");
	says(EVT_MARK_DISCONNECTED, "{}", "disconnected");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(every_mark_of_ours),
		RUN(other_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
