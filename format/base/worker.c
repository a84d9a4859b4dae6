/* ahead.c - see ahead.h. */
#include "format/base/worker.h"

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
worker_nth(const evt_worker *a, size_t n)
{
	return (a->first + n) % a->slots;
}

/* Do the first job that nobody has begun with.  Called and left with the lock
 * held; false: there is none. */
static bool
worker_do_next(evt_worker *a)
{
	for (size_t n = 0; n < a->held; n++) {
		size_t i = worker_nth(a, n);

		if (a->state[i] != WANTED)
			continue;
		a->state[i] = DOING;
		pthread_mutex_unlock(&a->lock);
		a->job(a->ctx, i);
		pthread_mutex_lock(&a->lock);
		a->state[i] = DONE;
		pthread_cond_signal(&a->done);
		return true;
	}
	return false;
}

static void *
worker_run(void *arg)
{
	evt_worker *a = arg;

	evt_thread_name(a->name);
	pthread_mutex_lock(&a->lock);
	while (!a->stop) {
		if (!worker_do_next(a))
			pthread_cond_wait(&a->wanted, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int
evt_worker_new(size_t slots, void (*job)(void *ctx, size_t slot), void *ctx,
    const char *name, evt_worker **ret_ahead, evt_error *err)
{
	evt_worker *a = calloc(1, sizeof(*a));

	if (a != NULL)
		a->state = calloc(slots, sizeof(*a->state));
	if (a == NULL || a->state == NULL) {
		free(a);
		return evt_err_nomem(err);
	}
	a->job = job;
	a->ctx = ctx;
	a->name = name;
	a->slots = slots;
	/* On Linux these cannot fail. */
	(void)pthread_mutex_init(&a->lock, NULL);
	(void)pthread_cond_init(&a->wanted, NULL);
	(void)pthread_cond_init(&a->done, NULL);
	a->threaded =
	    name != NULL && evt_thread_start(&a->thread, worker_run, a) == 0;
	*ret_ahead = a;
	return EVT_OK;
}

void
evt_worker_free(evt_worker *a)
{
	if (a == NULL)
		return;
	if (a->threaded) {
		pthread_mutex_lock(&a->lock);
		a->stop = true;
		pthread_cond_signal(&a->wanted);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
	}
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->wanted);
	pthread_cond_destroy(&a->done);
	free(a->state);
	free(a);
}

bool
evt_worker_threaded(const evt_worker *a)
{
	return a->threaded;
}

size_t
evt_worker_held(const evt_worker *a)
{
	return a->held;
}

size_t
evt_worker_slot(const evt_worker *a)
{
	return worker_nth(a, a->held);
}

void
evt_worker_start(evt_worker *a)
{
	pthread_mutex_lock(&a->lock);
	a->state[worker_nth(a, a->held)] = WANTED;
	a->held++;
	pthread_cond_signal(&a->wanted);
	pthread_mutex_unlock(&a->lock);
}

size_t
evt_worker_wait(evt_worker *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->state[a->first] != DONE) {
		if (!worker_do_next(a))
			pthread_cond_wait(&a->done, &a->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return a->first;
}

void
evt_worker_again(evt_worker *a)
{
	pthread_mutex_lock(&a->lock);
	a->state[a->first] = WANTED;
	pthread_cond_signal(&a->wanted);
	pthread_mutex_unlock(&a->lock);
}

void
evt_worker_release(evt_worker *a)
{
	pthread_mutex_lock(&a->lock);
	a->state[a->first] = IDLE;
	a->first = worker_nth(a, 1);
	a->held--;
	pthread_mutex_unlock(&a->lock);
}

void
evt_worker_drop(evt_worker *a, size_t keep)
{
	pthread_mutex_lock(&a->lock);
	for (; a->held > keep; a->held--) {
		size_t i = worker_nth(a, a->held - 1);

		while (a->state[i] == DOING)
			pthread_cond_wait(&a->done, &a->lock);
		a->state[i] = IDLE;
	}
	pthread_mutex_unlock(&a->lock);
}
