/*
 * ws_client.c - one WebSocket client; see ws_client.h.
 *
 * Whole chunks are written raw on the established connection, up to 25 times as
 * fast as a call for each message.  They are never written while libwebsockets
 * still holds part of an earlier write, or later frames would lose their
 * headers.  They go straight to the socket, because the library would copy what
 * the socket does not take, once for each client.  The library gets only the
 * rest of a frame that was cut, so that a pong or close of its own follows that
 * frame.  Under TLS it gets everything.
 */
#include "replay/serve/ws_client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <libwebsockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/utf8.h"
#include "replay/serve/peer.h"

/* Bytes of one write under TLS; libwebsockets holds them until they are sent. */
#define TLS_BYTES ((size_t)32 << 10)

struct evt_ws_client {
	evt_peer peer; /* first: the connection points to it */
	evt_ws_client_options o;
	uint64_t no;              /* its number, for notices */
	evt_fanout_reader reader; /* open once the handshake is complete */
	evt_fanout *own;          /* its own stream; NULL: o.shared */
	evt_buf rx;               /* a message that is coming in */
	evt_utf8_check text;      /* the same, if it is text */
	int64_t stalled_since;    /* INT64_MAX: not stalled */
	uint64_t
	    excused_at; /* stream position: bytes before it do not count as behind */
	uint64_t leave_at; /* stream position: nothing after it is sent */
	int goodbye;       /* close code to leave with; 0: stay */
	bool done;         /* nothing may be written any more */
	bool held;         /* its socket is not read */
	bool full;         /* its socket takes no more for now */
};

int
evt_ws_client_new(const evt_ws_client_options *options,
    evt_ws_client **ret_client, evt_error *err)
{
	evt_ws_client *c;
	int r = EVT_OK;

	assert(options->wsi != NULL && options->ops != NULL);
	assert(options->stats != NULL && options->notice != NULL);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return evt_err_nomem(err);
	if (options->shared == NULL)
		r = evt_fanout_new(EVT_FANOUT_NARROW, &c->own, err);
	if (r != EVT_OK) {
		free(c);
		return r;
	}
	c->peer.kind = EVT_PEER_WS_CLIENT;
	c->o = *options;
	c->no = ++options->stats->clients;
	c->stalled_since = INT64_MAX;
	c->leave_at = UINT64_MAX;
	*ret_client = c;
	return EVT_OK;
}

void
evt_ws_client_free(evt_ws_client *c)
{
	if (c == NULL)
		return;
	if (c->reader.fanout != NULL)
		evt_notice_send(c->o.notice, "client %" PRIu64 " disconnected",
		    c->no);
	else
		c->o.stats->refused++; /* the library refused it */
	c->o.ops->on_close(c->o.ctx);
	evt_fanout_reader_close(&c->reader);
	evt_fanout_free(c->own);
	evt_buf_free(&c->rx);
	free(c);
}

bool
evt_ws_client_is_open(const evt_ws_client *c)
{
	return c->reader.fanout != NULL;
}

bool
evt_ws_client_takes_bytes(const evt_ws_client *c)
{
	return c->reader.fanout != NULL && !c->done;
}

bool
evt_ws_client_is_active(const evt_ws_client *c)
{
	return evt_ws_client_takes_bytes(c) && c->goodbye == 0;
}

int64_t
evt_ws_client_stalled_since(const evt_ws_client *c)
{
	return c->stalled_since;
}

static void
ws_client_notice_error(const evt_ws_client *c, const evt_error *err)
{
	evt_notice_send(c->o.notice, "client %" PRIu64 ": %s", c->no,
	    err->text);
}

int
evt_ws_client_open(evt_ws_client *c)
{
	evt_error err;

	assert(c->reader.fanout == NULL);
	evt_fanout_reader_open(&c->reader,
	    c->own != NULL ? c->own : c->o.shared);
	evt_notice_send(c->o.notice, "client %" PRIu64 " connected", c->no);
	if (c->o.ops->on_open(c->o.ctx, &err) == EVT_OK)
		return 0;
	ws_client_notice_error(c, &err);
	return -1;
}

/* ---- messages in and out ------------------------------------------------- */

/* Fail the connection: the peer broke the protocol. */
static int
ws_client_fail(evt_ws_client *c, enum lws_close_status code)
{
	lws_close_reason(c->o.wsi, code, NULL, 0);
	c->o.stats->refused++;
	return -1;
}

/* Whether this piece of a message leaves it valid: text must be UTF-8. */
static bool
ws_client_text_is_valid(evt_ws_client *c, const void *in, size_t len, bool last)
{
	bool ok = lws_frame_is_binary(c->o.wsi) ||
	    (evt_utf8_check_add(&c->text, in, len) &&
	        (!last || evt_utf8_check_whole(&c->text)));

	if (last)
		c->text = (evt_utf8_check){ 0 };
	return ok;
}

int
evt_ws_client_receive(evt_ws_client *c, const void *in, size_t len)
{
	bool last = lws_remaining_packet_payload(c->o.wsi) == 0 &&
	    lws_is_final_fragment(c->o.wsi);
	evt_error err;
	int r;

	if (!ws_client_text_is_valid(c, in, len, last))
		return ws_client_fail(c, LWS_CLOSE_STATUS_INVALID_PAYLOAD);
	if (c->o.ops->on_message == NULL || c->goodbye != 0)
		return 0;
	/* Fragments may still follow, but the length of this one is known
	 * before it has come. */
	if (c->rx.len + len + lws_remaining_packet_payload(c->o.wsi) >
	    EVT_WS_CLIENT_MESSAGE_MAX)
		return ws_client_fail(c, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE);
	if (!evt_buf_add(&c->rx, in, len))
		return -1;
	if (!last)
		return 0;
	r = c->o.ops->on_message(c->o.ctx, (const char *)c->rx.data, c->rx.len,
	    &err);
	c->rx.len = 0;
	if (r != EVT_OK)
		ws_client_notice_error(c, &err);
	return r == EVT_OK ? 0 : -1;
}

int
evt_ws_client_send(evt_ws_client *c, const void *text, size_t n, evt_error *err)
{
	const evt_frame f = { .opcode = EVT_OP_TEXT,
		.payload = text,
		.len = n };

	assert(c->own != NULL);
	if (!evt_ws_client_is_active(c))
		return EVT_OK;
	c->o.stats->deliveries++;
	c->o.stats->bytes += n;
	lws_callback_on_writable(c->o.wsi);
	return evt_fanout_add(c->own, &f, err);
}

void
evt_ws_client_goodbye(evt_ws_client *c, int code)
{
	bool open = c->reader.fanout != NULL;

	assert(code != 0);
	if (c->goodbye == 0 && open)
		c->leave_at = evt_fanout_total(c->reader.fanout);
	if (c->goodbye == 0)
		c->goodbye = code;
	if (open && !c->done)
		lws_callback_on_writable(c->o.wsi);
}

static void
ws_client_kill(evt_ws_client *c)
{
	c->done = true;
	lws_set_timeout(c->o.wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
	    LWS_TO_KILL_ASYNC);
}

void
evt_ws_client_cut_off(evt_ws_client *c, const char *why)
{
	if (c->done)
		return;
	c->o.stats->cut_off++;
	evt_notice_send(c->o.notice, "client %" PRIu64 " cut off: %s", c->no,
	    why);
	ws_client_kill(c);
}

/* The library answers a close frame with the bytes of that frame, after it has
 * replaced a code that must not be sent by 1002.  It does not look at the rest:
 * half a code, or a reason that is not UTF-8. */
int
evt_ws_client_peer_closed(evt_ws_client *c, uint8_t *payload, size_t len)
{
	evt_utf8_check reason = { 0 };

	if (len == 1)
		return ws_client_fail(c, LWS_CLOSE_STATUS_PROTOCOL_ERR);
	if (len > 2 &&
	    (!evt_utf8_check_add(&reason, payload + 2, len - 2) ||
	        !evt_utf8_check_whole(&reason))) {
		c->o.stats->refused++;
		payload[0] = LWS_CLOSE_STATUS_INVALID_PAYLOAD >> 8;
		payload[1] = LWS_CLOSE_STATUS_INVALID_PAYLOAD & 0xff;
		memset(payload + 2, '?', len - 2);
	}
	c->done = true;
	evt_ws_client_update_reading(c);
	return 0;
}

uint64_t
evt_ws_client_unread(const evt_ws_client *c)
{
	assert(c->reader.fanout != NULL);
	return evt_fanout_reader_behind(&c->reader);
}

uint64_t
evt_ws_client_behind(const evt_ws_client *c)
{
	uint64_t taken = c->reader.taken;

	assert(c->reader.fanout != NULL);
	return evt_fanout_total(c->reader.fanout) -
	    (taken > c->excused_at ? taken : c->excused_at);
}

void
evt_ws_client_excuse(evt_ws_client *c)
{
	assert(c->reader.fanout != NULL);
	c->excused_at = evt_fanout_total(c->reader.fanout);
}

/* Bytes that remain to be sent.  A client that leaves gets only those that
 * were queued when evt_ws_client_goodbye() was called. */
static uint64_t
ws_client_remaining(const evt_ws_client *c)
{
	uint64_t n = evt_fanout_reader_behind(&c->reader);

	return c->leave_at == UINT64_MAX ? n : c->leave_at - c->reader.taken;
}

static void
ws_client_note_progress(evt_ws_client *c, bool took, int64_t now)
{
	if (ws_client_remaining(c) == 0)
		c->stalled_since = INT64_MAX;
	else if (took || c->stalled_since == INT64_MAX)
		c->stalled_since = now;
}

/* Received bytes wait in the socket; false at the end of the stream too. */
static bool
ws_client_has_input(const evt_ws_client *c)
{
	int n = 0;

	return ioctl(lws_get_socket_fd(c->o.wsi), FIONREAD, &n) == 0 && n > 0;
}

/* Bytes wait until the peer reads: ours, or some that the library holds. */
static bool
ws_client_waits(const evt_ws_client *c)
{
	return (c->full && !c->done) || lws_partial_buffered(c->o.wsi) != 0;
}

/* The end of a peer's stream must not be read while libwebsockets still
 * holds part of an earlier write.  Version 4.1 then postpones closing until
 * that part is written, and serves the same socket again and again without
 * polling: a peer that half-closes and does not read would hang the server.
 * Nor may it be read while the socket is full, so that a peer that half-
 * closes and reads slowly gets everything that it reads.  Messages of the
 * peer are still read meanwhile.  Under TLS the end may be among the
 * received bytes, so there reading stops. */
void
evt_ws_client_update_reading(evt_ws_client *c)
{
	bool hold = ws_client_waits(c) &&
	    (c->done || lws_is_ssl(c->o.wsi) || !ws_client_has_input(c));

	if (hold != c->held)
		lws_rx_flow_control(c->o.wsi, hold ? 0 : 1);
	c->held = hold;
}

/* Write as many whole frames of the n bytes as the socket takes; n ends with
 * a frame.  Returns how many bytes, -1 if the connection is gone. */
static ssize_t
ws_client_put(evt_ws_client *c, uint8_t *p, size_t n)
{
	ssize_t sent = 0;
	size_t whole, rest;

	if (lws_is_ssl(c->o.wsi)) {
		whole = evt_fanout_reader_whole(&c->reader,
		    n < TLS_BYTES ? n : TLS_BYTES);
	} else {
		sent = send(lws_get_socket_fd(c->o.wsi), p, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == (ssize_t)n)
			return sent;
		c->full = sent >= 0 || errno == EAGAIN || errno == EINTR;
		if (sent < 0)
			return c->full ? 0 : -1;
		whole = evt_fanout_reader_whole(&c->reader, (size_t)sent);
	}
	rest = whole - (size_t)sent;
	if (rest > 0 &&
	    lws_write(c->o.wsi, p + sent, rest, LWS_WRITE_RAW) < (int)rest)
		return -1;
	return (ssize_t)whole;
}

void
evt_ws_client_flush(evt_ws_client *c, int64_t now)
{
	bool took = false;

	/* The library may have sent a close frame by itself, to a client that
	 * broke the protocol.  Nothing may follow it. */
	if (c->reader.fanout != NULL && lws_get_close_length(c->o.wsi) > 0)
		c->done = true;
	if (c->reader.fanout == NULL || c->done)
		return;
	while (!ws_client_waits(c) && ws_client_remaining(c) > 0) {
		uint64_t remaining = ws_client_remaining(c);
		uint8_t *p;
		size_t n = evt_fanout_reader_peek(&c->reader, &p);
		ssize_t sent =
		    ws_client_put(c, p, n < remaining ? n : (size_t)remaining);

		if (sent < 0) {
			ws_client_kill(c); /* its callback will follow */
			return;
		}
		evt_fanout_reader_take(&c->reader, (size_t)sent);
		took = took || sent > 0;
	}
	ws_client_note_progress(c, took, now);
	evt_ws_client_update_reading(c);
	if (ws_client_remaining(c) > 0 || c->goodbye != 0 || ws_client_waits(c))
		lws_callback_on_writable(c->o.wsi);
}

int
evt_ws_client_writable(evt_ws_client *c)
{
	if (c->done)
		return 0;
	c->full = false;
	evt_ws_client_flush(c, evt_clock_mono());
	if (c->goodbye != 0 && !c->done && ws_client_remaining(c) == 0 &&
	    !ws_client_waits(c)) {
		c->done = true;
		lws_close_reason(c->o.wsi, (enum lws_close_status)c->goodbye,
		    NULL, 0);
		return -1;
	}
	c->o.ops->on_writable(c->o.ctx);
	return 0;
}
