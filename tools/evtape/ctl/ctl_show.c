/* ctl_show.c - print the answers of an evtape-replay as text. */
#include "tools/evtape/ctl/ctl_show.h"
#include "tools/shown_time.h"

#include <inttypes.h>

#include "format/base/shown.h"
#include "format/base/timetext.h"

/* Append a string decoded, or another value as JSON, on one line; "-" for no
 * value. */
static bool
ctl_show_add_text(evt_json_view v, evt_buf *out)
{
	evt_buf text = { 0 };
	bool ok;

	if (evt_json_view_kind(v) <= EVT_JSON_VIEW_NULL)
		return evt_buf_add_byte(out, '-');
	ok = evt_json_view_text(v, &text) &&
	    evt_shown_add(out, (const char *)text.data, text.len, 0);
	evt_buf_free(&text);
	return ok;
}

/* The same, padded to a width. */
static bool
ctl_show_add_column(evt_json_view v, size_t width, evt_buf *out)
{
	size_t at = out->len;

	if (!ctl_show_add_text(v, out))
		return false;
	do {
		if (!evt_buf_add_byte(out, ' '))
			return false;
	} while (out->len - at < width);
	return true;
}

/* Append a time given in ns; "-" for no time. */
static bool
ctl_show_add_time(evt_json_view v, evt_buf *out)
{
	char text[EVT_TIMETEXT_MAX];
	int64_t ns;

	return evt_buf_add_str(out,
	    evt_json_view_int(v, &ns) ? shown_time(ns, 3, text) : "-");
}

static bool
ctl_show_is_true(evt_json_view v)
{
	return evt_json_view_kind(v) == EVT_JSON_VIEW_BOOL && *v.p == 't';
}

/* ---- the deck ------------------------------------------------------------ */

static const char *
ctl_show_doing(evt_json_view deck)
{
	if (ctl_show_is_true(EVT_JSON_VIEW_MEMBER(deck, "ended")))
		return "ended";
	if (!ctl_show_is_true(EVT_JSON_VIEW_MEMBER(deck, "playing")))
		return "paused";
	return ctl_show_is_true(EVT_JSON_VIEW_MEMBER(deck, "live")) ? "live" :
	                                                              "playing";
}

/* ", loop A to B" */
static bool
ctl_show_add_span(const char *name, evt_json_view span, evt_buf *out)
{
	if (evt_json_view_kind(span) != EVT_JSON_VIEW_OBJECT)
		return true;
	return evt_buf_printf(out, ", %s ", name) &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(span, "from_ns"), out) &&
	    evt_buf_add_str(out, " to ") &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(span, "to_ns"), out);
}

/* ", source 1,2" */
static bool
ctl_show_add_names(const char *name, evt_json_view list, evt_buf *out)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(list);
	evt_json_view v, unnamed;
	bool ok = true, any = false;

	while (ok && evt_json_view_walk_next(&walk, &unnamed, &v)) {
		ok = (any ? evt_buf_add_byte(out, ',') :
		            evt_buf_printf(out, ", %s ", name)) &&
		    ctl_show_add_text(v, out);
		any = true;
	}
	return ok;
}

bool
ctl_show_deck(evt_json_view v, evt_buf *out)
{
	evt_json_view filter = EVT_JSON_VIEW_MEMBER(v, "filter");

	return ctl_show_add_time(EVT_JSON_VIEW_MEMBER(v, "time_ns"), out) &&
	    evt_buf_printf(out, ", %s, speed ", ctl_show_doing(v)) &&
	    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(v, "speed"), out) &&
	    ctl_show_add_span("loop", EVT_JSON_VIEW_MEMBER(v, "loop"), out) &&
	    ctl_show_add_span("window", EVT_JSON_VIEW_MEMBER(v, "window"),
	        out) &&
	    ctl_show_add_names("source",
	        EVT_JSON_VIEW_MEMBER(filter, "sources"), out) &&
	    ctl_show_add_names("event", EVT_JSON_VIEW_MEMBER(filter, "events"),
	        out) &&
	    evt_buf_add_byte(out, '\n');
}

/* ---- the tape ------------------------------------------------------------ */

static bool
ctl_show_add_tape(evt_json_view tape, evt_buf *out)
{
	return ctl_show_add_text(EVT_JSON_VIEW_MEMBER(tape, "path"), out) &&
	    evt_buf_add_str(out,
	        ctl_show_is_true(EVT_JSON_VIEW_MEMBER(tape, "live")) ?
	            ", being recorded\n" :
	            "\n");
}

static bool
ctl_show_add_sums(evt_json_view v, evt_buf *out)
{
	char size[EVT_TIMETEXT_MAX];
	int64_t bytes = 0, frames = 0, sources = 0;

	(void)evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "payload_bytes"),
	    &bytes);
	(void)evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "frames"), &frames);
	(void)evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "sources"), &sources);
	return ctl_show_add_time(EVT_JSON_VIEW_MEMBER(v, "first_ns"), out) &&
	    evt_buf_add_str(out, " to ") &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(v, "last_ns"), out) &&
	    evt_buf_add_str(out, ", ") &&
	    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(v, "frames"), out) &&
	    evt_buf_printf(out, " frame%s, %s, ", frames == 1 ? "" : "s",
	        evt_timetext_size_format(bytes > 0 ? (uint64_t)bytes : 0,
	            size)) &&
	    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(v, "sources"), out) &&
	    evt_buf_printf(out, " source%s\n", sources == 1 ? "" : "s");
}

bool
ctl_show_tape(evt_json_view v, evt_buf *out)
{
	evt_json_view_walk walk =
	    evt_json_view_walk_begin(EVT_JSON_VIEW_MEMBER(v, "tapes"));
	evt_json_view unnamed, row;
	bool ok = true;

	while (ok && evt_json_view_walk_next(&walk, &unnamed, &row))
		ok = ctl_show_add_tape(row, out);
	ok = ok && ctl_show_add_sums(v, out);
	walk = evt_json_view_walk_begin(EVT_JSON_VIEW_MEMBER(v, "events"));
	while (ok && evt_json_view_walk_next(&walk, &unnamed, &row))
		ok = ctl_show_add_column(EVT_JSON_VIEW_MEMBER(row, "name"), 20,
		         out) &&
		    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(row, "frames"),
		        out) &&
		    evt_buf_add_byte(out, '\n');
	return ok;
}

/* ---- lists --------------------------------------------------------------- */

typedef bool (*row_fn)(evt_json_view row, evt_buf *out);

static bool
ctl_show_rows(evt_json_view list, row_fn add, evt_buf *out)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(list);
	evt_json_view unnamed, row;
	bool ok = true;

	while (ok && evt_json_view_walk_next(&walk, &unnamed, &row))
		ok = add(row, out) && evt_buf_add_byte(out, '\n');
	return ok;
}

static bool
ctl_show_add_gap(evt_json_view gap, evt_buf *out)
{
	return ctl_show_add_time(EVT_JSON_VIEW_MEMBER(gap, "from_ns"), out) &&
	    evt_buf_add_str(out, "  ") &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(gap, "to_ns"), out) &&
	    evt_buf_add_str(out, "  ") &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(gap, "frames"), 8, out) &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(gap, "bytes"), 10, out) &&
	    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(gap, "reason"), out);
}

bool
ctl_show_gaps(evt_json_view v, evt_buf *out)
{
	return ctl_show_rows(EVT_JSON_VIEW_MEMBER(v, "gaps"), ctl_show_add_gap,
	    out);
}

/* A mark's text: that of a bookmark, or the reason of a gap. */
static bool
ctl_show_add_mark(evt_json_view mark, evt_buf *out)
{
	evt_json_view words = EVT_JSON_VIEW_MEMBER(mark, "text");

	if (evt_json_view_kind(words) != EVT_JSON_VIEW_STRING)
		words = EVT_JSON_VIEW_MEMBER(mark, "reason");
	return ctl_show_add_column(EVT_JSON_VIEW_MEMBER(mark, "seq"), 9, out) &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(mark, "time_ns"), out) &&
	    evt_buf_add_str(out, "  ") &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(mark, "mark"), 13, out) &&
	    ctl_show_add_text(words, out);
}

bool
ctl_show_marks(evt_json_view v, evt_buf *out)
{
	return ctl_show_rows(EVT_JSON_VIEW_MEMBER(v, "marks"),
	    ctl_show_add_mark, out);
}

static bool
ctl_show_add_source(evt_json_view source, evt_buf *out)
{
	return ctl_show_add_column(EVT_JSON_VIEW_MEMBER(source, "id"), 12,
	           out) &&
	    ctl_show_add_time(EVT_JSON_VIEW_MEMBER(source, "time_ns"), out) &&
	    evt_buf_add_str(out, "  ") &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(source, "lat"), 12, out) &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(source, "lng"), 12, out) &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(source, "connection"), 12,
	        out) &&
	    ctl_show_add_column(EVT_JSON_VIEW_MEMBER(source, "movement"), 10,
	        out) &&
	    ctl_show_add_text(EVT_JSON_VIEW_MEMBER(source, "label"), out) &&
	    (!ctl_show_is_true(EVT_JSON_VIEW_MEMBER(source, "blocked")) ||
	        evt_buf_add_str(out, "  blocked"));
}

bool
ctl_show_sources(evt_json_view v, evt_buf *out)
{
	return ctl_show_rows(EVT_JSON_VIEW_MEMBER(v, "sources"),
	    ctl_show_add_source, out);
}
