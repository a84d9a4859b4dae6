/* session_put.c - a session puts items into the queue: frames, marks, and the
 * gaps that a full queue or a stopped process leaves. */
#include "record/feed/session_impl.h"

#include <stdio.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/mark.h"

/* A gap mark is put if the socket was not read for this long: the server may
 * have dropped frames. */
#define HELD_NS EVT_NS_PER_S
/* Also if a turn of the loop is this late: the process was stopped, or the
 * machine slept or was overloaded. */
#define STOPPED_NS (2 * EVT_NS_PER_S)

void
evt_session_set_state(evt_session *s, enum session_state state,
    enum evt_status_state shown)
{
	s->state = state;
	evt_status_set_state(s->o.supervisor->status, shown);
}

void
evt_session_say(evt_session *s, enum evt_status_event event, const char *text)
{
	char copy[1200];

	snprintf(copy, sizeof(copy), "%s", text);
	(void)evt_credential_blot(s->o.secret, (uint8_t *)copy, strlen(copy));
	evt_supervisor_say(s->o.supervisor, event, copy);
}

void
evt_session_put_mark(evt_session *s, const evt_receive_clock_time *at,
    enum evt_mark mark, uint32_t conn, evt_buf *b, bool ok)
{
	evt_queue_item item = { .time_ns = at->time_ns,
		.mono_ns = at->mono_ns,
		.kind = EVT_KIND_MARK,
		.opcode = (uint8_t)mark,
		.conn = conn,
		.payload = b->data,
		.len = b->len };

	if (ok) {
		(void)evt_credential_blot(s->o.secret, b->data, b->len);
		ok = evt_queue_put(s->o.queue, &item) != EVT_QUEUE_NOMEM;
	}
	if (!ok)
		evt_session_say(s, EVT_STATUS_ERROR,
		    "out of memory: a mark is missing on the tape");
	evt_buf_free(b);
}

void
evt_session_put_gap(evt_session *s, const evt_receive_clock_time *at,
    const evt_mark_gap_info *gap)
{
	evt_buf b = { 0 };
	bool ok = evt_mark_gap(&b, gap);

	evt_status_add_gap(s->o.supervisor->status, gap->frames, gap->bytes);
	evt_session_put_mark(s, at, EVT_MARK_GAP, s->conn, &b, ok);
}

void
evt_session_put_span(evt_session *s, const evt_receive_clock_time *from,
    const evt_receive_clock_time *to, const char *reason)
{
	evt_mark_gap_info gap = { .frames = EVT_MARK_UNKNOWN,
		.bytes = EVT_MARK_UNKNOWN,
		.reason = reason,
		.has_span = true,
		.from_ns = from->time_ns,
		.to_ns = to->time_ns,
		.span_ns = to->mono_ns - from->mono_ns };

	evt_session_put_gap(s, to, &gap);
}

void
evt_session_report_step(evt_session *s, const evt_receive_clock_time *at)
{
	evt_buf b = { 0 };
	char text[120], time[EVT_TIMETEXT_MAX];
	bool ok;

	if (at->step_ns == 0)
		return;
	ok = evt_mark_clock(&b, at->step_ns);
	evt_session_put_mark(s, at, EVT_MARK_CLOCK, 0, &b, ok);
	snprintf(text, sizeof(text), "the clock was set %s by %s",
	    at->step_ns > 0 ? "forward" : "back",
	    evt_timetext_duration_format(at->step_ns > 0 ? at->step_ns :
	                                                   -at->step_ns,
	        time));
	evt_session_say(s, EVT_STATUS_NOTICE, text);
}

evt_receive_clock_time
evt_session_now(evt_session *s)
{
	evt_receive_clock_time at = evt_receive_clock_now(s->o.clock);

	evt_session_report_step(s, &at);
	return at;
}

/* The queue is full: stop reading the socket. */
static void
session_put_hold(evt_session *s, const evt_receive_clock_time *at)
{
	if (s->held || s->state != OPEN)
		return;
	s->held = true;
	s->held_at = *at;
	evt_client_hold(s->client, true);
	evt_session_set_state(s, OPEN, EVT_STATUS_HELD);
}

void
evt_session_end_hold(evt_session *s)
{
	evt_receive_clock_time at;

	if (!s->held)
		return;
	s->held = false;
	at = evt_session_now(s);
	if (at.mono_ns - s->held_at.mono_ns >= HELD_NS)
		evt_session_put_span(s, &s->held_at, &at,
		    "the queue was full and the socket was not read: the "
		    "server may have dropped frames");
}

/*
 * Nothing was read meanwhile, so silence does not mean that the server is dead.
 * It is pinged at once and has one ping interval to answer.  Three intervals
 * would be too many: after a night's sleep the connection is usually dead.
 */
void
evt_session_report_stop(evt_session *s, const evt_receive_clock_time *at)
{
	int64_t now = evt_receive_clock_boot(s->o.clock, at);
	int64_t was = s->awake_ns;
	char text[160], time[EVT_TIMETEXT_MAX];
	evt_receive_clock_time from = *at;

	s->awake_ns = now;
	if (s->state != OPEN || was == 0 ||
	    now - was < EVT_SESSION_TICK_NS + STOPPED_NS)
		return;
	s->message_ns = s->ping_ns = now;
	s->alive_ns = now - 2 * s->o.ping_ns;
	from.time_ns -= now - was;
	from.mono_ns -= now - was;
	snprintf(text, sizeof(text),
	    "the recorder did not run for %s (it was stopped, or the machine "
	    "slept or was overloaded): the server may have dropped frames",
	    evt_timetext_duration_format(now - was, time));
	evt_session_put_span(s, &from, at, text);
	evt_session_say(s, EVT_STATUS_WARNING, text);
}

void
evt_session_put_frame(evt_session *s, const evt_receive_clock_time *at,
    uint8_t kind, uint8_t opcode, const uint8_t *data, size_t n)
{
	evt_queue_item item = { .time_ns = at->time_ns,
		.mono_ns = at->mono_ns,
		.kind = kind,
		.opcode = opcode,
		.conn = s->conn,
		.payload = data,
		.len = n };
	evt_mark_gap_info gap = { .reason = "out of memory" };

	if (s->unsaved > 0) {
		gap.frames = (int64_t)s->unsaved;
		gap.bytes = (int64_t)s->unsaved_bytes;
		s->unsaved = s->unsaved_bytes = 0;
		evt_session_put_gap(s, at, &gap);
	}
	switch (evt_queue_put(s->o.queue, &item)) {
	case EVT_QUEUE_FULL:
		session_put_hold(s, at);
		break;
	case EVT_QUEUE_NOMEM:
		s->unsaved++;
		s->unsaved_bytes += n;
		session_put_hold(s, at);
		break;
	case EVT_QUEUE_ROOM:
		break;
	}
}

void
evt_session_put_list(evt_session *s)
{
	evt_buf b = { 0 };
	evt_status_figures *st;
	evt_receive_clock_time at;
	uint64_t n;

	if (s->o.tracker_poll == NULL ||
	    !evt_tracker_poll_take(s->o.tracker_poll, &b, &n))
		return;
	at = evt_session_now(s);
	evt_session_put_mark(s, &at, EVT_MARK_TRACKERS, 0, &b, true);
	st = evt_status_lock(s->o.supervisor->status);
	st->lists++;
	st->trackers = n;
	evt_status_unlock(s->o.supervisor->status);
}
