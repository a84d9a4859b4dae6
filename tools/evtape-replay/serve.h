/* serve.h - play to WebSocket clients. */
#ifndef REPLAY_SERVE_H
#define REPLAY_SERVE_H

#include "replay/player.h"
#include "tools/evtape-replay/options.h"

/* Serve until a signal (or --once is done); the exit code. */
int serve_run(const struct options *o, evt_tapes *tapes, const evt_play *play);

#endif
