/* serve.h - play tapes to WebSocket clients. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_SERVE_H
#define EVT_TOOLS_EVTAPE_REPLAY_SERVE_H

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"

/* Serve until a signal, or with --once until its deck has ended.  Returns the
 * exit code. */
int serve_run(const struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play, const evt_timetext_ref *ref);

#endif
