/* mark_words.c - see mark_words.h. */
#include "tools/evtape/lib/mark_words.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/timetext.h"
#include "format/evtape.h"

/* ---- members --------------------------------------------------------------- */

/* A member that is a text; NULL: there is none. */
static const char *
mark_words_text(const cJSON *mark, const char *name)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(mark, name));
}

/* A member that is a whole number from 0 on. */
static bool
mark_words_count(const cJSON *mark, const char *name, uint64_t *ret)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(mark, name);

	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
	    !(v->valuedouble < 9007199254740992.0))
		return false;
	*ret = (uint64_t)v->valuedouble;
	return true;
}

/* Append `before`, a member that is a text, and `after`. */
static bool
mark_words_add_text(evt_buf *out, const cJSON *mark, const char *name,
    const char *before, const char *after)
{
	const char *text = mark_words_text(mark, name);

	return text == NULL || *text == '\0' ||
	    evt_buf_printf(out, "%s%s%s", before, text, after);
}

/* Append `before`, a member that is a count, and what is counted: "3 frames". */
static bool
mark_words_add_count(evt_buf *out, const cJSON *mark, const char *name,
    const char *before, const char *noun)
{
	uint64_t n;

	return !mark_words_count(mark, name, &n) ||
	    evt_buf_printf(out, "%s%" PRIu64 " %s%s", before, n, noun,
	        n == 1 ? "" : "s");
}

/* Append `before`, a member that is a duration in seconds, and `after`. */
static bool
mark_words_add_seconds(evt_buf *out, const cJSON *mark, const char *name,
    const char *before, const char *after)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(mark, name);
	char text[EVT_TIMETEXT_MAX];

	if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0) ||
	    !(v->valuedouble < 9e9))
		return true;
	return evt_buf_printf(out, "%s%s%s", before,
	    evt_timetext_duration_format((int64_t)(v->valuedouble *
	                                     (double)EVT_NS_PER_S),
	        text),
	    after);
}

/* ---- marks ------------------------------------------------------------------- */

static bool
mark_words_started(evt_buf *out, const cJSON *m)
{
	const cJSON *events = cJSON_GetObjectItemCaseSensitive(m, "events"), *e;
	const char *between = "; events ";
	bool ok = evt_buf_add_str(out, "started") &&
	    mark_words_add_text(out, m, "program", ": ", "") &&
	    mark_words_add_text(out, m, "url", ", ", "") &&
	    mark_words_add_text(out, m, "profile", ", profile ", "");

	cJSON_ArrayForEach(e, events)
	{
		if (!ok || !cJSON_IsString(e))
			continue;
		ok = evt_buf_printf(out, "%s%s", between, e->valuestring);
		between = ", ";
	}
	return ok;
}

static bool
mark_words_stopped(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "stopped") &&
	    mark_words_add_text(out, m, "reason", ": ", "") &&
	    mark_words_add_count(out, m, "frames", "; ", "frame");
}

static bool
mark_words_connected(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "connected") &&
	    mark_words_add_text(out, m, "url", " to ", "") &&
	    mark_words_add_text(out, m, "peer", " at ", "") &&
	    mark_words_add_text(out, m, "tls", ", ", "") &&
	    mark_words_add_seconds(out, m, "after_s", ", ",
	        " after the connection was lost");
}

static bool
mark_words_disconnected(evt_buf *out, const cJSON *m)
{
	uint64_t code;
	bool ok = evt_buf_add_str(out, "disconnected");

	if (ok && mark_words_count(m, "code", &code))
		ok = evt_buf_printf(out, ", code %" PRIu64, code);
	return ok && mark_words_add_text(out, m, "reason", ": ", "") &&
	    mark_words_add_count(out, m, "frames", "; ", "frame");
}

static bool
mark_words_gap(evt_buf *out, const cJSON *m)
{
	uint64_t n;
	bool ok = mark_words_count(m, "frames", &n) ?
	    mark_words_add_count(out, m, "frames", "", "frame") :
	    evt_buf_add_str(out, "an unknown number of frames");

	return ok && mark_words_add_count(out, m, "bytes", ", ", "byte") &&
	    evt_buf_add_str(out, " lost") &&
	    mark_words_add_seconds(out, m, "seconds", " in ", "") &&
	    mark_words_add_text(out, m, "from", ", from ", "") &&
	    mark_words_add_text(out, m, "to", " to ", "") &&
	    mark_words_add_text(out, m, "reason", ": ", "");
}

static bool
mark_words_clock(evt_buf *out, const cJSON *m)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(m, "step_ns");
	char text[EVT_TIMETEXT_MAX];

	if (!cJSON_IsNumber(v) || !(fabs(v->valuedouble) < 9e18))
		return evt_buf_add_str(out, "the clock was set");
	return evt_buf_printf(out, "the clock was set %s by %s",
	    v->valuedouble < 0 ? "back" : "forward",
	    evt_timetext_duration_format((int64_t)fabs(v->valuedouble), text));
}

static bool
mark_words_bookmark(evt_buf *out, const cJSON *m)
{
	uint64_t n;

	if (mark_words_count(m, "removes", &n))
		return evt_buf_printf(out, "bookmark #%" PRIu64 " removed", n);
	return evt_buf_add_str(out, "bookmark") &&
	    mark_words_add_text(out, m, "text", " '", "'");
}

static bool
mark_words_state(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "what counts here, from") &&
	    mark_words_add_text(out, m, "before", " before ", "") &&
	    mark_words_add_count(out, m, "frames", ": ", "frame");
}

static bool
mark_words_trackers(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "tracker list") &&
	    mark_words_add_count(out, m, "trackers", " of ", "tracker") &&
	    mark_words_add_text(out, m, "from", " from ", "");
}

static bool
mark_words_trigger(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "trigger") &&
	    mark_words_add_text(out, m, "cause", ": ", "") &&
	    mark_words_add_text(out, m, "what", " '", "'") &&
	    mark_words_add_count(out, m, "frames", "; kept ", "held frame") &&
	    mark_words_add_count(out, m, "let_go", "; discarded ", "frame");
}

static bool
mark_words_armed(evt_buf *out, const cJSON *m)
{
	return evt_buf_add_str(out, "waiting for a trigger") &&
	    mark_words_add_seconds(out, m, "keep_s", "; keeps ",
	        " before it") &&
	    mark_words_add_seconds(out, m, "after_s", " and ", " after it");
}

bool
mark_words_add(evt_buf *out, unsigned opcode, const char *json)
{
	static bool (*const words[])(evt_buf * out, const cJSON *m) = {
		[EVT_MARK_STARTED] = mark_words_started,
		[EVT_MARK_STOPPED] = mark_words_stopped,
		[EVT_MARK_CONNECTED] = mark_words_connected,
		[EVT_MARK_DISCONNECTED] = mark_words_disconnected,
		[EVT_MARK_GAP] = mark_words_gap,
		[EVT_MARK_CLOCK] = mark_words_clock,
		[EVT_MARK_BOOKMARK] = mark_words_bookmark,
		[EVT_MARK_STATE] = mark_words_state,
		[EVT_MARK_TRACKERS] = mark_words_trackers,
		[EVT_MARK_TRIGGER] = mark_words_trigger,
		[EVT_MARK_ARMED] = mark_words_armed,
	};
	cJSON *mark = cJSON_Parse(json);
	bool ok;

	_Static_assert(sizeof(words) / sizeof(words[0]) == EVT_MARK_ARMED + 1,
	    "each mark has words");
	if (cJSON_IsObject(mark) && opcode < sizeof(words) / sizeof(words[0]) &&
	    words[opcode] != NULL)
		ok = words[opcode](out, mark);
	else
		ok = evt_buf_add_str(out, json);
	cJSON_Delete(mark);
	return ok;
}
