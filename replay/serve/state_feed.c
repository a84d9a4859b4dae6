/* state_feed.c - states, and the clients of the stand-in; see state_feed.h. */
#include "replay/serve/state_feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/navixy/atmosphere.h"
#include "replay/standin/standin.h"

/* After an unblocking, the state that the platform sent is expected on the tape
 * within this time. */
#define DEFER_NS (250 * EVT_NS_PER_MS)

/* A source that was unblocked, and whose state must follow. */
struct deferred {
	evt_state_source *source;
	int64_t due_ns; /* by the steady clock */
};

struct evt_state_feed_client {
	evt_state_feed_client *next;
	evt_state_feed *feed;
	evt_ws_client *ws;
	evt_standin *standin; /* NULL: it is not open yet */
	bool using;           /* it counts in users */
	bool atmosphere;
	int64_t beat_ns; /* its next heartbeat; INT64_MAX: none */
	char greeting[EVT_STATE_FEED_GREETING];
};

struct evt_state_feed {
	evt_state_feed_options o;
	evt_state_feed_client *clients;
	size_t users; /* who need the table to follow the playback */
	size_t n_open;
	evt_state_table *table; /* NULL: nobody needed it yet */
	bool follows;           /* it shows where the playback is */
	evt_broadcast broadcast;
	struct deferred *deferred; /* the first is due first */
	size_t n_deferred, cap_deferred;
};

/* ---- the state table ----------------------------------------------------- */

int
evt_state_feed_new_table(const evt_tape_set *tapes,
    const evt_trackers *trackers, evt_time_shift *shift,
    evt_state_table **ret_table, evt_error *err)
{
	size_t n = trackers != NULL ? evt_trackers_count(trackers) : 0;
	evt_state_table *table;
	int r = evt_state_table_new(tapes, shift, &table, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; r == EVT_OK && i < n; i++) {
		const evt_tracker *t = evt_trackers_at(trackers, i);

		if (t->source.text != NULL)
			r = evt_state_table_add_tracker(table, t->id,
			    &t->source, t->label_len > 0 ? t->label : NULL,
			    err);
	}
	if (r == EVT_OK)
		*ret_table = table;
	else
		evt_state_table_free(table);
	return r;
}

/* Load the table with what was said before the playback's place. */
static int
state_feed_load(evt_state_feed *f, evt_error *err)
{
	const evt_play_options *play = evt_playback_play_options(f->o.playback);
	int64_t at = evt_playback_place(f->o.playback);
	int r;

	evt_state_table_show_only(f->table, &play->sources.ids);
	r = evt_state_table_load(f->table, at, err);
	if (r != EVT_OK)
		return r;
	/* Clients get everything first, and changes from then on. */
	evt_state_table_forget_changes(f->table);
	f->follows = true;
	return EVT_OK;
}

int
evt_state_feed_table(evt_state_feed *f, evt_state_table **ret_table,
    evt_error *err)
{
	int r = EVT_OK;

	if (f->table == NULL)
		r = evt_state_feed_new_table(f->o.tapes, f->o.trackers,
		    evt_playback_shift(f->o.playback), &f->table, err);
	if (r == EVT_OK && !f->follows)
		r = state_feed_load(f, err);
	if (r == EVT_OK)
		*ret_table = f->table;
	return r;
}

bool
evt_state_feed_follows(const evt_state_feed *f)
{
	return f->follows;
}

bool
evt_state_feed_has_table(const evt_state_feed *f)
{
	return f->table != NULL;
}

void
evt_state_feed_use(evt_state_feed *f)
{
	f->users++;
}

void
evt_state_feed_unuse(evt_state_feed *f)
{
	assert(f->users > 0);
	f->users--;
}

/* ---- clients ------------------------------------------------------------- */

/* Each subscription and each seek is answered with states.  A client that asks
 * again and again must read the answers, or they would fill the memory. */
static bool
state_feed_may_send(evt_state_feed_client *c)
{
	if (c->standin == NULL || !evt_ws_client_takes_bytes(c->ws))
		return false;
	if (evt_ws_client_unread(c->ws) <= c->feed->o.client_bytes)
		return true;
	evt_ws_client_cut_off(c->ws, "it does not read what it asked for");
	return false;
}

/* A client that could not be sent something must not go on as if it had been. */
static void
state_feed_check_sent(evt_state_feed_client *c, int r, const evt_error *err)
{
	if (r != EVT_OK)
		evt_ws_client_cut_off(c->ws, err->text);
}

/* The stand-in's send(). */
static int
state_feed_send(void *ctx, const void *text, size_t n, evt_error *err)
{
	const evt_state_feed_client *c = ctx;

	return evt_ws_client_send(c->ws, text, n, err);
}

int
evt_state_feed_client_new(evt_state_feed *f, evt_ws_client *ws,
    const char *greeting, bool atmosphere, evt_state_feed_client **ret_client,
    evt_error *err)
{
	evt_state_feed_client *c;

	assert(ws != NULL && strlen(greeting) < EVT_STATE_FEED_GREETING);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return evt_err_nomem(err);
	c->feed = f;
	c->ws = ws;
	c->atmosphere = atmosphere;
	c->beat_ns = INT64_MAX;
	memcpy(c->greeting, greeting, strlen(greeting) + 1);
	c->next = f->clients;
	f->clients = c;
	*ret_client = c;
	return EVT_OK;
}

void
evt_state_feed_client_free(evt_state_feed_client *c)
{
	evt_state_feed_client **at;

	if (c == NULL)
		return;
	at = &c->feed->clients;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->using) {
		c->feed->n_open--;
		evt_state_feed_unuse(c->feed);
	}
	evt_standin_free(c->standin);
	free(c);
}

int
evt_state_feed_client_open(evt_state_feed_client *c, evt_error *err)
{
	evt_state_feed *f = c->feed;
	evt_standin_options o = { .broadcast = &f->broadcast,
		.hash = f->o.hash,
		.send = state_feed_send,
		.ctx = c };
	int r;

	assert(!c->using);
	c->using = true;
	f->n_open++;
	evt_state_feed_use(f);
	r = evt_state_feed_table(f, &o.table, err);
	if (r == EVT_OK)
		r = evt_standin_new(&o, &c->standin, err);
	if (r != EVT_OK)
		return r;
	if (c->atmosphere && f->o.heartbeat_ns > 0)
		c->beat_ns = evt_clock_mono() + f->o.heartbeat_ns;
	return c->greeting[0] == '\0' ?
	    EVT_OK :
	    evt_ws_client_send(c->ws, c->greeting, strlen(c->greeting), err);
}

int
evt_state_feed_client_message(evt_state_feed_client *c, const char *text,
    size_t n, evt_error *err)
{
	evt_state_feed *f = c->feed;
	evt_playback *p = f->o.playback;
	int64_t now =
	    evt_playback_shown_time(p, evt_playback_time(p, evt_clock_mono()));
	evt_state_table *table;
	int r;

	if (!state_feed_may_send(c))
		return EVT_OK;
	r = evt_state_feed_table(f, &table, err);
	if (r == EVT_OK)
		r = evt_standin_on_message(c->standin, text, n, now, err);
	if (r != EVT_OK)
		return r;
	evt_ws_client_excuse(c->ws);
	if (evt_standin_subscribed(c->standin))
		f->o.on_subscribed(f->o.ctx);
	return EVT_OK;
}

uint64_t
evt_state_feed_client_asked(const evt_state_feed_client *c)
{
	return c->standin != NULL ? evt_standin_asked(c->standin) : 0;
}

bool
evt_state_feed_client_words(const evt_state_feed_client *c, evt_buf *out)
{
	return c->standin == NULL || evt_standin_words(c->standin, out);
}

/* Heartbeats are for clients of Atmosphere: others take each message for JSON. */
void
evt_state_feed_beat(evt_state_feed *f, int64_t now)
{
	evt_error err;

	for (evt_state_feed_client *c = f->clients; c != NULL; c = c->next) {
		if (c->beat_ns > now)
			continue;
		c->beat_ns = now + f->o.heartbeat_ns;
		state_feed_check_sent(c,
		    evt_ws_client_send(c->ws, EVT_ATMOSPHERE_BEAT,
		        strlen(EVT_ATMOSPHERE_BEAT), &err),
		    &err);
	}
}

/* Send each client the batches that are due at a shown time. */
static void
state_feed_send_due(evt_state_feed *f, int64_t shown_ns)
{
	evt_error err;

	for (evt_state_feed_client *c = f->clients; c != NULL; c = c->next) {
		if (c->standin != NULL)
			state_feed_check_sent(c,
			    evt_standin_tick(c->standin, shown_ns, &err), &err);
	}
}

/* ---- deferred states ----------------------------------------------------- */

static int
state_feed_defer(evt_state_feed *f, evt_state_source *source, evt_error *err)
{
	if (!evt_grow(&f->deferred, &f->cap_deferred, f->n_deferred + 1))
		return evt_err_nomem(err);
	f->deferred[f->n_deferred++] =
	    (struct deferred){ source, evt_clock_mono() + DEFER_NS };
	return EVT_OK;
}

/* The source's state was sent, or must not be. */
static void
state_feed_undefer(evt_state_feed *f, const evt_state_source *source)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n_deferred; i++) {
		if (f->deferred[i].source != source)
			f->deferred[kept++] = f->deferred[i];
	}
	f->n_deferred = kept;
}

/* Send the states that did not come in time. */
static void
state_feed_send_deferred(evt_state_feed *f, int64_t now)
{
	evt_error err;

	while (f->n_deferred > 0 && f->deferred[0].due_ns <= now) {
		evt_state_source *source = f->deferred[0].source;

		state_feed_undefer(f, source);
		for (evt_state_feed_client *c = f->clients; c != NULL;
		     c = c->next) {
			if (c->standin != NULL)
				state_feed_check_sent(c,
				    evt_standin_send_current(c->standin, source,
				        &err),
				    &err);
		}
	}
}

/* What a frame means for deferred states. */
static int
state_feed_note_deferred(evt_state_feed *f, const evt_state_update *update,
    evt_error *err)
{
	if (update->kind == EVT_STATE_UPDATE_LIFECYCLE && update->n > 0) {
		evt_state_source *s = update->change[0].source;

		state_feed_undefer(f, s);
		return update->life == EVT_STATE_UPDATE_LIFE_UNBLOCK ?
		    state_feed_defer(f, s, err) :
		    EVT_OK;
	}
	for (size_t i = 0; i < update->n; i++) {
		evt_state_source *s = update->change[i].source;

		if (f->n_deferred > 0 && update->change[i].value.p != NULL)
			state_feed_undefer(f, s);
		else if (update->kind == EVT_STATE_UPDATE_ANSWER &&
		    !s->lifecycle.blocked &&
		    state_feed_defer(f, s, err) != EVT_OK)
			return EVT_ERR_NOMEM;
	}
	return EVT_OK;
}

/* ---- the playback's observer --------------------------------------------- */

static int
state_feed_on_frame(void *ctx, const evt_frame *frame, const evt_frame *shown,
    evt_error *err)
{
	evt_state_feed *f = ctx;
	evt_state_update update;
	int r;

	/* A client that wants states has the table loaded when it comes. */
	if (f->users == 0)
		f->follows = false;
	if (!f->follows)
		return EVT_OK;
	if (evt_state_table_is_earlier(f->table, frame))
		return EVT_OK;
	/* Batches that are due before the frame do not know of it yet. */
	state_feed_send_due(f, shown->time_ns);
	r = evt_state_table_apply(f->table, shown, &update, err);
	if (r == EVT_OK)
		r = state_feed_note_deferred(f, &update, err);
	if (r != EVT_OK || f->n_open == 0 ||
	    update.kind == EVT_STATE_UPDATE_NONE)
		return r;
	evt_broadcast_begin(&f->broadcast, shown, &update);
	for (evt_state_feed_client *c = f->clients; c != NULL; c = c->next) {
		evt_error client_err;

		if (c->standin != NULL)
			state_feed_check_sent(c,
			    evt_standin_on_frame(c->standin, &client_err),
			    &client_err);
	}
	f->broadcast.frame = NULL;
	f->broadcast.update = NULL;
	return EVT_OK;
}

/* What the sources were, before the table is loaded again; free() it.  NULL: out
 * of memory. */
static uint8_t *
state_feed_flags(const evt_state_table *table)
{
	uint8_t *was = calloc(evt_state_table_n(table) + 1, 1);

	for (size_t i = 0; was != NULL && i < evt_state_table_n(table); i++) {
		const evt_state_source *s = evt_state_table_at(table, i);

		was[i] =
		    (uint8_t)((s->lifecycle.blocked ? EVT_STANDIN_WAS_BLOCKED :
		                                      0) |
		        (s->lifecycle.corrupt ? EVT_STANDIN_WAS_CORRUPT : 0));
	}
	return was;
}

static int
state_feed_on_moved(void *ctx, evt_error *err)
{
	evt_state_feed *f = ctx;
	int64_t at;
	uint8_t *was;
	size_t n;
	int r;

	f->n_deferred = 0;
	f->follows = false;
	if (f->users == 0 || f->table == NULL)
		return EVT_OK;
	n = evt_state_table_n(f->table);
	was = state_feed_flags(f->table);
	if (was == NULL)
		return evt_err_nomem(err);
	r = state_feed_load(f, err);
	at = evt_playback_shown_time(f->o.playback,
	    evt_playback_place(f->o.playback));
	for (evt_state_feed_client *c = f->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		evt_error client_err;

		if (!state_feed_may_send(c))
			continue;
		state_feed_check_sent(c,
		    evt_standin_on_moved(c->standin, was, n, at, &client_err),
		    &client_err);
		evt_ws_client_excuse(c->ws);
	}
	free(was);
	return r;
}

static int
state_feed_on_tick(void *ctx, int64_t now, evt_error *err)
{
	evt_state_feed *f = ctx;
	evt_playback *p = f->o.playback;

	(void)err;
	state_feed_send_deferred(f, now);
	/* At the end no more time passes that a batch could wait for. */
	state_feed_send_due(f,
	    evt_playback_ended(p) ?
	        INT64_MAX - 1 :
	        evt_playback_shown_time(p, evt_playback_time(p, now)));
	return EVT_OK;
}

static int64_t
state_feed_due(void *ctx, int64_t now)
{
	const evt_state_feed *f = ctx;
	const evt_playback *p = f->o.playback;
	int64_t due = f->n_deferred > 0 ? f->deferred[0].due_ns : INT64_MAX;
	int64_t shown = INT64_MAX, wall;

	for (const evt_state_feed_client *c = f->clients; c != NULL;
	     c = c->next) {
		int64_t t = c->standin != NULL ? evt_standin_due(c->standin) :
		                                 INT64_MAX;

		shown = t < shown ? t : shown;
	}
	if (shown == INT64_MAX)
		return due;
	wall = evt_playback_wall_of(p,
	    evt_clock_sub(shown, evt_playback_shift_ns(p)), now);
	return wall < due ? wall : due;
}

/* ---- life ------------------------------------------------------------------ */

int
evt_state_feed_new(const evt_state_feed_options *options,
    evt_state_feed **ret_feed, evt_error *err)
{
	evt_state_feed *f;

	assert(options->playback != NULL && options->tapes != NULL);
	assert(options->on_subscribed != NULL);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return evt_err_nomem(err);
	f->o = *options;
	evt_playback_observe(options->playback,
	    &(evt_playback_observer){ .on_frame = state_feed_on_frame,
	        .on_moved = state_feed_on_moved,
	        .on_tick = state_feed_on_tick,
	        .due = state_feed_due,
	        .ctx = f });
	*ret_feed = f;
	return EVT_OK;
}

void
evt_state_feed_free(evt_state_feed *f)
{
	if (f == NULL)
		return;
	assert(f->clients == NULL && f->n_open == 0);
	evt_broadcast_free(&f->broadcast);
	evt_state_table_free(f->table);
	free(f->deferred);
	free(f);
}
