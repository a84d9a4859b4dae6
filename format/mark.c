/* marks.c - see marks.h. */
#include "format/mark.h"

#include <string.h>

#include "format/evtape.h"
#include "format/base/timetext.h"

static bool
mark_begin(evt_buf *out, enum evt_mark mark)
{
	return evt_buf_printf(out, "{\"mark\":\"%s\"", evt_mark_name(mark));
}

static bool
mark_add_text(evt_buf *out, const char *name, const char *text)
{
	if (!evt_buf_printf(out, ",\"%s\":", name))
		return false;
	if (text == NULL)
		return evt_buf_add_str(out, "null");
	return evt_buf_add_json(out, text, strlen(text));
}

static bool
mark_add_count(evt_buf *out, const char *name, int64_t n)
{
	if (n == EVT_MARK_UNKNOWN)
		return evt_buf_printf(out, ",\"%s\":null", name);
	return evt_buf_printf(out, ",\"%s\":%lld", name, (long long)n);
}

/* Seconds with milliseconds; below 0: null. */
static bool
mark_add_seconds(evt_buf *out, const char *name, int64_t ns)
{
	int64_t ms = (ns + EVT_NS_PER_MS / 2) / EVT_NS_PER_MS;

	if (ns < 0)
		return evt_buf_printf(out, ",\"%s\":null", name);
	return evt_buf_printf(out, ",\"%s\":%lld.%03d", name,
	    (long long)(ms / 1000), (int)(ms % 1000));
}

static bool
mark_add_time(evt_buf *out, const char *name, bool known, int64_t ns)
{
	char text[EVT_TIMETEXT_MAX];

	if (!known)
		return evt_buf_printf(out, ",\"%s\":null", name);
	return evt_buf_printf(out, ",\"%s\":\"%s\"", name,
	    evt_timetext_format(ns, 9, text));
}

bool
evt_mark_started(evt_buf *out, const char *url, const char *profile,
    const char *const *events, size_t n_events)
{
	if (!mark_begin(out, EVT_MARK_STARTED) ||
	    !evt_buf_printf(out, ",\"program\":\"evtape-record %s\"",
	        evt_version()) ||
	    !mark_add_text(out, "url", url) ||
	    !mark_add_text(out, "profile", profile) ||
	    !evt_buf_add_str(out, ",\"events\":["))
		return false;
	for (size_t i = 0; i < n_events; i++) {
		if ((i > 0 && !evt_buf_add_byte(out, ',')) ||
		    !evt_buf_add_json(out, events[i], strlen(events[i])))
			return false;
	}
	return evt_buf_add_str(out, "]}");
}

bool
evt_mark_stopped(evt_buf *out, const char *reason, uint64_t frames)
{
	return mark_begin(out, EVT_MARK_STOPPED) &&
	    mark_add_text(out, "reason", reason) &&
	    mark_add_count(out, "frames", (int64_t)frames) &&
	    evt_buf_add_byte(out, '}');
}

bool
evt_mark_connected(evt_buf *out, const char *url, const char *peer,
    const char *tls, unsigned attempt, int64_t after_ns)
{
	return mark_begin(out, EVT_MARK_CONNECTED) &&
	    mark_add_text(out, "url", url) &&
	    mark_add_text(out, "peer", peer) &&
	    mark_add_text(out, "tls", tls) &&
	    mark_add_count(out, "attempt", attempt) &&
	    mark_add_seconds(out, "after_s", after_ns) &&
	    evt_buf_add_byte(out, '}');
}

bool
evt_mark_disconnected(evt_buf *out, int code, const char *reason,
    uint64_t frames)
{
	return mark_begin(out, EVT_MARK_DISCONNECTED) &&
	    mark_add_count(out, "code", code) &&
	    mark_add_text(out, "reason", reason) &&
	    mark_add_count(out, "frames", (int64_t)frames) &&
	    evt_buf_add_byte(out, '}');
}

bool
evt_mark_gap(evt_buf *out, const evt_mark_gap_info *gap)
{
	return mark_begin(out, EVT_MARK_GAP) &&
	    mark_add_count(out, "frames", gap->frames) &&
	    mark_add_count(out, "bytes", gap->bytes) &&
	    mark_add_text(out, "reason", gap->reason) &&
	    mark_add_seconds(out, "seconds",
	        gap->has_span ? gap->span_ns : -1) &&
	    mark_add_time(out, "from", gap->has_span, gap->from_ns) &&
	    mark_add_time(out, "to", gap->has_span, gap->to_ns) &&
	    evt_buf_add_byte(out, '}');
}

bool
evt_mark_clock(evt_buf *out, int64_t step_ns)
{
	return mark_begin(out, EVT_MARK_CLOCK) &&
	    evt_buf_printf(out, ",\"step_ns\":%lld}", (long long)step_ns);
}

bool
evt_mark_trigger(evt_buf *out, const char *cause, const char *what,
    uint64_t frames, uint64_t let_go)
{
	return mark_begin(out, EVT_MARK_TRIGGER) &&
	    mark_add_text(out, "cause", cause) &&
	    mark_add_text(out, "what", what) &&
	    mark_add_count(out, "frames", (int64_t)frames) &&
	    mark_add_count(out, "let_go", (int64_t)let_go) &&
	    evt_buf_add_byte(out, '}');
}

bool
evt_mark_armed(evt_buf *out, int64_t keep_ns, int64_t after_ns)
{
	return mark_begin(out, EVT_MARK_ARMED) &&
	    mark_add_seconds(out, "keep_s", keep_ns) &&
	    mark_add_seconds(out, "after_s", after_ns) &&
	    evt_buf_add_byte(out, '}');
}
