/* mark.c - see mark.h. */
#include "format/mark.h"

#include <assert.h>

static const char *const mark_names[] = {
	[EVT_MARK_STARTED] = "started",
	[EVT_MARK_STOPPED] = "stopped",
	[EVT_MARK_CONNECTED] = "connected",
	[EVT_MARK_DISCONNECTED] = "disconnected",
	[EVT_MARK_GAP] = "gap",
	[EVT_MARK_CLOCK] = "clock",
	[EVT_MARK_BOOKMARK] = "note",
	[EVT_MARK_STATE] = "state",
	[EVT_MARK_TRACKERS] = "trackers",
	[EVT_MARK_TRIGGER] = "trigger",
	[EVT_MARK_ARMED] = "armed",
};

_Static_assert(sizeof(mark_names) / sizeof(mark_names[0]) == EVT_MARK_ARMED + 1,
    "each mark has a name");

const char *
evt_mark_name(unsigned opcode)
{
	if (opcode < sizeof(mark_names) / sizeof(mark_names[0]) &&
	    mark_names[opcode] != NULL)
		return mark_names[opcode];
	return "unknown";
}

static void
mark_write_count(evt_json_write *json, const char *name, int64_t n)
{
	if (n == EVT_MARK_UNKNOWN)
		evt_json_write_null(json, name);
	else
		evt_json_write_int(json, name, n);
}

/* Seconds with milliseconds; null if negative. */
static void
mark_write_seconds(evt_json_write *json, const char *name, int64_t ns)
{
	if (ns < 0)
		evt_json_write_null(json, name);
	else
		evt_json_write_seconds(json, name, ns);
}

static void
mark_write_time(evt_json_write *json, const char *name, bool known, int64_t ns)
{
	if (known)
		evt_json_write_time(json, name, ns, 9);
	else
		evt_json_write_null(json, name);
}

void
evt_mark_begin(evt_json_write *json, evt_buf *out, enum evt_mark mark)
{
	assert(mark >= EVT_MARK_STARTED && mark <= EVT_MARK_ARMED);
	evt_json_write_begin(json, out);
	evt_json_write_object(json, NULL);
	evt_json_write_str(json, "mark", evt_mark_name(mark));
}

bool
evt_mark_end(evt_json_write *json)
{
	evt_json_write_close(json);
	return evt_json_write_end(json);
}

bool
evt_mark_started(evt_buf *out, const char *url, const char *profile,
    const char *const *events, size_t n_events)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_STARTED);
	evt_json_write_str(&json, "program", "evtape-record " EVT_VERSION);
	evt_json_write_str(&json, "url", url);
	evt_json_write_str(&json, "profile", profile);
	evt_json_write_array(&json, "events");
	for (size_t i = 0; i < n_events; i++)
		evt_json_write_str(&json, NULL, events[i]);
	evt_json_write_close(&json);
	return evt_mark_end(&json);
}

bool
evt_mark_stopped(evt_buf *out, const char *reason, uint64_t frames)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_STOPPED);
	evt_json_write_str(&json, "reason", reason);
	evt_json_write_uint(&json, "frames", frames);
	return evt_mark_end(&json);
}

bool
evt_mark_connected(evt_buf *out, const char *url, const char *peer,
    const char *tls, unsigned attempt, int64_t after_ns)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_CONNECTED);
	evt_json_write_str(&json, "url", url);
	evt_json_write_str(&json, "peer", peer);
	evt_json_write_str(&json, "tls", tls);
	evt_json_write_uint(&json, "attempt", attempt);
	mark_write_seconds(&json, "after_s", after_ns);
	return evt_mark_end(&json);
}

bool
evt_mark_disconnected(evt_buf *out, int code, const char *reason,
    uint64_t frames)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_DISCONNECTED);
	mark_write_count(&json, "code", code);
	evt_json_write_str(&json, "reason", reason);
	evt_json_write_uint(&json, "frames", frames);
	return evt_mark_end(&json);
}

bool
evt_mark_gap(evt_buf *out, const evt_mark_gap_info *gap)
{
	evt_json_write json;

	assert(gap != NULL);
	evt_mark_begin(&json, out, EVT_MARK_GAP);
	mark_write_count(&json, "frames", gap->frames);
	mark_write_count(&json, "bytes", gap->bytes);
	evt_json_write_str(&json, "reason", gap->reason);
	mark_write_seconds(&json, "seconds", gap->has_span ? gap->span_ns : -1);
	mark_write_time(&json, "from", gap->has_span, gap->from_ns);
	mark_write_time(&json, "to", gap->has_span, gap->to_ns);
	return evt_mark_end(&json);
}

bool
evt_mark_clock(evt_buf *out, int64_t step_ns)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_CLOCK);
	evt_json_write_int(&json, "step_ns", step_ns);
	return evt_mark_end(&json);
}

bool
evt_mark_bookmark(evt_buf *out, const char *text)
{
	evt_json_write json;

	assert(text != NULL);
	evt_mark_begin(&json, out, EVT_MARK_BOOKMARK);
	evt_json_write_str(&json, "text", text);
	return evt_mark_end(&json);
}

bool
evt_mark_bookmark_removal(evt_buf *out, uint64_t seq)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_BOOKMARK);
	evt_json_write_uint(&json, "removes", seq);
	return evt_mark_end(&json);
}

bool
evt_mark_state(evt_buf *out, int64_t before_ns, const int64_t *received_ns,
    size_t n)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_STATE);
	evt_json_write_uint(&json, "frames", n);
	evt_json_write_time(&json, "before", before_ns, 9);
	evt_json_write_array(&json, "received");
	for (size_t i = 0; i < n; i++)
		evt_json_write_time(&json, NULL, received_ns[i], 9);
	evt_json_write_close(&json);
	return evt_mark_end(&json);
}

bool
evt_mark_trackers(evt_buf *out, const char *from, size_t n_trackers,
    const uint8_t *list, size_t n)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_TRACKERS);
	evt_json_write_str(&json, "from", from);
	evt_json_write_uint(&json, "trackers", n_trackers);
	evt_json_write_compact(&json, "list", list, n);
	return evt_mark_end(&json);
}

bool
evt_mark_trigger(evt_buf *out, const char *cause, const char *what,
    uint64_t frames, int64_t let_go)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_TRIGGER);
	evt_json_write_str(&json, "cause", cause);
	evt_json_write_str(&json, "what", what);
	evt_json_write_uint(&json, "frames", frames);
	mark_write_count(&json, "let_go", let_go);
	return evt_mark_end(&json);
}

bool
evt_mark_armed(evt_buf *out, int64_t keep_ns, int64_t after_ns)
{
	evt_json_write json;

	evt_mark_begin(&json, out, EVT_MARK_ARMED);
	mark_write_seconds(&json, "keep_s", keep_ns);
	mark_write_seconds(&json, "after_s", after_ns);
	return evt_mark_end(&json);
}
