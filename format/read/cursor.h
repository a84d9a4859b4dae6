/* cursor.h - the two kinds of cursors share a table of functions: over one tape
 * (tape_cursor.c), and merging several (cursor.c). */
#ifndef EVT_FORMAT_READ_CURSOR_H
#define EVT_FORMAT_READ_CURSOR_H

#include "format/evtape.h"

/* See the functions of the same names in evtape.h. */
struct evt_cursor_ops {
	int (*next)(evt_cursor *c, evt_frame *ret_frame, evt_error *err);
	/* Go to time_ns, or without `has_time` to the window's start. */
	int (*seek)(evt_cursor *c, bool has_time, int64_t time_ns,
	    evt_error *err);
	void (*stats)(const evt_cursor *c, evt_cursor_stats *ret_stats);
	void (*close)(evt_cursor *c);
};

struct evt_cursor {
	const struct evt_cursor_ops *ops;
};

/* Open a cursor over one tape.  Its frames get `tape_no` as evt_frame.tape. */
int evt_cursor_open_tape(evt_tape *tape, uint32_t tape_no,
    const evt_filter *filter, evt_cursor **ret_cursor, evt_error *err);

#endif
