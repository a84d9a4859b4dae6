/* test_address.c - addresses as text, and which hosts are this machine. */
#include <stdint.h>
#include <string.h>

#include "format/wire/address.h"
#include "tests/unit/lib/test.h"

TEST(addresses)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} good[] = {
		{ "127.0.0.1:8787", "127.0.0.1", 8787 },
		{ "8787", "127.0.0.1", 8787 },
		{ ":0", "127.0.0.1", 0 },
		{ "[::1]:65535", "::1", 65535 },
		{ "[::]:1", "::", 1 },
		{ "example.org:80", "example.org", 80 },
	};
	static const char *const bad[] = { "", "127.0.0.1",
		"127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:x",
		"::1", "[::1", "[::1]", "[::1]8787", "host:1:2",
		"99999999999999999999", "host: 1" };
	evt_address l;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(evt_address_parse(good[i].text, &l, NULL),
		    EVT_OK);
		assert_string_equal(l.host, good[i].host);
		assert_int_equal(l.port, good[i].port);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (evt_address_parse(bad[i], &l, NULL) != EVT_ERR_ARG)
			fail_msg("accepted: %s", bad[i]);
	}
}

TEST(host_too_long)
{
	char text[600];
	evt_address l;

	memset(text, 'a', sizeof(text));
	strncpy(text + 500, ":80", 4);
	assert_int_equal(evt_address_parse(text, &l, NULL), EVT_ERR_ARG);
}

TEST(loopback_hosts)
{
	static const char *const yes[] = { "127.0.0.1", "127.9.9.9",
		"127.255.255.255", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1",
		"::ffff:7f00:1", "localhost", "LocalHost", "localhost.",
		"a.localhost", "a.b.localhost.", "A.LOCALHOST" };
	static const char *const no[] = { "", ".", "0.0.0.0", "::", "10.0.0.1",
		"128.0.0.1", "126.255.255.255", "localhost.example",
		"127.0.0.1.example", "notlocalhost", ".localhost",
		".localhost.", "localhost..", "local", "::2", "1::1",
		"::127.0.0.1", "::ffff:10.0.0.1", "127.1", "[::1]",
		"0177.0.0.1", "2130706433", " localhost", "localhost " };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		if (!evt_address_is_loopback(yes[i]))
			fail_msg("not loopback: '%s'", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (evt_address_is_loopback(no[i]))
			fail_msg("loopback: '%s'", no[i]);
	}
}

TEST(a_slice_is_copied_if_it_fits)
{
	evt_slice host, port, text = { "[fe80::1]:80 and more", 12 };
	char out[8];

	assert_true(evt_address_split(text, &host, &port));
	assert_true(evt_slice_copy(host, out, sizeof(out)));
	assert_string_equal(out, "fe80::1");
	assert_false(evt_slice_copy(host, out, 7));
	assert_true(evt_slice_copy(port, out, 3));
	assert_string_equal(out, "80");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(addresses),
		RUN(host_too_long),
		RUN(loopback_hosts),
		RUN(a_slice_is_copied_if_it_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
