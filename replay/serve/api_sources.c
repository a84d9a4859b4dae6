/* api_sources.c - what sources said last, before a time. */
#include "replay/serve/api.h"

#include "format/base/err.h"

/* The board at the time that was asked for, or that of the deck. */
static int
api_sources_board_at(struct exchange *x, evt_state_table **ret_board,
    int64_t *ret_ns, evt_error *err)
{
	evt_server *s = x->server;
	struct stage *st;
	int r = evt_api_arg_time(x, "at", ret_ns, err);

	if (r == EVT_END) {
		r = evt_playback_shared(s, &st, err);
		if (r != EVT_OK)
			return r;
		*ret_ns = evt_playback_time(st, evt_waker_now());
		return evt_playback_board(st, ret_board, err);
	}
	if (r == EVT_OK && s->asked == NULL)
		r = evt_server_board(s, NULL, &s->asked, err);
	if (r == EVT_OK)
		r = evt_state_table_load(s->asked, *ret_ns, err);
	*ret_board = s->asked;
	return r;
}

void
evt_api_sources(struct exchange *x)
{
	evt_state_table *b = NULL;
	evt_buf out = { 0 };
	evt_error err;
	int64_t at;
	int r = api_sources_board_at(x, &b, &at, &err);
	bool any = false,
	     ok = r == EVT_OK && evt_buf_add_byte(&out, '{') &&
	    evt_api_time_json("at", at, &out) &&
	    evt_buf_add_str(&out, ",\"sources\":[");

	for (size_t i = 0; ok && i < evt_state_table_n(b); i++) {
		const evt_state_source *s = evt_state_table_at(b, i);

		if (!s->state.known || s->lifecycle.corrupt || s->hidden)
			continue;
		ok = (!any || evt_buf_add_byte(&out, ',')) &&
		    evt_api_source_json(s, false, &out);
		any = true;
	}
	ok = ok && evt_buf_add_str(&out, "]}");
	evt_api_finish(x, r, ok, &out, &err);
}

void
evt_api_source(struct exchange *x, const char *id)
{
	evt_state_table *b = NULL;
	evt_state_source *s;
	evt_buf out = { 0 };
	evt_error err;
	int64_t at;
	int r = api_sources_board_at(x, &b, &at, &err);
	bool ok = false;

	if (r == EVT_OK) {
		s = evt_state_table_by_text(b, id);
		if (s == NULL)
			r = evt_err_set(&err, EVT_ERR_NOTFOUND,
			    "there is no source %.80s on the tape", id);
		else
			ok = evt_api_source_json(s, true, &out);
	}
	evt_api_finish(x, r, ok, &out, &err);
}
