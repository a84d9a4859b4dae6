/*
 * signals.c - signals as flags and a descriptor; see signals.h.
 *
 * Signal handlers get no context, so that this file has static variables.
 */
#include "tools/evtape-replay/signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "format/base/err.h"

static volatile sig_atomic_t stop, continued, suspend;
static int wake_fd = -1;
static void (*volatile stop_fn)(void *ctx);
static void *volatile stop_ctx;

static void
signals_handle(int sig)
{
	int saved = errno;
	uint64_t one = 1;

	if (sig == SIGCONT) {
		continued = 1;
	} else if (sig == SIGTSTP) {
		suspend = 1;
	} else {
		stop = 1;
		if (stop_fn != NULL)
			stop_fn(stop_ctx);
	}
	/* This fails only if the descriptor is readable already. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

static void
signals_take(int sig, void (*fn)(int))
{
	struct sigaction sa = { .sa_handler = fn };

	sigemptyset(&sa.sa_mask);
	sigaction(sig, &sa, NULL);
}

int
signals_open(evt_error *err)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return evt_err_sys(err, errno, "cannot make an eventfd");
	signals_take(SIGPIPE, SIG_IGN);
	signals_take(SIGINT, signals_handle);
	signals_take(SIGTERM, signals_handle);
	signals_take(SIGHUP, signals_handle);
	signals_take(SIGCONT, signals_handle);
	return EVT_OK;
}

void
signals_close(void)
{
	static const int all[] = { SIGINT, SIGTERM, SIGHUP, SIGCONT, SIGTSTP };

	/* From now on a signal ends the program, as by default. */
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		signals_take(all[i], SIG_DFL);
	if (wake_fd >= 0)
		close(wake_fd);
	wake_fd = -1;
}

int
signals_fd(void)
{
	return wake_fd;
}

void
signals_clear(void)
{
	uint64_t n;

	if (read(wake_fd, &n, sizeof(n)) < 0)
		return; /* no signal came */
}

void
signals_on_stop(void (*fn)(void *ctx), void *ctx)
{
	stop_fn = NULL;
	stop_ctx = ctx;
	stop_fn = fn;
}

bool
signals_stop(void)
{
	return stop != 0;
}

bool
signals_continued(void)
{
	bool was = continued != 0;

	continued = 0;
	return was;
}

bool
signals_suspend(void)
{
	bool was = suspend != 0;

	suspend = 0;
	return was;
}

void
signals_take_suspend(void)
{
	signals_take(SIGTSTP, signals_handle);
}

void
signals_do_suspend(void)
{
	signals_take(SIGTSTP, SIG_DFL);
	raise(SIGTSTP);
	signals_take(SIGTSTP, signals_handle);
}
