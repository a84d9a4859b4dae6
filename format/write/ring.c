/*
 * ring.c - see ring.h: fill the ring, and drop its oldest frames.
 *
 * A chunk is a journal of its own (journal.h), so its records have checksums,
 * and a torn end is found.  Frames are dropped by removing whole chunks.
 * Therefore a chunk is closed at a certain age, so that old frames can be
 * dropped, and at a certain size, so that the bound in bytes can be kept.
 */
#include "format/write/ring_priv.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "format/read/part_start.h"

/* A chunk is at most this part of the ring. */
#define PARTS_TIME 16
#define PARTS_SIZE 64
#define CHUNK_NS_MIN EVT_NS_PER_S
/* Records of this size are written without waiting for a commit. */
#define BATCH_MAX (1u << 20)

static int64_t
ring_now(const evt_ring *ring)
{
	return evt_writer_now(ring->w);
}

int
evt_ring_new(evt_writer *w, const evt_ring_options *options,
    evt_ring **ret_ring, evt_error *err)
{
	const evt_io *io = evt_writer_io(w);
	evt_ring *ring = calloc(1, sizeof(*ring));
	int r = EVT_OK;

	assert(w != NULL && options->keep_bytes >= EVT_RING_BYTES_MIN &&
	    ret_ring != NULL);
	if (ring == NULL)
		return evt_err_nomem(err);
	ring->o = *options;
	ring->w = w;
	ring->next = ring->done = 1;
	ring->chunk_ns = ring->o.keep_ns / PARTS_TIME;
	if (ring->chunk_ns < CHUNK_NS_MIN)
		ring->chunk_ns = CHUNK_NS_MIN;
	ring->chunk_bytes = ring->o.keep_bytes / PARTS_SIZE;
	ring->last_sync = ring_now(ring);
	ring->dir = evt_io_path_join(evt_writer_journal_dir(w), "ring");
	if (ring->dir == NULL)
		r = evt_err_nomem(err);
	else if (io->mkdir(io->ctx, ring->dir, 0777) != 0 && errno != EEXIST)
		r = evt_err_sys(err, errno, "cannot make the folder %s",
		    ring->dir);
	if (r == EVT_OK)
		r = evt_io_sync_dir(io, evt_writer_journal_dir(w), err);
	if (r == EVT_OK)
		r = evt_ring_save(ring, 0, 1, 1, err);
	if (r != EVT_OK) {
		evt_ring_free(ring);
		return r;
	}
	*ret_ring = ring;
	return EVT_OK;
}

void
evt_ring_free(evt_ring *ring)
{
	if (ring == NULL)
		return;
	evt_journal_free(ring->journal);
	free(ring->chunk);
	free(ring->dir);
	free(ring);
}

/* ---- filling ------------------------------------------------------------- */

bool
evt_ring_reserve(evt_ring *ring)
{
	return evt_grow(&ring->chunk, &ring->cap, ring->n + 1);
}

static uint64_t
ring_open_bytes(const evt_ring *ring)
{
	return ring->journal == NULL ? 0 :
	                               evt_journal_bytes(ring->journal) +
	        evt_journal_pending(ring->journal);
}

static int
ring_sync_open(evt_ring *ring, evt_error *err)
{
	int r = evt_journal_sync(ring->journal, err);

	if (r == EVT_OK) {
		ring->dirty = false;
		ring->last_sync = ring_now(ring);
	}
	return r;
}

static int
ring_commit_open(evt_ring *ring, evt_error *err)
{
	int r;

	if (ring->journal == NULL || evt_journal_pending(ring->journal) == 0)
		return EVT_OK;
	r = evt_journal_commit(ring->journal, err);
	if (r == EVT_OK)
		ring->dirty = true;
	return r;
}

int
evt_ring_close_chunk(evt_ring *ring, evt_error *err)
{
	int r;

	if (ring->journal == NULL)
		return EVT_OK;
	r = ring_commit_open(ring, err);
	if (r != EVT_OK)
		return r;
	if (evt_writer_sync_ns(ring->w) != EVT_SYNC_OFF && ring->dirty) {
		r = ring_sync_open(ring, err);
		if (r != EVT_OK)
			return r;
	}
	ring->chunk[ring->n - 1].bytes = evt_journal_bytes(ring->journal);
	evt_journal_free(ring->journal);
	ring->journal = NULL;
	return EVT_OK;
}

/* Make sure that the open chunk can take a frame of that steady time. */
static int
ring_need_chunk(evt_ring *ring, int64_t at_ns, evt_error *err)
{
	int r;

	if (ring->journal != NULL &&
	    (ring_open_bytes(ring) >= ring->chunk_bytes ||
	        at_ns - ring->chunk[ring->n - 1].first_ns >= ring->chunk_ns)) {
		r = evt_ring_close_chunk(ring, err);
		if (r != EVT_OK)
			return r;
	}
	if (ring->journal != NULL)
		return evt_journal_pending(ring->journal) >= BATCH_MAX ?
		    ring_commit_open(ring, err) :
		    EVT_OK;
	if (!evt_ring_reserve(ring))
		return evt_err_nomem(err);
	r = evt_journal_new(evt_writer_io(ring->w), ring->dir,
	    evt_writer_uuid(ring->w), &ring->journal, err);
	if (r != EVT_OK)
		return r;
	ring->chunk[ring->n++] = (struct evt_ring_chunk){ .first = ring->next,
		.end = ring->next,
		.first_ns = at_ns,
		.last_ns = at_ns };
	return EVT_OK;
}

int
evt_ring_put(evt_ring *ring, const evt_frame *f, bool in_lines, evt_error *err)
{
	evt_frame numbered = *f;
	struct evt_ring_chunk *c;
	bool counts = false;
	int r = ring_need_chunk(ring, f->mono_ns, err);

	numbered.seq = ring->next;
	if (r == EVT_OK && !ring->chunk[ring->n - 1].counts)
		r = evt_part_start_counts(evt_writer_scanner(ring->w), f,
		    &counts, err);
	if (r == EVT_OK)
		r = evt_journal_reserve(ring->journal, &numbered, err);
	if (r != EVT_OK)
		return r;
	evt_journal_add(ring->journal, &numbered, in_lines);
	c = &ring->chunk[ring->n - 1];
	c->end = ++ring->next;
	c->last_ns = f->mono_ns;
	c->counts |= counts;
	if (f->kind == EVT_KIND_MARK)
		c->marks++;
	else
		c->frames++;
	return EVT_OK;
}

/* ---- dropping frames ----------------------------------------------------- */

int
evt_ring_remove_first(evt_ring *ring, evt_error *err)
{
	const evt_io *io = evt_writer_io(ring->w);
	char *path = evt_journal_path(ring->dir, ring->chunk[0].first);
	int r = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(err);
	ring->chunk[0].frames = 0; /* they were counted as moved or dropped */
	/* A chunk whose first write failed has no file. */
	if (io->unlink(io->ctx, path) != 0 && errno != ENOENT)
		r = evt_err_sys(err, errno, "cannot remove %s", path);
	free(path);
	/* Sync each removal.  After a power cut a file might be back without the
	 * next one, which would then look lost. */
	if (r == EVT_OK && evt_writer_sync_ns(ring->w) != EVT_SYNC_OFF)
		r = evt_io_sync_dir(io, ring->dir, err);
	if (r != EVT_OK)
		return r;
	memmove(ring->chunk, ring->chunk + 1, --ring->n * sizeof(*ring->chunk));
	ring->moving = false;
	return EVT_OK;
}

/* Drop the oldest chunk; its marks, and what else counts for later frames, are moved
 * onto the tape. */
static int
ring_drop_first(evt_ring *ring, evt_error *err)
{
	struct evt_ring_chunk *c = &ring->chunk[0];
	int r;

	if (ring->n == 1) {
		r = evt_ring_close_chunk(ring, err);
		if (r != EVT_OK)
			return r;
	}
	if (c->marks > 0 || c->counts) {
		r = evt_ring_pass(ring, INT64_MAX, err);
		if (r == EVT_OK)
			r = evt_ring_secure(ring, err);
		if (r != EVT_OK)
			return r;
	} else if (ring->done < c->end) {
		ring->stats.let_go += c->frames;
		ring->done = c->end;
	}
	return evt_ring_remove_first(ring, err);
}

void
evt_ring_get_stats(const evt_ring *ring, evt_ring_stats *ret_stats)
{
	*ret_stats = ring->stats;
	ret_stats->frames = 0;
	ret_stats->bytes = ring_open_bytes(ring);
	for (size_t i = 0; i < ring->n; i++) {
		ret_stats->frames += ring->chunk[i].frames;
		ret_stats->bytes += ring->chunk[i].bytes;
	}
}

/* Drop frames that are older than asked for. */
static int
ring_drop_old(evt_ring *ring, int64_t now_ns, evt_error *err)
{
	int64_t oldest = now_ns - ring->o.keep_ns - EVT_RING_SLACK_NS;
	int r = EVT_OK;

	while (r == EVT_OK && ring->n > 0 && ring->chunk[0].last_ns < oldest)
		r = ring_drop_first(ring, err);
	return r;
}

/* Drop frames beyond the size that was asked for. */
static int
ring_drop_excess(evt_ring *ring, evt_error *err)
{
	evt_ring_stats held;
	int r;

	evt_ring_get_stats(ring, &held);
	while (ring->n > 1 && held.bytes > ring->o.keep_bytes) {
		held.bytes -= ring->chunk[0].bytes;
		ring->stats.full = true;
		r = ring_drop_first(ring, err);
		if (r != EVT_OK)
			return r;
	}
	return EVT_OK;
}

int
evt_ring_commit(evt_ring *ring, int64_t now_ns, evt_error *err)
{
	/* First: on a full disk the ring makes room for itself. */
	int old = ring_drop_old(ring, now_ns, err);
	int r = ring_commit_open(ring, err);

	if (r != EVT_OK)
		return r;
	if (ring->dirty && ring->journal != NULL &&
	    evt_writer_sync_ns(ring->w) != EVT_SYNC_OFF &&
	    ring_now(ring) - ring->last_sync >= evt_writer_sync_ns(ring->w)) {
		r = ring_sync_open(ring, err);
		if (r != EVT_OK)
			return r;
	}
	return old != EVT_OK ? old : ring_drop_excess(ring, err);
}

int
evt_ring_move(evt_ring *ring, int64_t from_ns, evt_error *err)
{
	int r = evt_ring_close_chunk(ring, err);

	while (r == EVT_OK && ring->n > 0) {
		r = evt_ring_pass(ring, from_ns, err);
		if (r == EVT_OK)
			r = evt_ring_secure(ring, err);
		if (r != EVT_OK)
			break;
		r = evt_ring_remove_first(ring, err);
	}
	return r;
}

int
evt_ring_drop(evt_ring *ring, evt_error *err)
{
	int r = EVT_OK;

	while (r == EVT_OK && ring->n > 0)
		r = ring_drop_first(ring, err);
	return r == EVT_OK ? evt_ring_clear(ring, err) : r;
}
