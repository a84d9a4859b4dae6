/*
 * player.h - tapes opened together, and decks that play them.
 *
 * A player is a deck and the cursor that feeds it.  Any number of them may play
 * the same tapes, each at a place and a speed of its own.
 */
#ifndef EVT_PLAYER_H
#define EVT_PLAYER_H

#include "replay/play.h"

typedef struct evt_tapes evt_tapes;

/* Open the n (1 or more) tapes.  Errors: those of evt_tape_open(). */
int evt_tapes_open(char *const *paths, size_t n, evt_tapes **ret_tapes,
    evt_error *err);
void evt_tapes_close(evt_tapes *tapes);

size_t evt_tapes_count(const evt_tapes *tapes);

/*
 * What times refer to: the span of all tapes, and the bookmarks of the first
 * tape that has one of that name.  Points to the tapes, which must outlive it.
 * A span that cannot be told is not there; that is no error before it is needed.
 */
evt_time_ref evt_tapes_ref(evt_tapes *tapes);

typedef struct evt_player {
	evt_cursor *cursor;
	evt_deck *deck;
} evt_player;

/* Errors: EVT_ERR_ARG, _NOMEM, _IO. */
int evt_player_open(evt_tapes *tapes, const evt_play *play,
    evt_player *ret_player, evt_error *err);
/* Also legal for one that is all zero, and twice. */
void evt_player_close(evt_player *player);

#endif
