/* ring_priv.h - struct evt_ring, for ring.c, ring_move.c and the power-cut
 * test. */
#ifndef EVT_FORMAT_WRITE_RING_PRIV_H
#define EVT_FORMAT_WRITE_RING_PRIV_H

#include "format/store/journal.h"
#include "format/write/ring.h"
#include "format/write/writer_priv.h"

/* A journal file of the ring. */
struct evt_ring_chunk {
	uint64_t first, end;    /* numbers in the ring; UINT64_MAX: unknown */
	uint64_t frames, marks; /* frames: without marks */
	bool counts;            /* others of its frames count for later ones */
	uint64_t bytes;
	int64_t first_ns, last_ns; /* steady times */
};

struct evt_ring {
	evt_ring_options o;
	evt_writer *w;
	char *dir;
	int64_t chunk_ns;             /* a chunk is closed at this age, */
	uint64_t chunk_bytes;         /* or at this size */
	struct evt_ring_chunk *chunk; /* oldest first */
	size_t n, cap;
	evt_journal *journal; /* of the last chunk, while it is open, or NULL */
	uint64_t next;        /* number of the next frame, from 1 */
	uint64_t done;        /* frames below are on the tape or dropped */
	bool moving;          /* the state file covers the rest of the
	                          oldest chunk */
	int64_t last_time_ns, last_mono_ns; /* of the last frame put */
	uint64_t blocks; /* of the writer, at the last sync by the ring */
	int64_t last_sync;
	bool dirty;
	evt_ring_stats stats; /* except frames and bytes */
};

/* ---- ring.c -------------------------------------------------------------- */

/* Make room for one more chunk.  false: out of memory. */
bool evt_ring_reserve(evt_ring *ring);
/* Write and sync the open chunk, and close it. */
int evt_ring_close_chunk(evt_ring *ring, evt_error *err);
/* Remove the oldest chunk's file. */
int evt_ring_remove_first(evt_ring *ring, evt_error *err);

/* ---- ring_move.c --------------------------------------------------------- */

/* Write the state file; see docs/format.md. */
int evt_ring_save(evt_ring *ring, uint64_t base, uint64_t from, uint64_t end,
    evt_error *err);
/* Remove the state file, after all chunks. */
int evt_ring_clear(evt_ring *ring, evt_error *err);
/* Put the frames of the oldest chunk since from_ns onto the tape, and all its
 * marks; drop its other frames. */
int evt_ring_pass(evt_ring *ring, int64_t from_ns, evt_error *err);
/* Commit and sync the frames that were put onto the tape. */
int evt_ring_secure(evt_ring *ring, evt_error *err);

#endif
