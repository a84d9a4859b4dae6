/* fetch.c - see fetch.h. */
#include "format/fetch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/err.h"
#include "format/thread.h"

/* The block that is being handed out, and those behind it. */
#define SLOTS 3u

enum state { IDLE, WANTED, LOADING, LOADED };

struct evt_fetch {
	const evt_match *match;
	evt_fetched slot[SLOTS];
	enum state state[SLOTS];
	size_t current;    /* the slot that is being handed out */
	size_t pending;    /* those behind it that are not idle */
	bool threaded;
	bool stop;
	pthread_t thread;
	pthread_mutex_t lock; /* of state, current and stop */
	pthread_cond_t wanted, loaded;
};

/* The n-th slot behind the current one. */
static size_t
behind(const evt_fetch *f, size_t n)
{
	return (f->current + n) % SLOTS;
}

static int
load(const evt_match *match, evt_fetched *s)
{
	evt_matched *m = &s->match;
	int r;

	m->n = 0;
	if ((r = evt_segment_read_block(s->io, s->fd, s->name, &s->ref, false,
	    &s->raw, &s->block, &s->err)) ||
	    (r = evt_match_block(match, &s->block, s->from_seq, m, &s->err)))
		return r;
	/* Lines that nobody asked for are not decompressed. */
	if (m->n == 0)
		return EVT_OK;
	r = evt_block_load_lines(&s->block, s->raw.data,
	    m->frame[m->n - 1] + 1, s->name, &s->err);
	if (r != EVT_OK)
		m->n = 0;
	return r;
}

/* Load the first block that nobody has begun with.  Called and left with the
 * lock held; false: there is none. */
static bool
load_next(evt_fetch *f)
{
	for (size_t n = 1; n < SLOTS; n++) {
		size_t i = behind(f, n);

		if (f->state[i] != WANTED)
			continue;
		f->state[i] = LOADING;
		pthread_mutex_unlock(&f->lock);
		f->slot[i].code = load(f->match, &f->slot[i]);
		pthread_mutex_lock(&f->lock);
		f->state[i] = LOADED;
		pthread_cond_signal(&f->loaded);
		return true;
	}
	return false;
}

static void *
run(void *arg)
{
	evt_fetch *f = arg;

	pthread_mutex_lock(&f->lock);
	while (!f->stop) {
		if (!load_next(f))
			pthread_cond_wait(&f->wanted, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

int
evt_fetch_new(const evt_match *match, bool threaded, evt_fetch **ret_fetch,
    evt_error *err)
{
	evt_fetch *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return evt_err_nomem(err);
	f->match = match;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wanted, NULL);
	pthread_cond_init(&f->loaded, NULL);
	/* Without a thread it is slower and nothing else. */
	f->threaded = threaded &&
	    evt_thread_start(&f->thread, run, f) == 0;
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
		pthread_cond_signal(&f->wanted);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->wanted);
	pthread_cond_destroy(&f->loaded);
	for (size_t i = 0; i < SLOTS; i++) {
		evt_block_free(&f->slot[i].block);
		evt_buf_free(&f->slot[i].raw);
		evt_matched_free(&f->slot[i].match);
	}
	free(f);
}

size_t
evt_fetch_pending(const evt_fetch *f)
{
	return f->pending;
}

bool
evt_fetch_has_room(const evt_fetch *f)
{
	return f->pending < (f->threaded ? SLOTS - 1 : 1);
}

void
evt_fetch_start(evt_fetch *f, const evt_io *io, int fd, const char *name,
    const evt_block_ref *ref, uint64_t from_seq)
{
	size_t i = behind(f, f->pending + 1);
	evt_fetched *s = &f->slot[i];

	if (!evt_fetch_has_room(f))
		return;
	s->io = io;
	s->fd = fd;
	s->name = name;
	s->ref = *ref;
	s->from_seq = from_seq;
	f->pending++;
	pthread_mutex_lock(&f->lock);
	f->state[i] = WANTED;
	pthread_cond_signal(&f->wanted);
	pthread_mutex_unlock(&f->lock);
}

evt_fetched *
evt_fetch_wait(evt_fetch *f)
{
	size_t i = behind(f, 1);

	pthread_mutex_lock(&f->lock);
	while (f->state[i] != LOADED) {
		if (!load_next(f))
			pthread_cond_wait(&f->loaded, &f->lock);
	}
	f->state[i] = IDLE;
	f->current = i;
	pthread_mutex_unlock(&f->lock);
	f->pending--;
	return &f->slot[i];
}

void
evt_fetch_drop(evt_fetch *f)
{
	pthread_mutex_lock(&f->lock);
	for (; f->pending > 0; f->pending--) {
		size_t i = behind(f, f->pending);

		while (f->state[i] == LOADING)
			pthread_cond_wait(&f->loaded, &f->lock);
		f->state[i] = IDLE;
	}
	pthread_mutex_unlock(&f->lock);
}
