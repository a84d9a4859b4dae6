/*
 * writer_block.c - put full blocks into segments.
 *
 * A block that is full is handed to the packer, which compresses it on a
 * thread of its own while the next ones fill.  It is appended to the segment
 * when the packer has no room for another one, on a tick, or when the segment
 * must end.  Its journal file is removed only after that.  So if appending
 * fails, the packed block and its journal file are kept for the next attempt.
 */
#include "format/write/writer_impl.h"

#include <assert.h>

#include "format/base/err.h"

/* Pairs of source and event after which a segment ends. */
#define SPANS_MAX 65536u
/* Journal bytes that may wait for a sync before one is forced. */
#define RETIRED_MAX (64u << 20)

static void
writer_block_count_sync(evt_sync_times *t, int64_t ns)
{
	t->count++;
	t->sum_ns += ns;
	for (int i = EVT_SYNC_BOUNDS - 1; i >= 0 && ns <= EVT_SYNC_BOUND_NS(i);
	     i--)
		t->within[i]++;
}

static int
writer_block_sync_files(evt_writer *w, evt_error *err)
{
	int r;

	if (w->segment != NULL) {
		r = evt_segment_sync(w->segment, err);
		if (r != EVT_OK)
			return r;
	}
	/* A spare file only helps if blocks come faster than syncs. */
	(void)evt_journal_drop_spare(w->journal);
	r = evt_journal_drop_retired(w->journal, err);
	if (r == EVT_OK)
		r = evt_journal_sync(w->journal, err);
	if (r != EVT_OK)
		return r;
	w->dirty = false;
	return EVT_OK;
}

int
evt_writer_sync_written(evt_writer *w, evt_error *err)
{
	int64_t began = evt_writer_now(w), ended;
	int r = writer_block_sync_files(w, err);

	ended = evt_writer_now(w);
	writer_block_count_sync(&w->stats.syncs, ended - began);
	if (r == EVT_OK)
		w->last_sync = ended;
	return r;
}

/* Remove journal files that are not needed any more.  true: some were removed. */
static bool
writer_block_give_back(evt_writer *w)
{
	bool spare = evt_journal_drop_spare(w->journal);

	return (w->segment != NULL &&
	           evt_journal_retired_bytes(w->journal) > 0 &&
	           evt_segment_sync(w->segment, NULL) == EVT_OK &&
	           evt_journal_drop_retired(w->journal, NULL) == EVT_OK) ||
	    spare;
}

bool
evt_writer_reclaim(evt_writer *w)
{
	bool any = writer_block_give_back(w);

	/* A packed block is far smaller than its journal file. */
	if (evt_packer_blocks(w->packer) > 0 &&
	    evt_writer_settle(w, NULL) == EVT_OK)
		any = writer_block_give_back(w) || any;
	return any;
}

int
evt_writer_commit_journal(evt_writer *w, evt_error *err)
{
	int r = evt_journal_commit(w->journal, err);

	if (r == EVT_ERR_FULL && evt_writer_reclaim(w))
		r = evt_journal_commit(w->journal, err);
	return r;
}

static int
writer_block_append_block(evt_writer *w, const evt_buf *bytes, evt_error *err)
{
	int r = evt_segment_append(w->segment, bytes, err);

	if (r == EVT_ERR_FULL && writer_block_give_back(w))
		r = evt_segment_append(w->segment, bytes, err);
	return r;
}

/* After the segment was sealed: write its rows to the index, and begin the next
 * segment. */
static void
writer_block_leave_segment(evt_writer *w)
{
	evt_error err;

	evt_writer_index_segment(w, evt_segment_written(w->segment));
	if (evt_writer_keep(w, evt_segment_written(w->segment), &err))
		evt_writer_notice(w, "%s", err.text);
	evt_segment_close(w->segment);
	w->segment = NULL;
	w->segment_no++;
	w->segment_started = evt_block_builder_frames(w->builder) > 0 ||
	    evt_packer_blocks(w->packer) > 0;
	w->segment_since = evt_writer_now(w);
	w->want_seal = w->summary_bad = false;
	evt_summary_clear(&w->summary);
	evt_writer_retain(w);
}

int
evt_writer_seal(evt_writer *w, evt_error *err)
{
	uint64_t before;
	int r;

	if (w->segment == NULL)
		return EVT_OK;
	w->want_seal = true;
	/* Readers trust the directory and do not check that its blocks exist:
	 * these must be on the disk before it. */
	if (w->opt.sync_ns != EVT_SYNC_OFF &&
	    !evt_segment_written(w->segment)->sealed) {
		r = evt_segment_sync(w->segment, err);
		if (r != EVT_OK)
			return r;
	}
	before = evt_segment_written(w->segment)->size;
	r = evt_segment_seal(w->segment, w->max_conn, err);
	if (r != EVT_OK)
		return r;
	w->stats.stored_bytes += evt_segment_written(w->segment)->size - before;
	if (w->opt.sync_ns != EVT_SYNC_OFF) {
		r = evt_writer_sync_written(w, err);
		if (r != EVT_OK)
			return r;
	}
	writer_block_leave_segment(w);
	return EVT_OK;
}

static int
writer_block_need_segment(evt_writer *w, evt_error *err)
{
	if (w->segment != NULL)
		return EVT_OK;
	if (w->segment_no == UINT32_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s has no segment number left; record to a new tape",
		    w->path);
	return evt_segment_create(w->env.io, w->path, w->uuid, w->segment_no,
	    &w->segment, err);
}

/* Whether the segment is complete: by its size, on demand, or because its sums
 * take so much memory.  Ids that never repeat make many of them. */
static bool
writer_block_ends_segment(const evt_writer *w)
{
	return w->want_seal || w->summary.n_spans >= SPANS_MAX ||
	    evt_segment_written(w->segment)->size >= w->opt.segment_bytes;
}

/* Append the first packed block to the segment. */
static int
writer_block_settle_one(evt_writer *w, evt_error *err)
{
	evt_packer_result *p;
	uint32_t no;
	int r;

	/* No block may follow a directory: end that segment first. */
	if (w->segment != NULL && evt_segment_written(w->segment)->sealed) {
		r = evt_writer_seal(w, err);
		if (r != EVT_OK)
			return r;
	}
	r = writer_block_need_segment(w, err);
	if (r == EVT_OK)
		r = evt_packer_wait(w->packer, &p, err);
	if (r != EVT_OK)
		return r;
	no = (uint32_t)evt_segment_written(w->segment)->n_blocks;
	evt_block_move(p->bytes.data, w->uuid, w->segment_no, no, p->first_seq);
	r = writer_block_append_block(w, &p->bytes, err);
	if (r != EVT_OK)
		return r;
	if (p->decoded != EVT_OK ||
	    evt_summary_add_block(&w->summary, &p->block, no, err))
		w->summary_bad = true; /* the file will be read instead */
	evt_journal_retire(w->journal);
	w->dirty = true;
	w->stats.blocks++;
	w->stats.stored_bytes += p->bytes.len;
	evt_packer_done(w->packer);
	return EVT_OK;
}

int
evt_writer_settle(evt_writer *w, evt_error *err)
{
	int r = EVT_OK;

	while (r == EVT_OK && evt_packer_blocks(w->packer) > 0)
		r = writer_block_settle_one(w, err);
	return r;
}

int
evt_writer_cut(evt_writer *w, evt_error *err)
{
	int r;

	if (evt_block_builder_frames(w->builder) == 0)
		return EVT_OK;
	r = evt_writer_commit_journal(w, err);
	if (r == EVT_OK && !evt_packer_has_room(w->packer))
		r = writer_block_settle_one(w, err);
	if (r != EVT_OK)
		return r;
	evt_journal_turn(w->journal);
	evt_packer_start(w->packer, w->builder);
	return EVT_OK;
}

void
evt_writer_after_block(evt_writer *w)
{
	evt_error err;
	int r = EVT_OK;

	if (w->opt.sync_ns == EVT_SYNC_OFF)
		r = evt_journal_drop_retired(w->journal, &err);
	else if (evt_journal_retired_bytes(w->journal) > RETIRED_MAX)
		r = evt_writer_sync_written(w, &err);
	if (r == EVT_OK && w->segment != NULL && writer_block_ends_segment(w))
		r = evt_writer_seal(w, &err);
	if (r != EVT_OK)
		evt_writer_notice(w, "%s; retrying later", err.text);
}

/* The block's bytes are in w->block_bytes: append them, and count. */
static int
writer_block_append_copy(evt_writer *w, const evt_block_head *head,
    evt_error *err)
{
	const evt_segment *s = evt_segment_written(w->segment);
	evt_block_head moved;
	int r;

	evt_block_move(w->block_bytes.data, w->uuid, w->segment_no,
	    (uint32_t)s->n_blocks, w->next_seq);
	r = evt_block_head_read(w->block_bytes.data, w->block_bytes.len,
	    s->name, &moved, err);
	if (r == EVT_OK)
		r = evt_block_load(&w->scratch, &moved, w->block_bytes.data,
		    false, s->name, err);
	if (r == EVT_OK)
		r = evt_segment_append(w->segment, &w->block_bytes, err);
	if (r != EVT_OK)
		return r;
	if (evt_summary_add_block(&w->summary, &w->scratch, moved.block, err))
		w->summary_bad = true; /* the file will be read instead */
	if (w->scratch.max_conn > w->max_conn)
		w->max_conn = w->scratch.max_conn;
	w->next_seq += head->frames;
	w->stats.frames += head->frames;
	w->stats.last_seq = w->next_seq - 1;
	w->stats.blocks++;
	w->stats.stored_bytes += w->block_bytes.len;
	w->dirty = true;
	return EVT_OK;
}

int
evt_writer_put_block(evt_writer *w, const uint8_t *p,
    const evt_block_head *head, evt_error *err)
{
	int r;

	assert(w->opt.no_journal);
	r = evt_writer_cut(w, err);
	if (r == EVT_OK)
		r = evt_writer_settle(w, err);
	if (r != EVT_OK)
		return r;
	if (w->segment != NULL &&
	    (evt_segment_written(w->segment)->sealed ||
	        writer_block_ends_segment(w))) {
		r = evt_writer_seal(w, err);
		if (r != EVT_OK)
			return r;
	}
	r = writer_block_need_segment(w, err);
	if (r != EVT_OK)
		return r;
	if (!w->segment_started) {
		w->segment_started = true;
		w->segment_since = evt_writer_now(w);
	}
	w->block_bytes.len = 0;
	if (!evt_buf_add(&w->block_bytes, p, head->stored))
		return evt_err_nomem(err);
	return writer_block_append_copy(w, head, err);
}
