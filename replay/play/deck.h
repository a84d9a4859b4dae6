/*
 * deck.h - a deck plays a tape: it says which frame is due when.
 *
 * A deck has no clock, no sockets and no threads: the caller tells it the time
 * (any steady clock in ns) and does the waiting and the sending.
 *
 * A frame is due at
 *
 *     anchor_wall + (t - anchor_tape) / speed
 *
 * and never "so long after the one before", so that what is lost to late wake-ups
 * and slow writes is not added up.  There is a fresh anchor at the start, and at
 * each pause, resume, seek, change of speed and pass of a loop.
 *
 * Tape time.  Frames of one recorder run are apart by what the recorder's steady
 * clock says (mono_ns): a step of the wall clock moves nothing.  That clock
 * starts anew with each run, so from the last frame of a run to the first of the
 * next it is the receive time (time_ns) that counts, as it is throughout where
 * several tapes are merged.  Stamps that go back in time cost no time and gain
 * none: a frame is due at once until the stamps are past the latest one seen.
 */
#ifndef EVT_REPLAY_PLAY_DECK_H
#define EVT_REPLAY_PLAY_DECK_H

#include "format/evtape.h"
#include "replay/play/speed.h"

/* Where a deck takes its frames from; as evt_cursor_next(), _reset(), _seek(). */
typedef struct evt_deck_input {
	int (*next)(void *ctx, evt_frame *ret_frame, evt_error *err);
	int (*reset)(void *ctx, evt_error *err);
	int (*seek)(void *ctx, int64_t time_ns, evt_error *err);
	void *ctx;
} evt_deck_input;

typedef struct evt_deck_options {
	uint32_t speed;     /* EVT_SPEED_MIN to _MAX, or EVT_SPEED_UNLIMITED */
	int64_t max_gap_ns; /* silences of the tape are cut to this; -1: not */
	uint64_t passes;    /* how often to play it; 0: for ever */
	bool paused;        /* wait for evt_deck_resume() or _step() */
	bool no_follow;     /* "end for now" of a live tape is the end */
	bool merged;        /* the feed merges several tapes */
	/* Sequence numbers, ascending, of the marks EVT_MARK_STARTED of the
	 * tape, if the feed does not yield them.  Not copied. */
	const uint64_t *runs;
	size_t n_runs;
} evt_deck_options;

/* Real speed, one pass, no cutting, following. */
void evt_deck_options_init(evt_deck_options *ret_options);

typedef struct evt_deck evt_deck;

/* Errors: EVT_ERR_NOMEM, EVT_ERR_ARG (a speed out of range). */
int evt_deck_new(evt_deck_input feed, const evt_deck_options *options,
    evt_deck **ret_deck, evt_error *err);
void evt_deck_free(evt_deck *deck);

/* What evt_deck_poll() says; an error of the feed is a negative evt_code. */
enum evt_deck_says {
	EVT_DECK_FRAME = 0, /* this frame is due: send it */
	EVT_DECK_WAIT,      /* nothing until *ret_due_ns */
	EVT_DECK_LIVE,   /* nothing yet: a recorder may add more; ask again */
	EVT_DECK_PAUSED, /* nothing until resume, step or seek */
	EVT_DECK_END     /* everything was played */
};

/*
 * What to do at now_ns.  A frame that is handed out is valid until the next
 * call on the deck, and *ret_due_ns is when it should have gone out.  WAIT may
 * give a time that is not in the future: then ask again at once, with a fresh
 * clock (a block was decoded in between).  After an error the next call goes on
 * behind it; whether that is sensible is told by the code (EVT_ERR_CORRUPT: yes).
 */
int evt_deck_poll(evt_deck *deck, int64_t now_ns, evt_frame *ret_frame,
    int64_t *ret_due_ns, evt_error *err);

void evt_deck_pause(evt_deck *deck, int64_t now_ns);
void evt_deck_resume(evt_deck *deck, int64_t now_ns);
bool evt_deck_paused(const evt_deck *deck);

/* Paused: hand out the next frame at the next poll, and stay paused there. */
void evt_deck_step(evt_deck *deck);

/*
 * Go on from the receive time time_ns, also after the end.  The silence between
 * it and the first frame behind it is kept; before the first frame there is none.
 * Errors: those of the feed.
 */
int evt_deck_seek(evt_deck *deck, int64_t now_ns, int64_t time_ns,
    evt_error *err);

/* Go on at another speed, within the range of the options. */
void evt_deck_set_speed(evt_deck *deck, int64_t now_ns, uint32_t speed);
uint32_t evt_deck_speed(const evt_deck *deck);

/* How long the deck takes for tape_ns of tape time, 0 or more, at its speed,
 * which must not be EVT_SPEED_UNLIMITED; in ns, rounded down. */
int64_t evt_deck_wall_duration(const evt_deck *deck, int64_t tape_ns);

/* Where on the tape it is at now_ns, as a receive time. */
int64_t evt_deck_tape_time(const evt_deck *deck, int64_t now_ns);

/* How often it has begun to play, as in its statistics. */
uint64_t evt_deck_passes(const evt_deck *deck);

typedef struct evt_deck_stats {
	uint64_t frames, bytes; /* handed out; bytes of payload */
	uint64_t passes;        /* begun */
	/* Tape time played and the time that it took, from the first frame to
	 * the last, without pauses, seeks and steps: their quotient is the
	 * actual speed. */
	int64_t tape_ns, wall_ns;
} evt_deck_stats;
void evt_deck_get_stats(const evt_deck *deck, evt_deck_stats *ret_stats);

#endif
