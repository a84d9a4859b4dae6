/* cursor.h - what a cursor is to evt_cursor_next(): a table of functions. */
#ifndef EVT_FORMAT_READ_CURSOR_H
#define EVT_FORMAT_READ_CURSOR_H

#include "format/evtape.h"

struct evt_cursor_ops {
	int (*next)(evt_cursor *c, evt_frame *ret_frame, evt_error *err);
	/* Back to the window's start, or to time_ns if `has_time`. */
	int (*seek)(evt_cursor *c, bool has_time, int64_t time_ns,
	    evt_error *err);
	void (*stats)(const evt_cursor *c, evt_cursor_stats *ret_stats);
	void (*close)(evt_cursor *c);
};

struct evt_cursor {
	const struct evt_cursor_ops *ops;
};

/* A cursor over one tape, the tape_no-th of its user. */
int evt_cursor_open_tape(evt_tape *tape, uint32_t tape_no,
    const evt_filter *filter, evt_cursor **ret_cursor, evt_error *err);

#endif
