/*
 * player.h - a player: a deck with the cursor that reads its tapes.
 *
 * Any number of players may play the same tapes, each at its own place and
 * speed.
 */
#ifndef EVT_REPLAY_PLAY_PLAYER_H
#define EVT_REPLAY_PLAY_PLAYER_H

#include "replay/play/play_options.h"
#include "replay/play/tape_set.h"

typedef struct evt_player {
	evt_cursor *cursor;
	evt_deck *deck;
} evt_player;

/* The set must outlive the player; the options need not.
 * Errors: EVT_ERR_ARG, _NOMEM, _IO. */
int evt_player_open(const evt_tape_set *set, const evt_play_options *play,
    evt_player *ret_player, evt_error *err);
/* Does nothing to a player that is all zero, as after a close. */
void evt_player_close(evt_player *player);

#endif
