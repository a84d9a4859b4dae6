/* test_dict.c - the set of keys: numbers in order of arrival, and that a key
 * is its text and whether it is an integer. */
#include "tests/unit/tapes.h"

#include <stdio.h>
#include <string.h>

#include "format/dict.h"

static uint32_t
add(evt_dict *d, const char *text, bool is_int)
{
	assert_true(evt_dict_reserve(d, 1));
	return evt_dict_add(d, text, (uint32_t)strlen(text), is_int);
}

static uint32_t
find(const evt_dict *d, const char *text, bool is_int)
{
	return evt_dict_find(d, text, (uint32_t)strlen(text), is_int);
}

static void
keys_are_numbered_as_they_come(void **state)
{
	evt_dict d = { 0 };
	evt_key key;

	(void)state;
	assert_int_equal(find(&d, "5", true), UINT32_MAX);
	assert_int_equal(add(&d, "5", true), 0);
	assert_int_equal(add(&d, "5", false), 1);
	assert_int_equal(add(&d, "", false), 2);
	assert_int_equal(add(&d, "5", true), 0);
	assert_int_equal(d.n, 3);
	assert_int_equal(find(&d, "5", false), 1);
	assert_int_equal(find(&d, "", true), UINT32_MAX);
	key = evt_dict_key(&d, 1);
	assert_int_equal(key.len, 1);
	assert_memory_equal(key.text, "5", 1);
	assert_false(key.is_int);
	evt_dict_clear(&d);
	assert_int_equal(d.n, 0);
	assert_int_equal(find(&d, "5", true), UINT32_MAX);
	assert_int_equal(add(&d, "7", true), 0);
	assert_int_equal(d.entry[0].mark, 0);
	evt_dict_free(&d);
	evt_dict_free(&d);
}

/* It grows through many sizes, and keys with a NUL or an end in common stay
 * apart. */
static void
many_keys(void **state)
{
	evt_dict d = { 0 };
	char text[16];

	(void)state;
	for (uint32_t i = 0; i < 70000; i++) {
		snprintf(text, sizeof(text), "%u", i * 7919u);
		assert_int_equal(add(&d, text, true), i);
	}
	for (uint32_t i = 0; i < 70000; i++) {
		evt_key key = evt_dict_key(&d, i);
		int n = snprintf(text, sizeof(text), "%u", i * 7919u);

		assert_int_equal(find(&d, text, true), i);
		assert_int_equal(key.len, n);
		assert_memory_equal(key.text, text, key.len);
	}
	assert_true(evt_dict_reserve(&d, 2));
	assert_int_equal(evt_dict_add(&d, "a\0b", 3, false), 70000);
	assert_int_equal(evt_dict_add(&d, "a\0c", 3, false), 70001);
	assert_int_equal(evt_dict_find(&d, "a", 1, false), UINT32_MAX);
	evt_dict_free(&d);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_numbered_as_they_come),
		cmocka_unit_test(many_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
