/*
 * writer_start.c - make a start segment: what counts at the start of a tape whose
 * oldest segments are dropped.
 *
 * It has the number of the last segment that is dropped, and the last sequence
 * numbers of that segment, so that nothing else on the tape changes.  All its
 * frames have the time of the first frame after it.  It is made in the journal's
 * folder and renamed over the old one.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/index/summary.h"
#include "format/keys/json_scan.h"
#include "format/read/part_start.h"
#include "format/read/tape.h"
#include "format/write/writer_priv.h"

struct start {
	evt_writer *w;
	evt_tape *tape;
	/* Of the segment that is replaced.  The tape's list of segments may
	 * move while frames are read. */
	uint32_t no, max_conn;
	char name[EVT_SEGMENT_NAME_LEN];
	uint64_t first;           /* its first frame */
	uint64_t end;             /* the number of the first frame that stays */
	int64_t time_ns, mono_ns; /* of that frame */
	uint64_t frames;          /* of the start */
	/* Writing. */
	evt_json_scanner *scanner;
	evt_block_builder *builder;
	evt_segment_writer *to;
	evt_buf block;
	uint64_t next_seq;
};

/* Find the segment that is replaced, and the first frame after it that is no
 * bookmark: a bookmark may have any time.  EVT_END: there is none. */
static int
writer_start_find(struct start *s, uint32_t no, evt_error *err)
{
	const evt_segment *old = NULL;
	evt_filter filter = { 0 };
	evt_cursor *cursor;
	evt_frame f;
	int r;

	for (size_t i = 0; i < s->tape->n_segments; i++) {
		if (s->tape->segments[i].no == no)
			old = &s->tape->segments[i];
	}
	if (old == NULL || old->n_blocks == 0)
		return EVT_END;
	s->no = no;
	s->max_conn = old->max_conn;
	evt_segment_name(no, s->name);
	s->first = old->blocks[0].first_seq;
	s->end = filter.from_seq = evt_segment_end_seq(old);
	r = evt_cursor_open(&s->tape, 1, &filter, &cursor, err);
	if (r != EVT_OK)
		return r;
	do {
		r = evt_cursor_next(cursor, &f, err);
	} while (r == EVT_OK && f.kind == EVT_KIND_MARK &&
	    f.opcode == EVT_MARK_BOOKMARK);
	if (r == EVT_OK) {
		s->time_ns = f.time_ns;
		s->mono_ns = f.mono_ns;
	}
	evt_cursor_close(cursor);
	return r > 0 ? EVT_END : r;
}

static int
writer_start_run(struct start *s,
    int (*put)(void *ctx, const evt_frame *f, evt_error *err), evt_error *err)
{
	const evt_filter all = { 0 };
	const evt_part_start start = { .tape = s->tape,
		.filter = &all,
		.at_ns = s->time_ns,
		.mono_ns = s->mono_ns,
		.first_seq = s->end,
		.put = put,
		.ctx = s };

	return evt_part_start_put(&start, err);
}

static int
writer_start_count(void *ctx, const evt_frame *f, evt_error *err)
{
	struct start *s = ctx;

	(void)f;
	(void)err;
	s->frames++;
	return EVT_OK;
}

static int
writer_start_cut(struct start *s, evt_error *err)
{
	int r;

	if (evt_block_builder_frames(s->builder) == 0)
		return EVT_OK;
	r = evt_block_builder_encode(s->builder, evt_writer_uuid(s->w), s->no,
	    (uint32_t)evt_segment_written(s->to)->n_blocks, &s->block, NULL,
	    err);
	if (r == EVT_OK)
		r = evt_segment_append(s->to, &s->block, err);
	if (r == EVT_OK)
		evt_block_builder_clear(s->builder);
	return r;
}

static int
writer_start_put(void *ctx, const evt_frame *frame, evt_error *err)
{
	struct start *s = ctx;
	evt_json_scan_result got = { .json = false };
	evt_frame f = *frame;
	int r = EVT_OK;

	f.seq = s->next_seq++;
	if (f.kind == EVT_KIND_RECEIVED && f.opcode == EVT_OP_TEXT)
		r = evt_json_scan(s->scanner, f.payload, f.len, &got, err);
	if (r == EVT_OK &&
	    !evt_block_builder_fits(s->builder, f.len,
	        evt_writer_block_bytes(s->w)))
		r = writer_start_cut(s, err);
	return r == EVT_OK ? evt_block_builder_add(s->builder, &f,
	                         got.json && !got.line_break, err) :
	                     r;
}

/* Write the segment into the journal's folder, and sync it. */
static int
writer_start_write(struct start *s, evt_error *err)
{
	evt_writer *w = s->w;
	int r = evt_json_scanner_new(NULL, &s->scanner, err);

	if (r == EVT_OK)
		r = evt_block_builder_new(evt_writer_level(w), &s->builder,
		    err);
	if (r == EVT_OK)
		r = evt_segment_create(evt_writer_io(w),
		    evt_writer_journal_dir(w), evt_writer_uuid(w), s->no,
		    &s->to, err);
	s->next_seq = s->end - s->frames;
	if (r == EVT_OK)
		r = writer_start_run(s, writer_start_put, err);
	if (r == EVT_OK)
		r = writer_start_cut(s, err);
	if (r == EVT_OK && s->next_seq != s->end)
		r = evt_err_set(err, EVT_ERR_IO,
		    "%s did not read the same twice", s->name);
	if (r == EVT_OK)
		r = evt_segment_seal(s->to, s->max_conn, err);
	return r == EVT_OK ? evt_segment_sync(s->to, err) : r;
}

/* Rename it over the old one.  The rows of the index follow; until then readers
 * ignore those of the old one. */
static int
writer_start_replace(struct start *s, evt_error *err)
{
	const evt_segment *new = evt_segment_written(s->to);
	const evt_io *io = evt_writer_io(s->w);
	evt_summary sum = { 0 };
	char *to = evt_io_path_join(evt_writer_path(s->w), s->name);
	uint64_t damaged;
	int r = to != NULL ? evt_summary_add_segment(&sum, new, &damaged, err) :
	                     evt_err_nomem(err);

	if (r == EVT_OK && io->rename(io->ctx, new->path, to) != 0)
		r = evt_err_sys(err, errno, "cannot replace %s", to);
	if (r == EVT_OK)
		r = evt_io_sync_dir(io, evt_writer_path(s->w), err);
	if (r == EVT_OK)
		evt_writer_index_put(s->w, new, &sum);
	evt_summary_free(&sum);
	free(to);
	return r;
}

static int
writer_start_make(struct start *s, uint64_t *ret_bytes, evt_error *err)
{
	const evt_io *io = evt_writer_io(s->w);
	char *path = evt_io_path_join(evt_writer_journal_dir(s->w), s->name);
	int r = EVT_OK;

	if (path == NULL)
		return evt_err_nomem(err);
	/* Remove the file of an earlier attempt. */
	if (io->unlink(io->ctx, path) != 0 && errno != ENOENT)
		r = evt_err_sys(err, errno, "cannot remove %s", path);
	if (r == EVT_OK)
		r = writer_start_write(s, err);
	if (r == EVT_OK)
		r = writer_start_replace(s, err);
	if (r == EVT_OK)
		*ret_bytes = evt_segment_written(s->to)->size;
	else
		io->unlink(io->ctx, path);
	evt_segment_close(s->to);
	evt_block_builder_free(s->builder);
	evt_json_scanner_free(s->scanner);
	evt_buf_free(&s->block);
	free(path);
	return r;
}

int
evt_writer_put_start(evt_writer *w, uint32_t no, uint64_t *ret_bytes,
    evt_error *err)
{
	struct start s = { .w = w };
	int r = evt_tape_open_io(evt_writer_path(w), evt_writer_io(w), &s.tape,
	    err);

	if (r != EVT_OK)
		return r;
	r = writer_start_find(&s, no, err);
	if (r == EVT_OK)
		r = writer_start_run(&s, writer_start_count, err);
	if (r == EVT_OK && s.frames == 0)
		r = EVT_END;
	if (r == EVT_OK && s.frames > s.end - s.first)
		r = evt_err_set(err, EVT_ERR_FULL,
		    "%s has fewer frames than what counts", s.name);
	if (r == EVT_OK)
		r = writer_start_make(&s, ret_bytes, err);
	evt_tape_close(s.tape);
	return r;
}

bool
evt_writer_is_start(evt_writer *w, const evt_segment *s)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	bool is = false;
	int fd;

	for (size_t i = 0; i < s->n_blocks; i++) {
		if (s->blocks[i].min_ns != s->blocks[0].min_ns ||
		    s->blocks[i].max_ns != s->blocks[0].min_ns)
			return false;
	}
	if (s->n_blocks == 0 || evt_segment_open(s, &fd, NULL) != EVT_OK)
		return false;
	if (evt_segment_read_block(evt_writer_io(w), fd, s->name, &s->blocks[0],
	        false, &raw, &block, NULL) == EVT_OK)
		is = evt_block_is_mark(&block, 0, EVT_MARK_STATE) ||
		    evt_block_is_mark(&block, 0, EVT_MARK_TRACKERS);
	evt_writer_io(w)->close(evt_writer_io(w)->ctx, fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
	return is;
}
