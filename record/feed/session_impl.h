/* session_impl.h - what the session's sources share.  Only they may include
 * it. */
#ifndef EVT_RECORD_FEED_SESSION_IMPL_H
#define EVT_RECORD_FEED_SESSION_IMPL_H

#include "format/base/timetext.h"
#include "record/feed/backoff.h"
#include "record/net/client.h"
#include "format/mark.h"
#include "record/feed/session.h"

enum state {
	IDLE,    /* nothing was begun */
	WAITING, /* until retry_ns */
	CONNECTING,
	OPEN,
	CLOSING /* a close frame was asked for */
};

struct evt_session {
	evt_session_options o;
	evt_client *client;
	evt_backoff backoff;
	enum state state;
	int64_t retry_ns;
	int64_t close_by_ns; /* CLOSING: then without the server */
	int64_t ping_ns;     /* next ping */
	int64_t message_ns;  /* when the last message came */
	int64_t awake_ns;    /* the event loop's last turn */
	int64_t alive_ns;    /* the server counts as heard then, at least */
	char *shown;         /* the URL of this attempt, fit to be seen */

	unsigned attempt; /* since the last loss, from 1 */
	uint32_t conn;    /* number of this or the last connection */
	uint64_t frames;  /* received on it */
	uint64_t total;   /* received on all */
	bool lost;        /* there was a connection, and it is gone */
	evt_receive_clock_time lost_at;
	char lost_why[512];
	char away_why[512]; /* why it could not be reached since, last */
	bool refused;       /* by an answer to the subscription */

	bool held; /* the socket is not read */
	evt_receive_clock_time held_at;
	uint64_t unsaved; /* frames for which there was no memory */
	uint64_t unsaved_bytes;
};

/* ---- session_put.c ------------------------------------------------------------ */

void evt_session_set_state(evt_session *s, enum state state,
    enum evt_status_state shown);

/* One line for a person; the credential cannot be in it. */
void evt_session_say(evt_session *s, enum evt_status_event event,
    const char *text);

/* The loop comes round this often at least. */
#define EVT_SESSION_TICK_NS EVT_NS_PER_S

/* Put a mark; b is its payload, which is freed.  ok: b could be made. */
void evt_session_put_mark(evt_session *s, const evt_receive_clock_time *at,
    enum evt_mark mark, uint32_t conn, evt_buf *b, bool ok);
void evt_session_put_gap(evt_session *s, const evt_receive_clock_time *at,
    const evt_mark_gap_info *gap);

/* The gap from an earlier stamp to this one, of unknown content. */
void evt_session_put_span(evt_session *s, const evt_receive_clock_time *from,
    const evt_receive_clock_time *to, const char *reason);

/* Put a frame of the open connection.  A full queue holds the socket. */
void evt_session_put_frame(evt_session *s, const evt_receive_clock_time *at,
    uint8_t kind, uint8_t opcode, const uint8_t *data, size_t n);

/* Tell if the clock was set before this stamp. */
void evt_session_note_step(evt_session *s, const evt_receive_clock_time *at);
/* The time now, with that. */
evt_receive_clock_time evt_session_now(evt_session *s);

/* The socket is read again, or gone: tell of a long stop. */
void evt_session_end_hold(evt_session *s);

/* The event loop is at work at `at`: tell if it was not for long. */
void evt_session_note_stop(evt_session *s, const evt_receive_clock_time *at);

#endif
