/* playback_control.c - controls of a playback; see playback_control.h. */
#include "replay/serve/playback_control.h"

#include <assert.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/serve/api_json.h"
#include "replay/serve/playback_priv.h"

/* ---- controls ------------------------------------------------------------ */

void
evt_playback_control_play(evt_playback *p)
{
	evt_error err;

	if (p->ended && evt_playback_restart(p, &err) != EVT_OK) {
		evt_notice_send(p->o.notice, "%s", err.text);
		return;
	}
	evt_deck_resume(p->player.deck, evt_clock_mono());
	evt_playback_start(p);
}

void
evt_playback_control_pause(evt_playback *p)
{
	evt_deck_pause(p->player.deck, evt_clock_mono());
	evt_playback_tell_state(p);
}

void
evt_playback_control_step(evt_playback *p)
{
	if (p->ended)
		return;
	p->started = true;
	evt_deck_pause(p->player.deck, evt_clock_mono());
	evt_deck_step(p->player.deck);
	/* At once: the answer to the call says where it led, and a second step
	 * is another one. */
	evt_playback_pump(p);
	evt_playback_tell_state(p);
}

void
evt_playback_control_set_speed(evt_playback *p, uint32_t speed)
{
	assert(evt_speed_valid(speed));
	evt_deck_set_speed(p->player.deck, evt_clock_mono(), speed);
	p->play.speed = speed;
	evt_playback_tell_state(p);
}

void
evt_playback_control_set_loop(evt_playback *p, bool on, int64_t from_ns,
    int64_t to_ns)
{
	assert(!on || from_ns < to_ns);
	p->has_loop = on;
	p->loop_from_ns = from_ns;
	p->loop_to_ns = to_ns;
	evt_playback_tell_state(p);
}

void
evt_playback_control_count(evt_playback *p, int by)
{
	assert(by == 1 || (by == -1 && p->controls > 0));
	p->controls += (uint64_t)(int64_t)by;
}

/* ---- as JSON ------------------------------------------------------------- */

static void
playback_control_write_speed(const evt_playback *p, evt_json_write *w)
{
	char text[EVT_SPEED_TEXT];
	uint32_t speed = evt_deck_speed(p->player.deck);

	evt_speed_format(speed, text);
	if (speed == EVT_SPEED_UNLIMITED)
		evt_json_write_str(w, "speed", text);
	else
		evt_json_write_raw(w, "speed", text, strlen(text));
}

/* One end of a span, or null. */
static void
playback_control_write_end(evt_json_write *w, const char *name, bool has,
    int64_t ns)
{
	if (has)
		evt_json_write_int(w, name, ns);
	else
		evt_json_write_null(w, name);
}

static void
playback_control_write_span(evt_json_write *w, const char *name, bool has_from,
    int64_t from, bool has_to, int64_t to)
{
	if (!has_from && !has_to) {
		evt_json_write_null(w, name);
		return;
	}
	evt_json_write_object(w, name);
	playback_control_write_end(w, "from_ns", has_from, from);
	playback_control_write_end(w, "to_ns", has_to, to);
	evt_json_write_close(w);
}

static void
playback_control_write_names(evt_json_write *w, const char *name,
    const evt_strings *names)
{
	evt_json_write_array(w, name);
	for (size_t i = 0; i < names->n; i++)
		evt_json_write_str(w, NULL, names->item[i]);
	evt_json_write_close(w);
}

static void
playback_control_write_counts(const evt_playback *p, evt_json_write *w)
{
	const evt_lateness *late = p->o.lateness;
	evt_deck_stats sum = { 0 };
	evt_cursor_stats lost = { 0 };

	evt_playback_add_stats(p, &sum, &lost);
	evt_json_write_uint(w, "frames", sum.frames);
	evt_json_write_uint(w, "bytes", sum.bytes);
	evt_json_write_object(w, "lateness_ns");
	evt_json_write_uint(w, "count", late->count);
	evt_json_write_int(w, "p50", evt_lateness_at(late, 500));
	evt_json_write_int(w, "p99", evt_lateness_at(late, 990));
	evt_json_write_int(w, "max", late->max_ns);
	evt_json_write_close(w);
}

void
evt_playback_control_json(const evt_playback *p, const evt_audience *audience,
    evt_json_write *w, const char *name)
{
	const evt_play_options *play = &p->play;

	evt_json_write_object(w, name);
	evt_api_json_time(w, "time", evt_playback_time(p, evt_clock_mono()));
	evt_json_write_bool(w, "playing", evt_playback_plays(p));
	evt_json_write_bool(w, "ended", p->ended);
	evt_json_write_bool(w, "live", p->live);
	playback_control_write_speed(p, w);
	playback_control_write_span(w, "loop", p->has_loop, p->loop_from_ns,
	    p->has_loop, p->loop_to_ns);
	playback_control_write_span(w, "window", play->has_from, play->from_ns,
	    play->has_to, play->to_ns);
	evt_json_write_object(w, "filter");
	playback_control_write_names(w, "sources", &play->sources.ids);
	playback_control_write_names(w, "events", &play->events);
	evt_json_write_close(w);
	evt_json_write_uint(w, "controls", p->controls);
	playback_control_write_counts(p, w);
	evt_json_write_object(w, "clients");
	evt_json_write_uint(w, "stream", audience->stream);
	evt_json_write_uint(w, "standin", audience->standin);
	evt_json_write_uint(w, "control", audience->control);
	evt_json_write_close(w);
	evt_json_write_close(w);
}
