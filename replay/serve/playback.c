/*
 * playback.c - the state of a playback: its place, its observers, what moves it.
 * playback_pump.c plays it; see playback.h.
 */
#include "replay/serve/playback.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/serve/playback_priv.h"

/* Farther than this, evt_playback_wall_of() is asked again anyway. */
#define DAY_NS (86400 * EVT_NS_PER_S)

/* ---- life ------------------------------------------------------------------ */

static int
playback_set_up(evt_playback *p, const evt_play_options *play, evt_error *err)
{
	const evt_tape_set *tapes = p->o.tapes;
	int r = evt_play_options_copy(play, &p->play, err);

	if (r == EVT_OK)
		r = evt_player_open(tapes, &p->play, &p->player, err);
	if (r == EVT_OK)
		r = evt_tape_set_start(tapes, play, &p->start_ns, err);
	if (r == EVT_OK && p->o.shift)
		r = evt_time_shift_new(p->start_ns, evt_clock_real(), &p->shift,
		    err);
	return r;
}

int
evt_playback_new(const evt_playback_options *options,
    evt_playback **ret_playback, evt_error *err)
{
	evt_playback *p;
	int r;

	assert(options->tapes != NULL && options->play != NULL);
	assert(options->lateness != NULL && options->failed != NULL);
	assert(options->notice != NULL);
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return evt_err_nomem(err);
	p->o = *options;
	p->o.play = NULL;
	r = playback_set_up(p, options->play, err);
	if (r != EVT_OK) {
		evt_playback_free(p);
		return r;
	}
	p->wake_ns = INT64_MAX;
	p->at_ns = p->start_ns;
	p->pass = 1;
	*ret_playback = p;
	return EVT_OK;
}

void
evt_playback_free(evt_playback *p)
{
	if (p == NULL)
		return;
	evt_player_close(&p->player);
	evt_time_shift_free(p->shift);
	evt_play_options_free(&p->play);
	free(p);
}

/* ---- observers ---------------------------------------------------------------- */

void
evt_playback_observe(evt_playback *p, const evt_playback_observer *observer)
{
	assert(p->n_observers < EVT_PLAYBACK_OBSERVERS);
	p->observer[p->n_observers++] = *observer;
}

int
evt_playback_tell_frame(evt_playback *p, const evt_frame *frame,
    const evt_frame *shown, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < p->n_observers && r == EVT_OK; i++) {
		const evt_playback_observer *o = &p->observer[i];

		if (o->on_frame != NULL)
			r = o->on_frame(o->ctx, frame, shown, err);
	}
	return r;
}

int
evt_playback_tell_moved(evt_playback *p, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < p->n_observers && r == EVT_OK; i++) {
		const evt_playback_observer *o = &p->observer[i];

		if (o->on_moved != NULL)
			r = o->on_moved(o->ctx, err);
	}
	return r;
}

int
evt_playback_tell_tick(evt_playback *p, int64_t now, evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < p->n_observers && r == EVT_OK; i++) {
		const evt_playback_observer *o = &p->observer[i];

		if (o->on_tick != NULL)
			r = o->on_tick(o->ctx, now, err);
	}
	return r;
}

void
evt_playback_tell_state(evt_playback *p)
{
	for (size_t i = 0; i < p->n_observers; i++) {
		const evt_playback_observer *o = &p->observer[i];

		if (o->on_state != NULL)
			o->on_state(o->ctx);
	}
	evt_playback_wake(p);
}

/* ---- what is known of it --------------------------------------------------------- */

int64_t
evt_playback_wake_ns(const evt_playback *p)
{
	return p->wake_ns;
}

void
evt_playback_wake(evt_playback *p)
{
	p->wake_ns = 0;
}

bool
evt_playback_started(const evt_playback *p)
{
	return p->started;
}

bool
evt_playback_ended(const evt_playback *p)
{
	return p->ended;
}

bool
evt_playback_failed(const evt_playback *p)
{
	return p->failed;
}

bool
evt_playback_plays(const evt_playback *p)
{
	return p->started && !p->ended && !evt_deck_paused(p->player.deck);
}

bool
evt_playback_waits(const evt_playback *p)
{
	return !p->o.shared ||
	    evt_deck_speed(p->player.deck) == EVT_SPEED_UNLIMITED;
}

const evt_play_options *
evt_playback_play_options(const evt_playback *p)
{
	return &p->play;
}

int64_t
evt_playback_place(const evt_playback *p)
{
	return p->at_ns;
}

int64_t
evt_playback_time(const evt_playback *p, int64_t now)
{
	int64_t t = evt_deck_tape_time(p->player.deck, now);

	/* At the end of a tape that is recorded, time goes on as it does. */
	if (p->live)
		return evt_clock_add(p->at_ns, evt_clock_sub(now, p->live_ns));
	/* A deck that has read nothing yet does not know where it is. */
	return t < evt_clock_sub(p->at_ns, 1) || !p->started || p->ended ?
	    p->at_ns :
	    t;
}

int64_t
evt_playback_wall_of(const evt_playback *p, int64_t tape_ns, int64_t now)
{
	int64_t left;

	if (tape_ns == INT64_MAX || !evt_playback_plays(p))
		return INT64_MAX;
	left = evt_clock_sub(tape_ns, evt_playback_time(p, now));
	if (left > DAY_NS)
		left = DAY_NS;
	if (evt_deck_speed(p->player.deck) == EVT_SPEED_UNLIMITED && !p->live)
		return INT64_MAX;
	if (left <= 0)
		return now;
	/* Where it is live, time goes on at the real speed.  The quotient is
	 * rounded down, hence 1 ns more. */
	if (!p->live)
		left = evt_deck_wall_duration(p->player.deck, left);
	return now + 1 + left;
}

evt_time_shift *
evt_playback_shift(const evt_playback *p)
{
	return p->shift;
}

int64_t
evt_playback_shift_ns(const evt_playback *p)
{
	return p->shift != NULL ? evt_time_shift_ns(p->shift) : 0;
}

int64_t
evt_playback_shown_time(const evt_playback *p, int64_t tape_ns)
{
	return tape_ns == INT64_MAX ?
	    tape_ns :
	    evt_clock_add(tape_ns, evt_playback_shift_ns(p));
}

static void
playback_add_deck_stats(evt_deck_stats *sum, const evt_deck_stats *d)
{
	sum->frames += d->frames;
	sum->bytes += d->bytes;
	sum->passes += d->passes;
	sum->tape_ns += d->tape_ns;
	sum->wall_ns += d->wall_ns;
}

static void
playback_add_cursor_stats(evt_cursor_stats *sum, const evt_cursor_stats *c)
{
	sum->blocks_bad += c->blocks_bad;
	sum->frames_lost += c->frames_lost;
}

/* Add what the present player has played. */
static void
playback_add_player(const evt_player *player, evt_deck_stats *sum,
    evt_cursor_stats *lost)
{
	evt_deck_stats d;
	evt_cursor_stats c;

	evt_deck_get_stats(player->deck, &d);
	evt_cursor_get_stats(player->cursor, &c);
	playback_add_deck_stats(sum, &d);
	playback_add_cursor_stats(lost, &c);
}

void
evt_playback_add_stats(const evt_playback *p, evt_deck_stats *sum,
    evt_cursor_stats *lost)
{
	playback_add_deck_stats(sum, &p->before);
	playback_add_cursor_stats(lost, &p->before_lost);
	playback_add_player(&p->player, sum, lost);
}

/* ---- moving it ---------------------------------------------------------------------- */

void
evt_playback_start(evt_playback *p)
{
	p->started = true;
	evt_playback_tell_state(p);
}

void
evt_playback_stop(evt_playback *p)
{
	p->ended = true;
}

int
evt_playback_seek(evt_playback *p, int64_t to_ns, evt_error *err)
{
	int r;

	if (to_ns < p->start_ns)
		to_ns = p->start_ns;
	r = evt_deck_seek(p->player.deck, evt_clock_mono(), to_ns, err);
	if (r != EVT_OK)
		return r;
	p->at_ns = to_ns;
	p->ended = p->failed = p->live = false;
	r = evt_playback_tell_moved(p, err);
	evt_playback_tell_state(p);
	return r;
}

int
evt_playback_replace(evt_playback *p, evt_play_options *play, evt_error *err)
{
	evt_player player = { 0 };
	int64_t start_ns = 0;
	int r;

	play->paused = evt_deck_paused(p->player.deck);
	r = evt_player_open(p->o.tapes, play, &player, err);
	if (r == EVT_OK)
		r = evt_tape_set_start(p->o.tapes, play, &start_ns, err);
	if (r != EVT_OK) {
		evt_player_close(&player);
		evt_play_options_free(play);
		return r;
	}
	playback_add_player(&p->player, &p->before, &p->before_lost);
	evt_player_close(&p->player);
	evt_play_options_free(&p->play);
	p->player = player;
	p->play = *play;
	p->pass = 1;
	p->ended = p->failed = p->live = false;
	p->start_ns = start_ns;
	/* Where it is outside the window, it begins again. */
	if (p->at_ns <= p->start_ns ||
	    (play->has_to && p->at_ns >= play->to_ns)) {
		p->at_ns = p->start_ns;
		r = evt_playback_tell_moved(p, err);
		evt_playback_tell_state(p);
		return r;
	}
	return evt_playback_seek(p, p->at_ns, err);
}

int
evt_playback_restart(evt_playback *p, evt_error *err)
{
	evt_play_options play;
	int r = evt_play_options_copy(&p->play, &play, err);

	if (r != EVT_OK)
		return r;
	p->at_ns = p->start_ns;
	p->started = false;
	return evt_playback_replace(p, &play, err);
}
