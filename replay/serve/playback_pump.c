/*
 * playback_pump.c - a playback plays what is due.
 *
 * The playing loop is pace.c's.  Here is what a frame does, when the output must
 * be waited for, the A-B loop, and when to be called again.
 */
#include <assert.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/serve/playback_priv.h"

/* Payload bytes that are sent before others get their turn.  Little where a
 * deck waits for nobody: while it catches up, its clients must be able to keep
 * up. */
#define TURN_BYTES (UINT64_C(1) << 20)
#define TURN_BYTES_PACED (UINT64_C(128) << 10)
/* Payload bytes of a batch.  At unlimited speed it is a chunk of the fanout, so
 * that it goes out with one write. */
#define BATCH_BYTES (UINT64_C(256) << 10)
#define BATCH_BYTES_PACED (UINT64_C(64) << 10)
/* Two jumps of a loop are at least so far apart: a loop without frames between
 * its ends would keep everybody else waiting. */
#define LOOP_NS (20 * EVT_NS_PER_MS)

static bool
playback_pump_unlimited(const evt_playback *p)
{
	return evt_deck_speed(p->player.deck) == EVT_SPEED_UNLIMITED;
}

static uint64_t
playback_pump_turn_bytes(const evt_playback *p)
{
	return evt_playback_waits(p) ? TURN_BYTES : TURN_BYTES_PACED;
}

/* ---- the end ----------------------------------------------------------------- */

static void
playback_pump_end(evt_playback *p)
{
	evt_error err;

	p->ended = true;
	p->live = false;
	if (evt_playback_tell_tick(p, evt_clock_mono(), &err) != EVT_OK)
		evt_notice_send(p->o.notice, "%s", err.text);
	evt_playback_tell_state(p);
	p->wake_ns = INT64_MAX;
}

/* It cannot be played on. */
static void
playback_pump_give_up(evt_playback *p, const evt_error *err)
{
	++*p->o.failed;
	p->failed = true;
	evt_notice_send(p->o.notice, "%s", err->text);
	playback_pump_end(p);
}

/* ---- frames -------------------------------------------------------------------- */

/* The deck began to play its window again: observers are told what there is at
 * its start. */
static int
playback_pump_begin_pass(evt_playback *p, evt_error *err)
{
	uint64_t pass = evt_deck_passes(p->player.deck);

	if (pass == p->pass)
		return EVT_OK;
	p->pass = pass;
	p->at_ns = p->start_ns;
	return evt_playback_tell_moved(p, err);
}

static int
playback_pump_give_frame(evt_playback *p, const evt_frame *frame,
    evt_error *err)
{
	evt_frame shown = *frame;
	int r = playback_pump_begin_pass(p, err);

	if (r == EVT_OK)
		r = evt_time_shift_frame(p->shift, &shown, err);
	p->at_ns = evt_clock_add(frame->time_ns, 1);
	if (r == EVT_OK)
		r = evt_playback_tell_frame(p, frame, &shown, err);
	return r;
}

/* The pace's take(). */
static enum evt_pace_taken
playback_pump_take(void *ctx, const evt_frame *frame)
{
	evt_playback *p = ctx;
	struct playback_turn *turn = p->turn;
	const evt_playback_output *out = &p->o.output;

	if (p->has_loop && frame->time_ns >= p->loop_to_ns) {
		turn->at_loop_end = true;
		return EVT_PACE_REFUSED;
	}
	if (evt_pace_pending(&p->pace) > 0 && !out->fits(out->ctx, frame->len))
		evt_pace_deliver(&p->pace);
	if (evt_pace_pending(&p->pace) == 0)
		out->begin(out->ctx);
	p->live = false;
	if (playback_pump_give_frame(p, frame, &turn->err) != EVT_OK)
		return EVT_PACE_REFUSED;
	turn->sent += frame->len + 1;
	turn->bytes += frame->len;
	return turn->sent >= playback_pump_turn_bytes(p) ||
	        turn->bytes >= (playback_pump_unlimited(p) ?
	                               BATCH_BYTES :
	                               BATCH_BYTES_PACED) ?
	    EVT_PACE_FULL :
	    EVT_PACE_ADDED;
}

/* The pace's deliver(). */
static bool
playback_pump_deliver(void *ctx)
{
	evt_playback *p = ctx;

	p->turn->bytes = 0;
	return p->o.output.deliver(p->o.output.ctx);
}

/* ---- the A-B loop ------------------------------------------------------------------ */

/* From B back to A.  false: it cannot be, and that was the end. */
static bool
playback_pump_loop_back(evt_playback *p)
{
	int64_t now = p->pace.now_ns;
	evt_error err;

	if (now < p->looped_ns + LOOP_NS)
		p->rest_ns = p->looped_ns + LOOP_NS;
	p->looped_ns = now;
	if (evt_playback_seek(p, p->loop_from_ns, &err) == EVT_OK)
		return true;
	playback_pump_give_up(p, &err);
	return false;
}

/* When it reaches B, by the steady clock; not while it rests after its last
 * jump. */
static int64_t
playback_pump_loop_due(const evt_playback *p, int64_t now)
{
	int64_t due = p->has_loop ?
	    evt_playback_wall_of(p, p->loop_to_ns, now) :
	    INT64_MAX;

	return due < p->rest_ns ? p->rest_ns : due;
}

/* ---- a turn --------------------------------------------------------------------------- */

/* Do what is due besides frames.  false: the playback has ended. */
static bool
playback_pump_tick(evt_playback *p)
{
	int64_t now = p->pace.now_ns;
	evt_error err;

	if (p->has_loop && now >= p->rest_ns &&
	    !evt_deck_paused(p->player.deck) &&
	    evt_playback_time(p, now) >= p->loop_to_ns &&
	    !playback_pump_loop_back(p))
		return false;
	if (evt_playback_tell_tick(p, now, &err) == EVT_OK)
		return true;
	playback_pump_give_up(p, &err);
	return false;
}

/* Whether no frame may be played now, and when to look again.  The backlog of
 * clients changes only where something was written, or could not be, so between
 * batches. */
static bool
playback_pump_must_wait(evt_playback *p)
{
	const evt_playback_output *out = &p->o.output;

	if (evt_pace_pending(&p->pace) == 0 && evt_playback_waits(p) &&
	    !out->ready(out->ctx))
		p->wake_ns = INT64_MAX;
	else if (p->turn->sent >= playback_pump_turn_bytes(p))
		p->wake_ns = 0;
	else if (p->pace.now_ns < p->rest_ns)
		p->wake_ns = p->rest_ns;
	else
		return false;
	return true;
}

/* The pace stopped at a frame that playback_pump_take() refused. */
static bool
playback_pump_stopped_at_frame(evt_playback *p)
{
	if (p->turn->at_loop_end) {
		p->turn->at_loop_end = false;
		return playback_pump_loop_back(p);
	}
	playback_pump_give_up(p, &p->turn->err);
	return false;
}

/* Everything was played. */
static bool
playback_pump_at_end(evt_playback *p)
{
	if (p->has_loop)
		return playback_pump_loop_back(p);
	playback_pump_end(p);
	return false;
}

/* Play a batch.  false: that was all for now, and wake_ns is set. */
static bool
playback_pump_play(evt_playback *p)
{
	evt_error err;
	int r;

	if (!p->started || p->ended) {
		p->live = false;
		p->wake_ns = INT64_MAX;
		return false;
	}
	r = evt_pace_play(&p->pace, p->player.deck, &err);
	p->wake_ns = p->pace.wake_ns;
	switch (r) {
	case EVT_PACE_MORE:
		return true;
	case EVT_PACE_WAIT:
		return false;
	case EVT_PACE_LIVE:
		if (!p->live)
			p->live_ns = p->pace.now_ns;
		p->live = true;
		return false;
	case EVT_PACE_PAUSED:
		p->live = false;
		return false;
	case EVT_PACE_END:
		return playback_pump_at_end(p);
	case EVT_PACE_STOPPED:
		return playback_pump_stopped_at_frame(p);
	case EVT_ERR_CORRUPT:
		evt_notice_send(p->o.notice, "%s; continuing after it",
		    err.text);
		return true;
	default:
		playback_pump_give_up(p, &err);
		return false;
	}
}

/* When something else is due than the next frame. */
static int64_t
playback_pump_due(evt_playback *p, int64_t now)
{
	int64_t due = playback_pump_loop_due(p, now);

	for (size_t i = 0; i < p->n_observers; i++) {
		const evt_playback_observer *o = &p->observer[i];
		int64_t t = o->due != NULL ? o->due(o->ctx, now) : INT64_MAX;

		due = t < due ? t : due;
	}
	return due;
}

void
evt_playback_pump(evt_playback *p)
{
	const evt_pace_output take = { .take = playback_pump_take,
		.deliver = playback_pump_deliver,
		.ctx = p };
	struct playback_turn turn = { .bytes = 0 };
	int64_t due;
	bool more;

	assert(p->turn == NULL);
	if (p->pace.lateness == NULL)
		evt_pace_init(&p->pace, &take, p->o.lateness);
	p->turn = &turn;
	p->pace.now_ns = evt_clock_mono();
	more = playback_pump_tick(p);
	while (more && !playback_pump_must_wait(p))
		more = playback_pump_play(p);
	/* Also without a frame: observers may have sent something. */
	if (evt_pace_pending(&p->pace) > 0)
		evt_pace_deliver(&p->pace);
	else
		(void)p->o.output.deliver(p->o.output.ctx);
	p->turn = NULL;
	due = playback_pump_due(p, evt_clock_mono());
	if (due < p->wake_ns)
		p->wake_ns = due;
}
