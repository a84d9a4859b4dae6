/*
 * ring.c - see ring.h: filling the ring, and letting go.
 *
 * A chunk is a journal of its own (journal.h), so its records have checksums
 * and a torn end is found as such.  Chunks are closed by time, so that what
 * is too old can go by whole files, and by size, so that the bound in bytes
 * can.
 */
#include "format/write/ring_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

/* Parts of the ring that a chunk is. */
#define PARTS_TIME 16
#define PARTS_SIZE 64
#define CHUNK_NS_MIN EVT_NS_PER_S
/* Records are written at this size at the latest, committed or not. */
#define BATCH_MAX (1u << 20)

static int64_t
ring_now(const evt_ring *r)
{
	return r->w->env.steady_ns(r->w->env.ctx);
}

int
evt_ring_new(evt_writer *w, const evt_ring_options *options,
    evt_ring **ret_ring, evt_error *err)
{
	const evt_io *io = w->env.io;
	evt_ring *r = calloc(1, sizeof(*r));
	int code = EVT_OK;

	if (r == NULL)
		return evt_err_nomem(err);
	r->o = *options;
	r->w = w;
	r->next = r->done = 1;
	r->chunk_ns = r->o.keep_ns / PARTS_TIME;
	if (r->chunk_ns < CHUNK_NS_MIN)
		r->chunk_ns = CHUNK_NS_MIN;
	r->chunk_bytes = r->o.keep_bytes / PARTS_SIZE;
	r->last_sync = ring_now(r);
	r->dir = evt_io_path_join(w->journal_dir, "ring");
	if (r->dir == NULL)
		code = evt_err_nomem(err);
	else if (io->mkdir(io->ctx, r->dir, 0777) != 0 && errno != EEXIST)
		code = evt_err_sys(err, errno, "cannot make the folder %s",
		    r->dir);
	if (code == EVT_OK)
		code = evt_io_sync_dir(io, w->journal_dir, err);
	if (code == EVT_OK)
		code = evt_ring_save(r, 0, 1, 1, err);
	if (code != EVT_OK) {
		evt_ring_free(r);
		return code;
	}
	*ret_ring = r;
	return EVT_OK;
}

void
evt_ring_free(evt_ring *r)
{
	if (r == NULL)
		return;
	evt_journal_free(r->journal);
	free(r->chunk);
	free(r->dir);
	free(r);
}

/* ---- filling ------------------------------------------------------------- */

bool
evt_ring_reserve(evt_ring *r)
{
	size_t cap = r->cap * 2 + 16;
	struct evt_chunk *chunk;

	if (r->n < r->cap)
		return true;
	chunk = realloc(r->chunk, cap * sizeof(*chunk));
	if (chunk == NULL)
		return false;
	r->chunk = chunk;
	r->cap = cap;
	return true;
}

static uint64_t
ring_open_bytes(const evt_ring *r)
{
	return r->journal == NULL ?
	    0 :
	    evt_journal_bytes(r->journal) + evt_journal_pending(r->journal);
}

static int
ring_sync_open(evt_ring *r, evt_error *err)
{
	int code = evt_journal_sync(r->journal, err);

	if (code == EVT_OK) {
		r->dirty = false;
		r->last_sync = ring_now(r);
	}
	return code;
}

static int
ring_commit_open(evt_ring *r, evt_error *err)
{
	int code;

	if (r->journal == NULL || evt_journal_pending(r->journal) == 0)
		return EVT_OK;
	code = evt_journal_commit(r->journal, err);
	if (code == EVT_OK)
		r->dirty = true;
	return code;
}

int
evt_ring_close_chunk(evt_ring *r, evt_error *err)
{
	int code;

	if (r->journal == NULL)
		return EVT_OK;
	if ((code = ring_commit_open(r, err)))
		return code;
	if (r->w->opt.sync_ns != EVT_SYNC_OFF && r->dirty &&
	    (code = ring_sync_open(r, err)))
		return code;
	r->chunk[r->n - 1].bytes = evt_journal_bytes(r->journal);
	evt_journal_free(r->journal);
	r->journal = NULL;
	return EVT_OK;
}

/* Have a chunk for a frame of that steady time. */
static int
ring_need_chunk(evt_ring *r, int64_t at_ns, evt_error *err)
{
	int code;

	if (r->journal != NULL &&
	    (ring_open_bytes(r) >= r->chunk_bytes ||
	        at_ns - r->chunk[r->n - 1].first_ns >= r->chunk_ns) &&
	    (code = evt_ring_close_chunk(r, err)))
		return code;
	if (r->journal != NULL)
		return evt_journal_pending(r->journal) >= BATCH_MAX ?
		    ring_commit_open(r, err) :
		    EVT_OK;
	if (!evt_ring_reserve(r))
		return evt_err_nomem(err);
	if ((code = evt_journal_new(r->w->env.io, r->dir, r->w->uuid,
	         &r->journal, err)))
		return code;
	r->chunk[r->n++] = (struct evt_chunk){ .first = r->next,
		.end = r->next,
		.first_ns = at_ns,
		.last_ns = at_ns };
	return EVT_OK;
}

int
evt_ring_put(evt_ring *r, const evt_frame *f, bool in_lines, evt_error *err)
{
	evt_frame numbered = *f;
	struct evt_chunk *c;
	int code = ring_need_chunk(r, f->mono_ns, err);

	numbered.seq = r->next;
	if (code != EVT_OK ||
	    (code = evt_journal_reserve(r->journal, &numbered, err)))
		return code;
	evt_journal_add(r->journal, &numbered, in_lines);
	c = &r->chunk[r->n - 1];
	c->end = ++r->next;
	c->last_ns = f->mono_ns;
	if (f->kind == EVT_KIND_MARK)
		c->marks++;
	else
		c->frames++;
	return EVT_OK;
}

/* ---- letting go ---------------------------------------------------------- */

int
evt_ring_remove_first(evt_ring *r, evt_error *err)
{
	const evt_io *io = r->w->env.io;
	char *path = evt_journal_path(r->dir, r->chunk[0].first);
	int code = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(err);
	r->chunk[0].frames = 0; /* they count as moved or let go by now */
	/* A chunk whose first write failed has no file. */
	if (io->unlink(io->ctx, path) != 0 && errno != ENOENT)
		code = evt_err_sys(err, errno, "cannot remove %s", path);
	free(path);
	/* Each is synced: a file that a power cut brings back without the one
	 * behind it would look as if that were lost. */
	if (code == EVT_OK && r->w->opt.sync_ns != EVT_SYNC_OFF)
		code = evt_io_sync_dir(io, r->dir, err);
	if (code != EVT_OK)
		return code;
	memmove(r->chunk, r->chunk + 1, --r->n * sizeof(*r->chunk));
	r->moving = false;
	return EVT_OK;
}

/* Let the oldest chunk go, all but its marks. */
static int
ring_let_go_first(evt_ring *r, evt_error *err)
{
	struct evt_chunk *c = &r->chunk[0];
	int code;

	if (r->n == 1 && (code = evt_ring_close_chunk(r, err)))
		return code;
	if (c->marks > 0) {
		if ((code = evt_ring_pass(r, INT64_MAX, err)) ||
		    (code = evt_ring_secure(r, err)))
			return code;
	} else if (r->done < c->end) {
		r->stats.let_go += c->frames;
		r->done = c->end;
	}
	return evt_ring_remove_first(r, err);
}

void
evt_ring_get_stats(const evt_ring *r, evt_ring_stats *ret_stats)
{
	*ret_stats = r->stats;
	ret_stats->frames = 0;
	ret_stats->bytes = ring_open_bytes(r);
	for (size_t i = 0; i < r->n; i++) {
		ret_stats->frames += r->chunk[i].frames;
		ret_stats->bytes += r->chunk[i].bytes;
	}
}

/* Let go what is older than asked. */
static int
ring_let_go_old(evt_ring *r, int64_t now_ns, evt_error *err)
{
	int64_t oldest = now_ns - r->o.keep_ns - EVT_RING_SLACK_NS;
	int code = EVT_OK;

	while (code == EVT_OK && r->n > 0 && r->chunk[0].last_ns < oldest)
		code = ring_let_go_first(r, err);
	return code;
}

/* Let go what is more than asked. */
static int
ring_let_go_much(evt_ring *r, evt_error *err)
{
	evt_ring_stats held;
	int code;

	evt_ring_get_stats(r, &held);
	while (r->n > 1 && held.bytes > r->o.keep_bytes) {
		held.bytes -= r->chunk[0].bytes;
		r->stats.full = true;
		if ((code = ring_let_go_first(r, err)))
			return code;
	}
	return EVT_OK;
}

int
evt_ring_commit(evt_ring *r, int64_t now_ns, evt_error *err)
{
	/* First: on a full disk the ring makes room for itself. */
	int old = ring_let_go_old(r, now_ns, err);
	int code = ring_commit_open(r, err);

	if (code != EVT_OK)
		return code;
	if (r->dirty && r->journal != NULL &&
	    r->w->opt.sync_ns != EVT_SYNC_OFF &&
	    ring_now(r) - r->last_sync >= r->w->opt.sync_ns &&
	    (code = ring_sync_open(r, err)))
		return code;
	return old != EVT_OK ? old : ring_let_go_much(r, err);
}

int
evt_ring_move(evt_ring *r, int64_t from_ns, evt_error *err)
{
	int code = evt_ring_close_chunk(r, err);

	while (code == EVT_OK && r->n > 0) {
		if ((code = evt_ring_pass(r, from_ns, err)) ||
		    (code = evt_ring_secure(r, err)))
			break;
		code = evt_ring_remove_first(r, err);
	}
	return code;
}

int
evt_ring_drop(evt_ring *r, evt_error *err)
{
	int code = EVT_OK;

	while (code == EVT_OK && r->n > 0)
		code = ring_let_go_first(r, err);
	return code == EVT_OK ? evt_ring_clear(r, err) : code;
}
