/*
 * ring_move.c - move frames from the ring onto the tape, once and in order.
 *
 * A process may die at any point of this.  Then the next process must know
 * which frames of the ring are on the tape already.  So before the frames of a
 * chunk are put, a state file is written: the frame with the number `from` in
 * the ring gets the sequence number `base`, and so on up to `end`.  The tape's
 * next sequence number then shows how many frames were put.  This also holds
 * after a power cut: each block is synced before a byte of the next one is
 * written, so the tape has no hole.
 *
 * A chunk is removed only after its frames on the tape were synced.
 */
#include "format/write/ring_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/mark.h"
#include "format/read/part_start.h"
#include "format/store/layout.h"
#include "format/base/le.h"

#define STATE "state"

/* ---- the state file ------------------------------------------------------ */

static int
ring_move_write_state(evt_ring *ring, const char *path, const uint8_t *p,
    evt_error *err)
{
	const evt_io *io = evt_writer_io(ring->w);
	int fd = io->open(io->ctx, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int r;

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", path);
	r = evt_io_write_all(io, fd, p, RS_LEN, 0, path, err);
	if (r == EVT_OK && evt_writer_sync_ns(ring->w) != EVT_SYNC_OFF &&
	    io->fdatasync(io->ctx, fd) != 0)
		r = evt_err_sys(err, errno, "cannot sync %s", path);
	io->close(io->ctx, fd);
	return r;
}

int
evt_ring_save(evt_ring *ring, uint64_t base, uint64_t from, uint64_t end,
    evt_error *err)
{
	const evt_io *io = evt_writer_io(ring->w);
	char *path = evt_io_path_join(ring->dir, STATE);
	char *tmp = evt_io_path_join(ring->dir, STATE ".tmp");
	uint8_t s[RS_LEN];
	int r;

	memcpy(s + RS_MAGIC, EVT_RING_MAGIC, 8);
	evt_put64(s + RS_BASE, base);
	evt_put64(s + RS_FROM, from);
	evt_put64(s + RS_END, end);
	evt_put64(s + RS_SUM, XXH64(s, RS_SUM, 0));
	r = path != NULL && tmp != NULL ?
	    ring_move_write_state(ring, tmp, s, err) :
	    evt_err_nomem(err);
	if (r == EVT_OK && io->rename(io->ctx, tmp, path) != 0)
		r = evt_err_sys(err, errno, "cannot create %s", path);
	if (r == EVT_OK && evt_writer_sync_ns(ring->w) != EVT_SYNC_OFF)
		r = evt_io_sync_dir(io, ring->dir, err);
	free(path);
	free(tmp);
	return r;
}

int
evt_ring_clear(evt_ring *ring, evt_error *err)
{
	static const char *const names[] = { STATE ".tmp", STATE };
	const evt_io *io = evt_writer_io(ring->w);
	int r = evt_io_sync_dir(io, ring->dir, err);

	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		char *path = evt_io_path_join(ring->dir, names[i]);

		if (path == NULL)
			return evt_err_nomem(err);
		if (io->unlink(io->ctx, path) != 0 && errno != ENOENT)
			r = evt_err_sys(err, errno, "cannot remove %s", path);
		free(path);
	}
	return r;
}

/* Frames with lower numbers in the ring are on the tape, or were dropped. */
static int
ring_move_read_state(const evt_ring *ring, uint64_t *ret_done, evt_error *err)
{
	const evt_io *io = evt_writer_io(ring->w);
	char *path = evt_io_path_join(ring->dir, STATE);
	uint64_t base, from, end, put = 0;
	uint8_t s[RS_LEN];
	size_t n = 0;
	int fd, r;

	*ret_done = 0;
	if (path == NULL)
		return evt_err_nomem(err);
	fd = io->open(io->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		r = errno == ENOENT ?
		    EVT_OK :
		    evt_err_sys(err, errno, "cannot open %s", path);
	else
		r = evt_io_read_at(io, fd, s, RS_LEN, 0, path, &n, err);
	if (fd >= 0)
		io->close(io->ctx, fd);
	free(path);
	/* An invalid state file was not completed: no frame was moved. */
	if (r != EVT_OK || n < RS_LEN ||
	    memcmp(s + RS_MAGIC, EVT_RING_MAGIC, 8) != 0 ||
	    evt_get64(s + RS_SUM) != XXH64(s, RS_SUM, 0))
		return r;
	base = evt_get64(s + RS_BASE);
	from = evt_get64(s + RS_FROM);
	end = evt_get64(s + RS_END);
	if (base > 0 && evt_writer_next_seq(ring->w) > base)
		put = evt_writer_next_seq(ring->w) - base;
	if (put > end - from)
		put = end - from;
	*ret_done = from + put;
	return EVT_OK;
}

/* ---- moving frames ------------------------------------------------------- */

/* Sync a full block before a byte of the next one is written. */
static int
ring_move_sync_cut(evt_ring *ring, evt_error *err)
{
	int r;

	if (evt_writer_sync_ns(ring->w) == EVT_SYNC_OFF ||
	    ring->blocks == evt_writer_blocks(ring->w))
		return EVT_OK;
	r = evt_writer_sync_written(ring->w, err);
	if (r != EVT_OK)
		return r;
	ring->blocks = evt_writer_blocks(ring->w);
	return EVT_OK;
}

int
evt_ring_secure(evt_ring *ring, evt_error *err)
{
	int r = ring_move_sync_cut(ring, err);

	if (r == EVT_OK)
		r = evt_writer_commit(ring->w, err);
	if (r != EVT_OK)
		return r;
	return evt_writer_sync_ns(ring->w) == EVT_SYNC_OFF ?
	    EVT_OK :
	    evt_writer_sync_written(ring->w, err);
}

static int
ring_move_put(evt_ring *ring, const evt_frame *f, bool in_lines, evt_error *err)
{
	evt_frame frame = *f;
	int r = ring_move_sync_cut(ring, err);

	if (r == EVT_OK)
		r = evt_writer_put_known(ring->w, &frame, in_lines, err);
	if (r != EVT_OK)
		return r;
	ring->last_time_ns = frame.time_ns;
	ring->last_mono_ns = frame.mono_ns;
	if (ring->o.wrote != NULL)
		ring->o.wrote(ring->o.ctx, &frame);
	return EVT_OK;
}

static int
ring_move_pass_frame(evt_ring *ring, const evt_frame *f, bool in_lines,
    int64_t from_ns, evt_error *err)
{
	bool mark = f->kind == EVT_KIND_MARK, begins = f->mono_ns >= from_ns;
	bool stays = mark;
	int r;

	if (f->seq < ring->done)
		return EVT_OK;
	if (!mark && !ring->moving && !begins) {
		/* It may count for the frames that are kept later. */
		r = evt_part_start_counts(evt_writer_scanner(ring->w), f,
		    &stays, err);
		if (r != EVT_OK)
			return r;
	}
	if (!ring->moving && (begins || stays)) {
		r = evt_ring_secure(ring, err);
		if (r == EVT_OK)
			r = evt_ring_save(ring, evt_writer_next_seq(ring->w),
			    f->seq, begins ? ring->chunk[0].end : f->seq + 1,
			    err);
		if (r != EVT_OK)
			return r;
		ring->moving = begins;
	}
	if (ring->moving || stays) {
		r = ring_move_put(ring, f, in_lines, err);
		if (r != EVT_OK)
			return r;
		ring->stats.moved += !mark && ring->moving;
	} else {
		ring->stats.let_go++;
	}
	ring->done = f->seq + 1;
	return EVT_OK;
}

/* Give a mark of ours the time of the last frame, so that it does not lengthen
 * the tape. */
static void
ring_move_stamp(const evt_ring *ring, evt_frame *f)
{
	f->time_ns = ring->last_time_ns;
	f->mono_ns = ring->last_mono_ns;
	if (f->time_ns == 0)
		f->time_ns = f->mono_ns = evt_writer_wall(ring->w);
}

/* Put a gap mark for the frames of the oldest chunk that cannot be read, and keep
 * its file. */
static int
ring_move_pass_damage(evt_ring *ring, const char *why, evt_error *err)
{
	struct evt_ring_chunk *c = &ring->chunk[0];
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_GAP };
	char *from = evt_journal_path(ring->dir, c->first);
	evt_buf json = { 0 }, to = { 0 };
	bool known = c->end != UINT64_MAX;
	evt_mark_gap_info gap = {
		.frames =
		    known ? (int64_t)(c->end - ring->done) : EVT_MARK_UNKNOWN,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "frames held for a trigger were damaged",
	};
	int r;

	ring_move_stamp(ring, &f);
	if (from == NULL ||
	    !evt_buf_printf(&to, "%s/ring-%020" PRIu64 ".evj.bad",
	        evt_writer_journal_dir(ring->w), c->first) ||
	    !evt_mark_gap(&json, &gap)) {
		r = evt_err_nomem(err);
	} else {
		f.payload = json.data;
		f.len = json.len;
		r = ring_move_put(ring, &f, false, err);
	}
	if (r == EVT_OK) {
		const evt_io *io = evt_writer_io(ring->w);

		ring->done = known ? c->end : ring->done;
		evt_writer_notice(ring->w, "%s; the file is kept as %s", why,
		    (char *)to.data);
		if (io->rename(io->ctx, from, (char *)to.data) != 0)
			evt_writer_notice(ring->w, "cannot rename %s: %s", from,
			    strerror(errno));
	}
	evt_buf_free(&json);
	evt_buf_free(&to);
	free(from);
	return r;
}

int
evt_ring_pass(evt_ring *ring, int64_t from_ns, evt_error *err)
{
	const struct evt_ring_chunk *c = &ring->chunk[0];
	evt_journal_reader *reader;
	evt_error why = { 0 };
	uint64_t left;
	bool in_lines;
	evt_frame f;
	int r;

	if (ring->done >= c->end)
		return EVT_OK;
	r = evt_journal_open(evt_writer_io(ring->w), ring->dir, c->first,
	    &reader, &why);
	if (r == EVT_OK) {
		while ((r = evt_journal_next(reader, &f, &in_lines, &why)) ==
		    EVT_OK) {
			r = ring_move_pass_frame(ring, &f, in_lines, from_ns,
			    err);
			if (r != EVT_OK) {
				evt_journal_close(reader);
				return r;
			}
		}
		/* A torn end is not damage; an invalid length is. */
		if (r == EVT_AGAIN &&
		    evt_journal_check_end(reader, &left, &why) != EVT_OK)
			r = why.code;
		evt_journal_close(reader);
	}
	if (r == EVT_AGAIN || r == EVT_ERR_NOTFOUND)
		/* The end of the written records.  The length of the last chunk of
		 * a dead recorder is unknown. */
		return c->end == UINT64_MAX || ring->done >= c->end ?
		    EVT_OK :
		    ring_move_pass_damage(ring,
		        "a file of the ring ends too early", err);
	if (r == EVT_ERR_CORRUPT || r == EVT_ERR_VERSION)
		return ring_move_pass_damage(ring, why.text, err);
	if (err != NULL)
		*err = why;
	return r;
}

/* ---- after a crash ------------------------------------------------------- */

static int
ring_move_load_chunks(evt_ring *ring, evt_error *err)
{
	uint64_t *firsts = NULL;
	size_t n = 0;
	int r = evt_journal_list(evt_writer_io(ring->w), ring->dir, &firsts, &n,
	    err);

	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		if (!evt_ring_reserve(ring)) {
			r = evt_err_nomem(err);
			break;
		}
		ring->chunk[ring->n++] =
		    (struct evt_ring_chunk){ .first = firsts[i],
			    .end = i + 1 < n ? firsts[i + 1] : UINT64_MAX };
	}
	free(firsts);
	return r;
}

/* Whether a dead recorder left anything in the folder. */
static bool
ring_move_is_there(const evt_ring *ring)
{
	char *path = evt_io_path_join(ring->dir, STATE);
	struct stat st;
	const evt_io *io = evt_writer_io(ring->w);
	bool there =
	    ring->n > 0 || (path != NULL && io->stat(io->ctx, path, &st) == 0);

	free(path);
	return there;
}

int
evt_ring_load(evt_writer *w, evt_ring **ret_ring, evt_error *err)
{
	evt_ring *ring = calloc(1, sizeof(*ring));
	int r = EVT_OK;

	if (ring == NULL)
		return evt_err_nomem(err);
	ring->w = w;
	ring->blocks = evt_writer_blocks(w);
	ring->dir = evt_io_path_join(evt_writer_journal_dir(w), "ring");
	if (ring->dir == NULL)
		r = evt_err_nomem(err);
	else
		r = ring_move_load_chunks(ring, err);
	if (r == EVT_OK && ring_move_is_there(ring)) {
		r = ring_move_read_state(ring, &ring->done, err);
		/* From now on the caller may put frames onto the tape. */
		if (r == EVT_OK)
			r = evt_ring_save(ring, 0, ring->done, ring->done, err);
	} else if (r == EVT_OK) {
		evt_ring_free(ring);
		ring = NULL;
	}
	if (r != EVT_OK) {
		evt_ring_free(ring);
		return r;
	}
	*ret_ring = ring;
	return EVT_OK;
}

/* Put a trigger mark that says where the frames before it come from. */
static int
ring_move_put_rescued(evt_ring *ring, evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_TRIGGER };
	evt_buf json = { 0 };
	int r;

	if (!evt_mark_trigger(&json, "recovered", NULL, ring->stats.moved,
	        EVT_MARK_UNKNOWN))
		return evt_err_nomem(err);
	ring_move_stamp(ring, &f);
	f.payload = json.data;
	f.len = json.len;
	r = ring_move_put(ring, &f, false, err);
	evt_buf_free(&json);
	if (r == EVT_OK)
		evt_writer_notice(ring->w,
		    "%s was waiting for a trigger when its recorder died: the "
		    "%" PRIu64 " frame%s that it held %s on the tape now",
		    evt_writer_path(ring->w), ring->stats.moved,
		    ring->stats.moved == 1 ? "" : "s",
		    ring->stats.moved == 1 ? "is" : "are");
	return r;
}

int
evt_ring_rescue(evt_ring *ring, evt_error *err)
{
	int r = EVT_OK;

	while (r == EVT_OK && ring->n > 0) {
		r = evt_ring_pass(ring, INT64_MIN, err);
		if (r != EVT_OK)
			break;
		if (ring->n == 1 && ring->stats.moved > 0) {
			r = ring_move_put_rescued(ring, err);
			if (r != EVT_OK)
				break;
		}
		r = evt_ring_secure(ring, err);
		if (r != EVT_OK)
			break;
		r = evt_ring_remove_first(ring, err);
	}
	evt_writer_add_recovered(ring->w, ring->stats.moved);
	return r == EVT_OK ? evt_ring_clear(ring, err) : r;
}

/* ---- other processes ----------------------------------------------------- */

bool
evt_ring_armed(const evt_io *io, const char *tape_path)
{
	char *path = evt_io_path_join(tape_path, "journal/ring/" STATE);
	struct stat st;
	bool armed = path != NULL && io->stat(io->ctx, path, &st) == 0;

	free(path);
	return armed;
}
