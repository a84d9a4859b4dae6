/* tracker_sources.c - see tracker_sources.h. */
#include "format/navixy/tracker_sources.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/json_view.h"
#include "format/navixy/trackers.h"

int
evt_tracker_sources_set(evt_tracker_sources *x, const uint8_t *mark, size_t n,
    evt_error *err)
{
	evt_trackers *list;
	int r = evt_trackers_parse(mark, n, &list, err);

	if (r == EVT_ERR_ARG)
		return EVT_OK;
	if (r != EVT_OK)
		return r;
	evt_trackers_free(x->trackers);
	x->trackers = list;
	return EVT_OK;
}

static bool
tracker_sources_is(const evt_frame *f, const char *event)
{
	return f->event_len == strlen(event) &&
	    memcmp(f->event, event, f->event_len) == 0;
}

/* The items of a frame; EVT_JSON_VIEW_NONE: it is of another event. */
static evt_json_view
tracker_sources_items(const evt_frame *f)
{
	evt_json_view data;
	bool readings = tracker_sources_is(f, "readings_batch");

	if (!readings && !tracker_sources_is(f, "iot_monitor"))
		return (evt_json_view){ 0 };
	data = EVT_JSON_VIEW_MEMBER(evt_json_view_make(f->payload, f->len),
	    "data");
	return readings ? data : EVT_JSON_VIEW_MEMBER(data, "iot_last_values");
}

int
evt_tracker_sources_find(evt_tracker_sources *x, evt_frame *f, evt_error *err)
{
	evt_json_view name, item;
	evt_json_view_walk walk;
	size_t n = 0;

	assert(x != NULL && f->n_sources == 0);
	if (x->trackers == NULL || f->event == NULL)
		return EVT_OK;
	walk = evt_json_view_walk_begin(tracker_sources_items(f));
	while (evt_json_view_walk_next(&walk, &name, &item)) {
		const evt_tracker *t;
		int64_t id;

		if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(item, "tracker_id"),
		        &id))
			continue;
		t = evt_trackers_by_id(x->trackers, id);
		if (t == NULL || t->source.text == NULL)
			continue;
		if (!evt_grow(&x->key, &x->cap_keys, n + 1))
			return evt_err_nomem(err);
		x->key[n++] = t->source;
	}
	f->sources = n > 0 ? x->key : NULL;
	f->n_sources = n;
	return EVT_OK;
}

void
evt_tracker_sources_free(evt_tracker_sources *x)
{
	evt_trackers_free(x->trackers);
	free(x->key);
	*x = (evt_tracker_sources){ .trackers = NULL };
}
