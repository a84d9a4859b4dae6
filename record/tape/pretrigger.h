/*
 * pretrigger.h - keep the last seconds, and put them onto the tape when
 * something happens (evtape-record --keep-last).
 *
 * It stands in the writer's place: put, commit, tick.  While it is armed,
 * frames go into a ring (format/write/ring.h).  On a trigger the ring goes onto the
 * tape, then a mark that says why, then everything for some seconds more;
 * then it is armed again.  A trigger meanwhile makes that longer.
 *
 * The calls that fail may be made again, as those of a writer.  For one
 * thread.
 */
#ifndef EVT_RECORD_TAPE_PRETRIGGER_H
#define EVT_RECORD_TAPE_PRETRIGGER_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/receive_clock.h"
#include "record/tape/trigger.h"

typedef struct evt_pretrigger evt_pretrigger;

typedef struct evt_pretrigger_options {
	evt_writer *writer;
	int64_t keep_ns;              /* before a trigger */
	int64_t after_ns;             /* and after it */
	uint64_t keep_bytes;          /* at most so much before it */
	const evt_triggers *triggers; /* in received frames; NULL: none */
	/* The time now; must not look for steps of the clock. */
	evt_receive_clock_time (*now)(void *ctx);
	/* One line for a person. */
	void (*say)(void *ctx, const char *text);
	void *ctx;
} evt_pretrigger_options;

/* Errors: those of evt_ring_new(). */
int evt_pretrigger_new(const evt_pretrigger_options *options,
    evt_pretrigger **ret_pretrigger, evt_error *err);
/* Leaves what is held where it is. */
void evt_pretrigger_free(evt_pretrigger *p);

/* Who is told of each frame that gets onto the tape. */
void evt_pretrigger_listen(evt_pretrigger *p,
    void (*wrote)(void *ctx, const evt_frame *frame), void *ctx);

/* As evt_writer_put(), _commit(), _tick() and _rotate().  A frame that is held
 * gets no number. */
int evt_pretrigger_put(evt_pretrigger *p, evt_frame *frame, evt_error *err);
int evt_pretrigger_commit(evt_pretrigger *p, evt_error *err);
int evt_pretrigger_tick(evt_pretrigger *p, evt_error *err);
int evt_pretrigger_rotate(evt_pretrigger *p, evt_error *err);

/* Trigger it, by a signal: what happens happens with the next call. */
void evt_pretrigger_pull(evt_pretrigger *p);

/* The end: what is armed and held is let go, what is put from here on goes
 * onto the tape. */
int evt_pretrigger_end(evt_pretrigger *p, evt_error *err);

typedef struct evt_pretrigger_stats {
	bool armed;      /* else what comes is written */
	bool ended;      /* nothing is held any more */
	uint64_t held;   /* frames in the ring */
	uint64_t bytes;  /* of the ring */
	uint64_t let_go; /* frames that were not kept */
	uint64_t triggers;
} evt_pretrigger_stats;
void evt_pretrigger_get_stats(const evt_pretrigger *p,
    evt_pretrigger_stats *ret_stats);

#endif
