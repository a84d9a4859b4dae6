/* pipe.h - play tapes to stdout. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_PIPE_H
#define EVT_TOOLS_EVTAPE_REPLAY_PIPE_H

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"

/* Play to the end, or until a signal or a key ends it.  Returns the exit code. */
int pipe_run(const struct options *o, const evt_tape_set *tapes,
    const evt_play_options *play);

#endif
