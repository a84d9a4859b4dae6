/*
 * sink.h - the recorder's side of a tape writer: frames in, and no frame lost
 * because the disk is full or fails for a while.
 *
 * For one thread.
 */
#ifndef EVT_SINK_H
#define EVT_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/board.h"
#include "record/queue.h"

typedef struct evt_sink evt_sink;

typedef struct evt_sink_options {
	evt_writer *writer;   /* the sink uses it, and does not close it */
	evt_board *board;
	uint64_t max_frames;  /* received frames after which it is done, 0: any */
	uint64_t max_stored;  /* stored bytes after which it is done, 0: any */
	/* Segments are dropped: a list of trackers is kept in memory, and put
	 * again when the last one on the tape is dropped. */
	bool dropping;
	/* Whether the recording is being ended: then a failing tape is tried
	 * for a few seconds more only. */
	bool (*ending)(void *ctx);
	/* Sleep up to ns; may return early if the recording is being ended. */
	void (*pause)(void *ctx, int64_t ns);
	/* One line for a person.  error: false when it works again. */
	void (*say)(void *ctx, bool error, const char *text);
	void *ctx;
} evt_sink_options;

/* NULL: out of memory. */
evt_sink *evt_sink_new(const evt_sink_options *options);
void evt_sink_free(evt_sink *s);

/*
 * Put a frame.  If the tape cannot take it, this tries again each second
 * until it can; only if the recording is being ended meanwhile is the frame
 * given up, and counted.
 */
void evt_sink_put(evt_sink *s, const evt_item *item);
/* Commit what was put, in the same way, and tell the board. */
void evt_sink_commit(evt_sink *s);
/* Housekeeping: evt_writer_tick().  To be called about once a second. */
void evt_sink_tick(evt_sink *s);
/* Begin a new segment. */
void evt_sink_rotate(evt_sink *s);

/* Why no more received frames are taken: "frames", "max-size", or NULL. */
const char *evt_sink_done(const evt_sink *s);
/* Frames that were given up. */
uint64_t evt_sink_lost(const evt_sink *s);

#endif
