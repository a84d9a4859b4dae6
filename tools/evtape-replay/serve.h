/* serve.h - play tapes to WebSocket clients. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_SERVE_H
#define EVT_TOOLS_EVTAPE_REPLAY_SERVE_H

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"

/* Serve until a signal, or with --once until its deck has ended, or until a client
 * wants another tape of the folder: *ret_wanted is then its name, else NULL;
 * free() it.  The port that was taken is put into the options, so that the next
 * call listens on it again.  Returns the exit code. */
int serve_run(struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play, const evt_timetext_ref *ref,
    char **ret_wanted);

#endif
