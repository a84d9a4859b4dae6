/* test_hist.c - the histogram of durations: percentiles accurate to 9 %. */
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/test.h"

#include <stdlib.h>

#include "tools/evtape/lib/hist.h"

static void
near(int64_t got, int64_t want)
{
	int64_t slack = want / 11 + 1;

	assert_in_range(got, want - slack, want + slack);
}

TEST(percentiles)
{
	hist h = { 0 };

	assert_int_equal(hist_percentile(&h, 0.5), 0);
	for (int64_t i = 1; i <= 1000; i++)
		assert_true(hist_add(&h, i * 1000000));
	assert_int_equal(h.count, 1000);
	near(hist_percentile(&h, 0), 1000000);
	near(hist_percentile(&h, 0.5), 500000000);
	near(hist_percentile(&h, 0.99), 990000000);
	assert_int_equal(hist_percentile(&h, 1), 1000000000);
	hist_free(&h);
	assert_int_equal(h.count, 0);
}

TEST(all_sizes)
{
	hist h = { 0 };

	/* From the middle outwards, so that it grows on both sides. */
	for (int i = 30; i >= 0; i--) {
		assert_true(hist_add(&h, INT64_C(1) << i));
		assert_true(hist_add(&h, INT64_C(1) << (62 - i)));
	}
	assert_int_equal(h.count, 62);
	assert_int_equal(h.min, 1);
	assert_int_equal(h.max, INT64_C(1) << 62);
	near(hist_percentile(&h, 0.5), INT64_C(1) << 32);
	assert_true(hist_add(&h, INT64_MAX));
	assert_true(hist_add(&h, -5));
	assert_true(hist_add(&h, 0));
	assert_int_equal(h.min, -5);
	assert_int_equal(hist_percentile(&h, 1), INT64_MAX);
	assert_true(h.n < 600);
	hist_free(&h);
}

TEST(one_value)
{
	hist h = { 0 };

	for (int i = 0; i < 5; i++)
		assert_true(hist_add(&h, 123456789));
	assert_int_equal(hist_percentile(&h, 0.5), 123456789);
	assert_int_equal(h.n, 1);
	hist_free(&h);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(percentiles),
		RUN(all_sizes),
		RUN(one_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
