/*
 * house.c - the controls of a deck: what a person, or a script, does to it.
 *
 * Any stage can be moved; the API moves the house deck.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/serve/server_impl.h"

int
evt_playback_shared(evt_server *s, struct stage **ret_stage, evt_error *err)
{
	int r = EVT_OK;

	if (s->house == NULL)
		r = evt_playback_new(s, s->o.play, &s->house, err);
	if (r == EVT_OK)
		*ret_stage = s->house;
	return r;
}

int64_t
evt_playback_time(const struct stage *st, int64_t now)
{
	int64_t t = evt_deck_tape_time(st->player.deck, now);

	/* At the end of a tape that is recorded time goes on as it does. */
	if (st->live)
		return evt_clock_add(st->at_ns,
		    evt_clock_sub(now, st->live_ns));
	/* A deck that has read nothing yet does not know where it is. */
	return t < st->at_ns - 1 || !st->started || st->ended ? st->at_ns : t;
}

static bool
playback_control_plays(const struct stage *st)
{
	return st->started && !st->ended && !evt_deck_paused(st->player.deck);
}

/* ---- controls ------------------------------------------------------------ */

static void
playback_control_changed(struct stage *st)
{
	evt_control_feed_changed(st);
	evt_playback_wake(st);
}

void
evt_playback_play_on(struct stage *st)
{
	evt_error err;

	if (st->ended && evt_playback_restart(st, &err) != EVT_OK) {
		evt_server_notice(st->server, "%s", err.text);
		return;
	}
	st->started = true;
	evt_deck_resume(st->player.deck, evt_waker_now());
	playback_control_changed(st);
}

void
evt_playback_pause(struct stage *st)
{
	evt_deck_pause(st->player.deck, evt_waker_now());
	playback_control_changed(st);
}

void
evt_playback_step(struct stage *st)
{
	if (st->ended)
		return;
	st->started = true;
	evt_deck_pause(st->player.deck, evt_waker_now());
	evt_deck_step(st->player.deck);
	/* At once: who asks is told where it led, and a second step is another
	 * one. */
	evt_playback_pump(st);
	playback_control_changed(st);
}

int
evt_playback_seek(struct stage *st, int64_t to_ns, evt_error *err)
{
	int r;

	if (to_ns < st->start_ns)
		to_ns = st->start_ns;
	r = evt_deck_seek(st->player.deck, evt_waker_now(), to_ns, err);
	if (r != EVT_OK)
		return r;
	st->at_ns = to_ns;
	st->ended = st->live = false;
	r = evt_playback_moved(st, err);
	playback_control_changed(st);
	return r;
}

void
evt_playback_set_speed(struct stage *st, uint32_t speed)
{
	evt_deck_set_speed(st->player.deck, evt_waker_now(), speed);
	st->play.speed = speed;
	playback_control_changed(st);
}

void
evt_playback_set_loop(struct stage *st, bool on, int64_t from_ns, int64_t to_ns)
{
	st->has_loop = on;
	st->loop_from_ns = from_ns;
	st->loop_to_ns = to_ns;
	playback_control_changed(st);
}

/* Keep what the player that goes has played. */
static void
playback_control_add_up(struct stage *st)
{
	evt_deck_stats d;
	evt_cursor_stats c;

	evt_deck_get_stats(st->player.deck, &d);
	evt_cursor_get_stats(st->player.cursor, &c);
	st->before.frames += d.frames;
	st->before.bytes += d.bytes;
	st->before.passes += d.passes;
	st->before.tape_ns += d.tape_ns;
	st->before.wall_ns += d.wall_ns;
	st->before_lost.blocks_bad += c.blocks_bad;
	st->before_lost.frames_lost += c.frames_lost;
}

int
evt_playback_replace(struct stage *st, evt_play_options *play, evt_error *err)
{
	bool paused = evt_deck_paused(st->player.deck);
	evt_player player;
	int r;

	play->paused = paused;
	r = evt_player_open(st->server->o.reel, play, &player, err);
	if (r != EVT_OK) {
		evt_play_options_free(play);
		return r;
	}
	playback_control_add_up(st);
	evt_player_close(&st->player);
	evt_play_options_free(&st->play);
	st->player = player;
	st->play = *play;
	st->board_good = false; /* the filter is another */
	st->pass = 1;
	st->ended = st->live = false;
	r = evt_tape_set_start(st->server->o.reel, play, &st->start_ns, err);
	if (r != EVT_OK)
		return r;
	/* Where it is not in the window it begins anew. */
	if (st->at_ns <= st->start_ns ||
	    (play->has_to && st->at_ns >= play->to_ns)) {
		st->at_ns = st->start_ns;
		r = evt_playback_moved(st, err);
		playback_control_changed(st);
		return r;
	}
	return evt_playback_seek(st, st->at_ns, err);
}

/* ---- as JSON ------------------------------------------------------------- */

static bool
playback_control_add_speed(const struct stage *st, evt_buf *out)
{
	char text[EVT_SPEED_TEXT];
	uint32_t speed = evt_deck_speed(st->player.deck);
	const char *quote = speed == EVT_SPEED_UNLIMITED ? "\"" : "";

	return evt_buf_printf(out, ",\"speed\":%s%s%s", quote,
	    evt_speed_format(speed, text), quote);
}

/* An end of a window, or null. */
static bool
playback_control_add_end(const char *name, bool has, int64_t ns, evt_buf *out)
{
	return has ? evt_buf_printf(out, "\"%s\":%" PRId64, name, ns) :
	             evt_buf_printf(out, "\"%s\":null", name);
}

static bool
playback_control_add_span(const char *name, bool has_from, int64_t from,
    bool has_to, int64_t to, evt_buf *out)
{
	if (!has_from && !has_to)
		return evt_buf_printf(out, ",\"%s\":null", name);
	return evt_buf_printf(out, ",\"%s\":{", name) &&
	    playback_control_add_end("from_ns", has_from, from, out) &&
	    evt_buf_add_byte(out, ',') &&
	    playback_control_add_end("to_ns", has_to, to, out) &&
	    evt_buf_add_byte(out, '}');
}

static bool
playback_control_add_names(const char *name, const evt_strings *names,
    evt_buf *out)
{
	bool ok = evt_buf_printf(out, "\"%s\":[", name);

	for (size_t i = 0; i < names->n && ok; i++)
		ok = (i == 0 || evt_buf_add_byte(out, ',')) &&
		    evt_buf_add_json(out, names->item[i],
		        strlen(names->item[i]));
	return ok && evt_buf_add_byte(out, ']');
}

static bool
playback_control_add_counts(const struct stage *st, evt_buf *out)
{
	const evt_lateness *late = &st->server->stats.late;
	evt_deck_stats d;

	evt_deck_get_stats(st->player.deck, &d);
	return evt_buf_printf(out,
	    ",\"frames\":%" PRIu64 ",\"bytes\":%" PRIu64
	    ",\"lateness_ns\":{\"count\":%" PRIu64 ",\"p50\":%" PRId64
	    ",\"p99\":%" PRId64 ",\"max\":%" PRId64
	    "},\"clients\":{\"stream\":%zu,\"standin\":%zu,\"control\":%zu}}",
	    st->before.frames + d.frames, st->before.bytes + d.bytes,
	    late->count, evt_lateness_at(late, 500), evt_lateness_at(late, 990),
	    late->max_ns, st->n[VIEWER_STREAM], st->n[VIEWER_STANDIN],
	    st->n[VIEWER_CONTROL]);
}

bool
evt_playback_json(const struct stage *st, evt_buf *out)
{
	const evt_play_options *p = &st->play;

	return evt_buf_add_byte(out, '{') &&
	    evt_api_time_json("time", evt_playback_time(st, evt_waker_now()),
	        out) &&
	    evt_buf_printf(out, ",\"playing\":%s,\"ended\":%s,\"live\":%s",
	        playback_control_plays(st) ? "true" : "false",
	        st->ended ? "true" : "false", st->live ? "true" : "false") &&
	    playback_control_add_speed(st, out) &&
	    playback_control_add_span("loop", st->has_loop, st->loop_from_ns,
	        st->has_loop, st->loop_to_ns, out) &&
	    playback_control_add_span("window", p->has_from, p->from_ns,
	        p->has_to, p->to_ns, out) &&
	    evt_buf_add_str(out, ",\"filter\":{") &&
	    playback_control_add_names("sources", &p->sources, out) &&
	    evt_buf_add_byte(out, ',') &&
	    playback_control_add_names("events", &p->events, out) &&
	    evt_buf_add_byte(out, '}') && playback_control_add_counts(st, out);
}
