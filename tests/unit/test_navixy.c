/* test_navixy.c - subscriptions to the platform, and the meaning of its
 * answers. */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/timetext.h"
#include "format/mark.h"
#include "format/navixy/navixy.h"
#include "tests/unit/lib/test.h"

/* The subscription as a tree; cJSON_Delete() it. */
static cJSON *
subscription(const evt_navixy_options *o)
{
	evt_buf out = { 0 };
	evt_error err;
	cJSON *root;

	ok(evt_navixy_subscription(o, "HASH", &out, &err), &err);
	root = cJSON_ParseWithLength((char *)out.data, out.len);
	assert_non_null(root);
	evt_buf_free(&out);
	return root;
}

/* A value by its path of names and numbers, "requests.0.type", as text. */
static const char *
value(const cJSON *at, const char *path)
{
	while (at != NULL && *path != '\0') {
		size_t n = strcspn(path, ".");
		char name[32];

		assert_true(n < sizeof(name));
		memcpy(name, path, n);
		name[n] = '\0';
		at = cJSON_IsArray(at) ?
		    cJSON_GetArrayItem(at, (int)strtol(name, NULL, 10)) :
		    cJSON_GetObjectItemCaseSensitive(at, name);
		path += n + (path[n] == '.');
	}
	return cJSON_GetStringValue(at);
}

TEST(new_form)
{
	const char *events[] = { "state", "state_batch" };
	const char *trackers[] = { "1", "22" };
	evt_navixy_options o = { 0 };
	cJSON *root = subscription(&o);

	assert_string_equal(value(root, "action"), "subscribe");
	assert_string_equal(value(root, "hash"), "HASH");
	assert_string_equal(value(root, "requests.0.type"), "state_batch");
	assert_string_equal(value(root, "requests.0.target.type"), "all");
	assert_string_equal(value(root, "requests.0.rate_limit"), "5s");
	assert_string_equal(value(root, "requests.0.format"), "full");
	cJSON_Delete(root);
	o = (evt_navixy_options){ .events = events,
		.n_events = 2,
		.trackers = trackers,
		.n_trackers = 2,
		.rate_limit = "1s",
		.compact = true };
	root = subscription(&o);
	assert_string_equal(value(root, "requests.0.type"), "state");
	assert_string_equal(value(root, "requests.0.format"), "compact");
	assert_string_equal(value(root, "requests.1.target.type"), "selected");
	assert_string_equal(value(root, "requests.1.rate_limit"), "1s");
	cJSON_Delete(root);
}

TEST(old_form)
{
	const char *trackers[] = { "7" };
	evt_navixy_options o = { .trackers = trackers,
		.n_trackers = 1,
		.old_form = true };
	cJSON *root = subscription(&o);

	assert_string_equal(value(root, "events.0"), "state");
	assert_null(cJSON_GetObjectItem(root, "requests"));
	assert_int_equal(cJSON_GetArraySize(
	                     cJSON_GetObjectItem(root, "trackers")),
	    1);
	cJSON_Delete(root);
}

TEST(requests_that_are_refused)
{
	const char *bogus[] = { "bogus" }, *single[] = { "state" };
	const char *alone[] = { "logout" };
	evt_navixy_options cases[] = {
		{ .events = bogus, .n_events = 1 },
		{ .events = single, .n_events = 1 },
		{ .events = alone, .n_events = 1 },
		{ .trackers = bogus, .n_trackers = 1 },
		{ .old_form = true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_buf out = { 0 };
		evt_error err;

		assert_int_equal(evt_navixy_subscription(&cases[i], "HASH",
		                     &out, &err),
		    EVT_ERR_ARG);
		assert_true(strlen(err.text) > 10);
		evt_buf_free(&out);
	}
}

TEST(handshakes)
{
	evt_navixy_handshake h;
	const char good[] = "c8834462-c46e-4dad-a22f-b86aabe3f883|60000|X|";
	static const char *const bad[] = { "", "X", "|60000|X|", "id|x|X|",
		"{\"a\":\"|1|X|\"}", "id|60000", "id|60000|X|more" };

	assert_true(
	    evt_navixy_is_handshake((const uint8_t *)good, strlen(good), &h));
	assert_string_equal(h.id, "c8834462-c46e-4dad-a22f-b86aabe3f883");
	assert_int_equal(h.beat_ns, 60 * EVT_NS_PER_S);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (evt_navixy_is_handshake((const uint8_t *)bad[i],
		        strlen(bad[i]), &h))
			fail_msg("'%s' is taken", bad[i]);
	}
}

TEST(answers)
{
	static const struct {
		const char *text;
		enum evt_navixy_type type;
		const char *words;
	} cases[] = {
		{ "{\"type\":\"event\",\"event\":\"state\",\"data\":{}}",
		    EVT_NAVIXY_EVENT, "" },
		{ "{\"data\":\"session "
		  "closed\",\"event\":\"logout\",\"type\":\"event\"}",
		    EVT_NAVIXY_LOGOUT, "" },
		{ "{\"type\":\"event\",\"event\":\"logout\",\"data\":\"session "
		  "closed\"}",
		    EVT_NAVIXY_LOGOUT, "" },
		{ "{\"type\":\"error\",\"action\":null,\"status\":{\"code\":3,"
		  "\"description\":\"Wrong hash\"}}",
		    EVT_NAVIXY_ERROR,
		    "refuses the credential (code 3, Wrong hash)" },
		{ "{\"type\":\"error\",\"status\":{\"code\":7}}",
		    EVT_NAVIXY_ERROR, "code 7" },
		{ "{\"type\":\"response\",\"data\":{\"state\":{\"value\":{"
		  "\"1\":\"normal\",\"2\":\"unknown\"}}}}",
		    EVT_NAVIXY_RESPONSE, "1 of the trackers" },
		{ "{\"type\":\"response\",\"data\":{\"state\":{\"1\":"
		  "\"blocked\"}}}",
		    EVT_NAVIXY_RESPONSE, "blocked" },
		{ "X", EVT_NAVIXY_EVENT, "" },
		{ "", EVT_NAVIXY_EVENT, "" },
		{ "[1", EVT_NAVIXY_EVENT, "" },
		/* A name that only looks like it, deep inside. */
		{ "{\"type\":\"event\",\"event\":\"state\",\"data\":{\"label\":"
		  "\"\\\"event\\\":\\\"logout\\\"\"}}",
		    EVT_NAVIXY_EVENT, "" },
	};
	evt_navixy *navixy;
	evt_error err;

	ok(evt_navixy_new(&navixy, &err), &err);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_navixy_answer got = { 0 };

		evt_navixy_read(navixy, (const uint8_t *)cases[i].text,
		    strlen(cases[i].text), &got);
		if (got.type != cases[i].type ||
		    strstr(got.text, cases[i].words) == NULL)
			fail_msg("%s: %d, '%s'", cases[i].text, got.type,
			    got.text);
	}
	evt_navixy_free(navixy);
}

/* ---- marks ---------------------------------------------------------------------- */

static void
check_mark(evt_buf *out, const char *name, const char *const *members)
{
	cJSON *root = cJSON_ParseWithLength((char *)out->data, out->len);

	assert_non_null(root);
	assert_string_equal(value(root, "mark"), name);
	for (; *members != NULL; members++) {
		if (!cJSON_HasObjectItem(root, *members))
			fail_msg("%s has no %s", name, *members);
	}
	assert_null(memchr(out->data, '\n', out->len));
	cJSON_Delete(root);
	out->len = 0;
}

TEST(marks_have_the_members_that_are_documented)
{
	static const char *const m_started[] = { "program", "url", "profile",
		"events", NULL };
	static const char *const m_stopped[] = { "reason", "frames", NULL };
	static const char *const m_connected[] = { "url", "peer", "tls",
		"attempt", "after_s", NULL };
	static const char *const m_lost[] = { "code", "reason", "frames",
		NULL };
	static const char *const m_gap[] = { "frames", "bytes", "reason",
		"seconds", "from", "to", NULL };
	static const char *const m_clock[] = { "step_ns", NULL };
	const char *events[] = { "state" };
	evt_mark_gap_info gap = { .frames = EVT_MARK_UNKNOWN,
		.bytes = 5,
		.reason = "a \"reason\"\nof two lines",
		.has_span = true,
		.from_ns = 0,
		.to_ns = EVT_NS_PER_S,
		.span_ns = EVT_NS_PER_S };
	evt_buf out = { 0 };

	assert_true(evt_mark_started(&out, "ws://h/", "navixy", events, 1));
	check_mark(&out, "started", m_started);
	assert_true(evt_mark_started(&out, NULL, NULL, NULL, 0));
	check_mark(&out, "started", m_started);
	assert_true(evt_mark_stopped(&out, "signal SIGTERM", 7));
	check_mark(&out, "stopped", m_stopped);
	assert_true(
	    evt_mark_connected(&out, "ws://h/", "1.2.3.4:5", NULL, 1, -1));
	check_mark(&out, "connected", m_connected);
	assert_true(evt_mark_disconnected(&out, 1006, "gone", 3));
	check_mark(&out, "disconnected", m_lost);
	assert_true(evt_mark_gap(&out, &gap));
	check_mark(&out, "gap", m_gap);
	assert_true(evt_mark_clock(&out, INT64_MIN));
	check_mark(&out, "clock", m_clock);
	evt_buf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(new_form),
		RUN(old_form),
		RUN(requests_that_are_refused),
		RUN(handshakes),
		RUN(answers),
		RUN(marks_have_the_members_that_are_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
