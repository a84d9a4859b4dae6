/*
 * test_subscription.c - requests in both forms, their answers, and reading
 * recorded answers.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/timetext.h"
#include "format/navixy/subscription.h"
#include "tests/unit/lib/test.h"

#define S EVT_NS_PER_S

/* ---- requests ----------------------------------------------------------- */

static evt_subscription_request *
parsed(const char *text)
{
	evt_subscription_refusal why = { 0 };
	evt_subscription_request *q;

	if (evt_subscription_request_parse(text, strlen(text), &q, &why) !=
	    EVT_OK)
		fail_msg("%s: %s", text, why.data);
	return q;
}

/* "state all", "state_batch 1,2 compact iso 5000000000": an item in short. */
static void
in_short(const evt_subscription_item *item, evt_buf *out)
{
	assert_true(
	    evt_buf_printf(out, "%s ", evt_subscription_kind_name(item->kind)));
	if (item->all)
		assert_true(evt_buf_add_str(out, "all"));
	for (size_t i = 0; i < item->n_ids; i++)
		assert_true(evt_buf_printf(out, "%s%lld", i > 0 ? "," : "",
		    (long long)item->ids[i]));
	if (item->variant & EVT_SUBSCRIPTION_COMPACT)
		assert_true(evt_buf_add_str(out, " compact"));
	if (item->variant & EVT_SUBSCRIPTION_ISO)
		assert_true(evt_buf_add_str(out, " iso"));
	if (item->period_ns != 0)
		assert_true(
		    evt_buf_printf(out, " %lld", (long long)item->period_ns));
}

static void
asks(const char *text, const char *want)
{
	evt_subscription_request *q = parsed(text);
	evt_buf got = { 0 };

	assert_true(evt_buf_add_str(&got, q->subscribe ? "+" : "-"));
	for (size_t i = 0; i < q->n_items; i++) {
		assert_true(evt_buf_add_str(&got, i > 0 ? " | " : " "));
		in_short(&q->item[i], &got);
	}
	assert_true(evt_buf_add_byte(&got, '\0'));
	assert_string_equal((char *)got.data, want);
	evt_buf_free(&got);
	evt_subscription_request_free(q);
}

#define OLD(rest) "{\"action\":\"subscribe\",\"hash\":\"h\"," rest "}"
#define NEW(requests) OLD("\"requests\":[" requests "]")
#define ALL "\"target\":{\"type\":\"all\"}"
#define SOME(ids) "\"target\":{\"type\":\"selected\",\"tracker_ids\":[" ids "]}"

TEST(old_form)
{
	static const char *const row[] = {
		OLD("\"events\":[\"state\"],\"trackers\":[1,2]"),
		"+ state 1,2",
		("{\"trackers\":[7],\"events\":[\"state\"],\"action\":"
		 "\"unsubscribe\"}"),
		"- state 7",
		OLD("\"events\":[\"state\"],\"trackers\":[]"),
		"+ state ",
		OLD("\"events\":[\"state\",\"lifecycle\",\"logout\"],"
		    "\"trackers\":[3]"),
		"+ state 3 | lifecycle 3 | logout 3",
		OLD("\"events\":[\"state_batch\"]," ALL
		    ",\"rate_limit\":\"5s\",\"format\":\"compact\",\"iso_"
		    "datetime\":true"),
		"+ state_batch all compact iso 5000000000",
		/* A name twice is one; so is an id. */
		OLD("\"events\":[\"state\",\"state\"],\"trackers\":[2,1,2,1]"),
		"+ state 2,1",
		OLD("\"other\":{},\"events\":[\"iot_monitor\"],\"trackers\":["
		    "1]"),
		"+ iot_monitor 1",
		"\r\n\t "
		"{\"action\":\"subscribe\",\"events\":[\"state\"],\"trackers\":"
		"[1]} \n",
		"+ state 1",
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i += 2)
		asks(row[i], row[i + 1]);
}

TEST(new_form)
{
	static const char *const row[] = {
		NEW("{\"type\":\"state\",\"trackers\":[1,2],\"format\":"
		    "\"compact\"}"),
		"+ state 1,2 compact",
		NEW("{\"type\":\"state_batch\"," ALL "}"),
		"+ state_batch all",
		NEW("{\"type\":\"readings_batch\"," SOME(
		    "5,6") ",\"rate_limit\":\"5s\",\"sensor_type\":"
		           "\"temperature\",\"include_components\":true}"),
		"+ readings_batch 5,6 5000000000",
		NEW("{\"type\":\"iot_monitor\"," SOME(
		    "1,2,3,4,5,6,7,8,9,10") "}"),
		"+ iot_monitor 1,2,3,4,5,6,7,8,9,10",
		NEW("{\"type\":\"state\",\"trackers\":[3]},{\"type\":\"state_"
		    "batch\"," ALL ",\"format\":\"full\"}"),
		"+ state 3 | state_batch all",
		/* Members beside "requests" apply to all of them. */
		"{\"action\":\"unsubscribe\",\"iso_datetime\":true,\"rate_"
		"limit\":\"1s\",\"requests\":[{\"type\":\"state\",\"trackers\":"
		"[1],\"rate_limit\":\"2s\"},{\"type\":\"state_batch\"," ALL
		"}]}",
		"- state 1 iso 2000000000 | state_batch all iso 1000000000",
		NEW("{\"type\":\"state\",\"trackers\":[1],\"iso_datetime\":"
		    "false}"),
		"+ state 1",
		/* A kind twice: all that they ask for, in the later manner. */
		NEW("{\"type\":\"state\",\"trackers\":[3,1],\"format\":"
		    "\"compact\"},{\"type\":\"state_batch\"," ALL
		    "},{\"type\":\"state\",\"trackers\":[2,1],\"rate_limit\":"
		    "\"3s\"}"),
		"+ state 3,1,2 3000000000 | state_batch all",
		NEW("{\"type\":\"iot_monitor\"," SOME(
		    "4,4,4,4,4,4,4,4,4,4") "}"),
		"+ iot_monitor 4",
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i += 2)
		asks(row[i], row[i + 1]);
}

TEST(all_and_some)
{
	evt_subscription_request *q =
	    parsed(NEW("{\"type\":\"state_batch\"," SOME(
	        "5") "},{\"type\":\"state_batch\"," ALL "}"));

	assert_int_equal(q->n_items, 1);
	assert_true(q->item[0].all);
	evt_subscription_request_free(q);
	evt_subscription_request_free(NULL);
}

TEST(hashes_and_forms)
{
	evt_subscription_request *q =
	    parsed(OLD("\"events\":[\"state\"],\"trackers\":[]"));

	assert_string_equal(q->hash, "h");
	assert_false(q->requests_form);
	evt_subscription_request_free(q);
	q = parsed(NEW("{\"type\":\"state\",\"trackers\":[]}"));
	assert_true(q->requests_form);
	evt_subscription_request_free(q);
	q = parsed("{\"action\":\"subscribe\",\"hash\":5,\"events\":[\"state\"]"
	           ",\"trackers\":[]}");
	assert_null(q->hash);
	evt_subscription_request_free(q);
}

TEST(rate_limits)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} row[] = {
		{ "\"5s\"", 5 * S },
		{ "\"5\"", 5 * S },
		{ "\"250ms\"", S / 4 },
		{ "\"1.5s\"", 3 * S / 2 },
		{ "\"1m30s\"", 90 * S },
		{ "\"0\"", 0 },
		{ "\"0s\"", 0 },
		{ "\"\"", -1 },
		{ "\"soon\"", -1 },
		{ "\"-5s\"", -1 },
		{ "\"5 s\"", -1 },
		{ "\"9999999999d\"", -1 },
		{ "5", -1 },
		{ "null", -1 },
		{ "[\"5s\"]", -1 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		evt_subscription_refusal why = { 0 };
		evt_subscription_request *q = NULL;
		char text[200];
		int r;

		snprintf(text, sizeof(text),
		    NEW("{\"type\":\"state_batch\"," ALL ",\"rate_limit\":%s}"),
		    row[i].text);
		r = evt_subscription_request_parse(text, strlen(text), &q,
		    &why);
		if (row[i].ns < 0) {
			assert_int_equal(r, EVT_ERR_ARG);
			assert_non_null(strstr(why.data, "rate_limit"));
			continue;
		}
		assert_int_equal(r, EVT_OK);
		assert_int_equal(q->item[0].period_ns, row[i].ns);
		evt_subscription_request_free(q);
	}
}

TEST(odd_ids)
{
	static const char *const good[] = { "0", "0", "1e3", "1000", "5.0", "5",
		"9007199254740992", "9007199254740992", "2147483648",
		"2147483648", "-0", "0" };
	static const char *const bad[] = { "-1", "1.5", "1e300",
		"9007199254740994", "18446744073709551616", "\"1\"", "null",
		"true", "[1]", "{}", "1,\"x\"" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i += 2) {
		char text[120], want[40];

		snprintf(text, sizeof(text),
		    OLD("\"events\":[\"state\"],\"trackers\":[%s]"), good[i]);
		snprintf(want, sizeof(want), "+ state %s", good[i + 1]);
		asks(text, want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_subscription_refusal why = { 0 };
		evt_subscription_request *q = NULL;
		char text[120];

		snprintf(text, sizeof(text),
		    OLD("\"events\":[\"state\"],\"trackers\":[%s]"), bad[i]);
		assert_int_equal(evt_subscription_request_parse(text,
		                     strlen(text), &q, &why),
		    EVT_ERR_ARG);
		assert_int_equal(why.code, EVT_SUBSCRIPTION_WRONG_PARAMETERS);
		assert_null(q);
	}
}

/* Many ids, half of them twice: each keeps the place of its first
 * occurrence. */
TEST(many_ids)
{
	enum { N = 20000 };
	evt_buf b = { 0 };
	evt_subscription_request *q;

	assert_true(evt_buf_add_str(&b,
	    "{\"action\":\"subscribe\",\"requests\":[{\"type\":\"state\","
	    "\"trackers\":[1"));
	for (uint32_t i = 1; i < N; i++)
		assert_true(evt_buf_printf(&b, ",%u", 1 + i * 7919 % (N / 2)));
	assert_true(evt_buf_add_str(&b, "]}]}"));
	assert_true(evt_buf_add_byte(&b, '\0'));
	q = parsed((char *)b.data);
	assert_int_equal(q->item[0].n_ids, N / 2);
	for (uint32_t i = 0; i < N / 2; i++)
		assert_int_equal(q->item[0].ids[i], 1 + i * 7919 % (N / 2));
	evt_subscription_request_free(q);
	evt_buf_free(&b);
}

/* ---- refusals ----------------------------------------------------------- */

TEST(refused)
{
	static const struct {
		const char *text;
		int code;
		const char *action, *data;
	} row[] = {
		{ "", 5, NULL, "not a JSON object" },
		{ "{", 5, NULL, "not a JSON object" },
		{ "subscribe", 5, NULL, "not a JSON object" },
		{ "[]", 5, NULL, "not a JSON object" },
		{ "null", 5, NULL, "not a JSON object" },
		{ "\"subscribe\"", 5, NULL, "not a JSON object" },
		{ "{\"action\":\"subscribe\"}}", 5, NULL, "not a JSON object" },
		{ "{\"action\":\"subscribe\"} x", 5, NULL,
		    "not a JSON object" },
		{ "{}", 7, NULL, "action" },
		{ "{\"action\":null}", 7, NULL, "action" },
		{ "{\"action\":[\"subscribe\"]}", 7, NULL, "action" },
		{ "{\"action\":\"dance\"}", 7, NULL, "dance" },
		{ "{\"action\":\"Subscribe\"}", 7, NULL, "Subscribe" },
		{ "{\"action\":\"unsubscribe\"}", 7, "subscription/unsubscribe",
		    "events or requests is missing" },
#define ROW(text, data) { text, 7, "subscription/subscribe", data }
		ROW(OLD("\"events\":[]"), "events is empty"),
		ROW(OLD("\"events\":\"state\""),
		    "events is empty or not an array"),
		ROW(OLD("\"events\":null"), "events is empty or not an array"),
		ROW(OLD("\"events\":[1],\"trackers\":[]"), "type"),
		ROW(OLD("\"events\":[\"weather\"],\"trackers\":[]"), "weather"),
		ROW(OLD("\"events\":[\"state\"]"), "trackers is missing"),
		ROW(OLD("\"events\":[\"state\"],\"trackers\":1"), "trackers"),
		ROW(OLD("\"events\":[\"state\"],\"trackers\":{\"1\":1}"),
		    "trackers is missing or not an array"),
		ROW(OLD("\"events\":[\"state\"],\"trackers\":[],\"format\":"
		        "\"tiny\""),
		    "format"),
		ROW(OLD("\"requests\":[]"), "requests is empty"),
		ROW(OLD("\"requests\":\"x\""),
		    "requests is empty or not an array"),
		ROW(NEW("1"), "type"),
		ROW(NEW("{}"), "type"),
		ROW(NEW("{\"type\":5}"), "type"),
		ROW(NEW("{\"type\":\"lifecycle\"," ALL "}"), "lifecycle"),
		ROW(NEW("{\"type\":\"logout\"," ALL "}"), "logout"),
		ROW(NEW("{\"type\":\"state\"}"), "trackers is missing"),
		ROW(NEW("{\"type\":\"state_batch\",\"target\":{}}"), "target"),
		ROW(NEW("{\"type\":\"state_batch\",\"target\":\"all\"}"),
		    "target"),
		ROW(NEW("{\"type\":\"state_batch\",\"target\":{\"type\":"
		        "\"none\"}}"),
		    "target"),
		ROW(NEW("{\"type\":\"state_batch\",\"target\":{\"type\":"
		        "\"selected\"}}"),
		    "tracker_ids is missing"),
		ROW(NEW("{\"type\":\"state_batch\"," SOME("\"a\"") "}"),
		    "tracker_ids"),
		ROW(NEW("{\"type\":\"state_batch\"," ALL ",\"format\":1}"),
		    "format"),
		ROW(NEW("{\"type\":\"iot_monitor\"," SOME(
		        "1,2,3,4,5,6,7,8,9,10,11") "}"),
		    "10 trackers"),
		ROW(NEW("{\"type\":\"state\",\"trackers\":[1]},{\"type\":"
		        "\"nothing\"}"),
		    "nothing"),
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		evt_subscription_refusal why = { 0 };
		evt_subscription_request *q = NULL;

		assert_int_equal(evt_subscription_request_parse(row[i].text,
		                     strlen(row[i].text), &q, &why),
		    EVT_ERR_ARG);
		assert_null(q);
		assert_int_equal(why.code, row[i].code);
		if (row[i].action == NULL)
			assert_null(why.action);
		else
			assert_string_equal(why.action, row[i].action);
		assert_non_null(strstr(why.data, row[i].data));
		assert_non_null(why.description);
	}
}

/* A text is taken by its length: it may end early, or hold a zero byte. */
TEST(lengths)
{
	static const char text[] =
	    OLD("\"events\":[\"state\"],\"trackers\":[1]");
	evt_subscription_refusal why = { 0 };
	evt_subscription_request *q = NULL;

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_int_equal(evt_subscription_request_parse(copy, n, &q,
		                     &why),
		    EVT_ERR_ARG);
		free(copy);
	}
	assert_int_equal(evt_subscription_request_parse(text, sizeof(text), &q,
	                     &why),
	    EVT_ERR_ARG);
	assert_null(q);
}

/* The words of a refusal are short, and hold nothing of the hash. */
TEST(words)
{
	static const char hash[] = "0123456789abcdef0123456789abcdef";
	evt_subscription_refusal why = { 0 };
	evt_subscription_request *q = NULL;
	char text[2000], name[1000];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	snprintf(text, sizeof(text),
	    "{\"action\":\"subscribe\",\"hash\":\"%s\",\"events\":[\"%s\"],"
	    "\"trackers\":[1]}",
	    hash, name);
	assert_int_equal(evt_subscription_request_parse(text, strlen(text), &q,
	                     &why),
	    EVT_ERR_ARG);
	assert_true(strlen(why.data) < 100);
	assert_null(strstr(why.data, hash));
}

/* ---- answers ------------------------------------------------------------- */

static void
even_ones_are_blocked(void *ctx, const evt_subscription_item *item,
    evt_subscription_put *put, void *arg)
{
	++*(int *)ctx;
	for (size_t i = 0; i < item->n_ids; i++)
		put(arg, item->ids[i], item->ids[i] % 2 ? "normal" : "blocked");
	if (item->all)
		put(arg, 99, "unknown");
}

static cJSON *
answer_to(const char *text, evt_buf *out)
{
	evt_subscription_request *q = parsed(text);
	cJSON *root;
	int calls = 0;

	out->len = 0;
	assert_true(
	    evt_subscription_answer(out, q, even_ones_are_blocked, &calls));
	assert_int_equal(calls, q->n_items);
	root = cJSON_ParseWithLength((char *)out->data, out->len);
	assert_non_null(root);
	evt_subscription_request_free(q);
	return root;
}

static void
is_string(const cJSON *v, const char *want)
{
	assert_true(cJSON_IsString(v));
	assert_string_equal(v->valuestring, want);
}

static const cJSON *
at(const cJSON *o, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(o, name);
}

TEST(answers)
{
	evt_buf out = { 0 };
	const cJSON *data;
	cJSON *root = answer_to(OLD("\"events\":[\"state\",\"lifecycle\"],"
	                            "\"trackers\":[3,4,9007199254740992]"),
	    &out);

	is_string(at(root, "type"), "response");
	is_string(at(root, "action"), "subscription/subscribe");
	assert_int_equal(cJSON_GetArraySize(at(root, "events")), 2);
	is_string(cJSON_GetArrayItem(at(root, "events"), 1), "lifecycle");
	data = at(root, "data");
	is_string(at(at(data, "state"), "3"), "normal");
	is_string(at(at(data, "state"), "4"), "blocked");
	is_string(at(at(data, "state"), "9007199254740992"), "blocked");
	assert_int_equal(cJSON_GetArraySize(at(data, "lifecycle")), 3);
	cJSON_Delete(root);
	root = answer_to("{\"action\":\"unsubscribe\",\"requests\":[{\"type\":"
	                 "\"state_batch\"," ALL
	                 "},{\"type\":\"state\",\"trackers\":[1,1,2]}]}",
	    &out);
	is_string(at(root, "action"), "subscription/unsubscribe");
	data = at(root, "data");
	assert_int_equal(cJSON_GetArraySize(data), 2);
	assert_true(cJSON_IsTrue(at(at(data, "state"), "success")));
	assert_int_equal(cJSON_GetArraySize(at(at(data, "state"), "value")), 2);
	is_string(at(at(at(data, "state"), "value"), "2"), "blocked");
	is_string(at(at(at(data, "state_batch"), "value"), "99"), "unknown");
	cJSON_Delete(root);
	root = answer_to(NEW("{\"type\":\"state\",\"trackers\":[]}"), &out);
	assert_true(cJSON_IsObject(at(at(at(root, "data"), "state"), "value")));
	cJSON_Delete(root);
	evt_buf_free(&out);
}

TEST(errors)
{
	evt_buf out = { 0 };
	cJSON *root;

	assert_true(evt_subscription_error(&out, NULL, 5,
	    "Wrong request format", "a \"quote\"\n\\"));
	root = cJSON_ParseWithLength((char *)out.data, out.len);
	is_string(at(root, "type"), "error");
	assert_true(cJSON_IsNull(at(root, "action")));
	assert_int_equal(at(at(root, "status"), "code")->valueint, 5);
	is_string(at(at(root, "status"), "description"),
	    "Wrong request format");
	is_string(at(root, "data"), "a \"quote\"\n\\");
	cJSON_Delete(root);
	out.len = 0;
	assert_true(evt_subscription_error(&out, "subscription/subscribe", 3,
	    "Wrong hash", NULL));
	root = cJSON_ParseWithLength((char *)out.data, out.len);
	is_string(at(root, "action"), "subscription/subscribe");
	assert_null(at(root, "data"));
	cJSON_Delete(root);
	evt_buf_free(&out);
}

/* ---- recorded answers -----------------------------------------------------
 */

static int
gather(void *ctx, int64_t tracker, evt_json_view status, evt_error *err)
{
	evt_buf *out = ctx;

	(void)err;
	if (tracker == 666)
		return EVT_ERR_NOMEM;
	assert_true(evt_buf_printf(out, "%lld=%.*s ", (long long)tracker,
	    (int)status.n, (const char *)status.p));
	return EVT_OK;
}

static int
read_answer(const char *text, evt_buf *out)
{
	evt_error err;
	int r;

	out->len = 0;
	r = evt_subscription_read_answer(evt_json_view_make((const uint8_t *)
	                                                        text,
	                                     strlen(text)),
	    gather, out, &err);
	assert_true(evt_buf_add_byte(out, '\0'));
	return r;
}

#define RESPONSE(data)                       \
	"{\"type\":\"response\",\"action\":" \
	"\"subscription/subscribe\",\"events\":[],\"data\":" data "}"

TEST(recorded)
{
	static const char *const row[] = {
		RESPONSE("{\"state\":{\"17\":\"normal\",\"18\":\"blocked\"}}"),
		"17=\"normal\" 18=\"blocked\" ",
		RESPONSE("{\"state\":{\"value\":{\"17\":\"normal\"},"
		         "\"success\":true},\"state_batch\":{\"success\":true,"
		         "\"value\":{\"5\":\"disallowed\"}}}"),
		"17=\"normal\" 5=\"disallowed\" ",
		RESPONSE("{\"state\":{\"value\":{\"1\":\"unknown\"}}}"),
		"1=\"unknown\" ",
		"{ \"data\" : { \"state\" : { \"-5\" : \"normal\" } } , "
		"\"action\":\"subscription/subscribe\",\"type\":\"response\"}",
		"-5=\"normal\" ",
		/* Messages that are not answers are skipped. */
		RESPONSE("{\"state\":{\"x\":\"normal\",\"\":\"normal\",\"1.5\":"
		         "\"normal\",\"1\":5,\"2\":null,\"3\":{},\"4\":"
		         "\"normal\",\"99999999999999999999\":\"normal\"}}"),
		"4=\"normal\" ",
		RESPONSE(
		    "{\"state\":[\"normal\"],\"b\":5,\"c\":null,\"d\":\"x\"}"),
		"",
		RESPONSE("{\"state\":{\"value\":[],\"success\":false}}"),
		"",
		RESPONSE("null"),
		"",
		RESPONSE("[]"),
		"",
		RESPONSE("{}"),
		"",
		("{\"type\":\"response\",\"action\":\"subscription/"
		 "unsubscribe\",\"data\":{\"state\":{\"1\":\"normal\"}}}"),
		"",
		("{\"type\":\"event\",\"action\":\"subscription/"
		 "subscribe\",\"data\":{\"state\":{\"1\":\"normal\"}}}"),
		"",
		("{\"type\":\"error\",\"action\":null,\"status\":{\"code\":3}"
		 "}"),
		"",
		"{}",
		"",
		"[]",
		"",
		"5",
		"",
		"\"response\"",
		"",
		"null",
		"",
	};
	evt_buf out = { 0 };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i += 2) {
		assert_int_equal(read_answer(row[i], &out), EVT_OK);
		assert_string_equal((char *)out.data, row[i + 1]);
	}
	assert_int_equal(
	    read_answer(RESPONSE(
	                    "{\"state\":{\"1\":\"normal\",\"666\":\"normal\","
	                    "\"2\":\"normal\"},\"b\":{\"3\":\"normal\"}}"),
	        &out),
	    EVT_ERR_NOMEM);
	assert_string_equal((char *)out.data, "1=\"normal\" ");
	evt_buf_free(&out);
}

/* Our own answers can be read. */
TEST(round_trip)
{
	static const char *const asked[] = {
		OLD("\"events\":[\"state\"],\"trackers\":[3,4,9]"),
		NEW("{\"type\":\"state\",\"trackers\":[3,4,9]}"),
	};
	evt_buf text = { 0 }, got = { 0 };

	for (size_t i = 0; i < 2; i++) {
		cJSON_Delete(answer_to(asked[i], &text));
		assert_true(evt_buf_add_byte(&text, '\0'));
		assert_int_equal(read_answer((char *)text.data, &got), EVT_OK);
		assert_string_equal((char *)got.data,
		    "3=\"normal\" 4=\"blocked\" 9=\"normal\" ");
	}
	evt_buf_free(&text);
	evt_buf_free(&got);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(old_form),
		RUN(new_form),
		RUN(all_and_some),
		RUN(hashes_and_forms),
		RUN(rate_limits),
		RUN(odd_ids),
		RUN(many_ids),
		RUN(refused),
		RUN(lengths),
		RUN(words),
		RUN(answers),
		RUN(errors),
		RUN(recorded),
		RUN(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
