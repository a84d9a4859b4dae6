/*
 * player.h - decks that play tapes.
 *
 * A player is a deck and the cursor that feeds it.  Any number of them may play
 * the same tapes, each at a place and a speed of its own.
 */
#ifndef EVT_REPLAY_PLAY_PLAYER_H
#define EVT_REPLAY_PLAY_PLAYER_H

#include "replay/play/play_options.h"

/* The tapes to play, opened by the caller, who keeps them. */
typedef struct evt_tape_set {
	evt_tape *const *tape;
	size_t n;
	uint64_t *runs; /* where the recorder runs of a lone tape begin */
	size_t n_runs;
} evt_tape_set;

/* n: 1 or more.  Errors: EVT_ERR_NOMEM. */
int evt_tape_set_open(evt_tape *const *tapes, size_t n, evt_tape_set *ret_reel,
    evt_error *err);
/* Also legal for one that is all zero. */
void evt_tape_set_close(evt_tape_set *reel);

/*
 * Where the window of the settings begins, as a receive time: at its own, or
 * where the first tape does; now, where nothing was recorded yet.
 * Errors: those of evt_tape_span().
 */
int evt_tape_set_start(const evt_tape_set *reel, const evt_play_options *play,
    int64_t *ret_ns, evt_error *err);

typedef struct evt_player {
	evt_cursor *cursor;
	evt_deck *deck;
} evt_player;

/* Errors: EVT_ERR_ARG, _NOMEM, _IO. */
int evt_player_open(const evt_tape_set *reel, const evt_play_options *play,
    evt_player *ret_player, evt_error *err);
/* Also legal for one that is all zero, and twice. */
void evt_player_close(evt_player *player);

#endif
