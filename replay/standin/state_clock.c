/*
 * state_clock.c - the user's offset from UTC.  No frame names it, but states hold
 * the time on the user's clock.
 */
#include "replay/standin/state_table_impl.h"

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/navixy/stamp_rewrite.h"

static bool
state_clock_of(const uint8_t *text, size_t n, int64_t time_ns, int *offset_s)
{
	return evt_stamp_rewrite_offset(
	    EVT_JSON_VIEW_MEMBER(evt_json_view_make(text, n), "user_time"),
	    time_ns, offset_s);
}

/* Find the offset in the first state on the tape from time_ns on. */
static int
state_clock_offset_ahead(const evt_state_table *b, evt_tape *tape,
    int64_t time_ns, int *offset_s, evt_error *err)
{
	static const char *const events[] = { "state", "state_batch" };
	const evt_filter filter = { .has_from = true,
		.from_ns = time_ns,
		.events = events,
		.n_events = 2,
		.kinds = 1u << EVT_KIND_RECEIVED,
		.snapshot = true };
	evt_cursor *cursor;
	evt_frame f;
	evt_json_scan_result got = { .json = false };
	int r = evt_cursor_open(&tape, 1, &filter, &cursor, err);

	if (r != EVT_OK)
		return r;
	do
		r = evt_cursor_next(cursor, &f, err);
	while (r == EVT_ERR_CORRUPT);
	if (r == EVT_OK)
		r = evt_json_scan(b->scanner, f.payload, f.len, &got, err);
	if (r == EVT_OK && got.json)
		(void)state_clock_of(f.payload, f.len, f.time_ns, offset_s);
	evt_cursor_close(cursor);
	return r > 0 ? EVT_OK : r;
}

int
evt_state_table_utc_offset(const evt_state_table *b, int64_t time_ns,
    int *offset_s, evt_error *err)
{
	int64_t newest = INT64_MIN;
	int r = EVT_OK;

	for (size_t i = 0; i < b->n; i++) {
		const evt_state_source *s = b->source[i];

		if (s->state.known && s->state.time_ns > newest &&
		    state_clock_of(s->state.text.data, s->state.text.len,
		        evt_clock_add(s->state.time_ns,
		            evt_state_table_shift_ns(b)),
		        offset_s))
			newest = s->state.time_ns;
	}
	for (size_t i = 0;
	     newest == INT64_MIN && r == EVT_OK && i < b->tapes->n; i++)
		r = state_clock_offset_ahead(b, b->tapes->tape[i], time_ns,
		    offset_s, err);
	return r;
}
