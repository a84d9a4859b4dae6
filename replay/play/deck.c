/*
 * deck.c - decides which frame is due when; see deck.h.
 *
 * Positions are tape ns from the anchor, which is always at position 0: a new
 * anchor moves all positions instead (deck_move_anchor()).  So positions stay
 * small, and `played` keeps the sum.
 */
#include "replay/play/deck.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"

__extension__ typedef __int128 wide;

struct evt_deck {
	evt_deck_input input;
	evt_deck_options opt;

	evt_frame next; /* read already, if have_next */
	bool have_next;
	bool paused;
	bool step;     /* paused, but the next frame is due */
	bool was_live; /* the input's last result was EVT_AGAIN */
	bool ended;

	/* The first frame is read before the anchor is set, in the next poll: the
	 * time for reading must not make that frame late. */
	bool anchored;
	int64_t anchor_wall;
	int64_t last_pos; /* of the last frame returned */
	int64_t next_pos; /* of next */

	/* The tape time of the next frame counts from these. */
	bool have_last, have_target;
	int64_t target; /* after a seek: its time */
	uint64_t last_seq;
	int64_t last_time, high_time, high_mono;

	bool have_first;
	int64_t first_time; /* of the first frame of the window */
	int64_t shown_time; /* of the last frame, or the target of a seek */

	uint64_t pass_frames;           /* returned in this pass */
	int64_t first_out, last_out;    /* when frames were returned */
	int64_t pause_began, paused_ns; /* sum of pauses that are over */
	int64_t paused_at_out;          /* sum of pauses before last_out */
	int64_t played;                 /* tape time up to the anchor */
	evt_deck_stats stats;
};

/* ---- arithmetic that cannot overflow ------------------------------------- */

static int64_t
deck_clamp(wide v)
{
	if (v > INT64_MAX)
		return INT64_MAX;
	return v < INT64_MIN ? INT64_MIN : (int64_t)v;
}

static int64_t
deck_max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ---- positions ----------------------------------------------------------- */

static bool
deck_unlimited(const evt_deck *d)
{
	return d->opt.speed == EVT_SPEED_UNLIMITED;
}

/* When the deck reaches a position. */
static int64_t
deck_wall_of(const evt_deck *d, int64_t pos)
{
	return deck_clamp(
	    d->anchor_wall + (wide)pos * EVT_SPEED_ONE / d->opt.speed);
}

/* The position of the deck, never past a frame that was not returned yet. */
static int64_t
deck_pos_at(const evt_deck *d, int64_t now)
{
	int64_t pos;

	if (d->paused || !d->anchored)
		return 0;
	if (deck_unlimited(d))
		return d->last_pos;
	pos = deck_clamp((wide)evt_clock_sub(now, d->anchor_wall) *
	    d->opt.speed / EVT_SPEED_ONE);
	return d->have_next && pos > d->next_pos ? d->next_pos : pos;
}

/* Put the anchor at `pos`, which is reached at `now`. */
static void
deck_move_anchor(evt_deck *d, int64_t pos, int64_t now)
{
	d->anchor_wall = now;
	d->played = evt_clock_add(d->played, pos);
	d->last_pos = evt_clock_sub(d->last_pos, pos);
	d->next_pos = evt_clock_sub(d->next_pos, pos);
}

/* Whether a recorder run began after the last frame and no later than f. */
static bool
deck_crosses_run(const evt_deck *d, const evt_frame *f)
{
	size_t lo = 0, hi = d->opt.n_runs;

	if (f->kind == EVT_KIND_MARK && f->opcode == EVT_MARK_STARTED)
		return true;
	while (lo < hi) { /* find the first run after last_seq */
		size_t mid = lo + (hi - lo) / 2;

		if (d->opt.runs[mid] <= d->last_seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < d->opt.n_runs && d->opt.runs[lo] <= f->seq;
}

/* Tape time from the last frame, or from the target of a seek, to f. */
static int64_t
deck_silence_before(const evt_deck *d, const evt_frame *f)
{
	int64_t gap;

	if (!d->have_last)
		gap = d->have_target ? evt_clock_sub(f->time_ns, d->target) : 0;
	else if (d->opt.merged)
		gap = evt_clock_sub(f->time_ns, d->high_time);
	else if (deck_crosses_run(d, f))
		gap = evt_clock_sub(f->time_ns, d->last_time);
	else
		gap = evt_clock_sub(f->mono_ns, d->high_mono);
	gap = deck_max(gap, 0);
	if (d->opt.max_gap_ns >= 0 && gap > d->opt.max_gap_ns)
		gap = d->opt.max_gap_ns;
	return gap;
}

static void
deck_note_last(evt_deck *d, const evt_frame *f)
{
	bool restart =
	    !d->have_last || (!d->opt.merged && deck_crosses_run(d, f));

	d->high_time =
	    restart ? f->time_ns : deck_max(d->high_time, f->time_ns);
	d->high_mono =
	    restart ? f->mono_ns : deck_max(d->high_mono, f->mono_ns);
	d->last_time = f->time_ns;
	d->last_seq = f->seq;
	d->have_last = true;
}

/* The next frame has no frame before it. */
static void
deck_forget_last(evt_deck *d)
{
	d->have_next = d->have_last = d->have_target = false;
	d->was_live = d->ended = false;
	d->anchored = false;
	d->last_pos = d->next_pos = 0;
}

/* ---- making a deck ------------------------------------------------------- */

void
evt_deck_options_init(evt_deck_options *ret_options)
{
	*ret_options = (evt_deck_options){ .speed = EVT_SPEED_ONE,
		.max_gap_ns = -1,
		.passes = 1 };
}

int
evt_deck_new(evt_deck_input input, const evt_deck_options *options,
    evt_deck **ret_deck, evt_error *err)
{
	evt_deck *d;

	assert(input.next != NULL && input.reset != NULL && input.seek != NULL);
	if (!evt_speed_valid(options->speed))
		return evt_err_set(err, EVT_ERR_ARG,
		    "speed out of range: use 0.1 to 1000, or max");
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return evt_err_nomem(err);
	d->input = input;
	d->opt = *options;
	d->paused = options->paused;
	d->stats.passes = 1;
	*ret_deck = d;
	return EVT_OK;
}

void
evt_deck_free(evt_deck *d)
{
	free(d);
}

/* ---- playing ------------------------------------------------------------- */

/* The input has ended: begin another pass, or end. */
static int
deck_end_of_pass(evt_deck *d, int64_t now, int64_t *ret_due_ns, evt_error *err)
{
	bool again = d->opt.passes == 0 || d->stats.passes < d->opt.passes;
	int r;

	/* Passes without a frame would follow each other without end. */
	if (!again || d->pass_frames == 0) {
		d->ended = true;
		return EVT_DECK_END;
	}
	r = d->input.reset(d->input.ctx, err);
	if (r < 0)
		return r;
	deck_move_anchor(d, d->last_pos, now);
	deck_forget_last(d);
	d->pass_frames = 0;
	d->stats.passes++;
	*ret_due_ns = now;
	return EVT_DECK_WAIT;
}

/* Read the next frame. */
static int
deck_read_next(evt_deck *d, int64_t now, int64_t *ret_due_ns, evt_error *err)
{
	int r = d->input.next(d->input.ctx, &d->next, err);

	if (r < 0)
		return r;
	if (r == EVT_AGAIN && !d->opt.no_follow) {
		d->was_live = true;
		return EVT_DECK_LIVE;
	}
	if (r != EVT_OK)
		return deck_end_of_pass(d, now, ret_due_ns, err);
	d->next_pos =
	    evt_clock_add(d->last_pos, deck_silence_before(d, &d->next));
	d->have_next = true;
	/* After a seek it is not the first of the tape. */
	if (!d->have_first && !d->have_target) {
		d->have_first = true;
		d->first_time = d->next.time_ns;
	}
	if (!d->anchored) {
		*ret_due_ns = now;
		return EVT_DECK_WAIT;
	}
	/* A frame that was recorded after its due time is not late. */
	if (d->was_live && !d->paused && !deck_unlimited(d) &&
	    deck_wall_of(d, d->next_pos) < now)
		deck_move_anchor(d, d->next_pos, now);
	d->was_live = false;
	return EVT_DECK_FRAME;
}

/* Return the frame that was read. */
static void
deck_return_next(evt_deck *d, int64_t now, evt_frame *ret_frame)
{
	const evt_frame *f = &d->next;

	deck_note_last(d, f);
	d->last_pos = d->next_pos;
	d->have_next = false;
	d->shown_time = f->time_ns;
	if (d->stats.frames == 0) {
		d->first_out = d->pause_began = now;
		d->paused_ns = 0;
	}
	d->last_out = now;
	d->paused_at_out = d->paused ?
	    evt_clock_add(d->paused_ns, evt_clock_sub(now, d->pause_began)) :
	    d->paused_ns;
	d->pass_frames++;
	d->stats.frames++;
	d->stats.bytes += f->len;
	*ret_frame = *f;
}

int
evt_deck_poll(evt_deck *d, int64_t now, evt_frame *ret_frame,
    int64_t *ret_due_ns, evt_error *err)
{
	int64_t due;
	int r;

	if (d->ended)
		return EVT_DECK_END;
	if (d->paused && !d->step)
		return EVT_DECK_PAUSED;
	if (!d->have_next) {
		r = deck_read_next(d, now, ret_due_ns, err);
		if (r != EVT_DECK_FRAME)
			return r;
	}
	if (!d->anchored) {
		d->anchored = true;
		d->anchor_wall = now;
	}
	if (d->step) {
		/* Tape time that a step skips was not played. */
		d->step = false;
		d->played = evt_clock_sub(d->played, d->next_pos);
		deck_move_anchor(d, d->next_pos, now);
		due = now;
	} else {
		due = deck_unlimited(d) ? now : deck_wall_of(d, d->next_pos);
	}
	*ret_due_ns = due;
	if (due > now)
		return EVT_DECK_WAIT;
	deck_return_next(d, now, ret_frame);
	return EVT_DECK_FRAME;
}

/* ---- control ------------------------------------------------------------- */

void
evt_deck_pause(evt_deck *d, int64_t now)
{
	if (d->paused)
		return;
	deck_move_anchor(d, deck_pos_at(d, now), now);
	d->paused = true;
	d->pause_began = now;
}

void
evt_deck_resume(evt_deck *d, int64_t now)
{
	if (!d->paused)
		return;
	d->paused = d->step = false;
	d->anchor_wall = now;
	d->paused_ns =
	    evt_clock_add(d->paused_ns, evt_clock_sub(now, d->pause_began));
}

bool
evt_deck_paused(const evt_deck *d)
{
	return d->paused;
}

void
evt_deck_step(evt_deck *d)
{
	if (d->paused)
		d->step = true;
}

int
evt_deck_seek(evt_deck *d, int64_t now, int64_t time_ns, evt_error *err)
{
	bool to_start = d->have_first && time_ns <= d->first_time;
	int r = to_start ? d->input.reset(d->input.ctx, err) :
	                   d->input.seek(d->input.ctx, time_ns, err);

	if (r < 0)
		return r;
	deck_move_anchor(d, deck_pos_at(d, now), now);
	deck_forget_last(d);
	d->step = false;
	d->have_target = !to_start;
	d->target = time_ns;
	d->shown_time = to_start ? d->first_time : time_ns;
	return EVT_OK;
}

void
evt_deck_set_speed(evt_deck *d, int64_t now, uint32_t speed)
{
	assert(evt_speed_valid(speed));
	deck_move_anchor(d, deck_pos_at(d, now), now);
	d->opt.speed = speed;
}

uint32_t
evt_deck_speed(const evt_deck *d)
{
	return d->opt.speed;
}

int64_t
evt_deck_wall_duration(const evt_deck *d, int64_t tape_ns)
{
	assert(tape_ns >= 0 && !deck_unlimited(d));
	return deck_clamp((wide)tape_ns * EVT_SPEED_ONE / d->opt.speed);
}

int64_t
evt_deck_tape_time(const evt_deck *d, int64_t now)
{
	int64_t left;

	if (!d->have_next)
		return d->shown_time;
	left = evt_clock_sub(d->next_pos, deck_pos_at(d, now));
	return deck_max(evt_clock_sub(d->next.time_ns, left), d->shown_time);
}

uint64_t
evt_deck_passes(const evt_deck *d)
{
	return d->stats.passes;
}

void
evt_deck_get_stats(const evt_deck *d, evt_deck_stats *ret_stats)
{
	*ret_stats = d->stats;
	ret_stats->tape_ns = evt_clock_add(d->played, d->last_pos);
	ret_stats->wall_ns =
	    evt_clock_sub(evt_clock_sub(d->last_out, d->first_out),
	        d->paused_at_out);
}
