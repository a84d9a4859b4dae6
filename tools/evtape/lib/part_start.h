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
#ifndef EVT_TOOLS_EVTAPE_LIB_PART_START_H
#define EVT_TOOLS_EVTAPE_LIB_PART_START_H

#include "tools/evtape/lib/newtape.h"

typedef struct part_start {
	evt_tape *tape;
	/* What the part selects: frames of other sources, events or kinds are
	 * left out here, too.  Its window is used for its end alone. */
	const evt_filter *filter;
	int64_t at_ns;       /* the receive time at which the part begins */
	int64_t mono_ns;     /* the same on the steady clock */
	uint32_t first_conn; /* added to the numbers of connections */
	bool states;         /* also the last state of each source */
	newtape *to;
} part_start;

/* The steady time at `at_ns`, which is before the first frame that passes the
 * filter: so that the part keeps its pace.  Without such a frame: at_ns. */
int part_start_mono(evt_tape *tape, const evt_filter *filter, int64_t at_ns,
    int64_t *ret_mono_ns, evt_error *err);

/* Put what counts at the start onto the new tape, which has no frame of the part
 * yet.  EVT_END: a signal asks to stop.  Errors: those of reading and writing. */
int part_start_put(const part_start *p, evt_error *err);

#endif
