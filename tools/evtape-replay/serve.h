/* serve.h - play to WebSocket clients. */
#ifndef REPLAY_SERVE_H
#define REPLAY_SERVE_H

#include "replay/play/player.h"
#include "tools/evtape-replay/options.h"

/* Serve until a signal (or --once is done); the exit code. */
int serve_run(const struct options *o, const evt_reel *reel,
    const evt_play *play, const evt_time_ref *ref);

#endif
