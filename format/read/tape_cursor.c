/*
 * tape_cursor.c - a cursor over one tape.
 *
 * Frames are read from the segments first, and then from the journal.  While a
 * recorder runs, it moves frames from the journal to a segment.  So the cursor
 * keeps the next sequence number, and continues with whichever holds that frame,
 * a segment or the journal.
 */
#include <stdlib.h>
#include <string.h>

#include "format/read/cursor.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/read/prefetch.h"
#include "format/store/journal.h"
#include "format/read/tape.h"
#include "format/base/timetext.h"

struct tape_cursor {
	evt_cursor base;
	evt_tape *tape;
	uint32_t tape_no;
	evt_filter_match match;
	bool has_from; /* the window's own start, which seeks leave */
	int64_t from_ns;
	uint64_t from_seq;
	uint64_t end_seq; /* a snapshot has the frames before it; 0: no end */
	uint64_t seq;     /* the next sequence number to look at */
	/* The next block to load: */
	size_t segment, block;
	bool *wanted;    /* the segment's blocks, by the index */
	bool has_wanted; /* wanted is for this segment and size */
	size_t n_wanted, cap_wanted;
	uint32_t fd_no; /* the segment that fd is of */
	int fd;
	evt_prefetch *fetch;
	/* The frames that are being returned: */
	evt_prefetch_result *now;
	size_t next_match;
	evt_journal_reader *journal;
	uint64_t journal_first; /* the file's name */
	uint64_t journal_bad;   /* this one and those before it are done with */
	evt_cursor_stats stats;
};

/* ---- blocks -------------------------------------------------------------------- */

/* Ask the index which blocks of the segment matter.  Without an answer all
 * do: the filter is applied to frames in any case. */
static int
tape_cursor_ask_index(struct tape_cursor *c, const evt_segment *s,
    evt_error *err)
{
	const evt_filter *f = &c->match.filter;

	c->has_wanted = true;
	c->n_wanted = 0;
	if ((f->n_sources == 0 && f->n_events == 0) || c->tape->index == NULL ||
	    !evt_index_has(c->tape->index, s))
		return EVT_OK;
	if (!evt_grow(&c->wanted, &c->cap_wanted, s->n_blocks + 1))
		return evt_err_nomem(err);
	memset(c->wanted, 0, s->n_blocks + 1);
	if (evt_index_find(c->tape->index, s->no, f, c->wanted, s->n_blocks,
	        NULL) == EVT_OK)
		c->n_wanted = s->n_blocks;
	return EVT_OK;
}

static bool
tape_cursor_in_range(const struct tape_cursor *c, const evt_segment_block *b)
{
	uint64_t end = b->first_seq + b->frames;

	return end > c->seq && (c->end_seq == 0 || b->first_seq < c->end_seq) &&
	    evt_filter_match_range(&c->match, b->min_ns, b->max_ns, end);
}

/* Step to the next block that may hold something.  EVT_AGAIN: the segments
 * have none now. */
static int
tape_cursor_find_block(struct tape_cursor *c, const evt_segment **ret_s,
    const evt_segment_block **ret_b, evt_error *err)
{
	for (; c->segment < c->tape->n_segments; c->segment++) {
		const evt_segment *s = &c->tape->segments[c->segment];
		int r;

		for (; c->block < s->n_blocks; c->block++) {
			const evt_segment_block *b = &s->blocks[c->block];

			if (!tape_cursor_in_range(c, b))
				continue;
			if (!c->has_wanted) {
				r = tape_cursor_ask_index(c, s, err);
				if (r != EVT_OK)
					return r;
			}
			if (c->block >= c->n_wanted || c->wanted[c->block]) {
				*ret_s = s;
				*ret_b = b;
				return EVT_OK;
			}
		}
		/* The last segment may yet grow. */
		if (c->segment + 1 == c->tape->n_segments && !s->sealed)
			break;
		c->block = 0;
		c->has_wanted = false;
	}
	return EVT_AGAIN;
}

static void
tape_cursor_close_segment(struct tape_cursor *c)
{
	if (c->fd >= 0)
		c->tape->io->close(c->tape->io->ctx, c->fd);
	c->fd = -1;
}

static int
tape_cursor_open_segment(struct tape_cursor *c, const evt_segment *s,
    evt_error *err)
{
	if (c->fd >= 0 && c->fd_no == s->no)
		return EVT_OK;
	tape_cursor_close_segment(c);
	c->fd_no = s->no;
	return evt_segment_open(s, &c->fd, err);
}

/* Whether the file must stay open, since a block is loading from it. */
static bool
tape_cursor_needs_other_file(const struct tape_cursor *c, const evt_segment *s)
{
	return evt_prefetch_pending(c->fetch) > 0 && c->fd_no != s->no;
}

/* Begin to load the next block.  EVT_AGAIN: there is none now. */
static int
tape_cursor_start_block(struct tape_cursor *c, evt_error *err)
{
	const evt_segment *s;
	const evt_segment_block *b;
	int r;

	for (;;) {
		r = tape_cursor_find_block(c, &s, &b, err);
		if (r != EVT_OK)
			return r;
		if (tape_cursor_needs_other_file(c, s))
			return EVT_AGAIN;
		r = tape_cursor_open_segment(c, s, err);
		if (r == EVT_OK)
			break;
		if (r != EVT_ERR_NOTFOUND)
			return r;
		/* Retention dropped the segment: continue with the next one. */
		c->segment++;
		c->block = 0;
		c->has_wanted = false;
	}
	/* Frames of it may have been read from the journal already. */
	evt_prefetch_start(c->fetch, s->io, c->fd, s->name, b, c->seq);
	c->block++;
	return EVT_OK;
}

/* Load as many blocks ahead as there is room for.  A failure comes back when
 * there is nothing before it. */
static void
tape_cursor_read_ahead(struct tape_cursor *c)
{
	evt_error err;

	while (evt_prefetch_has_room(c->fetch) &&
	    tape_cursor_start_block(c, &err) == EVT_OK)
		continue;
}

/*
 * Frames that a walk did not find between this block and the last one: their
 * block's header is damaged.
 */
static int
tape_cursor_check_hole(struct tape_cursor *c, const evt_segment_block *b,
    evt_error *err)
{
	const evt_segment *s = NULL;
	uint64_t before = 0, lost;

	for (size_t i = 0; i < c->tape->n_segments; i++) {
		if (c->tape->segments[i].no == c->fd_no)
			s = &c->tape->segments[i];
	}
	if (s == NULL || s->n_damaged == 0)
		return EVT_OK;
	for (size_t i = 0; i < s->n_blocks && s->blocks[i].offset < b->offset;
	     i++)
		before = s->blocks[i].first_seq + s->blocks[i].frames;
	if (before == 0 || before >= b->first_seq || before < c->seq)
		return EVT_OK;
	lost = b->first_seq - before;
	c->stats.blocks_bad++;
	c->stats.frames_lost += lost;
	return evt_err_set(err, EVT_ERR_CORRUPT,
	    "%s: damaged before offset %llu: %llu frame%s lost", s->name,
	    (unsigned long long)b->offset, (unsigned long long)lost,
	    lost == 1 ? " is" : "s are");
}

/* Take the first block that is loading, and start to load the next ones. */
static int
tape_cursor_take_block(struct tape_cursor *c, evt_error *err)
{
	int r, hole;

	c->now = evt_prefetch_wait(c->fetch);
	c->next_match = 0;
	c->stats.blocks_read++;
	hole = tape_cursor_check_hole(c, &c->now->ref, err);
	c->seq = c->now->ref.first_seq + c->now->ref.frames;
	r = c->now->code;
	if (r == EVT_ERR_CORRUPT) {
		c->stats.blocks_bad++;
		c->stats.frames_lost += c->now->ref.frames;
	}
	if (r != EVT_OK) {
		if (err != NULL)
			*err = c->now->err;
		c->now = NULL;
		return r;
	}
	tape_cursor_read_ahead(c);
	return hole;
}

/* ---- the journal ----------------------------------------------------------------- */

static void
tape_cursor_leave_journal(struct tape_cursor *c)
{
	evt_journal_close(c->journal);
	c->journal = NULL;
}

/*
 * Open the journal file that has the next frame, or else the first file after
 * it.  Only files that begin after the frame `after` count (0: all).
 * EVT_AGAIN: there is no such file.
 */
static int
tape_cursor_enter_journal(struct tape_cursor *c, uint64_t after, evt_error *err)
{
	uint64_t *files, pick = 0;
	size_t n;
	int r = evt_journal_list(c->tape->io, c->tape->journal_dir, &files, &n,
	    err);

	if (r != EVT_OK)
		return r;
	if (after < c->journal_bad)
		after = c->journal_bad;
	for (size_t i = 0; i < n; i++) {
		if (files[i] > after && (pick == 0 || files[i] <= c->seq))
			pick = files[i];
	}
	free(files);
	if (pick == 0)
		return EVT_AGAIN;
	c->journal_first = pick;
	r = evt_journal_open(c->tape->io, c->tape->journal_dir, pick,
	    &c->journal, err);
	return r == EVT_ERR_NOTFOUND ? EVT_AGAIN : r;
}

/* Go to the next file.  EVT_AGAIN: there is no next file, and this one stays open
 * since it may grow. */
static int
tape_cursor_next_file(struct tape_cursor *c, evt_error *err)
{
	evt_journal_reader *old = c->journal;
	uint64_t first = c->journal_first;
	int r;

	c->journal = NULL;
	r = tape_cursor_enter_journal(c, first, err);
	if (r == EVT_AGAIN) {
		c->journal = old;
		c->journal_first = first;
		return r;
	}
	evt_journal_close(old);
	return r;
}

/* Whether there is a file after the one that is open. */
static int
tape_cursor_has_next_file(const struct tape_cursor *c, bool *ret_has,
    evt_error *err)
{
	uint64_t *files;
	size_t n;
	int r = evt_journal_list(c->tape->io, c->tape->journal_dir, &files, &n,
	    err);

	if (r != EVT_OK)
		return r;
	*ret_has = n > 0 && files[n - 1] > c->journal_first;
	free(files);
	return EVT_OK;
}

/* The next record that was not seen yet. */
static int
tape_cursor_next_record(struct tape_cursor *c, evt_frame *f, evt_error *err)
{
	bool in_lines, complete = false;
	int r;

	for (;;) {
		if (c->journal == NULL) {
			r = tape_cursor_enter_journal(c, 0, err);
			if (r != EVT_OK)
				return r;
		}
		r = evt_journal_next(c->journal, f, &in_lines, err);
		if (r == EVT_OK && f->seq >= c->seq)
			return EVT_OK;
		if (r == EVT_OK)
			continue;
		if (r != EVT_AGAIN)
			return r;
		/* A file is complete when the next one exists, and may have been
		 * completed since it was read. */
		if (!complete) {
			r = tape_cursor_has_next_file(c, &complete, err);
			if (r != EVT_OK)
				return r;
			if (!complete)
				return EVT_AGAIN;
			continue;
		}
		r = tape_cursor_next_file(c, err);
		if (r != EVT_OK)
			return r;
		complete = false;
	}
}

/*
 * A journal file is damaged.  If a recorder runs, it may be about to cut off a
 * failed write.  Otherwise the damage is reported once, and the file is skipped.
 */
static int
tape_cursor_bad_journal(struct tape_cursor *c, bool live)
{
	tape_cursor_leave_journal(c);
	if (live)
		return EVT_AGAIN;
	c->journal_bad = c->journal_first;
	c->stats.blocks_bad++;
	return EVT_ERR_CORRUPT;
}

/*
 * A frame that comes later than the next one: the blocks before it may have
 * moved to a segment since that was looked at.  *ret_moved: they did.
 */
static int
tape_cursor_check_moved(struct tape_cursor *c, bool *ret_moved, evt_error *err)
{
	int r = evt_tape_refresh(c->tape, err);

	*ret_moved = r == EVT_OK && evt_tape_end_seq(c->tape) > c->seq;
	return r;
}

/* ---- the cursor ------------------------------------------------------------------ */

/* Whether the window may get more frames.  Frames reach the journal well
 * within this time of their reception. */
static bool
tape_cursor_can_grow(const struct tape_cursor *c)
{
	const evt_filter *f = &c->match.filter;

	if (!evt_tape_live(c->tape))
		return false;
	return !f->has_to || evt_clock_real() - 2 * EVT_NS_PER_S < f->to_ns;
}

/* Whether a snapshot ends before this frame. */
static bool
tape_cursor_is_past_end(const struct tape_cursor *c, uint64_t seq)
{
	return c->end_seq > 0 && seq >= c->end_seq;
}

/*
 * All known frames were returned: look for more.  EVT_OK: a block is loading, or
 * *ret_found is true and *ret_frame is a frame of the journal.
 */
static int
tape_cursor_look_for_more(struct tape_cursor *c, evt_frame *f, bool *ret_found,
    evt_error *err)
{
	/* Asked first, so that the last frames of a recorder that ends are seen. */
	bool live = tape_cursor_can_grow(c), moved;
	int r;

	*ret_found = false;
	if (tape_cursor_is_past_end(c, c->seq))
		return EVT_END;
	r = evt_tape_refresh(c->tape, err);
	if (r != EVT_OK)
		return r;
	c->has_wanted = false; /* the last segment may have grown */
	r = tape_cursor_start_block(c, err);
	if (r != EVT_AGAIN) {
		/* The recorder may have removed the file: close it. */
		tape_cursor_leave_journal(c);
		tape_cursor_read_ahead(c);
		return r;
	}
	/* Frames of the segments were returned, or do not pass the filter. */
	if (evt_tape_end_seq(c->tape) > c->seq)
		c->seq = evt_tape_end_seq(c->tape);
	for (;;) {
		r = tape_cursor_next_record(c, f, err);
		if (r == EVT_ERR_CORRUPT)
			return tape_cursor_bad_journal(c, live);
		if (r == EVT_AGAIN) {
			r = tape_cursor_check_moved(c, &moved, err);
			if (r != EVT_OK)
				return r;
			if (moved)
				return EVT_OK;
			return live ? EVT_AGAIN : EVT_END;
		}
		if (r != EVT_OK)
			return r;
		if (f->seq > c->seq) {
			r = tape_cursor_check_moved(c, &moved, err);
			if (r != EVT_OK)
				return r;
			if (moved) {
				tape_cursor_leave_journal(c);
				return EVT_OK;
			}
		}
		if (tape_cursor_is_past_end(c, f->seq))
			return EVT_END;
		c->seq = f->seq + 1;
		if (evt_filter_match_frame(&c->match, f)) {
			*ret_found = true;
			return EVT_OK;
		}
	}
}

static int
tape_cursor_next(evt_cursor *base, evt_frame *ret_frame, evt_error *err)
{
	struct tape_cursor *c = (struct tape_cursor *)base;
	bool found = false;
	evt_frame f;
	int r;

	for (;;) {
		if (c->now != NULL && c->next_match < c->now->match.n) {
			r = evt_block_frame(&c->now->block,
			    c->now->match.frame[c->next_match++], &f, err);
			if (r != EVT_OK)
				return r;
			if (tape_cursor_is_past_end(c, f.seq))
				return EVT_END;
			break;
		}
		c->now = NULL;
		if (evt_prefetch_pending(c->fetch) > 0)
			r = tape_cursor_take_block(c, err);
		else
			r = tape_cursor_look_for_more(c, &f, &found, err);
		if (r != EVT_OK)
			return r;
		if (found)
			break;
	}
	f.tape = c->tape_no;
	*ret_frame = f;
	return EVT_OK;
}

static int
tape_cursor_seek(evt_cursor *base, bool has_time, int64_t time_ns,
    evt_error *err)
{
	struct tape_cursor *c = (struct tape_cursor *)base;
	evt_filter *f = &c->match.filter;

	(void)err;
	evt_prefetch_drop(c->fetch);
	f->has_from = c->has_from;
	f->from_ns = c->from_ns;
	if (has_time && (!c->has_from || time_ns > c->from_ns)) {
		f->has_from = true;
		f->from_ns = time_ns;
	}
	tape_cursor_leave_journal(c);
	c->journal_bad = 0;
	c->now = NULL;
	c->seq = c->from_seq > 0 ? c->from_seq : 1;
	c->segment = c->block = 0;
	c->has_wanted = false;
	return EVT_OK;
}

static void
tape_cursor_stats(const evt_cursor *base, evt_cursor_stats *ret_stats)
{
	*ret_stats = ((const struct tape_cursor *)base)->stats;
}

static void
tape_cursor_close(evt_cursor *base)
{
	struct tape_cursor *c = (struct tape_cursor *)base;

	evt_prefetch_free(c->fetch);
	tape_cursor_leave_journal(c);
	tape_cursor_close_segment(c);
	evt_filter_match_free(&c->match);
	free(c->wanted);
	free(c);
}

static const struct evt_cursor_ops tape_ops = { tape_cursor_next,
	tape_cursor_seek, tape_cursor_stats, tape_cursor_close };

static int
tape_cursor_note_seq(void *ctx, const evt_frame *f, evt_error *err)
{
	struct tape_cursor *c = ctx;

	(void)err;
	c->end_seq = f->seq + 1;
	return EVT_OK;
}

/* Where a snapshot of a tape that may grow ends: after the last frame that is
 * visible now. */
static int
tape_cursor_set_end(struct tape_cursor *c, evt_error *err)
{
	int r;

	if (!c->match.filter.snapshot || !evt_tape_live(c->tape))
		return EVT_OK;
	r = evt_tape_refresh(c->tape, err);
	if (r != EVT_OK)
		return r;
	c->end_seq = evt_tape_end_seq(c->tape);
	return evt_tape_each_open(c->tape, c->end_seq, tape_cursor_note_seq, c,
	    err);
}

int
evt_cursor_open_tape(evt_tape *tape, uint32_t tape_no, const evt_filter *filter,
    evt_cursor **ret_cursor, evt_error *err)
{
	struct tape_cursor *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return evt_err_nomem(err);
	c->base.ops = &tape_ops;
	c->tape = tape;
	c->tape_no = tape_no;
	c->fd = -1;
	r = evt_filter_match_init(&c->match, filter, err);
	if (r == EVT_OK)
		r = evt_prefetch_new(&c->match, c->match.filter.read_ahead,
		    &c->fetch, err);
	if (r == EVT_OK)
		r = tape_cursor_set_end(c, err);
	if (r != EVT_OK) {
		tape_cursor_close(&c->base);
		return r;
	}
	c->has_from = c->match.filter.has_from;
	c->from_ns = c->match.filter.from_ns;
	c->from_seq = c->match.filter.from_seq;
	tape_cursor_seek(&c->base, false, 0, NULL);
	*ret_cursor = &c->base;
	return EVT_OK;
}
