/*
 * client.h - one WebSocket connection, or one HTTP POST, at a time, on
 * libwebsockets.
 *
 * The transport alone: it knows nothing of tapes, profiles or reconnection.
 * Everything happens on the thread that calls evt_client_run(), and the
 * functions are for that thread alone, but for evt_client_wake().
 *
 * Make all clients of a program before any of them runs: making one gives
 * libwebsockets new numbers to find its own data by inside of OpenSSL, and a
 * TLS handshake that is under way would look for the old ones.
 */
#ifndef EVT_RECORD_NET_CLIENT_H
#define EVT_RECORD_NET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/receive_clock.h"
#include "format/wire/url.h"

typedef struct evt_client evt_client;

/* A connection that came up.  Valid during the call. */
typedef struct evt_client_opened {
	const char *peer; /* "127.0.0.1:1234", "[::1]:1234" */
	const char *tls;  /* "TLSv1.3 TLS_AES_256_GCM_SHA384", NULL: none */
} evt_client_opened;

/* How far an attempt came. */
enum evt_client_stage {
	EVT_CLIENT_NAME,      /* the host was looked up */
	EVT_CLIENT_TCP,       /* it was connected to */
	EVT_CLIENT_TLS,       /* its certificate was looked at */
	EVT_CLIENT_HANDSHAKE, /* it was asked for a WebSocket */
	EVT_CLIENT_OPEN
};

/* How an attempt or a connection ended.  Valid during the call. */
typedef struct evt_client_ended {
	bool opened;                 /* it had come up */
	enum evt_client_stage stage; /* the last one that was begun */
	int code;           /* close code (RFC 6455, 7.4): 1005 the server gave
	                      none, 1006 it closed without a close frame; 0 if
	                      it had not come up.  1002 also where there is no
	                      such code; over TLS and through a proxy libwebsockets
	                      hands 1012 to 1015 over as that. */
	const char *reason; /* for a person, one line; never empty */
	unsigned status;    /* of the HTTP answer that refused, 0: none */
	int64_t retry_after_ns; /* as the server asked, 0: it did not */
	uint64_t unfinished;    /* bytes of a message that had begun */
	bool answered; /* a POST: all of the answer came (but for one in
	                      chunks, of which the end may be missing), with
	                      this status, whatever that is */
} evt_client_ended;

typedef struct evt_client_events {
	void (*opened)(void *ctx, const evt_client_opened *opened);
	/* A whole message; data may be changed in place. */
	void (*message)(void *ctx, const evt_receive_clock_time *stamp,
	    uint8_t opcode, uint8_t *data, size_t n);
	/* A message of n bytes was longer than the limit and is gone. */
	void (*skipped)(void *ctx, const evt_receive_clock_time *stamp,
	    uint64_t n);
	/* A message is being sent; data may be changed in place (a copy). */
	void (*sent)(void *ctx, uint8_t *data, size_t n);
	void (*ended)(void *ctx, const evt_client_ended *ended);
	void (*due)(void *ctx);   /* the time of evt_client_wake_at() */
	void (*woken)(void *ctx); /* evt_client_wake(), or for no reason */
	void (*turn)(void *ctx);  /* after each turn of the event loop */
	/* A piece of the answer to a POST.  Else never called. */
	void (*answer)(void *ctx, const uint8_t *data, size_t n);
} evt_client_events;

typedef struct evt_client_config {
	const evt_url *url; /* must outlive the client, as ca_file and stamps */
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* accept any certificate */
	size_t max_message;
	evt_receive_clock *stamps;
	evt_client_events events;
	void *ctx;
	char *(*env)(const char *name); /* getenv: for the proxy */
} evt_client_config;

/* Errors: EVT_ERR_ARG (proxy variables), EVT_ERR_IO (CA file), _NOMEM. */
int evt_client_new(const evt_client_config *config, evt_client **ret_client,
    evt_error *err);
/* Not while evt_client_run() runs. */
void evt_client_free(evt_client *c);

/* Run the event loop until evt_client_quit(); it can be run again then. */
void evt_client_run(evt_client *c);
void evt_client_quit(evt_client *c);

/* Have due() called at the CLOCK_BOOTTIME time at_ns, in place of any earlier
 * such wish.  INT64_MAX: never. */
void evt_client_wake_at(evt_client *c, int64_t at_ns);
/* Have woken() called soon.  From any thread. */
void evt_client_wake(evt_client *c);

/* What is particular to one connection; copied. */
typedef struct evt_client_request {
	const char *target;         /* path and query, secrets filled in */
	const char *const *headers; /* "Name: value", secrets filled in */
	size_t n_headers;
	const char *subprotocols; /* "a, b"; NULL: none */
	const uint8_t *body;      /* POST this over HTTP; NULL: WebSocket */
	size_t body_len;
} evt_client_request;

/* Begin to connect; there must be no connection.  Ends in opened() or ended(),
 * a POST in ended() alone, never before this returns.  Each address of the host
 * is tried once.  How long the answer to a POST may take is up to the caller. */
void evt_client_connect(evt_client *c, const evt_client_request *request);

/* Send a text message when the socket allows.  false: out of memory. */
bool evt_client_send(evt_client *c, const uint8_t *data, size_t n);
void evt_client_ping(evt_client *c);
/* CLOCK_BOOTTIME at which anything (a piece of a message, a pong) last came,
 * or the connection came up. */
int64_t evt_client_heard_ns(const evt_client *c);
/* Stop reading (true) or read on; the peer is held back by TCP. */
void evt_client_hold(evt_client *c, bool hold);
/* Close with a close frame; ended() follows when the server answers. */
void evt_client_close(evt_client *c, int code);
/* Drop the connection or the attempt now; ended() follows, with this code
 * and these words. */
void evt_client_drop(evt_client *c, int code, const char *reason);

#endif
