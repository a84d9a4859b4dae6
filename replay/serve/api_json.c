/* api_json.c - pieces of JSON of the API; see api_json.h. */
#include "replay/serve/api_json.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* "NAME_ns" */
#define NAME_MAX_NS 19

static void
api_json_ns_name(const char *name, char out[NAME_MAX_NS])
{
	assert(strlen(name) + sizeof("_ns") <= NAME_MAX_NS);
	snprintf(out, NAME_MAX_NS, "%s_ns", name);
}

void
evt_api_json_time(evt_json_write *w, const char *name, int64_t ns)
{
	char name_ns[NAME_MAX_NS];

	api_json_ns_name(name, name_ns);
	evt_json_write_time(w, name, ns, 9);
	evt_json_write_int(w, name_ns, ns);
}

void
evt_api_json_no_time(evt_json_write *w, const char *name)
{
	char name_ns[NAME_MAX_NS];

	api_json_ns_name(name, name_ns);
	evt_json_write_null(w, name);
	evt_json_write_null(w, name_ns);
}

void
evt_api_json_value(evt_json_write *w, const char *name, evt_json_view v,
    enum evt_json_view_kind kind)
{
	if (evt_json_view_kind(v) == kind)
		evt_json_write_raw(w, name, v.p, v.n);
	else
		evt_json_write_null(w, name);
}

/* The members that are read from the source's state. */
static void
api_json_state_members(evt_json_write *w, const evt_state_source *s,
    evt_json_view state)
{
	evt_json_view gps = EVT_JSON_VIEW_MEMBER(state, "gps");
	evt_json_view at = EVT_JSON_VIEW_MEMBER(gps, "location");

	if (s->state.known)
		evt_json_write_int(w, "time_ns", s->state.time_ns);
	else
		evt_json_write_null(w, "time_ns");
	evt_api_json_value(w, "lat", EVT_JSON_VIEW_MEMBER(at, "lat"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "lng", EVT_JSON_VIEW_MEMBER(at, "lng"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "heading", EVT_JSON_VIEW_MEMBER(gps, "heading"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "speed", EVT_JSON_VIEW_MEMBER(gps, "speed"),
	    EVT_JSON_VIEW_NUMBER);
	evt_api_json_value(w, "connection",
	    EVT_JSON_VIEW_MEMBER(state, "connection_status"),
	    EVT_JSON_VIEW_STRING);
	evt_api_json_value(w, "movement",
	    EVT_JSON_VIEW_MEMBER(state, "movement_status"),
	    EVT_JSON_VIEW_STRING);
}

void
evt_api_json_source(evt_json_write *w, const char *name,
    const evt_state_source *s, bool with_state)
{
	evt_json_view state = { NULL, 0 };

	if (s->state.known)
		state = (evt_json_view){ s->state.text.data + s->state.at,
			s->state.len };
	evt_json_write_object(w, name);
	if (s->key.is_int)
		evt_json_write_raw(w, "id", s->key.text, s->key.len);
	else
		evt_json_write_text(w, "id", s->key.text, s->key.len);
	if (s->tracker != EVT_STATE_SOURCE_NO_TRACKER)
		evt_json_write_int(w, "tracker", s->tracker);
	else
		evt_json_write_null(w, "tracker");
	evt_json_write_str(w, "label", s->label);
	api_json_state_members(w, s, state);
	if (with_state && s->state.known)
		evt_json_write_raw(w, "state", state.p, state.n);
	else if (with_state)
		evt_json_write_null(w, "state");
	evt_json_write_bool(w, "blocked", s->lifecycle.blocked);
	if (s->lifecycle.corrupt)
		evt_json_write_bool(w, "removed", true);
	evt_json_write_close(w);
}
