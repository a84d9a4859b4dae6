/*
 * client_raw.c - a ws:// connection without a proxy: libwebsockets connects and
 * moves bytes (its raw role), and this file does the handshake and the frames.
 *
 * The WebSocket role of libwebsockets looks at each byte of a payload, which
 * limited the speed of a fast feed; format/wire/ws_frame.c looks at headers
 * only.  It also passes close codes and lengths unchanged.  TLS and proxies use
 * the WebSocket role, since the raw role does not work over TLS in 4.1.
 *
 * All bytes of one read (SERVICE_BYTES at most) have one stamp, which is made
 * before they are parsed.
 */
#include "record/net/client_impl.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/utf8.h"
#include "record/net/retry_after.h"

/* A longer head of an answer is not accepted. */
#define HEAD_BYTES (32u << 10)

static evt_ws_handshake
client_raw_handshake(const evt_client *c)
{
	return (evt_ws_handshake){ .target = c->target,
		.authority = c->cfg.url->authority,
		.subprotocols = c->subprotocols,
		.headers = c->headers,
		.n_headers = c->n_headers,
		.nonce = c->raw.nonce,
		.sha1 = SHA1 };
}

/* The TCP connection is open: send the handshake.  Non-zero closes. */
static int
client_raw_ask(evt_client *c, struct lws *wsi)
{
	evt_ws_handshake u = client_raw_handshake(c);
	evt_buf b = { 0 };
	int r = -1;

	/* Reserve at once: a buffer that grows would leave copies of the
	 * credential in freed memory. */
	if (evt_buf_reserve(&b, LWS_PRE + HEAD_BYTES) &&
	    lws_get_random(c->lws, c->raw.nonce, EVT_WS_HANDSHAKE_NONCE) ==
	        EVT_WS_HANDSHAKE_NONCE) {
		memset(b.data, 0, LWS_PRE);
		b.len = LWS_PRE;
		if (evt_ws_handshake_request(&u, &b))
			r = lws_write(wsi, b.data + LWS_PRE, b.len - LWS_PRE,
			    LWS_WRITE_RAW);
	}
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	evt_buf_free(&b);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE,
	    EVT_CLIENT_CONNECT_S);
	return r < 0 ? -1 : 0;
}

/* ---- sending ------------------------------------------------------------- */

int
evt_client_raw_write(evt_client *c, struct lws *wsi, uint8_t opcode, uint8_t *p,
    size_t n)
{
	uint8_t head[EVT_WS_FRAME_HEAD_MAX], mask[4];
	size_t size;

	if (lws_get_random(c->lws, mask, sizeof(mask)) != sizeof(mask))
		return -1;
	size = evt_ws_frame_head(head, true, opcode, mask, n);
	memcpy(p - size, head, size);
	evt_ws_frame_mask(p, n, mask, 0);
	return lws_write(wsi, p - size, size + n, LWS_WRITE_RAW);
}

/* Send a control frame. */
static int
client_raw_write_control(evt_client *c, struct lws *wsi, uint8_t opcode,
    const uint8_t *p, size_t n)
{
	uint8_t frame[LWS_PRE + EVT_WS_FRAME_CONTROL_MAX] = { 0 };

	memcpy(frame + LWS_PRE, p, n);
	return evt_client_raw_write(c, wsi, opcode, frame + LWS_PRE, n);
}

int
evt_client_raw_pong(evt_client *c, struct lws *wsi)
{
	c->raw.pong = false;
	return client_raw_write_control(c, wsi, EVT_WS_FRAME_OP_PONG,
	    c->raw.ping, c->raw.n_ping);
}

int
evt_client_raw_close(evt_client *c, struct lws *wsi, int code)
{
	uint8_t p[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	if (c->raw.closed)
		return 0;
	c->raw.closed = true;
	return client_raw_write_control(c, wsi, EVT_WS_FRAME_OP_CLOSE, p,
	    sizeof(p));
}

/* ---- receiving ----------------------------------------------------------- */

/* The server sent a ping; only the latest one is answered. */
static void
client_raw_on_ping(evt_client *c, struct lws *wsi, const evt_ws_frame_event *e)
{
	memcpy(c->raw.ping, e->data, e->n);
	c->raw.n_ping = e->n;
	c->raw.pong = true;
	lws_callback_on_writable(wsi);
}

/* The code to answer a server's close frame with: its own, unless that must not be
 * sent. */
static int
client_raw_close_answer(const evt_ws_frame_event *e)
{
	evt_utf8_check reason = { 0 };
	int code;

	if (e->n == 0)
		return 1000;
	if (e->n == 1)
		return 1002;
	code = e->data[0] << 8 | e->data[1];
	if (!evt_ws_frame_may_send_code(code))
		return 1002;
	return evt_utf8_check_add(&reason, e->data + 2, e->n - 2) &&
	        evt_utf8_check_whole(&reason) ?
	    code :
	    1007;
}

/* The server sent a close frame: answer it, unless it is itself the answer to
 * ours. */
static void
client_raw_on_close(evt_client *c, struct lws *wsi, const evt_ws_frame_event *e)
{
	if (c->heard.code == 0)
		evt_client_note_close(c, e->data, e->n, true);
	/* If the socket is busy, the connection ends without an answer. */
	if (!lws_partial_buffered(wsi))
		(void)evt_client_raw_close(c, wsi, client_raw_close_answer(e));
}

/* Parse the frames in the bytes read. Non-zero closes. */
static int
client_raw_take(evt_client *c, struct lws *wsi,
    const evt_receive_clock_time *stamp, uint8_t *p, size_t n)
{
	evt_ws_frame_event e;

	for (;;) {
		switch (evt_ws_frame_next(&c->raw.wire, &p, &n, &e)) {
		case EVT_WS_FRAME_PIECE:
			evt_client_assemble(c, stamp, e.opcode, e.data, e.n,
			    e.last);
			break;
		case EVT_WS_FRAME_PING:
			client_raw_on_ping(c, wsi, &e);
			break;
		case EVT_WS_FRAME_PONG:
			break;
		case EVT_WS_FRAME_CLOSE:
			client_raw_on_close(c, wsi, &e);
			return -1;
		case EVT_WS_FRAME_BROKEN:
			c->heard.closer = CLOSER_US;
			if (!lws_partial_buffered(wsi))
				(void)evt_client_raw_close(c, wsi, 1002);
			return -1;
		case EVT_WS_FRAME_NOTHING:
			return 0;
		}
	}
}

/* The whole head of the answer was received.  Non-zero closes. */
static int
client_raw_judge(evt_client *c, size_t head)
{
	evt_ws_handshake u = client_raw_handshake(c);
	evt_ws_handshake_answer a;

	if (!evt_ws_handshake_read(&u, (const char *)c->raw.head.data, head,
	        &a))
		return -1;
	c->heard.status = a.status;
	(void)evt_retry_after_parse(a.retry_after, evt_clock_real(),
	    &c->heard.retry_after_ns);
	if (a.status == 101 && a.wrong != NULL)
		snprintf(c->heard.wrong, sizeof(c->heard.wrong), "%s", a.wrong);
	return a.status == 101 && a.wrong == NULL ? 0 : -1;
}

/* Receive a part of the answer to the handshake, and perhaps frames after it.
 * Those are stamped when the connection is up. */
static int
client_raw_shake(evt_client *c, struct lws *wsi, const uint8_t *p, size_t n)
{
	evt_buf *b = &c->raw.head;
	evt_receive_clock_time stamp;
	size_t head;
	int r;

	if (!evt_buf_add(b, p, n))
		return -1;
	head = evt_ws_handshake_head((const char *)b->data, b->len);
	if (head == 0)
		return b->len > HEAD_BYTES ? -1 : 0;
	if (client_raw_judge(c, head) != 0)
		return -1;
	lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	evt_client_up(c, wsi);
	stamp = evt_client_stamp(c);
	r = client_raw_take(c, wsi, &stamp, b->data + head, b->len - head);
	evt_buf_free(b);
	return r;
}

static int
client_raw_received(evt_client *c, struct lws *wsi, uint8_t *p, size_t n)
{
	evt_receive_clock_time stamp;

	if (!c->heard.opened)
		return client_raw_shake(c, wsi, p, n);
	stamp = evt_client_stamp(c);
	return client_raw_take(c, wsi, &stamp, p, n);
}

int
evt_client_raw_callback(evt_client *c, struct lws *wsi,
    enum lws_callback_reasons reason, uint8_t *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RAW_CONNECTED:
		c->heard.connected = c->heard.asked = true;
		return client_raw_ask(c, wsi);
	case LWS_CALLBACK_RAW_RX:
		return client_raw_received(c, wsi, in, len);
	case LWS_CALLBACK_RAW_WRITEABLE:
		return c->heard.opened ? evt_client_writeable(c, wsi) : 0;
	case LWS_CALLBACK_RAW_CLOSE:
		if (c->heard.opened && c->heard.closer != CLOSER_US)
			c->heard.closer = evt_client_closer(wsi);
		return 0;
	default:
		return 0;
	}
}

void
evt_client_raw_reset(evt_client *c)
{
	evt_buf_free(&c->raw.head);
	c->raw = (struct raw){ 0 };
}
