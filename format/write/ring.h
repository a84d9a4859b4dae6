/*
 * ring.h - hold the frames of the last seconds until a trigger.
 *
 * While a recorder waits for a trigger, its frames go into a ring of journal
 * files in journal/ring/, and not onto the tape.  So memory holds only the
 * records of one batch, and kill -9 loses no frame that was committed.  Frames
 * get their sequence numbers when they are moved onto the tape.  docs/format.md
 * (5.3) describes the files.
 *
 * The ring drops the oldest frames, but never what counts for later ones: marks,
 * lifecycle events, and the platform's responses to subscriptions.  When the frames
 * around these are dropped, they are moved onto the tape.  So the tape has each
 * connection, each list of trackers and what is blocked before the frames that
 * follow.
 *
 * A call that failed may be made again; it continues where it stopped.
 */
#ifndef EVT_FORMAT_WRITE_RING_H
#define EVT_FORMAT_WRITE_RING_H

#include "format/evtape.h"
#include "format/base/io.h"

/* The smallest bound on the bytes of a ring. */
#define EVT_RING_BYTES_MIN (UINT64_C(1) << 20)

/* A ring holds frames this much longer than asked for, since a trigger may be
 * noticed late. */
#define EVT_RING_SLACK_NS INT64_C(2000000000)

typedef struct evt_ring evt_ring;

typedef struct evt_ring_options {
	int64_t keep_ns;     /* frames older than this are dropped */
	uint64_t keep_bytes; /* and the oldest beyond this size */
	/* Called for each frame that the ring puts onto the tape; may be NULL. */
	void (*wrote)(void *ctx, const evt_frame *frame);
	void *ctx;
} evt_ring_options;

/* Begin a ring for the writer's tape.  The writer must outlive the ring, which
 * syncs at the writer's interval.  Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_ring_new(evt_writer *w, const evt_ring_options *options,
    evt_ring **ret_ring, evt_error *err);
/* Free the memory; the files stay. */
void evt_ring_free(evt_ring *ring);

/* Hold a frame, whose keys evt_writer_scan() has set.  A killed process does not
 * lose it after the next commit. */
int evt_ring_put(evt_ring *ring, const evt_frame *f, bool in_lines,
    evt_error *err);

/* Write the frames that were put, sync if it is due, and drop frames that are
 * too old at the steady time now_ns, or too many.  The writer must be committed
 * after this. */
int evt_ring_commit(evt_ring *ring, int64_t now_ns, evt_error *err);

/* Move the frames since the steady time from_ns onto the tape, and drop those
 * before it.  Afterwards the ring is empty, and the frames are synced on the
 * tape. */
int evt_ring_move(evt_ring *ring, int64_t from_ns, evt_error *err);

/* Drop all frames, and remove the ring's files: a clean stop. */
int evt_ring_drop(evt_ring *ring, evt_error *err);

typedef struct evt_ring_stats {
	uint64_t frames; /* held, without marks */
	uint64_t bytes;  /* held, on disk and in memory */
	uint64_t let_go; /* frames that were dropped */
	uint64_t moved;  /* frames moved onto the tape, without marks */
	bool full;       /* frames were dropped because of keep_bytes */
} evt_ring_stats;
void evt_ring_get_stats(const evt_ring *ring, evt_ring_stats *ret_stats);

/* ---- after a crash ------------------------------------------------------- */

/* For evt_writer_open(): load the ring that a dead recorder left, and find out
 * which of its frames are on the tape.  *ret_ring is NULL if there is no ring.
 * To be called before the first put. */
int evt_ring_load(evt_writer *w, evt_ring **ret_ring, evt_error *err);
/* Move all frames onto the tape, with a mark that says so. */
int evt_ring_rescue(evt_ring *ring, evt_error *err);

/* Whether the recorder that holds the tape has a ring. */
bool evt_ring_armed(const evt_io *io, const char *tape_path);

#endif
