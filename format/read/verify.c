/* verify.c - verify segments and journal; see verify.h. */
#include "format/read/verify.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/store/tape_dir.h"
#include "format/base/io.h"
#include "format/store/journal.h"
#include "format/store/layout.h"
#include "format/store/lock.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

struct evt_verify {
	const evt_io *io;
	const evt_verify_options *o;
	const char *path;
	char *journal_dir;
	evt_verify_result got;
	bool has_uuid;
	uint8_t uuid[EVT_UUID_LEN];
	uint64_t next_seq;    /* that should come; 0: any */
	bool unsealed;        /* the last segment was not completed */
	size_t journals;      /* files of the journal */
	uint64_t done, total; /* bytes */
	evt_summary sum;      /* of the segment at hand */
	evt_block block;
	evt_buf raw;
	evt_verify_index *index;
};

static void
verify_tell(struct evt_verify *v, const evt_verify_fault *fault)
{
	if (!fault->note) {
		v->got.faults++;
		if (fault->frames != EVT_VERIFY_UNKNOWN)
			v->got.lost += fault->frames;
	}
	if (v->o->fault != NULL)
		v->o->fault(v->o->ctx, fault);
}

void
evt_verify_report(struct evt_verify *v, const char *file, uint64_t offset,
    uint64_t frames, const char *fmt, ...)
{
	char words[512];
	evt_verify_fault fault = { file, offset, words, frames, false };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	verify_tell(v, &fault);
}

static void
verify_note(struct evt_verify *v, const char *file, uint64_t offset,
    const char *words)
{
	evt_verify_fault fault = { file, offset, words, 0, true };

	verify_tell(v, &fault);
}

/* ---- blocks -------------------------------------------------------------------- */

/* "frame 5 is", or "frames 5 to 7 are". */
static const char *
verify_frames_are(uint64_t from, uint64_t to, char words[64])
{
	if (from == to)
		snprintf(words, 64, "frame %" PRIu64 " is", from);
	else
		snprintf(words, 64, "frames %" PRIu64 " to %" PRIu64 " are",
		    from, to);
	return words;
}

/* The numbers go on, or frames are missing. */
static void
verify_check_seq(struct evt_verify *v, const evt_segment *s,
    const evt_segment_block *b)
{
	char words[64];

	if (v->next_seq > 0 && b->first_seq > v->next_seq)
		evt_verify_report(v, s->name, b->offset,
		    b->first_seq - v->next_seq, "%s missing before this block",
		    verify_frames_are(v->next_seq, b->first_seq - 1, words));
	else if (v->next_seq > 0 && b->first_seq < v->next_seq)
		evt_verify_report(v, s->name, b->offset, 0,
		    "this block begins with frame %" PRIu64
		    ", which an earlier block has already",
		    b->first_seq);
	v->next_seq = b->first_seq + b->frames;
}

/* Readers skip blocks by the times in their headers: check these. */
static void
verify_check_times(struct evt_verify *v, const evt_segment *s,
    const evt_segment_block *b)
{
	int64_t min = INT64_MAX, max = INT64_MIN;

	for (uint32_t i = 0; i < v->block.n; i++) {
		int64_t t = v->block.time_ns[i];

		min = t < min ? t : min;
		max = t > max ? t : max;
	}
	if (min != b->min_ns || max != b->max_ns)
		evt_verify_report(v, s->name, b->offset, 0,
		    "the times in the header are not those of the frames");
}

static void
verify_check_place(struct evt_verify *v, const evt_segment *s, size_t i)
{
	const evt_block_head *h = &v->block.head;
	const evt_segment_block *b = &s->blocks[i];

	if (memcmp(h->uuid, v->uuid, EVT_UUID_LEN) != 0)
		evt_verify_report(v, s->name, b->offset, 0,
		    "this block belongs to another tape");
	if (h->segment != s->no || (v->got.faults == 0 && h->block != i))
		evt_verify_report(v, s->name, b->offset, 0,
		    "the header says block %" PRIu32 " of segment %" PRIu32,
		    h->block, h->segment);
	if (h->first_seq != b->first_seq || h->frames != b->frames ||
	    h->min_ns != b->min_ns || h->max_ns != b->max_ns)
		evt_verify_report(v, s->name, b->offset, 0,
		    "the directory and the block's header do not agree");
}

static int
verify_check_block(struct evt_verify *v, const evt_segment *s, int fd, size_t i,
    evt_error *err)
{
	const evt_segment_block *b = &s->blocks[i];
	evt_frame f;
	int r;

	verify_check_seq(v, s, b);
	r = evt_segment_read_block(v->io, fd, s->name, b, true, &v->raw,
	    &v->block, err);
	for (uint32_t k = 0; r == EVT_OK && k < v->block.n; k++)
		r = evt_block_frame(&v->block, k, &f, err);
	if (r == EVT_ERR_CORRUPT) {
		evt_verify_report(v, s->name, b->offset, b->frames, "%s",
		    err->text);
		return EVT_OK;
	}
	if (r != EVT_OK)
		return r;
	verify_check_place(v, s, i);
	verify_check_times(v, s, b);
	v->got.blocks++;
	v->got.frames += b->frames;
	return evt_summary_add_block(&v->sum, &v->block, (uint32_t)i, err);
}

/* ---- segments -------------------------------------------------------------------- */

/* Bytes from `from` to `to` that belong to no block. */
static void
verify_check_between(struct evt_verify *v, const evt_segment *s, uint64_t from,
    uint64_t to)
{
	if (to > from)
		evt_verify_report(v, s->name, from, EVT_VERIFY_UNKNOWN,
		    "%" PRIu64 " byte%s not belong to a block", to - from,
		    to - from == 1 ? " does" : "s do");
	else if (to < from)
		evt_verify_report(v, s->name, to, 0, "blocks overlap");
}

/* The end of a segment: sealed, still open, or torn. */
static int
verify_check_end(struct evt_verify *v, const evt_segment *s, uint64_t at,
    bool last, evt_error *err)
{
	bool begins;
	int r;

	if (s->sealed)
		return EVT_OK;
	r = evt_segment_dir_begins(s, &begins, err);
	if (r != EVT_OK) /* retention may have taken it */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	if (begins)
		evt_verify_report(v, s->name, at, 0,
		    "the directory is damaged; readers find the blocks one by "
		    "one "
		    "instead");
	else if (s->size > at && !(last && v->got.live))
		evt_verify_report(v, s->name, at, EVT_VERIFY_UNKNOWN,
		    "%" PRIu64 " byte%s not belong to a block at the end",
		    s->size - at, s->size - at == 1 ? " does" : "s do");
	else if (!last)
		evt_verify_report(v, s->name, at, 0,
		    "the directory is missing; readers find the blocks one by "
		    "one "
		    "instead");
	v->unsealed = last && !begins;
	return EVT_OK;
}

/* settled: its rows must be in the index by now. */
static int
verify_check_segment(struct evt_verify *v, evt_segment *s, bool last,
    bool settled, evt_error *err)
{
	int fd, r = evt_segment_open(s, &fd, err);
	uint64_t faults = v->got.faults, at = 0;

	if (r == EVT_ERR_NOTFOUND) {
		/* Retention took it, and its frames: the next one is the first. */
		v->next_seq = 0;
		return EVT_OK;
	}
	if (r != EVT_OK)
		return r;
	if (s->n_blocks > 0 && !v->has_uuid) {
		memcpy(v->uuid, s->uuid, EVT_UUID_LEN);
		v->has_uuid = true;
	}
	evt_summary_clear(&v->sum);
	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++) {
		verify_check_between(v, s, at, s->blocks[i].offset);
		at = s->blocks[i].offset + s->blocks[i].stored;
		r = verify_check_block(v, s, fd, i, err);
		if (r == EVT_OK && v->o->progress != NULL &&
		    v->o->progress(v->o->ctx, v->done + at, v->total))
			r = EVT_END;
	}
	v->io->close(v->io->ctx, fd);
	if (r == EVT_OK)
		r = verify_check_end(v, s, at, last, err);
	if (r != EVT_OK)
		return r;
	v->done += s->size;
	v->got.segments++;
	/* The right rows of a damaged segment are unknown. */
	if (s->sealed && settled && v->got.faults == faults)
		r = evt_verify_index_add(v->index, s, &v->sum, err);
	return r;
}

/* Whether the file was removed after the segments were listed. */
static bool
verify_was_removed(const struct evt_verify *v, const evt_segment *s)
{
	int fd, r = evt_segment_open(s, &fd, NULL);

	if (r == EVT_OK)
		v->io->close(v->io->ctx, fd);
	return r == EVT_ERR_NOTFOUND;
}

/* A number that is left out in the middle: retention takes the first alone.  If
 * it removes files while they are listed, the list may have the first segment
 * and not the second. */
static void
verify_check_numbers(struct evt_verify *v, const evt_segment *s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		char name[EVT_SEGMENT_NAME_LEN];

		if (s[i].no == s[i - 1].no + 1 ||
		    verify_was_removed(v, &s[i - 1]))
			continue;
		evt_segment_name(s[i - 1].no + 1, name);
		evt_verify_report(v, name, EVT_VERIFY_NOWHERE, 0,
		    "the segment is missing");
	}
}

static int
verify_check_segments(struct evt_verify *v, evt_segment *s, size_t n,
    evt_error *err)
{
	int r = EVT_OK;

	verify_check_numbers(v, s, n);
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		r = evt_segment_load(&s[i], err);
		if (r == EVT_ERR_NOTFOUND) {
			s[i].n_blocks = 0;
			r = EVT_OK;
		}
		v->total += s[i].size;
	}
	/* A recorder writes the rows of a segment a moment after sealing it. */
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = verify_check_segment(v, &s[i], i + 1 == n,
		    !v->got.live || i + 2 < n, err);
	return r;
}

/* ---- journal --------------------------------------------------------------------- */

/* Count the records that are in no segment yet. */
static int
verify_read_records(struct evt_verify *v, evt_journal_reader *reader,
    const char *name, evt_error *err)
{
	char words[64];
	bool in_lines;
	evt_frame f;
	int r;

	while ((r = evt_journal_next(reader, &f, &in_lines, err)) == EVT_OK) {
		if (f.seq < v->next_seq)
			continue;
		if (v->next_seq > 0 && f.seq > v->next_seq && !v->got.live)
			evt_verify_report(v, name, EVT_VERIFY_NOWHERE,
			    f.seq - v->next_seq,
			    "%s in no segment and not in the journal",
			    verify_frames_are(v->next_seq, f.seq - 1, words));
		v->next_seq = f.seq + 1;
		v->got.frames++;
		v->got.in_journal++;
	}
	return r;
}

/* Check the bytes after the last complete record; no recorder is writing. */
static int
verify_check_journal_end(struct evt_verify *v, evt_journal_reader *reader,
    const char *name, evt_error *err)
{
	char words[100];
	uint64_t left;
	int r = evt_journal_check_end(reader, &left, err);

	if (r == EVT_OK && left > 0) {
		snprintf(words, sizeof(words),
		    "%" PRIu64 " byte%s at the end %s no whole record: a write "
		    "was interrupted",
		    left, left == 1 ? "" : "s", left == 1 ? "is" : "are");
		verify_note(v, name, evt_journal_offset(reader), words);
	}
	return r;
}

static int
verify_check_journal_file(struct evt_verify *v, uint64_t first_seq,
    evt_error *err)
{
	evt_journal_reader *reader;
	uint64_t offset = 0;
	char name[48];
	int r =
	    evt_journal_open(v->io, v->journal_dir, first_seq, &reader, err);

	snprintf(name, sizeof(name), "journal/%020" PRIu64 ".evj", first_seq);
	if (r == EVT_AGAIN || r == EVT_ERR_NOTFOUND)
		return EVT_OK;
	if (r == EVT_OK && v->has_uuid &&
	    memcmp(evt_journal_uuid(reader), v->uuid, EVT_UUID_LEN) != 0) {
		evt_verify_report(v, name, EVT_VERIFY_NOWHERE, 0,
		    "the journal belongs to another tape");
		evt_journal_close(reader);
		return EVT_OK;
	}
	if (r == EVT_OK) {
		r = verify_read_records(v, reader, name, err);
		if (r == EVT_AGAIN && !v->got.live)
			r = verify_check_journal_end(v, reader, name, err);
		offset = evt_journal_offset(reader);
		evt_journal_close(reader);
	}
	if (r == EVT_ERR_CORRUPT)
		evt_verify_report(v, name, offset, EVT_VERIFY_UNKNOWN, "%s",
		    err->text);
	return r == EVT_AGAIN || r == EVT_ERR_CORRUPT ? EVT_OK : r;
}

/* Note the files that an earlier recovery kept. */
static bool
verify_check_leftover(void *arg, const char *file, bool is_file)
{
	const char *end = strrchr(file, '.');
	char name[300];

	if (!is_file || end == NULL)
		return true;
	snprintf(name, sizeof(name), "journal/%s", file);
	if (strcmp(end, ".torn") == 0)
		verify_note(arg, name, EVT_VERIFY_NOWHERE,
		    "bytes of a torn block, kept by an earlier recovery");
	else if (strcmp(end, ".bad") == 0)
		verify_note(arg, name, EVT_VERIFY_NOWHERE,
		    "a damaged journal, kept by an earlier recovery");
	return true;
}

static int
verify_check_leftovers(struct evt_verify *v, evt_error *err)
{
	if (v->io->list(v->io->ctx, v->journal_dir, verify_check_leftover, v) !=
	        0 &&
	    errno != ENOENT)
		return evt_err_sys(err, errno, "cannot read folder %s",
		    v->journal_dir);
	return EVT_OK;
}

static int
verify_check_journal(struct evt_verify *v, evt_error *err)
{
	uint64_t *seqs = NULL, files, bytes;
	size_t n = 0;
	int r = evt_journal_list(v->io, v->journal_dir, &seqs, &n, err);

	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = verify_check_journal_file(v, seqs[i], err);
	free(seqs);
	v->journals = n;
	if (r == EVT_OK && v->got.in_journal > 0 && !v->got.live)
		verify_note(v, "journal", EVT_VERIFY_NOWHERE,
		    "the tape was not closed: the next recording to it makes "
		    "a block of these frames");
	evt_tape_dir_ring(v->io, v->journal_dir, &files, &bytes);
	if (r == EVT_OK && files > 0 && !v->got.live)
		verify_note(v, "journal/ring", EVT_VERIFY_NOWHERE,
		    "the recorder died while it waited for a trigger: the next "
		    "recording to the tape, or 'evtape mark', appends the "
		    "frames that it held");
	return r == EVT_OK ? verify_check_leftovers(v, err) : r;
}

/* Whether there is a folder for the journal: a recorder makes it, and leaves it. */
static bool
verify_has_journal_folder(const struct evt_verify *v)
{
	struct stat st;

	return v->io->stat(v->io->ctx, v->journal_dir, &st) == 0 ||
	    errno != ENOENT;
}

/* Check the end of a tape that is not being recorded.  A recorder that dies
 * leaves its journal beside an open segment, but the journal has no file in the
 * moment after a block was synced.  A segment that lost its end looks open as
 * well; the index knows. */
static void
verify_check_tape_end(struct evt_verify *v, const evt_segment *last)
{
	uint64_t faults = v->got.faults;

	evt_verify_index_end(v->io, v->path, last, v);
	if (!v->unsealed || v->journals > 0 || v->got.faults > faults)
		return;
	assert(last != NULL); /* it is the unsealed one */
	if (verify_has_journal_folder(v))
		verify_note(v, "journal", EVT_VERIFY_NOWHERE,
		    "the journal has no file, though the last segment was not "
		    "completed: if files were removed, the last frames are "
		    "lost");
	else
		evt_verify_report(v, "journal", EVT_VERIFY_NOWHERE,
		    EVT_VERIFY_UNKNOWN,
		    "the journal is missing, and %s was not completed: frames "
		    "after %" PRIu64 " are lost",
		    last->name, v->next_seq > 0 ? v->next_seq - 1 : 0);
}

/* ---- all of it --------------------------------------------------------------------- */

int
evt_verify_tape_io(const char *path, const evt_io *io,
    const evt_verify_options *options, evt_verify_result *ret_verified,
    evt_error *err)
{
	struct evt_verify v = { .io = io, .o = options, .path = path };
	evt_segment *s = NULL;
	evt_error own;
	size_t n = 0;
	int r;

	if (err == NULL) /* its words are needed here */
		err = &own;
	r = evt_tape_dir_check(io, path, err);
	if (r != EVT_OK)
		return r;
	v.got.live = evt_lock_held(io, path);
	v.journal_dir = evt_io_path_join(path, "journal");
	if (v.journal_dir == NULL)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_verify_index_new(io, &v.index, err);
	if (r == EVT_OK)
		r = evt_segment_list(io, path, &s, &n, err);
	if (r == EVT_OK)
		r = verify_check_segments(&v, s, n, err);
	if (r == EVT_OK)
		r = verify_check_journal(&v, err);
	if (r == EVT_OK)
		r = evt_verify_index_compare(v.index, path, &v, err);
	if (r == EVT_OK && !v.got.live)
		verify_check_tape_end(&v, n > 0 ? &s[n - 1] : NULL);
	for (size_t i = 0; i < n; i++)
		evt_segment_free(&s[i]);
	free(s);
	evt_verify_index_free(v.index);
	evt_summary_free(&v.sum);
	evt_block_free(&v.block);
	evt_buf_free(&v.raw);
	free(v.journal_dir);
	*ret_verified = v.got;
	return r;
}

int
evt_verify_tape(const char *path, const evt_verify_options *options,
    evt_verify_result *ret_verified, evt_error *err)
{
	return evt_verify_tape_io(path, &evt_io_posix, options, ret_verified,
	    err);
}
