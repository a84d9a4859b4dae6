/* playback_priv.h - a playback from within: for playback*.c alone. */
#ifndef EVT_REPLAY_SERVE_PLAYBACK_PRIV_H
#define EVT_REPLAY_SERVE_PLAYBACK_PRIV_H

#include "replay/play/pace.h"
#include "replay/serve/playback.h"

/* One call of evt_playback_pump(). */
struct playback_turn {
	uint64_t bytes;   /* of frames in the batch: their payload */
	uint64_t sent;    /* the same of all frames of the turn */
	bool at_loop_end; /* the last frame is at or after B */
	evt_error err;    /* why the last frame could not be taken */
};

struct evt_playback {
	evt_playback_options o; /* without play */
	evt_playback_observer observer[EVT_PLAYBACK_OBSERVERS];
	size_t n_observers;
	evt_play_options play;
	evt_player player;
	evt_time_shift *shift; /* NULL: times stay */
	evt_pace pace;
	struct playback_turn *turn; /* while it is pumped */

	bool started, ended, failed;
	bool live;       /* it has played all that was recorded so far */
	int64_t live_ns; /* since when, by the steady clock */
	int64_t wake_ns;

	int64_t start_ns; /* tape time at which its window begins */
	int64_t at_ns;    /* tape time after the last frame */
	uint64_t pass;    /* of the deck, that is played */

	bool has_loop; /* A-B */
	int64_t loop_from_ns, loop_to_ns;
	int64_t looped_ns; /* when it jumped back last, by the steady clock */
	int64_t rest_ns;   /* nothing is played before that */

	uint64_t controls; /* calls that controlled it */

	/* Of players that were replaced. */
	evt_deck_stats before;
	evt_cursor_stats before_lost;
};

/* Tell the observers: in playback.c. */
int evt_playback_tell_frame(evt_playback *p, const evt_frame *frame,
    const evt_frame *shown, evt_error *err);
int evt_playback_tell_moved(evt_playback *p, evt_error *err);
int evt_playback_tell_tick(evt_playback *p, int64_t now_ns, evt_error *err);
/* on_state(); and wake it. */
void evt_playback_tell_state(evt_playback *p);

#endif
