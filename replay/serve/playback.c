/*
 * stage.c - decks, and when they are played.
 *
 * The stage is pumped: it asks its deck what is due, frames it once into the
 * fanout, and lets each client take what its socket takes.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/navixy/atmosphere.h"
#include "replay/serve/server_impl.h"

/* A deck that waits for its clients stops at this much unsent. */
#define HIGH_WATER (UINT64_C(256) << 10)
/* What is sent before others get their turn.  Little where a deck waits for
 * nobody: while it catches up, its clients must be able to keep up. */
#define TURN_BYTES (UINT64_C(1) << 20)
#define TURN_BYTES_PACED (UINT64_C(128) << 10)
/* Frames between two flushes, and their dues; bytes of their payload.  Flat out
 * there are no dues, and it is a chunk: so it goes out with one write. */
#define MAX_DUES 256u
#define BATCH_BYTES (UINT64_C(64) << 10)
/* Flat out, a clock for each frame would be a cost. */
#define CLOCK_FRAMES 64u
/* Later than this, frames are gathered to catch up. */
#define BEHIND_NS EVT_NS_PER_MS
/* Two jumps of a loop are so far apart at least: one between whose ends nothing
 * lies would keep everybody else waiting. */
#define LOOP_NS (20 * EVT_NS_PER_MS)
/* How often a live tape is asked for more. */
#define LIVE_NS (20 * EVT_NS_PER_MS)

/* ---- stages -------------------------------------------------------------- */

static void
playback_stage_free(struct stage *st)
{
	evt_playback_crew_free(st);
	evt_player_close(&st->player);
	evt_fanout_free(st->fanout);
	evt_time_shift_free(st->rebase);
	evt_play_options_free(&st->play);
	free(st);
}

static int
playback_set_up(struct stage *st, const evt_play_options *play, evt_error *err)
{
	const evt_server *s = st->server;
	int r = evt_play_options_copy(play, &st->play, err);

	if (r == EVT_OK)
		r = evt_fanout_new(EVT_FANOUT_WIDE, &st->fanout, err);
	if (r == EVT_OK)
		r = evt_player_open(s->o.reel, &st->play, &st->player, err);
	if (r == EVT_OK)
		r = evt_tape_set_start(s->o.reel, play, &st->start_ns, err);
	if (r == EVT_OK && s->o.rebase)
		r = evt_time_shift_new(st->start_ns, evt_clock_real(),
		    &st->rebase, err);
	return r;
}

int
evt_playback_new(evt_server *s, const evt_play_options *play,
    struct stage **ret_stage, evt_error *err)
{
	struct stage *st = calloc(1, sizeof(*st));
	int r;

	if (st == NULL)
		return evt_err_nomem(err);
	st->server = s;
	r = playback_set_up(st, play, err);
	if (r != EVT_OK) {
		playback_stage_free(st);
		return r;
	}
	st->wake_ns = INT64_MAX;
	st->gathered.due_ns = st->gathered.deck_due_ns =
	    st->gathered.tape_due_ns = INT64_MAX;
	st->at_ns = st->start_ns;
	st->pass = 1;
	st->end_code = LWS_CLOSE_STATUS_NORMAL;
	st->next = s->stages;
	s->stages = st;
	*ret_stage = st;
	return EVT_OK;
}

void
evt_playback_wake(struct stage *st)
{
	st->wake_ns = 0;
}

void
evt_playback_sum(const struct stage *st, evt_server_stats *sum)
{
	evt_deck_stats d;
	evt_cursor_stats c;

	evt_deck_get_stats(st->player.deck, &d);
	sum->deck.frames += st->before.frames;
	sum->deck.bytes += st->before.bytes;
	sum->deck.passes += st->before.passes;
	sum->deck.tape_ns += st->before.tape_ns;
	sum->deck.wall_ns += st->before.wall_ns;
	sum->deck.frames += d.frames;
	sum->deck.bytes += d.bytes;
	sum->deck.passes += d.passes;
	sum->deck.tape_ns += d.tape_ns;
	sum->deck.wall_ns += d.wall_ns;
	evt_cursor_get_stats(st->player.cursor, &c);
	sum->blocks_bad += st->before_lost.blocks_bad + c.blocks_bad;
	sum->frames_lost += st->before_lost.frames_lost + c.frames_lost;
}

static void
playback_drop(struct stage *st)
{
	assert(st->clients == NULL);
	evt_playback_sum(st, &st->server->stats);
	if (st->server->house == st)
		st->server->house = NULL;
	playback_stage_free(st);
}

/* The house deck waits for clients; one of a client's own goes with the
 * client. */
void
evt_playbacks_sweep(evt_server *s)
{
	struct stage **at = &s->stages;

	while (*at != NULL) {
		struct stage *st = *at;

		if (st->clients != NULL ||
		    (st == s->house && !(s->o.once && st->ended))) {
			at = &st->next;
			continue;
		}
		*at = st->next;
		if (s->o.once && st->started)
			s->finished = true;
		playback_drop(st);
	}
}

void
evt_playbacks_free(evt_server *s)
{
	while (s->stages != NULL) {
		struct stage *st = s->stages;

		s->stages = st->next;
		playback_drop(st);
	}
}

/* Heartbeats are for clients of Atmosphere: others take every frame for JSON. */
static void
playback_beat(struct viewer *c, int64_t now)
{
	evt_error err;

	if (c->beat_ns > now)
		return;
	c->beat_ns = now + c->stage->server->o.heartbeat_ns;
	if (evt_ws_client_send(c, EVT_ATMOSPHERE_BEAT,
	        strlen(EVT_ATMOSPHERE_BEAT), &err) != EVT_OK)
		evt_ws_client_cut_off(c, err.text);
}

void
evt_playback_check(struct stage *st, int64_t now)
{
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		playback_beat(c, now);
		evt_ws_client_mind(c);
		if ((st == st->server->house || c->kind == VIEWER_CONTROL) &&
		    c->stalled_since < now - st->server->o.client_stall_ns)
			evt_ws_client_cut_off(c,
			    "it took nothing for too long");
	}
}

/* ---- pumping ------------------------------------------------------------- */

/* Frames that were framed and not yet flushed. */
struct batch {
	int64_t due[MAX_DUES]; /* not of those that go flat out */
	size_t n, n_due;
	uint64_t bytes; /* of their payload */
	uint64_t sent;  /* the same, since the turn began */
	int64_t now;    /* the clock; flat out it is looked at now and then */
	unsigned until_clock;
};

static bool
playback_flat_out(const struct stage *st)
{
	return evt_deck_speed(st->player.deck) == EVT_SPEED_UNLIMITED;
}

static bool
playback_waits_for_clients(const struct stage *st)
{
	return st != st->server->house || playback_flat_out(st);
}

/* Whether a client has so much to take that the deck must wait. */
static bool
playback_held_back(const struct stage *st)
{
	if (!playback_waits_for_clients(st))
		return false;
	for (const struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->kind != VIEWER_CONTROL && c->tap.fanout != NULL &&
		    !c->done && evt_fanout_reader_behind(&c->tap) >= HIGH_WATER)
			return true;
	}
	return false;
}

static void
playback_flush(struct stage *st, struct batch *b)
{
	int64_t now = evt_waker_now();

	for (struct viewer *c = st->clients; c != NULL; c = c->next)
		evt_ws_client_flush(c, now);
	if (b->n_due > 0 && st->n_clients > 0) {
		now = evt_waker_now();
		for (size_t i = 0; i < b->n_due; i++)
			evt_lateness_add(&st->server->stats.late,
			    now - b->due[i]);
	}
	b->n = b->n_due = 0;
	b->bytes = 0;
}

void
evt_playback_end(struct stage *st, int code)
{
	evt_error err;

	st->ended = true;
	st->live = false;
	st->end_code = code;
	st->wake_ns = INT64_MAX;
	if (evt_playback_tick(st, evt_waker_now(), &err) != EVT_OK)
		evt_server_notice(st->server, "%s", err.text);
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		/* The others stay: somebody may move the deck back. */
		if (c->tap.fanout != NULL &&
		    (c->kind == VIEWER_STREAM || st->server->o.once))
			evt_ws_client_goodbye(c, code);
	}
	evt_control_feed_changed(st);
}

/* A client of a shared, paced deck that is too far behind is not waited for;
 * judged before a message is added, so that none is too large in itself. */
static void
playback_cut_off_slow(struct stage *st)
{
	if (playback_waits_for_clients(st))
		return;
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL && !c->done &&
		    evt_ws_client_behind(c) > st->server->o.client_bytes)
			evt_ws_client_cut_off(c, "it is too far behind");
	}
}

/* What cannot be played on. */
static bool
playback_give_up(struct stage *st, const evt_error *err)
{
	st->server->stats.failed++;
	evt_server_notice(st->server, "%s", err->text);
	evt_playback_end(st, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
	return false;
}

/* Where the deck began to play its window anew, clients are told what was there. */
static int
playback_begin_pass(struct stage *st, evt_error *err)
{
	uint64_t pass = evt_deck_passes(st->player.deck);

	if (pass == st->pass)
		return EVT_OK;
	st->pass = pass;
	st->at_ns = st->start_ns;
	return evt_playback_moved(st, err);
}

/* Give the frame to all who watch. */
static int
playback_hand_out(struct stage *st, const evt_frame *frame, evt_error *err)
{
	evt_frame f = *frame;
	int r = evt_time_shift_frame(st->rebase, &f, err);

	st->at_ns = evt_clock_add(frame->time_ns, 1);
	if (r == EVT_OK && st->n[VIEWER_STREAM] > 0) {
		r = evt_fanout_add(st->fanout, &f, err);
		st->server->stats.deliveries += st->n[VIEWER_STREAM];
		st->server->stats.bytes += st->n[VIEWER_STREAM] * f.len;
	}
	if (r == EVT_OK)
		r = evt_playback_tell(st, frame, &f, err);
	return r;
}

/* Whether the batch goes out with the frame that was put into it. */
static bool
playback_is_full(const struct stage *st, const struct batch *b, int64_t due)
{
	if (playback_flat_out(st))
		return b->bytes >= EVT_FANOUT_WIDE;
	return b->n_due == MAX_DUES || b->bytes >= BATCH_BYTES ||
	    b->now - due < BEHIND_NS;
}

static bool
playback_take(struct stage *st, struct batch *b, const evt_frame *f,
    int64_t due)
{
	evt_error err;

	if (b->n > 0 && !evt_fanout_fits(st->fanout, f->len))
		playback_flush(st, b);
	if (b->n == 0)
		playback_cut_off_slow(st);
	st->live = false;
	if (playback_begin_pass(st, &err) != EVT_OK ||
	    playback_hand_out(st, f, &err) != EVT_OK)
		return playback_give_up(st, &err);
	b->sent += f->len + 1;
	b->bytes += f->len;
	b->n++;
	if (!playback_flat_out(st))
		b->due[b->n_due++] = due;
	if (playback_is_full(st, b, due))
		playback_flush(st, b);
	return true;
}

/* Behind B, back to A.  false: it cannot be. */
static bool
playback_loop_back(struct stage *st, int64_t now)
{
	evt_error err;

	if (now < st->looped_ns + LOOP_NS)
		st->rest_ns = st->looped_ns + LOOP_NS;
	st->looped_ns = now;
	return evt_playback_seek(st, st->loop_from_ns, &err) == EVT_OK ||
	    playback_give_up(st, &err);
}

/* The deck says that there is no frame now, and why.  false: that was it. */
static bool
playback_idle(struct stage *st, int says, int64_t now, int64_t due,
    const evt_error *err)
{
	switch (says) {
	case EVT_DECK_WAIT:
		st->wake_ns = due;
		return due <= now;
	case EVT_DECK_LIVE:
		if (!st->live)
			st->live_ns = now;
		st->live = true;
		st->wake_ns = now + LIVE_NS;
		return false;
	case EVT_DECK_PAUSED:
		st->live = false;
		st->wake_ns = INT64_MAX;
		return false;
	case EVT_DECK_END:
		if (st->has_loop)
			return playback_loop_back(st, now);
		evt_playback_end(st, LWS_CLOSE_STATUS_NORMAL);
		return false;
	case EVT_ERR_CORRUPT:
		evt_server_notice(st->server, "%s; going on behind it",
		    err->text);
		return true;
	default:
		return playback_give_up(st, err);
	}
}

/* What is due beside frames; the deck may have been moved back by it. */
static bool
playback_tick(struct stage *st, int64_t now)
{
	evt_error err;

	if (st->has_loop && now >= st->rest_ns &&
	    !evt_deck_paused(st->player.deck) &&
	    evt_playback_time(st, now) >= st->loop_to_ns &&
	    !playback_loop_back(st, now))
		return false;
	return evt_playback_tick(st, now, &err) == EVT_OK ||
	    playback_give_up(st, &err);
}

/* What to wait for besides the next frame. */
static void
playback_wake_for_others(struct stage *st, int64_t now)
{
	int64_t due = evt_playback_due(st, now);

	if (due < st->wake_ns)
		st->wake_ns = due;
}

static void
playback_look_at_clock(const struct stage *st, struct batch *b)
{
	if (b->until_clock > 0 && playback_flat_out(st)) {
		b->until_clock--;
		return;
	}
	b->now = evt_waker_now();
	b->until_clock = CLOCK_FRAMES - 1;
}

/* One thing that is due.  false: that was it for now. */
static bool
playback_play_next(struct stage *st, struct batch *b)
{
	int64_t due = b->now;
	evt_frame f;
	evt_error err;
	int says = EVT_DECK_PAUSED;

	if (st->started && !st->ended)
		says = evt_deck_poll(st->player.deck, b->now, &f, &due, &err);
	if (says == EVT_DECK_FRAME && st->has_loop &&
	    f.time_ns >= st->loop_to_ns)
		return playback_loop_back(st, b->now);
	if (says == EVT_DECK_FRAME)
		return playback_take(st, b, &f, due);
	if (b->n > 0)
		playback_flush(st, b);
	return playback_idle(st, says, b->now, due, &err);
}

/* Whether it is not the time for a frame, and when to look again.  Clients are
 * behind by more only where something was written, or could not be. */
static bool
playback_must_wait(struct stage *st, const struct batch *b)
{
	if (b->n == 0 && playback_held_back(st))
		st->wake_ns = INT64_MAX;
	else if (b->sent >=
	    (playback_waits_for_clients(st) ? TURN_BYTES : TURN_BYTES_PACED))
		st->wake_ns = 0;
	else if (b->now < st->rest_ns)
		st->wake_ns = st->rest_ns;
	else
		return false;
	return true;
}

void
evt_playback_pump(struct stage *st)
{
	struct batch b = { .n = 0 };
	bool go;

	playback_look_at_clock(st, &b);
	go = playback_tick(st, b.now);
	while (go && !playback_must_wait(st, &b)) {
		go = playback_play_next(st, &b);
		playback_look_at_clock(st, &b);
	}
	playback_flush(st, &b);
	playback_wake_for_others(st, evt_waker_now());
}

int
evt_playback_restart(struct stage *st, evt_error *err)
{
	evt_play_options play;
	int r = evt_play_options_copy(&st->play, &play, err);

	if (r != EVT_OK)
		return r;
	st->at_ns = st->start_ns;
	st->started = false;
	return evt_playback_replace(st, &play, err);
}
