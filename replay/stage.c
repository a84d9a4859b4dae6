/*
 * stage.c - decks, and the clients that watch them.
 *
 * The stage is pumped: it asks its deck what is due, frames it once into the
 * fanout, and lets each client take what its socket takes.  libwebsockets is given
 * whole chunks to write raw on the established connection, up to 25 times as fast
 * as a call for each message; never while it still holds part of an earlier write,
 * or later frames would lose their headers.
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

/* Pump the stage soon: somebody came or left, or took what he was sent. */
static void
wake(struct stage *st)
{
	if (st->started && !st->ended)
		st->wake_ns = 0;
}

/* ---- clients ----------------------------------------------------------------- */

struct client *
evt_client_new(struct stage *st, struct lws *wsi)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->stage = st;
	c->wsi = wsi;
	c->no = ++st->server->stats.clients;
	c->stalled_since = INT64_MAX;
	c->next = st->clients;
	st->clients = c;
	st->n_clients++;
	st->server->n_clients++;
	return c;
}

void
evt_client_free(struct client *c)
{
	struct stage *st = c->stage;
	struct client **at = &st->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	st->n_clients--;
	st->server->n_clients--;
	if (c->tap.fanout != NULL) {
		st->n_watching--;
		evt_server_notice(st->server, "client %llu left",
		    (unsigned long long)c->no);
	}
	evt_tap_close(&c->tap);
	free(c);
	wake(st);
}

void
evt_client_watch(struct client *c)
{
	struct stage *st = c->stage;
	evt_server *s = st->server;

	evt_tap_open(&c->tap, st->fanout);
	st->n_watching++;
	evt_server_notice(s, "client %llu is there", (unsigned long long)c->no);
	if (s->stopping)
		evt_client_goodbye(c, LWS_CLOSE_STATUS_GOINGAWAY);
	else if (st->ended)
		evt_client_goodbye(c, st->end_code);
	else if (!st->started &&
	    (!s->o.shared || st->n_watching >= s->o.wait_clients))
		st->started = true;
	wake(st);
}

void
evt_client_goodbye(struct client *c, int code)
{
	if (c->goodbye == 0)
		c->goodbye = code;
	if (c->tap.fanout != NULL && !c->done)
		lws_callback_on_writable(c->wsi);
}

/* It is too slow: no close can be sent to one who reads nothing. */
static void
cut_off(struct client *c, const char *why)
{
	if (c->done)
		return;
	c->done = true;
	c->stage->server->stats.cut_off++;
	evt_server_notice(c->stage->server, "client %llu is cut off: %s",
	    (unsigned long long)c->no, why);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
	    LWS_TO_KILL_ASYNC);
}

static void
note_progress(struct client *c, bool took, int64_t now)
{
	if (evt_tap_behind(&c->tap) == 0)
		c->stalled_since = INT64_MAX;
	else if (took || c->stalled_since == INT64_MAX)
		c->stalled_since = now;
}

/* Write what its socket takes. */
static void
client_flush(struct client *c, int64_t now)
{
	bool took = false;
	uint8_t *p;
	size_t n;

	if (c->tap.fanout == NULL || c->done)
		return;
	while (!lws_partial_buffered(c->wsi) &&
	    (n = evt_tap_peek(&c->tap, &p)) > 0) {
		if (lws_write(c->wsi, p, n, LWS_WRITE_RAW) < (int)n) {
			/* The connection is gone; its callback will come. */
			c->done = true;
			lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
			    LWS_TO_KILL_ASYNC);
			return;
		}
		evt_tap_take(&c->tap, n);
		took = true;
	}
	note_progress(c, took, now);
	if (evt_tap_behind(&c->tap) > 0 || c->goodbye != 0)
		lws_callback_on_writable(c->wsi);
}

int
evt_client_writable(struct client *c)
{
	struct stage *st = c->stage;

	if (c->done)
		return 0;
	client_flush(c, evt_waker_now());
	if (c->goodbye != 0 && !c->done && evt_tap_behind(&c->tap) == 0 &&
	    !lws_partial_buffered(c->wsi)) {
		c->done = true;
		lws_close_reason(c->wsi, (enum lws_close_status)c->goodbye, NULL,
		    0);
		return -1;
	}
	/* It may be the one that the deck waited for. */
	if (st->wake_ns == INT64_MAX)
		wake(st);
	return 0;
}

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
		while (st->clients != NULL)
			evt_client_free(st->clients);
		stage_free(st);
	}
}

void
evt_stage_check(struct stage *st, int64_t now)
{
	if (!st->server->o.shared)
		return;
	for (struct client *c = st->clients; c != NULL; c = c->next) {
		if (c->stalled_since < now - st->server->o.client_stall_ns)
			cut_off(c, "it took nothing for too long");
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
	for (const struct client *c = st->clients; c != NULL; c = c->next) {
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

	for (struct client *c = st->clients; c != NULL; c = c->next)
		client_flush(c, now);
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
	for (struct client *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL)
			evt_client_goodbye(c, code);
	}
}

/* A client of a shared, paced deck that is too far behind is not waited for;
 * judged before a message is added, so that none is too large in itself. */
static void
cut_off_slow(struct stage *st)
{
	if (waits_for_clients(st))
		return;
	for (struct client *c = st->clients; c != NULL; c = c->next) {
		if (c->tap.fanout != NULL && !c->done &&
		    evt_tap_behind(&c->tap) > st->server->o.client_bytes)
			cut_off(c, "it is too far behind");
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
