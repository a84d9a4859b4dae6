/*
 * connection.h - one accepted TCP connection, with or without TLS.
 *
 * A connection moves bytes and knows no protocol.  Its owner reads when it is
 * called back, and writes at any time.  Bytes that the socket does not take are
 * either left with the owner (evt_connection_send()) or kept here
 * (evt_connection_queue()).
 *
 * Life: evt_connection_new(); the owner ends it by evt_connection_finish() or
 * evt_connection_drop().  After that there is no callback but on_close, which
 * evt_connections_sweep() makes.  So no owner is freed while one of its functions
 * runs.
 */
#ifndef EVT_REPLAY_SERVE_CONNECTION_H
#define EVT_REPLAY_SERVE_CONNECTION_H

#include <openssl/types.h>
#include <sys/types.h>

#include "format/evtape.h"

typedef struct evt_connection evt_connection;

/* All connections of a server, oldest first.  Zero-initialised but for the
 * descriptor. */
typedef struct evt_connections {
	int epoll_fd;
	evt_connection *first, *last;
	size_t n;
	size_t n_dead; /* of these, those that were dropped */
	bool sweep;    /* evt_connections_sweep() has something to do */
} evt_connections;

/* What the owner of a connection does with its events. */
typedef struct evt_connection_ops {
	/* There is something to read: bytes, or the end. */
	void (*on_readable)(void *ctx);
	/* It takes bytes again; only after evt_connection_want_write(). */
	void (*on_writable)(void *ctx);
	/* The deadline has passed. */
	void (*on_due)(void *ctx);
	/* The last call. */
	void (*on_close)(void *ctx);
} evt_connection_ops;

/*
 * fd: a connected socket that does not block; it is closed in any case.  tls: NULL
 * for none.  There is no callback before a TLS handshake is done, but on_due and
 * on_close.  Errors: EVT_ERR_IO, EVT_ERR_NOMEM.
 */
int evt_connection_new(evt_connections *all, int fd, SSL_CTX *tls,
    const evt_connection_ops *ops, void *ctx, evt_connection **ret_connection,
    evt_error *err);

/* Room for the text of evt_connection_peer(). */
#define EVT_CONNECTION_PEER 64
/* The address and the port of the peer. */
void evt_connection_peer(const evt_connection *c,
    char ret_text[EVT_CONNECTION_PEER]);

/* Read at most n bytes, n > 0.  0: none for now.  -1: the peer sends nothing more,
 * or the connection is broken. */
ssize_t evt_connection_read(evt_connection *c, void *buf, size_t n);
/* Stop reading, or continue. */
void evt_connection_hold(evt_connection *c, bool hold);

/* Write as many of the n bytes as the connection takes now; the caller keeps the
 * rest.  -1: it is broken. */
ssize_t evt_connection_send(evt_connection *c, const void *p, size_t n);
/* Write all n bytes, now or as soon as the connection takes them.  false: it is
 * broken, or out of memory. */
bool evt_connection_queue(evt_connection *c, const void *p, size_t n);
/* It takes no more bytes for now. */
bool evt_connection_is_full(const evt_connection *c);
/* Have on_writable called, once. */
void evt_connection_want_write(evt_connection *c);

/* Have on_due called at that steady time; INT64_MAX: never. */
void evt_connection_set_due(evt_connection *c, int64_t at_ns);

/*
 * Nothing more is said: send what is queued, say so to the peer, and wait a moment
 * for its end, or a reset could destroy what is still on its way.  What the peer
 * sends is discarded.
 */
void evt_connection_finish(evt_connection *c);
/* Close it now. */
void evt_connection_drop(evt_connection *c);
/* It was finished or dropped. */
bool evt_connection_is_over(const evt_connection *c);
/* The owner's ctx; NULL after on_close. */
void *evt_connection_ctx(const evt_connection *c);
/* The next younger connection that was not dropped; `after` NULL: the oldest. */
evt_connection *evt_connections_next(const evt_connections *all,
    const evt_connection *after);

/* ---- for the loop ------------------------------------------------------------- */

/* epoll reported these events. */
void evt_connection_event(evt_connection *c, uint32_t events);
/* Call back those that are due, and drop those that were finished and do not end. */
void evt_connections_check(evt_connections *all, int64_t now_ns);
/* Call on_close for those that are over, and free those that are closed. */
void evt_connections_sweep(evt_connections *all);
/* Drop all. */
void evt_connections_close(evt_connections *all);

/* Settings to serve TLS with.  Errors: EVT_ERR_IO. */
int evt_connection_tls_new(const char *cert_file, const char *key_file,
    SSL_CTX **ret_tls, evt_error *err);

#endif
