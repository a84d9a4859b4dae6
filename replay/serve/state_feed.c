/*
 * crew.c - what a stage's board is for: clients of the stand-in, and /control.
 *
 * The board is made when the first of them comes, and is right only while one
 * is there: a stage that nobody asks for states reads no frame.
 */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/serve/server_impl.h"

/* After an unblocking the state that the platform sent is on the tape.  Where
 * it is not, the last one is sent so much later. */
#define OWED_NS (250 * EVT_NS_PER_MS)

/* Whether somebody watches who is told what the board shows. */
static bool
state_feed_has_crew(const struct stage *st)
{
	return st->n[VIEWER_STANDIN] + st->n[VIEWER_CONTROL] > 0;
}

/* A tape time as the board's clients see it. */
static int64_t
state_feed_shown_time(const struct stage *st, int64_t tape_ns)
{
	return st->rebase == NULL || tape_ns == INT64_MAX ?
	    tape_ns :
	    evt_clock_add(tape_ns, evt_time_shift_ns(st->rebase));
}

int
evt_server_board(evt_server *s, evt_time_shift *rebase,
    evt_state_table **ret_board, evt_error *err)
{
	evt_state_table *b;
	int r = evt_state_table_new(s->o.reel, rebase, &b, err);

	size_t n =
	    s->o.trackers != NULL ? evt_trackers_count(s->o.trackers) : 0;

	for (size_t i = 0; r == EVT_OK && i < n; i++) {
		const evt_tracker *t = evt_trackers_at(s->o.trackers, i);

		if (t->source.text == NULL)
			continue;
		r = evt_state_table_add_tracker(b, t->id, &t->source,
		    t->label_len > 0 ? t->label : NULL, err);
		if (r != EVT_OK)
			evt_state_table_free(b);
	}
	if (r == EVT_OK)
		*ret_board = b;
	return r;
}

int
evt_playback_board(struct stage *st, evt_state_table **ret_board,
    evt_error *err)
{
	int r = EVT_OK;

	if (st->board == NULL)
		r = evt_server_board(st->server, st->rebase, &st->board, err);
	if (r == EVT_OK && !st->board_good)
		evt_state_table_show_only(st->board, &st->play.sources);
	if (r == EVT_OK && !st->board_good)
		r = evt_state_table_load(st->board, st->at_ns, err);
	/* No frame has been told yet that says it. */
	if (r == EVT_OK && !st->board_good)
		r = evt_state_table_utc_offset(st->board, st->at_ns,
		    &st->telling.offset_s, err);
	if (r != EVT_OK)
		return r;
	/* Who is there is told all, and then what changes. */
	if (!st->board_good)
		evt_state_table_forget_changes(st->board);
	st->board_good = true;
	*ret_board = st->board;
	return EVT_OK;
}

void
evt_playback_crew_free(struct stage *st)
{
	evt_control_feed_free(st);
	evt_broadcast_free(&st->telling);
	evt_state_table_free(st->board);
	free(st->owed);
}

/* ---- clients of the stand-in --------------------------------------------- */

/* A client that cannot be told something must not go on as if it had been. */
static void
state_feed_drop_client(struct viewer *c, const evt_error *err)
{
	evt_ws_client_cut_off(c, err->text);
}

/* Each subscription and each seek is answered with states: who is told them again
 * and again must take them, or they would fill the memory. */
static bool
state_feed_may_be_told(struct viewer *c)
{
	if (c->standin == NULL || c->done)
		return false;
	if (evt_fanout_reader_behind(&c->tap) <=
	    c->stage->server->o.client_bytes)
		return true;
	evt_ws_client_cut_off(c, "it does not read what it asked for");
	return false;
}

/* Give each client of the stand-in to fn(). */
static void
state_feed_each_standin(struct stage *st,
    int (*fn)(evt_standin *c, evt_error *err))
{
	evt_error err;

	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->standin != NULL && fn(c->standin, &err) != EVT_OK)
			state_feed_drop_client(c, &err);
	}
}

static void
state_feed_say_equal_ids(evt_server *s)
{
	if (s->said_equal_ids || s->o.trackers != NULL)
		return;
	s->said_equal_ids = true;
	evt_server_notice(s,
	    "no tracker list is known: tracker ids are taken for source ids; "
	    "--trackers FILE gives one");
}

int
evt_ws_client_message(struct viewer *c, const char *text, size_t n,
    evt_error *err)
{
	struct stage *st = c->stage;
	int64_t now =
	    state_feed_shown_time(st, evt_playback_time(st, evt_waker_now()));
	evt_state_table *board;
	int r;

	if (!state_feed_may_be_told(c))
		return EVT_OK;
	r = evt_playback_board(st, &board, err);
	if (r == EVT_OK)
		r = evt_standin_on_message(c->standin, text, n, now, err);
	if (r == EVT_OK)
		evt_ws_client_told(c);
	if (r != EVT_OK || !evt_standin_subscribed(c->standin))
		return r;
	state_feed_say_equal_ids(st->server);
	if (evt_ws_client_starts(c) && !st->play.paused) {
		st->started = true;
		evt_control_feed_changed(st);
	}
	evt_playback_wake(st);
	return EVT_OK;
}

/* ---- states that are owed ------------------------------------------------ */

static int
state_feed_owe(struct stage *st, evt_state_source *source, evt_error *err)
{
	if (st->n_owed == st->cap_owed) {
		size_t cap = st->cap_owed > 0 ? st->cap_owed * 2 : 16;
		struct owed *owed = realloc(st->owed, cap * sizeof(*owed));

		if (owed == NULL)
			return evt_err_nomem(err);
		st->owed = owed;
		st->cap_owed = cap;
	}
	st->owed[st->n_owed++] =
	    (struct owed){ source, evt_waker_now() + OWED_NS };
	return EVT_OK;
}

static void
state_feed_paid(struct stage *st, const evt_state_source *source)
{
	size_t kept = 0;

	for (size_t i = 0; i < st->n_owed; i++) {
		if (st->owed[i].source != source)
			st->owed[kept++] = st->owed[i];
	}
	st->n_owed = kept;
}

static void
state_feed_pay(struct stage *st, evt_state_source *source)
{
	evt_error err;

	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->standin != NULL &&
		    evt_standin_send_current(c->standin, source, &err) !=
		        EVT_OK)
			state_feed_drop_client(c, &err);
	}
}

static void
state_feed_pay_due(struct stage *st, int64_t now)
{
	while (st->n_owed > 0 && st->owed[0].due_ns <= now) {
		evt_state_source *source = st->owed[0].source;

		state_feed_paid(st, source);
		state_feed_pay(st, source);
	}
}

/* ---- frames -------------------------------------------------------------- */

static int
state_feed_note_owed(struct stage *st, const evt_state_update *news,
    evt_error *err)
{
	if (news->kind == EVT_STATE_UPDATE_LIFECYCLE && news->n > 0) {
		evt_state_source *s = news->change[0].source;

		state_feed_paid(st, s);
		return news->life == EVT_STATE_UPDATE_LIFE_UNBLOCK ?
		    state_feed_owe(st, s, err) :
		    EVT_OK;
	}
	for (size_t i = 0; i < news->n; i++) {
		evt_state_source *s = news->change[i].source;

		if (st->n_owed > 0 && news->change[i].value.p != NULL)
			state_feed_paid(st, s);
		else if (news->kind == EVT_STATE_UPDATE_ANSWER &&
		    !s->lifecycle.blocked &&
		    state_feed_owe(st, s, err) != EVT_OK)
			return EVT_ERR_NOMEM;
	}
	return EVT_OK;
}

/* Send the batches that are due. */
static void
state_feed_tick_standins(struct stage *st, int64_t tape_ns)
{
	evt_error err;

	for (struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->standin != NULL &&
		    evt_standin_tick(c->standin, tape_ns, &err) != EVT_OK)
			state_feed_drop_client(c, &err);
	}
}

/* Keep the board up, and tell the clients of the stand-in. */
static int
state_feed_tell_standins(struct stage *st, const evt_frame *frame,
    evt_error *err)
{
	evt_state_update news;
	int r;

	/* What is due before it does not know of it yet. */
	state_feed_tick_standins(st, frame->time_ns);
	r = evt_state_table_apply(st->board, frame, &news, err);
	if (r == EVT_OK)
		r = state_feed_note_owed(st, &news, err);
	if (r == EVT_OK && st->n[VIEWER_STANDIN] > 0 &&
	    news.kind != EVT_STATE_UPDATE_NONE) {
		evt_broadcast_begin(&st->telling, frame, &news);
		state_feed_each_standin(st, evt_standin_on_frame);
		st->telling.frame = NULL;
		st->telling.update = NULL;
	}
	return r;
}

int
evt_playback_tell(struct stage *st, const evt_frame *frame,
    const evt_frame *moved, evt_error *err)
{
	int r = EVT_OK;

	/* Who wants states had the board loaded when he came. */
	if (!state_feed_has_crew(st))
		st->board_good = false;
	if (st->board_good)
		r = state_feed_tell_standins(st, moved, err);
	return r == EVT_OK && st->n[VIEWER_CONTROL] > 0 ?
	    evt_control_feed_take(st, frame, err) :
	    r;
}

/* What the sources were, before the board is loaded anew; free() it. */
static uint8_t *
state_feed_what_was(const evt_state_table *b)
{
	uint8_t *was = calloc(evt_state_table_n(b) + 1, 1);

	for (size_t i = 0; was != NULL && i < evt_state_table_n(b); i++) {
		const evt_state_source *s = evt_state_table_at(b, i);

		was[i] =
		    (uint8_t)((s->lifecycle.blocked ? EVT_STANDIN_WAS_BLOCKED :
		                                      0) |
		        (s->lifecycle.corrupt ? EVT_STANDIN_WAS_CORRUPT : 0));
	}
	return was;
}

int
evt_playback_moved(struct stage *st, evt_error *err)
{
	evt_error client_err;
	uint8_t *was;
	size_t n;
	int r;

	st->n_owed = 0;
	st->board_good = false;
	if (!state_feed_has_crew(st) || st->board == NULL)
		return EVT_OK;
	n = evt_state_table_n(st->board);
	was = state_feed_what_was(st->board);
	if (was == NULL)
		return evt_err_nomem(err);
	r = evt_playback_board(st, &st->board, err);
	evt_control_feed_moved(st);
	for (struct viewer *c = st->clients; c != NULL && r == EVT_OK;
	     c = c->next) {
		if (!state_feed_may_be_told(c))
			continue;
		if (evt_standin_on_moved(c->standin, was, n,
		        state_feed_shown_time(st, st->at_ns),
		        &client_err) != EVT_OK)
			state_feed_drop_client(c, &client_err);
		evt_ws_client_told(c);
	}
	free(was);
	return r;
}

/* ---- time ---------------------------------------------------------------- */

int
evt_playback_tick(struct stage *st, int64_t now, evt_error *err)
{
	/* At the end there is no more time that a batch could wait for. */
	int64_t tape = st->ended ?
	    INT64_MAX - 1 :
	    state_feed_shown_time(st, evt_playback_time(st, now));

	state_feed_pay_due(st, now);
	state_feed_tick_standins(st, tape);
	return evt_control_feed_tick(st, now, err);
}

/* When the deck reaches a tape time; INT64_MAX: not by itself. */
static int64_t
state_feed_wall_of(const struct stage *st, int64_t tape_ns, int64_t now)
{
	uint32_t speed =
	    st->live ? EVT_SPEED_ONE : evt_deck_speed(st->player.deck);
	int64_t left = evt_clock_sub(tape_ns, evt_playback_time(st, now));

	if (tape_ns == INT64_MAX || !st->started || st->ended ||
	    speed == EVT_SPEED_UNLIMITED || evt_deck_paused(st->player.deck))
		return INT64_MAX;
	if (left <= 0)
		return now;
	/* Beyond a day it can be asked again. */
	if (left > 86400 * EVT_NS_PER_S)
		left = 86400 * EVT_NS_PER_S;
	return now + 1 + (int64_t)((double)left * EVT_SPEED_ONE / speed);
}

int64_t
evt_playback_due(const struct stage *st, int64_t now)
{
	int64_t shift = st->rebase != NULL ? evt_time_shift_ns(st->rebase) : 0;
	int64_t due = st->n_owed > 0 ? st->owed[0].due_ns : INT64_MAX;
	int64_t tape = INT64_MAX, t;

	for (const struct viewer *c = st->clients; c != NULL; c = c->next) {
		if (c->standin == NULL)
			continue;
		t = evt_standin_due(c->standin);
		t = t == INT64_MAX ? t : evt_clock_sub(t, shift);
		tape = t < tape ? t : tape;
	}
	t = state_feed_wall_of(st, tape, now);
	if (t < due)
		due = t;
	t = st->has_loop ? state_feed_wall_of(st, st->loop_to_ns, now) :
	                   INT64_MAX;
	/* Not while it rests after its last jump. */
	t = t < st->rest_ns ? st->rest_ns : t;
	if (t < due)
		due = t;
	t = evt_control_feed_due(st);
	return t < due ? t : due;
}
