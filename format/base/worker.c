/* worker.c - see worker.h. */
#include "format/base/worker.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/base/thread.h"

enum state { IDLE, WANTED, DOING, DONE };

struct evt_worker {
	void (*job)(void *ctx, size_t slot);
	void *ctx;
	const char *name; /* of the thread */
	size_t slots;
	enum state *state; /* of each slot */
	size_t first;      /* the slot of the first job */
	size_t held;       /* slots from there on that are not idle */
	bool threaded, stop;
	pthread_t thread;
	pthread_mutex_t lock; /* of state, first, held and stop */
	pthread_cond_t wanted, done;
};

/* The n-th slot from the first one on. */
static size_t
worker_nth(const evt_worker *w, size_t n)
{
	return (w->first + n) % w->slots;
}

/* Do the first job that is not begun.  The lock is held at entry and at return.
 * false: there is no such job. */
static bool
worker_do_next(evt_worker *w)
{
	for (size_t n = 0; n < w->held; n++) {
		size_t i = worker_nth(w, n);

		if (w->state[i] != WANTED)
			continue;
		w->state[i] = DOING;
		pthread_mutex_unlock(&w->lock);
		w->job(w->ctx, i);
		pthread_mutex_lock(&w->lock);
		w->state[i] = DONE;
		pthread_cond_signal(&w->done);
		return true;
	}
	return false;
}

static void *
worker_run(void *arg)
{
	evt_worker *w = arg;

	evt_thread_name(w->name);
	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		if (!worker_do_next(w))
			pthread_cond_wait(&w->wanted, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int
evt_worker_new(size_t slots, void (*job)(void *ctx, size_t slot), void *ctx,
    const char *name, evt_worker **ret_worker, evt_error *err)
{
	evt_worker *w;

	assert(slots > 0 && job != NULL && ret_worker != NULL);
	w = calloc(1, sizeof(*w));
	if (w != NULL)
		w->state = calloc(slots, sizeof(*w->state));
	if (w == NULL || w->state == NULL) {
		free(w);
		return evt_err_nomem(err);
	}
	w->job = job;
	w->ctx = ctx;
	w->name = name;
	w->slots = slots;
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->wanted, NULL);
	(void)pthread_cond_init(&w->done, NULL);
	w->threaded =
	    name != NULL && evt_thread_start(&w->thread, worker_run, w) == 0;
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
		pthread_cond_signal(&w->wanted);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wanted);
	pthread_cond_destroy(&w->done);
	free(w->state);
	free(w);
}

bool
evt_worker_threaded(const evt_worker *w)
{
	return w->threaded;
}

size_t
evt_worker_held(const evt_worker *w)
{
	return w->held;
}

size_t
evt_worker_slot(const evt_worker *w)
{
	return worker_nth(w, w->held);
}

void
evt_worker_start(evt_worker *w)
{
	assert(w->held < w->slots);
	pthread_mutex_lock(&w->lock);
	w->state[worker_nth(w, w->held)] = WANTED;
	w->held++;
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->lock);
}

size_t
evt_worker_wait(evt_worker *w)
{
	assert(w->held > 0);
	pthread_mutex_lock(&w->lock);
	while (w->state[w->first] != DONE) {
		if (!worker_do_next(w))
			pthread_cond_wait(&w->done, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return w->first;
}

void
evt_worker_again(evt_worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->state[w->first] = WANTED;
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->lock);
}

void
evt_worker_release(evt_worker *w)
{
	pthread_mutex_lock(&w->lock);
	assert(w->held > 0 && w->state[w->first] == DONE);
	w->state[w->first] = IDLE;
	w->first = worker_nth(w, 1);
	w->held--;
	pthread_mutex_unlock(&w->lock);
}

void
evt_worker_drop(evt_worker *w, size_t keep)
{
	pthread_mutex_lock(&w->lock);
	for (; w->held > keep; w->held--) {
		size_t i = worker_nth(w, w->held - 1);

		while (w->state[i] == DOING)
			pthread_cond_wait(&w->done, &w->lock);
		w->state[i] = IDLE;
	}
	pthread_mutex_unlock(&w->lock);
}
