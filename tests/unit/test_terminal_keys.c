/* test_terminal_keys.c - keys as terminals send them. */
#include <stdint.h>
#include <string.h>

#include "replay/play/deck.h"
#include "replay/play/terminal_keys.h"
#include "tests/unit/lib/test.h"

/* The commands of some bytes, a letter each. */
static void
check(const char *bytes, const char *want)
{
	static const char letter[] = { 0, 'P', 'S', 'B', 'F', '+', '-', 'Q' };
	evt_terminal_keys keys = { 0 };
	char got[64];
	size_t n = 0;

	for (; *bytes != '\0'; bytes++) {
		enum evt_terminal_keys_command c =
		    evt_terminal_keys_take(&keys, (uint8_t)*bytes);

		if (c != EVT_TERMINAL_KEYS_NONE)
			got[n++] = letter[c];
	}
	got[n] = '\0';
	assert_string_equal(got, want);
}

TEST(plain)
{
	check(" .+=-qQ\x04", "PS++-QQQ");
	check("abcCDOn[\n\t", "");
}

TEST(sequences)
{
	check("\x1b[C\x1b[D", "FB");
	check("\x1bOC\x1bOD", "FB");
	check("\x1b[A\x1b[B ", "P");
	check("\x1b[1;5C.", "FS");
	check("\x1b[3~+", "+");     /* delete */
	check("\x1b\x1b[C", "F");   /* a lone escape before it */
	check("\x1bq", "Q");        /* Alt-q is q */
	check("\x1b[1\x1b[D", "B"); /* one that was cut off */
}

TEST(speeds)
{
	uint32_t v = EVT_SPEED_ONE;

	assert_int_equal(evt_terminal_keys_speed(v, 1), 2 * EVT_SPEED_ONE);
	assert_int_equal(evt_terminal_keys_speed(v, 0), EVT_SPEED_ONE / 2);
	for (int i = 0; i < 9; i++)
		v = evt_terminal_keys_speed(v, 1);
	assert_int_equal(v, 512 * EVT_SPEED_ONE);
	v = evt_terminal_keys_speed(v, 1);
	assert_int_equal(v, EVT_SPEED_MAX);
	v = evt_terminal_keys_speed(v, 1);
	assert_int_equal(v, EVT_SPEED_UNLIMITED);
	assert_int_equal(evt_terminal_keys_speed(v, 1), EVT_SPEED_UNLIMITED);
	assert_int_equal(evt_terminal_keys_speed(v, 0), EVT_SPEED_MAX);
	v = EVT_SPEED_MIN + 1;
	assert_int_equal(evt_terminal_keys_speed(v, 0), EVT_SPEED_MIN);
	assert_int_equal(evt_terminal_keys_speed(EVT_SPEED_MIN, 0),
	    EVT_SPEED_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(plain),
		RUN(sequences),
		RUN(speeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
