/* test_host.c - which hosts are this machine to itself. */
#include <stdint.h>

#include <stdlib.h>

#include "format/wire/address.h"
#include "tests/unit/lib/test.h"

TEST(this_machine_by_name)
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(this_machine_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
