/* frame_items.c - see frame_items.h. */
#include "format/navixy/frame_items.h"

#include <assert.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/timetext.h"
#include "format/navixy/stamp_rewrite.h"

enum { ONE, BATCH, WHOLE, END };

/* The key of an object's source_id.  false: no source_id, or one that cannot be
 * a key. */
static bool
frame_items_source_of(evt_frame_items *r, evt_json_view object, evt_key *ret)
{
	evt_json_view id = EVT_JSON_VIEW_MEMBER(object, "source_id");
	evt_buf text = { 0 };
	int64_t n;
	bool ok;

	if (evt_json_view_kind(id) == EVT_JSON_VIEW_NUMBER) {
		if (id.n > EVT_KEY_MAX || memchr(id.p, '.', id.n) != NULL)
			return false;
		*ret = (evt_key){ (const char *)id.p, (uint32_t)id.n,
			evt_json_view_int(id, &n) };
		return true;
	}
	if (evt_json_view_kind(id) != EVT_JSON_VIEW_STRING)
		return false;
	ok = evt_json_view_text(id, &text) && text.len <= EVT_KEY_MAX;
	if (ok) {
		if (text.len > 0)
			memcpy(r->text, text.data, text.len);
		*ret = (evt_key){ r->text, (uint32_t)text.len, false };
	}
	evt_buf_free(&text);
	return ok;
}

int
evt_frame_items_begin(evt_frame_items *r, const evt_frame *f,
    evt_json_scanner *scanner, evt_error *err)
{
	evt_json_scan_result got = { .json = false };
	evt_json_view data;
	int code;

	assert(r != NULL && f != NULL && scanner != NULL);
	r->frame = f;
	r->root = (evt_json_view){ NULL, 0 };
	r->state = WHOLE;
	if (f->opcode == EVT_OP_TEXT || f->kind == EVT_KIND_MARK) {
		code = evt_json_scan(scanner, f->payload, f->len, &got, err);
		if (code != EVT_OK)
			return code;
		if (got.json)
			r->root = evt_json_view_make(f->payload, f->len);
	}
	data = EVT_JSON_VIEW_MEMBER(r->root, "data");
	if (f->kind == EVT_KIND_RECEIVED &&
	    evt_json_view_kind(data) == EVT_JSON_VIEW_OBJECT &&
	    evt_json_view_kind(EVT_JSON_VIEW_MEMBER(data, "source_id")) !=
	        EVT_JSON_VIEW_NONE)
		r->state = ONE;
	else if (f->kind == EVT_KIND_RECEIVED &&
	    evt_json_view_kind(data) == EVT_JSON_VIEW_ARRAY &&
	    f->n_sources > 0) {
		r->state = BATCH;
		r->walk = evt_json_view_walk_begin(data);
	}
	return EVT_OK;
}

/* The next element of a batch that names a source. */
static bool
frame_items_next_of_batch(evt_frame_items *r, evt_frame_item *ret)
{
	evt_json_view name, item, state;

	while (evt_json_view_walk_next(&r->walk, &name, &item)) {
		state = EVT_JSON_VIEW_MEMBER(item, "state");
		if (evt_json_view_kind(state) != EVT_JSON_VIEW_OBJECT)
			state = item;
		if (frame_items_source_of(r, state, &ret->source)) {
			ret->value = state;
			ret->whole = item;
			ret->state = ret->of_batch = true;
			return true;
		}
	}
	return false;
}

bool
evt_frame_items_next(evt_frame_items *r, evt_frame_item *ret)
{
	int was = r->state;

	*ret = (evt_frame_item){ .value = r->root };
	if (was == END)
		return false;
	if (was == BATCH)
		return frame_items_next_of_batch(r, ret);
	r->state = END;
	if (was == ONE) {
		evt_json_view data = EVT_JSON_VIEW_MEMBER(r->root, "data");

		if (frame_items_source_of(r, data, &ret->source)) {
			ret->value = data;
			ret->state = true;
			return true;
		}
	}
	if (r->frame->n_sources > 0)
		ret->source = r->frame->sources[0];
	return true;
}

static bool
frame_items_parse_time(evt_json_view v, int64_t *ret_ns)
{
	evt_buf text = { 0 };
	bool ok = evt_json_view_kind(v) == EVT_JSON_VIEW_STRING && v.n < 64 &&
	    evt_json_view_text(v, &text) && evt_buf_add_byte(&text, '\0') &&
	    evt_timetext_parse((char *)text.data, NULL, ret_ns, NULL) == EVT_OK;

	evt_buf_free(&text);
	return ok;
}

/* Clocks differ: a time so long after the receipt may still be right. */
#define FAST_NS (600 * EVT_NS_PER_S)

/* Read a time; one without an offset is a local time of the zone. */
static bool
frame_items_read_time(evt_json_view v, const evt_zone *zone,
    int64_t received_ns, int64_t *ret_ns)
{
	int64_t s, local_ns, later_ns;
	int offset_s;
	bool iso;

	if (!frame_items_parse_time(v, &local_ns))
		return false;
	*ret_ns = local_ns;
	if (zone == NULL || !evt_stamp_rewrite_read(v, &s, &iso, &offset_s) ||
	    iso)
		return true;
	*ret_ns = evt_zone_to_utc(zone, local_ns, false);
	later_ns = evt_zone_to_utc(zone, local_ns, true);
	if (later_ns > *ret_ns &&
	    later_ns <= evt_clock_add(received_ns, FAST_NS))
		*ret_ns = later_ns;
	return true;
}

bool
evt_frame_item_time(const evt_frame_items *r, const evt_frame_item *record,
    const evt_zone *zone, int64_t *ret_ns)
{
	int64_t received_ns = r->frame->time_ns;

	if (!record->state)
		return false;
	return frame_items_read_time(EVT_JSON_VIEW_MEMBER(record->value,
	                                 "last_update"),
	           zone, received_ns, ret_ns) ||
	    frame_items_read_time(
	        EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(record->value, "gps"),
	            "updated"),
	        zone, received_ns, ret_ns) ||
	    frame_items_read_time(EVT_JSON_VIEW_MEMBER(r->root, "user_time"),
	        zone, received_ns, ret_ns);
}

bool
evt_frame_item_place(const evt_frame_item *record, evt_frame_items_place *ret)
{
	evt_json_view gps = EVT_JSON_VIEW_MEMBER(record->value, "gps");
	evt_json_view at = EVT_JSON_VIEW_MEMBER(gps, "location");
	evt_frame_items_place p = { 0 };

	if (!record->state ||
	    !evt_json_view_double(EVT_JSON_VIEW_MEMBER(at, "lat"), &p.lat) ||
	    !evt_json_view_double(EVT_JSON_VIEW_MEMBER(at, "lng"), &p.lng) ||
	    !(p.lat >= -90 && p.lat <= 90 && p.lng >= -180 && p.lng <= 180))
		return false;
	p.has_alt =
	    evt_json_view_double(EVT_JSON_VIEW_MEMBER(gps, "alt"), &p.alt);
	p.has_speed =
	    evt_json_view_double(EVT_JSON_VIEW_MEMBER(gps, "speed"), &p.speed);
	p.has_heading =
	    evt_json_view_double(EVT_JSON_VIEW_MEMBER(gps, "heading"),
	        &p.heading);
	*ret = p;
	return true;
}
