/* record.c - see record.h. */
#include "tools/evtape/record.h"

#include <string.h>

#include "format/units.h"

enum { ONE, BATCH, WHOLE, END };

#define MEMBER(v, name) view_member((v), (name), sizeof(name) - 1)

/* The key of an object's source_id.  false: it has none that is a key. */
static bool
source_of(tool_records *r, view object, evt_key *ret)
{
	view id = MEMBER(object, "source_id");
	evt_buf text = { 0 };
	int64_t n;
	bool ok;

	if (view_kind(id) == VIEW_NUMBER) {
		if (id.n > EVT_KEY_MAX || memchr(id.p, '.', id.n) != NULL)
			return false;
		*ret = (evt_key){ (const char *)id.p, (uint32_t)id.n,
			view_int(id, &n) };
		return true;
	}
	if (view_kind(id) != VIEW_STRING)
		return false;
	ok = view_text(id, &text) && text.len <= EVT_KEY_MAX;
	if (ok) {
		if (text.len > 0)
			memcpy(r->text, text.data, text.len);
		*ret = (evt_key){ r->text, (uint32_t)text.len, false };
	}
	evt_buf_free(&text);
	return ok;
}

int
tool_records_begin(tool_records *r, const evt_frame *f, evt_scanner *scanner,
    evt_error *err)
{
	evt_scan_result got = { .json = false };
	view data;
	int code;

	r->frame = f;
	r->root = (view){ NULL, 0 };
	r->state = WHOLE;
	if (f->opcode == EVT_OP_TEXT || f->kind == EVT_KIND_MARK) {
		if ((code = evt_scan(scanner, f->payload, f->len, &got, err)))
			return code;
		if (got.json)
			r->root = view_of(f->payload, f->len);
	}
	data = MEMBER(r->root, "data");
	if (f->kind == EVT_KIND_RECEIVED && view_kind(data) == VIEW_OBJECT &&
	    view_kind(MEMBER(data, "source_id")) != VIEW_NONE)
		r->state = ONE;
	else if (f->kind == EVT_KIND_RECEIVED &&
	    view_kind(data) == VIEW_ARRAY && f->n_sources > 0) {
		r->state = BATCH;
		r->walk = view_walk_begin(data);
	}
	return EVT_OK;
}

/* The next element of a batch that names a source. */
static bool
next_of_batch(tool_records *r, tool_record *ret)
{
	view name, item, state;

	while (view_walk_next(&r->walk, &name, &item)) {
		state = MEMBER(item, "state");
		if (view_kind(state) != VIEW_OBJECT)
			state = item;
		if (source_of(r, state, &ret->source)) {
			ret->value = state;
			ret->state = ret->of_batch = true;
			return true;
		}
	}
	return false;
}

bool
tool_records_next(tool_records *r, tool_record *ret)
{
	int was = r->state;

	*ret = (tool_record){ .value = r->root };
	if (was == END)
		return false;
	if (was == BATCH)
		return next_of_batch(r, ret);
	r->state = END;
	if (was == ONE) {
		view data = MEMBER(r->root, "data");

		if (source_of(r, data, &ret->source)) {
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
parse_time(view v, int64_t *ret_ns)
{
	evt_buf text = { 0 };
	bool ok = view_kind(v) == VIEW_STRING && v.n < 64 &&
	    view_text(v, &text) && evt_buf_add_byte(&text, '\0') &&
	    evt_time_parse((char *)text.data, NULL, ret_ns, NULL) == EVT_OK;

	evt_buf_free(&text);
	return ok;
}

bool
tool_record_time(const tool_records *r, const tool_record *record,
    int64_t *ret_ns)
{
	if (!record->state)
		return false;
	return parse_time(MEMBER(record->value, "last_update"), ret_ns) ||
	    parse_time(MEMBER(MEMBER(record->value, "gps"), "updated"),
	    ret_ns) || parse_time(MEMBER(r->root, "user_time"), ret_ns);
}

bool
tool_record_place(const tool_record *record, tool_place *ret)
{
	view gps = MEMBER(record->value, "gps");
	view at = MEMBER(gps, "location");
	tool_place p = { 0 };

	if (!record->state || !view_double(MEMBER(at, "lat"), &p.lat) ||
	    !view_double(MEMBER(at, "lng"), &p.lng) || !(p.lat >= -90 &&
	    p.lat <= 90 && p.lng >= -180 && p.lng <= 180))
		return false;
	p.has_alt = view_double(MEMBER(gps, "alt"), &p.alt);
	p.has_speed = view_double(MEMBER(gps, "speed"), &p.speed);
	p.has_heading = view_double(MEMBER(gps, "heading"), &p.heading);
	*ret = p;
	return true;
}
