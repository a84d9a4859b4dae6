/*
 * test_tracker_request.c - the list of trackers on its way onto the tape: nothing of
 * it is changed but white space and the credential.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/keys/json_scan.h"
#include "format/navixy/tracker_request.h"
#include "tests/unit/lib/test.h"

#define HASH "0123456789abcdef"

static evt_credential *
secret(void)
{
	evt_credential *s = evt_credential_new(NULL, HASH);
	evt_error err;

	assert_non_null(s);
	ok(evt_credential_load(s, &err), &err);
	return s;
}

/* Take a copy of the text; the payload NUL-terminated, free() it. */
static int
take(const char *text, char **ret, size_t *ret_count, evt_error *err)
{
	evt_credential *s = secret();
	char *copy = strdup(text);
	evt_buf b = { 0 };
	int r;

	assert_non_null(copy);
	r = evt_tracker_request_take((uint8_t *)copy, strlen(copy),
	    "https://h/l", s, &b, ret_count, err);
	if (r == EVT_OK) {
		assert_true(evt_buf_add_byte(&b, '\0'));
		*ret = (char *)b.data;
	}
	free(copy);
	evt_credential_free(s);
	return r;
}

TEST(payloads)
{
	static const struct {
		const char *text, *list;
		size_t n;
	} cases[] = {
		{ "[]", "[]", 0 },
		{ "{\"success\":true,\"list\":[]}", "[]", 0 },
		{ " {\r\n\t\"list\" : [ {\"id\" : 9007199254740993 , \"x\": "
		  "[1.50, 1e400 ,-0.0]},\n{ \"id\":2 }, {} ] } \n",
		    "[{\"id\":9007199254740993,\"x\":[1.50,1e400,-0.0]},{"
		    "\"id\":2},{}]",
		    2 },
		{ "[{\"id\":1,\"label\":\"a  b \\\" c , \\\\\" , "
		  "\"y\":\"\\u00e4 \"}]",
		    "[{\"id\":1,\"label\":\"a  b \\\" c , "
		    "\\\\\",\"y\":\"\\u00e4 \"}]",
		    1 },
		/* The credential is nowhere on the tape. */
		{ "[{\"id\":1,\"label\":\"x" HASH "y\"}]",
		    "[{\"id\":1,\"label\":\"x****************y\"}]", 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = NULL, want[300];
		evt_json_scanner *scanner;
		evt_json_scan_result scan;
		evt_error err;
		size_t n;

		ok(take(cases[i].text, &got, &n, &err), &err);
		assert_int_equal(n, cases[i].n);
		snprintf(want, sizeof(want),
		    "{\"mark\":\"trackers\",\"from\":\"https://h/"
		    "l\",\"trackers\":%zu,\"list\":%s}",
		    n, cases[i].list);
		assert_string_equal(got, want);
		ok(evt_json_scanner_new(NULL, &scanner, &err), &err);
		ok(evt_json_scan(scanner, (uint8_t *)got, strlen(want), &scan,
		       &err),
		    &err);
		assert_true(scan.json);
		assert_false(scan.line_break);
		evt_json_scanner_free(scanner);
		free(got);
	}
}

TEST(no_payloads)
{
	static const char *const cases[] = {
		"",
		"not JSON",
		"<html>",
		"not JSON",
		"{\"success\":true}",
		"no list",
		("{\"success\":false,\"status\":{\"code\":4,\"description\":"
		 "\"User or API key not found or session ended: " HASH "\"}}"),
		("refuses the tracker list: User or API key not found or "
		 "session ended: ****************"),
	};
	char *got = NULL;
	evt_error err;
	size_t n;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2) {
		assert_int_equal(take(cases[i], &got, &n, &err), EVT_ERR_ARG);
		assert_non_null(strstr(err.text, cases[i + 1]));
		assert_null(got);
	}
	/* Blots that would break it are seen. */
	assert_int_equal(take("[{\"id\":1," HASH "}]", &got, &n, &err),
	    EVT_ERR_ARG);
}

TEST(other_answers)
{
	static const struct {
		unsigned status;
		const char *text, *words;
	} cases[] = {
		{ 302, "", "HTTP 302 (moved): redirects are not followed" },
		{ 401, "", "HTTP 401: is the credential right?" },
		{ 404, "{}", "HTTP 404: is the path" },
		{ 500, "<html>" HASH, "HTTP 500" },
		{ 400,
		    "{\"success\":false,\"status\":{\"description\":"
		    "\"Wrong " HASH "\"}}",
		    "list: Wrong **************** (HTTP 400)" },
		{ 201, "{\"success\":true,\"list\":[]}", "HTTP 201" },
		{ 400, "{\"success\":fa", "HTTP 400" },
	};
	evt_credential *s = secret();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *copy = strdup(cases[i].text);
		evt_error err;

		assert_non_null(copy);
		assert_int_equal(evt_tracker_request_refused(cases[i].status,
		                     (uint8_t *)copy, strlen(copy), s, &err),
		    EVT_ERR_ARG);
		assert_non_null(strstr(err.text, cases[i].words));
		assert_null(strstr(err.text, HASH));
		free(copy);
	}
	evt_credential_free(s);
}

TEST(the_request)
{
	evt_buf b = { 0 };

	assert_true(evt_tracker_request_body("a\"b\\c45678", &b));
	assert_true(evt_buf_add_byte(&b, '\0'));
	assert_string_equal((char *)b.data, "{\"hash\":\"a\\\"b\\\\c45678\"}");
	evt_buf_free(&b);
}

TEST(the_shown_origin)
{
	static const char *const cases[] = {
		"https://api.example.com/v2/tracker/list?hash=abc&x=1",
		"https://api.example.com/v2/tracker/list",
		"HTTP://[::1]:81/${CREDENTIAL}/list",
		"http://[::1]:81/${CREDENTIAL}/list"
	};
	static const char *const files[] = { "list.json", "http", "./http://x",
		"ftp://x/", "" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i += 2) {
		evt_buf b = { 0 };
		evt_error err;
		evt_url url;

		assert_true(evt_tracker_request_is_url(cases[i]));
		ok(evt_url_parse(cases[i], &url, &err), &err);
		assert_true(evt_tracker_request_show(&url, &b));
		assert_true(evt_buf_add_byte(&b, '\0'));
		assert_string_equal((char *)b.data, cases[i + 1]);
		evt_buf_free(&b);
		evt_url_free(&url);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_false(evt_tracker_request_is_url(files[i]));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(payloads),
		RUN(no_payloads),
		RUN(other_answers),
		RUN(the_request),
		RUN(the_shown_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
