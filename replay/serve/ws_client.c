/*
 * ws_client.c - one WebSocket client; see ws_client.h.
 *
 * Whole chunks of the fanout are written with one call.  If the socket takes only
 * a part, the rest of the frame that was cut is left with the connection, so that
 * the next frame of any kind follows a whole one.
 */
#include "replay/serve/ws_client.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/buf.h"
#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/utf8.h"
#include "format/wire/ws_frame.h"

/* How long a client may take to answer a close frame. */
#define CLOSE_NS (5 * EVT_NS_PER_S)
/* A client that has sent nothing for so long is pinged, and dropped if it does not
 * answer. */
#define PING_NS (300 * EVT_NS_PER_S)
#define PONG_NS (10 * EVT_NS_PER_S)

struct evt_ws_client {
	evt_ws_client_options o;
	uint64_t no;              /* its number, for notices and the log */
	evt_fanout_reader reader; /* open once the handshake is complete */
	evt_fanout *own;          /* its own stream; NULL: o.shared */
	evt_ws_frame frames;      /* what is coming in */
	evt_buf rx;               /* a message that is coming in */
	uint64_t ignored;         /* bytes of one that nobody wants */
	evt_utf8_check text;      /* the same, if it is text */
	int64_t stalled_since;    /* INT64_MAX: not stalled */
	uint64_t
	    excused_at; /* stream position: bytes before it do not count as behind */
	uint64_t leave_at; /* stream position: nothing after it is sent */
	int goodbye;       /* close code to leave with; 0: stay */
	bool done;         /* nothing may be written any more */
	bool ended;        /* it sends nothing more */
	bool pong;         /* the last ping is to be answered */
	bool pinged;       /* it was asked whether it is there */
	size_t n_ping;
	int64_t heard_ns; /* when it last sent something */
	uint8_t ping[EVT_WS_FRAME_CONTROL_MAX];
};

int
evt_ws_client_new(const evt_ws_client_options *options,
    evt_ws_client **ret_client, evt_error *err)
{
	evt_ws_client *c;
	int r = EVT_OK;

	assert(options->connection != NULL && options->ops != NULL);
	assert(options->stats != NULL && options->notice != NULL);
	assert(options->record != NULL);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		r = evt_err_nomem(err);
	else if (options->shared == NULL)
		r = evt_fanout_new(EVT_FANOUT_NARROW, &c->own, err);
	if (r != EVT_OK) {
		evt_client_log_gone(options->record);
		free(c);
		return r;
	}
	c->o = *options;
	c->no = ++options->stats->clients;
	c->stalled_since = INT64_MAX;
	c->leave_at = UINT64_MAX;
	c->frames.must_mask = true;
	c->heard_ns = evt_clock_mono();
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
		c->o.stats->refused++; /* the answer could not be written */
	evt_client_log_gone(c->o.record);
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

/* What the log asks for. */
static void
ws_client_look(const void *ctx, evt_client_log_now *ret)
{
	const evt_ws_client *c = ctx;

	*ret = (evt_client_log_now){ .waiting =
		                         evt_fanout_reader_behind(&c->reader),
		.taken = c->reader.taken,
		.stalled_ns = c->stalled_since == INT64_MAX ?
		    0 :
		    evt_clock_mono() - c->stalled_since };
}

static void
ws_client_ended(evt_ws_client *c, const char *by, int code, const char *why)
{
	evt_client_log_ended(c->o.record, by, code, why, strlen(why));
}

static void
ws_client_kill(evt_ws_client *c)
{
	c->done = true;
	evt_connection_drop(c->o.connection);
}

void
evt_ws_client_open(evt_ws_client *c)
{
	evt_error err;

	assert(c->reader.fanout == NULL);
	evt_fanout_reader_open(&c->reader,
	    c->own != NULL ? c->own : c->o.shared);
	evt_notice_send(c->o.notice, "client %" PRIu64 " connected", c->no);
	evt_client_log_open(c->o.record, c->no, ws_client_look, c);
	evt_connection_set_due(c->o.connection, c->heard_ns + PING_NS);
	if (c->o.ops->on_open(c->o.ctx, &err) == EVT_OK)
		return;
	ws_client_notice_error(c, &err);
	ws_client_ended(c, "server", 0, err.text);
	ws_client_kill(c);
}

/* ---- control frames ------------------------------------------------------ */

/* Send a control frame, after whole frames only. */
static void
ws_client_control(evt_ws_client *c, enum evt_ws_frame_opcode opcode,
    const uint8_t *p, size_t n)
{
	uint8_t out[EVT_WS_FRAME_UNMASKED_HEAD_MAX + EVT_WS_FRAME_CONTROL_MAX];
	size_t head = evt_ws_frame_head(out, true, opcode, NULL, n);

	assert(n <= EVT_WS_FRAME_CONTROL_MAX);
	memcpy(out + head, p, n);
	if (!evt_connection_queue(c->o.connection, out, head + n))
		ws_client_kill(c);
}

/* Send a close frame; nothing may follow it.  code: 0, without one. */
static void
ws_client_say_close(evt_ws_client *c, int code)
{
	const uint8_t p[2] = { (uint8_t)(code >> 8), (uint8_t)code };

	c->done = true;
	ws_client_control(c, EVT_WS_FRAME_OP_CLOSE, p, code != 0 ? 2 : 0);
}

/* Fail the connection: the peer broke the protocol.  If the server has said
 * goodbye, it is only closed. */
static void
ws_client_fail(evt_ws_client *c, int code)
{
	if (!c->done) {
		ws_client_ended(c, "server", code,
		    code == 1007     ? "its text is not valid UTF-8" :
		        code == 1009 ? "its message is too long" :
		                       "it broke the WebSocket protocol");
		ws_client_say_close(c, code);
		c->o.stats->refused++;
	}
	evt_connection_finish(c->o.connection);
}

/* Answer the last ping.  Others that came with it need no answer (RFC 6455,
 * 5.5.3). */
static void
ws_client_answer_ping(evt_ws_client *c)
{
	if (!c->pong || c->done)
		return;
	if (evt_connection_is_full(c->o.connection)) {
		evt_connection_want_write(c->o.connection);
		return;
	}
	c->pong = false;
	ws_client_control(c, EVT_WS_FRAME_OP_PONG, c->ping, c->n_ping);
}

/* The peer's close frame: answer it with its code, unless that is invalid, or it
 * is itself an answer. */
static void
ws_client_on_close(evt_ws_client *c, const evt_ws_frame_event *e)
{
	evt_utf8_check reason = { 0 };
	int code = e->n >= 2 ? e->data[0] << 8 | e->data[1] : 0;

	if (e->n == 1 || (e->n >= 2 && !evt_ws_frame_may_send_code(code))) {
		ws_client_fail(c, 1002);
		return;
	}
	if (e->n > 2 &&
	    (!evt_utf8_check_add(&reason, e->data + 2, e->n - 2) ||
	        !evt_utf8_check_whole(&reason))) {
		ws_client_fail(c, 1007);
		return;
	}
	evt_client_log_ended(c->o.record, "client", code, e->data + 2,
	    e->n > 2 ? e->n - 2 : 0);
	if (!c->done)
		ws_client_say_close(c, code);
	evt_connection_finish(c->o.connection);
}

/* ---- messages in and out ------------------------------------------------- */

/* A message would be too long.  What follows in its frame counts: the length is
 * known before the bytes have come. */
static bool
ws_client_is_too_long(const evt_ws_client *c, size_t n)
{
	const uint64_t max = EVT_WS_CLIENT_MESSAGE_MAX;

	return c->o.ops->on_message != NULL && c->goodbye == 0 && !c->done &&
	    c->frames.inside && c->frames.message != 0 &&
	    (c->frames.rest > max || c->rx.len + n + c->frames.rest > max);
}

static int
ws_client_opcode(const evt_ws_frame_event *e)
{
	return e->opcode == EVT_WS_FRAME_OP_TEXT ? EVT_OP_TEXT : EVT_OP_BINARY;
}

/* A piece came of a message that nobody wants.  The log gets short ones. */
static void
ws_client_ignore(evt_ws_client *c, const evt_ws_frame_event *e)
{
	bool fits;

	c->ignored += e->n;
	fits = c->ignored <= EVT_MESSAGE_RING_KEPT &&
	    evt_buf_add(&c->rx, e->data, e->n);
	if (!e->last)
		return;
	evt_client_log_received(c->o.record, ws_client_opcode(e),
	    fits && c->rx.len == c->ignored ? c->rx.data : NULL, c->ignored);
	c->ignored = 0;
	c->rx.len = 0;
}

/* A piece of a message came. */
static void
ws_client_on_piece(evt_ws_client *c, const evt_ws_frame_event *e)
{
	evt_error err;
	int r;

	if (c->done)
		return;
	if (e->opcode == EVT_WS_FRAME_OP_TEXT) {
		bool valid = evt_utf8_check_add(&c->text, e->data, e->n) &&
		    (!e->last || evt_utf8_check_whole(&c->text));

		if (e->last)
			c->text = (evt_utf8_check){ 0 };
		if (!valid) {
			ws_client_fail(c, 1007);
			return;
		}
	}
	if (c->o.ops->on_message == NULL) {
		ws_client_ignore(c, e);
		return;
	}
	if (c->goodbye != 0)
		return;
	if (c->rx.len + e->n > EVT_WS_CLIENT_MESSAGE_MAX) {
		ws_client_fail(c, 1009);
		return;
	}
	if (!evt_buf_add(&c->rx, e->data, e->n)) {
		ws_client_kill(c);
		return;
	}
	if (!e->last)
		return;
	evt_client_log_received(c->o.record, ws_client_opcode(e), c->rx.data,
	    c->rx.len);
	r = c->o.ops->on_message(c->o.ctx, (const char *)c->rx.data, c->rx.len,
	    &err);
	c->rx.len = 0;
	if (r != EVT_OK) {
		ws_client_notice_error(c, &err);
		ws_client_ended(c, "server", 0, err.text);
		ws_client_kill(c);
	}
}

static void
ws_client_on_ping(evt_ws_client *c, const evt_ws_frame_event *e)
{
	memcpy(c->ping, e->data, e->n);
	c->n_ping = e->n;
	c->pong = true;
}

void
evt_ws_client_receive(evt_ws_client *c, uint8_t *p, size_t n)
{
	bool more = true;
	evt_ws_frame_event e;

	c->heard_ns = evt_clock_mono();
	c->pinged = false;
	evt_client_log_turn(c->o.record, c->heard_ns);
	while (more && !evt_connection_is_over(c->o.connection)) {
		switch (evt_ws_frame_next(&c->frames, &p, &n, &e)) {
		case EVT_WS_FRAME_PIECE:
			if (ws_client_is_too_long(c, e.n))
				ws_client_fail(c, 1009);
			else
				ws_client_on_piece(c, &e);
			break;
		case EVT_WS_FRAME_PING:
			ws_client_on_ping(c, &e);
			break;
		case EVT_WS_FRAME_PONG:
			break;
		case EVT_WS_FRAME_CLOSE:
			ws_client_on_close(c, &e);
			break;
		case EVT_WS_FRAME_BROKEN:
			ws_client_fail(c, 1002);
			break;
		case EVT_WS_FRAME_NOTHING:
			if (ws_client_is_too_long(c, 0))
				ws_client_fail(c, 1009);
			more = false;
			break;
		}
	}
	if (!evt_connection_is_over(c->o.connection))
		ws_client_answer_ping(c);
}

/* It may still read.  So it gets what it was sent, as long as it is behind. */
void
evt_ws_client_ended(evt_ws_client *c)
{
	c->ended = true;
	ws_client_ended(c, "client", 0,
	    "it closed the connection without a close frame");
	evt_connection_hold(c->o.connection, true);
	if (c->done || !evt_connection_is_full(c->o.connection))
		evt_connection_finish(c->o.connection);
}

int
evt_ws_client_send(evt_ws_client *c, const void *text, size_t n, evt_error *err)
{
	const evt_frame f = { .opcode = EVT_OP_TEXT,
		.payload = text,
		.len = n };

	int r;

	assert(c->own != NULL);
	if (!evt_ws_client_is_active(c))
		return EVT_OK;
	c->o.stats->deliveries++;
	c->o.stats->bytes += n;
	evt_connection_want_write(c->o.connection);
	r = evt_fanout_add(c->own, &f, err);
	if (r == EVT_OK)
		evt_client_log_sent(c->o.record, text, n,
		    evt_fanout_total(c->own));
	return r;
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
		evt_connection_want_write(c->o.connection);
}

void
evt_ws_client_cut_off(evt_ws_client *c, const char *why)
{
	if (c->done)
		return;
	c->o.stats->cut_off++;
	evt_notice_send(c->o.notice, "client %" PRIu64 " cut off: %s", c->no,
	    why);
	evt_client_log_cut_off(c->o.record, why);
	ws_client_kill(c);
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

/* Write the next frames, n bytes, as far as they are taken.  false: the connection
 * is broken. */
static bool
ws_client_put(evt_ws_client *c, const uint8_t *p, size_t n, bool *took)
{
	ssize_t sent = evt_connection_send(c->o.connection, p, n);
	size_t whole;

	if (sent < 0)
		return false;
	whole = evt_fanout_reader_whole(&c->reader, (size_t)sent);
	if (whole > (size_t)sent &&
	    !evt_connection_queue(c->o.connection, p + sent,
	        whole - (size_t)sent))
		return false;
	evt_fanout_reader_take(&c->reader, whole);
	*took = *took || sent > 0;
	return true;
}

void
evt_ws_client_flush(evt_ws_client *c, int64_t now)
{
	evt_connection *conn = c->o.connection;
	bool took = false;

	if (c->reader.fanout == NULL || c->done)
		return;
	evt_client_log_turn(c->o.record, now);
	while (!evt_connection_is_full(conn) && ws_client_remaining(c) > 0) {
		uint64_t remaining = ws_client_remaining(c);
		uint8_t *p;
		size_t n = evt_fanout_reader_peek(&c->reader, &p);

		if (!ws_client_put(c, p, n < remaining ? n : (size_t)remaining,
		        &took)) {
			ws_client_kill(c); /* its callback will follow */
			return;
		}
	}
	ws_client_note_progress(c, took, now);
	if (ws_client_remaining(c) > 0 || c->goodbye != 0 || c->ended)
		evt_connection_want_write(conn);
}

void
evt_ws_client_writable(evt_ws_client *c)
{
	evt_connection *conn = c->o.connection;
	int64_t now = evt_clock_mono();

	if (c->done)
		return;
	ws_client_answer_ping(c);
	evt_ws_client_flush(c, now);
	if (c->done)
		return;
	if (c->ended && !evt_connection_is_full(conn)) {
		evt_connection_finish(conn);
	} else if (c->goodbye != 0 && ws_client_remaining(c) == 0 &&
	    !evt_connection_is_full(conn)) {
		ws_client_ended(c, "server", c->goodbye,
		    c->goodbye == 1000     ? "the end of what is played" :
		        c->goodbye == 1001 ? "the server stops" :
		                             "the deck could not read on");
		ws_client_say_close(c, c->goodbye);
		evt_connection_set_due(conn, now + CLOSE_NS);
	} else {
		c->o.ops->on_writable(c->o.ctx);
	}
}

void
evt_ws_client_due(evt_ws_client *c)
{
	int64_t now = evt_clock_mono();

	if (c->done || (c->pinged && c->heard_ns < now - PING_NS)) {
		ws_client_ended(c, "server", 0, "it answered no ping");
		ws_client_kill(c);
	} else if (c->heard_ns > now - PING_NS) {
		evt_connection_set_due(c->o.connection, c->heard_ns + PING_NS);
	} else {
		c->pinged = true;
		ws_client_control(c, EVT_WS_FRAME_OP_PING, c->ping, 0);
		evt_connection_set_due(c->o.connection, now + PONG_NS);
	}
}
