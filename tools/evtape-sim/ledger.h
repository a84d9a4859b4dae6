/*
 * ledger.h - the file of --ledger: which client got which states.
 *
 * States are numbered as they are made.  A client's trail knows which of them
 * were queued for it, which were written, and which its TCP has acknowledged:
 * a recorder's tape must hold all that are acknowledged, and none beyond those
 * that were written.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_LEDGER_H
#define EVT_TOOLS_EVTAPE_SIM_LEDGER_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* The messages to one client. Bytes are counted from its first message on;
 * states by their serials. */
typedef struct sim_trail {
	evt_buf places; /* of states that are not known to be acknowledged */
	size_t n_taken, n_written; /* how many of these places */
	uint64_t bytes_queued, bytes_written;
	uint64_t first, queued, written, taken; /* serials; 0: no state */
	const char *ended; /* how it ended; NULL: not yet */
} sim_trail;

/* A message of n bytes on the wire was queued.  `serial`: the number of the new
 * state in it; 0: it holds no new state.  false: out of memory. */
bool sim_trail_queue(sim_trail *t, size_t n, uint64_t serial);
/* n bytes were handed to the socket. */
void sim_trail_write(sim_trail *t, size_t n);
/*
 * Find out how many bytes the send queue of the socket `fd` holds. `aside`:
 * bytes that were written but may not have reached the socket yet.
 */
void sim_trail_look(sim_trail *t, int fd, size_t aside);
void sim_trail_free(sim_trail *t);

/* Append a client's line.  Errors: EVT_ERR_IO, EVT_ERR_NOMEM. */
int sim_ledger_client(int fd, uint64_t client, const sim_trail *t,
    evt_error *err);
/* Append the last line: how many states were made. */
int sim_ledger_made(int fd, uint64_t made, evt_error *err);

#endif
