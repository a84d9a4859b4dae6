/*
 * find.h - search the frames of a tape for the items that an expression
 * describes.
 *
 *     evt_find_new(expr, &options, &find, &err);
 *     evt_find_filter(expr, &filter);
 *     ... open a cursor with the filter ...
 *     while (evt_find_seed(find, tape, &filter, &seeding, &err) == EVT_OK)
 *             continue;
 *     evt_find_seeding_free(&seeding);
 *     for each frame of the cursor: evt_find_frame(find, &frame, &err);
 *     evt_find_end(find, end_ns, &err);
 *
 * An item is a frame's part about one source (frame_items.h).  The caller reads
 * the frames, so that it can do so in steps.  Memory grows with the number of
 * sources alone.  Without an index of its own a search reads every frame.
 */
#ifndef EVT_FORMAT_FIND_FIND_H
#define EVT_FORMAT_FIND_FIND_H

#include "format/base/zone.h"
#include "format/find/find_expr.h"
#include "format/navixy/trackers.h"

typedef struct evt_find evt_find;

/* What a test found. */
typedef struct evt_find_reason {
	const char *name; /* the field as written, or "jump" */
	const char *unit; /* of a number: "m", "km/h", "s"; NULL: none */
	/* JSON values, not NUL-terminated.  NULL: not known.  A long value of a
	 * frame is a text that ends with "...". */
	const char *value, *before;
	size_t value_len, before_len;
	bool has_before_ns;
	int64_t before_ns; /* when `before` was received */
} evt_find_reason;

typedef struct evt_find_hit {
	int64_t time_ns;
	uint64_t seq;      /* of the frame; 0: it is not in the window */
	evt_key source;    /* text NULL: none */
	const char *label; /* of the source's tracker; NULL: none */
	size_t label_len;
	const char *event; /* NULL: none */
	size_t event_len;
	bool open; /* a silence that lasts to the end of the window */
	const evt_find_reason *reason; /* those that make it true, in the order
	                                  of the expression */
	unsigned n_reasons;
} evt_find_hit;

/* Called with each hit, which is valid during the call.  Whatever it returns
 * other than EVT_OK ends the call that found the hit, and is returned. */
typedef int evt_find_fn(void *ctx, const evt_find_hit *hit, evt_error *err);

typedef struct evt_find_options {
	const evt_filter *filter;     /* items of other sources are left out */
	const evt_trackers *trackers; /* for labels; NULL: none is known */
	evt_find_fn *hit;
	void *ctx;
	evt_tape *const *tapes; /* of the cursor, which show in which zone local
	                           times are; NULL: one, whose times are UTC */
	size_t n_tapes;
	const evt_zone *zone; /* of local times; NULL: found on the tapes */
} evt_find_options;

/* `expr` and what the options point to must outlive the search.  Errors:
 * EVT_ERR_NOMEM. */
int evt_find_new(const evt_find_expr *expr, const evt_find_options *options,
    evt_find **ret_find, evt_error *err);
void evt_find_free(evt_find *find);

/* Add to a cursor's filter which kinds of frames the expression is about. */
void evt_find_filter(const evt_find_expr *expr, evt_filter *filter);

/* How far the seeds of a tape are.  Zero-initialised: none was read. */
typedef struct evt_find_seeding {
	evt_info *events, *sources;
	size_t event, source;
} evt_find_seeding;

/*
 * Tell the search what was before the window, which begins at filter->from_ns: for
 * each source, the last frame of each event.  Then values "before" and silences
 * are right from the first frame on.  Each call reads the frames of one event,
 * or of one source if they have no event.
 * EVT_OK: call it again.  EVT_END: done, at once if the filter has no start.
 * Errors: those of reading, EVT_ERR_NOMEM.
 */
int evt_find_seed(evt_find *find, evt_tape *tape, const evt_filter *filter,
    evt_find_seeding *seeding, evt_error *err);
void evt_find_seeding_free(evt_find_seeding *seeding);

/* Look at the next frame.  Errors: EVT_ERR_NOMEM; the codes of the hit function. */
int evt_find_frame(evt_find *find, const evt_frame *frame, evt_error *err);

/* The window has ended, at end_ns: find the silences that last until then. */
int evt_find_end(evt_find *find, int64_t end_ns, evt_error *err);

#endif
