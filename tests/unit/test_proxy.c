/* test_proxy.c - which proxy the environment names for which feed. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "record/net/proxy.h"
#include "tests/unit/lib/test.h"

/* The environment: names and values, ended by NULL.  evt_proxy_choose() takes
 * a function without a context, so the test's place for it is static. */
static const char *const *variables;

static char *
env(const char *name)
{
	for (size_t i = 0; variables[i] != NULL; i += 2) {
		if (strcmp(variables[i], name) == 0)
			return (char *)(uintptr_t)variables[i + 1];
	}
	return NULL;
}

static int
choose(const char *url, const char *const *vars, evt_proxy *ret, evt_error *err)
{
	evt_url u;
	int code;

	ok(evt_url_parse(url, &u, err), err);
	variables = vars;
	code = evt_proxy_choose(&u, env, ret, err);
	evt_url_free(&u);
	return code;
}

/* The connection uses the proxy host:port (host NULL: no proxy) as `user`. */
static void
goes(const char *url, const char *const *vars, const char *host, unsigned port,
    const char *user)
{
	evt_proxy proxy;
	evt_error err;

	ok(choose(url, vars, &proxy, &err), &err);
	if (host == NULL) {
		assert_null(proxy.host);
	} else {
		assert_non_null(proxy.host);
		assert_string_equal(proxy.host, host);
		assert_int_equal(proxy.port, port);
	}
	if (user == NULL)
		assert_null(proxy.user);
	else
		assert_string_equal(proxy.user, user);
	evt_proxy_free(&proxy);
}

#define VARS(...) ((const char *const[]){ __VA_ARGS__, NULL })

TEST(by_scheme)
{
	goes("ws://feed/", VARS("x", "y"), NULL, 0, NULL);
	goes("ws://feed/", VARS("http_proxy", "http://p:3128/"), "p", 3128,
	    NULL);
	goes("ws://feed/", VARS("https_proxy", "http://p:3128"), NULL, 0, NULL);
	/* A CGI client can set HTTP_PROXY, so it is ignored. */
	goes("ws://feed/", VARS("HTTP_PROXY", "p:3128"), NULL, 0, NULL);
	goes("wss://feed/", VARS("https_proxy", "p:1"), "p", 1, NULL);
	goes("wss://feed/", VARS("HTTPS_PROXY", "p:65535"), "p", 65535, NULL);
	goes("wss://feed/", VARS("https_proxy", "", "HTTPS_PROXY", "p:2"), "p",
	    2, NULL);
	goes("wss://feed/", VARS("http_proxy", "p:2"), NULL, 0, NULL);
	goes("ws://feed/", VARS("http_proxy", ""), NULL, 0, NULL);
}

TEST(forms)
{
	goes("ws://feed/", VARS("http_proxy", "HTTP://me:pa@ss@[::1]:80/x"),
	    "::1", 80, "me:pa@ss");
	goes("ws://feed/", VARS("http_proxy", "me@10.0.0.1:80"), "10.0.0.1", 80,
	    "me");
}

TEST(never_for_the_local_machine)
{
	const char *const *vars =
	    VARS("http_proxy", "p:1", "https_proxy", "p:1");

	goes("ws://127.0.0.1:80/", vars, NULL, 0, NULL);
	goes("ws://localhost/", vars, NULL, 0, NULL);
	goes("wss://[::1]/", vars, NULL, 0, NULL);
	goes("ws://localhost.example/", vars, "p", 1, NULL);
}

TEST(no_proxy)
{
	static const struct {
		const char *list, *url;
		bool direct;
	} cases[] = {
		{ "*", "ws://feed.example/", true },
		{ "example", "ws://feed.example/", true },
		{ ".example", "ws://feed.example/", true },
		{ "feed.example", "ws://FEED.example/", true },
		{ "other, feed.example\t", "ws://feed.example/", true },
		{ "eed.example", "ws://feed.example/", false },
		{ "feed.example.org", "ws://feed.example/", false },
		{ "a.feed.example", "ws://feed.example/", false },
		{ "example:8080", "ws://feed.example:8080/", true },
		{ "example:8080", "ws://feed.example/", false },
		{ "example:80", "ws://feed.example:8080/", false },
		{ "2001:db8::1", "ws://[2001:db8::1]/", true },
		{ ".", "ws://feed.example/", false },
		{ " , ,", "ws://feed.example/", false },
		{ "", "ws://feed.example/", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		goes(cases[i].url,
		    VARS("http_proxy", "p:1", "no_proxy", cases[i].list),
		    cases[i].direct ? NULL : "p", 1, NULL);
		goes(cases[i].url,
		    VARS("http_proxy", "p:1", "NO_PROXY", cases[i].list),
		    cases[i].direct ? NULL : "p", 1, NULL);
	}
	goes("ws://feed/",
	    VARS("http_proxy", "p:1", "no_proxy", "x", "NO_PROXY", "*"), "p", 1,
	    NULL);
}

TEST(invalid_proxies)
{
	static const char *const bad[] = { "p", ":80", "p:", "p:0", "p:65536",
		"p:80x", "p: 80", "socks5://p:80", "https://p:80", "p:123456",
		"me@:80" };
	evt_proxy proxy;
	evt_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (choose("ws://feed/", VARS("http_proxy", bad[i]), &proxy,
		        &err) != EVT_ERR_ARG)
			fail_msg("%s was taken", bad[i]);
		assert_string_equal(err.text,
		    "the proxy in the environment does not have the form "
		    "http://host:port: see https_proxy (wss://) or http_proxy "
		    "(ws://)");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(by_scheme),
		RUN(forms),
		RUN(never_for_the_local_machine),
		RUN(no_proxy),
		RUN(invalid_proxies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
