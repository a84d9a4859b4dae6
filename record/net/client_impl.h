/* client_impl.h - declarations that client.c, client_lws.c and client_raw.c
 * share. Only they may include it. */
#ifndef EVT_RECORD_NET_CLIENT_IMPL_H
#define EVT_RECORD_NET_CLIENT_IMPL_H

#include <libwebsockets.h>

#include "format/wire/ws_message.h"
#include "record/net/client.h"
#include "record/net/proxy.h"
#include "record/net/resolve.h"
#include "record/net/tls.h"
#include "format/wire/ws_handshake.h"
#include "format/wire/ws_frame.h"

/* A TCP connection, and then the handshake, may each take this long. */
#define EVT_CLIENT_CONNECT_S 15

/* A message that is queued to be sent. */
struct outgoing {
	struct outgoing *next;
	size_t n;
	uint8_t data[]; /* LWS_PRE bytes, then the message */
};

/* The side that ended a connection without a close frame. */
enum closer {
	CLOSER_SERVER, /* it closed the TCP or TLS connection */
	CLOSER_BROKEN, /* a reset, or nothing got through */
	CLOSER_US      /* the server violated the protocol */
};

/* What the callbacks found out about the current attempt or connection. */
struct hearsay {
	bool connected;  /* the TCP connection came up */
	bool asked;      /* the request was sent, or TLS begun: a proxy
	                             has let it through */
	char wrong[200]; /* why the answer to the handshake is invalid */
	char tls[400];   /* why the certificate was refused */
	evt_tls_progress progress; /* of the TLS handshake */
	char reason[512]; /* of our own drop, or of the server's close frame */
	int code;         /* close code that belongs to reason; 0: none */
	unsigned status;  /* HTTP status of the answer; 0: none */
	int64_t retry_after_ns;
	int64_t began_ns; /* CLOCK_BOOTTIME */
	bool by_server;   /* code and reason are the server's */
	bool opened;
	enum closer closer;
	bool unmeasured; /* the answer to a POST has no length: it ends with
	                    the connection */
	bool answered;   /* all of that answer was received */
};

/* A connection whose handshake and frames client_raw.c handles. */
struct raw {
	bool used;   /* this attempt is of this kind */
	bool closed; /* a close frame was sent */
	uint8_t nonce[EVT_WS_HANDSHAKE_NONCE];
	evt_buf head; /* the answer's head, as far as it was received */
	evt_ws_frame wire;
	uint8_t ping[EVT_WS_FRAME_CONTROL_MAX]; /* the latest ping */
	size_t n_ping;
	bool pong; /* that ping is to be answered */
};

struct evt_client {
	evt_client_config cfg;
	evt_proxy proxy;
	SSL_CTX *tls;
	struct lws_context *lws;
	struct lws *wsi;
	lws_sorted_usec_list_t timer;
	bool quit;

	/* The request, and its progress. */
	char *target, *subprotocols;
	char **headers;
	size_t n_headers;
	bool post; /* a POST: its body is in `out` */
	evt_resolve *resolve;
	size_t address; /* index of the address being tried */
	int fd; /* a copy of the attempt's socket, which outlives it; -1: none */
	bool resolving;
	bool live; /* a wsi is being made, or there is one */
	bool over; /* evt_client_finish() was called */
	struct hearsay heard;

	/* The open connection. */
	struct raw raw;
	evt_ws_message assembly;
	int64_t heard_ns;
	int64_t step_ns; /* steps of the clock that no message reported yet */
	struct outgoing *out, **out_end;
	int closing; /* close code to send; 0: none */
	bool ping;
};

/* The attempt or the connection is over: have the loop report it. */
void evt_client_finish(evt_client *c);

/* Wipe a message and free it. */
void evt_client_free_outgoing(struct outgoing *o);

/* Note whether the attempt's socket was connected, and close the copy of it. */
void evt_client_look(evt_client *c);

/* If the host's addresses are known now, connect. */
void evt_client_resolved(evt_client *c);

/* ---- client_lws.c -------------------------------------------------------- */

/* The callback of libwebsockets. */
int evt_client_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len);

/* The handshake is done. */
void evt_client_up(evt_client *c, struct lws *wsi);
/* Make a stamp: something was read just now. */
evt_receive_clock_time evt_client_stamp(evt_client *c);
/* A piece of a message was received. */
void evt_client_assemble(evt_client *c, const evt_receive_clock_time *stamp,
    uint8_t opcode, uint8_t *p, size_t n, bool last);
/* The server sent a close frame.  exact: with the code at p; else libwebsockets
 * may have replaced it. */
void evt_client_note_close(evt_client *c, const uint8_t *p, size_t n,
    bool exact);
/* The socket is writable: send one thing.  Non-zero closes the connection. */
int evt_client_writeable(evt_client *c, struct lws *wsi);
/* Find out which side ended the connection. Its socket must still be open. */
enum closer evt_client_closer(struct lws *wsi);

/* ---- client_raw.c -------------------------------------------------------- */

/* The callback for libwebsockets' raw role.  Non-zero closes the connection. */
int evt_client_raw_callback(evt_client *c, struct lws *wsi,
    enum lws_callback_reasons reason, uint8_t *in, size_t len);
/* Send a frame.  There must be LWS_PRE bytes of headroom before p; the payload
 * is masked in place. */
int evt_client_raw_write(evt_client *c, struct lws *wsi, uint8_t opcode,
    uint8_t *p, size_t n);
/* Answer the latest ping. */
int evt_client_raw_pong(evt_client *c, struct lws *wsi);
/* Send a close frame, unless one was sent. */
int evt_client_raw_close(evt_client *c, struct lws *wsi, int code);
/* The connection is over. */
void evt_client_raw_reset(evt_client *c);

#endif
