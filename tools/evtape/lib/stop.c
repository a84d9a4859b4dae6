/* stop.c - a clean stop by signal. */
#include "tools/evtape/lib/stop.h"

#include <signal.h>
#include <stddef.h>

/* A blocked signal stays pending, so that no handler and no state is needed. */
void
stop_catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int
stop_requested(void)
{
	sigset_t set;

	if (sigpending(&set) != 0)
		return 0;
	if (sigismember(&set, SIGINT) == 1)
		return 128 + SIGINT;
	return sigismember(&set, SIGTERM) == 1 ? 128 + SIGTERM : 0;
}

bool
stop_asked(void)
{
	return stop_requested() != 0;
}
