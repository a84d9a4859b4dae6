/*
 * writer.c - put frames onto a tape.
 *
 * A frame goes to two places at once: as a record to the journal's batch, and
 * into the columns of the open block.  A commit hands the batch to the kernel
 * with one write.  When the block is full it is compressed and appended to
 * the segment (writer_block.c), and its journal file is removed after the
 * segment was synced.  So at any moment each committed frame is in the journal
 * or in a block.  A failure changes neither, and the caller tries again.
 */
#include "format/write/writer_impl.h"

#include <errno.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/mark.h"
#include "format/store/tape_dir.h"
#include "format/store/lock.h"
#include "format/write/recover.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"

/* Records of this size are written without waiting for a commit. */
#define BATCH_MAX (1u << 20)

void
evt_writer_notice(const evt_writer *w, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (w->opt.notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->opt.notice(w->opt.notice_ctx, text);
}

int64_t
evt_writer_now(const evt_writer *w)
{
	return w->env.steady_ns(w->env.ctx);
}

/* ---- the public calls ---------------------------------------------------- */

static int
writer_check_frame(const evt_frame *f, evt_error *err)
{
	if (f->len > EVT_PAYLOAD_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a frame of %zu bytes is larger than a tape takes (%u)",
		    f->len, EVT_PAYLOAD_MAX);
	assert(f->payload != NULL || f->len == 0);
	if (f->kind > EVT_KIND_MARK || f->opcode > 31)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a frame cannot have kind %u and opcode %u", f->kind,
		    f->opcode);
	if (f->event != NULL && f->event_len > EVT_KEY_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "an event name of %zu bytes is too long", f->event_len);
	for (size_t i = 0; i < f->n_sources; i++) {
		if (f->sources[i].len > EVT_KEY_MAX)
			return evt_err_set(err, EVT_ERR_ARG,
			    "a source id of %u bytes is too long",
			    f->sources[i].len);
	}
	return EVT_OK;
}

int
evt_writer_scan(evt_writer *w, evt_frame *f, bool *ret_json, bool *ret_in_lines,
    evt_error *err)
{
	evt_json_scan_result got;
	int r = writer_check_frame(f, err);

	*ret_json = *ret_in_lines = false;
	if (r != EVT_OK)
		return r;
	if (w->opt.profile != NULL && f->kind == EVT_KIND_MARK &&
	    f->opcode == EVT_MARK_TRACKERS)
		return evt_tracker_sources_set(&w->trackers, f->payload, f->len,
		    err);
	if (f->kind != EVT_KIND_RECEIVED || f->opcode != EVT_OP_TEXT)
		return EVT_OK;
	r = evt_json_scan(w->scanner, f->payload, f->len, &got, err);
	if (r != EVT_OK)
		return r;
	*ret_json = got.json;
	*ret_in_lines = got.json && !got.line_break;
	if (w->opt.profile != NULL) {
		f->event = got.event;
		f->event_len = got.event != NULL ? got.event_len : 0;
		f->sources = got.sources;
		f->n_sources = got.n_sources;
		if (got.event != NULL && got.n_sources == 0)
			r = evt_tracker_sources_find(&w->trackers, f, err);
	}
	return r;
}

/* Bounds the memory for the number of sources. */
#define SOURCES_COUNTED_MAX 200000u

/* Add the sources of the open block, from number `from` on (the new ones), to
 * those of the recording, which are only counted. */
static void
writer_count_sources(evt_writer *w, uint32_t from)
{
	uint32_t n = evt_block_builder_sources(w->builder);

	/* If memory runs out, the number, which is only shown, is too small. */
	if (from == n || w->sources.n >= SOURCES_COUNTED_MAX ||
	    !evt_key_table_reserve(&w->sources, n - from))
		return;
	for (uint32_t i = from; i < n; i++) {
		evt_key k = evt_block_builder_source(w->builder, i);

		evt_key_table_add(&w->sources, k.text, k.len, k.is_int);
	}
	w->stats.sources = w->sources.n;
	if (w->sources.n >= SOURCES_COUNTED_MAX)
		evt_writer_notice(w,
		    "the frames name more than %u sources; further ones are "
		    "recorded, but not counted. Do the ids of sources never "
		    "repeat? Then another field may be the id",
		    SOURCES_COUNTED_MAX);
}

static void
writer_count_frame(evt_writer *w, const evt_frame *f)
{
	w->stats.frames++;
	w->stats.last_seq = f->seq;
	if (f->kind == EVT_KIND_RECEIVED) {
		w->stats.received++;
		w->stats.payload_bytes += f->len;
	}
	if (f->conn > w->max_conn)
		w->max_conn = f->conn;
	w->mono_offset = (int64_t)((uint64_t)f->mono_ns - (uint64_t)f->time_ns);
	if (!w->segment_started) {
		w->segment_started = true;
		w->segment_since = evt_writer_now(w);
	}
}

int
evt_writer_put_known(evt_writer *w, evt_frame *frame, bool in_lines,
    evt_error *err)
{
	evt_frame f = *frame;
	uint32_t sources;
	int r;

	if (!evt_block_builder_fits(w->builder, f.len, w->opt.block_bytes)) {
		r = evt_writer_cut(w, err);
		if (r != EVT_OK)
			return r;
		evt_writer_after_block(w);
	} else if (evt_journal_pending(w->journal) >= BATCH_MAX &&
	    (r = evt_writer_commit_journal(w, err))) {
		return r;
	}
	if (!w->opt.no_journal) {
		r = evt_journal_reserve(w->journal, &f, err);
		if (r != EVT_OK)
			return r;
	}
	f.seq = w->next_seq;
	sources = evt_block_builder_sources(w->builder);
	r = evt_block_builder_add(w->builder, &f, in_lines, err);
	if (r != EVT_OK)
		return r;
	if (!w->opt.no_journal)
		evt_journal_add(w->journal, &f, in_lines);
	w->next_seq++;
	writer_count_frame(w, &f);
	writer_count_sources(w, sources);
	*frame = f;
	return EVT_OK;
}

int
evt_writer_put(evt_writer *w, evt_frame *frame, evt_error *err)
{
	evt_frame f = *frame;
	bool json, in_lines;
	int r = evt_writer_scan(w, &f, &json, &in_lines, err);

	if (r == EVT_OK)
		r = evt_writer_put_known(w, &f, in_lines, err);
	if (r == EVT_OK)
		*frame = f;
	return r;
}

int
evt_writer_commit(evt_writer *w, evt_error *err)
{
	int r;

	if (evt_journal_pending(w->journal) > 0) {
		r = evt_writer_commit_journal(w, err);
		if (r != EVT_OK)
			return r;
		w->dirty = true;
	}
	if (w->opt.sync_ns == EVT_SYNC_OFF || !w->dirty ||
	    evt_writer_now(w) - w->last_sync < w->opt.sync_ns)
		return EVT_OK;
	return evt_writer_sync_written(w, err);
}

int
evt_writer_sync(evt_writer *w, evt_error *err)
{
	int r = evt_journal_commit(w->journal, err);

	return r != EVT_OK || w->opt.sync_ns == EVT_SYNC_OFF ?
	    r :
	    evt_writer_sync_written(w, err);
}

int
evt_writer_rotate(evt_writer *w, evt_error *err)
{
	int r = evt_writer_cut(w, err);

	if (r == EVT_OK)
		r = evt_writer_settle(w, err);
	return r != EVT_OK ? r : evt_writer_seal(w, err);
}

int
evt_writer_check_path(const evt_writer *w, evt_error *err)
{
	return evt_lock_is_at(w->env.io, w->path, w->lock_fd) ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_NOTATAPE,
	        "the tape %s is no longer there: it was removed or renamed, or "
	        "another disk was mounted over it, during the recording",
	        w->path);
}

int
evt_writer_tick(evt_writer *w, evt_error *err)
{
	bool aged = w->opt.segment_age_ns > 0 && w->segment_started &&
	    evt_writer_now(w) - w->segment_since >= w->opt.segment_age_ns;
	int r = evt_writer_check_path(w, err);

	if (r == EVT_OK)
		r = evt_writer_take_bookmarks(w, err);
	if (r == EVT_OK)
		r = evt_writer_settle(w, err);
	if (r == EVT_OK)
		evt_writer_after_block(w);
	if (r == EVT_OK)
		r = evt_writer_commit(w, err);
	if (r == EVT_OK && (aged || w->want_seal))
		r = evt_writer_rotate(w, err);
	if (r == EVT_OK && w->opt.keep_age_ns > 0)
		evt_writer_retain(w);
	return r;
}

static void
writer_free(evt_writer *w)
{
	evt_json_scanner_free(w->scanner);
	evt_tracker_sources_free(&w->trackers);
	evt_packer_free(w->packer);
	evt_block_builder_free(w->builder);
	evt_journal_free(w->journal);
	evt_segment_close(w->segment);
	evt_summary_free(&w->summary);
	evt_block_free(&w->scratch);
	evt_buf_free(&w->block_bytes);
	evt_index_close(w->index);
	evt_key_table_free(&w->sources);
	free(w->kept);
	free(w->requests.path);
	if (w->lock_fd >= 0)
		w->env.io->close(w->env.io->ctx, w->lock_fd);
	free(w->requests.trigger_text);
	free(w->journal_dir);
	free(w->path);
	free(w);
}

int
evt_writer_close(evt_writer *w, evt_error *err)
{
	int r;

	if (w == NULL)
		return EVT_OK;
	r = evt_writer_check_path(w, err);
	if (r == EVT_OK)
		r = evt_writer_take_bookmarks(w, err);
	/* It is too late for the trigger, but its bookmark can be set. */
	if (r == EVT_OK && w->requests.trigger_text != NULL)
		r = evt_writer_put_bookmark(w, w->requests.trigger_text,
		    w->requests.trigger_ns, err);
	if (r == EVT_OK)
		r = evt_writer_rotate(w, err);
	if (r == EVT_OK)
		r = evt_journal_drop_retired(w->journal, err);
	if (w->journal != NULL)
		(void)evt_journal_drop_spare(w->journal);
	if (r == EVT_OK)
		evt_writer_index_mend(w);
	writer_free(w);
	return r;
}

uint32_t
evt_writer_next_conn(const evt_writer *w)
{
	return w->max_conn + 1;
}

void
evt_writer_get_stats(const evt_writer *w, evt_writer_stats *ret_stats)
{
	*ret_stats = w->stats;
	ret_stats->stored_bytes += evt_journal_bytes(w->journal);
	ret_stats->segment = w->segment_no;
	ret_stats->first_segment =
	    w->n_kept > 0 ? w->kept[0].no : w->segment_no;
	ret_stats->last_seq = w->next_seq - 1;
}

/* ---- opening ------------------------------------------------------------- */

void
evt_writer_options_init(evt_writer_options *o)
{
	memset(o, 0, sizeof(*o));
	o->block_bytes = 1u << 20;
	o->segment_bytes = 64u << 20;
	o->sync_ns = EVT_NS_PER_S;
	o->level = EVT_BLOCK_LEVEL_DEFAULT;
}

static int64_t
writer_real_steady(void *ctx)
{
	(void)ctx;
	return evt_clock_boot();
}

static int64_t
writer_real_wall(void *ctx)
{
	(void)ctx;
	return evt_clock_real();
}

/* A UUID of version 4 (RFC 9562). */
static int
writer_make_uuid(uint8_t uuid[16], evt_error *err)
{
	if (getentropy(uuid, 16) != 0)
		return evt_err_sys(err, errno, "cannot get random bytes");
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
	return EVT_OK;
}

static int
writer_start(evt_writer *w, const evt_recover_result *got, evt_error *err)
{
	int r = EVT_OK;

	if (got->has_uuid)
		memcpy(w->uuid, got->uuid, sizeof(w->uuid));
	else
		r = writer_make_uuid(w->uuid, err);
	if (r != EVT_OK)
		return r;
	w->next_seq = got->next_seq;
	w->max_conn = got->max_conn;
	w->segment_no = got->next_segment;
	w->stats.recovered = got->frames;
	w->last_sync = w->open_steady = evt_writer_now(w);
	w->open_wall = w->env.wall_ns(w->env.ctx);
	r = evt_json_scanner_new(w->opt.profile, &w->scanner, err);
	if (r == EVT_OK)
		r = evt_block_builder_new(w->opt.level, &w->builder, err);
	if (r == EVT_OK)
		r = evt_packer_new(w->opt.level, &w->packer, err);
	if (r != EVT_OK)
		return r;
	return evt_journal_new(w->env.io, w->journal_dir, w->uuid, &w->journal,
	    err);
}

/* Put a gap mark for frames that recovery could not save. */
static int
writer_mark_loss(evt_writer *w, const evt_recover_result *got, evt_error *err)
{
	evt_mark_gap_info gap = {
		/* Torn bytes may have held any number of frames. */
		.frames = got->lost_bytes == 0 ? (int64_t)got->lost_frames :
		                                 EVT_MARK_UNKNOWN,
		.bytes = (int64_t)got->lost_bytes,
		.reason = "the tape was not closed and its end was damaged",
	};
	evt_buf json = { 0 };
	evt_frame f = { .kind = EVT_KIND_MARK, .opcode = EVT_MARK_GAP };
	int r;

	if (got->lost_frames == 0 && got->lost_bytes == 0)
		return EVT_OK;
	if (!evt_mark_gap(&json, &gap))
		return evt_err_nomem(err);
	f.time_ns = f.mono_ns = w->env.wall_ns(w->env.ctx);
	f.payload = json.data;
	f.len = json.len;
	r = evt_writer_put(w, &f, err);
	evt_buf_free(&json);
	return r == EVT_OK ? evt_writer_sync(w, err) : r;
}

static int
writer_check_options(const evt_writer_options *o, evt_error *err)
{
	if (o->block_bytes < 1024 || o->block_bytes > EVT_PAYLOAD_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a block of %u bytes cannot be made (1024 to %u)",
		    o->block_bytes, EVT_PAYLOAD_MAX);
	if (o->level < -7 || o->level > 22)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%d is not a zstd level (-7 to 22)", o->level);
	return EVT_OK;
}

/* Allocate an empty writer. */
static int
writer_new(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err)
{
	static const evt_writer_env real = { &evt_io_posix, writer_real_steady,
		writer_real_wall, NULL };
	evt_writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return evt_err_nomem(err);
	w->lock_fd = -1;
	w->env = env != NULL ? *env : real;
	if (options != NULL)
		w->opt = *options;
	else
		evt_writer_options_init(&w->opt);
	w->path = strdup(path);
	w->journal_dir = evt_io_path_join(path, "journal");
	if (w->path == NULL || w->journal_dir == NULL) {
		writer_free(w);
		return evt_err_nomem(err);
	}
	*ret_writer = w;
	return EVT_OK;
}

/* Lock the tape and recover it; afterwards only the index is missing. */
static int
writer_take_tape(evt_writer *w, bool brief, evt_recover_result *got,
    evt_error *err)
{
	const evt_io *io = w->env.io;
	struct stat st;
	int r;

	got->used = io->stat(io->ctx, w->journal_dir, &st) == 0;
	r = evt_tape_dir_make(io, w->path, !w->opt.existing, err);
	if (r == EVT_OK)
		r = evt_lock_take(io, w->path, brief, &w->lock_fd, err);
	if (r == EVT_OK)
		r = evt_recover(io, w->path, &w->opt, got, err);
	if (r == EVT_OK)
		r = writer_start(w, got, err);
	return r;
}

/* After a recorder died: put a gap mark for the frames that were lost, and the
 * frames that it held for a trigger. */
static int
writer_put_left(evt_writer *w, const evt_recover_result *got, evt_error *err)
{
	evt_ring *ring = NULL;
	int r = evt_ring_load(w, &ring, err);

	if (r == EVT_OK)
		r = writer_mark_loss(w, got, err);
	if (r == EVT_OK && ring != NULL)
		r = evt_ring_rescue(ring, err);
	evt_ring_free(ring);
	return r;
}

static int
writer_open(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, bool brief, evt_writer **ret_writer,
    evt_error *err)
{
	evt_recover_result got = { 0 };
	evt_error local;
	evt_writer *w;
	int r;

	assert(path != NULL && ret_writer != NULL);
	if (err == NULL)
		err = &local;
	r = writer_new(path, options, env, &w, err);
	if (r != EVT_OK)
		return r;
	r = writer_check_options(&w->opt, err);
	if (r != EVT_OK)
		goto fail;
	r = writer_take_tape(w, brief, &got, err);
	if (r != EVT_OK)
		goto fail;
	evt_writer_index_open(w);
	r = writer_put_left(w, &got, err);
	if (r != EVT_OK)
		goto fail;
	*ret_writer = w;
	return EVT_OK;
fail:
	writer_free(w);
	return r;
}

int
evt_writer_open_env(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err)
{
	return writer_open(path, options, env, false, ret_writer, err);
}

int
evt_writer_open_brief(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err)
{
	return writer_open(path, options, env, true, ret_writer, err);
}

int
evt_writer_open(const char *path, const evt_writer_options *options,
    evt_writer **ret_writer, evt_error *err)
{
	return evt_writer_open_env(path, options, NULL, ret_writer, err);
}

/* ---- for the other files of the module ------------------------------------ */

const evt_io *
evt_writer_io(const evt_writer *w)
{
	return w->env.io;
}

const char *
evt_writer_path(const evt_writer *w)
{
	return w->path;
}

const char *
evt_writer_journal_dir(const evt_writer *w)
{
	return w->journal_dir;
}

const uint8_t *
evt_writer_uuid(const evt_writer *w)
{
	return w->uuid;
}

evt_json_scanner *
evt_writer_scanner(const evt_writer *w)
{
	return w->scanner;
}

evt_writer_requests *
evt_writer_get_requests(evt_writer *w)
{
	return &w->requests;
}

int64_t
evt_writer_sync_ns(const evt_writer *w)
{
	return w->opt.sync_ns;
}

int
evt_writer_level(const evt_writer *w)
{
	return w->opt.level;
}

uint32_t
evt_writer_block_bytes(const evt_writer *w)
{
	return w->opt.block_bytes;
}

uint64_t
evt_writer_next_seq(const evt_writer *w)
{
	return w->next_seq;
}

int64_t
evt_writer_mono_offset(const evt_writer *w)
{
	return w->mono_offset;
}

uint64_t
evt_writer_blocks(const evt_writer *w)
{
	return w->stats.blocks;
}

void
evt_writer_add_recovered(evt_writer *w, uint64_t frames)
{
	w->stats.recovered += frames;
}

int64_t
evt_writer_wall(const evt_writer *w)
{
	return w->env.wall_ns(w->env.ctx);
}
