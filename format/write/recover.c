/*
 * recover.c - see recover.h.
 *
 * Order matters: a journal file is removed only after the block that holds
 * its records is synced, so that a crash at any point of recovery leaves a
 * tape that the next recovery completes.  Records whose sequence numbers are
 * in a segment already are skipped.
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
	uint64_t lost_inside; /* frames lost between blocks that are kept */
	bool ours;            /* it has a valid block header */
	bool covered; /* the journal has the frames after the last block */
	evt_recover_result got;
};

static void recover_tell(const struct recovery *rec, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
recover_tell(const struct recovery *rec, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (rec->options->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rec->options->notice(rec->options->notice_ctx, text);
}

/* ---- the last segment --------------------------------------------------------- */

/* Keep only the first n blocks of the list. */
static void
recover_end_segment(evt_segment *s, size_t n)
{
	s->n_blocks = n;
	s->walked =
	    n > 0 ? s->blocks[n - 1].offset + s->blocks[n - 1].stored : 0;
}

/*
 * Read all blocks of an unsealed segment, and drop damaged blocks at its end
 * from the list: a crash tore them.  A damaged block before a good one stays.  It
 * is not a torn end, and the sequence numbers show how many frames are lost.
 */
static int
recover_check_blocks(struct recovery *rec, evt_segment *s, evt_error *err)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	size_t good = 0;
	uint64_t at = 0, seq = 0, lost = 0;
	int fd, r = evt_segment_open(s, &fd, err);

	if (r != EVT_OK)
		return r;
	rec->whole = s->n_blocks;
	rec->ours = s->n_blocks > 0;
	for (size_t i = 0; i < s->n_blocks; i++) {
		if (i < rec->whole && s->blocks[i].offset != at)
			rec->whole = i;
		at = s->blocks[i].offset + s->blocks[i].stored;
		if (i > 0)
			lost += s->blocks[i].first_seq - seq;
		seq = s->blocks[i].first_seq + s->blocks[i].frames;
		r = evt_segment_read_block(rec->io, fd, s->name, &s->blocks[i],
		    true, &raw, &block, err);
		if (r == EVT_ERR_CORRUPT) {
			rec->whole = i < rec->whole ? i : rec->whole;
			lost += s->blocks[i].frames;
			continue;
		}
		if (r != EVT_OK)
			break;
		good = i + 1;
		rec->lost_inside = lost;
		if (block.max_conn > rec->got.max_conn)
			rec->got.max_conn = block.max_conn;
	}
	if (r == EVT_OK || r == EVT_ERR_CORRUPT) {
		r = EVT_OK;
		if (good < s->n_blocks)
			recover_end_segment(s, good);
	}
	rec->io->close(rec->io->ctx, fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
	return r;
}

static int
recover_take_segment(struct recovery *rec, evt_segment *s, evt_error *err)
{
	int r = evt_segment_load(s, err);

	if (r != EVT_OK)
		return r;
	if (!s->sealed) {
		r = recover_check_blocks(rec, s, err);
		if (r != EVT_OK)
			return r;
	}
	if (s->max_conn > rec->got.max_conn)
		rec->got.max_conn = s->max_conn;
	if (s->n_blocks > 0 && !rec->got.has_uuid) {
		rec->got.has_uuid = true;
		memcpy(rec->got.uuid, s->uuid, sizeof(rec->got.uuid));
		rec->got.next_seq = evt_segment_end_seq(s);
	}
	return EVT_OK;
}

/* Read the last segments, back to the last sealed one, which has the greatest
 * connection number. */
static int
recover_take_segments(struct recovery *rec, evt_error *err)
{
	int r = evt_segment_list(rec->io, rec->path, &rec->segments,
	    &rec->n_segments, err);

	if (r != EVT_OK)
		return r;
	rec->got.next_seq = 1;
	rec->got.next_segment = 1;
	for (size_t i = rec->n_segments; i-- > 0;) {
		evt_segment *s = &rec->segments[i];

		if (i == rec->n_segments - 1) {
			if (s->no == UINT32_MAX)
				return evt_err_set(err, EVT_ERR_ARG,
				    "%s has no segment number left; record to "
				    "a new tape",
				    rec->path);
			rec->got.next_segment = s->no + 1;
		}
		r = recover_take_segment(rec, s, err);
		if (r != EVT_OK)
			return r;
		if (s->sealed)
			break;
	}
	return EVT_OK;
}

/* Copy n bytes, from the offset `at` on, to the start of the file `to`; holes
 * stay holes. */
static int
recover_copy(const evt_io *io, int in, uint64_t at, uint64_t n, int out,
    const char *to, evt_error *err)
{
	enum { PIECE = 64 << 10 };
	uint8_t *bytes = malloc(PIECE);
	uint64_t done = 0;
	int r = bytes != NULL ? EVT_OK : evt_err_nomem(err);

	while (r == EVT_OK && done < n) {
		uint64_t stored = evt_io_next_stored(io, in, at + done);
		size_t got = 0;

		if (stored >= at + n)
			break;
		done = stored - at;
		r = evt_io_read_at(io, in, bytes,
		    n - done < PIECE ? (size_t)(n - done) : PIECE, stored,
		    "a segment", &got, err);
		if (r == EVT_OK && got == 0)
			break;
		if (r == EVT_OK)
			r = evt_io_write_all(io, out, bytes, got, done, to,
			    err);
		done += got;
	}
	free(bytes);
	if (r == EVT_OK && done < n && io->ftruncate(io->ctx, out, (off_t)n))
		r = evt_err_sys(err, errno, "cannot write %s", to);
	return r;
}

/* Keep the bytes of a torn end that the journal does not have. */
static int
recover_save_tail(struct recovery *rec, const evt_segment *s, evt_error *err)
{
	uint64_t n = s->size - s->walked;
	char name[48], *path;
	int in = -1, out = -1, r;

	snprintf(name, sizeof(name), "%06u-%" PRIu64 ".torn", s->no, s->walked);
	path = evt_io_path_join(rec->journal_dir, name);
	if (path == NULL)
		return evt_err_nomem(err);
	r = evt_segment_open(s, &in, err);
	if (r == EVT_OK) {
		out = rec->io->open(rec->io->ctx, path,
		    O_WRONLY | O_CREAT | O_TRUNC, 0666);
		r = out < 0 ?
		    evt_err_sys(err, errno, "cannot create %s", path) :
		    recover_copy(rec->io, in, s->walked, n, out, path, err);
	}
	if (r == EVT_OK && rec->io->fdatasync(rec->io->ctx, out) != 0)
		r = evt_err_sys(err, errno, "cannot sync %s", path);
	if (r == EVT_OK)
		r = evt_io_sync_dir(rec->io, rec->journal_dir, err);
	if (r == EVT_OK) {
		rec->got.lost_bytes += n;
		recover_tell(rec,
		    "%s ended in %" PRIu64
		    " byte%s of no block, which %s kept in %s",
		    s->name, n, n == 1 ? "" : "s", n == 1 ? "is" : "are", path);
	}
	if (in >= 0)
		rec->io->close(rec->io->ctx, in);
	if (out >= 0)
		rec->io->close(rec->io->ctx, out);
	free(path);
	return r;
}

/* Count up *seq for each record of the file that has this number. */
static int
recover_reach_in_file(struct recovery *rec, uint64_t first_seq, uint64_t *seq,
    evt_error *err)
{
	evt_journal_reader *reader;
	bool in_lines;
	evt_frame f;
	int r = evt_journal_open(rec->io, rec->journal_dir, first_seq, &reader,
	    err);

	if (r != EVT_OK)
		return r == EVT_AGAIN || r == EVT_ERR_CORRUPT ||
		        r == EVT_ERR_NOTFOUND ?
		    EVT_OK :
		    r;
	if (rec->got.has_uuid &&
	    memcmp(evt_journal_uuid(reader), rec->got.uuid,
	        sizeof(rec->got.uuid)) != 0)
		r = EVT_AGAIN; /* of another tape: no records for this one */
	while (r == EVT_OK &&
	    (r = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK)
		*seq += f.seq == *seq;
	evt_journal_close(reader);
	return r == EVT_AGAIN || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* The sequence number that is expected at the first damage of the segment. */
static uint64_t
recover_seq_at_damage(const struct recovery *rec, const evt_segment *s)
{
	if (rec->whole > 0)
		return s->blocks[rec->whole - 1].first_seq +
		    s->blocks[rec->whole - 1].frames;
	for (const evt_segment *b = s; b-- > rec->segments;) {
		if (b->n_blocks > 0)
			return evt_segment_end_seq(b);
	}
	return rec->n_files > 0 &&
	        rec->files[0] < s->blocks[0].first_seq + s->blocks[0].frames ?
	    rec->files[0] :
	    UINT64_MAX;
}

/* The first number, from `from` on, that the journal does not have. */
static int
recover_reach(struct recovery *rec, uint64_t from, uint64_t *ret_seq,
    evt_error *err)
{
	int r = EVT_OK;

	*ret_seq = from;
	for (size_t i = 0; i < rec->n_files && r == EVT_OK; i++)
		r = recover_reach_in_file(rec, rec->files[i], ret_seq, err);
	return r;
}

/*
 * Writes that were not synced have no order: after a power cut the second of two
 * blocks may be there, and the first may not.  The journal then has both, since
 * its files are removed after a sync of the segment.  So if the journal has the
 * frames at the damage, the segment ends there (*ret_ended), and the frames
 * after it are taken from the journal.
 */
static int
recover_end_at_damage(struct recovery *rec, evt_segment *s, bool *ret_ended,
    evt_error *err)
{
	uint64_t from = recover_seq_at_damage(rec, s), reached;
	int r = recover_reach(rec, from, &reached, err);

	*ret_ended = r == EVT_OK && reached > from;
	if (r != EVT_OK)
		return r;
	if (*ret_ended) {
		rec->covered = reached >= evt_segment_end_seq(s);
		recover_end_segment(s, rec->whole);
		rec->got.next_seq = from;
		return EVT_OK;
	}
	/* The frames are lost: the segment stays as it is, with a notice. */
	rec->got.lost_frames += rec->lost_inside;
	if (rec->whole == 0 && from < s->blocks[0].first_seq)
		rec->got.lost_frames += s->blocks[0].first_seq - from;
	else if (rec->whole == 0 && s->blocks[0].offset > 0)
		rec->got.lost_bytes +=
		    s->blocks[0].offset; /* of unknown origin */
	return EVT_OK;
}

/* Find the end of the open segment.  Bytes after it are cut off when the writer
 * continues; they are saved unless the journal has their frames. */
static int
recover_find_end(struct recovery *rec, evt_error *err)
{
	evt_segment *s =
	    rec->n_segments > 0 ? &rec->segments[rec->n_segments - 1] : NULL;
	uint64_t reached;
	bool ended = false;
	int r = EVT_OK;

	if (s == NULL || s->sealed)
		return EVT_OK;
	if (rec->whole < s->n_blocks)
		r = recover_end_at_damage(rec, s, &ended, err);
	if (r != EVT_OK || ended || s->size == s->walked)
		return r;
	r = recover_reach(rec, rec->got.next_seq, &reached, err);
	rec->covered = reached > rec->got.next_seq;
	return r;
}

/* Get a segment to append blocks to: the last one if it is not sealed, or a new
 * one. */
static int
recover_open_writer(struct recovery *rec, evt_error *err)
{
	evt_segment *last =
	    rec->n_segments > 0 ? &rec->segments[rec->n_segments - 1] : NULL;
	bool begins;
	int r;

	if (rec->writer != NULL)
		return EVT_OK;
	if (last == NULL || last->sealed) {
		r = evt_segment_create(rec->io, rec->path, rec->got.uuid,
		    rec->got.next_segment, &rec->writer, err);
		if (r == EVT_OK)
			rec->got.next_segment++;
		return r;
	}
	if (last->size > last->walked && !rec->covered) {
		r = evt_segment_dir_begins(last, &begins, err);
		if (r == EVT_OK && !begins)
			r = recover_save_tail(rec, last, err);
		if (r != EVT_OK)
			return r;
	}
	return evt_segment_resume(rec->io, last, rec->got.uuid, &rec->writer,
	    err);
}

/* ---- the journal ---------------------------------------------------------------- */

static int
recover_cut(struct recovery *rec, evt_error *err)
{
	const evt_segment *s;
	int r;

	if (evt_block_builder_frames(rec->builder) == 0)
		return EVT_OK;
	r = recover_open_writer(rec, err);
	if (r != EVT_OK)
		return r;
	s = evt_segment_written(rec->writer);
	r = evt_block_builder_encode(rec->builder, rec->got.uuid, s->no,
	    (uint32_t)s->n_blocks, &rec->block, NULL, err);
	if (r == EVT_OK)
		r = evt_segment_append(rec->writer, &rec->block, err);
	if (r != EVT_OK)
		return r;
	evt_block_builder_clear(rec->builder);
	return EVT_OK;
}

static int
recover_take_record(struct recovery *rec, evt_frame *f, bool in_lines,
    evt_error *err)
{
	int r;

	if (f->seq < rec->got.next_seq)
		return EVT_OK;
	if (f->seq > rec->got.next_seq ||
	    !evt_block_builder_fits(rec->builder, f->len,
	        rec->options->block_bytes)) {
		/* Without segments the tape begins with its journal. */
		if (f->seq > rec->got.next_seq && rec->n_segments > 0)
			rec->got.lost_frames += f->seq - rec->got.next_seq;
		r = recover_cut(rec, err);
		if (r != EVT_OK)
			return r;
	}
	r = evt_block_builder_add(rec->builder, f, in_lines, err);
	if (r != EVT_OK)
		return r;
	if (f->conn > rec->got.max_conn)
		rec->got.max_conn = f->conn;
	rec->got.next_seq = f->seq + 1;
	rec->got.frames++;
	return EVT_OK;
}

/* Rename a journal file that cannot be read to its end, so that it is not
 * removed. */
static int
recover_set_aside(struct recovery *rec, uint64_t first_seq, const char *why,
    evt_error *err)
{
	char *path = evt_journal_path(rec->journal_dir, first_seq);
	evt_buf bad = { 0 };
	int r = EVT_OK;

	if (path == NULL || !evt_buf_printf(&bad, "%s.bad", path))
		r = evt_err_nomem(err);
	else if (rec->io->rename(rec->io->ctx, path, (char *)bad.data) != 0 &&
	    errno != ENOENT)
		r = evt_err_sys(err, errno, "cannot rename %s", path);
	else
		recover_tell(rec, "%s; the file is kept as %s", why,
		    (char *)bad.data);
	free(path);
	evt_buf_free(&bad);
	return r;
}

/* Take all complete records of a file.  *ret_bad: it has a damaged one, too. */
static int
recover_take_file(struct recovery *rec, uint64_t first_seq, evt_error *ret_bad,
    evt_error *err)
{
	evt_journal_reader *reader;
	bool in_lines;
	uint64_t left;
	evt_frame f;
	int r = evt_journal_open(rec->io, rec->journal_dir, first_seq, &reader,
	    err);

	ret_bad->code = EVT_OK;
	if (r == EVT_AGAIN || r == EVT_ERR_NOTFOUND)
		return EVT_OK; /* created, but never written to */
	if (r == EVT_ERR_CORRUPT)
		*ret_bad = *err;
	if (r != EVT_OK)
		return r == EVT_ERR_CORRUPT ? EVT_OK : r;
	if (!rec->got.has_uuid) {
		rec->got.has_uuid = true;
		memcpy(rec->got.uuid, evt_journal_uuid(reader),
		    sizeof(rec->got.uuid));
	} else if (memcmp(rec->got.uuid, evt_journal_uuid(reader),
	               sizeof(rec->got.uuid)) != 0) {
		evt_err_set(ret_bad, EVT_ERR_CORRUPT,
		    "journal file %020" PRIu64 ".evj belongs to another tape",
		    first_seq);
		evt_journal_close(reader);
		return EVT_OK;
	}
	while ((r = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK) {
		r = recover_take_record(rec, &f, in_lines, err);
		if (r != EVT_OK)
			break;
	}
	/* Only a torn end is dropped. */
	if (r == EVT_AGAIN)
		r = evt_journal_check_end(reader, &left, err);
	evt_journal_close(reader);
	if (r == EVT_ERR_CORRUPT)
		*ret_bad = *err;
	return r == EVT_AGAIN || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* Remove the spare file of the dead writer, which has no records. */
static int
recover_drop_spare(const struct recovery *rec, evt_error *err)
{
	char *path = evt_io_path_join(rec->journal_dir, EVT_JOURNAL_SPARE);
	int r = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(err);
	if (rec->io->unlink(rec->io->ctx, path) != 0 && errno != ENOENT)
		r = evt_err_sys(err, errno, "cannot remove %s", path);
	free(path);
	return r;
}

/* Remove the journal files, whose records are in a synced segment now. */
static int
recover_drop_files(struct recovery *rec, const evt_error *bad, evt_error *err)
{
	for (size_t i = 0; i < rec->n_files; i++) {
		char *path;
		int r = EVT_OK;

		if (bad[i].code != EVT_OK) {
			r = recover_set_aside(rec, rec->files[i], bad[i].text,
			    err);
			if (r != EVT_OK)
				return r;
			continue;
		}
		path = evt_journal_path(rec->journal_dir, rec->files[i]);
		if (path == NULL)
			return evt_err_nomem(err);
		if (rec->io->unlink(rec->io->ctx, path) != 0 && errno != ENOENT)
			r = evt_err_sys(err, errno, "cannot remove %s", path);
		free(path);
		if (r != EVT_OK)
			return r;
	}
	return EVT_OK;
}

/* ---- all of it ------------------------------------------------------------------ */

/*
 * The last segment has no block, and the journal has no block for it.  It must
 * be removed: its torn bytes have sequence numbers that will be used again.  A
 * file that is not known to be ours stays.
 */
static int
recover_drop_empty(struct recovery *rec, const evt_segment *last,
    evt_error *err)
{
	int r;

	if (last->size > 0 && !rec->ours && !rec->got.has_uuid &&
	    !rec->got.used)
		return EVT_OK;
	if (last->size > 0) {
		r = recover_save_tail(rec, last, err);
		if (r != EVT_OK)
			return r;
	}
	rec->got.next_segment = last->no;
	return rec->io->unlink(rec->io->ctx, last->path) == 0 ?
	    EVT_OK :
	    evt_err_sys(err, errno, "cannot remove %s", last->path);
}

/* Seal the last segment if it is open. */
static int
recover_finish_segment(struct recovery *rec, evt_error *err)
{
	evt_segment *last =
	    rec->n_segments > 0 ? &rec->segments[rec->n_segments - 1] : NULL;
	int r;

	if (rec->writer == NULL && last != NULL && !last->sealed) {
		if (last->n_blocks == 0)
			return recover_drop_empty(rec, last, err);
		r = recover_open_writer(rec, err);
		if (r != EVT_OK)
			return r;
	}
	if (rec->writer == NULL)
		return EVT_OK;
	/* A directory must not be on the disk before its blocks are. */
	r = evt_segment_sync(rec->writer, err);
	if (r == EVT_OK)
		r = evt_segment_seal(rec->writer, rec->got.max_conn, err);
	if (r != EVT_OK)
		return r;
	return evt_segment_sync(rec->writer, err);
}

static int
recover(struct recovery *rec, evt_error *bad, evt_error *err)
{
	int r = recover_find_end(rec, err);

	for (size_t i = 0; i < rec->n_files && r == EVT_OK; i++)
		r = recover_take_file(rec, rec->files[i], &bad[i], err);
	if (r == EVT_OK)
		r = recover_cut(rec, err);
	if (r == EVT_OK)
		r = recover_finish_segment(rec, err);
	if (r != EVT_OK)
		return r;
	if (rec->got.frames > 0)
		recover_tell(rec,
		    "%s was not closed: %" PRIu64
		    " frame%s taken from its journal",
		    rec->path, rec->got.frames,
		    rec->got.frames == 1 ? " was" : "s were");
	r = recover_drop_files(rec, bad, err);
	return r != EVT_OK ? r : recover_drop_spare(rec, err);
}

int
evt_recover(const evt_io *io, const char *path,
    const evt_writer_options *options, evt_recover_result *recovered,
    evt_error *err)
{
	struct recovery rec = { .io = io,
		.path = path,
		.options = options,
		.got = { .used = recovered->used } };
	evt_error *bad = NULL, own;
	int r;

	if (err == NULL) /* its words go into notices */
		err = &own;
	rec.journal_dir = evt_io_path_join(path, "journal");
	if (rec.journal_dir == NULL)
		return evt_err_nomem(err);
	r = recover_take_segments(&rec, err);
	if (r == EVT_OK)
		r = evt_journal_list(io, rec.journal_dir, &rec.files,
		    &rec.n_files, err);
	if (r == EVT_OK)
		r = evt_block_builder_new(options->level, &rec.builder, err);
	if (r == EVT_OK) {
		bad = calloc(rec.n_files + 1, sizeof(*bad));
		r = bad != NULL ? recover(&rec, bad, err) : evt_err_nomem(err);
	}
	for (size_t i = 0; i < rec.n_segments; i++)
		evt_segment_free(&rec.segments[i]);
	free(rec.segments);
	free(rec.files);
	free(bad);
	free(rec.journal_dir);
	evt_block_builder_free(rec.builder);
	evt_segment_close(rec.writer);
	evt_buf_free(&rec.block);
	if (r == EVT_OK)
		*recovered = rec.got;
	return r;
}
