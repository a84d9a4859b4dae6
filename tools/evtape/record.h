/*
 * record.h - the records of a frame: what it says of each source.
 *
 * A `state` frame has one, the object at /data; a batch has one for each
 * element of /data, or the `state` within it.  Any other frame is one record
 * of its first source: the whole payload.
 */
#ifndef EVT_TOOL_RECORD_H
#define EVT_TOOL_RECORD_H

#include "format/evtape.h"
#include "format/scan.h"
#include "tools/evtape/view.h"

typedef struct tool_record {
	view value;     /* VIEW_NONE: the payload is not JSON */
	evt_key source; /* text NULL: it names none */
	bool state;     /* it is an object with a source_id: fields of a state
	                   may be looked for in it */
	bool of_batch;  /* it is one of several in its frame */
} tool_record;

/* Walks over the records of a frame; the frame must stay. */
typedef struct tool_records {
	const evt_frame *frame;
	view root;        /* the payload, VIEW_NONE if it is not JSON */
	view_walk walk;   /* over a batch */
	int state;        /* where it is */
	char text[EVT_KEY_MAX + 1]; /* of the source, where it is a string */
} tool_records;

/* scanner: tells whether the payload is JSON; made without a profile. */
int tool_records_begin(tool_records *r, const evt_frame *f,
    evt_scanner *scanner, evt_error *err);
/* false: that were all.  Every frame has at least one.  *ret_record is valid
 * until the next call. */
bool tool_records_next(tool_records *r, tool_record *ret_record);

/*
 * The event's own time of a record: `last_update`, else `gps/updated`, else
 * `user_time` beside the data; UTC where it says no offset.  false: none.
 */
bool tool_record_time(const tool_records *r, const tool_record *record,
    int64_t *ret_ns);

/* Where it says the source is, degrees.  false: it does not, or not validly. */
typedef struct tool_place {
	double lat, lng;
	bool has_alt, has_speed, has_heading;
	double alt, speed, heading; /* metres, km/h, degrees from north */
} tool_place;
bool tool_record_place(const tool_record *record, tool_place *ret_place);

#endif
