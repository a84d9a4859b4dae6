/* rebase.c - see rebase.h. */
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
evt_time_shift_new(int64_t from_ns, int64_t to_ns, evt_time_shift **ret_rebase,
    evt_error *err)
{
	evt_time_shift *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return evt_err_nomem(err);
	if (evt_json_scanner_new(NULL, &r->scanner, err) != EVT_OK) {
		free(r);
		return EVT_ERR_NOMEM;
	}
	/* Each within the years that a time can have: no overflow. */
	r->how.shift_s = to_ns / EVT_NS_PER_S - from_ns / EVT_NS_PER_S;
	*ret_rebase = r;
	return EVT_OK;
}

void
evt_time_shift_free(evt_time_shift *r)
{
	if (r == NULL)
		return;
	evt_json_scanner_free(r->scanner);
	evt_buf_free(&r->text);
	free(r);
}

int64_t
evt_time_shift_ns(const evt_time_shift *r)
{
	return r->how.shift_s * EVT_NS_PER_S;
}

int
evt_time_shift_frame(evt_time_shift *r, evt_frame *f, evt_error *err)
{
	evt_json_scan_result got;
	int code;

	if (r == NULL)
		return EVT_OK;
	f->time_ns = evt_clock_add(f->time_ns, evt_time_shift_ns(r));
	f->mono_ns = evt_clock_add(f->mono_ns, evt_time_shift_ns(r));
	if (f->kind == EVT_KIND_MARK || f->opcode != EVT_OP_TEXT)
		return EVT_OK;
	code = evt_json_scan(r->scanner, f->payload, f->len, &got, err);
	if (code != EVT_OK || !got.json)
		return code;
	r->text.len = 0;
	if (!evt_stamp_rewrite_text(&r->how, f->payload, f->len, &r->text))
		return evt_err_nomem(err);
	f->payload = r->text.data;
	f->len = r->text.len;
	return EVT_OK;
}
