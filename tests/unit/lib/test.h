/*
 * test.h - the form of a unit test: cmocka with the headers that it needs, and
 * the macros that declare a test and put it into its suite's table.
 *
 * A suite is tests/unit/test_MODULE.c; a test is named for what must hold:
 *
 *	TEST(grows_by_doubling)
 *	{
 *		...
 *	}
 *
 *	int
 *	main(void)
 *	{
 *		const struct CMUnitTest tests[] = {
 *			RUN(grows_by_doubling),
 *		};
 *
 *		return cmocka_run_group_tests(tests, NULL, NULL);
 *	}
 */
#ifndef EVT_TESTS_UNIT_LIB_TEST_H
#define EVT_TESTS_UNIT_LIB_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The head of a test function; `state` is set by its setup function. */
#define TEST(name) static void test_##name(void **state __attribute__((unused)))

/* An entry in the table of tests. */
#define RUN(name)                                    \
	{                                            \
#name, test_##name, NULL, NULL, NULL \
	}

/* The same, with functions that run before and after the test. */
#define RUN_WITH(name, setup, teardown)                   \
	{                                                 \
#name, test_##name, setup, teardown, NULL \
	}

#endif
