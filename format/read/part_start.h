/*
 * part_start.h - what counts at the start of a part of a tape.
 *
 * A part that begins midway lacks what its frames build on: the list of
 * trackers, the platform's response to the subscription, which sources are
 * blocked, and, if that is asked for, the last state of each source.  These are
 * put first, after a mark "state".  They get the time of the part's start, so
 * that they play at once and do not stretch the part; the mark keeps the times
 * at which they were received.
 */
#ifndef EVT_FORMAT_READ_PART_START_H
#define EVT_FORMAT_READ_PART_START_H

#include "format/evtape.h"
#include "format/keys/json_scan.h"

typedef struct evt_part_start {
	evt_tape *tape;
	/* What the part selects: frames of other sources, events or kinds are
	 * left out here, too.  Its window is used for its end alone. */
	const evt_filter *filter;
	int64_t at_ns;       /* the receive time at which the part begins */
	int64_t mono_ns;     /* the same on the steady clock */
	uint64_t first_seq;  /* frames from this number on are in the part,
	                        whatever their times; 0: times decide */
	uint32_t first_conn; /* added to the numbers of connections */
	bool states;         /* also the last state of each source */
	/* Takes the frames, one after the other; an error ends it. */
	int (*put)(void *ctx, const evt_frame *f, evt_error *err);
	/* Asked now and then: true to stop.  May be NULL. */
	bool (*stop)(void);
	void *ctx;
} evt_part_start;

/* The steady time at `at_ns`, which is before the first frame that passes the
 * filter: so that the part keeps its pace.  Without such a frame: at_ns. */
int evt_part_start_mono(evt_tape *tape, const evt_filter *filter, int64_t at_ns,
    int64_t *ret_mono_ns, evt_error *err);

/* Put what counts at the start.  EVT_END: it was asked to stop.  Errors: those of
 * reading and of put(). */
int evt_part_start_put(const evt_part_start *p, evt_error *err);

/* Whether a frame may count at the start of a part that begins after it, although
 * it is no mark: a lifecycle event, or the platform's response to a subscription.
 * Errors: EVT_ERR_NOMEM. */
int evt_part_start_counts(evt_json_scanner *scanner, const evt_frame *f,
    bool *ret_counts, evt_error *err);

#endif
