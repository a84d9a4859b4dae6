/* test_access.c - tokens, and which requests a server accepts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/wire/access.h"
#include "tests/unit/lib/test.h"

#define TOKEN "0123456789abcdef"

/* ---- tokens -------------------------------------------------------------- */

static int
read_token(const char *text, size_t n, char *token, evt_error *err)
{
	char path[] = "/tmp/evtape-test-token-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
	r = evt_access_token_read(path, token, err);
	assert_int_equal(unlink(path), 0);
	return r;
}

TEST(token_files)
{
	static const char *const good[] = { TOKEN, TOKEN "\n",
		"  " TOKEN "\t \r\n", TOKEN "\nmore\n" };
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "", "not 0" },
		{ "\n", "not 0" },
		{ "short\n", "not 5" },
		{ TOKEN " " TOKEN, "white space" },
		{ TOKEN "\x01", "visible" },
		{ TOKEN "\xc3\xa9", "visible" },
	};
	char token[EVT_ACCESS_TOKEN_MAX + 1], big[EVT_ACCESS_TOKEN_MAX + 1000];
	evt_error err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(read_token(good[i], strlen(good[i]), token,
		                     &err),
		    EVT_OK);
		assert_string_equal(token, TOKEN);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(read_token(bad[i].text, strlen(bad[i].text),
		                     token, &err),
		    EVT_ERR_ARG);
		if (strstr(err.text, bad[i].why) == NULL)
			fail_msg("%s", err.text);
	}
	memset(big, 'x', sizeof(big));
	assert_int_equal(read_token(big, sizeof(big), token, &err),
	    EVT_ERR_ARG);
	assert_int_equal(read_token(big, EVT_ACCESS_TOKEN_MAX, token, &err),
	    EVT_OK);
	assert_int_equal(evt_access_token_read("/nowhere/token", token, &err),
	    EVT_ERR_IO);
	assert_int_equal(evt_access_token_take(" " TOKEN "\nmore",
	                     "EVTAPE_TOKEN", token, &err),
	    EVT_OK);
	assert_string_equal(token, TOKEN);
	assert_int_equal(evt_access_token_take("a b", "EVTAPE_TOKEN", token,
	                     &err),
	    EVT_ERR_ARG);
	assert_non_null(strstr(err.text, "EVTAPE_TOKEN"));
}

static int
judge(const evt_access *a, const char *auth, const char *token)
{
	evt_access_request q = { .host = "localhost",
		.authorization = auth,
		.token = token };

	return evt_access_status(evt_access_judge(a, &q));
}

TEST(tokens)
{
	evt_access a = { .host = "127.0.0.1", .token = TOKEN };

	assert_int_equal(judge(&a, NULL, NULL), 401);
	assert_int_equal(judge(&a, NULL, ""), 401);
	assert_int_equal(judge(&a, NULL, "0123456789abcdeg"), 401);
	assert_int_equal(judge(&a, NULL, TOKEN TOKEN), 401);
	assert_int_equal(judge(&a, NULL, "0"), 401);
	assert_int_equal(judge(&a, "Basic " TOKEN, NULL), 401);
	assert_int_equal(judge(&a, "Bearer", NULL), 401);
	assert_int_equal(judge(&a, "Bearer x", TOKEN), 401);
	assert_non_null(strstr(evt_access_why(EVT_ACCESS_NO_TOKEN), "Bearer"));
	assert_int_equal(judge(&a, NULL, TOKEN), 0);
	assert_int_equal(judge(&a, "Bearer " TOKEN, NULL), 0);
	assert_int_equal(judge(&a, "bearer  " TOKEN, "x"), 0);
	a.token = NULL;
	assert_int_equal(judge(&a, NULL, "anything"), 0);
}

/* ---- Host and Origin ----------------------------------------------------- */

struct row {
	const char *host, *origin;
	int status;
};

static void
check_rows(const evt_access *a, const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		evt_access_request q = { .host = row[i].host,
			.origin = row[i].origin };
		int status = evt_access_status(evt_access_judge(a, &q));

		if (status != row[i].status)
			fail_msg("Host %s, Origin %s: %d", row[i].host,
			    row[i].origin, status);
	}
}

TEST(on_loopback)
{
	static const struct row row[] = {
		{ "127.0.0.1:8787", NULL, 0 },
		{ "localhost", NULL, 0 },
		{ "[::1]:8787", NULL, 0 },
		{ "localhost:1", "http://localhost:3000", 0 },
		{ "localhost:1", "https://127.0.0.1", 0 },
		{ "localhost:1", "http://[::1]:5", 0 },
		{ "localhost:1", "http://evil.example", 403 },
		{ "localhost:1", "http://localhost.evil.example", 403 },
		{ "localhost:1", "http://localhost@evil.example", 403 },
		{ "localhost:1", "http://localhost:1@evil.example", 403 },
		{ "localhost:1", "http://localhost:1x", 403 },
		{ "localhost:1@evil.example", NULL, 403 },
		{ "localhost:1, evil.example", NULL, 403 },
		{ "localhost:x", NULL, 403 },
		{ "localhost:", NULL, 0 },
		{ "[::1]x:1", NULL, 403 },
		{ "localhost:1", "http://evil.example/localhost", 403 },
		{ "localhost:1", "null", 403 },
		{ "localhost:1", "", 403 },
		{ "localhost:1", "localhost", 403 },
		{ "evil.example:8787", NULL, 403 },
		{ "evil.example", "http://evil.example", 403 },
		{ "10.0.0.1:8787", NULL, 403 },
		{ "[::1", NULL, 403 },
		{ "", NULL, 403 },
		{ NULL, NULL, 403 },
	};
	evt_access a = { .host = "127.0.0.1" };

	check_rows(&a, row, sizeof(row) / sizeof(row[0]));
}

TEST(beyond_loopback)
{
	static const struct row row[] = {
		{ "10.0.0.1:8787", NULL, 0 },
		{ "[2001:db8::1]:8787", NULL, 0 },
		{ "localhost:1", NULL, 0 },
		{ "replay.example:8787", NULL, 0 },
		{ "REPLAY.example", NULL, 0 },
		{ "10.0.0.1:8787", "http://10.0.0.1:8787", 0 },
		{ "10.0.0.1:8787", "http://10.0.0.1:9999", 403 },
		{ "10.0.0.1:8787", "http://other.example", 403 },
		{ "other.example", NULL, 403 },
	};
	evt_access a = { .host = "replay.example" };

	check_rows(&a, row, sizeof(row) / sizeof(row[0]));
}

TEST(allowed_origins)
{
	static const char *const origins[] = { "https://maps.example:444",
		"null" };
	static const char *const all[] = { "*" };
	static const struct row row[] = {
		{ "localhost", "https://maps.example:444", 0 },
		{ "localhost", "HTTPS://Maps.Example:444", 0 },
		{ "localhost", "https://maps.example", 403 },
		{ "localhost", "http://maps.example:444", 403 },
		{ "localhost", "null", 0 },
		{ "maps.example", "null", 0 },
		{ "other.example", "null", 403 },
	};
	static const struct row row_all[] = {
		{ "localhost", "https://x.example", 0 },
		{ "localhost", "null", 0 },
		{ "x.example", "https://x.example", 403 },
	};
	evt_access a = { .host = "127.0.0.1",
		.origins = origins,
		.n_origins = 2 };

	assert_int_equal(evt_access_check_origins(&a, NULL), EVT_OK);
	check_rows(&a, row, sizeof(row) / sizeof(row[0]));
	a.origins = all;
	a.n_origins = 1;
	check_rows(&a, row_all, sizeof(row_all) / sizeof(row_all[0]));
}

/* Browsers send no Origin with the request for an image. */
TEST(fetch_site)
{
	static const char *const maps[] = { "https://maps.example" };
	static const char *const all[] = { "*" };
	evt_access a = { .host = "127.0.0.1" };
	evt_access_request q = { .host = "localhost",
		.fetch_site = "cross-site" };

	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_FOREIGN_SITE);
	q.fetch_site = "Cross-Site";
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_FOREIGN_SITE);
	/* An Origin says more. */
	q.origin = "http://localhost:3000";
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_GRANTED);
	q.origin = "https://maps.example";
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_FOREIGN_ORIGIN);
	a.origins = maps;
	a.n_origins = 1;
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_GRANTED);
	q.origin = NULL;
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_FOREIGN_SITE);
	a.origins = all;
	assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_GRANTED);
	a.n_origins = 0;
	static const char *const good[] = { "none", "same-origin", "same-site",
		"", NULL };
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		q.fetch_site = good[i];
		assert_int_equal(evt_access_judge(&a, &q), EVT_ACCESS_GRANTED);
	}
}

TEST(bad_origins)
{
	static const char *const bad[] = { "", "maps.example", "://x",
		"http://", "http://a/", "http://a b", "http://[::1",
		"http://:80" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_access a = { .host = "127.0.0.1",
			.origins = &bad[i],
			.n_origins = 1 };

		if (evt_access_check_origins(&a, NULL) != EVT_ERR_ARG)
			fail_msg("taken: '%s'", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(token_files),
		RUN(tokens),
		RUN(on_loopback),
		RUN(beyond_loopback),
		RUN(allowed_origins),
		RUN(fetch_site),
		RUN(bad_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
