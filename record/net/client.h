/*
 * client.h - one WebSocket connection, or one HTTP POST, at a time, on
 * libwebsockets.
 *
 * This is the transport alone: it knows nothing of tapes, profiles or
 * reconnection.  All events are called on the thread that calls
 * evt_client_run(), and only that thread may call the functions, except
 * evt_client_wake().
 *
 * Make all clients of a program before any of them runs.  Making one changes
 * the indices by which libwebsockets finds its data in OpenSSL objects, and a
 * TLS handshake in progress would still use the old ones.
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
	const char *tls;  /* "TLSv1.3 TLS_AES_256_GCM_SHA384"; NULL: none */
} evt_client_opened;

/* The stages of an attempt. */
enum evt_client_stage {
	EVT_CLIENT_NAME,      /* look up the host */
	EVT_CLIENT_TCP,       /* connect */
	EVT_CLIENT_TLS,       /* TLS handshake and certificate */
	EVT_CLIENT_HANDSHAKE, /* WebSocket handshake, or the POST */
	EVT_CLIENT_OPEN,
	EVT_CLIENT_STAGES /* how many there are */
};

/* How an attempt or a connection ended.  Valid during the call. */
typedef struct evt_client_ended {
	bool opened;                 /* the connection had come up */
	enum evt_client_stage stage; /* the last stage that was begun */
	/*
	 * Close code (RFC 6455, 7.4): 1005 if the server gave none, 1006 if it
	 * closed without a close frame, 1002 if it gave an invalid one, 0 if
	 * the connection had not come up.  Over TLS and through a proxy
	 * libwebsockets turns 1012 to 1015 into 1002.
	 */
	int code;
	const char *reason;     /* one line for the user; never empty */
	unsigned status;        /* of the HTTP answer that refused; 0: none */
	int64_t retry_after_ns; /* the server's Retry-After; 0: none */
	uint64_t unfinished;    /* bytes of a message that had begun */
	/* A POST: the whole answer was received, with any status.  The end of a
	 * chunked answer may be missing. */
	bool answered;
} evt_client_ended;

/* All but `answer` must be set for WebSocket connections.  A client that only
 * sends POSTs needs `ended`, `due`, `woken`, `turn` and `answer`. */
typedef struct evt_client_events {
	void (*opened)(void *ctx, const evt_client_opened *opened);
	/* A whole message was received; data may be changed in place. */
	void (*message)(void *ctx, const evt_receive_clock_time *stamp,
	    uint8_t opcode, uint8_t *data, size_t n);
	/* A message of n bytes was longer than the limit and was dropped. */
	void (*skipped)(void *ctx, const evt_receive_clock_time *stamp,
	    uint64_t n);
	/* A message is being sent; data may be changed in place (a copy). */
	void (*sent)(void *ctx, uint8_t *data, size_t n);
	void (*ended)(void *ctx, const evt_client_ended *ended);
	void (*due)(void *ctx);   /* the time of evt_client_wake_at() */
	void (*woken)(void *ctx); /* evt_client_wake(), or without a reason */
	void (*turn)(void *ctx);  /* after each turn of the event loop */
	/* A piece of the answer to a POST was received. */
	void (*answer)(void *ctx, const uint8_t *data, size_t n);
} evt_client_events;

typedef struct evt_client_config {
	const evt_url *url;  /* must outlive the client, as ca_file and clock */
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* accept any certificate */
	size_t max_message;  /* bytes */
	evt_receive_clock *clock;
	evt_client_events events;
	void *ctx;
	char *(*env)(const char *name); /* getenv, for the proxy variables */
} evt_client_config;

/* Errors: EVT_ERR_ARG (proxy variables), EVT_ERR_IO (CA file), _NOMEM. */
int evt_client_new(const evt_client_config *config, evt_client **ret_client,
    evt_error *err);
/* Not while evt_client_run() runs.  NULL is allowed. */
void evt_client_free(evt_client *c);

/* Run the event loop until evt_client_quit(); then it can be run again. */
void evt_client_run(evt_client *c);
void evt_client_quit(evt_client *c);

/* Set the timer: due() is called at the CLOCK_BOOTTIME time `at_ns`.  INT64_MAX:
 * never. */
void evt_client_wake_at(evt_client *c, int64_t at_ns);
/* Have woken() called soon.  From any thread. */
void evt_client_wake(evt_client *c);

/* The request of one connection; it is copied. */
typedef struct evt_client_request {
	const char *target;         /* path and query, with secrets */
	const char *const *headers; /* "Name: value", with secrets */
	size_t n_headers;
	const char *subprotocols; /* "a, b"; NULL: none */
	const uint8_t *body;      /* POST this over HTTP; NULL: WebSocket */
	size_t body_len;
} evt_client_request;

/*
 * Begin to connect; there must be no connection.  After this returns, opened()
 * or ended() is called; for a POST ended() alone.  Each address of the host is
 * tried once.  The caller must limit the time for the answer to a POST.
 */
void evt_client_connect(evt_client *c, const evt_client_request *request);

/* Queue a text message.  false: out of memory. */
bool evt_client_send(evt_client *c, const uint8_t *data, size_t n);
void evt_client_ping(evt_client *c);
/* CLOCK_BOOTTIME of the last bytes received (a piece of a message, a pong), or
 * of the connection coming up. */
int64_t evt_client_heard_ns(const evt_client *c);
/* Stop reading (true) or continue; TCP holds the server back. */
void evt_client_hold(evt_client *c, bool hold);
/* Close with a close frame; ended() follows when the server answers. */
void evt_client_close(evt_client *c, int code);
/* Drop the connection or the attempt now; ended() follows with `code` and
 * `reason`. */
void evt_client_drop(evt_client *c, int code, const char *reason);

#endif
