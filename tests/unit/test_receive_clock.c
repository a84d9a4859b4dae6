/* test_receive_clock.c - two clocks, and a wall clock that is set. */
#include <stdint.h>

#include <stdlib.h>

#include "format/base/timetext.h"
#include "record/receive_clock.h"
#include "tests/unit/lib/test.h"

static int64_t wall, boot;

static int64_t
get_wall(void)
{
	return wall;
}

static int64_t
get_boot(void)
{
	return boot;
}

TEST(a_step_of_the_clock_is_seen_once)
{
	evt_receive_clock s;
	evt_receive_clock_time m;

	wall = 1000 * EVT_NS_PER_S;
	boot = 5 * EVT_NS_PER_S;
	evt_receive_clock_start(&s);
	s.real = get_wall;
	s.boot = get_boot;
	s.start_real = wall;
	s.start_boot = boot;
	wall += EVT_NS_PER_S;
	boot += EVT_NS_PER_S;
	m = evt_receive_clock_now(&s);
	assert_int_equal(m.time_ns, wall);
	assert_int_equal(m.mono_ns, wall);
	assert_int_equal(m.step_ns, 0);
	wall -= 3600 * EVT_NS_PER_S; /* set back by an hour */
	boot += EVT_NS_PER_S;
	wall += EVT_NS_PER_S;
	m = evt_receive_clock_now(&s);
	assert_int_equal(m.step_ns, -3600 * EVT_NS_PER_S);
	assert_int_equal(m.mono_ns, 1002 * EVT_NS_PER_S);
	boot += EVT_NS_PER_S;
	wall += EVT_NS_PER_S;
	m = evt_receive_clock_now(&s);
	assert_int_equal(m.step_ns, 0);
	assert_int_equal(m.mono_ns, 1003 * EVT_NS_PER_S);
	/* Slewing is no step. */
	for (int i = 0; i < 1000; i++) {
		boot += EVT_NS_PER_S;
		wall += EVT_NS_PER_S + 500 * EVT_NS_PER_US;
		assert_int_equal(evt_receive_clock_now(&s).step_ns, 0);
	}
}

/* A jump below the threshold is slewing.  Each step is reported with its sign,
 * and the stamp's steady time is that of the clock. */
TEST(steps_either_way)
{
	evt_receive_clock s;
	evt_receive_clock_time m;

	evt_receive_clock_start(&s);
	s.real = get_wall;
	s.boot = get_boot;
	s.start_real = wall;
	s.start_boot = boot;
	s.last_diff = 0;
	wall += EVT_RECEIVE_CLOCK_STEP_NS - 1;
	assert_int_equal(evt_receive_clock_now(&s).step_ns, 0);
	wall += EVT_RECEIVE_CLOCK_STEP_NS + 1;
	m = evt_receive_clock_now(&s);
	assert_int_equal(m.step_ns, EVT_RECEIVE_CLOCK_STEP_NS + 1);
	assert_int_equal(evt_receive_clock_boot(&s, &m), boot);
	assert_int_equal(m.time_ns, wall);
	boot += 7;
	m = evt_receive_clock_now(&s);
	assert_int_equal(m.step_ns, 0);
	assert_int_equal(evt_receive_clock_boot(&s, &m), boot);
	wall -= 10 * EVT_NS_PER_S;
	assert_int_equal(evt_receive_clock_now(&s).step_ns, -10 * EVT_NS_PER_S);
	/* A suspended machine: both clocks go on. */
	wall += 3600 * EVT_NS_PER_S;
	boot += 3600 * EVT_NS_PER_S;
	assert_int_equal(evt_receive_clock_now(&s).step_ns, 0);
}

TEST(the_real_clocks)
{
	evt_receive_clock_time m, later;
	evt_receive_clock s;

	evt_receive_clock_start(&s);
	m = evt_receive_clock_now(&s);
	later = evt_receive_clock_now(&s);
	assert_true(m.mono_ns >= s.start_real);
	assert_true(later.mono_ns >= m.mono_ns);
	assert_true(m.mono_ns - s.start_real < 3600 * EVT_NS_PER_S);
	assert_true(evt_receive_clock_boot(&s, &later) <= evt_clock_boot());
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(a_step_of_the_clock_is_seen_once),
		RUN(steps_either_way),
		RUN(the_real_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
