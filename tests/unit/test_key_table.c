/* test_key_table.c - the set of keys: numbers in order of arrival, and that a key
 * is its text and whether it is an integer. */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <string.h>

#include "format/base/key_table.h"
#include "tests/unit/lib/test.h"

static uint32_t
add(evt_key_table *d, const char *text, bool is_int)
{
	assert_true(evt_key_table_reserve(d, 1));
	return evt_key_table_add(d, text, (uint32_t)strlen(text), is_int);
}

static uint32_t
find(const evt_key_table *d, const char *text, bool is_int)
{
	return evt_key_table_find(d, text, (uint32_t)strlen(text), is_int);
}

TEST(keys_are_numbered_as_they_come)
{
	evt_key_table d = { 0 };
	evt_key key;

	assert_int_equal(find(&d, "5", true), UINT32_MAX);
	assert_int_equal(add(&d, "5", true), 0);
	assert_int_equal(add(&d, "5", false), 1);
	assert_int_equal(add(&d, "", false), 2);
	assert_int_equal(add(&d, "5", true), 0);
	assert_int_equal(d.n, 3);
	assert_int_equal(find(&d, "5", false), 1);
	assert_int_equal(find(&d, "", true), UINT32_MAX);
	key = evt_key_table_key(&d, 1);
	assert_int_equal(key.len, 1);
	assert_memory_equal(key.text, "5", 1);
	assert_false(key.is_int);
	evt_key_table_clear(&d);
	assert_int_equal(d.n, 0);
	assert_int_equal(find(&d, "5", true), UINT32_MAX);
	assert_int_equal(add(&d, "7", true), 0);
	assert_int_equal(d.entry[0].mark, 0);
	evt_key_table_free(&d);
	evt_key_table_free(&d);
}

/* It grows through many sizes, and keys with a NUL or an end in common stay
 * apart. */
TEST(many_keys)
{
	evt_key_table d = { 0 };
	char text[16];

	for (uint32_t i = 0; i < 70000; i++) {
		snprintf(text, sizeof(text), "%u", i * 7919u);
		assert_int_equal(add(&d, text, true), i);
	}
	for (uint32_t i = 0; i < 70000; i++) {
		evt_key key = evt_key_table_key(&d, i);
		int n = snprintf(text, sizeof(text), "%u", i * 7919u);

		assert_int_equal(find(&d, text, true), i);
		assert_int_equal(key.len, n);
		assert_memory_equal(key.text, text, key.len);
	}
	assert_true(evt_key_table_reserve(&d, 2));
	assert_int_equal(evt_key_table_add(&d, "a\0b", 3, false), 70000);
	assert_int_equal(evt_key_table_add(&d, "a\0c", 3, false), 70001);
	assert_int_equal(evt_key_table_find(&d, "a", 1, false), UINT32_MAX);
	evt_key_table_free(&d);
}

/* Keys of each length, and such as differ from it in one byte, in their length
 * or in being a number alone, stay apart. */
TEST(keys_of_each_length)
{
	evt_key_table d = { 0 };
	char text[EVT_KEY_MAX];
	uint32_t n = 0;

	for (int round = 0; round < 2; round++) {
		n = 0;
		memset(text, 'k', sizeof(text));
		for (uint32_t len = 0; len <= EVT_KEY_MAX; len++) {
			assert_true(evt_key_table_reserve(&d, len + 2));
			assert_int_equal(evt_key_table_add(&d, text, len,
			                     false),
			    n++);
			assert_int_equal(evt_key_table_add(&d, text, len, true),
			    n++);
			for (uint32_t at = 0; at < len; at++) {
				text[at] = '\0';
				assert_int_equal(evt_key_table_add(&d, text,
				                     len, false),
				    n++);
				text[at] = 'k';
			}
		}
	}
	assert_int_equal(d.n, n);
	evt_key_table_free(&d);
}

/* The most slots that are taken without a free one between. */
static uint32_t
longest_run(const evt_key_table *d)
{
	uint32_t longest = 0, run = 0;

	for (uint32_t i = 0; i < 2 * d->n_slots; i++) {
		run = d->slot[i & (d->n_slots - 1)] != 0 ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

/* Keys of any form spread over the slots, so that a search takes a few steps.
 * (At most half of the slots are in use.  A run of 400 used slots would occur
 * by chance once in more than 10^20 times.) */
TEST(keys_spread)
{
	static const char *const patterns[] = { "%u", "%016u", "%08u00000000",
		"00000000%08u", "%x", "tracker-%u-of-the-platform",
		"tracker-of-the-platform-%08x-00000000", "%u%200u" };
	char text[EVT_KEY_MAX];

	for (size_t k = 0; k < sizeof(patterns) / sizeof(*patterns); k++) {
		evt_key_table d = { 0 };

		for (unsigned i = 0; i < 30000; i++) {
			/* Their high bits change, or their low ones. */
			snprintf(text, sizeof(text), patterns[k],
			    k % 2 ? i << 16 : i, 0);
			add(&d, text, k % 2);
		}
		assert_in_range(longest_run(&d), 1, 400);
		evt_key_table_free(&d);
	}
}

/* Two tables use different hashes: keys that share a slot in one table do not
 * in another, and a sender cannot find out which do. */
TEST(hashes_differ)
{
	evt_key_table a = { 0 }, b = { 0 };
	uint32_t same = 0;

	for (int i = 0; i < 1000; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", i);
		add(&a, text, true);
		add(&b, text, true);
		same += a.entry[i].hash % 64 == b.entry[i].hash % 64;
	}
	assert_in_range(same, 0, 500);
	evt_key_table_free(&a);
	evt_key_table_free(&b);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(keys_are_numbered_as_they_come),
		RUN(many_keys),
		RUN(keys_of_each_length),
		RUN(keys_spread),
		RUN(hashes_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
