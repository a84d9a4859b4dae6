/* test_http_head.c - heads of HTTP requests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/wire/http_head.h"
#include "tests/unit/lib/test.h"

static unsigned
read_head(const char *text, evt_http_head *head)
{
	const char *why = NULL;
	unsigned status = evt_http_head_read(text, strlen(text), head, &why);

	if (status != 0)
		assert_true(why != NULL && why[0] != '\0');
	return status;
}

/* The status to refuse a request with this first line, or these headers. */
static unsigned
judge(const char *first, const char *headers)
{
	char text[1000];
	evt_http_head head;
	unsigned status;

	snprintf(text, sizeof(text), "%s\r\n%s\r\n", first, headers);
	status = read_head(text, &head);
	evt_http_head_free(&head);
	return status;
}

static unsigned
judge_header(const char *header)
{
	return judge("GET / HTTP/1.1", header);
}

/* The path that a target means; NULL: it is refused. */
static char *
path_of(const char *target)
{
	char text[400], *path = NULL;
	evt_http_head head;

	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n\r\n", target);
	if (read_head(text, &head) == 0)
		path = strdup(head.path);
	evt_http_head_free(&head);
	return path;
}

static void
check_path(const char *target, const char *want)
{
	char *path = path_of(target);

	assert_non_null(path);
	assert_string_equal(path, want);
	free(path);
}

TEST(length)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";

	for (size_t n = 0; n < 27; n++)
		assert_int_equal(evt_http_head_length(text, n), 0);
	for (size_t n = 27; n < sizeof(text); n++)
		assert_int_equal(evt_http_head_length(text, n), 27);
	assert_int_equal(evt_http_head_length("a\n\nb", 4), 3);
	assert_int_equal(evt_http_head_length("\r\n\r\n\r\n", 6), 0);
	assert_int_equal(evt_http_head_length("\r\na\n\r\n", 6), 6);
	assert_true(evt_http_head_may_begin("", 0));
	assert_true(evt_http_head_may_begin("\r\n\r\nG", 5));
	assert_false(evt_http_head_may_begin("\x16\x03\x01", 3));
	assert_false(evt_http_head_may_begin("\n ", 2));
}

TEST(headers)
{
	evt_http_head head;

	assert_int_equal(
	    read_head(
	        "POST /p?a=1&b HTTP/1.0\nHost:h \r\nEmpty:\r\nTwice: a\r\n"
	        "tWICE: b\r\nList: a, upGrade ,b\r\nlist:c\r\n\r\n",
	        &head),
	    0);
	assert_string_equal(head.method, "POST");
	assert_string_equal(head.path, "/p");
	assert_false(head.persistent);
	assert_int_equal(head.args.n, 2);
	assert_string_equal(evt_http_head_arg(&head.args, "a"), "1");
	assert_null(evt_http_head_arg(&head.args, "b"));
	assert_string_equal(evt_http_head_get(&head, "hOST"), "h");
	assert_string_equal(evt_http_head_get(&head, "Empty"), "");
	assert_string_equal(evt_http_head_get(&head, "Twice"), "");
	assert_null(evt_http_head_get(&head, "Hos"));
	assert_true(evt_http_head_has_word(&head, "List", "upgrade"));
	assert_true(evt_http_head_has_word(&head, "List", "c"));
	assert_false(evt_http_head_has_word(&head, "List", "upgrad"));
	assert_false(evt_http_head_has_word(&head, "Host", "upgrade"));
	evt_http_head_free(&head);
}

TEST(paths)
{
	check_path("/", "/");
	check_path("/a/b", "/a/b");
	check_path("//a///b/", "/a/b/");
	check_path("/./a/./b/.", "/a/b/");
	check_path("/a/../b", "/b");
	check_path("/../../etc", "/etc");
	check_path("/a/..", "/");
	check_path("/a/b/%2e%2E/c", "/a/c");
	check_path("/a/%2E/b", "/a/b");
	check_path("/.../..a/.b", "/.../..a/.b");
	/* An escape is part of a name: an id may hold a slash. */
	check_path("/s/a%2F..%2fb", "/s/a/../b");
	check_path("/s/%2F%2F", "/s///");
	check_path("/a+b%2Bc%20d", "/a+b+c d");
	check_path("/%ff%25", "/\xff%");
	check_path("/a?b/../c", "/a");
}

TEST(queries)
{
	evt_http_head head;

	assert_int_equal(read_head("GET /?a=x+y%2B%26&&%61=2&c=d=e&f=%3D? "
	                           "HTTP/1.1\r\n\r\n",
	                     &head),
	    0);
	assert_int_equal(head.args.n, 4);
	assert_string_equal(head.args.item[0], "a=x y+&");
	assert_string_equal(head.args.item[1], "a=2");
	assert_string_equal(head.args.item[2], "c=d=e");
	assert_string_equal(evt_http_head_arg(&head.args, "f"), "=?");
	assert_string_equal(evt_http_head_arg(&head.args, "a"), "x y+&");
	evt_http_head_free(&head);
}

/* Requests that two programs could decode differently are refused. */
TEST(bad_escapes)
{
	static const char *const bad[] = { "%", "%4", "%zz", "%4z", "%z4",
		"%00", "a%00b", "%0", "%-1", "% 1", "%u0041", "%%30" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char target[40];

		snprintf(target, sizeof(target), "/%s", bad[i]);
		assert_null(path_of(target));
		snprintf(target, sizeof(target), "/?token=%s", bad[i]);
		assert_null(path_of(target));
		snprintf(target, sizeof(target), "/?%s=1&a=b", bad[i]);
		assert_null(path_of(target));
	}
}

TEST(bad_first_lines)
{
	static const struct {
		const char *line;
		unsigned status;
	} row[] = {
		{ "GET / HTTP/1.1", 0 },
		{ "GET / HTTP/1.0", 0 },
		{ "X-Y!~ / HTTP/1.2", 0 },
		{ "GET / HTTP/2.0", 505 },
		{ "GET / HTTP/0.9", 505 },
		{ "GET / HTTP/1.x", 505 },
		{ "GET / HTTP/1.10", 400 },
		{ "GET / HTTP/11", 400 },
		{ "GET / http/1.1", 400 },
		{ "GET /", 400 },
		{ "GET", 400 },
		{ "GET  / HTTP/1.1", 400 },
		{ "GET /  HTTP/1.1", 400 },
		{ "GET / HTTP/1.1 ", 400 },
		{ " GET / HTTP/1.1", 400 },
		{ "GET\t/ HTTP/1.1", 400 },
		{ "GET /a\tb HTTP/1.1", 400 },
		{ "GET /a\x01 HTTP/1.1", 400 },
		{ "GET /a\r HTTP/1.1", 400 },
		{ "G(T / HTTP/1.1", 400 },
		{ "GET * HTTP/1.1", 400 },
		{ "GET a HTTP/1.1", 400 },
		{ "GET http://localhost/ HTTP/1.1", 400 },
		{ "CONNECT localhost:80 HTTP/1.1", 400 },
		{ "PRI * HTTP/2.0", 505 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(judge(row[i].line, ""), row[i].status);
}

TEST(bad_headers)
{
	static const char *const bad[] = { "Host\r\n", "Host : a\r\n",
		" Host: a\r\n", "Host: a\r\n b\r\n", "Host: a\r\n\tb\r\n",
		": a\r\n", "Ho st: a\r\n", "Host: a\rb\r\n", "Host: a\r\r\n",
		"Host: a\x7f\r\n", "Host: \x1b[m\r\n", "H\xc3\xb6: a\r\n",
		"\r: a\r\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(judge_header(bad[i]), 400);
	assert_int_equal(judge_header("a:\tb\tc \r\n"), 0);
	assert_int_equal(judge_header("a: \xff\r\n"), 0);
}

/* A NUL ends no string early. */
TEST(nul)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n",
	                  path[] = "GET /a\0b HTTP/1.1\r\n\r\n",
	                  name[] = "GET / HTTP/1.1\r\nHo\0st: a\r\n\r\n";
	const char *why;
	evt_http_head head;

	assert_int_equal(evt_http_head_read(text, sizeof(text) - 1, &head,
	                     &why),
	    400);
	evt_http_head_free(&head);
	assert_int_equal(evt_http_head_read(path, sizeof(path) - 1, &head,
	                     &why),
	    400);
	evt_http_head_free(&head);
	assert_int_equal(evt_http_head_read(name, sizeof(name) - 1, &head,
	                     &why),
	    400);
	evt_http_head_free(&head);
}

TEST(too_long)
{
	char *text = malloc(EVT_HTTP_HEAD_MAX + 1);
	evt_http_head head;
	const char *why;

	assert_non_null(text);
	memset(text, 'a', EVT_HTTP_HEAD_MAX + 1);
	memcpy(text, "GET /", 5);
	assert_int_equal(evt_http_head_read(text, EVT_HTTP_HEAD_MAX + 1, &head,
	                     &why),
	    431);
	evt_http_head_free(&head);
	memcpy(text + EVT_HTTP_HEAD_MAX - 13, " HTTP/1.1\r\n\r\n", 13);
	assert_int_equal(evt_http_head_read(text, EVT_HTTP_HEAD_MAX, &head,
	                     &why),
	    0);
	assert_int_equal(strlen(head.path), EVT_HTTP_HEAD_MAX - 13 - 4);
	evt_http_head_free(&head);
	free(text);
}

TEST(bodies)
{
	static const struct {
		const char *headers;
		unsigned status;
		int64_t len;
	} row[] = {
		{ "", 0, 0 },
		{ "Content-Length: 0\r\n", 0, 0 },
		{ "Content-Length: 0012\r\n", 0, 12 },
		{ "Content-Length: 9223372036854775807\r\n", 0, INT64_MAX },
		{ "Content-Length: 9223372036854775808\r\n", 400, 0 },
		{ "Content-Length: 18446744073709551618\r\n", 400, 0 },
		{ "Content-Length: 00000000000000000002\r\n", 400, 0 },
		{ "Content-Length:\r\n", 400, 0 },
		{ "Content-Length: -0\r\n", 400, 0 },
		{ "Content-Length: +2\r\n", 400, 0 },
		{ "Content-Length: 0x2\r\n", 400, 0 },
		{ "Content-Length: 2 2\r\n", 400, 0 },
		{ "Content-Length: 2,2\r\n", 400, 0 },
		{ "Content-Length: 2.0\r\n", 400, 0 },
		{ "Content-Length: two\r\n", 400, 0 },
		{ "Content-Length: 2\r\nContent-Length: 2\r\n", 400, 0 },
		{ "Transfer-Encoding: chunked\r\n", 411, 0 },
		{ "Transfer-Encoding:\r\n", 411, 0 },
		{ "transfer-encoding: a\r\ntransfer-encoding: b\r\n", 411, 0 },
		{ "Content-Length: 2\r\nTransfer-Encoding: identity\r\n", 411,
		    0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[200];
		evt_http_head head;
		int64_t len;
		const char *why;

		snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n%s\r\n",
		    row[i].headers);
		assert_int_equal(read_head(text, &head), 0);
		assert_int_equal(evt_http_head_body(&head, &len, &why),
		    row[i].status);
		if (row[i].status == 0)
			assert_true(len == row[i].len);
		evt_http_head_free(&head);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(length),
		RUN(headers),
		RUN(paths),
		RUN(queries),
		RUN(bad_escapes),
		RUN(bad_first_lines),
		RUN(bad_headers),
		RUN(nul),
		RUN(too_long),
		RUN(bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
