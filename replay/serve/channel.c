/* channel.c - a playback and its clients; see channel.h. */
#include "replay/serve/channel.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/serve/control_feed.h"
#include "replay/serve/fanout.h"
#include "replay/serve/ws_client.h"

/* A playback that waits for its clients stops at so many unsent bytes. */
#define HIGH_WATER (UINT64_C(256) << 10)

/* A client of the channel. */
struct watcher {
	struct watcher *next;
	evt_channel *channel;
	evt_client_log_record *record;
	enum evt_channel_kind kind;
	evt_ws_client *ws;
	evt_state_feed_client *standin;   /* of EVT_CHANNEL_STANDIN */
	evt_control_feed_client *control; /* of EVT_CHANNEL_CONTROL */
	bool counted;                     /* in the audience */
};

struct evt_channel {
	const evt_channel_options *o;
	bool shared;
	bool stopping;
	evt_playback *playback;
	evt_fanout *stream;       /* what the playback plays */
	evt_message_ring *played; /* the same for the log of clients */
	evt_state_feed *states;
	evt_control_feed *control;
	struct watcher *watchers;
	size_t n_watchers;
	evt_audience audience;
};

/* ---- the playback's output -------------------------------------------------- */

/* No client has so much to take that the playback must wait. */
static bool
channel_is_ready(void *ctx)
{
	const evt_channel *ch = ctx;

	for (const struct watcher *w = ch->watchers; w != NULL; w = w->next) {
		if (w->kind != EVT_CHANNEL_CONTROL &&
		    evt_ws_client_takes_bytes(w->ws) &&
		    evt_ws_client_unread(w->ws) >= HIGH_WATER)
			return false;
	}
	return true;
}

/* A shared, paced playback does not wait for a client that is too far behind.
 * Judged before a message is added, so that no single message is too large. */
static void
channel_begin_batch(void *ctx)
{
	evt_channel *ch = ctx;

	if (evt_playback_waits(ch->playback))
		return;
	for (struct watcher *w = ch->watchers; w != NULL; w = w->next) {
		if (evt_ws_client_takes_bytes(w->ws) &&
		    evt_ws_client_behind(w->ws) > ch->o->client_bytes)
			evt_ws_client_cut_off(w->ws, "it is too far behind");
	}
}

static bool
channel_fits(void *ctx, size_t len)
{
	const evt_channel *ch = ctx;

	return evt_fanout_fits(ch->stream, len);
}

static bool
channel_deliver(void *ctx)
{
	evt_channel *ch = ctx;
	int64_t now = evt_clock_mono();

	for (struct watcher *w = ch->watchers; w != NULL; w = w->next)
		evt_ws_client_flush(w->ws, now);
	evt_message_ring_turn(ch->played, now);
	if (ch->audience.stream > 0)
		evt_client_log_touch(ch->o->clients);
	return ch->watchers != NULL;
}

/* ---- the playback's observer ------------------------------------------------- */

static int
channel_on_frame(void *ctx, const evt_frame *frame, const evt_frame *shown,
    evt_error *err)
{
	evt_channel *ch = ctx;
	size_t n = ch->audience.stream;
	int r;

	(void)frame;
	if (n == 0)
		return EVT_OK;
	ch->o->stats->deliveries += n;
	ch->o->stats->bytes += n * shown->len;
	r = evt_fanout_add(ch->stream, shown, err);
	if (r == EVT_OK)
		evt_message_ring_put(ch->played,
		    shown->kind == EVT_KIND_MARK ? EVT_OP_TEXT : shown->opcode,
		    shown->payload, shown->len, evt_fanout_total(ch->stream));
	return r;
}

static int
channel_end_code(const evt_channel *ch)
{
	return evt_playback_failed(ch->playback) ? 1011 : 1000;
}

static void
channel_on_state(void *ctx)
{
	evt_channel *ch = ctx;

	if (!evt_playback_ended(ch->playback))
		return;
	/* Clients of the stand-in and of /control stay: somebody may move the
	 * deck back. */
	for (struct watcher *w = ch->watchers; w != NULL; w = w->next) {
		if (evt_ws_client_is_open(w->ws) &&
		    (w->kind == EVT_CHANNEL_STREAM || ch->o->once))
			evt_ws_client_goodbye(w->ws, channel_end_code(ch));
	}
}

/* ---- life ------------------------------------------------------------------ */

/* Whether the playback, which has not started, may start now. */
static bool
channel_may_start(const evt_channel *ch)
{
	return !evt_playback_started(ch->playback) &&
	    (!ch->shared ||
	        ch->audience.stream + ch->audience.standin >=
	            ch->o->wait_clients);
}

/* A client of the stand-in has subscribed. */
static void
channel_on_subscribed(void *ctx)
{
	evt_channel *ch = ctx;

	if (!*ch->o->said_no_trackers && ch->o->trackers == NULL) {
		*ch->o->said_no_trackers = true;
		evt_notice_send(ch->o->notice,
		    "no tracker list was given and the tape holds none: "
		    "tracker ids are taken for source ids");
	}
	if (channel_may_start(ch) &&
	    !evt_playback_play_options(ch->playback)->paused)
		evt_playback_start(ch->playback);
	evt_playback_wake(ch->playback);
}

static int
channel_new_playback(evt_channel *ch, const evt_play_options *play,
    evt_error *err)
{
	const evt_playback_options o = { .tapes = ch->o->tapes,
		.play = play,
		.shift = ch->o->shift,
		.shared = ch->shared,
		.output = { .ready = channel_is_ready,
		    .begin = channel_begin_batch,
		    .fits = channel_fits,
		    .deliver = channel_deliver,
		    .ctx = ch },
		.lateness = &ch->o->stats->late,
		.failed = &ch->o->stats->failed,
		.notice = ch->o->notice };
	const evt_playback_observer observer = { .on_frame = channel_on_frame,
		.on_state = channel_on_state,
		.ctx = ch };
	int r = evt_playback_new(&o, &ch->playback, err);

	if (r == EVT_OK)
		evt_playback_observe(ch->playback, &observer);
	return r;
}

static int
channel_new_feeds(evt_channel *ch, evt_error *err)
{
	const evt_state_feed_options states = { .playback = ch->playback,
		.tapes = ch->o->tapes,
		.trackers = ch->o->trackers,
		.hash = ch->o->hash,
		.heartbeat_ns = ch->o->heartbeat_ns,
		.client_bytes = ch->o->client_bytes,
		.on_subscribed = channel_on_subscribed,
		.ctx = ch };
	evt_control_feed_options control = { .playback = ch->playback,
		.tapes = ch->o->tapes,
		.audience = &ch->audience,
		.log = ch->o->clients };
	int r = evt_state_feed_new(&states, &ch->states, err);

	if (r != EVT_OK)
		return r;
	control.states = ch->states;
	return evt_control_feed_new(&control, &ch->control, err);
}

int
evt_channel_new(const evt_channel_options *options,
    const evt_play_options *play, bool shared, evt_channel **ret_channel,
    evt_error *err)
{
	evt_channel *ch;
	int r;

	assert(options->stats != NULL && options->said_no_trackers != NULL);
	assert(options->clients != NULL);
	ch = calloc(1, sizeof(*ch));
	if (ch == NULL)
		return evt_err_nomem(err);
	ch->o = options;
	ch->shared = shared;
	r = evt_fanout_new(EVT_FANOUT_WIDE, &ch->stream, err);
	ch->played = evt_client_log_ring(options->clients);
	if (r == EVT_OK && ch->played == NULL)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = channel_new_playback(ch, play, err);
	if (r == EVT_OK)
		r = channel_new_feeds(ch, err);
	if (r == EVT_OK)
		*ret_channel = ch;
	else
		evt_channel_free(ch);
	return r;
}

void
evt_channel_free(evt_channel *ch)
{
	if (ch == NULL)
		return;
	assert(ch->watchers == NULL);
	if (ch->playback != NULL)
		evt_channel_add_stats(ch, ch->o->stats);
	/* The feeds use the playback. */
	evt_control_feed_free(ch->control);
	evt_state_feed_free(ch->states);
	evt_playback_free(ch->playback);
	evt_fanout_free(ch->stream);
	evt_message_ring_unref(ch->played);
	free(ch);
}

evt_playback *
evt_channel_playback(const evt_channel *ch)
{
	return ch->playback;
}

evt_state_feed *
evt_channel_states(const evt_channel *ch)
{
	return ch->states;
}

const evt_audience *
evt_channel_audience(const evt_channel *ch)
{
	return &ch->audience;
}

size_t
evt_channel_clients(const evt_channel *ch)
{
	return ch->n_watchers;
}

void
evt_channel_add_stats(const evt_channel *ch, evt_server_stats *sum)
{
	evt_cursor_stats lost = { 0 };

	evt_playback_add_stats(ch->playback, &sum->deck, &lost);
	sum->blocks_bad += lost.blocks_bad;
	sum->frames_lost += lost.frames_lost;
}

/* ---- clients ------------------------------------------------------------------ */

/* Where clients of the kind are counted. */
static size_t *
channel_count(evt_channel *ch, enum evt_channel_kind kind)
{
	return kind == EVT_CHANNEL_STREAM ? &ch->audience.stream :
	    kind == EVT_CHANNEL_STANDIN   ? &ch->audience.standin :
	                                    &ch->audience.control;
}

static int
channel_on_open(void *ctx, evt_error *err)
{
	struct watcher *w = ctx;
	evt_channel *ch = w->channel;
	int r = EVT_OK;

	w->counted = true;
	++*channel_count(ch, w->kind);
	if (w->kind == EVT_CHANNEL_STREAM)
		evt_client_log_follow(w->record, ch->played);
	if (ch->stopping)
		evt_ws_client_goodbye(w->ws, 1001);
	else if (w->kind == EVT_CHANNEL_STANDIN)
		r = evt_state_feed_client_open(w->standin, err);
	else if (w->kind == EVT_CHANNEL_CONTROL)
		r = evt_control_feed_client_open(w->control, err);
	else if (evt_playback_ended(ch->playback))
		evt_ws_client_goodbye(w->ws, channel_end_code(ch));
	if (r != EVT_OK)
		return r;
	if (w->kind == EVT_CHANNEL_STREAM && channel_may_start(ch))
		evt_playback_start(ch->playback);
	evt_control_feed_changed(ch->control);
	evt_playback_wake(ch->playback);
	return EVT_OK;
}

static int
channel_on_message(void *ctx, const char *text, size_t n, evt_error *err)
{
	struct watcher *w = ctx;
	uint64_t asked = evt_state_feed_client_asked(w->standin);
	evt_buf words = { 0 };
	int r = evt_state_feed_client_message(w->standin, text, n, err);

	if (evt_state_feed_client_asked(w->standin) != asked &&
	    evt_state_feed_client_words(w->standin, &words))
		evt_client_log_asked(w->record, &words);
	evt_buf_free(&words);
	return r;
}

static void
channel_on_writable(void *ctx)
{
	struct watcher *w = ctx;
	evt_playback *p = w->channel->playback;
	evt_error err;

	if (w->kind == EVT_CHANNEL_CONTROL && evt_ws_client_is_active(w->ws) &&
	    evt_control_feed_client_catch_up(w->control, &err) != EVT_OK)
		evt_ws_client_cut_off(w->ws, err.text);
	/* It may be the client that the playback waited for. */
	if (evt_playback_wake_ns(p) == INT64_MAX)
		evt_playback_wake(p);
}

static void
channel_on_close(void *ctx)
{
	struct watcher *w = ctx;
	evt_channel *ch = w->channel;
	struct watcher **at = &ch->watchers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	ch->n_watchers--;
	if (w->counted)
		--*channel_count(ch, w->kind);
	evt_state_feed_client_free(w->standin);
	evt_control_feed_client_free(w->control);
	free(w);
	evt_control_feed_changed(ch->control);
	evt_playback_wake(ch->playback);
}

static const evt_ws_client_ops channel_ops = {
	.on_open = channel_on_open,
	.on_writable = channel_on_writable,
	.on_close = channel_on_close,
};

/* Other clients than those of the stand-in have nothing to say. */
static const evt_ws_client_ops channel_standin_ops = {
	.on_open = channel_on_open,
	.on_message = channel_on_message,
	.on_writable = channel_on_writable,
	.on_close = channel_on_close,
};

/* Give the watcher its place in the feed of its kind. */
static int
channel_join_feed(struct watcher *w, const evt_channel_join *join,
    evt_error *err)
{
	evt_channel *ch = w->channel;

	if (w->kind == EVT_CHANNEL_STANDIN)
		return evt_state_feed_client_new(ch->states, w->ws,
		    join->greeting, join->atmosphere, &w->standin, err);
	if (w->kind == EVT_CHANNEL_CONTROL)
		return evt_control_feed_client_new(ch->control, w->ws,
		    join->with, &w->control, err);
	return EVT_OK;
}

static evt_client_log_record *
channel_new_record(const evt_channel *ch, const evt_connection *connection,
    const evt_channel_join *join)
{
	static const char *const kinds[] = { [EVT_CHANNEL_STREAM] = "stream",
		[EVT_CHANNEL_STANDIN] = "standin",
		[EVT_CHANNEL_CONTROL] = "control" };
	evt_client_log_about about = join->about;
	char peer[EVT_CONNECTION_PEER];

	evt_connection_peer(connection, peer);
	about.address = peer;
	about.kind = kinds[join->kind];
	about.own = !ch->shared;
	return evt_client_log_add(ch->o->clients, &about);
}

int
evt_channel_accept(evt_channel *ch, evt_connection *connection,
    const evt_channel_join *join, evt_ws_client **ret_client, evt_error *err)
{
	bool stream = join->kind == EVT_CHANNEL_STREAM;
	struct watcher *w = calloc(1, sizeof(*w));
	evt_client_log_record *record =
	    channel_new_record(ch, connection, join);
	const evt_ws_client_options o = { .connection = connection,
		.shared = stream ? ch->stream : NULL,
		.ops = join->kind == EVT_CHANNEL_STANDIN ?
		    &channel_standin_ops :
		    &channel_ops,
		.ctx = w,
		.stats = ch->o->stats,
		.record = record,
		.notice = ch->o->notice };
	int r;

	if (w == NULL || record == NULL) {
		if (record != NULL)
			evt_client_log_gone(record);
		free(w);
		return evt_err_nomem(err);
	}
	w->channel = ch;
	w->record = record;
	w->kind = join->kind;
	r = evt_ws_client_new(&o, &w->ws, err);
	if (r != EVT_OK) {
		free(w);
		return r;
	}
	w->next = ch->watchers;
	ch->watchers = w;
	ch->n_watchers++;
	r = channel_join_feed(w, join, err);
	if (r != EVT_OK) {
		evt_ws_client_free(w->ws);
		return r;
	}
	*ret_client = w->ws;
	return EVT_OK;
}

void
evt_channel_check(evt_channel *ch, int64_t now)
{
	evt_state_feed_beat(ch->states, now);
	for (struct watcher *w = ch->watchers; w != NULL; w = w->next) {
		bool bounded = ch->shared || w->kind == EVT_CHANNEL_CONTROL;

		if (bounded &&
		    evt_ws_client_stalled_since(w->ws) <
		        now - ch->o->client_stall_ns)
			evt_ws_client_cut_off(w->ws,
			    "it read nothing for too long");
	}
}

void
evt_channel_stop(evt_channel *ch)
{
	ch->stopping = true;
	evt_playback_stop(ch->playback);
	for (struct watcher *w = ch->watchers; w != NULL; w = w->next)
		evt_ws_client_goodbye(w->ws, 1001);
}
