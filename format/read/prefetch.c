/* prefetch.c - see prefetch.h. */
#include "format/read/prefetch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/worker.h"
#include "format/base/err.h"

/* The block whose frames the cursor returns, and the next two. */
#define SLOTS 3u

struct evt_prefetch {
	const evt_filter_match *match;
	evt_prefetch_result slot[SLOTS];
	evt_worker *ahead;
	bool handing_out; /* the first slot is the cursor's */
};

static int
prefetch_load_block(const evt_filter_match *match, evt_prefetch_result *s)
{
	evt_filter_matched *m = &s->match;
	int r;

	m->n = 0;
	r = evt_segment_read_block(s->io, s->fd, s->name, &s->ref, false,
	    &s->raw, &s->block, &s->err);
	if (r == EVT_OK)
		r = evt_filter_match_block(match, &s->block, s->from_seq, m,
		    &s->err);
	if (r != EVT_OK)
		return r;
	/* Without a frame that passes, the lines are not decompressed. */
	if (m->n == 0)
		return EVT_OK;
	r = evt_block_load_lines(&s->block, s->raw.data, m->frame[m->n - 1] + 1,
	    s->name, &s->err);
	if (r != EVT_OK)
		m->n = 0;
	return r;
}

static void
prefetch_load(void *ctx, size_t i)
{
	evt_prefetch *f = ctx;

	f->slot[i].code = prefetch_load_block(f->match, &f->slot[i]);
}

int
evt_prefetch_new(const evt_filter_match *match, bool threaded,
    evt_prefetch **ret_fetch, evt_error *err)
{
	evt_prefetch *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return evt_err_nomem(err);
	f->match = match;
	r = evt_worker_new(SLOTS, prefetch_load, f,
	    threaded ? "evt-prefetch" : NULL, &f->ahead, err);
	if (r != EVT_OK) {
		free(f);
		return r;
	}
	*ret_fetch = f;
	return EVT_OK;
}

void
evt_prefetch_free(evt_prefetch *f)
{
	if (f == NULL)
		return;
	evt_worker_free(f->ahead); /* first: it may be at work */
	for (size_t i = 0; i < SLOTS; i++) {
		evt_block_free(&f->slot[i].block);
		evt_buf_free(&f->slot[i].raw);
		evt_filter_matched_free(&f->slot[i].match);
	}
	free(f);
}

size_t
evt_prefetch_pending(const evt_prefetch *f)
{
	return evt_worker_held(f->ahead) - f->handing_out;
}

bool
evt_prefetch_has_room(const evt_prefetch *f)
{
	return evt_prefetch_pending(f) <
	    (evt_worker_threaded(f->ahead) ? SLOTS - 1 : 1);
}

void
evt_prefetch_start(evt_prefetch *f, const evt_io *io, int fd, const char *name,
    const evt_segment_block *ref, uint64_t from_seq)
{
	evt_prefetch_result *s;

	if (!evt_prefetch_has_room(f))
		return;
	s = &f->slot[evt_worker_slot(f->ahead)];
	s->io = io;
	s->fd = fd;
	s->name = name;
	s->ref = *ref;
	s->from_seq = from_seq;
	evt_worker_start(f->ahead);
}

evt_prefetch_result *
evt_prefetch_wait(evt_prefetch *f)
{
	assert(evt_prefetch_pending(f) > 0);
	if (f->handing_out)
		evt_worker_release(f->ahead);
	f->handing_out = true;
	return &f->slot[evt_worker_wait(f->ahead)];
}

void
evt_prefetch_drop(evt_prefetch *f)
{
	evt_worker_drop(f->ahead, f->handing_out);
}
