/*
 * frame_items.h - the items of a frame: its parts about one source each.
 *
 * A `state` frame has one, the object at /data; a batch has one for each
 * element of /data, or the `state` within it.  Any other frame is one item
 * of its first source: the whole payload.
 */
#ifndef EVT_FORMAT_NAVIXY_FRAME_ITEMS_H
#define EVT_FORMAT_NAVIXY_FRAME_ITEMS_H

#include "format/evtape.h"
#include "format/keys/json_scan.h"
#include "format/base/json_view.h"
#include "format/base/zone.h"

typedef struct evt_frame_item {
	evt_json_view value; /* EVT_JSON_VIEW_NONE: the payload is not JSON */
	evt_json_view whole; /* in a batch: the element; value is the element or
	                        a part of it */
	evt_key source;      /* text NULL: the item has no source */
	bool state;          /* an object with a source_id, which may have the
	                        fields of a state */
	bool of_batch;       /* an element of a batch */
} evt_frame_item;

/* A walk over the items of a frame, which must stay valid. */
typedef struct evt_frame_items {
	const evt_frame *frame;
	evt_json_view root;      /* the payload; EVT_JSON_VIEW_NONE: not JSON */
	evt_json_view_walk walk; /* over a batch */
	int state;               /* of the walk */
	char text[EVT_KEY_MAX + 1]; /* of the source, if it is a string */
} evt_frame_items;

/* `scanner` checks that the payload is JSON; it needs no profile.  Errors:
 * EVT_ERR_NOMEM. */
int evt_frame_items_begin(evt_frame_items *r, const evt_frame *f,
    evt_json_scanner *scanner, evt_error *err);
/* Get the next item, valid until the next call.  false: there are no more.  Every
 * frame has at least one, except a batch without sources. */
bool evt_frame_items_next(evt_frame_items *r, evt_frame_item *ret_record);

/*
 * The event's own time of an item: `last_update`, else `gps/updated`, else
 * `user_time` beside the data.  A time without an offset is a local time of `zone`
 * (NULL: UTC).  Of the two times that an hour has that comes twice, it is the later
 * one, unless that is after the receipt.  false: the item has no time.
 */
bool evt_frame_item_time(const evt_frame_items *r, const evt_frame_item *record,
    const evt_zone *zone, int64_t *ret_ns);

/* The position of the source, in degrees.  false: the item has no valid one. */
typedef struct evt_frame_items_place {
	double lat, lng;
	bool has_alt, has_speed, has_heading;
	double alt, speed, heading; /* metres, km/h, degrees from north */
} evt_frame_items_place;
bool evt_frame_item_place(const evt_frame_item *record,
    evt_frame_items_place *ret_place);

#endif
