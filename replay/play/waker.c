/* waker.c - wake up at a time, early enough; see waker.h. */
#include "replay/play/waker.h"

#include <assert.h>
#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/err.h"

/* How early a precise waker is armed, and any other one at most and at first. */
#define PRECISE_NS (120 * EVT_NS_PER_US)
#define MOST_NS (80 * EVT_NS_PER_US)
#define FIRST_NS (20 * EVT_NS_PER_US)
/* Three up, one down: this settles where one wake-up in four is late. */
#define UP_NS 1500
#define DOWN_NS 500

int64_t
evt_waker_now(void)
{
	return evt_clock_mono();
}

int
evt_waker_open(bool precise, evt_waker *ret_waker, evt_error *err)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create a timer");
	*ret_waker = (evt_waker){ .fd = fd,
		.precise = precise,
		.early_ns = precise ? PRECISE_NS : FIRST_NS,
		.armed_ns = INT64_MAX };
	return EVT_OK;
}

void
evt_waker_close(evt_waker *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

void
evt_waker_arm(evt_waker *w, int64_t due_ns)
{
	struct itimerspec at = { 0 };
	int r;

	if (due_ns == w->armed_ns)
		return;
	w->armed_ns = due_ns;
	w->learn = false;
	if (due_ns != INT64_MAX) {
		due_ns -= w->early_ns;
		if (due_ns < 1) /* 0 would disarm it */
			due_ns = 1;
		w->learn = !w->precise && due_ns > evt_waker_now();
		at.it_value.tv_sec = (time_t)(due_ns / EVT_NS_PER_S);
		at.it_value.tv_nsec = (long)(due_ns % EVT_NS_PER_S);
	}
	r = timerfd_settime(w->fd, TFD_TIMER_ABSTIME, &at, NULL);
	assert(r == 0);
	(void)r;
}

/* Adapt early_ns; the timer has just fired. */
static void
waker_learn(evt_waker *w)
{
	if (!w->learn)
		return;
	w->early_ns += evt_waker_now() > w->armed_ns ? UP_NS : -DOWN_NS;
	if (w->early_ns > MOST_NS)
		w->early_ns = MOST_NS;
	if (w->early_ns < 0)
		w->early_ns = 0;
}

void
evt_waker_clear(evt_waker *w)
{
	uint64_t times;

	/* Nothing to read: it was armed again in between. */
	if (read(w->fd, &times, sizeof(times)) <= 0)
		return;
	waker_learn(w);
	w->armed_ns = INT64_MAX;
}

int64_t
evt_waker_spin(const evt_waker *w, int64_t due_ns)
{
	int64_t now = evt_waker_now();

	if (due_ns > now + w->early_ns + DOWN_NS)
		return now;
	while (now < due_ns)
		now = evt_waker_now();
	return now;
}
