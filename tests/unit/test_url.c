/* test_url.c - URLs of feeds: which are accepted and refused, and how they are
 * shown. */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <string.h>

#include "record/net/proxy.h"
#include "format/wire/url.h"
#include "tests/unit/lib/test.h"

TEST(parts)
{
	static const struct {
		const char *text, *host, *authority, *target;
		unsigned port;
		bool tls, ipv6;
	} cases[] = {
		{ "ws://h", "h", "h", "/", 80, false, false },
		{ "wss://h/a?b=c", "h", "h", "/a?b=c", 443, true, false },
		{ "ws://h:8080/", "h", "h:8080", "/", 8080, false, false },
		{ "https://h:443/x", "h", "h", "/x", 443, true, false },
		{ "http://h?q", "h", "h", "/?q", 80, false, false },
		{ "ws://[::1]:9/x", "::1", "[::1]:9", "/x", 9, false, true },
		{ "WSS://Host.Example/", NULL, NULL, "/", 443, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_url url;
		evt_error err;

		ok(evt_url_parse(cases[i].text, &url, &err), &err);
		if (cases[i].host != NULL) {
			assert_string_equal(url.host, cases[i].host);
			assert_string_equal(url.authority, cases[i].authority);
		}
		assert_string_equal(url.target, cases[i].target);
		assert_int_equal(url.port, cases[i].port);
		assert_int_equal(url.tls, cases[i].tls);
		assert_int_equal(url.ipv6, cases[i].ipv6);
		evt_url_free(&url);
	}
}

TEST(refused)
{
	static const char *const cases[] = { "", "h", "ftp://h/", "ws://",
		"ws:///x", "ws://h:0/", "ws://h:99999/", "ws://h:x/",
		"ws://u:p@h/", "ws://u@h/", "ws://h/#f", "ws://h/a b",
		"ws://h/\xc3\xa9", "ws://[::1/", "ws://[zz]/" };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_url url;
		evt_error err;

		if (evt_url_parse(cases[i], &url, &err) != EVT_ERR_ARG)
			fail_msg("'%s' is taken", cases[i]);
		assert_true(strlen(err.text) > 10);
		/* A text that may be a password is not shown. */
		assert_null(strstr(err.text, "u:p"));
	}
}

TEST(secrets_are_not_shown)
{
	evt_buf out = { 0 };
	evt_url url;
	evt_error err;
	size_t n;

	ok(evt_url_parse("ws://h/p?hash=abcdefgh12345678&x=1&s=${CREDENTIAL}",
	       &url, &err),
	    &err);
	assert_true(evt_url_show(&url, NULL, &out));
	assert_true(evt_buf_add_byte(&out, 0));
	assert_null(strstr((char *)out.data, "abcdefgh"));
	assert_non_null(strstr((char *)out.data, "x=1"));
	assert_non_null(strstr((char *)out.data, "${CREDENTIAL}"));
	assert_non_null(evt_url_literal_secret(&url, &n));
	assert_int_equal(n, 4);
	evt_buf_free(&out);
	evt_url_free(&url);
}

/* In all forms, however the URL wrote them. */
TEST(secrets_of_a_query_are_learned)
{
	static const char target[] =
	    "ws://h/p?token=ab%2Fcd%3dfg&key=0123456789abcdef&x=nothing-secret&"
	    "hash=${CREDENTIAL}&pwd&sid=short&apikey=100%";
	static const char *const texts[] = { "ab/cd=fg", "ab%2fcd%3Dfg",
		"ab\\/cd=fg", "YWIvY2Q9Zm", "0123456789abcdef" };
	evt_credential *s = evt_credential_new(NULL, NULL);
	char plain[] = "nothing-secret ${CREDENTIAL} short 100%";
	evt_url url;
	evt_error err;

	assert_non_null(s);
	ok(evt_url_parse(target, &url, &err), &err);
	assert_true(evt_url_learn_secrets(&url, s));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", texts[i]);
		evt_credential_blot(s, (uint8_t *)text, strlen(text));
		assert_int_equal(strspn(text, "*"), strlen(texts[i]));
	}
	assert_int_equal(evt_credential_blot(s, (uint8_t *)plain,
	                     strlen(plain)),
	    0);
	evt_url_free(&url);
	evt_credential_free(s);
}

/* ---- proxies --------------------------------------------------------------------- */

static const char *http_proxy, *https_proxy, *no_proxy;

static char *
environment(const char *name)
{
	const char *value = strcmp(name, "http_proxy") == 0 ? http_proxy :
	    strcmp(name, "https_proxy") == 0                ? https_proxy :
	    strcmp(name, "no_proxy") == 0                   ? no_proxy :
	                                                      NULL;

	return (char *)(uintptr_t)value;
}

static bool
uses_proxy(const char *text, const char *host, unsigned port)
{
	evt_proxy proxy;
	evt_url url;
	evt_error err;
	bool uses;

	ok(evt_url_parse(text, &url, &err), &err);
	ok(evt_proxy_choose(&url, environment, &proxy, &err), &err);
	uses = proxy.host != NULL && strcmp(proxy.host, host) == 0 &&
	    proxy.port == port;
	evt_proxy_free(&proxy);
	evt_url_free(&url);
	return uses;
}

TEST(proxies)
{
	http_proxy = "http://proxy.example:3128";
	https_proxy = "http://secure.example:3129/";
	no_proxy = "inside.example,.local";
	assert_true(uses_proxy("ws://feed.example/", "proxy.example", 3128));
	assert_true(uses_proxy("wss://feed.example/", "secure.example", 3129));
	assert_false(uses_proxy("ws://inside.example/", "proxy.example", 3128));
	assert_false(uses_proxy("ws://a.local/", "proxy.example", 3128));
	assert_false(uses_proxy("ws://127.0.0.1:1/", "proxy.example", 3128));
	assert_false(uses_proxy("ws://localhost/", "proxy.example", 3128));
	assert_false(uses_proxy("ws://[::1]/", "proxy.example", 3128));
	http_proxy = NULL;
	assert_false(uses_proxy("ws://feed.example/", "proxy.example", 3128));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(parts),
		RUN(refused),
		RUN(secrets_are_not_shown),
		RUN(secrets_of_a_query_are_learned),
		RUN(proxies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
