/* time_shift.c - moves the times of frames; see time_shift.h. */
#include "replay/play/time_shift.h"

#include <stdlib.h>

#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"
#include "format/navixy/stamp_rewrite.h"

struct evt_time_shift {
	evt_stamp_rewrite how;
	evt_json_scanner *scanner;
	evt_buf text;
};

int
evt_time_shift_new(int64_t from_ns, int64_t to_ns, evt_time_shift **ret_shift,
    evt_error *err)
{
	evt_time_shift *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return evt_err_nomem(err);
	if (evt_json_scanner_new(NULL, &s->scanner, err) != EVT_OK) {
		free(s);
		return EVT_ERR_NOMEM;
	}
	s->how.shift_s = evt_clock_sub(to_ns / EVT_NS_PER_S * EVT_NS_PER_S,
	                     from_ns / EVT_NS_PER_S * EVT_NS_PER_S) /
	    EVT_NS_PER_S;
	*ret_shift = s;
	return EVT_OK;
}

void
evt_time_shift_free(evt_time_shift *s)
{
	if (s == NULL)
		return;
	evt_json_scanner_free(s->scanner);
	evt_buf_free(&s->text);
	free(s);
}

int64_t
evt_time_shift_ns(const evt_time_shift *s)
{
	return s->how.shift_s * EVT_NS_PER_S;
}

int
evt_time_shift_frame(evt_time_shift *s, evt_frame *f, evt_error *err)
{
	evt_json_scan_result got;
	int r;

	if (s == NULL)
		return EVT_OK;
	f->time_ns = evt_clock_add(f->time_ns, evt_time_shift_ns(s));
	f->mono_ns = evt_clock_add(f->mono_ns, evt_time_shift_ns(s));
	if (f->kind == EVT_KIND_MARK || f->opcode != EVT_OP_TEXT)
		return EVT_OK;
	r = evt_json_scan(s->scanner, f->payload, f->len, &got, err);
	if (r != EVT_OK || !got.json)
		return r;
	s->text.len = 0;
	if (!evt_stamp_rewrite_text(&s->how, f->payload, f->len, &s->text))
		return evt_err_nomem(err);
	f->payload = s->text.data;
	f->len = s->text.len;
	return EVT_OK;
}
