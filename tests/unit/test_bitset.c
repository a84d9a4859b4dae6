/* A set of sources: empty, some, all but some. */
#include <stdint.h>

#include "format/base/bitset.h"
#include "tests/unit/lib/test.h"

TEST(some)
{
	evt_bitset s = { .all = false };

	assert_true(evt_bitset_empty(&s));
	assert_false(evt_bitset_has(&s, 0));
	assert_false(evt_bitset_has(&s, 1000000));
	for (size_t i = 0; i < 1000; i += 7)
		assert_true(evt_bitset_put(&s, i, true));
	for (size_t i = 0; i < 2000; i++)
		assert_int_equal(evt_bitset_has(&s, i), i < 1000 && i % 7 == 0);
	assert_false(evt_bitset_empty(&s));
	for (size_t i = 0; i < 1000; i += 7)
		assert_true(evt_bitset_put(&s, i, false));
	assert_true(evt_bitset_empty(&s));
	evt_bitset_free(&s);
	assert_true(evt_bitset_empty(&s));
}

TEST(all)
{
	evt_bitset s = { .all = true };

	assert_false(evt_bitset_empty(&s));
	assert_true(evt_bitset_has(&s, 12345));
	/* Written out, some can be taken from it. */
	assert_true(evt_bitset_spell(&s, 130));
	assert_true(evt_bitset_put(&s, 64, false));
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(evt_bitset_has(&s, i), i < 130 && i != 64);
	evt_bitset_clear(&s);
	assert_true(evt_bitset_empty(&s));
	s.all = true;
	evt_bitset_clear(&s);
	assert_true(evt_bitset_empty(&s));
	evt_bitset_free(&s);
}

/* A number that was removed before is not added by spelling out. */
TEST(again)
{
	evt_bitset s = { .all = false };

	assert_true(evt_bitset_put(&s, 500, true));
	evt_bitset_clear(&s);
	s.all = true;
	assert_true(evt_bitset_spell(&s, 3));
	assert_true(evt_bitset_has(&s, 2));
	assert_false(evt_bitset_has(&s, 3));
	assert_false(evt_bitset_has(&s, 500));
	evt_bitset_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(some),
		RUN(all),
		RUN(again),
	};

	return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
