/* state_mark.c - see state_mark.h. */
#include "format/read/state_mark.h"

#include <assert.h>
#include <stdlib.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/json_view.h"
#include "format/base/timetext.h"

int
evt_state_mark_take(evt_state_mark *s, const evt_frame *mark, evt_error *err)
{
	evt_json_view json = evt_json_view_make(mark->payload, mark->len);
	evt_json_view_walk walk =
	    evt_json_view_walk_begin(EVT_JSON_VIEW_MEMBER(json, "received"));
	evt_json_view name, time;
	evt_buf text = { 0 };
	int64_t frames;
	int r = EVT_OK;

	assert(mark->kind == EVT_KIND_MARK && mark->opcode == EVT_MARK_STATE);
	s->n = 0;
	s->first = s->end = 0;
	if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(json, "frames"), &frames) ||
	    frames <= 0)
		return EVT_OK;
	s->first = mark->seq + 1;
	s->end = s->first + (uint64_t)frames;
	s->otherwise_ns = mark->time_ns;
	while (r == EVT_OK && evt_json_view_walk_next(&walk, &name, &time)) {
		text.len = 0;
		if (!evt_grow(&s->ns, &s->cap, s->n + 1) ||
		    !evt_json_view_text(time, &text) ||
		    !evt_buf_add_byte(&text, '\0'))
			r = evt_err_nomem(err);
		else if (evt_timetext_parse((char *)text.data, NULL,
		             &s->ns[s->n], NULL) == EVT_OK)
			s->n++;
		else
			break;
	}
	evt_buf_free(&text);
	return r;
}

bool
evt_state_mark_has(const evt_state_mark *s, uint64_t seq, int64_t *ret_ns)
{
	if (seq < s->first || seq >= s->end)
		return false;
	*ret_ns =
	    seq - s->first < s->n ? s->ns[seq - s->first] : s->otherwise_ns;
	return true;
}

void
evt_state_mark_free(evt_state_mark *s)
{
	free(s->ns);
	*s = (evt_state_mark){ 0 };
}
