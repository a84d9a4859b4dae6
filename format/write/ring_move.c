/*
 * ring_move.c - from the ring onto the tape, once and in order.
 *
 * A process may die at any point of it, and then the next one must know which
 * of the frames that the ring still holds are on the tape.  So before the
 * frames of a chunk are put, a state file says that the frame with the number
 * `from` in the ring gets the sequence number `base`, and so on up to `end`.
 * The tape's next sequence number then tells how far it got.  That holds for a
 * power cut too, since what is on the tape is a run without a hole: each block
 * is synced before a byte of the next one is written.
 *
 * A chunk is removed only when the tape has its frames for good.
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
#include "format/store/layout.h"
#include "format/base/le.h"

#define STATE "state"

/* ---- the state file ------------------------------------------------------ */

static int
ring_move_write_state(evt_ring *r, const char *path, const uint8_t *p,
    evt_error *err)
{
	const evt_io *io = r->w->env.io;
	int fd = io->open(io->ctx, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	int code;

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", path);
	code = evt_io_write_all(io, fd, p, RS_LEN, 0, path, err);
	if (code == EVT_OK && r->w->opt.sync_ns != EVT_SYNC_OFF &&
	    io->fdatasync(io->ctx, fd) != 0)
		code = evt_err_sys(err, errno, "cannot sync %s", path);
	io->close(io->ctx, fd);
	return code;
}

int
evt_ring_save(evt_ring *r, uint64_t base, uint64_t from, uint64_t end,
    evt_error *err)
{
	const evt_io *io = r->w->env.io;
	char *path = evt_io_path_join(r->dir, STATE);
	char *tmp = evt_io_path_join(r->dir, STATE ".tmp");
	uint8_t s[RS_LEN];
	int code;

	memcpy(s + RS_MAGIC, EVT_RING_MAGIC, 8);
	evt_put64(s + RS_BASE, base);
	evt_put64(s + RS_FROM, from);
	evt_put64(s + RS_END, end);
	evt_put64(s + RS_SUM, XXH64(s, RS_SUM, 0));
	code = path != NULL && tmp != NULL ?
	    ring_move_write_state(r, tmp, s, err) :
	    evt_err_nomem(err);
	if (code == EVT_OK && io->rename(io->ctx, tmp, path) != 0)
		code = evt_err_sys(err, errno, "cannot create %s", path);
	if (code == EVT_OK && r->w->opt.sync_ns != EVT_SYNC_OFF)
		code = evt_io_sync_dir(io, r->dir, err);
	free(path);
	free(tmp);
	return code;
}

int
evt_ring_clear(evt_ring *r, evt_error *err)
{
	static const char *const names[] = { STATE ".tmp", STATE };
	const evt_io *io = r->w->env.io;
	int code = evt_io_sync_dir(io, r->dir, err);

	for (size_t i = 0; i < 2 && code == EVT_OK; i++) {
		char *path = evt_io_path_join(r->dir, names[i]);

		if (path == NULL)
			return evt_err_nomem(err);
		if (io->unlink(io->ctx, path) != 0 && errno != ENOENT)
			code =
			    evt_err_sys(err, errno, "cannot remove %s", path);
		free(path);
	}
	return code;
}

/* The numbers below which the ring's frames are on the tape or let go. */
static int
ring_move_read_state(const evt_ring *r, uint64_t *ret_done, evt_error *err)
{
	const evt_io *io = r->w->env.io;
	char *path = evt_io_path_join(r->dir, STATE);
	uint64_t base, from, end, put = 0;
	uint8_t s[RS_LEN];
	size_t n = 0;
	int fd, code;

	*ret_done = 0;
	if (path == NULL)
		return evt_err_nomem(err);
	fd = io->open(io->ctx, path, O_RDONLY, 0);
	if (fd < 0)
		code = errno == ENOENT ?
		    EVT_OK :
		    evt_err_sys(err, errno, "cannot open %s", path);
	else
		code = evt_io_read_at(io, fd, s, RS_LEN, 0, path, &n, err);
	if (fd >= 0)
		io->close(io->ctx, fd);
	free(path);
	/* One that is no state was never renamed by us: nothing was moved. */
	if (code != EVT_OK || n < RS_LEN ||
	    memcmp(s + RS_MAGIC, EVT_RING_MAGIC, 8) != 0 ||
	    evt_get64(s + RS_SUM) != XXH64(s, RS_SUM, 0))
		return code;
	base = evt_get64(s + RS_BASE);
	from = evt_get64(s + RS_FROM);
	end = evt_get64(s + RS_END);
	if (base > 0 && r->w->next_seq > base)
		put = r->w->next_seq - base;
	if (put > end - from)
		put = end - from;
	*ret_done = from + put;
	return EVT_OK;
}

/* ---- onto the tape ------------------------------------------------------- */

/* Sync a block that was cut before anything behind it is written. */
static int
ring_move_sync_cut(evt_ring *r, evt_error *err)
{
	int code;

	if (r->w->opt.sync_ns == EVT_SYNC_OFF ||
	    r->blocks == r->w->stats.blocks)
		return EVT_OK;
	if ((code = evt_writer_sync_written(r->w, err)))
		return code;
	r->blocks = r->w->stats.blocks;
	return EVT_OK;
}

int
evt_ring_secure(evt_ring *r, evt_error *err)
{
	int code = ring_move_sync_cut(r, err);

	if (code != EVT_OK || (code = evt_writer_commit(r->w, err)))
		return code;
	return r->w->opt.sync_ns == EVT_SYNC_OFF ?
	    EVT_OK :
	    evt_writer_sync_written(r->w, err);
}

static int
ring_move_put(evt_ring *r, const evt_frame *f, bool in_lines, evt_error *err)
{
	evt_frame frame = *f;
	int code = ring_move_sync_cut(r, err);

	if (code != EVT_OK ||
	    (code = evt_writer_put_known(r->w, &frame, in_lines, err)))
		return code;
	r->last_time_ns = frame.time_ns;
	r->last_mono_ns = frame.mono_ns;
	if (r->o.wrote != NULL)
		r->o.wrote(r->o.ctx, &frame);
	return EVT_OK;
}

static int
ring_move_pass_frame(evt_ring *r, const evt_frame *f, bool in_lines,
    int64_t from_ns, evt_error *err)
{
	bool mark = f->kind == EVT_KIND_MARK, begins = f->mono_ns >= from_ns;
	int code;

	if (f->seq < r->done)
		return EVT_OK;
	if (!r->moving && (begins || mark)) {
		if ((code = evt_ring_secure(r, err)) ||
		    (code = evt_ring_save(r, r->w->next_seq, f->seq,
		         begins ? r->chunk[0].end : f->seq + 1, err)))
			return code;
		r->moving = begins;
	}
	if (r->moving || mark) {
		if ((code = ring_move_put(r, f, in_lines, err)))
			return code;
		r->stats.moved += !mark;
	} else {
		r->stats.let_go++;
	}
	r->done = f->seq + 1;
	return EVT_OK;
}

/* A mark of ours is as old as what came last, so that the tape does not grow
 * longer by it. */
static void
ring_move_stamp(const evt_ring *r, evt_frame *f)
{
	f->time_ns = r->last_time_ns;
	f->mono_ns = r->last_mono_ns;
	if (f->time_ns == 0)
		f->time_ns = f->mono_ns = r->w->env.wall_ns(r->w->env.ctx);
}

/* Put a mark for what cannot be read of the oldest chunk, and keep its file. */
static int
ring_move_pass_damage(evt_ring *r, const char *why, evt_error *err)
{
	struct evt_chunk *c = &r->chunk[0];
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_GAP };
	char *from = evt_journal_path(r->dir, c->first);
	evt_buf json = { 0 }, to = { 0 };
	bool known = c->end != UINT64_MAX;
	evt_mark_gap_info gap = {
		.frames =
		    known ? (int64_t)(c->end - r->done) : EVT_MARK_UNKNOWN,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = "frames held for a trigger were damaged",
	};
	int code;

	ring_move_stamp(r, &f);
	if (from == NULL ||
	    !evt_buf_printf(&to, "%s/ring-%020" PRIu64 ".evj.bad",
	        r->w->journal_dir, c->first) ||
	    !evt_mark_gap(&json, &gap)) {
		code = evt_err_nomem(err);
	} else {
		f.payload = json.data;
		f.len = json.len;
		code = ring_move_put(r, &f, false, err);
	}
	if (code == EVT_OK) {
		const evt_io *io = r->w->env.io;

		r->done = known ? c->end : r->done;
		evt_writer_notice(r->w, "%s; the file is kept as %s", why,
		    (char *)to.data);
		if (io->rename(io->ctx, from, (char *)to.data) != 0)
			evt_writer_notice(r->w, "cannot rename %s: %s", from,
			    strerror(errno));
	}
	evt_buf_free(&json);
	evt_buf_free(&to);
	free(from);
	return code;
}

int
evt_ring_pass(evt_ring *r, int64_t from_ns, evt_error *err)
{
	const struct evt_chunk *c = &r->chunk[0];
	evt_journal_reader *reader;
	evt_error why = { 0 };
	uint64_t left;
	bool in_lines;
	evt_frame f;
	int code;

	if (r->done >= c->end)
		return EVT_OK;
	code = evt_journal_open(r->w->env.io, r->dir, c->first, &reader, &why);
	if (code == EVT_OK) {
		while ((code = evt_journal_next(reader, &f, &in_lines, &why)) ==
		    EVT_OK) {
			code =
			    ring_move_pass_frame(r, &f, in_lines, from_ns, err);
			if (code != EVT_OK) {
				evt_journal_close(reader);
				return code;
			}
		}
		/* A torn end is no damage, a length gone bad is. */
		if (code == EVT_AGAIN &&
		    evt_journal_check_end(reader, &left, &why) != EVT_OK)
			code = why.code;
		evt_journal_close(reader);
	}
	if (code == EVT_AGAIN || code == EVT_ERR_NOTFOUND)
		/* The end of what was written; of the last chunk of a dead
		 * recorder, nobody knows more. */
		return c->end == UINT64_MAX || r->done >= c->end ?
		    EVT_OK :
		    ring_move_pass_damage(r,
		        "a file of the ring ends too early", err);
	if (code == EVT_ERR_CORRUPT || code == EVT_ERR_VERSION)
		return ring_move_pass_damage(r, why.text, err);
	if (err != NULL)
		*err = why;
	return code;
}

/* ---- after a crash ------------------------------------------------------- */

static int
ring_move_load_chunks(evt_ring *r, evt_error *err)
{
	uint64_t *firsts = NULL;
	size_t n = 0;
	int code = evt_journal_list(r->w->env.io, r->dir, &firsts, &n, err);

	for (size_t i = 0; i < n && code == EVT_OK; i++) {
		if (!evt_ring_reserve(r)) {
			code = evt_err_nomem(err);
			break;
		}
		r->chunk[r->n++] = (struct evt_chunk){ .first = firsts[i],
			.end = i + 1 < n ? firsts[i + 1] : UINT64_MAX };
	}
	free(firsts);
	return code;
}

/* Whether a dead recorder left anything in the folder. */
static bool
ring_move_is_there(const evt_ring *r)
{
	char *path = evt_io_path_join(r->dir, STATE);
	struct stat st;
	const evt_io *io = r->w->env.io;
	bool there =
	    r->n > 0 || (path != NULL && io->stat(io->ctx, path, &st) == 0);

	free(path);
	return there;
}

int
evt_ring_load(evt_writer *w, evt_ring **ret_ring, evt_error *err)
{
	evt_ring *r = calloc(1, sizeof(*r));
	int code = EVT_OK;

	if (r == NULL)
		return evt_err_nomem(err);
	r->w = w;
	r->blocks = w->stats.blocks;
	r->dir = evt_io_path_join(w->journal_dir, "ring");
	if (r->dir == NULL)
		code = evt_err_nomem(err);
	else
		code = ring_move_load_chunks(r, err);
	if (code == EVT_OK && ring_move_is_there(r)) {
		if ((code = ring_move_read_state(r, &r->done, err)) == EVT_OK)
			/* From here on more may be put onto the tape. */
			code = evt_ring_save(r, 0, r->done, r->done, err);
	} else if (code == EVT_OK) {
		evt_ring_free(r);
		r = NULL;
	}
	if (code != EVT_OK) {
		evt_ring_free(r);
		return code;
	}
	*ret_ring = r;
	return EVT_OK;
}

/* Say on the tape where the frames before it come from. */
static int
ring_move_put_rescued(evt_ring *r, evt_error *err)
{
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_TRIGGER };
	evt_buf json = { 0 };
	int code;

	if (!evt_mark_trigger(&json, "recovered", NULL, r->stats.moved,
	        EVT_MARK_UNKNOWN))
		return evt_err_nomem(err);
	ring_move_stamp(r, &f);
	f.payload = json.data;
	f.len = json.len;
	code = ring_move_put(r, &f, false, err);
	evt_buf_free(&json);
	if (code == EVT_OK)
		evt_writer_notice(r->w,
		    "%s was waiting for a trigger when its recorder died: the "
		    "%" PRIu64 " frames that it held are on the tape now",
		    r->w->path, r->stats.moved);
	return code;
}

int
evt_ring_rescue(evt_ring *r, evt_error *err)
{
	int code = EVT_OK;

	while (code == EVT_OK && r->n > 0) {
		if ((code = evt_ring_pass(r, INT64_MIN, err)))
			break;
		if (r->n == 1 && r->stats.moved > 0 &&
		    (code = ring_move_put_rescued(r, err)))
			break;
		if ((code = evt_ring_secure(r, err)))
			break;
		code = evt_ring_remove_first(r, err);
	}
	r->w->stats.recovered += r->stats.moved;
	return code == EVT_OK ? evt_ring_clear(r, err) : code;
}

/* ---- from outside -------------------------------------------------------- */

bool
evt_ring_armed(const evt_io *io, const char *tape_path)
{
	char *path = evt_io_path_join(tape_path, "journal/ring/" STATE);
	struct stat st;
	bool armed = path != NULL && io->stat(io->ctx, path, &st) == 0;

	free(path);
	return armed;
}
