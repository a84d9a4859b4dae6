/* test_strings.c - lists of strings. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/strings.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

/* The list must hold these, separated by '|', and is freed. */
static void
holds(evt_strings *list, const char *want)
{
	char all[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s|",
		    list->item[i]);
	assert_string_equal(all, want);
	evt_strings_free(list);
	assert_int_equal(list->n, 0);
	assert_null(list->item);
}

TEST(adds_copies)
{
	evt_strings list = { 0 };
	char text[] = "one two";

	assert_true(evt_strings_add(&list, text, 3));
	assert_true(evt_strings_add(&list, text + 4, 3));
	assert_true(evt_strings_add(&list, "", 0));
	memset(text, 'x', sizeof(text) - 1);
	holds(&list, "one|two||");
	/* The empty list is usable again. */
	assert_true(evt_strings_add(&list, "three", 5));
	holds(&list, "three|");
}

TEST(splits_at_commas)
{
	static const struct {
		const char *text, *want;
	} row[] = {
		{ "", "" },
		{ ",", "" },
		{ ",,,", "" },
		{ "a", "a|" },
		{ "a,b", "a|b|" },
		{ ",a,,b,", "a|b|" },
		{ " a , b", " a | b|" },
		{ "a,a", "a|a|" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		evt_strings list = { 0 };

		assert_true(evt_strings_add_split(&list, row[i].text));
		holds(&list, row[i].want);
	}
}

TEST(adds_a_list)
{
	evt_strings from = { 0 }, to = { 0 };

	assert_true(evt_strings_add_all(&to, &from));
	assert_int_equal(to.n, 0);
	assert_true(evt_strings_add_split(&from, "b,c"));
	assert_true(evt_strings_add(&to, "a", 1));
	assert_true(evt_strings_add_all(&to, &from));
	assert_true(evt_strings_add_all(&to, &from));
	holds(&from, "b|c|");
	holds(&to, "a|b|c|b|c|");
}

TEST(finds_whole_strings_only)
{
	evt_strings list = { 0 };

	assert_false(evt_strings_has(&list, "", 0));
	assert_true(evt_strings_add_split(&list, "state,state_batch"));
	assert_true(evt_strings_has(&list, "state", 5));
	assert_true(evt_strings_has(&list, "state_batch", 11));
	/* `text` need not end with a NUL. */
	assert_true(evt_strings_has(&list, "states", 5));
	assert_false(evt_strings_has(&list, "states", 6));
	assert_false(evt_strings_has(&list, "stat", 4));
	assert_false(evt_strings_has(&list, "state_batch2", 12));
	assert_false(evt_strings_has(&list, "", 0));
	evt_strings_free(&list);
}

static int
add_many(void *arg)
{
	evt_strings list = { 0 }, copy = { 0 };
	bool ok = true;

	(void)arg;
	failing_start();
	for (size_t i = 0; ok && i < 20; i++) {
		ok = evt_strings_add(&list, "word", 4);
		/* After a failure the list is as it was. */
		assert_int_equal(list.n, i + (ok ? 1 : 0));
	}
	ok = ok && evt_strings_add_split(&list, "a,b,c") &&
	    evt_strings_add_all(&copy, &list);
	failing_stop();
	assert_true(!ok || copy.n == 23);
	evt_strings_free(&list);
	evt_strings_free(&copy);
	return ok ? EVT_OK : EVT_ERR_NOMEM;
}

TEST(every_failed_allocation_is_reported)
{
	assert_true(failing_each(FAILING_MEMORY, 1, add_many, NULL) >= 46);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(adds_copies),
		RUN(splits_at_commas),
		RUN(adds_a_list),
		RUN(finds_whole_strings_only),
		RUN(every_failed_allocation_is_reported),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
