/* test_prometheus.c - figures as Prometheus reads them. */
#include <stdint.h>

#include "format/base/prometheus.h"
#include "tests/unit/lib/test.h"

static void
same(evt_buf *b, const char *want)
{
	assert_true(evt_buf_add_byte(b, '\0'));
	assert_string_equal((const char *)b->data, want);
	evt_buf_free(b);
}

TEST(a_value_has_help_and_type)
{
	evt_buf b = { 0 };

	assert_true(evt_prometheus_value(&b, "a_total", "counter", "Some a.",
	    12345678901.0));
	assert_true(evt_prometheus_value(&b, "b", "gauge", "A b.", -0.25));
	same(&b,
	    "# HELP a_total Some a.\n# TYPE a_total counter\n"
	    "a_total 12345678901\n"
	    "# HELP b A b.\n# TYPE b gauge\nb -0.25\n");
}

TEST(a_histogram_is_cumulative_and_in_seconds)
{
	const int64_t bounds[] = { 250000, 1000000, 2000000000 };
	const uint64_t within[] = { 1, 3, 4 };
	const evt_prometheus_histogram h = { bounds, within, 3, 6,
		12500000000 };
	evt_buf b = { 0 };

	assert_true(evt_prometheus_add_histogram(&b, "s", "How long.", &h));
	same(&b,
	    "# HELP s How long.\n# TYPE s histogram\n"
	    "s_bucket{le=\"0.00025\"} 1\ns_bucket{le=\"0.001\"} 3\n"
	    "s_bucket{le=\"2\"} 4\ns_bucket{le=\"+Inf\"} 6\n"
	    "s_sum 12.5\ns_count 6\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_value_has_help_and_type),
		RUN(a_histogram_is_cumulative_and_in_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
