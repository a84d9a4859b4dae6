/*
 * pretrigger.h - hold the latest frames, and write them to the tape when
 * something triggers it.
 *
 * The pretrigger takes the place of the writer: put, commit, tick.  While it
 * is armed, frames go into a ring (format/write/ring.h).  A trigger moves the
 * ring onto the tape, then adds a mark with the reason, then lets all frames
 * through for some time.  Then the pretrigger is armed again.  A trigger within
 * that window makes the window longer.
 *
 * A call that fails may be repeated, as those of a writer.  For one thread.
 */
#ifndef EVT_RECORD_TAPE_PRETRIGGER_H
#define EVT_RECORD_TAPE_PRETRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/receive_clock.h"
#include "record/supervisor.h"
#include "record/tape/trigger.h"

typedef struct evt_pretrigger evt_pretrigger;

/* All that is pointed to must outlive the pretrigger. */
typedef struct evt_pretrigger_options {
	evt_writer *writer;
	int64_t keep_ns;     /* kept before a trigger, in ns; more than 0 */
	int64_t after_ns;    /* kept after it, in ns */
	uint64_t keep_bytes; /* kept before it at most */
	const evt_triggers *triggers; /* in received frames; NULL: none */
	/* The time now; must not look for steps of the clock. */
	evt_receive_clock_time (*now)(void *ctx);
	void *now_ctx;
	const evt_supervisor *supervisor; /* say */
} evt_pretrigger_options;

/* Errors: those of evt_ring_new(). */
int evt_pretrigger_new(const evt_pretrigger_options *options,
    evt_pretrigger **ret_pretrigger, evt_error *err);
/* Held frames stay in the tape's directory.  NULL is allowed. */
void evt_pretrigger_free(evt_pretrigger *p);

/* Have `wrote` called for each frame that is written to the tape. */
void evt_pretrigger_listen(evt_pretrigger *p,
    void (*wrote)(void *ctx, const evt_frame *frame), void *ctx);

/* As evt_writer_put(), _commit(), _tick() and _rotate().  A frame that is held
 * gets no sequence number: `frame->seq` is 0. */
int evt_pretrigger_put(evt_pretrigger *p, evt_frame *frame, evt_error *err);
int evt_pretrigger_commit(evt_pretrigger *p, evt_error *err);
int evt_pretrigger_tick(evt_pretrigger *p, evt_error *err);
int evt_pretrigger_rotate(evt_pretrigger *p, evt_error *err);

/* Trigger, by a signal. The next call carries it out. */
void evt_pretrigger_pull(evt_pretrigger *p);

/* The recording ends: discard the held frames. Frames that are put from now on
 * are written to the tape. */
int evt_pretrigger_end(evt_pretrigger *p, evt_error *err);

typedef struct evt_pretrigger_stats {
	bool armed;      /* frames are held; else they are written */
	bool ended;      /* nothing is held any more */
	uint64_t held;   /* frames in the ring */
	uint64_t bytes;  /* of the ring */
	uint64_t let_go; /* frames that were discarded */
	uint64_t triggers;
} evt_pretrigger_stats;
void evt_pretrigger_get_stats(const evt_pretrigger *p,
    evt_pretrigger_stats *ret_stats);

#endif
