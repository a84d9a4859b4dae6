/* test_lateness.c - the histogram, compared with the sorted list of its
 * values. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "replay/play/lateness.h"
#include "tests/unit/lib/test.h"

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

TEST(empty)
{
	evt_lateness h = { 0 };

	assert_int_equal(evt_lateness_at(&h, 500), 0);
	assert_int_equal(evt_lateness_at(&h, 1000), 0);
}

TEST(small_values_are_exact)
{
	evt_lateness h = { 0 };

	for (int64_t v = 1; v <= 20; v++)
		evt_lateness_add(&h, v);
	assert_int_equal(evt_lateness_at(&h, 1), 1);
	assert_int_equal(evt_lateness_at(&h, 500), 10);
	assert_int_equal(evt_lateness_at(&h, 990), 20);
	assert_int_equal(h.max_ns, 20);
}

TEST(early_is_zero)
{
	evt_lateness h = { 0 };

	evt_lateness_add(&h, -5);
	evt_lateness_add(&h, INT64_MIN);
	assert_int_equal(h.count, 2);
	assert_int_equal(evt_lateness_at(&h, 1000), 0);
}

TEST(extremes)
{
	evt_lateness h = { 0 };

	for (unsigned bit = 0; bit < 63; bit++) {
		evt_lateness_add(&h, INT64_C(1) << bit);
		evt_lateness_add(&h, (INT64_C(1) << bit) - 1);
	}
	evt_lateness_add(&h, INT64_MAX);
	assert_int_equal(h.count, 127);
	assert_int_equal(evt_lateness_at(&h, 1000), INT64_MAX);
}

TEST(against_sorted)
{
	enum { N = 20000 };
	static int64_t v[N];
	evt_lateness a = { 0 }, b = { 0 };
	uint64_t rng = 88172645463325252u;

	for (size_t i = 0; i < N; i++) {
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		v[i] = (int64_t)(rng >> (rng % 60 + 3));
		evt_lateness_add(i % 3 == 0 ? &a : &b, v[i]);
	}
	evt_lateness_merge(&a, &b);
	assert_int_equal(a.count, N);
	qsort(v, N, sizeof(v[0]), compare);
	for (unsigned m = 1; m <= 1000; m++) {
		int64_t want = v[(size_t)m * N / 1000 - 1];
		int64_t got = evt_lateness_at(&a, m);

		assert_true(got >= want);
		assert_true(got - want <= want / 32);
	}
	assert_int_equal(evt_lateness_at(&a, 1000), v[N - 1]);
}

/* How many were at most that late: never more than really were, and short only
 * of those in the bucket that the value lies in. */
TEST(below)
{
	enum { N = 5000 };
	static int64_t v[N];
	static evt_lateness h;
	uint64_t rng = 7, last = 0;

	assert_int_equal(evt_lateness_below(&h, INT64_MAX), 0);
	for (size_t i = 0; i < N; i++) {
		rng ^= rng << 13;
		rng ^= rng >> 7;
		rng ^= rng << 17;
		v[i] = (int64_t)(rng >> (rng % 40 + 20));
		evt_lateness_add(&h, v[i]);
	}
	qsort(v, N, sizeof(v[0]), compare);
	assert_int_equal(evt_lateness_below(&h, -1), 0);
	assert_int_equal(evt_lateness_below(&h, INT64_MIN), 0);
	assert_int_equal(evt_lateness_below(&h, INT64_MAX), N);
	for (size_t i = 0; i < N; i++) {
		uint64_t got = evt_lateness_below(&h, v[i]), most = i,
		         least = i;

		while (most < N && v[most] <= v[i])
			most++;
		while (least > 0 && v[least - 1] > v[i] - v[i] / 32 - 1)
			least--;
		assert_in_range(got, least, most);
		assert_true(got >= last);
		last = got;
	}
}

/* Below 32 each value has a bucket of its own. */
TEST(below_small)
{
	static evt_lateness h;

	for (int i = 0; i < 32; i++) {
		for (int n = 0; n <= i; n++)
			evt_lateness_add(&h, i);
	}
	evt_lateness_add(&h, -5); /* early: as 0 */
	for (unsigned i = 0; i < 32; i++)
		assert_int_equal(evt_lateness_below(&h, i),
		    1 + (i + 1) * (i + 2) / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(empty),
		RUN(small_values_are_exact),
		RUN(early_is_zero),
		RUN(extremes),
		RUN(against_sorted),
		RUN(below),
		RUN(below_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
