/* test_grow.c - arrays grow by doubling, and keep their contents. */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"

struct point {
	int64_t x, y, z;
};

TEST(grows_by_doubling)
{
	struct point *p = NULL;
	size_t cap = 0, grown = 0;

	for (size_t n = 0; n < 100000; n++) {
		size_t before = cap;

		assert_true(evt_grow(&p, &cap, n + 1));
		assert_true(cap > n);
		assert_true(cap == before || cap >= 2 * before);
		grown += cap != before;
		p[n] = (struct point){ .x = (int64_t)n };
	}
	assert_true(grown < 20);
	for (size_t n = 0; n < 100000; n++)
		assert_int_equal(p[n].x, n);
	free(p);
}

TEST(jumps_to_what_is_needed)
{
	uint8_t *p = NULL;
	size_t cap = 0;

	assert_true(evt_grow(&p, &cap, 0));
	assert_null(p);
	assert_true(evt_grow(&p, &cap, 1000));
	assert_true(cap >= 1000 && cap < 2048);
	memset(p, 1, cap);
	/* Enough room: nothing changes. */
	for (size_t need = 0, before = cap; need <= before; need++) {
		assert_true(evt_grow(&p, &cap, need));
		assert_int_equal(cap, before);
	}
	free(p);
}

/* A capacity that does not come from evt_grow() is taken as it is. */
TEST(odd_capacity)
{
	uint16_t *p = calloc(3, sizeof(*p));
	size_t cap = 3;

	assert_non_null(p);
	p[2] = 7;
	assert_true(evt_grow(&p, &cap, 4));
	assert_int_equal(cap, 6);
	assert_int_equal(p[2], 7);
	free(p);
}

TEST(sizes_that_overflow)
{
	struct point *p = NULL;
	size_t cap = 0;

	assert_false(evt_grow(&p, &cap, SIZE_MAX));
	assert_false(evt_grow(&p, &cap, SIZE_MAX / sizeof(*p) + 1));
	assert_false(evt_grow(&p, &cap, SIZE_MAX / 2 + 2));
	assert_null(p);
	assert_int_equal(cap, 0);
}

static int
grow_to_100(void *arg)
{
	struct point *p = NULL;
	size_t cap = 0, n = 0;
	bool ok = true;

	(void)arg;
	failing_start();
	while (ok && n < 100) {
		size_t before = cap;
		struct point *old = p;

		ok = evt_grow(&p, &cap, n + 1);
		if (ok) {
			p[n].x = (int64_t)n;
			n++;
		} else {
			assert_ptr_equal(p, old);
			assert_int_equal(cap, before);
		}
	}
	failing_stop();
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i].x, i);
	free(p);
	return ok ? EVT_OK : EVT_ERR_NOMEM;
}

TEST(a_failed_allocation_changes_nothing)
{
	assert_int_equal(failing_each(FAILING_MEMORY, 1, grow_to_100, NULL), 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(grows_by_doubling),
		RUN(jumps_to_what_is_needed),
		RUN(odd_capacity),
		RUN(sizes_that_overflow),
		RUN(a_failed_allocation_changes_nothing),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
