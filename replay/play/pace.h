/*
 * pace.h - the playing loop: take frames from a deck when they are due, and
 * deliver them in batches.
 *
 * A deck says which frame is due when (deck.h), but it has no clock and sends
 * nothing.  A pace polls the deck by the clock, passes each due frame to the
 * caller's take(), has the caller's deliver() send the frames that were taken,
 * and records how late they were.  It never waits: evt_pace_play() returns, and
 * `wake_ns` says when to call it again.
 *
 *     for (;;) {
 *             switch (evt_pace_play(&pace, deck, &err)) {
 *             case EVT_PACE_MORE:
 *                     continue;
 *             case EVT_PACE_WAIT:
 *             case EVT_PACE_LIVE:
 *             case EVT_PACE_PAUSED:
 *                     wait until pace.wake_ns, a key or a signal;
 *                     continue;
 *             case EVT_PACE_END:
 *                     return;
 *             default:
 *                     report the error; continue after EVT_ERR_CORRUPT;
 *             }
 *     }
 *
 * Batches.  A frame that is on time is delivered at once, by itself.  Frames are
 * gathered where no time passes between them: at EVT_SPEED_UNLIMITED, or while
 * the deck catches up because frames are more than 1 ms late.  A batch ends when
 * take() says that it is full, at EVT_PACE_BATCH_MAX frames with a due time, or
 * when no further frame is due.
 *
 * Times are those of the clock, which is steady, in ns.
 */
#ifndef EVT_REPLAY_PLAY_PACE_H
#define EVT_REPLAY_PLAY_PACE_H

#include "replay/play/deck.h"
#include "replay/play/lateness.h"

/* Most frames in a batch; at EVT_SPEED_UNLIMITED only take() limits it. */
#define EVT_PACE_BATCH_MAX 256u

/* The result of take() for a frame. */
enum evt_pace_taken {
	EVT_PACE_ADDED,  /* the frame is in the batch */
	EVT_PACE_FULL,   /* the same, and the batch must be delivered now */
	EVT_PACE_REFUSED /* the frame is not in the batch: stop playing */
};

typedef struct evt_pace_output {
	/*
	 * Add a due frame, which is valid during the call, to the batch.  May
	 * call evt_pace_deliver() first to begin a new batch, and may seek the
	 * deck if it then refuses the frame.
	 */
	enum evt_pace_taken (*take)(void *ctx, const evt_frame *frame);
	/* Send the batch.  false: it was not sent, and its lateness does not
	 * count. */
	bool (*deliver)(void *ctx);
	/* The clock: NULL for CLOCK_MONOTONIC. */
	int64_t (*clock)(void);
	void *ctx;
} evt_pace_output;

typedef struct evt_pace {
	/* When to call evt_pace_play() again: 0 at once, INT64_MAX not before
	 * the deck is resumed, stepped or moved. */
	int64_t wake_ns;
	int64_t now_ns; /* when it looked at the clock last */
	/* The rest is for pace.c. */
	evt_pace_output output;
	evt_lateness *lateness;
	size_t n; /* frames in the batch */
	int64_t due[EVT_PACE_BATCH_MAX];
	size_t n_due;
} evt_pace;

/*
 * Begin without a batch.  `lateness` gets the lateness of each frame that had a
 * due time, so of none at EVT_SPEED_UNLIMITED; it must outlive the pace.  A pace
 * holds no resources.
 */
void evt_pace_init(evt_pace *pace, const evt_pace_output *output,
    evt_lateness *lateness);

/* The results of evt_pace_play(); an error of the deck is a negative
 * evt_code. */
enum evt_pace_result {
	EVT_PACE_MORE = 10, /* more may be due: call again after what else is
	                     * to be done, such as a look at signals */
	EVT_PACE_WAIT,      /* no frame is due before wake_ns */
	EVT_PACE_LIVE,      /* everything recorded so far was played, and a
	                     * recorder may add more: call again at wake_ns */
	EVT_PACE_PAUSED,    /* the deck is paused */
	EVT_PACE_END,       /* the deck has played everything */
	EVT_PACE_STOPPED    /* take() refused a frame; the batch is as it was */
};

/*
 * Play what is due now, up to one batch.  The batch was delivered unless it
 * returns EVT_PACE_STOPPED.  Errors: those of the deck's input; after
 * EVT_ERR_CORRUPT the next call continues after the damaged block.
 *
 * The deck may be another one on each call.  Its speed may change between calls,
 * not from within take() or deliver().
 */
int evt_pace_play(evt_pace *pace, evt_deck *deck, evt_error *err);

/* Frames in the batch, taken and not yet delivered. */
size_t evt_pace_pending(const evt_pace *pace);

/* Deliver the batch now, if there are frames in it. */
void evt_pace_deliver(evt_pace *pace);

#endif
