/*
 * client_lws.c - the callbacks of libwebsockets.  They note what they learn
 * about the end of a connection and leave the rest to evt_client_finish().
 */
#include "record/net/client_impl.h"

#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "record/net/retry_after.h"

/* Most bytes of an answer that libwebsockets passes at a time. */
#define ANSWER_BYTES (16u << 10)

static int
client_lws_add_header(const char *header, unsigned char **p, size_t *room)
{
	size_t n = strlen(header);

	if (n + 2 > *room)
		return -1;
	memcpy(*p, header, n);
	memcpy(*p + n, "\r\n", 2);
	*p += n + 2;
	*room -= n + 2;
	return 0;
}

static int
client_lws_add_headers(evt_client *c, struct lws *wsi, unsigned char **p,
    size_t room)
{
	char length[40];
	int r = 0;

	c->heard.connected = c->heard.asked = true;
	for (size_t i = 0; i < c->n_headers && r == 0; i++)
		r = client_lws_add_header(c->headers[i], p, &room);
	if (r == 0 && c->post) {
		snprintf(length, sizeof(length), "Content-Length: %zu",
		    c->out->n);
		r = client_lws_add_header(length, p, &room);
		lws_client_http_body_pending(wsi, 1);
		lws_callback_on_writable(wsi);
	}
	return r;
}

/* The answer to the handshake was received, whatever its status. */
static void
client_lws_note_answer(evt_client *c, struct lws *wsi)
{
	char text[64];

	c->heard.status = lws_http_client_http_response(wsi);
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_HTTP_RETRY_AFTER) >
	    0)
		(void)evt_retry_after_parse(text, evt_clock_real(),
		    &c->heard.retry_after_ns);
	c->heard.unmeasured =
	    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) == 0 &&
	    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) == 0;
}

static void
client_lws_note_failure(evt_client *c, struct lws *wsi)
{
	unsigned status = lws_http_client_http_response(wsi);

	if (status != 0)
		c->heard.status = status;
	if (c->heard.tls[0] == '\0' && c->cfg.url->tls)
		(void)evt_tls_failure(c->heard.tls, sizeof(c->heard.tls));
}

/* Whether a close frame may have this code (RFC 6455, 7.4). */
static bool
client_lws_is_code(int code)
{
	return code >= 1000 && code <= 4999 && code != 1005 && code != 1006 &&
	    code != 1015;
}

void
evt_client_note_close(evt_client *c, const uint8_t *p, size_t n, bool exact)
{
	char said[126] = "";
	const char *note = "";
	int code;

	c->heard.by_server = true;
	if (n < 2) {
		c->heard.code = 1005;
		snprintf(c->heard.reason, sizeof(c->heard.reason),
		    "the server closed the connection without a close code");
		return;
	}
	code = p[0] << 8 | p[1];
	c->heard.code = client_lws_is_code(code) ? code : 1002;
	for (size_t i = 2; i < n && i - 2 < sizeof(said) - 1; i++)
		said[i - 2] = (char)(p[i] < 0x20 || p[i] == 0x7f ? ' ' : p[i]);
	/* libwebsockets replaces codes that it does not know by 1002, among them
	 * those for a restart (1012) and for overload (1013). */
	if (!client_lws_is_code(code))
		note = ", which is invalid";
	else if (!exact && code == 1002)
		note = " (or 1012 to 1014)";
	snprintf(c->heard.reason, sizeof(c->heard.reason),
	    "the server closed the connection with code %d%s%s%s%s", code, note,
	    said[0] != '\0' ? " (" : "", said, said[0] != '\0' ? ")" : "");
}

/*
 * libwebsockets reports the same for a server that closed, for a reset, and for
 * bytes that it refused.  The state of the socket, which is still open, shows
 * which it was.
 */
enum closer
evt_client_closer(struct lws *wsi)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);
	SSL *ssl = lws_get_ssl(wsi);

	if (ssl != NULL && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN))
		return CLOSER_SERVER;
	if (getsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_INFO, &info,
	        &len) != 0)
		return CLOSER_SERVER;
	switch (info.tcpi_state) {
	case TCP_ESTABLISHED:
	case TCP_FIN_WAIT1:
	case TCP_FIN_WAIT2:
		return CLOSER_US;
	case TCP_CLOSE:
		return CLOSER_BROKEN;
	default:
		return CLOSER_SERVER;
	}
}

void
evt_client_up(evt_client *c, struct lws *wsi)
{
	char peer[NI_MAXHOST + NI_MAXSERV + 4] = "unknown", tls[128];
	char host[NI_MAXHOST], port[NI_MAXSERV];
	struct sockaddr_storage addr = { 0 };
	socklen_t len = sizeof(addr);
	evt_client_opened o = { .peer = peer };
	SSL *ssl = lws_get_ssl(wsi);

	if (getpeername(lws_get_socket_fd(wsi), (struct sockaddr *)&addr,
	        &len) == 0 &&
	    getnameinfo((struct sockaddr *)&addr, len, host, sizeof(host), port,
	        sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(peer, sizeof(peer),
		    addr.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		    port);
	if (ssl != NULL) {
		snprintf(tls, sizeof(tls), "%s %s", SSL_get_version(ssl),
		    SSL_get_cipher_name(ssl));
		o.tls = tls;
	}
	evt_client_look(c);
	c->heard.opened = true;
	c->heard_ns = evt_clock_boot();
	c->cfg.events.opened(c->cfg.ctx, &o);
}

evt_receive_clock_time
evt_client_stamp(evt_client *c)
{
	evt_receive_clock_time stamp = evt_receive_clock_now(c->cfg.clock);

	c->heard_ns = evt_receive_clock_boot(c->cfg.clock, &stamp);
	c->step_ns += stamp.step_ns;
	return stamp;
}

/* The stamp of a message.  It also reports a step of the clock that was seen by
 * reads without a whole message. */
static evt_receive_clock_time
client_lws_message_stamp(evt_client *c, const evt_receive_clock_time *stamp)
{
	evt_receive_clock_time at = *stamp;

	at.step_ns = c->step_ns;
	c->step_ns = 0;
	return at;
}

void
evt_client_assemble(evt_client *c, const evt_receive_clock_time *stamp,
    uint8_t opcode, uint8_t *p, size_t n, bool last)
{
	evt_receive_clock_time at;
	uint8_t *data;
	uint64_t len;

	switch (evt_ws_message_add(&c->assembly, p, n, last, &data, &len)) {
	case EVT_WS_MESSAGE_DONE:
		at = client_lws_message_stamp(c, stamp);
		c->cfg.events.message(c->cfg.ctx, &at, opcode, data,
		    (size_t)len);
		break;
	case EVT_WS_MESSAGE_SKIPPED:
		at = client_lws_message_stamp(c, stamp);
		c->cfg.events.skipped(c->cfg.ctx, &at, len);
		break;
	case EVT_WS_MESSAGE_MORE:
		break;
	}
}

static void
client_lws_received(evt_client *c, struct lws *wsi, uint8_t *p, size_t n)
{
	evt_receive_clock_time stamp = evt_client_stamp(c);

	evt_client_assemble(c, &stamp,
	    lws_frame_is_binary(wsi) ? EVT_OP_BINARY : EVT_OP_TEXT, p, n,
	    lws_remaining_packet_payload(wsi) == 0 &&
	        lws_is_final_fragment(wsi));
}

/* Send the oldest queued message. */
static int
client_lws_write_next(evt_client *c, struct lws *wsi)
{
	struct outgoing *o = c->out;
	uint8_t *copy = malloc(o->n > 0 ? o->n : 1);
	int r;

	if (copy == NULL)
		return -1;
	c->out = o->next;
	if (c->out == NULL)
		c->out_end = &c->out;
	/* The event gets a copy, since lws_write() masks in place. */
	memcpy(copy, o->data + LWS_PRE, o->n);
	c->cfg.events.sent(c->cfg.ctx, copy, o->n);
	explicit_bzero(copy, o->n);
	free(copy);
	r = c->raw.used ?
	    evt_client_raw_write(c, wsi, EVT_WS_FRAME_OP_TEXT,
	        o->data + LWS_PRE, o->n) :
	    lws_write(wsi, o->data + LWS_PRE, o->n, LWS_WRITE_TEXT);
	evt_client_free_outgoing(o);
	return r;
}

static int
client_lws_write_ping(evt_client *c, struct lws *wsi)
{
	uint8_t frame[LWS_PRE + 8] = { 0 };

	c->ping = false;
	return c->raw.used ? evt_client_raw_write(c, wsi, EVT_WS_FRAME_OP_PING,
	                         frame + LWS_PRE, 0) :
	                     lws_write(wsi, frame + LWS_PRE, 0, LWS_WRITE_PING);
}

/* Begin to close; frames that the server has sent before are still received. */
static int
client_lws_write_close(evt_client *c, struct lws *wsi)
{
	if (c->raw.used)
		return evt_client_raw_close(c, wsi, c->closing);
	lws_close_reason(wsi, (enum lws_close_status)c->closing, NULL, 0);
	return -1;
}

int
evt_client_writeable(evt_client *c, struct lws *wsi)
{
	int r;

	if (lws_partial_buffered(wsi)) {
		lws_callback_on_writable(wsi);
		return 0;
	}
	if (c->raw.closed)
		return 0;
	if (c->raw.pong)
		r = evt_client_raw_pong(c, wsi);
	else if (c->ping)
		r = client_lws_write_ping(c, wsi);
	else if (c->out != NULL)
		r = client_lws_write_next(c, wsi);
	else if (c->closing != 0)
		r = client_lws_write_close(c, wsi);
	else
		return 0;
	if (r < 0)
		return -1;
	if (c->ping || c->out != NULL || c->closing != 0)
		lws_callback_on_writable(wsi);
	return 0;
}

/* Send the body of a POST.  It is kept, since it may be sent to another address
 * as well. */
static int
client_lws_write_body(evt_client *c, struct lws *wsi)
{
	int r = lws_write(wsi, c->out->data + LWS_PRE, c->out->n,
	    LWS_WRITE_HTTP_FINAL);

	lws_client_http_body_pending(wsi, 0);
	/* The caller has its own time limit. */
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	return r < 0 ? -1 : 0;
}

/* Make libwebsockets pass the part of the answer that it has. */
static int
client_lws_read_answer(struct lws *wsi)
{
	char buf[LWS_PRE + ANSWER_BYTES], *p = buf + LWS_PRE;
	int n = ANSWER_BYTES;

	return lws_http_client_read(wsi, &p, &n) < 0 ? -1 : 0;
}

/* Callbacks of a POST. */
static int
client_lws_posting(evt_client *c, struct lws *wsi,
    enum lws_callback_reasons reason, const void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		return client_lws_write_body(c, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
		return client_lws_read_answer(wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		c->cfg.events.answer(c->cfg.ctx, in, len);
		return 0;
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		/* libwebsockets 4.1 calls this also if a chunked answer broke
		 * off, without saying so. */
		c->heard.answered = true;
		return 0;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		if (c->heard.status != 0 && c->heard.unmeasured)
			c->heard.answered = true;
		return 0;
	default:
		return 0;
	}
}

/* Callbacks that belong to no connection, or to any. */
static int
client_lws_general(evt_client *c, struct lws *wsi,
    enum lws_callback_reasons reason, void *user, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
		evt_client_resolved(c);
		c->cfg.events.woken(c->cfg.ctx);
		break;
	case LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION:
		evt_tls_verify(user, len != 0, c->cfg.insecure,
		    c->cfg.url->host, c->heard.tls, sizeof(c->heard.tls));
		break;
	case LWS_CALLBACK_WSI_DESTROY:
		if (wsi == c->wsi)
			evt_client_finish(c);
		break;
	default:
		break;
	}
	return 0;
}

int
evt_client_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
	struct lws_context *lws = lws_get_context(wsi);
	evt_client *c = lws != NULL ? lws_context_user(lws) : NULL;

	if (c == NULL)
		return 0;
	switch (reason) {
	case LWS_CALLBACK_RAW_CONNECTED:
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_RAW_WRITEABLE:
	case LWS_CALLBACK_RAW_CLOSE:
		return evt_client_raw_callback(c, wsi, reason, in, len);
	case LWS_CALLBACK_CLIENT_RECEIVE:
		client_lws_received(c, wsi, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return client_lws_add_headers(c, wsi, in, len);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		client_lws_note_answer(c, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		client_lws_note_failure(c, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		evt_client_up(c, wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		c->heard_ns = evt_clock_boot();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return evt_client_writeable(c, wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (c->heard.code == 0)
			evt_client_note_close(c, in, len, false);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		c->heard.closer = evt_client_closer(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
		return c->post ? client_lws_posting(c, wsi, reason, in, len) :
		                 0;
	default:
		return c->lws != NULL ?
		    client_lws_general(c, wsi, reason, user, len) :
		    0;
	}
}
