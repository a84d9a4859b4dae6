/* client_impl.h - what the client's sources share.  Only they may include it. */
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

/* A message that waits to be sent. */
struct outgoing {
	struct outgoing *next;
	size_t n;
	uint8_t data[]; /* LWS_PRE bytes, then the message */
};

/* Who ended a connection without a close frame. */
enum parting {
	PARTING_SERVER, /* it said that there is no more */
	PARTING_BROKEN, /* a reset, or nothing got through */
	PARTING_OURS    /* we, for what came is no WebSocket */
};

/* What is heard of the present attempt until it is over. */
struct hearsay {
	char lws[200];                 /* words of CONNECTION_ERROR */
	char tls[400];                 /* words on the certificate */
	char handshake[EVT_TLS_WORDS]; /* on a TLS handshake that failed */
	char reason[512]; /* of our own drop, or of the server's close frame */
	int code;         /* that goes with reason, 0: none */
	unsigned status;
	int64_t retry_after_ns;
	int64_t began_ns; /* CLOCK_BOOTTIME */
	bool by_server;   /* code and reason are the server's */
	bool opened;
	enum parting parting;
	bool unmeasured; /* the answer to a POST ends with the connection */
	bool answered;   /* and here it ended */
};

/* A connection whose handshake and frames are ours (client_plain.c). */
struct plain {
	bool used;   /* this attempt is one */
	bool closed; /* a close frame was sent */
	uint8_t nonce[EVT_WS_HANDSHAKE_NONCE];
	evt_buf head; /* the answer to it, as far as it came */
	evt_ws_frame wire;
	uint8_t ping[EVT_WS_FRAME_CONTROL_MAX]; /* to be answered, if pong */
	size_t n_ping;
	bool pong;
};

struct evt_client {
	evt_client_config cfg;
	evt_proxy proxy;
	SSL_CTX *tls;
	struct lws_context *lws;
	struct lws *wsi;
	lws_sorted_usec_list_t timer;
	bool quit;

	/* The request, and how far it is. */
	char *target, *subprotocols;
	char **headers;
	size_t n_headers;
	bool post; /* its body is in `out` */
	evt_resolve *resolve;
	size_t address; /* index of the one being tried */
	bool resolving;
	bool live; /* a wsi is being made, or there is one */
	bool over; /* finish() was reached */
	struct hearsay heard;

	/* The open connection. */
	struct plain plain;
	evt_ws_message assembly;
	int64_t heard_ns;
	int64_t step_ns; /* of the clock, that no message has told yet */
	struct outgoing *out, **out_end;
	int closing; /* close code to send, 0: none */
	bool ping;
};

/* The attempt or the connection is over: the loop will see to it. */
void evt_client_finish(evt_client *c);

/* Wipe a message and free it. */
void evt_client_free_outgoing(struct outgoing *o);

/* If the look-up has an answer by now, connect. */
void evt_client_resolved(evt_client *c);

/* ---- client_callback.c --------------------------------------------------------- */

/* What libwebsockets calls. */
int evt_client_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len);

/* The handshake is done. */
void evt_client_up(evt_client *c, struct lws *wsi);
/* Something was read just now. */
evt_receive_clock_time evt_client_stamp(evt_client *c);
/* A piece of a message. */
void evt_client_assemble(evt_client *c, const evt_receive_clock_time *stamp,
    uint8_t opcode, uint8_t *p, size_t n, bool last);
/* The server's close frame.  exact: with the code that it sent. */
void evt_client_note_close(evt_client *c, const uint8_t *p, size_t n,
    bool exact);
/* The socket takes data: one thing at a time.  Non-zero closes. */
int evt_client_writeable(evt_client *c, struct lws *wsi);
/* Who ended the connection, whose socket still stands. */
enum parting evt_client_parting(struct lws *wsi);

/* ---- client_plain.c ------------------------------------------------------------ */

/* What libwebsockets calls for the raw role. */
int evt_client_plain_callback(evt_client *c, struct lws *wsi,
    enum lws_callback_reasons reason, uint8_t *in, size_t len);
/* Send a frame; LWS_PRE bytes stand before p, which is masked in place. */
int evt_client_plain_write(evt_client *c, struct lws *wsi, uint8_t opcode,
    uint8_t *p, size_t n);
/* Answer the latest ping. */
int evt_client_plain_pong(evt_client *c, struct lws *wsi);
/* Send a close frame, unless one was sent. */
int evt_client_plain_close(evt_client *c, struct lws *wsi, int code);
/* It is over. */
void evt_client_plain_reset(evt_client *c);

#endif
