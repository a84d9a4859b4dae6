/*
 * playback.h - a deck with a clock, and the observers of what it plays.
 *
 * A playback plays a set of tapes by the steady clock.  It gives each frame to
 * its observers when the frame is due, and tells them when it was moved on the
 * tape or changed.  It does not know what observers do with that: WebSockets,
 * states and /control are theirs.
 *
 * It never waits.  evt_playback_pump() plays what is due now, and
 * evt_playback_wake_ns() says when to call it again.  evt_playback_wake() makes
 * that "at once".
 *
 * Frames are gathered into batches (pace.h).  The output, of which there is one,
 * sends a batch and may hold the playback back.
 *
 * Times: "steady clock" is CLOCK_MONOTONIC; tape times are receive times as
 * recorded.  Shown times are those that clients see: tape times, moved by the
 * time shift if there is one.  All in ns.
 */
#ifndef EVT_REPLAY_SERVE_PLAYBACK_H
#define EVT_REPLAY_SERVE_PLAYBACK_H

#include "replay/play/lateness.h"
#include "replay/play/player.h"
#include "replay/play/time_shift.h"
#include "replay/serve/notice.h"

typedef struct evt_playback evt_playback;

/* What an observer is told of.  Any of these may be NULL. */
typedef struct evt_playback_observer {
	/* A frame is due; `shown` is the same with its times shifted.  Both are
	 * valid during the call.  An error ends the playback. */
	int (*on_frame)(void *ctx, const evt_frame *frame,
	    const evt_frame *shown, evt_error *err);
	/* It was moved to evt_playback_place(), or begins its window again.  An
	 * error ends the playback if it came up while playing. */
	int (*on_moved)(void *ctx, evt_error *err);
	/* It started, was paused or resumed, ended, or was moved; its speed,
	 * loop, window or filter changed. */
	void (*on_state)(void *ctx);
	/* The steady clock has reached now_ns. */
	int (*on_tick)(void *ctx, int64_t now_ns, evt_error *err);
	/* When on_tick() is needed, by the steady clock; INT64_MAX: not before
	 * something happens. */
	int64_t (*due)(void *ctx, int64_t now_ns);
	void *ctx;
} evt_playback_observer;

/* Most observers of one playback. */
#define EVT_PLAYBACK_OBSERVERS 4u

/* What sends the batches. */
typedef struct evt_playback_output {
	/* Whether it can take more.  Asked between two batches; false: the
	 * playback waits for evt_playback_wake(). */
	bool (*ready)(void *ctx);
	/* A batch begins. */
	void (*begin)(void *ctx);
	/* Whether a frame of len bytes still belongs into the batch. */
	bool (*fits)(void *ctx, size_t len);
	/* Send what was gathered.  false: there was nobody to send it to. */
	bool (*deliver)(void *ctx);
	void *ctx;
} evt_playback_output;

typedef struct evt_playback_options {
	const evt_tape_set *tapes;
	const evt_play_options *play; /* copied */
	bool shift; /* move times so that the window starts now */
	/* While it is paced it waits for nobody: output.ready() is asked only at
	 * unlimited speed. */
	bool shared;
	evt_playback_output output;
	evt_lateness *lateness; /* counts the frames of paced playing */
	uint64_t *failed;       /* counts playbacks that could not read on */
	const evt_notice *notice;
} evt_playback_options;

/*
 * It has not started then, see evt_playback_start().  What the options point to
 * must outlive it, but for `play`.  Errors: EVT_ERR_NOMEM and those of reading.
 */
int evt_playback_new(const evt_playback_options *options,
    evt_playback **ret_playback, evt_error *err);
void evt_playback_free(evt_playback *playback);

/* Observers are called in the order in which they were added; of those that
 * return an error, the ones after them are not.  There may be
 * EVT_PLAYBACK_OBSERVERS. */
void evt_playback_observe(evt_playback *playback,
    const evt_playback_observer *observer);

/* ---- playing --------------------------------------------------------------- */

/* Play what is due, and find out when to do it again.  At most a turn's worth:
 * others must get theirs. */
void evt_playback_pump(evt_playback *playback);
/* When to pump it, by the steady clock; INT64_MAX: when something happens. */
int64_t evt_playback_wake_ns(const evt_playback *playback);
/* Pump it soon: clients came or left, or took what they were sent. */
void evt_playback_wake(evt_playback *playback);

/* Let it play, unless its deck is paused. */
void evt_playback_start(evt_playback *playback);
/* Play from the start of its window again, after evt_playback_start().
 * Errors: those of evt_playback_replace(). */
int evt_playback_restart(evt_playback *playback, evt_error *err);
/* Play nothing any more.  Observers are not told. */
void evt_playback_stop(evt_playback *playback);

/*
 * Go to a tape time, or to the window's start if that is later, also after the
 * end.  Errors: those of the deck and of observers.
 */
int evt_playback_seek(evt_playback *playback, int64_t to_ns, evt_error *err);
/*
 * Play with other options (window, filter) from where it is, or from the start
 * of the window if it is outside.  It stays paused or not.  `play` is taken over
 * and freed on failure.  Errors: as evt_player_open(), evt_playback_seek().
 */
int evt_playback_replace(evt_playback *playback, evt_play_options *play,
    evt_error *err);

/* ---- what is known of it ------------------------------------------------------ */

/* Where it is at the steady time now_ns, as a tape time. */
int64_t evt_playback_time(const evt_playback *playback, int64_t now_ns);
/* The tape time after the last frame that was played, or that it was moved to. */
int64_t evt_playback_place(const evt_playback *playback);
/* When it will be at a tape time, by the steady clock; INT64_MAX: not by itself,
 * since it does not play or plays at unlimited speed.  A time more than a day
 * off is put at a day. */
int64_t evt_playback_wall_of(const evt_playback *playback, int64_t tape_ns,
    int64_t now_ns);
/* What is added to tape times before they are shown. */
int64_t evt_playback_shift_ns(const evt_playback *playback);
/* A tape time as it is shown; INT64_MAX stays. */
int64_t evt_playback_shown_time(const evt_playback *playback, int64_t tape_ns);
/* The time shift; NULL: there is none. */
evt_time_shift *evt_playback_shift(const evt_playback *playback);

bool evt_playback_started(const evt_playback *playback);
/* It has played everything, could not read on, or was stopped. */
bool evt_playback_ended(const evt_playback *playback);
/* The end came because it could not read on. */
bool evt_playback_failed(const evt_playback *playback);
/* It has started, and is neither paused nor ended. */
bool evt_playback_plays(const evt_playback *playback);
/* It waits for its output: it is not shared, or plays at unlimited speed. */
bool evt_playback_waits(const evt_playback *playback);
const evt_play_options *evt_playback_play_options(const evt_playback *playback);

/* Add what it has played to the sums. */
void evt_playback_add_stats(const evt_playback *playback, evt_deck_stats *sum,
    evt_cursor_stats *lost);

#endif
