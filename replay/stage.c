/*
 * stage.c - decks, and when they are played.
 *
 * The stage is pumped: it asks its deck what is due, frames it once into the
 * fanout, and lets each client take what its socket takes.
 */
#include <assert.h>
#include <stdlib.h>

#include "format/err.h"
#include "format/units.h"
#include "replay/server_impl.h"

/* A deck that waits for its clients stops at this much unsent. */
#define HIGH_WATER (UINT64_C(256) << 10)
/* What is sent before others get their turn.  Little where a deck waits for
 * nobody: while it catches up, its clients must be able to keep up. */
#define TURN_BYTES (UINT64_C(1) << 20)
#define TURN_BYTES_PACED (UINT64_C(128) << 10)
/* Frames between two flushes, and their dues. */
#define MAX_DUES 256u
#define BATCH_BYTES (UINT64_C(64) << 10)
/* Later than this, frames are gathered to catch up. */
#define BEHIND_NS EVT_NS_PER_MS
/* How often a live tape is asked for more. */
#define LIVE_NS (20 * EVT_NS_PER_MS)

/* ---- stages ------------------------------------------------------------------------ */

int
evt_stage_new(evt_server *s, const evt_play *play, struct stage **ret_stage,
    evt_error *err)
{
	struct stage *st = calloc(1, sizeof(*st));
	int r;

	if (st == NULL)
		return evt_err_nomem(err);
	r = evt_fanout_new(&st->fanout, err);
	if (r == EVT_OK)
		r = evt_player_open(s->o.reel, play, &st->player, err);
	if (r != EVT_OK) {
		evt_fanout_free(st->fanout);
		free(st);
		return r;
	}
	st->server = s;
	st->wake_ns = INT64_MAX;
	st->end_code = LWS_CLOSE_STATUS_NORMAL;
	st->next = s->stages;
	s->stages = st;
	*ret_stage = st;
	return EVT_OK;
}

void
evt_stage_wake(struct stage *st)
{
	if (st->started && !st->ended)
		st->wake_ns = 0;
}

void
evt_stage_sum(const struct stage *st, evt_server_stats *sum)
{
	evt_deck_stats d;
	evt_cursor_stats c;

	evt_deck_get_stats(st->player.deck, &d);
	sum->deck.frames += d.frames;
	sum->deck.bytes += d.bytes;
	sum->deck.passes += d.passes;
	sum->deck.tape_ns += d.tape_ns;
	sum->deck.wall_ns += d.wall_ns;
	evt_cursor_get_stats(st->player.cursor, &c);
	sum->blocks_bad += c.blocks_bad;
	sum->frames_lost += c.frames_lost;
}

static void
stage_free(struct stage *st)
{
	assert(st->clients == NULL);
	evt_stage_sum(st, &st->server->stats);
	if (st->server->shared == st)
		st->server->shared = NULL;
	evt_player_close(&st->player);
	evt_fanout_free(st->fanout);
	free(st);
}

/* A shared stage that has not ended waits for clients; one of a client's own
 * goes with the client. */
void
evt_stages_sweep(evt_server *s)
{
	struct stage **at = &s->stages;

	while (*at != NULL) {
		struct stage *st = *at;

		if (st->clients != NULL || (s->o.shared && !st->ended)) {
			at = &st->next;
			continue;
		}
		*at = st->next;
		if (s->o.once && st->started)
			s->finished = true;
		stage_free(st);
	}
}

void
evt_stages_free(evt_server *s)
{
	while (s->stages != NULL) {
		struct stage *st = s->stages;

		s->stages = st->next;
		stage_free(st);
	}
}

void
evt_stage_check(struct stage *st, int64_t now)
{
	if (!st->server->o.shared)
		return;
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->stalled_since < now - st->server->o.client_stall_ns)
			evt_viewer_cut_off(c, "it took nothing for too long");
	}
}

/* ---- pumping ------------------------------------------------------------------------ */

/* Frames that were framed and not yet flushed. */
struct batch {
	int64_t due[MAX_DUES];
	size_t n;
	uint64_t from; /* evt_fanout_total() before the first */
};

static bool
waits_for_clients(const struct stage *st)
{
	return !st->server->o.shared ||
	    evt_deck_speed(st->player.deck) == EVT_SPEED_FLAT_OUT;
}

/* Whether a client has so much to take that the deck must wait. */
static bool
held_back(const struct stage *st)
{
	if (!waits_for_clients(st))
		return false;
	for (const struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL && !c->done &&
		    evt_tap_behind(&c->tap) >= HIGH_WATER)
			return true;
	}
	return false;
}

static void
flush(struct stage *st, struct batch *b)
{
	int64_t now = evt_waker_now();

	for (struct viewer *c = st->clients; c != NULL; c = c->next)
		evt_viewer_flush(c, now);
	if (b->n > 0 && st->n_watching > 0 &&
	    evt_deck_speed(st->player.deck) != EVT_SPEED_FLAT_OUT) {
		now = evt_waker_now();
		for (size_t i = 0; i < b->n; i++)
			evt_lateness_add(&st->server->stats.late,
			    now - b->due[i]);
	}
	b->n = 0;
	b->from = evt_fanout_total(st->fanout);
}

/* The last frame was played, or none can be: clients leave when they have taken
 * what there is. */
static void
end(struct stage *st, int code)
{
	st->ended = true;
	st->end_code = code;
	st->wake_ns = INT64_MAX;
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL)
			evt_viewer_goodbye(c, code);
	}
}

/* A client of a shared, paced deck that is too far behind is not waited for;
 * judged before a message is added, so that none is too large in itself. */
static void
cut_off_slow(struct stage *st)
{
	if (waits_for_clients(st))
		return;
	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL && !c->done &&
		    evt_tap_behind(&c->tap) > st->server->o.client_bytes)
			evt_viewer_cut_off(c, "it is too far behind");
	}
}

static bool
take(struct stage *st, struct batch *b, const evt_frame *f, int64_t now,
    int64_t due)
{
	evt_error err;

	cut_off_slow(st);
	if (st->n_watching > 0 &&
	    evt_fanout_add(st->fanout, f, &err) != EVT_OK) {
		st->server->stats.failed++;
		evt_server_notice(st->server, "%s", err.text);
		end(st, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
		return false;
	}
	st->server->stats.deliveries += st->n_watching;
	b->due[b->n++] = due;
	if (b->n == MAX_DUES ||
	    evt_fanout_total(st->fanout) - b->from >= BATCH_BYTES ||
	    (evt_deck_speed(st->player.deck) != EVT_SPEED_FLAT_OUT &&
	    now - due < BEHIND_NS))
		flush(st, b);
	return true;
}

/* The deck says that there is no frame now, and why.  false: that was it. */
static bool
idle(struct stage *st, int says, int64_t now, int64_t due, const evt_error *err)
{
	switch (says) {
	case EVT_DECK_WAIT:
		st->wake_ns = due;
		return due <= now;
	case EVT_DECK_LIVE:
		st->wake_ns = now + LIVE_NS;
		return false;
	case EVT_DECK_PAUSED:
		st->wake_ns = INT64_MAX;
		return false;
	case EVT_DECK_END:
		end(st, LWS_CLOSE_STATUS_NORMAL);
		return false;
	case EVT_ERR_CORRUPT:
		evt_server_notice(st->server, "%s; going on behind it",
		    err->text);
		return true;
	default:
		st->server->stats.failed++;
		evt_server_notice(st->server, "%s", err->text);
		end(st, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION);
		return false;
	}
}

void
evt_stage_pump(struct stage *st)
{
	uint64_t before = evt_fanout_total(st->fanout);
	uint64_t turn = waits_for_clients(st) ? TURN_BYTES : TURN_BYTES_PACED;
	struct batch b = { .from = before };
	bool go = true;

	while (go) {
		int64_t now = evt_waker_now(), due;
		evt_frame f;
		evt_error err;
		int says;

		if (held_back(st)) {
			st->wake_ns = INT64_MAX;
			break;
		}
		if (evt_fanout_total(st->fanout) - before >= turn) {
			st->wake_ns = 0;
			break;
		}
		says = evt_deck_poll(st->player.deck, now, &f, &due, &err);
		if (says == EVT_DECK_FRAME) {
			go = take(st, &b, &f, now, due);
			continue;
		}
		flush(st, &b);
		go = idle(st, says, now, due, &err);
	}
	flush(st, &b);
}
