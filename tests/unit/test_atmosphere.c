/* test_atmosphere.c - a server's first message to clients of Atmosphere. */
#include <stdint.h>
#include <string.h>

#include "format/navixy/atmosphere.h"
#include "tests/unit/lib/test.h"

static const uint8_t counted[16] = { 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
	0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };

TEST(greeting_by_client)
{
	static const char shake[] =
	    "00112233-4455-4677-8899-aabbccddeeff|60000|X|";
	static const struct {
		const char *id, *want;
		bool protocol, beats;
	} row[] = {
		{ NULL, "", false, false },
		{ NULL, "", true, false },
		{ "0", shake, true, true },
		{ "0", "", false, true },
		/* It comes back: a second handshake would reach its handler. */
		{ "00112233-4455-4677-8899-aabbccddeeff", "X", true, true },
		{ "00112233-4455-4677-8899-aabbccddeeff", "X", false, true },
		{ "00", "X", true, true },
		{ "", "X", true, true },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char out[EVT_ATMOSPHERE_TEXT];

		memset(out, '#', sizeof(out));
		assert_int_equal(evt_atmosphere_greet(row[i].id,
		                     row[i].protocol, counted, 60000, out),
		    row[i].beats);
		assert_string_equal(out, row[i].want);
	}
}

/* Any random bytes give a UUID of version 4 that fits its buffer. */
TEST(handshakes)
{
	static const int64_t beats[] = { 0, 1, 60000, INT64_MAX };

	for (int fill = 0; fill < 256; fill++) {
		char out[EVT_ATMOSPHERE_TEXT + 1];
		uint8_t random[16];

		memset(random, fill, sizeof(random));
		out[EVT_ATMOSPHERE_TEXT] = '#';
		evt_atmosphere_greet("0", true, random, beats[fill % 4], out);
		assert_int_equal(out[EVT_ATMOSPHERE_TEXT], '#');
		assert_non_null(memchr(out, '\0', EVT_ATMOSPHERE_TEXT));
		assert_int_equal(strspn(out, "0123456789abcdef-"), 36);
		assert_int_equal(out[14], '4');
		assert_non_null(strchr("89ab", out[19]));
		for (int i = 8; i <= 23; i += 5)
			assert_int_equal(out[i], '-');
		assert_int_equal(out[36], '|');
		assert_string_equal(strrchr(out, 'X') - 1, "|X|");
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(greeting_by_client),
		RUN(handshakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
