/*
 * deck.h - a deck plays a tape: it decides which frame is due when.
 *
 * A deck has no clock, no sockets and no threads: the caller passes the time (any
 * steady clock in ns), and does the waiting and the sending.
 *
 * A frame is due at
 *
 *     anchor_wall + (t - anchor_tape) / speed
 *
 * and never a delay after the frame before, so that late wake-ups and slow writes
 * do not add up.  A deck sets a new anchor at the start, and at each pause, resume,
 * seek, change of speed and pass of a loop.
 *
 * Tape time.  Between frames of one recorder run the recorder's steady clock
 * (mono_ns) counts: a step of the wall clock moves nothing.  That clock begins
 * again with each run.  So from the last frame of a run to the first of the next
 * the receive time (time_ns) counts, as it always does if several tapes are
 * merged.  If times step back, frames are due at once until their times are past
 * the latest one seen.
 */
#ifndef EVT_REPLAY_PLAY_DECK_H
#define EVT_REPLAY_PLAY_DECK_H

#include "format/evtape.h"
#include "replay/play/speed.h"

/* The source of a deck's frames; the functions do what evt_cursor_next(), _reset()
 * and _seek() do. */
typedef struct evt_deck_input {
	int (*next)(void *ctx, evt_frame *ret_frame, evt_error *err);
	int (*reset)(void *ctx, evt_error *err);
	int (*seek)(void *ctx, int64_t time_ns, evt_error *err);
	void *ctx;
} evt_deck_input;

typedef struct evt_deck_options {
	uint32_t speed; /* as speed.h has it */
	int64_t
	    max_gap_ns; /* longer silences are cut to this; -1: silences stay */
	uint64_t passes; /* how often to play the tape; 0: without end */
	bool paused;     /* start paused */
	bool no_follow;  /* end where a live tape ends now */
	bool merged;     /* the input merges several tapes */
	/* Sequence numbers, ascending, of the tape's EVT_MARK_STARTED marks, if
	 * the input does not yield them.  Not copied. */
	const uint64_t *runs;
	size_t n_runs;
} evt_deck_options;

/* Set the defaults: real speed, one pass, silences not cut, a live tape is
 * followed. */
void evt_deck_options_init(evt_deck_options *ret_options);

typedef struct evt_deck evt_deck;

/* The options and the input are copied.  Errors: EVT_ERR_NOMEM, EVT_ERR_ARG (an
 * invalid speed). */
int evt_deck_new(evt_deck_input input, const evt_deck_options *options,
    evt_deck **ret_deck, evt_error *err);
void evt_deck_free(evt_deck *deck);

/* The results of evt_deck_poll(); an error of the input is a negative
 * evt_code. */
enum evt_deck_result {
	EVT_DECK_FRAME = 20, /* *ret_frame is due: send it */
	EVT_DECK_WAIT,       /* no frame is due before *ret_due_ns */
	EVT_DECK_LIVE, /* the end for now: a recorder may add more; poll again */
	EVT_DECK_PAUSED, /* nothing until a resume or step */
	EVT_DECK_END     /* everything was played */
};

/*
 * What to do at now_ns.  A frame is valid until the next call on the deck, and
 * *ret_due_ns is when it was due.  With EVT_DECK_WAIT the time may be in the past:
 * then read the clock and poll again at once (a block was decoded in between).
 * After an error the next call continues with what follows, which makes sense
 * after EVT_ERR_CORRUPT.
 */
int evt_deck_poll(evt_deck *deck, int64_t now_ns, evt_frame *ret_frame,
    int64_t *ret_due_ns, evt_error *err);

void evt_deck_pause(evt_deck *deck, int64_t now_ns);
void evt_deck_resume(evt_deck *deck, int64_t now_ns);
bool evt_deck_paused(const evt_deck *deck);

/* If paused: the next poll returns the next frame, and the deck stays paused. */
void evt_deck_step(evt_deck *deck);

/*
 * Continue at the receive time time_ns, also after the end.  The silence from
 * there to the next frame is kept, but not one before the first frame.
 * Errors: those of the input.
 */
int evt_deck_seek(evt_deck *deck, int64_t now_ns, int64_t time_ns,
    evt_error *err);

/* Continue at another speed, which must be valid (speed.h). */
void evt_deck_set_speed(evt_deck *deck, int64_t now_ns, uint32_t speed);
uint32_t evt_deck_speed(const evt_deck *deck);

/* How long the deck takes for tape_ns of tape time, 0 or more, at its speed,
 * which must not be EVT_SPEED_UNLIMITED; in ns, rounded down. */
int64_t evt_deck_wall_duration(const evt_deck *deck, int64_t tape_ns);

/* The position on the tape at now_ns, as a receive time. */
int64_t evt_deck_tape_time(const evt_deck *deck, int64_t now_ns);

/* How many passes have begun, as in the statistics. */
uint64_t evt_deck_passes(const evt_deck *deck);

typedef struct evt_deck_stats {
	uint64_t frames, bytes; /* returned; bytes of payload */
	uint64_t passes;        /* begun */
	/* Tape time played and the time that took, from the first frame to the
	 * last, without pauses, seeks and steps: tape_ns / wall_ns is the actual
	 * speed. */
	int64_t tape_ns, wall_ns;
} evt_deck_stats;
void evt_deck_get_stats(const evt_deck *deck, evt_deck_stats *ret_stats);

#endif
