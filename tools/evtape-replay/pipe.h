/* pipe.h - play to stdout. */
#ifndef REPLAY_PIPE_H
#define REPLAY_PIPE_H

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"

/* Play to the end or until a signal; the exit code. */
int pipe_run(const struct options *o, const evt_reel *reel,
    const evt_play *play);

#endif
