/* test_waker.c - never early, readable when it should be, and not when not. */
#include <stdint.h>
#include <poll.h>

#include "format/base/timetext.h"
#include "replay/play/waker.h"
#include "tests/unit/lib/test.h"

static bool
readable(const evt_waker *w, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Wait as the loops do; the time when it is done. */
static int64_t
wait_for(evt_waker *w, int64_t due)
{
	evt_waker_arm(w, due);
	assert_true(readable(w, -1));
	evt_waker_clear(w);
	return evt_waker_spin(w, due);
}

static void
check_never_early(bool precise)
{
	int64_t due = evt_waker_now();
	evt_waker w;

	assert_int_equal(evt_waker_open(precise, &w, NULL), EVT_OK);
	for (int i = 0; i < 200; i++) {
		due += EVT_NS_PER_MS / 4;
		assert_true(wait_for(&w, due) >= due);
		assert_true(w.early_ns >= 0);
		assert_true(w.early_ns <= 120 * EVT_NS_PER_US);
	}
	evt_waker_close(&w);
}

TEST(never_early)
{
	check_never_early(false);
	check_never_early(true);
}

TEST(arming)
{
	evt_waker w;

	assert_int_equal(evt_waker_open(false, &w, NULL), EVT_OK);
	assert_false(readable(&w, 0));
	evt_waker_arm(&w, 0); /* long over: now */
	assert_true(readable(&w, -1));
	evt_waker_clear(&w);
	assert_false(readable(&w, 0));
	evt_waker_clear(&w);
	evt_waker_arm(&w, evt_waker_now() + 3600 * EVT_NS_PER_S);
	assert_false(readable(&w, 0));
	evt_waker_arm(&w, evt_waker_now() + EVT_NS_PER_MS);
	assert_true(readable(&w, -1));
	evt_waker_arm(&w, INT64_MAX);
	assert_false(readable(&w, 0));
	/* Far off: no spinning. */
	assert_true(evt_waker_spin(&w, INT64_MAX) < INT64_MAX);
	evt_waker_close(&w);
	evt_waker_close(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(never_early),
		RUN(arming),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
