/*
 * ws_client.h - one WebSocket client: bytes out, messages in, back-pressure.
 *
 * A client reads a fanout: a stream that it shares with others, or its own, to
 * which evt_ws_client_send() appends.  It does not interpret messages.  It
 * reaches its owner only through the callbacks that the owner gives it.
 *
 * Life: evt_ws_client_new() when the upgrade is accepted, evt_ws_client_open()
 * when the answer to the handshake was written, evt_ws_client_free() when the
 * connection calls its on_close.
 */
#ifndef EVT_REPLAY_SERVE_WS_CLIENT_H
#define EVT_REPLAY_SERVE_WS_CLIENT_H

#include "replay/serve/client_log.h"
#include "replay/serve/connection.h"
#include "replay/serve/fanout.h"
#include "replay/serve/notice.h"
#include "replay/serve/server_stats.h"

/* Longest message that is accepted from a client, in bytes. */
#define EVT_WS_CLIENT_MESSAGE_MAX (1u << 20)

typedef struct evt_ws_client evt_ws_client;

typedef struct evt_ws_client_ops {
	/* The handshake is complete.  After an error the client is closed. */
	int (*on_open)(void *ctx, evt_error *err);
	/* A whole message came.  After an error the client is closed.  NULL:
	 * messages are read and ignored. */
	int (
	    *on_message)(void *ctx, const char *text, size_t n, evt_error *err);
	/* The socket took bytes, and the client stays. */
	void (*on_writable)(void *ctx);
	/* The last call, from evt_ws_client_free(). */
	void (*on_close)(void *ctx);
} evt_ws_client_ops;

typedef struct evt_ws_client_options {
	evt_connection *connection;
	evt_fanout *shared; /* the stream it reads; NULL: a stream of its own */
	const evt_ws_client_ops *ops;
	void *ctx;               /* for ops */
	evt_server_stats *stats; /* where it counts */
	/* What is kept of it for people.  The client ends it, also if it cannot be
	 * made. */
	evt_client_log_record *record;
	const evt_notice *notice;
} evt_ws_client_options;

/* What the options point to must outlive the client.  Errors: EVT_ERR_NOMEM. */
int evt_ws_client_new(const evt_ws_client_options *options,
    evt_ws_client **ret_client, evt_error *err);
void evt_ws_client_free(evt_ws_client *client);

/* ---- events of the connection ---------------------------------------------- */

/* The handshake is complete. */
void evt_ws_client_open(evt_ws_client *client);
/* These bytes were received; they may be changed. */
void evt_ws_client_receive(evt_ws_client *client, uint8_t *p, size_t n);
/* The peer sends nothing more. */
void evt_ws_client_ended(evt_ws_client *client);
void evt_ws_client_writable(evt_ws_client *client);
/* The deadline of the connection has passed. */
void evt_ws_client_due(evt_ws_client *client);

/* ---- for the owner --------------------------------------------------------- */

/* Whether the handshake is complete. */
bool evt_ws_client_is_open(const evt_ws_client *client);
/* Whether it is open and neither closed, nor cut off, nor leaving. */
bool evt_ws_client_is_active(const evt_ws_client *client);
/* Whether messages may still be written: it is open, not closed and not cut
 * off.  It may be leaving. */
bool evt_ws_client_takes_bytes(const evt_ws_client *client);

/*
 * Queue a text message for this client alone, which must have a stream of its
 * own.  Does nothing unless the client is active.  Errors: EVT_ERR_NOMEM.
 */
int evt_ws_client_send(evt_ws_client *client, const void *text, size_t n,
    evt_error *err);

/* Close with this close code once the client has read what it was sent so
 * far. */
void evt_ws_client_goodbye(evt_ws_client *client, int code);
/* Drop the connection now.  There is no close frame: the client reads nothing.
 * why: for the notice, after a colon. */
void evt_ws_client_cut_off(evt_ws_client *client, const char *why);

/* Write what the socket takes.  now: the steady clock. */
void evt_ws_client_flush(evt_ws_client *client, int64_t now);

/* Bytes that were queued and that the socket has not taken.  It must be open. */
uint64_t evt_ws_client_unread(const evt_ws_client *client);
/*
 * The same without the answers that evt_ws_client_excuse() excused: the states
 * of a hundred thousand sources after a subscription or a seek are many bytes at
 * once, and that is no fault of the client.
 */
uint64_t evt_ws_client_behind(const evt_ws_client *client);
/* What was queued so far does not count as behind. */
void evt_ws_client_excuse(evt_ws_client *client);

/* Since when the socket has taken nothing although bytes are queued, by the
 * steady clock; INT64_MAX: it takes them. */
int64_t evt_ws_client_stalled_since(const evt_ws_client *client);

#endif
