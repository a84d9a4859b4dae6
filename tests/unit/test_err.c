/* test_err.c - errors: their codes and words, and the names of marks. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "tests/unit/lib/test.h"

TEST(set)
{
	evt_error err = { .code = 1, .sys = 1 };

	assert_int_equal(evt_err_set(&err, EVT_ERR_ARG, "bad %s: %d", "x", 5),
	    EVT_ERR_ARG);
	assert_int_equal(err.code, EVT_ERR_ARG);
	assert_int_equal(err.sys, 0);
	assert_string_equal(err.text, "bad x: 5");
	assert_int_equal(evt_err_set(NULL, EVT_ERR_IO, "%s", "x"), EVT_ERR_IO);
}

TEST(sys)
{
	static const struct {
		int sys, code;
	} cases[] = {
		{ ENOENT, EVT_ERR_IO },
		{ EIO, EVT_ERR_IO },
		{ ENOSPC, EVT_ERR_FULL },
		{ EDQUOT, EVT_ERR_FULL },
		{ 123456, EVT_ERR_IO },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[200];
		evt_error err;

		assert_int_equal(evt_err_sys(&err, cases[i].sys,
		                     "cannot open %s", "f.tape"),
		    cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_int_equal(err.sys, cases[i].sys);
		snprintf(want, sizeof(want), "cannot open f.tape: %s",
		    strerror(cases[i].sys));
		assert_string_equal(err.text, want);
		assert_int_equal(evt_err_sys(NULL, cases[i].sys, "x"),
		    cases[i].code);
	}
}

TEST(nomem)
{
	evt_error err;

	assert_int_equal(evt_err_nomem(&err), EVT_ERR_NOMEM);
	assert_int_equal(err.code, EVT_ERR_NOMEM);
	assert_string_equal(err.text, "out of memory");
	assert_int_equal(evt_err_nomem(NULL), EVT_ERR_NOMEM);
}

/* Words of any length end within the field, and stay one line. */
TEST(one_line)
{
	char path[1000];
	evt_error err;

	evt_err_set(&err, EVT_ERR_ARG, "a\nb\rc\td\x1b[31m\x7f.");
	assert_string_equal(err.text, "a b c d [31m .");
	for (size_t n = sizeof(err.text) - 40; n < sizeof(err.text) + 40; n++) {
		memset(path, 'x', n);
		path[n] = '\0';
		memset(err.text, '\n', sizeof(err.text));
		evt_err_set(&err, EVT_ERR_ARG, "%s", path);
		assert_int_equal(strlen(err.text),
		    n < sizeof(err.text) ? n : sizeof(err.text) - 1);
		memset(err.text, '\n', sizeof(err.text));
		evt_err_sys(&err, ENOENT, "%s", path);
		assert_true(strlen(err.text) < sizeof(err.text));
		assert_memory_equal(err.text, path, n < 500 ? n : 500);
	}
	/* Characters past ASCII are left alone. */
	evt_err_set(&err, EVT_ERR_ARG, "caf\xc3\xa9");
	assert_string_equal(err.text, "caf\xc3\xa9");
}

TEST(names)
{
	static const char *const names[] = { "unknown", "started", "stopped",
		"connected", "disconnected", "gap", "clock", "note", "state",
		"trackers", "trigger", "armed", "unknown" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(evt_mark_name(i), names[i]);
	assert_string_equal(evt_mark_name(255), "unknown");
	assert_string_equal(evt_mark_name(~0u), "unknown");
	assert_string_equal(evt_version(), EVT_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(set),
		RUN(sys),
		RUN(nomem),
		RUN(one_line),
		RUN(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
