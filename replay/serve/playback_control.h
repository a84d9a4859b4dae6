/*
 * playback_control.h - what a person, or a script, does to a playback, and the
 * playback as JSON.
 *
 * Moving it is evt_playback_seek() and evt_playback_replace().
 */
#ifndef EVT_REPLAY_SERVE_PLAYBACK_CONTROL_H
#define EVT_REPLAY_SERVE_PLAYBACK_CONTROL_H

#include "format/base/json_write.h"
#include "replay/serve/audience.h"
#include "replay/serve/playback.h"

/* Play on; after the end, from the start of the window.  If that fails, it stays
 * at the end, and a notice says why. */
void evt_playback_control_play(evt_playback *playback);
void evt_playback_control_pause(evt_playback *playback);
/* Pause, and play exactly one frame; nothing at the end. */
void evt_playback_control_step(evt_playback *playback);
/* speed: as evt_deck_set_speed(). */
void evt_playback_control_set_speed(evt_playback *playback, uint32_t speed);
/* Play from from_ns to to_ns (tape times) again and again.  on false: play the
 * whole window. */
void evt_playback_control_set_loop(evt_playback *playback, bool on,
    int64_t from_ns, int64_t to_ns);

/* A call of the API is about to control it (by 1), or did not after all (by -1): count
 * that.  A program that finds a count of 0 after a pause knows that the server has begun
 * again, and that nobody has moved the deck since. */
void evt_playback_control_count(evt_playback *playback, int by);

/* Write it as an object of the API (docs/control.md). */
void evt_playback_control_json(const evt_playback *playback,
    const evt_audience *audience, evt_json_write *w, const char *name);

#endif
