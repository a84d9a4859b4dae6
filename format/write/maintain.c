/* maintain.c - see maintain.h. */
#include "format/write/maintain.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/read/tape.h"
#include "format/store/layout.h"
#include "format/write/writer_priv.h"

/* ---- retention --------------------------------------------------------------- */

static void
maintain_plan(const evt_writer *w, const evt_maintain_gc_options *gc,
    evt_maintain_gc_result *ret)
{
	size_t n_kept, n;
	const evt_writer_kept *kept = evt_writer_get_kept(w, &n_kept);

	n = evt_writer_kept_over(kept, n_kept, 0, gc->keep_bytes,
	    gc->before_ns);
	for (size_t i = 0; i < n_kept; i++) {
		bool goes = i < n;

		*(goes ? &ret->segments : &ret->kept) += !kept[i].start;
		*(goes ? &ret->bytes : &ret->kept_bytes) += kept[i].bytes;
	}
}

/* Drop what the plan says. */
static int
maintain_drop(evt_writer *w, const char *path,
    const evt_maintain_gc_options *gc, const evt_maintain_gc_result *plan,
    evt_error *err)
{
	size_t n;
	const evt_writer_kept *kept = evt_writer_get_kept(w, &n);
	evt_maintain_gc_result left = { 0 };

	if (plan->segments == 0)
		return EVT_OK;
	evt_writer_retain_to(w, gc->keep_bytes, gc->before_ns);
	kept = evt_writer_get_kept(w, &n);
	for (size_t i = 0; i < n; i++)
		left.kept += !kept[i].start;
	return left.kept == plan->kept ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_IO,
	        "cannot remove all old segments of %s: %" PRIu64 " stay", path,
	        left.kept);
}

int
evt_maintain_gc_env(const char *path, const evt_maintain_gc_options *gc,
    const evt_writer_env *env, evt_maintain_gc_result *ret_result,
    evt_error *err)
{
	evt_maintain_gc_result got = { 0 };
	evt_writer_options o;
	evt_writer *w;
	int r;

	assert(path != NULL && gc != NULL && ret_result != NULL);
	evt_writer_options_init(&o);
	o.existing = true;
	r = evt_writer_open_env(path, &o, env, &w, err);
	if (r != EVT_OK)
		return r;
	maintain_plan(w, gc, &got);
	if (!gc->dry_run)
		r = maintain_drop(w, path, gc, &got, err);
	if (r == EVT_OK)
		r = evt_writer_close(w, err);
	else
		evt_writer_close(w, NULL);
	if (r == EVT_OK)
		*ret_result = got;
	return r;
}

int
evt_maintain_gc(const char *path, const evt_maintain_gc_options *gc,
    evt_maintain_gc_result *ret_result, evt_error *err)
{
	return evt_maintain_gc_env(path, gc, NULL, ret_result, err);
}

/* ---- recompression ------------------------------------------------------------- */

struct work {
	const evt_io *io;
	const evt_maintain_compact_options *o;
	const char *path;
	const char *beside; /* the folder for the new segment */
	evt_block_builder *builder;
	evt_segment_writer *to;
	evt_index *index; /* NULL: cannot be written */
	evt_block block;
	evt_buf raw, out;
	uint64_t next_seq; /* of the open block */
	uint64_t done, total;
	evt_maintain_compact_result got;
};

static int
maintain_cut(struct work *w, const evt_segment *from, evt_error *err)
{
	int r;

	if (evt_block_builder_frames(w->builder) == 0)
		return EVT_OK;
	r = evt_block_builder_encode(w->builder, from->uuid, from->no,
	    (uint32_t)evt_segment_written(w->to)->n_blocks, &w->out, NULL, err);
	if (r == EVT_OK)
		r = evt_segment_append(w->to, &w->out, err);
	if (r != EVT_OK)
		return r;
	evt_block_builder_clear(w->builder);
	return EVT_OK;
}

/* Add the frames of the loaded block. */
static int
maintain_add_block(struct work *w, const evt_segment *from, evt_error *err)
{
	evt_frame f;
	int r = EVT_OK;

	for (uint32_t i = 0; i < w->block.n && r == EVT_OK; i++) {
		bool in_lines = w->block.kind[i] & KIND_IN_LINES;

		r = evt_block_frame(&w->block, i, &f, err);
		if (r == EVT_OK &&
		    (f.seq != w->next_seq ||
		        !evt_block_builder_fits(w->builder, f.len,
		            w->o->block_bytes)))
			r = maintain_cut(w, from, err);
		if (r == EVT_OK)
			r = evt_block_builder_add(w->builder, &f, in_lines,
			    err);
		w->next_seq = f.seq + 1;
	}
	return r;
}

/* Write the frames of `from` to w->to.  EVT_END: progress() asked to stop. */
static int
maintain_copy(struct work *w, const evt_segment *from, evt_error *err)
{
	int fd, r = evt_segment_open(from, &fd, err);

	if (r != EVT_OK)
		return r;
	evt_block_builder_clear(w->builder);
	for (size_t i = 0; i < from->n_blocks && r == EVT_OK; i++) {
		const evt_segment_block *b = &from->blocks[i];

		r = evt_segment_read_block(w->io, fd, from->name, b, true,
		    &w->raw, &w->block, err);
		if (r == EVT_OK)
			r = maintain_add_block(w, from, err);
		if (r == EVT_OK && w->o->progress != NULL &&
		    w->o->progress(w->o->ctx, w->done + b->offset + b->stored,
		        w->total))
			r = EVT_END;
	}
	w->io->close(w->io->ctx, fd);
	if (r == EVT_OK)
		r = maintain_cut(w, from, err);
	if (r == EVT_OK)
		r = evt_segment_seal(w->to, from->max_conn, err);
	return r == EVT_OK ? evt_segment_sync(w->to, err) : r;
}

/* A checksum of all frames of a segment, with their metadata. */
static int
maintain_digest(struct work *w, const evt_segment *s, uint64_t *ret,
    evt_error *err)
{
	int fd, r = evt_segment_open(s, &fd, err);
	uint64_t sum = 0;
	evt_frame f;

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < s->n_blocks && r == EVT_OK; i++) {
		r = evt_segment_read_block(w->io, fd, s->name, &s->blocks[i],
		    true, &w->raw, &w->block, err);
		for (uint32_t k = 0; r == EVT_OK && k < w->block.n; k++) {
			r = evt_block_frame(&w->block, k, &f, err);
			if (r != EVT_OK)
				break;
			const uint64_t head[] = { f.seq, (uint64_t)f.time_ns,
				(uint64_t)f.mono_ns, w->block.kind[k], f.conn,
				f.event_len, f.n_sources, f.len };

			sum = XXH64(head, sizeof(head), sum);
			sum = XXH64(f.event, f.event_len, sum);
			for (size_t j = 0; j < f.n_sources; j++)
				sum = XXH64(f.sources[j].text, f.sources[j].len,
				    sum + f.sources[j].is_int);
			sum = XXH64(f.payload, f.len, sum);
		}
	}
	w->io->close(w->io->ctx, fd);
	*ret = sum;
	return r;
}

/* Check that the new file has the same frames, before it replaces the old one. */
static int
maintain_compare(struct work *w, const evt_segment *from, evt_error *err)
{
	uint64_t a = 0, b = 0;
	int r = maintain_digest(w, from, &a, err);

	if (r == EVT_OK)
		r = maintain_digest(w, evt_segment_written(w->to), &b, err);
	if (r == EVT_OK && a != b)
		return evt_err_set(err, EVT_ERR_IO,
		    "%s was not read back as it was written; the old segment "
		    "stays: look to the disk",
		    from->name);
	return r;
}

static int
maintain_replace(struct work *w, evt_segment *from, evt_error *err)
{
	const evt_segment *new = evt_segment_written(w->to);
	evt_summary sum = { 0 };
	uint64_t damaged;
	int r = EVT_OK;

	if (w->index != NULL) {
		r = evt_summary_add_segment(&sum, new, &damaged, err);
		if (r != EVT_OK)
			goto out;
	}
	if (w->io->rename(w->io->ctx, new->path, from->path) != 0) {
		r = evt_err_sys(err, errno, "cannot replace %s", from->path);
		goto out;
	}
	r = evt_io_sync_dir(w->io, w->path, err);
	/* Readers ignore rows that do not belong to the file, so the order of
	 * these two steps does not matter. */
	if (r == EVT_OK && w->index != NULL)
		r = evt_index_put(w->index, new, &sum, err);
out:
	evt_summary_free(&sum);
	return r;
}

static void
maintain_leave(struct work *w, const evt_segment *s, const evt_error *why)
{
	char text[640];

	w->got.left++;
	w->got.after += s->size;
	if (why == NULL)
		return;
	w->got.damaged++;
	snprintf(text, sizeof(text), "%s is left as it is: %s", s->name,
	    why->text);
	if (w->o->notice != NULL)
		w->o->notice(w->o->ctx, text);
}

static int
maintain_compact_one(struct work *w, evt_segment *s, evt_error *err)
{
	char *path = evt_io_path_join(w->beside, s->name);
	uint64_t size;
	int r;

	if (path == NULL)
		return evt_err_nomem(err);
	/* Remove the file of an earlier attempt. */
	if (w->io->unlink(w->io->ctx, path) != 0 && errno != ENOENT) {
		r = evt_err_sys(err, errno, "cannot remove %s", path);
		free(path);
		return r;
	}
	r = evt_segment_create(w->io, w->beside, s->uuid, s->no, &w->to, err);
	if (r == EVT_OK)
		r = maintain_copy(w, s, err);
	if (r == EVT_OK)
		r = maintain_compare(w, s, err);
	size = r == EVT_OK ? evt_segment_written(w->to)->size : 0;
	if (r == EVT_OK && size < s->size) {
		r = maintain_replace(w, s, err);
		w->got.segments += r == EVT_OK;
		w->got.after += size;
	} else if (r == EVT_OK || r == EVT_ERR_CORRUPT) {
		maintain_leave(w, s, r == EVT_OK ? NULL : err);
		r = EVT_OK;
	}
	w->io->unlink(w->io->ctx, path); /* unless it was renamed */
	free(path);
	evt_segment_close(w->to);
	w->to = NULL;
	return r;
}

/* A place that is not a valid block is damage, too. */
static int
maintain_compact_sealed(struct work *w, evt_segment *s, evt_error *err)
{
	evt_error words;
	int r = EVT_OK;

	w->got.before += s->size;
	if (s->sealed && s->n_damaged == 0 && s->n_blocks > 0) {
		r = maintain_compact_one(w, s, err);
	} else {
		evt_err_set(&words, EVT_ERR_CORRUPT,
		    "it is damaged; 'evtape verify' says where");
		maintain_leave(w, s,
		    s->sealed || s->n_damaged == 0 ? NULL : &words);
	}
	w->done += s->size;
	return r;
}

static int
maintain_compact_all(struct work *w, evt_error *err)
{
	evt_segment *s = NULL;
	size_t n = 0;
	int r = evt_segment_list(w->io, w->path, &s, &n, err);

	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		r = evt_segment_load(&s[i], err);
		w->total += s[i].size;
	}
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = maintain_compact_sealed(w, &s[i], err);
	for (size_t i = 0; i < n; i++)
		evt_segment_free(&s[i]);
	free(s);
	return r;
}

int
evt_maintain_compact_env(const char *path,
    const evt_maintain_compact_options *compact, const evt_writer_env *env,
    evt_maintain_compact_result *ret_result, evt_error *err)
{
	struct work w = { .o = compact, .path = path };
	evt_writer_options o;
	evt_writer *writer;
	int r;

	assert(path != NULL && compact != NULL && compact->block_bytes > 0 &&
	    ret_result != NULL);
	evt_writer_options_init(&o);
	o.existing = true;
	/* Opening a writer takes the lock, recovers a tape that was not closed,
	 * and brings the index up to date. */
	r = evt_writer_open_env(path, &o, env, &writer, err);
	if (r != EVT_OK)
		return r;
	w.io = evt_writer_io(writer);
	w.index = evt_writer_get_index(writer);
	w.beside = evt_writer_journal_dir(writer);
	r = evt_block_builder_new(compact->level, &w.builder, err);
	if (r == EVT_OK)
		r = maintain_compact_all(&w, err);
	evt_block_builder_free(w.builder);
	evt_block_free(&w.block);
	evt_buf_free(&w.raw);
	evt_buf_free(&w.out);
	if (r == EVT_OK)
		r = evt_writer_close(writer, err);
	else
		evt_writer_close(writer, NULL);
	*ret_result = w.got;
	return r;
}

int
evt_maintain_compact(const char *path,
    const evt_maintain_compact_options *compact,
    evt_maintain_compact_result *ret_result, evt_error *err)
{
	return evt_maintain_compact_env(path, compact, NULL, ret_result, err);
}
