/* thread.c - see thread.h. */
#include "format/base/thread.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

int
evt_thread_start(pthread_t *ret_thread, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int r;

	assert(ret_thread != NULL && run != NULL);
	sigfillset(&all);
	r = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (r != 0)
		return r;
	r = pthread_create(ret_thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

void
evt_thread_name(const char *name)
{
	assert(name != NULL && name[0] != '\0' && strlen(name) <= 15);
	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
}
