/* compared.h - the tape of --compare, for the server. */
#ifndef EVT_TOOLS_EVTAPE_REPLAY_COMPARED_H
#define EVT_TOOLS_EVTAPE_REPLAY_COMPARED_H

#include "replay/serve/server.h"
#include "tools/evtape-replay/options.h"

typedef struct compared {
	cli_tapes tapes; /* one */
	evt_tape_set set;
	evt_trackers *trackers; /* of that tape; NULL: it has no list */
	evt_server_compared server;
} compared;

/*
 * Open the tape, and find out how far its times are from those of the played
 * tapes.  `played` and `trackers` are of the played tapes; the list serves a tape
 * that has none.  They must outlive *c.  Call compared_close() also after an error.
 * Errors: those of evt_tape_open(), evt_tape_trackers_load(), evt_tape_span().
 */
int compared_open(compared *c, const struct options *o,
    const evt_timetext_ref *played, const evt_trackers *trackers,
    evt_error *err);
void compared_close(compared *c);

#endif
