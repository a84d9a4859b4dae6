/* worker.c - see worker.h. */
#include "format/worker.h"

#include <pthread.h>
#include <stdlib.h>

#include "format/err.h"
#include "format/thread.h"

struct evt_worker {
	void (*job)(void *ctx);
	void *ctx;
	bool threaded;
	bool busy;             /* the caller's: begun, not waited for */
	bool wanted, stop;     /* under the lock */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static void *
run(void *arg)
{
	evt_worker *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		while (!w->wanted && !w->stop)
			pthread_cond_wait(&w->changed, &w->lock);
		if (!w->wanted)
			break;
		pthread_mutex_unlock(&w->lock);
		w->job(w->ctx);
		pthread_mutex_lock(&w->lock);
		w->wanted = false;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
evt_worker_new(void (*job)(void *ctx), void *ctx, bool threaded,
    evt_worker **ret_worker, evt_error *err)
{
	evt_worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return evt_err_nomem(err);
	w->job = job;
	w->ctx = ctx;
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	w->threaded = threaded &&
	    evt_thread_start(&w->thread, run, w) == 0;
	*ret_worker = w;
	return EVT_OK;
}

void
evt_worker_free(evt_worker *w)
{
	if (w == NULL)
		return;
	if (w->threaded) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_cond_signal(&w->changed);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->changed);
	free(w);
}

void
evt_worker_start(evt_worker *w)
{
	w->busy = true;
	if (!w->threaded)
		return;
	pthread_mutex_lock(&w->lock);
	w->wanted = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

bool
evt_worker_busy(const evt_worker *w)
{
	return w->busy;
}

void
evt_worker_wait(evt_worker *w)
{
	if (!w->busy)
		return;
	w->busy = false;
	if (!w->threaded) {
		w->job(w->ctx);
		return;
	}
	pthread_mutex_lock(&w->lock);
	while (w->wanted)
		pthread_cond_wait(&w->changed, &w->lock);
	pthread_mutex_unlock(&w->lock);
}
