/* fetch.c - see fetch.h. */
#include "format/fetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "format/err.h"

enum state { IDLE, WANTED, LOADED };

struct evt_fetch {
	evt_match *match;
	evt_fetched slot[2];
	int current;       /* the slot that is being handed out */
	bool threaded;
	bool stop;
	enum state state;  /* of the other slot */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
};

static int
load(evt_fetch *f, evt_fetched *s)
{
	int r;

	s->n_match = 0;
	if ((r = evt_segment_read_block(s->io, s->fd, s->name, &s->ref, false,
	    &s->raw, &s->block, &s->err)) ||
	    (r = evt_match_block(f->match, &s->block, &s->match, &s->cap_match,
	    &s->n_match, &s->err)))
		return r;
	/* Lines that nobody asked for are not decompressed. */
	if (s->n_match == 0)
		return EVT_OK;
	r = evt_block_load_lines(&s->block, s->raw.data, s->name, &s->err);
	if (r != EVT_OK)
		s->n_match = 0;
	return r;
}

static void *
run(void *arg)
{
	evt_fetch *f = arg;

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		evt_fetched *s = &f->slot[!f->current];

		if (f->state != WANTED) {
			pthread_cond_wait(&f->changed, &f->lock);
			continue;
		}
		pthread_mutex_unlock(&f->lock);
		s->code = load(f, s);
		pthread_mutex_lock(&f->lock);
		f->state = LOADED;
		pthread_cond_broadcast(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

/* The thread must not take the signals that the program waits for. */
static bool
start_thread(evt_fetch *f)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return false;
	r = pthread_create(&f->thread, NULL, run, f);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0;
}

int
evt_fetch_new(evt_match *match, bool threaded, evt_fetch **ret_fetch,
    evt_error *err)
{
	evt_fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return evt_err_nomem(err);
	f->match = match;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	/* Without a thread it is slower and nothing else. */
	f->threaded = threaded && start_thread(f);
	*ret_fetch = f;
	return EVT_OK;
}

void
evt_fetch_free(evt_fetch *f)
{
	if (f == NULL)
		return;
	if (f->threaded) {
		pthread_mutex_lock(&f->lock);
		f->stop = true;
		pthread_cond_broadcast(&f->changed);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
	for (int i = 0; i < 2; i++) {
		evt_block_free(&f->slot[i].block);
		evt_buf_free(&f->slot[i].raw);
		free(f->slot[i].match);
	}
	free(f);
}

void
evt_fetch_start(evt_fetch *f, const evt_io *io, int fd, const char *name,
    const evt_block_ref *ref)
{
	evt_fetched *s = &f->slot[!f->current];

	s->io = io;
	s->fd = fd;
	s->name = name;
	s->ref = *ref;
	pthread_mutex_lock(&f->lock);
	f->state = WANTED;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

bool
evt_fetch_busy(evt_fetch *f)
{
	bool busy;

	pthread_mutex_lock(&f->lock);
	busy = f->state != IDLE;
	pthread_mutex_unlock(&f->lock);
	return busy;
}

evt_fetched *
evt_fetch_wait(evt_fetch *f)
{
	evt_fetched *s = &f->slot[!f->current];

	if (!f->threaded)
		s->code = load(f, s);
	pthread_mutex_lock(&f->lock);
	while (f->threaded && f->state == WANTED)
		pthread_cond_wait(&f->changed, &f->lock);
	f->state = IDLE;
	f->current = !f->current;
	pthread_mutex_unlock(&f->lock);
	return s;
}
