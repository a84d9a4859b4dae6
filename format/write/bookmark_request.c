/* bookmark_request.c - see bookmark_request.h. */
#include "format/write/bookmark_request.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/json_view.h"
#include "format/base/json_write.h"
#include "format/mark.h"
#include "format/base/timetext.h"
#include "format/write/writer_priv.h"

bool
evt_bookmark_request_print(const evt_bookmark_request *request, evt_buf *out)
{
	evt_json_write json;

	evt_json_write_begin(&json, out);
	evt_json_write_object(&json, NULL);
	/* Numbers of 64 bits are strings: many readers of JSON round them. */
	evt_json_write_strf(&json, "time", "%" PRId64, request->time_ns);
	if (request->trigger)
		evt_json_write_bool(&json, "trigger", true);
	if (request->text != NULL)
		evt_json_write_str(&json, "text", request->text);
	else if (!request->trigger)
		evt_json_write_strf(&json, "removes", "%" PRIu64,
		    request->removes);
	evt_json_write_close(&json);
	return evt_json_write_end(&json);
}

/* A number that is written as a string. */
static int64_t
bookmark_request_number(evt_json_view v, const char *name, bool *ret_valid)
{
	char text[24] = "";
	int64_t value = 0;

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_STRING &&
	    v.n - 2 < sizeof(text))
		memcpy(text, v.p + 1, v.n - 2);
	*ret_valid = text[0] != '\0' &&
	    evt_timetext_int_parse(text, name, INT64_MIN, INT64_MAX, &value,
	        NULL) == EVT_OK;
	return value;
}

int
evt_bookmark_request_parse(evt_json_scanner *scanner, const evt_buf *file,
    evt_bookmark_request *ret_request, evt_buf *text, evt_error *err)
{
	evt_json_view v = evt_json_view_make(file->data, file->len), member;
	evt_bookmark_request got = { 0 };
	bool has_time, removes;
	evt_json_scan_result scanned;
	int r = evt_json_scan(scanner, file->data, file->len, &scanned, err);

	if (r != EVT_OK)
		return r;
	if (!scanned.json)
		return EVT_END;
	member = EVT_JSON_VIEW_MEMBER(v, "text");
	if (evt_json_view_kind(member) == EVT_JSON_VIEW_STRING) {
		if (!evt_json_view_text(member, text) ||
		    !evt_buf_add_byte(text, '\0'))
			return evt_err_nomem(err);
		got.text = (const char *)text->data;
	}
	got.time_ns = bookmark_request_number(EVT_JSON_VIEW_MEMBER(v, "time"),
	    "time", &has_time);
	got.removes = (uint64_t)bookmark_request_number(EVT_JSON_VIEW_MEMBER(v,
	                                                    "removes"),
	    "removes", &removes);
	member = EVT_JSON_VIEW_MEMBER(v, "trigger");
	got.trigger = member.n == 4 && memcmp(member.p, "true", 4) == 0;
	if (!has_time || (!got.trigger && got.text == NULL && !removes))
		return EVT_END;
	*ret_request = got;
	return EVT_OK;
}

int
evt_bookmark_request_put(evt_writer *w, const evt_bookmark_request *request,
    evt_error *err)
{
	evt_buf payload = { 0 };
	evt_frame f = {
		.time_ns = request->time_ns,
		.mono_ns = (int64_t)((uint64_t)request->time_ns +
		    (uint64_t)evt_writer_mono_offset(w)),
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_BOOKMARK,
	};
	bool ok;
	int r;

	assert(!request->trigger);
	if (request->text != NULL)
		ok = evt_mark_bookmark(&payload, request->text);
	else
		ok = evt_mark_bookmark_removal(&payload, request->removes);
	if (ok) {
		f.payload = payload.data;
		f.len = payload.len;
		r = evt_writer_put(w, &f, err);
	} else {
		r = evt_err_nomem(err);
	}
	evt_buf_free(&payload);
	return r;
}
