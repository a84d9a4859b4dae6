/*
 * sink.h - the recorder's side of a tape writer: frames in, and no frame lost
 * because the disk is full or fails for a while.
 *
 * For one thread.
 */
#ifndef EVT_RECORD_TAPE_TAPE_SINK_H
#define EVT_RECORD_TAPE_TAPE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/status.h"
#include "record/tape/pretrigger.h"
#include "record/tape/queue.h"
#include "record/tape/disk_space.h"
#include "record/receive_clock.h"

/* Tries, a second apart, of a tape that is gone or full. */
#define EVT_TAPE_SINK_PATIENCE 30u

typedef struct evt_tape_sink evt_tape_sink;

typedef struct evt_tape_sink_options {
	evt_writer *writer; /* the sink uses it, and does not close it */
	evt_pretrigger *pretrigger; /* likewise; stands before the writer, or
	                               NULL */
	evt_status *board;
	uint64_t
	    max_frames; /* received frames after which it is done, 0: any */
	uint64_t max_stored; /* stored bytes after which it is done, 0: any */
	/* Segments are dropped: a list of trackers is kept in memory, and put
	 * again when the last one on the tape is dropped. */
	bool dropping;
	evt_disk_space *room; /* on the disk; NULL: not watched */
	/* Whether the recording is being ended: then a failing tape is tried
	 * for a few seconds more only. */
	bool (*ending)(void *ctx);
	/* Sleep up to ns; may return early if the recording is being ended. */
	void (*pause)(void *ctx, int64_t ns);
	/* One line for a person.  error: false when it works again. */
	void (*say)(void *ctx, bool error, const char *text);
	/* The tape has been full, or gone, for long: end the recording; as in
	 * evt_disk_space_options. */
	void (*stop)(void *ctx, const char *reason, const char *text);
	/* It gets on: each MiB that gets onto the tape.  NULL: nobody asks. */
	void (*beat)(void *ctx);
	void *ctx;
} evt_tape_sink_options;

/* NULL: out of memory. */
evt_tape_sink *evt_tape_sink_new(const evt_tape_sink_options *options);
void evt_tape_sink_free(evt_tape_sink *s);

/*
 * Put a frame.  If the tape cannot take it, this tries again each second
 * until it can; only if the recording is being ended meanwhile is the frame
 * given up, and counted.  It is ended by the sink itself where the tape is
 * gone, or its disk full and watched, for EVT_TAPE_SINK_PATIENCE tries.
 */
void evt_tape_sink_put(evt_tape_sink *s, const evt_queue_item *item);
/* Commit what was put, in the same way, and tell the board. */
void evt_tape_sink_commit(evt_tape_sink *s);
/* Housekeeping: evt_writer_tick().  To be called about once a second. */
void evt_tape_sink_tick(evt_tape_sink *s);
/* Begin a new segment. */
void evt_tape_sink_rotate(evt_tape_sink *s);

/* With a pretrigger: it is triggered by a signal; the end of the recording,
 * behind which what is put goes onto the tape. */
void evt_tape_sink_trigger(evt_tape_sink *s);
void evt_tape_sink_end(evt_tape_sink *s);

/* Why no more received frames are taken: "frames", "max-size", or NULL. */
const char *evt_tape_sink_done(const evt_tape_sink *s);
/* Everything was put but the last marks: if frames were given up, try once
 * more, and say on the tape how many are missing. */
void evt_tape_sink_last_try(evt_tape_sink *s,
    const evt_receive_clock_time *now);
/* Frames that were given up, or held in memory alone at that time; with
 * `uncommitted`, also those that were put and not committed, which only a
 * writer that is closed has written.  What lies on the disk held for a trigger
 * is not lost: the next recording takes it. */
uint64_t evt_tape_sink_lost(const evt_tape_sink *s, bool uncommitted);

#endif
