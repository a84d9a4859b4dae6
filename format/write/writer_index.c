/*
 * writer_index.c - the writer's index and its retention.
 *
 * A recording never stops because of its index.  A failure here is a notice; the
 * next evt_writer_index_open(), or 'evtape reindex', repairs the index.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/clock.h"
#include "format/base/grow.h"
#include "format/store/tape_dir.h"
#include "format/store/lock.h"
#include "format/write/writer_impl.h"

/* ---- rows from segments ---------------------------------------------------------- */

static int
writer_index_file(evt_index *x, const evt_segment *s, uint64_t *damaged,
    evt_error *err)
{
	evt_summary sum = { 0 };
	int r = evt_summary_add_segment(&sum, s, damaged, err);

	if (r == EVT_OK)
		r = evt_index_put(x, s, &sum, err);
	evt_summary_free(&sum);
	return r;
}

/* Write the rows of each segment whose rows are missing or stale; drop the rows of
 * segments that do not exist any more. */
static int
writer_index_catch_up(evt_index *x, const evt_segment *s, size_t n,
    const evt_writer_reindex_watch *watch, uint64_t *damaged, evt_error *err)
{
	int r = evt_index_keep_only(x, s, n, err);
	uint64_t done = 0, total = 0;

	for (size_t i = 0; i < n; i++)
		total += s[i].size;
	for (size_t i = 0; i < n && r == EVT_OK; i++) {
		if (s[i].n_blocks > 0 && !evt_index_has(x, &s[i]))
			r = writer_index_file(x, &s[i], damaged, err);
		done += s[i].size;
		if (watch != NULL)
			watch->progress(watch->ctx, done, total);
	}
	return r;
}

static void
writer_index_free_segments(evt_segment *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		evt_segment_free(&s[i]);
	free(s);
}

static int
writer_index_load_segments(const evt_io *io, const char *path,
    evt_segment **ret_s, size_t *ret_n, evt_error *err)
{
	evt_segment *s;
	size_t n;
	int r = evt_segment_list(io, path, &s, &n, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = evt_segment_load(&s[i], err);
	if (r != EVT_OK) {
		writer_index_free_segments(s, n);
		return r;
	}
	*ret_s = s;
	*ret_n = n;
	return EVT_OK;
}

/* ---- segments that are kept --------------------------------------------------------- */

/*
 * The clock for the age of segments: the wall clock when the tape was opened,
 * plus the steady time since then.  So segments do not become older when the
 * wall clock is set during the recording.
 */
static int64_t
writer_index_retention_now(const evt_writer *w)
{
	return w->open_wall + (w->env.steady_ns(w->env.ctx) - w->open_steady);
}

static int64_t
writer_index_last_time(const evt_segment *s)
{
	int64_t last = INT64_MIN;

	for (size_t i = 0; i < s->n_blocks; i++) {
		if (s->blocks[i].max_ns > last)
			last = s->blocks[i].max_ns;
	}
	return last;
}

/*
 * The time, by that clock, of the last frame of a segment of an earlier
 * recording.  The clock of that recording may have been wrong.  So the time is
 * limited: not later than now, and not before the previous segment.
 */
static int64_t
writer_index_believe(const evt_writer *w, int64_t last_ns)
{
	if (last_ns > w->open_wall)
		last_ns = w->open_wall;
	if (w->n_kept > 0 && last_ns < w->kept[w->n_kept - 1].last_ns)
		last_ns = w->kept[w->n_kept - 1].last_ns;
	return last_ns;
}

static int
writer_index_add(evt_writer *w, const evt_segment *s, int64_t last_ns,
    evt_error *err)
{
	if (!evt_grow(&w->kept, &w->cap_kept, w->n_kept + 1))
		return evt_err_nomem(err);
	w->kept[w->n_kept++] = (evt_writer_kept){ .no = s->no,
		.bytes = s->size,
		.last_ns = last_ns };
	return EVT_OK;
}

int
evt_writer_keep(evt_writer *w, const evt_segment *s, evt_error *err)
{
	return writer_index_add(w, s, writer_index_retention_now(w), err);
}

int
evt_writer_keep_old(evt_writer *w, const evt_segment *s, evt_error *err)
{
	int r = writer_index_add(w, s,
	    writer_index_believe(w, writer_index_last_time(s)), err);

	if (r == EVT_OK && w->n_kept == 1)
		w->kept[0].start = evt_writer_is_start(w, s);
	return r;
}

const evt_writer_kept *
evt_writer_get_kept(const evt_writer *w, size_t *ret_n)
{
	*ret_n = w->n_kept;
	return w->kept;
}

/* ---- opening, and after each segment ---------------------------------------------- */

void
evt_writer_index_open(evt_writer *w)
{
	evt_segment *s;
	uint64_t damaged = 0;
	evt_error err;
	bool fresh;
	size_t n;
	int r = writer_index_load_segments(w->env.io, w->path, &s, &n, &err);

	if (r != EVT_OK) {
		evt_writer_notice(w, "%s; the index is left as it is",
		    err.text);
		w->index_stale = true;
		return;
	}
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = evt_writer_keep_old(w, &s[i], &err);
	if (r == EVT_OK)
		r = evt_index_create(w->env.io, w->path, w->uuid, &w->index,
		    &fresh, &err);
	if (r == EVT_OK)
		r = writer_index_catch_up(w->index, s, n, NULL, &damaged, &err);
	if (r != EVT_OK) {
		evt_writer_notice(w, "%s", err.text);
		w->index_stale = true;
	}
	if (damaged > 0)
		evt_writer_notice(w,
		    "%s has %llu damaged place%s; 'evtape verify' names %s",
		    w->path, (unsigned long long)damaged,
		    damaged == 1 ? "" : "s", damaged == 1 ? "it" : "them");
	writer_index_free_segments(s, n);
}

void
evt_writer_index_segment(evt_writer *w, const evt_segment *s)
{
	uint64_t damaged = 0;
	evt_error err;
	int r;

	if (w->index == NULL)
		return;
	r = w->summary_bad ? writer_index_file(w->index, s, &damaged, &err) :
	                     evt_index_put(w->index, s, &w->summary, &err);
	if (r != EVT_OK) {
		evt_writer_notice(w, "%s", err.text);
		w->index_stale = true;
	}
}

void
evt_writer_index_put(evt_writer *w, const evt_segment *s,
    const evt_summary *sum)
{
	evt_error err;

	if (w->index == NULL || evt_index_put(w->index, s, sum, &err) == EVT_OK)
		return;
	evt_writer_notice(w, "%s", err.text);
	w->index_stale = true;
}

void
evt_writer_index_mend(evt_writer *w)
{
	evt_segment *s;
	uint64_t damaged = 0;
	bool fresh;
	size_t n;

	if (!w->index_stale ||
	    writer_index_load_segments(w->env.io, w->path, &s, &n, NULL) !=
	        EVT_OK)
		return;
	/* The first failure was a notice; the next opening repairs this one. */
	if ((w->index != NULL ||
	        evt_index_create(w->env.io, w->path, w->uuid, &w->index, &fresh,
	            NULL) == EVT_OK) &&
	    writer_index_catch_up(w->index, s, n, NULL, &damaged, NULL) ==
	        EVT_OK)
		w->index_stale = false;
	writer_index_free_segments(s, n);
}

/*
 * ---- retention ---------------------------------------------------------------------
 *
 * What counts at the start of the rest (part_start.h) takes the place of the last
 * segment that is dropped: writer_start.c makes that start segment.  It is renamed
 * over the old one before others are removed, so that a process that dies loses
 * nothing of it.
 */

size_t
evt_writer_kept_over(const evt_writer_kept *kept, size_t n, uint64_t open_bytes,
    uint64_t keep_bytes, int64_t before_ns)
{
	/* A start segment goes only with the segment that it is the start of,
	 * and another one takes its place. */
	const size_t starts = n > 0 && kept[0].start ? 1 : 0;
	uint64_t total = open_bytes;
	size_t drop = starts;

	for (size_t i = 0; i < n; i++)
		total += kept[i].bytes;
	while (drop + 1 < n &&
	    ((keep_bytes > 0 && total > keep_bytes) ||
	        kept[drop].last_ns < before_ns))
		total -= kept[drop++].bytes;
	return drop > starts ? drop : 0;
}

/*
 * Drop the oldest segment; false: stop.  Each removal is synced, so that after a
 * power cut the segment is not back without the next one.
 */
static bool
writer_index_drop_oldest(evt_writer *w)
{
	char name[EVT_SEGMENT_NAME_LEN], *path;
	evt_error err = { 0 };
	bool gone;

	evt_segment_name(w->kept[0].no, name);
	path = evt_io_path_join(w->path, name);
	gone = path != NULL &&
	    (w->env.io->unlink(w->env.io->ctx, path) == 0 || errno == ENOENT);
	if (!gone) {
		evt_writer_notice(w, "cannot remove the old segment %s: %s",
		    name, strerror(errno));
	} else {
		if (w->index != NULL &&
		    evt_index_drop(w->index, w->kept[0].no, &err)) {
			evt_writer_notice(w, "%s", err.text);
			w->index_stale = true;
		}
		w->n_kept--;
		memmove(w->kept, w->kept + 1, w->n_kept * sizeof(*w->kept));
		gone = evt_io_sync_dir(w->env.io, w->path, &err) == EVT_OK;
		if (!gone)
			evt_writer_notice(w, "%s", err.text);
	}
	free(path);
	return gone;
}

/* Drop the n oldest segments, but for a start.  Returns how many went, not
 * counting one that was a start; *ret_bytes: what that freed. */
static uint64_t
writer_index_drop(evt_writer *w, size_t n, uint64_t *ret_bytes)
{
	uint64_t segments = 0, bytes = 0, size;
	evt_writer_kept *last;
	evt_error err;
	int r;

	assert(n < w->n_kept || n == 0);
	if (n > 0) {
		last = &w->kept[n - 1];
		r = evt_writer_put_start(w, last->no, &size, &err);
		if (r == EVT_OK) {
			segments += !last->start;
			bytes += last->bytes > size ? last->bytes - size : 0;
			last->bytes = size;
			last->start = true;
			n--;
		} else if (r < 0) {
			evt_writer_notice(w,
			    "what counts at the start of the tape goes with "
			    "its oldest segments: %s",
			    err.text);
		}
	}
	for (; n > 0; n--) {
		const evt_writer_kept first = w->kept[0];

		if (!writer_index_drop_oldest(w))
			break;
		segments += !first.start;
		bytes += first.bytes;
	}
	*ret_bytes = bytes;
	return segments;
}

void
evt_writer_retain(evt_writer *w)
{
	uint64_t bytes;

	(void)writer_index_drop(w,
	    evt_writer_kept_over(w->kept, w->n_kept,
	        w->segment != NULL ? evt_segment_written(w->segment)->size : 0,
	        w->opt.keep_bytes,
	        w->opt.keep_age_ns > 0 ?
	            evt_clock_sub(writer_index_retention_now(w),
	                w->opt.keep_age_ns) :
	            INT64_MIN),
	    &bytes);
}

void
evt_writer_retain_to(evt_writer *w, uint64_t keep_bytes, int64_t before_ns)
{
	const evt_writer_options was = w->opt;

	w->opt.keep_bytes = keep_bytes;
	if (before_ns != INT64_MIN)
		w->opt.keep_age_ns =
		    evt_clock_sub(evt_writer_wall(w), before_ns);
	evt_writer_retain(w);
	w->opt = was;
}

uint64_t
evt_writer_drop_oldest(evt_writer *w, uint64_t bytes, uint64_t *ret_bytes)
{
	uint64_t gone = 0;
	size_t n = 0;

	while (gone < bytes && n + 1 < w->n_kept) {
		gone += w->kept[n].start ? 0 : w->kept[n].bytes;
		n++;
	}
	if (n == 1 && w->kept[0].start)
		n = 0;
	return writer_index_drop(w, n, ret_bytes);
}

/* ---- reindex ------------------------------------------------------------------------ */

int
evt_writer_reindex_io(const char *path, const evt_io *io,
    const evt_writer_reindex_watch *watch, uint64_t *ret_damaged,
    evt_error *err)
{
	evt_segment *s = NULL;
	evt_index *x = NULL;
	uint64_t damaged = 0;
	bool fresh;
	size_t n = 0;
	int fd, r = evt_tape_dir_make(io, path, false, err);

	if (r == EVT_OK)
		r = evt_lock_take(io, path, false, &fd, err);
	if (r != EVT_OK)
		return r;
	r = writer_index_load_segments(io, path, &s, &n, err);
	if (r == EVT_OK)
		r = evt_index_remove(io, path, err);
	if (r == EVT_OK && n > 0)
		r = evt_index_create(io, path, s[n - 1].uuid, &x, &fresh, err);
	if (r == EVT_OK && x != NULL)
		r = writer_index_catch_up(x, s, n, watch, &damaged, err);
	evt_index_close(x);
	writer_index_free_segments(s, n);
	io->close(io->ctx, fd);
	if (r == EVT_OK && ret_damaged != NULL)
		*ret_damaged = damaged;
	return r;
}

int
evt_tape_reindex(const char *path, uint64_t *ret_damaged, evt_error *err)
{
	return evt_writer_reindex_io(path, &evt_io_posix, NULL, ret_damaged,
	    err);
}

evt_index *
evt_writer_get_index(const evt_writer *w)
{
	return w->index;
}
