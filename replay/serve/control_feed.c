/* control_feed.c - /control; see control_feed.h. */
#include "replay/serve/control_feed.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/read/envelope.h"
#include "replay/serve/api_json.h"
#include "replay/serve/playback_control.h"

/* Between two messages with states and frames, and with the deck. */
#define GATHER_NS (200 * EVT_NS_PER_MS)
#define DECK_NS EVT_NS_PER_S
/* A client with so many bytes unread misses messages. */
#define UNREAD_MAX (UINT64_C(4) << 20)
/* A frame with more payload is counted, not shown. */
#define SHOWN_BYTES (128u << 10)
/* Frames in one message, at most. */
#define SHOWN_MAX 40u

/* What is gathered between two messages. */
struct gathered {
	evt_buf shown[SHOWN_MAX]; /* envelopes of the newest frames, a ring */
	uint64_t n_shown;         /* put there since the last message */
	uint64_t n;               /* all frames since then */
	bool states;              /* states have changed */
	bool reset;               /* all of them: the table was loaded again */
	int64_t last_ns;          /* when the last message was sent */
};

struct evt_control_feed_client {
	evt_control_feed_client *next;
	evt_control_feed *feed;
	evt_ws_client *ws;
	evt_control_feed_with with;
	bool open;   /* it counts in n_open */
	bool missed; /* messages, since it reads slowly */
};

struct evt_control_feed {
	evt_control_feed_options o;
	evt_control_feed_client *clients;
	size_t n_open;
	evt_envelope *envelope; /* NULL: no frame was shown yet */
	struct gathered gathered;
	/* Steady times; INT64_MAX: nothing to send. */
	int64_t gathered_due_ns; /* of the next message with states, frames */
	int64_t deck_due_ns;     /* of the next one with the deck */
	int64_t tape_due_ns;     /* of the next look whether the tapes grew */
	int64_t tape_last_ns;    /* their last frame, as was sent */
	int64_t log_due_ns;      /* of the next look at the log of clients */
	uint64_t log_version;    /* as it was sent */
};

/* ---- messages ------------------------------------------------------------- */

static bool
control_feed_write_deck(const evt_control_feed *f, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "deck");
	evt_playback_control_json(f->o.playback, f->o.audience, &w, "deck");
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

/* all: of all sources, else of those that changed. */
static bool
control_feed_write_states(const evt_control_feed *f,
    const evt_state_table *table, bool all, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "states");
	evt_json_write_bool(&w, "reset", all);
	evt_json_write_int(&w, "at_ns",
	    evt_playback_time(f->o.playback, evt_clock_mono()));
	evt_json_write_array(&w, "sources");
	for (size_t i = 0; i < evt_state_table_n(table); i++) {
		const evt_state_source *s = evt_state_table_at(table, i);

		/* A source that never said anything is not shown; that one was
		 * removed is sent once. */
		if (!s->hidden && s->state.known &&
		    (all ? !s->lifecycle.corrupt : s->changed))
			evt_api_json_source(&w, NULL, s, false);
	}
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static bool
control_feed_write_frames(const struct gathered *g, evt_buf *out)
{
	uint64_t n = g->n_shown < SHOWN_MAX ? g->n_shown : SHOWN_MAX;
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "frames");
	evt_json_write_uint(&w, "skipped", g->n - n);
	evt_json_write_array(&w, "frames");
	for (uint64_t i = g->n_shown - n; i < g->n_shown; i++) {
		const evt_buf *e = &g->shown[i % SHOWN_MAX];

		/* Without its line feed. */
		evt_json_write_raw(&w, NULL, e->data, e->len - 1);
	}
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static bool
control_feed_write_tape(int64_t last_ns, uint64_t frames, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "tape");
	evt_api_json_time(&w, "last", last_ns);
	evt_json_write_uint(&w, "frames", frames);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

/* Clients that changed after that version; 0: all. */
static bool
control_feed_write_clients(const evt_control_feed *f, uint64_t version,
    evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "clients");
	evt_json_write_bool(&w, "reset", version == 0);
	evt_json_write_array(&w, "clients");
	evt_client_log_write(f->o.log, version, &w);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

/* ---- clients --------------------------------------------------------------- */

static bool
control_feed_reads(const evt_control_feed_client *c)
{
	return c->open && evt_ws_client_unread(c->ws) < UNREAD_MAX;
}

static bool
control_feed_anybody_wants_frames(const evt_control_feed *f)
{
	for (const evt_control_feed_client *c = f->clients; c != NULL;
	     c = c->next) {
		if (c->with.frames && control_feed_reads(c))
			return true;
	}
	return false;
}

/* Send a text to all clients.  Those that cannot read it now get all later. */
static int
control_feed_send_all(evt_control_feed *f, const evt_buf *text, evt_error *err)
{
	int r = EVT_OK;

	for (evt_control_feed_client *c = f->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (control_feed_reads(c))
			r = evt_ws_client_send(c->ws, text->data, text->len,
			    err);
		else
			c->missed = c->open;
	}
	return r;
}

/* What a client is sent first: the deck, and all states and clients. */
static int
control_feed_send_everything(evt_control_feed_client *c, evt_error *err)
{
	evt_control_feed *f = c->feed;
	evt_buf deck = { 0 }, states = { 0 }, clients = { 0 };
	bool ok = control_feed_write_deck(f, &deck);
	evt_state_table *table;
	int r = EVT_OK;

	if (c->with.states)
		r = evt_state_feed_table(f->o.states, &table, err);
	if (r == EVT_OK && c->with.states)
		ok = ok && control_feed_write_states(f, table, true, &states);
	if (r == EVT_OK && c->with.clients)
		ok = ok && control_feed_write_clients(f, 0, &clients);
	if (r == EVT_OK && !ok)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_ws_client_send(c->ws, deck.data, deck.len, err);
	if (r == EVT_OK && states.len > 0)
		r = evt_ws_client_send(c->ws, states.data, states.len, err);
	if (r == EVT_OK && clients.len > 0)
		r = evt_ws_client_send(c->ws, clients.data, clients.len, err);
	if (r == EVT_OK && f->tape_due_ns == INT64_MAX)
		f->tape_due_ns = 0;
	if (r == EVT_OK && c->with.clients && f->log_due_ns == INT64_MAX)
		f->log_due_ns = 0;
	evt_buf_free(&deck);
	evt_buf_free(&states);
	evt_buf_free(&clients);
	return r;
}

int
evt_control_feed_client_new(evt_control_feed *f, evt_ws_client *ws,
    evt_control_feed_with with, evt_control_feed_client **ret_client,
    evt_error *err)
{
	evt_control_feed_client *c;

	assert(ws != NULL);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return evt_err_nomem(err);
	c->feed = f;
	c->ws = ws;
	c->with = with;
	c->next = f->clients;
	f->clients = c;
	*ret_client = c;
	return EVT_OK;
}

void
evt_control_feed_client_free(evt_control_feed_client *c)
{
	evt_control_feed_client **at;

	if (c == NULL)
		return;
	at = &c->feed->clients;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	if (c->open) {
		c->feed->n_open--;
		evt_state_feed_unuse(c->feed->o.states);
	}
	free(c);
}

int
evt_control_feed_client_open(evt_control_feed_client *c, evt_error *err)
{
	assert(!c->open);
	c->open = true;
	c->feed->n_open++;
	evt_state_feed_use(c->feed->o.states);
	return control_feed_send_everything(c, err);
}

int
evt_control_feed_client_catch_up(evt_control_feed_client *c, evt_error *err)
{
	if (!c->missed || evt_ws_client_unread(c->ws) >= UNREAD_MAX / 2)
		return EVT_OK;
	c->missed = false;
	return control_feed_send_everything(c, err);
}

/* ---- what is due ------------------------------------------------------------- */

static bool
control_feed_any_state_changed(const evt_state_table *table)
{
	for (size_t i = 0; i < evt_state_table_n(table); i++) {
		if (evt_state_table_at(table, i)->changed)
			return true;
	}
	return false;
}

/* Send the states that changed, or all after the table was loaded again. */
static int
control_feed_send_states(evt_control_feed *f, evt_state_table *table,
    evt_error *err)
{
	bool all = f->gathered.reset;
	bool any = all || control_feed_any_state_changed(table);
	evt_buf text = { 0 };
	int r = EVT_OK;

	for (evt_control_feed_client *c = f->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (!c->with.states || !c->open)
			continue;
		if (!control_feed_reads(c)) {
			c->missed = true;
			continue;
		}
		if (!any)
			continue;
		/* The text is made when the first client needs it. */
		if (text.len == 0 &&
		    !control_feed_write_states(f, table, all, &text))
			r = evt_err_nomem(err);
		if (r == EVT_OK)
			r = evt_ws_client_send(c->ws, text.data, text.len, err);
	}
	evt_buf_free(&text);
	evt_state_table_forget_changes(table);
	f->gathered.reset = false;
	return r;
}

static int
control_feed_send_frames(evt_control_feed *f, evt_error *err)
{
	evt_buf text = { 0 };
	int r = EVT_OK;

	if (!control_feed_write_frames(&f->gathered, &text))
		r = evt_err_nomem(err);
	for (evt_control_feed_client *c = f->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (c->with.frames && control_feed_reads(c))
			r = evt_ws_client_send(c->ws, text.data, text.len, err);
	}
	evt_buf_free(&text);
	return r;
}

static int
control_feed_send_gathered(evt_control_feed *f, int64_t now, evt_error *err)
{
	struct gathered *g = &f->gathered;
	evt_state_table *table;
	int r = EVT_OK;

	if (g->states && evt_state_feed_follows(f->o.states)) {
		r = evt_state_feed_table(f->o.states, &table, err);
		if (r == EVT_OK)
			r = control_feed_send_states(f, table, err);
	}
	if (r == EVT_OK && g->n > 0 && control_feed_anybody_wants_frames(f))
		r = control_feed_send_frames(f, err);
	g->states = false;
	g->n = g->n_shown = 0;
	g->last_ns = now;
	f->gathered_due_ns = INT64_MAX;
	return r;
}

static int
control_feed_send_deck(evt_control_feed *f, int64_t now, evt_error *err)
{
	evt_buf text = { 0 };
	int r = EVT_OK;

	f->deck_due_ns = evt_playback_plays(f->o.playback) ?
	    evt_clock_add(now, DECK_NS) :
	    INT64_MAX;
	if (!control_feed_write_deck(f, &text))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = control_feed_send_all(f, &text, err);
	evt_buf_free(&text);
	return r;
}

/* The last frame of the tapes that are being recorded.  INT64_MIN: there is no
 * such tape, or no frame. */
static int64_t
control_feed_live_end(const evt_tape_set *tapes)
{
	int64_t first, end, last = INT64_MIN;

	for (size_t i = 0; i < tapes->n; i++) {
		if (evt_tape_live(tapes->tape[i]) &&
		    evt_tape_span(tapes->tape[i], &first, &end, NULL) ==
		        EVT_OK &&
		    end > last)
			last = end;
	}
	return last;
}

static int
control_feed_count_frames(const evt_tape_set *tapes, uint64_t *ret_n,
    evt_error *err)
{
	evt_info *info;
	int r = EVT_OK;

	*ret_n = 0;
	for (size_t i = 0; i < tapes->n && r == EVT_OK; i++) {
		r = evt_tape_info_of(tapes->tape[i], 0, &info, err);
		if (r != EVT_OK)
			break;
		*ret_n += info->frames;
		evt_info_free(info);
	}
	return r;
}

/* A recorder may add to the tapes: say so when it did. */
static int
control_feed_send_growth(evt_control_feed *f, int64_t now, evt_error *err)
{
	int64_t last = control_feed_live_end(f->o.tapes);
	evt_buf text = { 0 };
	uint64_t n;
	int r = EVT_OK;

	f->tape_due_ns = evt_clock_add(now, DECK_NS);
	if (last <= f->tape_last_ns ||
	    control_feed_count_frames(f->o.tapes, &n, err) != EVT_OK)
		return EVT_OK;
	f->tape_last_ns = last;
	if (!control_feed_write_tape(last, n, &text))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = control_feed_send_all(f, &text, err);
	evt_buf_free(&text);
	return r;
}

/* Say which clients changed, to those that want to know. */
static int
control_feed_send_clients(evt_control_feed *f, int64_t now, evt_error *err)
{
	uint64_t version = evt_client_log_version(f->o.log);
	evt_buf text = { 0 };
	int r = EVT_OK;

	f->log_due_ns = INT64_MAX;
	for (evt_control_feed_client *c = f->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (!c->with.clients || !c->open)
			continue;
		f->log_due_ns = evt_clock_add(now, DECK_NS);
		if (version == f->log_version)
			break;
		if (!control_feed_reads(c)) {
			c->missed = true;
			continue;
		}
		if (text.len == 0 &&
		    !control_feed_write_clients(f, f->log_version, &text))
			r = evt_err_nomem(err);
		if (r == EVT_OK)
			r = evt_ws_client_send(c->ws, text.data, text.len, err);
	}
	f->log_version = version;
	evt_buf_free(&text);
	return r;
}

/* ---- the playback's observer ------------------------------------------------- */

void
evt_control_feed_changed(evt_control_feed *f)
{
	if (f->n_open == 0)
		return;
	f->deck_due_ns = 0;
	evt_playback_wake(f->o.playback);
}

static void
control_feed_on_state(void *ctx)
{
	evt_control_feed_changed(ctx);
}

static int
control_feed_on_moved(void *ctx, evt_error *err)
{
	evt_control_feed *f = ctx;
	struct gathered *g = &f->gathered;

	(void)err;
	if (f->n_open == 0 || !evt_state_feed_has_table(f->o.states))
		return EVT_OK;
	g->n = g->n_shown = 0;
	g->states = g->reset = true;
	f->gathered_due_ns = 0;
	return EVT_OK;
}

static int
control_feed_on_frame(void *ctx, const evt_frame *frame, const evt_frame *shown,
    evt_error *err)
{
	evt_control_feed *f = ctx;
	struct gathered *g = &f->gathered;
	evt_buf *slot = &g->shown[g->n_shown % SHOWN_MAX];
	int r = EVT_OK;

	(void)shown;
	if (f->n_open == 0)
		return EVT_OK;
	g->n++;
	g->states = true;
	if (f->gathered_due_ns == INT64_MAX)
		f->gathered_due_ns = g->last_ns + GATHER_NS;
	if (frame->len > SHOWN_BYTES || !control_feed_anybody_wants_frames(f))
		return EVT_OK;
	if (f->envelope == NULL)
		r = evt_envelope_new(f->o.tapes->n > 1, &f->envelope, err);
	slot->len = 0;
	if (r == EVT_OK)
		r = evt_envelope_write(f->envelope, frame, slot, err);
	if (r == EVT_OK)
		g->n_shown++;
	return r;
}

static int
control_feed_on_tick(void *ctx, int64_t now, evt_error *err)
{
	evt_control_feed *f = ctx;
	int r = EVT_OK;

	if (f->n_open == 0) {
		f->gathered_due_ns = f->deck_due_ns = f->tape_due_ns =
		    f->log_due_ns = INT64_MAX;
		return EVT_OK;
	}
	if (f->deck_due_ns <= now)
		r = control_feed_send_deck(f, now, err);
	if (r == EVT_OK && f->gathered_due_ns <= now)
		r = control_feed_send_gathered(f, now, err);
	if (r == EVT_OK && f->tape_due_ns <= now)
		r = control_feed_send_growth(f, now, err);
	if (r == EVT_OK && f->log_due_ns <= now)
		r = control_feed_send_clients(f, now, err);
	return r;
}

static int64_t
control_feed_due(void *ctx, int64_t now)
{
	const evt_control_feed *f = ctx;
	int64_t due = f->gathered_due_ns < f->deck_due_ns ? f->gathered_due_ns :
	                                                    f->deck_due_ns;

	(void)now;
	due = f->tape_due_ns < due ? f->tape_due_ns : due;
	return f->log_due_ns < due ? f->log_due_ns : due;
}

/* ---- life ------------------------------------------------------------------ */

int
evt_control_feed_new(const evt_control_feed_options *options,
    evt_control_feed **ret_feed, evt_error *err)
{
	evt_control_feed *f;

	assert(options->playback != NULL && options->states != NULL);
	assert(options->tapes != NULL && options->audience != NULL);
	assert(options->log != NULL);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return evt_err_nomem(err);
	f->o = *options;
	f->gathered_due_ns = f->deck_due_ns = f->tape_due_ns = f->log_due_ns =
	    INT64_MAX;
	evt_playback_observe(options->playback,
	    &(evt_playback_observer){ .on_frame = control_feed_on_frame,
	        .on_moved = control_feed_on_moved,
	        .on_state = control_feed_on_state,
	        .on_tick = control_feed_on_tick,
	        .due = control_feed_due,
	        .ctx = f });
	*ret_feed = f;
	return EVT_OK;
}

void
evt_control_feed_free(evt_control_feed *f)
{
	if (f == NULL)
		return;
	assert(f->clients == NULL && f->n_open == 0);
	for (size_t i = 0; i < SHOWN_MAX; i++)
		evt_buf_free(&f->gathered.shown[i]);
	evt_envelope_free(f->envelope);
	free(f);
}
