/*
 * find_items.c - the items of a frame, and what is known of their sources; see
 * find_impl.h.
 *
 * A frame is walked over once: the walk finds the fields of the expression
 * wherever an item may have them, at the payload's top, in `data`, or, in a
 * batch, in each element of `data` and in its `state`.  Only then it is known
 * which of these the item is.
 */
#include "format/find/find_impl.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/navixy/stamp_rewrite.h"

/* ---- sources ------------------------------------------------------------- */

bool
evt_find_wants(const evt_filter *filter, const evt_key *key)
{
	if (filter == NULL || filter->n_sources == 0)
		return true;
	for (size_t i = 0; i < filter->n_sources; i++) {
		uint8_t type = filter->source_types != NULL ?
		    filter->source_types[i] :
		    EVT_SOURCE_ANY;

		if ((type == EVT_SOURCE_ANY ||
		        key->is_int == (type == EVT_SOURCE_INT)) &&
		    strlen(filter->sources[i]) == key->len &&
		    memcmp(filter->sources[i], key->text, key->len) == 0)
			return true;
	}
	return false;
}

/* The source of a key, or `nobody`; NULL: out of memory. */
static struct evt_find_source *
find_items_source(evt_find *f, const evt_key *key)
{
	struct evt_find_source *s;
	struct evt_find_kept *kept;
	uint32_t n = f->sources.n, i;

	if (key->text == NULL)
		return &f->nobody;
	if (!evt_key_table_reserve(&f->sources, 1) ||
	    !evt_grow(&f->source, &f->cap_sources, (size_t)n + 1))
		return NULL;
	i = evt_key_table_find(&f->sources, key->text, key->len, key->is_int);
	if (i != UINT32_MAX)
		return &f->source[i];
	kept = calloc(f->expr->n_fields + 1, sizeof(*kept));
	if (kept == NULL)
		return NULL;
	evt_key_table_add(&f->sources, key->text, key->len, key->is_int);
	s = &f->source[n];
	*s = (struct evt_find_source){ .kept = kept,
		.left_out = !evt_find_wants(f->options.filter, key) };
	if (f->options.trackers != NULL)
		s->tracker = evt_trackers_by_source(f->options.trackers,
		    key->text, key->len);
	return s;
}

/* ---- items --------------------------------------------------------------- */

/* Keep the values of the item's fields. */
static bool
find_items_keep(evt_find *f, const struct evt_find_item *item,
    struct evt_find_source *s)
{
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		evt_json_view v = item->field[i];
		struct evt_find_kept *k = &s->kept[i];
		uint64_t seq = item->frame->seq;

		if (v.p == NULL || (item->seed && k->seq > seq))
			continue;
		k->text.len = 0;
		if (!evt_find_add_value(v, &k->text, &k->cut))
			return false;
		k->hash = XXH3_64bits(v.p, v.n);
		k->seq = seq;
		k->time_ns = item->time_ns;
	}
	return true;
}

/* When the receiver was at the place: `gps/updated` if it is a stamp.  Local times
 * of one feed are on one clock. */
static void
find_items_read_fix(const evt_frame_item *is,
    struct evt_find_track_place *place)
{
	evt_json_view updated =
	    EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(is->value, "gps"),
	        "updated");
	int64_t s;
	int offset_s = 0;
	bool iso;

	place->clock = 0;
	if (!evt_stamp_rewrite_read(updated, &s, &iso, &offset_s))
		return;
	place->clock = iso ? 2 : 1;
	place->at_ns = (s - (iso ? offset_s : 0)) * EVT_NS_PER_S;
}

static bool
find_items_is_moving(const evt_frame_item *is)
{
	evt_json_view status =
	    EVT_JSON_VIEW_MEMBER(is->value, "movement_status");
	double speed = 0;

	if (evt_json_view_kind(status) == EVT_JSON_VIEW_STRING)
		return evt_json_view_is(status, "moving", 6);
	return evt_json_view_double(
	           EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(is->value, "gps"),
	               "speed"),
	           &speed) &&
	    speed > 0;
}

static uint64_t
find_items_hash_event(const evt_frame *f)
{
	return f->event != NULL ? XXH3_64bits(f->event, f->event_len) : 0;
}

/* Show the item to its source's track, as far as the expression needs it. */
static int
find_items_track_item(evt_find *f, const evt_frame_items *items,
    struct evt_find_item *item, struct evt_find_source *s, evt_error *err)
{
	uint32_t about = f->expr->about;
	const evt_frame *frame = item->frame;
	evt_find_track_item seen = { .time_ns = item->time_ns,
		.seq = frame->seq,
		.seed = item->seed };
	evt_frame_items_place place;
	const evt_zone *zone = NULL;
	int r = EVT_OK;

	if ((about & (EVT_FIND_ABOUT(LATE) | EVT_FIND_ABOUT(OUT_OF_ORDER))) !=
	    0) {
		if (f->zone[frame->tape] != NULL)
			r = evt_feed_zone_at(f->zone[frame->tape],
			    frame->time_ns, &zone, err);
		if (r != EVT_OK)
			return r;
		seen.has_own =
		    evt_frame_item_time(items, &item->is, zone, &seen.own_ns);
	}
	if ((about &
	        (EVT_FIND_ABOUT(JUMP) | EVT_FIND_ABOUT(IMPLIED_SPEED) |
	            EVT_FIND_ABOUT(STUCK))) != 0 &&
	    evt_frame_item_place(&item->is, &place)) {
		seen.has_place = true;
		seen.place.lat = place.lat;
		seen.place.lng = place.lng;
		if ((about & EVT_FIND_ABOUT(IMPLIED_SPEED)) != 0)
			find_items_read_fix(&item->is, &seen.place);
		if ((about & EVT_FIND_ABOUT(STUCK)) != 0)
			seen.moving = find_items_is_moving(&item->is);
	}
	if ((about & EVT_FIND_ABOUT(DUPLICATE)) != 0) {
		evt_json_view v = item->is.value;

		seen.event = find_items_hash_event(frame);
		seen.hash = v.p != NULL ?
		    XXH3_64bits(v.p, v.n) :
		    XXH3_64bits(frame->payload, frame->len);
	}
	evt_find_track_see(&s->track, &seen, &item->found);
	return EVT_OK;
}

int
evt_find_item(evt_find *f, const evt_frame_items *items,
    struct evt_find_item *item, evt_error *err)
{
	struct evt_find_source *s = find_items_source(f, &item->is.source);
	int r = EVT_OK;

	if (s == NULL)
		return evt_err_nomem(err);
	if (s->left_out)
		return EVT_OK;
	if (s != &f->nobody)
		r = find_items_track_item(f, items, item, s, err);
	if (r == EVT_OK && !item->seed)
		r = evt_find_judge(f, item, s, 0, err);
	if (r == EVT_OK && !find_items_keep(f, item, s))
		r = evt_err_nomem(err);
	return r;
}

/* The key of a source_id; `text` holds it if it is a string.  *ret_is: it is one. */
static int
find_items_read_key(evt_json_view id, char text[EVT_KEY_MAX + 1], evt_key *ret,
    bool *ret_is, evt_error *err)
{
	evt_buf decoded = { 0 };
	int64_t n;

	*ret = (evt_key){ .text = NULL };
	*ret_is = false;
	if (evt_json_view_kind(id) == EVT_JSON_VIEW_NUMBER) {
		*ret_is =
		    id.n <= EVT_KEY_MAX && memchr(id.p, '.', id.n) == NULL;
		if (*ret_is)
			*ret = (evt_key){ (const char *)id.p, (uint32_t)id.n,
				evt_json_view_int(id, &n) };
		return EVT_OK;
	}
	if (evt_json_view_kind(id) != EVT_JSON_VIEW_STRING)
		return EVT_OK;
	if (!evt_json_view_text(id, &decoded))
		return evt_err_nomem(err);
	*ret_is = decoded.len <= EVT_KEY_MAX;
	if (*ret_is && decoded.len > 0)
		memcpy(text, decoded.data, decoded.len);
	if (*ret_is)
		*ret = (evt_key){ text, (uint32_t)decoded.len, false };
	evt_buf_free(&decoded);
	return EVT_OK;
}

/* The source of the tracker with that id; text NULL: none is known. */
static void
find_items_key_of_tracker(const evt_find *f, evt_json_view id, evt_key *ret)
{
	const evt_tracker *t = NULL;
	int64_t n;

	*ret = (evt_key){ .text = NULL };
	if (f->options.trackers != NULL && evt_json_view_int(id, &n))
		t = evt_trackers_by_id(f->options.trackers, n);
	if (t != NULL)
		*ret = t->source;
}

/* The values of the fields at the places `in` of the walk's result. */
static void
find_items_pick(const evt_find *f, const unsigned *in,
    const evt_json_view *value, struct evt_find_item *item)
{
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		if (!f->expr->field[i].root)
			item->field[i] = in[i] != UINT32_MAX ?
			    value[in[i]] :
			    (evt_json_view){ NULL, 0 };
	}
}

/* The elements of a batch. */
static int
find_items_batch(evt_find *f, const evt_frame_items *items, evt_json_view data,
    struct evt_find_item *item, evt_error *err)
{
	const struct evt_find_places *p = &f->element;
	evt_json_view_walk walk = evt_json_view_walk_begin(data);
	evt_json_view value[EVT_FIND_PATHS_MAX], name, element;
	char text[EVT_KEY_MAX + 1];
	int r = EVT_OK;

	while (r == EVT_OK && evt_json_view_walk_next(&walk, &name, &element)) {
		bool state;

		if (evt_json_view_kind(element) != EVT_JSON_VIEW_OBJECT)
			continue;
		evt_find_paths_walk(&p->paths, element.p, element.p + element.n,
		    value);
		state =
		    evt_json_view_kind(value[p->inner]) == EVT_JSON_VIEW_OBJECT;
		item->is = (evt_frame_item){ .value = state ? value[p->inner] :
			                                      element,
			.whole = element,
			.of_batch = true };
		r = find_items_read_key(value[state ? p->inner_id : p->id],
		    text, &item->is.source, &item->is.state, err);
		if (!item->is.state)
			find_items_key_of_tracker(f, value[p->tracker_id],
			    &item->is.source);
		find_items_pick(f, state ? p->in : p->here, value, item);
		if (r == EVT_OK)
			r = evt_find_item(f, items, item, err);
	}
	return r;
}

/* Whether the array holds items of sources: the frame has some, or, as recorded
 * without a profile, its first element names one. */
static bool
find_items_is_batch(const evt_find *f, const evt_frame *frame,
    evt_json_view data)
{
	const struct evt_find_places *p = &f->element;
	evt_json_view value[EVT_FIND_PATHS_MAX], first;

	if (evt_json_view_kind(data) != EVT_JSON_VIEW_ARRAY)
		return false;
	if (frame->n_sources > 0)
		return true;
	first = evt_json_view_element(data, 0);
	if (evt_json_view_kind(first) != EVT_JSON_VIEW_OBJECT)
		return false;
	evt_find_paths_walk(&p->paths, first.p, first.p + first.n, value);
	return value[p->id].p != NULL || value[p->inner_id].p != NULL ||
	    value[p->tracker_id].p != NULL;
}

/* Look at a frame whose payload is JSON from `root.p` on. */
int
evt_find_json(evt_find *f, evt_frame_items *items, struct evt_find_item *item,
    evt_error *err)
{
	const evt_frame *frame = items->frame;
	const struct evt_find_places *p = &f->frame;
	evt_json_view value[EVT_FIND_PATHS_MAX], data;
	char text[EVT_KEY_MAX + 1];
	int r = EVT_OK;

	evt_find_paths_walk(&p->paths, items->root.p,
	    frame->payload + frame->len, value);
	for (unsigned i = 0; i < f->expr->n_fields; i++) {
		if (f->expr->field[i].root)
			item->field[i] = value[p->root[i]];
	}
	data = value[p->inner];
	if (f->by_item && frame->kind == EVT_KIND_RECEIVED &&
	    find_items_is_batch(f, frame, data))
		return find_items_batch(f, items, data, item, err);
	item->is = (evt_frame_item){ .value = items->root };
	if (frame->kind == EVT_KIND_RECEIVED &&
	    evt_json_view_kind(data) == EVT_JSON_VIEW_OBJECT)
		r = find_items_read_key(value[p->inner_id], text,
		    &item->is.source, &item->is.state, err);
	if (r != EVT_OK)
		return r;
	if (item->is.state) {
		item->is.value = data;
		find_items_pick(f, p->in, value, item);
	} else {
		if (frame->n_sources == 1 ||
		    (f->by_item && frame->n_sources > 0))
			item->is.source = frame->sources[0];
		find_items_pick(f, p->here, value, item);
	}
	return evt_find_item(f, items, item, err);
}
