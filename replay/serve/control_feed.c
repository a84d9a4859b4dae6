/*
 * control.c - /control: changes of the deck, of states, and frames, as they
 * happen; see docs/control.md.
 *
 * A page cannot draw a hundred thousand frames a second.  So states and frames
 * are gathered and told at most five times a second, however many there were,
 * and a page that reads slowly misses some messages and is never waited for.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/serve/server_impl.h"

/* Between two messages on states and frames, and on the deck. */
#define GATHER_NS (200 * EVT_NS_PER_MS)
#define DECK_NS EVT_NS_PER_S
/* A subscriber with so much unread misses messages. */
#define UNREAD_MAX (UINT64_C(4) << 20)
/* A frame with more payload is counted, not shown. */
#define SHOWN_BYTES (128u << 10)

/* ---- pieces of JSON ------------------------------------------------------ */

bool
evt_api_time_json(const char *name, int64_t ns, evt_buf *out)
{
	char text[EVT_TIMETEXT_MAX];

	return evt_buf_printf(out, "\"%s\":\"%s\",\"%s_ns\":%" PRId64, name,
	    evt_timetext_format(ns, 9, text), name, ns);
}

/* ,"name":VALUE as it stands in the state, or null. */
static bool
control_feed_add_value(const char *name, evt_json_view v,
    enum evt_json_view_kind kind, evt_buf *out)
{
	return evt_buf_printf(out, ",\"%s\":", name) &&
	    (evt_json_view_kind(v) == kind ? evt_buf_add(out, v.p, v.n) :
	                                     evt_buf_add_str(out, "null"));
}

static bool
control_feed_add_fields(const evt_state_source *s, evt_json_view state,
    evt_buf *out)
{
	evt_json_view gps = EVT_JSON_VIEW_MEMBER(state, "gps");
	evt_json_view at = EVT_JSON_VIEW_MEMBER(gps, "location");
	bool ok = s->state.known ?
	    evt_buf_printf(out, ",\"time_ns\":%" PRId64, s->state.time_ns) :
	    evt_buf_add_str(out, ",\"time_ns\":null");

	return ok &&
	    control_feed_add_value("lat", EVT_JSON_VIEW_MEMBER(at, "lat"),
	        EVT_JSON_VIEW_NUMBER, out) &&
	    control_feed_add_value("lng", EVT_JSON_VIEW_MEMBER(at, "lng"),
	        EVT_JSON_VIEW_NUMBER, out) &&
	    control_feed_add_value("heading",
	        EVT_JSON_VIEW_MEMBER(gps, "heading"), EVT_JSON_VIEW_NUMBER,
	        out) &&
	    control_feed_add_value("speed", EVT_JSON_VIEW_MEMBER(gps, "speed"),
	        EVT_JSON_VIEW_NUMBER, out) &&
	    control_feed_add_value("connection",
	        EVT_JSON_VIEW_MEMBER(state, "connection_status"),
	        EVT_JSON_VIEW_STRING, out) &&
	    control_feed_add_value("movement",
	        EVT_JSON_VIEW_MEMBER(state, "movement_status"),
	        EVT_JSON_VIEW_STRING, out);
}

bool
evt_api_source_json(const evt_state_source *s, bool with_state, evt_buf *out)
{
	evt_json_view state = { NULL, 0 };
	bool ok = evt_buf_add_str(out, "{\"id\":");

	if (s->state.known)
		state = (evt_json_view){ s->state.text.data + s->state.at,
			s->state.len };
	ok = ok &&
	    (s->key.is_int ? evt_buf_add(out, s->key.text, s->key.len) :
	                     evt_buf_add_json(out, s->key.text, s->key.len));
	ok = ok &&
	    (s->tracker != EVT_STATE_SOURCE_NO_TRACKER ?
	            evt_buf_printf(out, ",\"tracker\":%" PRId64, s->tracker) :
	            evt_buf_add_str(out, ",\"tracker\":null"));
	ok = ok && evt_buf_add_str(out, ",\"label\":") &&
	    (s->label != NULL ?
	            evt_buf_add_json(out, s->label, strlen(s->label)) :
	            evt_buf_add_str(out, "null"));
	ok = ok && control_feed_add_fields(s, state, out);
	if (ok && with_state)
		ok = evt_buf_add_str(out, ",\"state\":") &&
		    (s->state.known ? evt_buf_add(out, state.p, state.n) :
		                      evt_buf_add_str(out, "null"));
	return ok &&
	    evt_buf_printf(out, ",\"blocked\":%s%s}",
	        s->lifecycle.blocked ? "true" : "false",
	        s->lifecycle.corrupt ? ",\"removed\":true" : "");
}

static bool
control_feed_states_json(const struct stage *st, bool all, evt_buf *out)
{
	bool any = false,
	     ok = evt_buf_printf(out,
	         "{\"type\":\"states\",\"reset\":%s,\"at_ns\":%" PRId64
	         ",\"sources\":[",
	         all ? "true" : "false",
	         evt_playback_time(st, evt_waker_now()));

	for (size_t i = 0; i < evt_state_table_n(st->board) && ok; i++) {
		const evt_state_source *s = evt_state_table_at(st->board, i);

		/* Who never spoke is not shown; who is removed is told of once. */
		if (s->hidden || !s->state.known ||
		    (all ? s->lifecycle.corrupt : !s->changed))
			continue;
		ok = (!any || evt_buf_add_byte(out, ',')) &&
		    evt_api_source_json(s, false, out);
		any = true;
	}
	return ok && evt_buf_add_str(out, "]}");
}

static bool
control_feed_frames_json(const struct gathered *g, evt_buf *out)
{
	uint64_t n = g->n_shown < SHOWN_MAX ? g->n_shown : SHOWN_MAX;
	bool ok = evt_buf_printf(out,
	    "{\"type\":\"frames\",\"skipped\":%" PRIu64 ",\"frames\":[",
	    g->n - n);

	for (uint64_t i = g->n_shown - n; i < g->n_shown && ok; i++) {
		const evt_buf *e = &g->shown[i % SHOWN_MAX];

		/* Without its newline. */
		ok = (i == g->n_shown - n || evt_buf_add_byte(out, ',')) &&
		    evt_buf_add(out, e->data, e->len - 1);
	}
	return ok && evt_buf_add_str(out, "]}");
}

/* ---- sending ------------------------------------------------------------- */

enum who { ALL, WITH_STATES, WITH_FRAMES };

static bool
control_feed_is_for(const struct viewer *c, enum who who)
{
	return c->kind == VIEWER_CONTROL && c->tap.fanout != NULL &&
	    (who == ALL ||
	        (who == WITH_STATES ? c->with_states : c->with_frames)) &&
	    evt_fanout_reader_behind(&c->tap) < UNREAD_MAX;
}

static bool
control_feed_anybody(const struct stage *st, enum who who)
{
	for (const struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (control_feed_is_for(c, who))
			return true;
	}
	return false;
}

/* Send a message and free it.  ok: it could be made. */
static int
control_feed_send_all(struct stage *st, enum who who, evt_buf *text, bool ok,
    evt_error *err)
{
	int r = ok ? EVT_OK : evt_err_nomem(err);

	for (struct viewer *c = st->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (control_feed_is_for(c, who))
			r = evt_ws_client_send(c, text->data, text->len, err);
		else if (who == ALL && c->kind == VIEWER_CONTROL)
			c->missed = true;
	}
	evt_buf_free(text);
	return r;
}

static bool
control_feed_deck_json(const struct stage *st, evt_buf *out)
{
	return evt_buf_add_str(out, "{\"type\":\"deck\",\"deck\":") &&
	    evt_playback_json(st, out) && evt_buf_add_byte(out, '}');
}

int
evt_control_feed_hello(struct viewer *c, evt_error *err)
{
	struct stage *st = c->stage;
	evt_state_table *board;
	evt_buf deck = { 0 }, states = { 0 };
	bool ok = control_feed_deck_json(st, &deck);
	int r = EVT_OK;

	if (c->with_states) {
		r = evt_playback_board(st, &board, err);
		ok = ok && r == EVT_OK &&
		    control_feed_states_json(st, true, &states);
	}
	if (r == EVT_OK && !ok)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_ws_client_send(c, deck.data, deck.len, err);
	if (r == EVT_OK && states.len > 0)
		r = evt_ws_client_send(c, states.data, states.len, err);
	if (r == EVT_OK && st->gathered.tape_due_ns == INT64_MAX)
		st->gathered.tape_due_ns = 0;
	evt_buf_free(&deck);
	evt_buf_free(&states);
	return r;
}

int
evt_control_feed_catch_up(struct viewer *c, evt_error *err)
{
	if (!c->missed || evt_fanout_reader_behind(&c->tap) >= UNREAD_MAX / 2)
		return EVT_OK;
	c->missed = false;
	return evt_control_feed_hello(c, err);
}

/* ---- what happens -------------------------------------------------------- */

void
evt_control_feed_changed(struct stage *st)
{
	if (st->n[VIEWER_CONTROL] == 0)
		return;
	st->gathered.deck_due_ns = 0;
	evt_playback_wake(st);
}

/* There is something to tell: now, or when it may be. */
static void
control_feed_gather(struct gathered *g)
{
	if (g->due_ns == INT64_MAX)
		g->due_ns = g->last_ns + GATHER_NS;
}

void
evt_control_feed_moved(struct stage *st)
{
	struct gathered *g = &st->gathered;

	g->n = g->n_shown = 0;
	g->states = g->reset = true;
	g->due_ns = 0;
}

int
evt_control_feed_take(struct stage *st, const evt_frame *f, evt_error *err)
{
	struct gathered *g = &st->gathered;
	evt_buf *slot = &g->shown[g->n_shown % SHOWN_MAX];
	int r = EVT_OK;

	g->n++;
	g->states = true;
	control_feed_gather(g);
	if (f->len > SHOWN_BYTES || !control_feed_anybody(st, WITH_FRAMES))
		return EVT_OK;
	if (g->envelope == NULL)
		r = evt_envelope_new(st->server->o.reel->n > 1, &g->envelope,
		    err);
	slot->len = 0;
	if (r == EVT_OK)
		r = evt_envelope_write(g->envelope, f, slot, err);
	if (r == EVT_OK)
		g->n_shown++;
	return r;
}

static bool
control_feed_anything_changed(const evt_state_table *b)
{
	for (size_t i = 0; i < evt_state_table_n(b); i++) {
		if (evt_state_table_at(b, i)->changed)
			return true;
	}
	return false;
}

/* Send a text that is made when the first one needs it. */
static int
control_feed_send_states(struct viewer *c, bool all, evt_buf *text,
    evt_error *err)
{
	if (text->len == 0 && !control_feed_states_json(c->stage, all, text))
		return evt_err_nomem(err);
	return evt_ws_client_send(c, text->data, text->len, err);
}

static int
control_feed_tell_states(struct stage *st, evt_error *err)
{
	bool all = st->gathered.reset,
	     any = control_feed_anything_changed(st->board);
	evt_buf whole = { 0 }, changes = { 0 };
	int r = EVT_OK;

	for (struct viewer *c = st->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (!c->with_states || c->tap.fanout == NULL)
			continue;
		if (!control_feed_is_for(c, WITH_STATES)) {
			c->missed = true;
		} else if (all) {
			r = control_feed_send_states(c, true, &whole, err);
		} else if (any) {
			r = control_feed_send_states(c, false, &changes, err);
		}
	}
	evt_buf_free(&whole);
	evt_buf_free(&changes);
	evt_state_table_forget_changes(st->board);
	st->gathered.reset = false;
	return r;
}

static int
control_feed_tell_gathered(struct stage *st, int64_t now, evt_error *err)
{
	struct gathered *g = &st->gathered;
	evt_buf text = { 0 };
	bool ok;
	int r = EVT_OK;

	if (g->states && st->board_good)
		r = control_feed_tell_states(st, err);
	if (r == EVT_OK && g->n > 0 && control_feed_anybody(st, WITH_FRAMES)) {
		ok = control_feed_frames_json(g, &text);
		r = control_feed_send_all(st, WITH_FRAMES, &text, ok, err);
	}
	g->states = false;
	g->n = g->n_shown = 0;
	g->last_ns = now;
	g->due_ns = INT64_MAX;
	return r;
}

static int
control_feed_tell_deck(struct stage *st, int64_t now, evt_error *err)
{
	evt_buf text = { 0 };
	bool ok = control_feed_deck_json(st, &text);
	bool plays =
	    st->started && !st->ended && !evt_deck_paused(st->player.deck);

	st->gathered.deck_due_ns = plays ? now + DECK_NS : INT64_MAX;
	return control_feed_send_all(st, ALL, &text, ok, err);
}

/* The last frame of the tapes that are recorded.  INT64_MIN: there is none. */
static int64_t
control_feed_live_end(const evt_tape_set *reel)
{
	int64_t first, end, last = INT64_MIN;

	for (size_t i = 0; i < reel->n; i++) {
		if (evt_tape_live(reel->tape[i]) &&
		    evt_tape_span(reel->tape[i], &first, &end, NULL) ==
		        EVT_OK &&
		    end > last)
			last = end;
	}
	return last;
}

static int
control_feed_count_frames(const evt_tape_set *reel, uint64_t *ret_n,
    evt_error *err)
{
	evt_info *info;
	int r = EVT_OK;

	*ret_n = 0;
	for (size_t i = 0; i < reel->n && r == EVT_OK; i++) {
		r = evt_tape_info_of(reel->tape[i], 0, &info, err);
		if (r != EVT_OK)
			break;
		*ret_n += info->frames;
		evt_info_free(info);
	}
	return r;
}

/* A recorder may add to the tapes: tell when it did. */
static int
control_feed_tell_tape(struct stage *st, int64_t now, evt_error *err)
{
	const evt_tape_set *reel = st->server->o.reel;
	struct gathered *g = &st->gathered;
	int64_t last = control_feed_live_end(reel);
	evt_buf text = { 0 };
	uint64_t n;
	bool ok;

	g->tape_due_ns = now + DECK_NS;
	if (last <= g->tape_last_ns ||
	    control_feed_count_frames(reel, &n, err) != EVT_OK)
		return EVT_OK;
	g->tape_last_ns = last;
	ok = evt_buf_add_str(&text, "{\"type\":\"tape\",") &&
	    evt_api_time_json("last", last, &text) &&
	    evt_buf_printf(&text, ",\"frames\":%" PRIu64 "}", n);
	return control_feed_send_all(st, ALL, &text, ok, err);
}

int
evt_control_feed_tick(struct stage *st, int64_t now, evt_error *err)
{
	struct gathered *g = &st->gathered;
	int r = EVT_OK;

	if (st->n[VIEWER_CONTROL] == 0) {
		g->due_ns = g->deck_due_ns = g->tape_due_ns = INT64_MAX;
		return EVT_OK;
	}
	if (g->deck_due_ns <= now)
		r = control_feed_tell_deck(st, now, err);
	if (r == EVT_OK && g->due_ns <= now)
		r = control_feed_tell_gathered(st, now, err);
	if (r == EVT_OK && g->tape_due_ns <= now)
		r = control_feed_tell_tape(st, now, err);
	return r;
}

int64_t
evt_control_feed_due(const struct stage *st)
{
	const struct gathered *g = &st->gathered;
	int64_t due = g->due_ns < g->deck_due_ns ? g->due_ns : g->deck_due_ns;

	return g->tape_due_ns < due ? g->tape_due_ns : due;
}

void
evt_control_feed_free(struct stage *st)
{
	for (size_t i = 0; i < SHOWN_MAX; i++)
		evt_buf_free(&st->gathered.shown[i]);
	evt_envelope_free(st->gathered.envelope);
}
