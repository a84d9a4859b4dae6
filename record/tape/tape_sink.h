/*
 * tape_sink.h - put frames onto a tape, and lose none of them because the disk
 * is full or fails for a while.
 *
 * For one thread.
 */
#ifndef EVT_RECORD_TAPE_TAPE_SINK_H
#define EVT_RECORD_TAPE_TAPE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/receive_clock.h"
#include "record/supervisor.h"
#include "record/tape/disk_space.h"
#include "record/tape/pretrigger.h"
#include "record/tape/queue.h"

/* How often a tape that is gone or full is retried, once a second, before the
 * recording is ended. */
#define EVT_TAPE_SINK_PATIENCE 30u

typedef struct evt_tape_sink evt_tape_sink;

/* All that is pointed to must outlive the sink, which closes and frees none of
 * it. */
typedef struct evt_tape_sink_options {
	evt_writer *writer;
	evt_pretrigger *pretrigger; /* takes the frames first; NULL: none */
	uint64_t max_frames; /* done after as many received frames; 0: never */
	uint64_t max_stored; /* done after as many stored bytes; 0: never */
	evt_disk_space *disk_space; /* NULL: not watched */
	/* say, ending, overdue, end, pause, beat (each MiB that is written),
	 * status.  While the recording is being ended, a failing tape is retried
	 * for a few seconds more only. */
	const evt_supervisor *supervisor;
} evt_tape_sink_options;

/* NULL: out of memory. */
evt_tape_sink *evt_tape_sink_new(const evt_tape_sink_options *options);
/* NULL is allowed. */
void evt_tape_sink_free(evt_tape_sink *s);

/*
 * Put a frame.  If the tape cannot take it, this retries each second until it
 * can.  Only while the recording is being ended is the frame given up, and
 * counted; once the end is overdue, without a try.  The sink itself ends the
 * recording if the tape is gone, or its watched disk is full, for
 * EVT_TAPE_SINK_PATIENCE tries.
 */
void evt_tape_sink_put(evt_tape_sink *s, const evt_queue_item *item);
/* Commit the frames that were put, in the same way, and update the status. */
void evt_tape_sink_commit(evt_tape_sink *s);
/* Regular work: evt_writer_tick().  To be called about once a second. */
void evt_tape_sink_tick(evt_tape_sink *s);
/* Begin a new segment. */
void evt_tape_sink_rotate(evt_tape_sink *s);

/* A signal triggers the pretrigger. */
void evt_tape_sink_trigger(evt_tape_sink *s);
/* End the pretrigger: frames that are put from now on are written. */
void evt_tape_sink_end(evt_tape_sink *s);

/* Why no more received frames are taken: "frames", "max-size"; NULL: they are
 * taken. */
const char *evt_tape_sink_done(const evt_tape_sink *s);
/* All frames were put but the last marks.  If the tape was given up, retry once
 * more.  If frames were given up, put a mark that says how many are missing. */
void evt_tape_sink_last_try(evt_tape_sink *s,
    const evt_receive_clock_time *now);
/*
 * How many frames were lost: those given up, and those held in memory alone at
 * that time.  `uncommitted`: also those that were put and not committed, which
 * only a writer that closes well writes.  Frames that lie on the disk, held for
 * a trigger, are not lost: the next recording takes them.
 */
uint64_t evt_tape_sink_lost(const evt_tape_sink *s, bool uncommitted);
/*
 * The writer was closed successfully, so it wrote the uncommitted frames.
 * Update the status. The writer is not used.
 */
void evt_tape_sink_closed(evt_tape_sink *s);

#endif
