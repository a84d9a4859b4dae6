/*
 * ring.h - the frames of the last seconds, held until somebody wants them.
 *
 * While a recorder waits for a trigger, its frames go into a ring of journal
 * files in journal/ring/ and not onto the tape: memory holds the records of
 * one batch alone, whatever is held, and kill -9 costs nothing of it.  They
 * get numbers of the tape only when they are moved onto it.  docs/format.md
 * (5.3) has the files.
 *
 * Marks are never let go: they go onto the tape when the frames around them
 * have become too old.  So the tape tells of each connection and each list of
 * trackers before the frames that follow them.
 *
 * Calls that failed may be made again; they go on where they stopped.
 */
#ifndef EVT_FORMAT_WRITE_RING_H
#define EVT_FORMAT_WRITE_RING_H

#include "format/evtape.h"
#include "format/base/io.h"

/* The smallest bound in bytes that a ring can keep. */
#define EVT_RING_BYTES_MIN (UINT64_C(1) << 20)

/* A ring keeps frames this much longer than asked, for a trigger that is
 * heard of late. */
#define EVT_RING_SLACK_NS INT64_C(2000000000)

typedef struct evt_ring evt_ring;

typedef struct evt_ring_options {
	int64_t keep_ns;     /* frames older than this are let go */
	uint64_t keep_bytes; /* and the oldest beyond this size */
	/* Told of each frame that the ring puts onto the tape. */
	void (*wrote)(void *ctx, const evt_frame *frame);
	void *ctx;
} evt_ring_options;

/* For a writer's tape; the writer must outlive it.  It syncs as that does.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_ring_new(evt_writer *w, const evt_ring_options *options,
    evt_ring **ret_ring, evt_error *err);
/* Leaves the files where they are. */
void evt_ring_free(evt_ring *ring);

/* Hold a frame, its keys set by evt_writer_scan().  It is safe from the death
 * of the process after the next commit. */
int evt_ring_put(evt_ring *ring, const evt_frame *f, bool in_lines,
    evt_error *err);

/* Write what was put, sync if that is due, and let go what is too old at the
 * steady time now_ns, or too much.  The writer is to be committed behind it. */
int evt_ring_commit(evt_ring *ring, int64_t now_ns, evt_error *err);

/* Move all frames onto the tape, but for those before the steady time
 * from_ns, which are let go.  When it is done the ring is empty and the tape
 * has them for good. */
int evt_ring_move(evt_ring *ring, int64_t from_ns, evt_error *err);

/* Let everything go, and take the ring's files away: a clean stop. */
int evt_ring_drop(evt_ring *ring, evt_error *err);

typedef struct evt_ring_stats {
	uint64_t frames; /* held, marks not counted */
	uint64_t bytes;  /* held, on disk and in memory */
	uint64_t let_go; /* frames, since the ring was made */
	uint64_t moved;  /* onto the tape, since then, marks not counted */
	bool full;       /* frames were let go for the size */
} evt_ring_stats;
void evt_ring_get_stats(const evt_ring *ring, evt_ring_stats *ret_stats);

/* ---- what a crash left --------------------------------------------------- */

/* For evt_writer_open().  What the ring of a dead recorder holds, or NULL; it
 * is settled which of it the tape has already.  To be called before anything
 * is put. */
int evt_ring_load(evt_writer *w, evt_ring **ret_ring, evt_error *err);
/* Move it all onto the tape, with a mark that says so. */
int evt_ring_rescue(evt_ring *ring, evt_error *err);

/* Whether the tape's recorder, if there is one, has a ring. */
bool evt_ring_armed(const evt_io *io, const char *tape_path);

#endif
