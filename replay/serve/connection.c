/* connection.c - see connection.h. */
#include "replay/serve/connection.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"

/* How long a finished connection may take to end, and how many bytes of the peer
 * are discarded meanwhile. */
#define END_NS (5 * EVT_NS_PER_S)
#define END_BYTES (1u << 20)
/* Bytes of one write under TLS: one record. */
#define RECORD 16384u

struct evt_connection {
	evt_connections *all;
	evt_connection *prev, *next;
	int fd;
	SSL *ssl; /* NULL: no TLS */
	const evt_connection_ops *ops;
	void *ctx;       /* NULL: on_close was called */
	evt_buf out;     /* bytes that wait for the socket */
	size_t out_at;   /* those before it were sent */
	uint32_t events; /* what epoll is asked for */
	int64_t due_ns;
	size_t discarded;
	bool shaking;    /* the TLS handshake is not done */
	bool shakes_out; /* it waits until it can write */
	bool held;
	bool full;        /* the socket took less than it was offered */
	bool wants_write; /* on_writable was asked for */
	bool finishing;
	bool said_end; /* the peer was told that nothing more comes */
	bool dead;
};

static size_t
connection_waiting(const evt_connection *c)
{
	return c->out.len - c->out_at;
}

/* Ask epoll for what is of interest now. */
static void
connection_update(evt_connection *c)
{
	uint32_t events = 0;
	struct epoll_event e;

	if (c->dead)
		return;
	if (c->shaking)
		events = c->shakes_out ? EPOLLOUT : EPOLLIN;
	else
		events = (c->held ? 0 : (uint32_t)EPOLLIN) |
		    (connection_waiting(c) > 0 || c->wants_write ? EPOLLOUT :
		                                                   0);
	if (events == c->events)
		return;
	c->events = events;
	e = (struct epoll_event){ .events = events, .data.ptr = c };
	(void)epoll_ctl(c->all->epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
}

int
evt_connection_new(evt_connections *all, int fd, SSL_CTX *tls,
    const evt_connection_ops *ops, void *ctx, evt_connection **ret_connection,
    evt_error *err)
{
	evt_connection *c = calloc(1, sizeof(*c));
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

	assert(ops != NULL && ctx != NULL);
	if (c != NULL && tls != NULL)
		c->ssl = SSL_new(tls);
	if (c == NULL || (tls != NULL && c->ssl == NULL)) {
		free(c);
		close(fd);
		return evt_err_nomem(err);
	}
	if ((c->ssl != NULL && SSL_set_fd(c->ssl, fd) != 1) ||
	    epoll_ctl(all->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0) {
		int r = evt_err_sys(err, errno, "cannot wait for a connection");

		SSL_free(c->ssl);
		free(c);
		close(fd);
		return r;
	}
	c->all = all;
	c->fd = fd;
	c->ops = ops;
	c->ctx = ctx;
	c->events = EPOLLIN;
	c->due_ns = INT64_MAX;
	c->shaking = c->ssl != NULL;
	c->prev = all->last;
	if (all->last != NULL)
		all->last->next = c;
	else
		all->first = c;
	all->last = c;
	all->n++;
	*ret_connection = c;
	return EVT_OK;
}

void
evt_connection_peer(const evt_connection *c, char ret_text[EVT_CONNECTION_PEER])
{
	struct sockaddr_storage a = { .ss_family = AF_UNSPEC };
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN] = "";

	(void)getpeername(c->fd, (struct sockaddr *)&a, &len);
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&a;

		(void)inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(ret_text, EVT_CONNECTION_PEER, "%s:%u", host,
		    (unsigned)ntohs(in->sin_port));
	} else if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a;

		(void)inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof(host));
		snprintf(ret_text, EVT_CONNECTION_PEER, "[%s]:%u", host,
		    (unsigned)ntohs(in->sin6_port));
	} else {
		snprintf(ret_text, EVT_CONNECTION_PEER, "local");
	}
}

void
evt_connection_drop(evt_connection *c)
{
	if (c->dead)
		return;
	c->dead = c->all->sweep = true;
	c->all->n_dead++;
	(void)epoll_ctl(c->all->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
}

bool
evt_connection_is_over(const evt_connection *c)
{
	return c->dead || c->finishing;
}

void *
evt_connection_ctx(const evt_connection *c)
{
	return c->ctx;
}

evt_connection *
evt_connections_next(const evt_connections *all, const evt_connection *after)
{
	evt_connection *c = after != NULL ? after->next : all->first;

	while (c != NULL && c->dead)
		c = c->next;
	return c;
}

/* ---- bytes ------------------------------------------------------------------ */

/* What a call of OpenSSL that did not succeed means: 0, it waits; -1, the end. */
static int
connection_tls_result(evt_connection *c, int r)
{
	switch (SSL_get_error(c->ssl, r)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	default:
		/* The queue belongs to the thread, not to the connection. */
		ERR_clear_error();
		return -1;
	}
}

ssize_t
evt_connection_read(evt_connection *c, void *buf, size_t n)
{
	ssize_t got;

	assert(n > 0 && n <= INT32_MAX);
	if (c->dead || c->shaking)
		return c->dead ? -1 : 0;
	if (c->ssl != NULL) {
		int r = SSL_read(c->ssl, buf, (int)n);

		return r > 0 ? r : connection_tls_result(c, r);
	}
	got = recv(c->fd, buf, n, MSG_DONTWAIT);
	if (got > 0)
		return got;
	return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void
evt_connection_hold(evt_connection *c, bool hold)
{
	c->held = hold;
	/* Bytes that OpenSSL has are not seen by epoll: look at once. */
	if (!hold && c->ssl != NULL && SSL_pending(c->ssl) > 0)
		evt_connection_want_write(c);
	connection_update(c);
}

/* Write to the socket; 0: it takes nothing for now. */
static ssize_t
connection_put(evt_connection *c, const void *p, size_t n)
{
	ssize_t sent;

	if (c->ssl != NULL) {
		int r = SSL_write(c->ssl, p, (int)(n < RECORD ? n : RECORD));

		return r > 0 ? r : connection_tls_result(c, r);
	}
	sent = send(c->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* Send what waits.  false: the connection is broken. */
static bool
connection_flush(evt_connection *c)
{
	while (connection_waiting(c) > 0) {
		ssize_t sent = connection_put(c, c->out.data + c->out_at,
		    connection_waiting(c));

		if (sent < 0)
			return false;
		if (sent == 0)
			break;
		c->out_at += (size_t)sent;
	}
	if (connection_waiting(c) == 0 && c->out.len > 0) {
		c->out_at = 0;
		evt_buf_free(&c->out);
	}
	return true;
}

bool
evt_connection_queue(evt_connection *c, const void *p, size_t n)
{
	bool ok = !c->dead && evt_buf_add(&c->out, p, n) && connection_flush(c);

	connection_update(c);
	return ok;
}

/* OpenSSL wants the same bytes again when it could not write them.  So they are
 * kept here, a record at a time. */
static ssize_t
connection_send_tls(evt_connection *c, const uint8_t *p, size_t n)
{
	size_t sent = 0;

	while (sent < n && connection_waiting(c) == 0) {
		size_t piece = n - sent < RECORD ? n - sent : RECORD;

		if (!evt_connection_queue(c, p + sent, piece))
			return -1;
		sent += piece;
	}
	return (ssize_t)sent;
}

ssize_t
evt_connection_send(evt_connection *c, const void *p, size_t n)
{
	ssize_t sent;

	if (evt_connection_is_over(c))
		return -1;
	if (evt_connection_is_full(c))
		return 0;
	sent = c->ssl != NULL ? connection_send_tls(c, p, n) :
	                        connection_put(c, p, n);
	c->full = sent >= 0 && (size_t)sent < n;
	return sent;
}

bool
evt_connection_is_full(const evt_connection *c)
{
	return c->full || connection_waiting(c) > 0;
}

void
evt_connection_want_write(evt_connection *c)
{
	c->wants_write = !evt_connection_is_over(c);
	connection_update(c);
}

/* ---- ends ------------------------------------------------------------------- */

void
evt_connection_set_due(evt_connection *c, int64_t at_ns)
{
	if (!c->finishing)
		c->due_ns = at_ns;
}

/* Tell the peer that nothing more comes, once all is sent. */
static void
connection_say_end(evt_connection *c)
{
	if (c->said_end || connection_waiting(c) > 0)
		return;
	c->said_end = true;
	if (c->ssl != NULL) {
		(void)SSL_shutdown(c->ssl);
		ERR_clear_error();
	}
	if (shutdown(c->fd, SHUT_WR) != 0)
		evt_connection_drop(c);
}

void
evt_connection_finish(evt_connection *c)
{
	if (c->dead || c->finishing)
		return;
	evt_connection_set_due(c, evt_clock_mono() + END_NS);
	c->finishing = c->all->sweep = true;
	c->held = c->wants_write = false;
	connection_say_end(c);
	connection_update(c);
}

/* Read and forget what a peer still sends. */
static void
connection_discard(evt_connection *c)
{
	uint8_t buf[16384];
	ssize_t n = evt_connection_read(c, buf, sizeof(buf));

	c->discarded += n > 0 ? (size_t)n : 0;
	if (n < 0 || c->discarded > END_BYTES)
		evt_connection_drop(c);
}

/* ---- events ----------------------------------------------------------------- */

static void
connection_shake(evt_connection *c)
{
	int r = SSL_accept(c->ssl);

	if (r == 1) {
		c->shaking = false;
		return;
	}
	c->shakes_out = SSL_get_error(c->ssl, r) == SSL_ERROR_WANT_WRITE;
	if (connection_tls_result(c, r) < 0)
		evt_connection_drop(c);
}

static void
connection_on_writable(evt_connection *c)
{
	c->full = false;
	if (!connection_flush(c)) {
		evt_connection_drop(c);
		return;
	}
	if (connection_waiting(c) > 0)
		return;
	if (c->finishing) {
		connection_say_end(c);
	} else if (c->wants_write) {
		c->wants_write = false;
		c->ops->on_writable(c->ctx);
	}
}

static void
connection_on_readable(evt_connection *c)
{
	do {
		if (c->finishing)
			connection_discard(c);
		else
			c->ops->on_readable(c->ctx);
		/* Bytes that OpenSSL has are not seen by epoll. */
	} while (
	    !c->dead && !c->held && c->ssl != NULL && SSL_pending(c->ssl) > 0);
}

void
evt_connection_event(evt_connection *c, uint32_t events)
{
	const uint32_t broken = EPOLLERR | EPOLLHUP;

	if (c->dead)
		return;
	if (c->shaking)
		connection_shake(c);
	else if ((events & EPOLLOUT) && !(events & broken))
		connection_on_writable(c);
	if (!c->dead && !c->shaking && !c->held &&
	    ((events & (EPOLLIN | broken)) ||
	        (c->ssl != NULL && SSL_pending(c->ssl) > 0)))
		connection_on_readable(c);
	else if (!c->dead && (events & broken))
		evt_connection_drop(c);
	connection_update(c);
}

void
evt_connections_check(evt_connections *all, int64_t now)
{
	for (evt_connection *c = all->first; c != NULL; c = c->next) {
		if (c->dead || now < c->due_ns)
			continue;
		c->due_ns = INT64_MAX;
		if (c->finishing || c->shaking)
			evt_connection_drop(c);
		else
			c->ops->on_due(c->ctx);
	}
}

static void
connection_free(evt_connection *c)
{
	evt_connections *all = c->all;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		all->first = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	else
		all->last = c->prev;
	all->n--;
	all->n_dead--;
	SSL_free(c->ssl);
	close(c->fd);
	evt_buf_free(&c->out);
	free(c);
}

void
evt_connections_sweep(evt_connections *all)
{
	evt_connection *next;

	if (!all->sweep)
		return;
	all->sweep = false;
	for (evt_connection *c = all->first; c != NULL; c = next) {
		void *ctx = c->ctx;

		next = c->next;
		if (evt_connection_is_over(c) && ctx != NULL) {
			c->ctx = NULL;
			c->ops->on_close(ctx);
		}
		if (c->dead)
			connection_free(c);
	}
}

void
evt_connections_close(evt_connections *all)
{
	for (evt_connection *c = all->first; c != NULL; c = c->next)
		evt_connection_drop(c);
	evt_connections_sweep(all);
}

/* ---- TLS -------------------------------------------------------------------- */

/* The only protocol that is spoken. */
static int
connection_choose_alpn(SSL *ssl, const unsigned char **ret,
    unsigned char *ret_n, const unsigned char *in, unsigned n, void *arg)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, ret_n, ours, sizeof(ours) - 1, in,
	        n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

int
evt_connection_tls_new(const char *cert_file, const char *key_file,
    SSL_CTX **ret_tls, evt_error *err)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (tls == NULL)
		return evt_err_nomem(err);
	SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
	SSL_CTX_set_options(tls,
	    SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(tls,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_alpn_select_cb(tls, connection_choose_alpn, NULL);
	if (SSL_CTX_use_certificate_chain_file(tls, cert_file) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key_file, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_check_private_key(tls) != 1) {
		SSL_CTX_free(tls);
		ERR_clear_error();
		return evt_err_set(err, EVT_ERR_IO,
		    "cannot serve TLS: certificate and key must be PEM files "
		    "that belong together and that you may read");
	}
	*ret_tls = tls;
	return EVT_OK;
}
