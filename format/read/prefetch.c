/* fetch.c - see fetch.h. */
#include "format/read/prefetch.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/worker.h"
#include "format/base/err.h"

/* The block that is being handed out, and those behind it. */
#define SLOTS 3u

struct evt_fetch {
	const evt_match *match;
	evt_fetched slot[SLOTS];
	evt_ahead *ahead;
	bool handing_out; /* the first of what it holds */
};

static int
load_block(const evt_match *match, evt_fetched *s)
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
	r = evt_block_load_lines(&s->block, s->raw.data, m->frame[m->n - 1] + 1,
	    s->name, &s->err);
	if (r != EVT_OK)
		m->n = 0;
	return r;
}

static void
load(void *ctx, size_t i)
{
	evt_fetch *f = ctx;

	f->slot[i].code = load_block(f->match, &f->slot[i]);
}

int
evt_fetch_new(const evt_match *match, bool threaded, evt_fetch **ret_fetch,
    evt_error *err)
{
	evt_fetch *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return evt_err_nomem(err);
	f->match = match;
	if ((r = evt_ahead_new(SLOTS, load, f, threaded, &f->ahead, err))) {
		free(f);
		return r;
	}
	*ret_fetch = f;
	return EVT_OK;
}

void
evt_fetch_free(evt_fetch *f)
{
	if (f == NULL)
		return;
	evt_ahead_free(f->ahead); /* first: it may be at work */
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
	return evt_ahead_held(f->ahead) - f->handing_out;
}

bool
evt_fetch_has_room(const evt_fetch *f)
{
	return evt_fetch_pending(f) <
	    (evt_ahead_threaded(f->ahead) ? SLOTS - 1 : 1);
}

void
evt_fetch_start(evt_fetch *f, const evt_io *io, int fd, const char *name,
    const evt_block_ref *ref, uint64_t from_seq)
{
	evt_fetched *s;

	if (!evt_fetch_has_room(f))
		return;
	s = &f->slot[evt_ahead_slot(f->ahead)];
	s->io = io;
	s->fd = fd;
	s->name = name;
	s->ref = *ref;
	s->from_seq = from_seq;
	evt_ahead_start(f->ahead);
}

evt_fetched *
evt_fetch_wait(evt_fetch *f)
{
	if (f->handing_out)
		evt_ahead_release(f->ahead);
	f->handing_out = true;
	return &f->slot[evt_ahead_wait(f->ahead)];
}

void
evt_fetch_drop(evt_fetch *f)
{
	evt_ahead_drop(f->ahead, f->handing_out);
}
