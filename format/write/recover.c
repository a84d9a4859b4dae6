/*
 * recover.c - see recover.h.
 *
 * Order matters: a journal file is removed only after the block that holds
 * its records is synced, so that a crash at any point of recovery leaves a
 * tape that the next recovery completes.  Records whose sequence numbers are
 * in a segment already are passed over.
 */
#include "format/write/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/store/block.h"
#include "format/base/err.h"
#include "format/store/journal.h"
#include "format/store/segment.h"

struct recovery {
	const evt_io *io;
	const char *path;
	const evt_writer_options *options;
	char *journal_dir;
	evt_segment *segments;
	size_t n_segments;
	uint64_t *files; /* journal files, by first sequence number */
	size_t n_files;
	evt_block_builder *builder;
	evt_segment_writer *writer;
	evt_buf block;
	size_t whole; /* blocks of the open segment before the first damage */
	uint64_t lost_inside; /* frames, between blocks that stay */
	bool ours;            /* a block's header was found in it */
	bool covered; /* the journal has what comes behind the last block */
	evt_recover_result got;
};

static void recover_tell(const struct recovery *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
recover_tell(const struct recovery *r, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (r->options->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->options->notice(r->options->notice_ctx, text);
}

/* ---- the last segment --------------------------------------------------------- */

/* Forget all blocks but the first n. */
static void
recover_end_segment(evt_segment *s, size_t n)
{
	s->n_blocks = n;
	s->walked =
	    n > 0 ? s->blocks[n - 1].offset + s->blocks[n - 1].stored : 0;
}

/*
 * Read the blocks of an unsealed segment in full; forget bad ones at the end,
 * which a crash tore.  A bad one with a good one behind it stays: that is not
 * a torn end, and what it costs is known from the sequence numbers.
 */
static int
recover_check_blocks(struct recovery *r, evt_segment *s, evt_error *err)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	size_t good = 0;
	uint64_t at = 0, seq = 0, lost = 0;
	int fd, code = evt_segment_open(s, &fd, err);

	if (code != EVT_OK)
		return code;
	r->whole = s->n_blocks;
	r->ours = s->n_blocks > 0;
	for (size_t i = 0; i < s->n_blocks; i++) {
		if (i < r->whole && s->blocks[i].offset != at)
			r->whole = i;
		at = s->blocks[i].offset + s->blocks[i].stored;
		if (i > 0)
			lost += s->blocks[i].first_seq - seq;
		seq = s->blocks[i].first_seq + s->blocks[i].frames;
		code = evt_segment_read_block(r->io, fd, s->name, &s->blocks[i],
		    true, &raw, &block, err);
		if (code == EVT_ERR_CORRUPT) {
			r->whole = i < r->whole ? i : r->whole;
			lost += s->blocks[i].frames;
			continue;
		}
		if (code != EVT_OK)
			break;
		good = i + 1;
		r->lost_inside = lost;
		if (block.max_conn > r->got.max_conn)
			r->got.max_conn = block.max_conn;
	}
	if (code == EVT_OK || code == EVT_ERR_CORRUPT) {
		code = EVT_OK;
		if (good < s->n_blocks)
			recover_end_segment(s, good);
	}
	r->io->close(r->io->ctx, fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
	return code;
}

static int
recover_take_segment(struct recovery *r, evt_segment *s, evt_error *err)
{
	int code = evt_segment_load(s, err);

	if (code != EVT_OK)
		return code;
	if (!s->sealed && (code = recover_check_blocks(r, s, err)))
		return code;
	if (s->max_conn > r->got.max_conn)
		r->got.max_conn = s->max_conn;
	if (s->n_blocks > 0 && !r->got.has_uuid) {
		r->got.has_uuid = true;
		memcpy(r->got.uuid, s->uuid, sizeof(r->got.uuid));
		r->got.next_seq = evt_segment_end_seq(s);
	}
	return EVT_OK;
}

/* Learn from the last segments: back to the last sealed one, which knows the
 * greatest connection number. */
static int
recover_take_segments(struct recovery *r, evt_error *err)
{
	int code =
	    evt_segment_list(r->io, r->path, &r->segments, &r->n_segments, err);

	if (code != EVT_OK)
		return code;
	r->got.next_seq = 1;
	r->got.next_segment = 1;
	for (size_t i = r->n_segments; i-- > 0;) {
		evt_segment *s = &r->segments[i];

		if (i == r->n_segments - 1) {
			if (s->no == UINT32_MAX)
				return evt_err_set(err, EVT_ERR_ARG,
				    "%s has no segment number left; record to "
				    "a new tape",
				    r->path);
			r->got.next_segment = s->no + 1;
		}
		if ((code = recover_take_segment(r, s, err)))
			return code;
		if (s->sealed)
			break;
	}
	return EVT_OK;
}

/* Keep the bytes of a torn end that the journal does not have. */
static int
recover_save_tail(struct recovery *r, const evt_segment *s, evt_error *err)
{
	uint64_t n = s->size - s->walked;
	char name[48], *path;
	uint8_t *bytes = malloc(n > 0 ? n : 1);
	int in = -1, out = -1, code;
	size_t got = 0;

	snprintf(name, sizeof(name), "%06u-%" PRIu64 ".torn", s->no, s->walked);
	path = evt_io_path_join(r->journal_dir, name);
	if (bytes == NULL || path == NULL)
		code = evt_err_nomem(err);
	else if ((code = evt_segment_open(s, &in, err)) == EVT_OK)
		code = evt_io_read_at(r->io, in, bytes, n, s->walked, s->path,
		    &got, err);
	if (code == EVT_OK) {
		out = r->io->open(r->io->ctx, path,
		    O_WRONLY | O_CREAT | O_TRUNC, 0666);
		code = out < 0 ?
		    evt_err_sys(err, errno, "cannot create %s", path) :
		    evt_io_write_all(r->io, out, bytes, got, 0, path, err);
	}
	if (code == EVT_OK && r->io->fdatasync(r->io->ctx, out) != 0)
		code = evt_err_sys(err, errno, "cannot sync %s", path);
	if (code == EVT_OK)
		code = evt_io_sync_dir(r->io, r->journal_dir, err);
	if (code == EVT_OK) {
		r->got.lost_bytes += got;
		recover_tell(r,
		    "%s ended in %zu bytes that are no block; they are kept in "
		    "%s",
		    s->name, got, path);
	}
	if (in >= 0)
		r->io->close(r->io->ctx, in);
	if (out >= 0)
		r->io->close(r->io->ctx, out);
	free(bytes);
	free(path);
	return code;
}

/* Count up *seq for each record of the file that has this number. */
static int
recover_reach_in_file(struct recovery *r, uint64_t first_seq, uint64_t *seq,
    evt_error *err)
{
	evt_journal_reader *reader;
	bool in_lines;
	evt_frame f;
	int code =
	    evt_journal_open(r->io, r->journal_dir, first_seq, &reader, err);

	if (code != EVT_OK)
		return code == EVT_AGAIN || code == EVT_ERR_CORRUPT ||
		        code == EVT_ERR_NOTFOUND ?
		    EVT_OK :
		    code;
	if (r->got.has_uuid &&
	    memcmp(evt_journal_uuid(reader), r->got.uuid,
	        sizeof(r->got.uuid)) != 0)
		code = EVT_AGAIN; /* another tape's: it has nothing */
	while (code == EVT_OK &&
	    (code = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK)
		*seq += f.seq == *seq;
	evt_journal_close(reader);
	return code == EVT_AGAIN || code == EVT_ERR_CORRUPT ? EVT_OK : code;
}

/* The number that should stand at the first damage of the open segment. */
static uint64_t
recover_seq_at_damage(const struct recovery *r, const evt_segment *s)
{
	if (r->whole > 0)
		return s->blocks[r->whole - 1].first_seq +
		    s->blocks[r->whole - 1].frames;
	for (const evt_segment *b = s; b-- > r->segments;) {
		if (b->n_blocks > 0)
			return evt_segment_end_seq(b);
	}
	return r->n_files > 0 &&
	        r->files[0] < s->blocks[0].first_seq + s->blocks[0].frames ?
	    r->files[0] :
	    UINT64_MAX;
}

/* The first number from `from` on that the journal does not have. */
static int
recover_reach(struct recovery *r, uint64_t from, uint64_t *ret_seq,
    evt_error *err)
{
	int code = EVT_OK;

	*ret_seq = from;
	for (size_t i = 0; i < r->n_files && code == EVT_OK; i++)
		code = recover_reach_in_file(r, r->files[i], ret_seq, err);
	return code;
}

/*
 * Nothing orders what was not synced: of two blocks a power cut may leave the
 * second and not the first.  The journal then has both, for its files go only
 * when the segment was synced.  So if it has what should stand at the damage,
 * the segment ends there, and all that follows is taken from the journal.
 * *ret_ended: so it was.
 */
static int
recover_end_at_damage(struct recovery *r, evt_segment *s, bool *ret_ended,
    evt_error *err)
{
	uint64_t from = recover_seq_at_damage(r, s), reached;
	int code = recover_reach(r, from, &reached, err);

	*ret_ended = code == EVT_OK && reached > from;
	if (code != EVT_OK)
		return code;
	if (*ret_ended) {
		r->covered = reached >= evt_segment_end_seq(s);
		recover_end_segment(s, r->whole);
		r->got.next_seq = from;
		return EVT_OK;
	}
	/* Nobody has it: it stays as it is, and is told. */
	r->got.lost_frames += r->lost_inside;
	if (r->whole == 0 && from < s->blocks[0].first_seq)
		r->got.lost_frames += s->blocks[0].first_seq - from;
	else if (r->whole == 0 && s->blocks[0].offset > 0)
		r->got.lost_bytes +=
		    s->blocks[0].offset; /* of who knows what */
	return EVT_OK;
}

/* Where the open segment ends: what stands there is cut off by whoever goes
 * on, and kept unless the journal has it. */
static int
recover_find_end(struct recovery *r, evt_error *err)
{
	evt_segment *s =
	    r->n_segments > 0 ? &r->segments[r->n_segments - 1] : NULL;
	uint64_t reached;
	bool ended = false;
	int code = EVT_OK;

	if (s == NULL || s->sealed)
		return EVT_OK;
	if (r->whole < s->n_blocks)
		code = recover_end_at_damage(r, s, &ended, err);
	if (code != EVT_OK || ended || s->size == s->walked)
		return code;
	code = recover_reach(r, r->got.next_seq, &reached, err);
	r->covered = reached > r->got.next_seq;
	return code;
}

/* Be able to append blocks: to the last segment if it is open, else to a new
 * one. */
static int
recover_open_writer(struct recovery *r, evt_error *err)
{
	evt_segment *last =
	    r->n_segments > 0 ? &r->segments[r->n_segments - 1] : NULL;
	bool begins;
	int code;

	if (r->writer != NULL)
		return EVT_OK;
	if (last == NULL || last->sealed) {
		code = evt_segment_create(r->io, r->path, r->got.uuid,
		    r->got.next_segment, &r->writer, err);
		if (code == EVT_OK)
			r->got.next_segment++;
		return code;
	}
	if (last->size > last->walked && !r->covered) {
		if ((code = evt_segment_dir_begins(last, &begins, err)) ||
		    (!begins && (code = recover_save_tail(r, last, err))))
			return code;
	}
	return evt_segment_resume(r->io, last, r->got.uuid, &r->writer, err);
}

/* ---- the journal ---------------------------------------------------------------- */

static int
recover_cut(struct recovery *r, evt_error *err)
{
	const evt_segment *s;
	int code;

	if (evt_block_builder_frames(r->builder) == 0)
		return EVT_OK;
	if ((code = recover_open_writer(r, err)))
		return code;
	s = evt_segment_written(r->writer);
	if ((code = evt_block_builder_encode(r->builder, r->got.uuid, s->no,
	         (uint32_t)s->n_blocks, &r->block, NULL, err)) ||
	    (code = evt_segment_append(r->writer, &r->block, err)))
		return code;
	evt_block_builder_clear(r->builder);
	return EVT_OK;
}

static int
recover_take_record(struct recovery *r, evt_frame *f, bool in_lines,
    evt_error *err)
{
	int code;

	if (f->seq < r->got.next_seq)
		return EVT_OK;
	if (f->seq > r->got.next_seq ||
	    !evt_block_builder_fits(r->builder, f->len,
	        r->options->block_bytes)) {
		/* A tape that was never whole begins where its journal does. */
		if (f->seq > r->got.next_seq && r->n_segments > 0)
			r->got.lost_frames += f->seq - r->got.next_seq;
		if ((code = recover_cut(r, err)))
			return code;
	}
	if ((code = evt_block_builder_add(r->builder, f, in_lines, err)))
		return code;
	if (f->conn > r->got.max_conn)
		r->got.max_conn = f->conn;
	r->got.next_seq = f->seq + 1;
	r->got.frames++;
	return EVT_OK;
}

/* Rename a journal file that could not be read to its end, so that nobody
 * removes it. */
static int
recover_set_aside(struct recovery *r, uint64_t first_seq, const char *why,
    evt_error *err)
{
	char *path = evt_journal_path(r->journal_dir, first_seq);
	evt_buf bad = { 0 };
	int code = EVT_OK;

	if (path == NULL || !evt_buf_printf(&bad, "%s.bad", path))
		code = evt_err_nomem(err);
	else if (r->io->rename(r->io->ctx, path, (char *)bad.data) != 0 &&
	    errno != ENOENT)
		code = evt_err_sys(err, errno, "cannot rename %s", path);
	else
		recover_tell(r, "%s; the file is kept as %s", why,
		    (char *)bad.data);
	free(path);
	evt_buf_free(&bad);
	return code;
}

/* Take all whole records of a file.  *ret_bad: it held others too. */
static int
recover_take_file(struct recovery *r, uint64_t first_seq, evt_error *ret_bad,
    evt_error *err)
{
	evt_journal_reader *reader;
	bool in_lines;
	uint64_t left;
	evt_frame f;
	int code =
	    evt_journal_open(r->io, r->journal_dir, first_seq, &reader, err);

	ret_bad->code = EVT_OK;
	if (code == EVT_AGAIN || code == EVT_ERR_NOTFOUND)
		return EVT_OK; /* made, but never written to */
	if (code == EVT_ERR_CORRUPT)
		*ret_bad = *err;
	if (code != EVT_OK)
		return code == EVT_ERR_CORRUPT ? EVT_OK : code;
	if (!r->got.has_uuid) {
		r->got.has_uuid = true;
		memcpy(r->got.uuid, evt_journal_uuid(reader),
		    sizeof(r->got.uuid));
	} else if (memcmp(r->got.uuid, evt_journal_uuid(reader),
	               sizeof(r->got.uuid)) != 0) {
		evt_err_set(ret_bad, EVT_ERR_CORRUPT,
		    "journal file %020" PRIu64 ".evj belongs to another tape",
		    first_seq);
		evt_journal_close(reader);
		return EVT_OK;
	}
	while (
	    (code = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK) {
		if ((code = recover_take_record(r, &f, in_lines, err)))
			break;
	}
	/* What is no torn end is not thrown away. */
	if (code == EVT_AGAIN)
		code = evt_journal_check_end(reader, &left, err);
	evt_journal_close(reader);
	if (code == EVT_ERR_CORRUPT)
		*ret_bad = *err;
	return code == EVT_AGAIN || code == EVT_ERR_CORRUPT ? EVT_OK : code;
}

/* A file that the dead writer kept to use again: it holds nothing. */
static int
recover_drop_spare(const struct recovery *r, evt_error *err)
{
	char *path = evt_io_path_join(r->journal_dir, EVT_JOURNAL_SPARE);
	int code = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(err);
	if (r->io->unlink(r->io->ctx, path) != 0 && errno != ENOENT)
		code = evt_err_sys(err, errno, "cannot remove %s", path);
	free(path);
	return code;
}

/* The records are safe in a synced segment: take the files away. */
static int
recover_drop_files(struct recovery *r, const evt_error *bad, evt_error *err)
{
	for (size_t i = 0; i < r->n_files; i++) {
		char *path;
		int code = EVT_OK;

		if (bad[i].code != EVT_OK) {
			code =
			    recover_set_aside(r, r->files[i], bad[i].text, err);
			if (code != EVT_OK)
				return code;
			continue;
		}
		path = evt_journal_path(r->journal_dir, r->files[i]);
		if (path == NULL)
			return evt_err_nomem(err);
		if (r->io->unlink(r->io->ctx, path) != 0 && errno != ENOENT)
			code =
			    evt_err_sys(err, errno, "cannot remove %s", path);
		free(path);
		if (code != EVT_OK)
			return code;
	}
	return EVT_OK;
}

/* ---- all of it ------------------------------------------------------------------ */

/*
 * The last segment has no block, and the journal has none for it.  Left there
 * it would stand in the way of what comes: its torn bytes name numbers that
 * come again.  A file that nothing says is ours is left all the same.
 */
static int
recover_drop_empty(struct recovery *r, const evt_segment *last, evt_error *err)
{
	int code;

	if (last->size > 0 && !r->ours && !r->got.has_uuid && !r->got.used)
		return EVT_OK;
	if (last->size > 0 && (code = recover_save_tail(r, last, err)))
		return code;
	r->got.next_segment = last->no;
	return r->io->unlink(r->io->ctx, last->path) == 0 ?
	    EVT_OK :
	    evt_err_sys(err, errno, "cannot remove %s", last->path);
}

/* Seal the last segment if it is open. */
static int
recover_finish_segment(struct recovery *r, evt_error *err)
{
	evt_segment *last =
	    r->n_segments > 0 ? &r->segments[r->n_segments - 1] : NULL;
	int code;

	if (r->writer == NULL && last != NULL && !last->sealed) {
		if (last->n_blocks == 0)
			return recover_drop_empty(r, last, err);
		if ((code = recover_open_writer(r, err)))
			return code;
	}
	if (r->writer == NULL)
		return EVT_OK;
	/* A directory must not be on the disk before its blocks are. */
	if ((code = evt_segment_sync(r->writer, err)) ||
	    (code = evt_segment_seal(r->writer, r->got.max_conn, err)))
		return code;
	return evt_segment_sync(r->writer, err);
}

static int
recover(struct recovery *r, evt_error *bad, evt_error *err)
{
	int code = recover_find_end(r, err);

	for (size_t i = 0; i < r->n_files && code == EVT_OK; i++)
		code = recover_take_file(r, r->files[i], &bad[i], err);
	if (code != EVT_OK || (code = recover_cut(r, err)) ||
	    (code = recover_finish_segment(r, err)))
		return code;
	if (r->got.frames > 0)
		recover_tell(r,
		    "%s was not closed: %" PRIu64
		    " frames were taken from its journal",
		    r->path, r->got.frames);
	code = recover_drop_files(r, bad, err);
	return code != EVT_OK ? code : recover_drop_spare(r, err);
}

int
evt_recover(const evt_io *io, const char *path,
    const evt_writer_options *options, evt_recover_result *recovered,
    evt_error *err)
{
	struct recovery r = { .io = io,
		.path = path,
		.options = options,
		.got = { .used = recovered->used } };
	evt_error *bad = NULL, own;
	int code;

	if (err == NULL) /* its words go into notices */
		err = &own;
	r.journal_dir = evt_io_path_join(path, "journal");
	if (r.journal_dir == NULL)
		return evt_err_nomem(err);
	code = recover_take_segments(&r, err);
	if (code == EVT_OK)
		code = evt_journal_list(io, r.journal_dir, &r.files, &r.n_files,
		    err);
	if (code == EVT_OK)
		code = evt_block_builder_new(options->level, &r.builder, err);
	if (code == EVT_OK) {
		bad = calloc(r.n_files + 1, sizeof(*bad));
		code = bad != NULL ? recover(&r, bad, err) : evt_err_nomem(err);
	}
	for (size_t i = 0; i < r.n_segments; i++)
		evt_segment_free(&r.segments[i]);
	free(r.segments);
	free(r.files);
	free(bad);
	free(r.journal_dir);
	evt_block_builder_free(r.builder);
	evt_segment_close(r.writer);
	evt_buf_free(&r.block);
	if (code == EVT_OK)
		*recovered = r.got;
	return code;
}
