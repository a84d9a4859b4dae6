/* session_impl.h - declarations that session.c and session_put.c share. Only
 * they may include it. */
#ifndef EVT_RECORD_FEED_SESSION_IMPL_H
#define EVT_RECORD_FEED_SESSION_IMPL_H

#include "format/base/timetext.h"
#include "record/feed/backoff.h"
#include "record/net/client.h"
#include "format/mark.h"
#include "record/feed/session.h"

enum session_state {
	IDLE,    /* no attempt was begun */
	WAITING, /* for retry_ns */
	CONNECTING,
	OPEN,
	CLOSING /* a close frame is being sent, or answered */
};

struct evt_session {
	evt_session_options o;
	evt_client *client;
	evt_backoff backoff;
	enum session_state state;
	int64_t retry_ns;
	int64_t close_by_ns; /* CLOSING: then drop the connection */
	int64_t ping_ns;     /* next ping */
	int64_t message_ns;  /* when the last message came */
	int64_t awake_ns;    /* last turn of the event loop */
	int64_t alive_ns;    /* the server counts as heard at this time */
	char *shown;         /* URL of this attempt, without secrets */

	evt_receive_clock_time began_at; /* the first attempt */
	unsigned attempt; /* since the last loss, counted from 1 */
	uint32_t conn;    /* number of this or the last connection */
	uint64_t frames;  /* received on it */
	uint64_t total;   /* received on all */
	bool lost;        /* a connection was lost, and its gap is not put */
	evt_receive_clock_time lost_at;
	char lost_why[512];
	char away_why[512]; /* why the latest attempt since then, or since the
	                       start, failed */
	bool refused;       /* the server refused the subscription */

	bool held; /* the socket is not read, since the queue is full */
	evt_receive_clock_time held_at;
	uint64_t unsaved; /* frames that were lost for want of memory */
	uint64_t unsaved_bytes;
};

/* ---- session_put.c ------------------------------------------------------- */

/* `shown`: the same state, for the status. */
void evt_session_set_state(evt_session *s, enum session_state state,
    enum evt_status_state shown);

/* Report one line to the user; the credential is blotted out of it. */
void evt_session_say(evt_session *s, enum evt_status_event event,
    const char *text);

/* The longest turn of the event loop. */
#define EVT_SESSION_TICK_NS EVT_NS_PER_S

/* Put a mark.  b: its payload, which is freed; ok: the payload could be
 * made. */
void evt_session_put_mark(evt_session *s, const evt_receive_clock_time *at,
    enum evt_mark mark, uint32_t conn, evt_buf *b, bool ok);
void evt_session_put_gap(evt_session *s, const evt_receive_clock_time *at,
    const evt_mark_gap_info *gap);

/* Put a gap mark for the time between two stamps; the number of lost frames is
 * not known. */
void evt_session_put_span(evt_session *s, const evt_receive_clock_time *from,
    const evt_receive_clock_time *to, const char *reason);

/* Put a frame of the open connection.  If the queue is full then, reading
 * stops. */
void evt_session_put_frame(evt_session *s, const evt_receive_clock_time *at,
    uint8_t kind, uint8_t opcode, const uint8_t *data, size_t n);

/* Report it if the clock was set before this stamp. */
void evt_session_report_step(evt_session *s, const evt_receive_clock_time *at);
/* The time now; reports a step of the clock as well. */
evt_receive_clock_time evt_session_now(evt_session *s);

/* The socket is read again, or closed.  Puts a gap mark after a long stop. */
void evt_session_end_hold(evt_session *s);

/* The event loop runs at the time `at`.  Puts a gap mark if it did not for
 * long. */
void evt_session_report_stop(evt_session *s, const evt_receive_clock_time *at);

#endif
