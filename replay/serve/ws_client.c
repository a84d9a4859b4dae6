/*
 * viewer.c - the WebSockets that watch a stage: streams, clients of the
 * stand-in, subscribers of /control.
 *
 * Streams of a stage share what it plays; each of the others is told something
 * else, and has a stream of its own.
 *
 * Whole chunks are written raw on the established connection, up to 25 times as
 * fast as a call for each message; never while libwebsockets still holds part of
 * an earlier write, or later frames would lose their headers.  They go straight to
 * the socket: of what it does not take the library would make a copy, for each
 * client one.  It gets the rest of the frame that was cut, so that a pong or close
 * of its own goes out behind that; and all, under TLS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/navixy/atmosphere.h"
#include "replay/serve/server_impl.h"

/* What is written at once under TLS; libwebsockets holds it until it is sent. */
#define TLS_BYTES ((size_t)32 << 10)

struct viewer *
evt_ws_client_new(struct stage *st, struct lws *wsi, enum viewer_kind kind)
{
	struct viewer *c = calloc(1, sizeof(*c));
	evt_error err;

	if (c == NULL ||
	    (kind != VIEWER_STREAM &&
	        evt_fanout_new(EVT_FANOUT_NARROW, &c->own, &err) != EVT_OK)) {
		free(c);
		return NULL;
	}
	c->peer.kind = PEER_VIEWER;
	c->kind = kind;
	c->stage = st;
	c->wsi = wsi;
	c->no = ++st->server->stats.clients;
	c->stalled_since = c->beat_ns = INT64_MAX;
	c->leave_at = UINT64_MAX;
	c->next = st->clients;
	st->clients = c;
	st->n_clients++;
	st->server->n_clients++;
	return c;
}

void
evt_ws_client_free(struct viewer *c)
{
	struct stage *st = c->stage;
	struct viewer **at = &st->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	st->n_clients--;
	st->server->n_clients--;
	if (c->tap.fanout != NULL) {
		st->n[c->kind]--;
		evt_server_notice(st->server, "client %llu left",
		    (unsigned long long)c->no);
	}
	evt_fanout_reader_close(&c->tap);
	evt_fanout_free(c->own);
	evt_standin_free(c->standin);
	evt_buf_free(&c->rx);
	free(c);
	evt_control_feed_changed(st);
	evt_playback_wake(st);
}

/* ---- arriving ------------------------------------------------------------ */

static int
ws_client_send_own(void *ctx, const void *text, size_t n, evt_error *err)
{
	return evt_ws_client_send(ctx, text, n, err);
}

/* What a client of the stand-in is told first. */
static int
ws_client_greet(struct viewer *c, evt_error *err)
{
	evt_server *s = c->stage->server;
	evt_standin_options o = { .broadcast = &c->stage->telling,
		.hash = s->o.hash,
		.send = ws_client_send_own,
		.ctx = c };
	int r = evt_playback_board(c->stage, &o.table, err);

	if (r == EVT_OK)
		r = evt_standin_new(&o, &c->standin, err);
	if (r != EVT_OK)
		return r;
	if (c->atmosphere && s->o.heartbeat_ns > 0)
		c->beat_ns = evt_waker_now() + s->o.heartbeat_ns;
	return c->greeting[0] == '\0' ?
	    EVT_OK :
	    evt_ws_client_send(c, c->greeting, strlen(c->greeting), err);
}

bool
evt_ws_client_starts(const struct viewer *c)
{
	const struct stage *st = c->stage;
	const evt_server *s = st->server;

	if (c->kind == VIEWER_CONTROL || st->started)
		return false;
	return st != s->house ||
	    st->n[VIEWER_STREAM] + st->n[VIEWER_STANDIN] >= s->o.wait_clients;
}

int
evt_ws_client_watch(struct viewer *c)
{
	struct stage *st = c->stage;
	evt_server *s = st->server;
	evt_error err;
	int r = EVT_OK;

	evt_fanout_reader_open(&c->tap, c->own != NULL ? c->own : st->fanout);
	st->n[c->kind]++;
	evt_server_notice(s, "client %llu is there", (unsigned long long)c->no);
	if (s->stopping)
		evt_ws_client_goodbye(c, LWS_CLOSE_STATUS_GOINGAWAY);
	else if (c->kind == VIEWER_STANDIN)
		r = ws_client_greet(c, &err);
	else if (c->kind == VIEWER_CONTROL)
		r = evt_control_feed_hello(c, &err);
	else if (st->ended)
		evt_ws_client_goodbye(c, st->end_code);
	if (r != EVT_OK) {
		evt_server_notice(s, "client %llu: %s",
		    (unsigned long long)c->no, err.text);
		return -1;
	}
	if (c->kind == VIEWER_STREAM && evt_ws_client_starts(c))
		st->started = true;
	evt_control_feed_changed(st);
	evt_playback_wake(st);
	return 0;
}

/* ---- messages in and out ------------------------------------------------- */

int
evt_ws_client_receive(struct viewer *c, const void *in, size_t len)
{
	evt_error err;
	int r;

	if (c->kind != VIEWER_STANDIN || c->goodbye != 0)
		return 0;
	/* Fragments may still follow, but what this one says that it holds is
	 * known before it has come. */
	if (c->rx.len + len + lws_remaining_packet_payload(c->wsi) >
	    MESSAGE_MAX) {
		lws_close_reason(c->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE,
		    NULL, 0);
		c->stage->server->stats.refused++;
		return -1;
	}
	if (!evt_buf_add(&c->rx, in, len))
		return -1;
	if (lws_remaining_packet_payload(c->wsi) != 0 ||
	    !lws_is_final_fragment(c->wsi))
		return 0;
	r = evt_ws_client_message(c, (const char *)c->rx.data, c->rx.len, &err);
	c->rx.len = 0;
	if (r != EVT_OK)
		evt_server_notice(c->stage->server, "client %llu: %s",
		    (unsigned long long)c->no, err.text);
	return r == EVT_OK ? 0 : -1;
}

int
evt_ws_client_send(struct viewer *c, const void *text, size_t n, evt_error *err)
{
	const evt_frame f = { .opcode = EVT_OP_TEXT,
		.payload = text,
		.len = n };

	if (c->tap.fanout == NULL || c->done || c->goodbye != 0)
		return EVT_OK;
	c->stage->server->stats.deliveries++;
	c->stage->server->stats.bytes += n;
	lws_callback_on_writable(c->wsi);
	return evt_fanout_add(c->own, &f, err);
}

void
evt_ws_client_goodbye(struct viewer *c, int code)
{
	if (c->goodbye == 0 && c->tap.fanout != NULL)
		c->leave_at = evt_fanout_total(c->tap.fanout);
	if (c->goodbye == 0)
		c->goodbye = code;
	if (c->tap.fanout != NULL && !c->done)
		lws_callback_on_writable(c->wsi);
}

void
evt_ws_client_cut_off(struct viewer *c, const char *why)
{
	if (c->done)
		return;
	c->done = true;
	c->stage->server->stats.cut_off++;
	evt_server_notice(c->stage->server, "client %llu is cut off: %s",
	    (unsigned long long)c->no, why);
	lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
	    LWS_TO_KILL_ASYNC);
}

uint64_t
evt_ws_client_behind(const struct viewer *c)
{
	uint64_t total = evt_fanout_total(c->tap.fanout);
	uint64_t from = c->tap.taken > c->told_at ? c->tap.taken : c->told_at;

	return total - from;
}

void
evt_ws_client_told(struct viewer *c)
{
	c->told_at = evt_fanout_total(c->tap.fanout);
}

/* What it has not taken yet; one that leaves takes no more than was there. */
static uint64_t
ws_client_behind(const struct viewer *c)
{
	uint64_t n = evt_fanout_reader_behind(&c->tap);

	return c->leave_at == UINT64_MAX ? n : c->leave_at - c->tap.taken;
}

static void
ws_client_note_progress(struct viewer *c, bool took, int64_t now)
{
	if (ws_client_behind(c) == 0)
		c->stalled_since = INT64_MAX;
	else if (took || c->stalled_since == INT64_MAX)
		c->stalled_since = now;
}

/* Bytes have come that nobody has read; false at the end of the stream too. */
static bool
ws_client_has_input(const struct viewer *c)
{
	int n = 0;

	return ioctl(lws_get_socket_fd(c->wsi), FIONREAD, &n) == 0 && n > 0;
}

/* What is to be written, or part of what was, waits for the peer to read. */
static bool
ws_client_waits(const struct viewer *c)
{
	return (c->full && !c->done) || lws_partial_buffered(c->wsi) != 0;
}

/*
 * The end of a peer's stream must not be read while libwebsockets still holds a
 * part of what was written: 4.1 then puts the closing off until that part is
 * written, and serves the same socket again and again without ever polling.  A
 * peer that half-closes and does not read would hang the server.  Nor while its
 * socket is full: one that half-closes and reads slowly gets what it reads.  What
 * it says is still read; under TLS the end may be among it, so there it waits.
 */
void
evt_ws_client_mind(struct viewer *c)
{
	bool hold = ws_client_waits(c) &&
	    (c->done || lws_is_ssl(c->wsi) || !ws_client_has_input(c));

	if (hold != c->held)
		lws_rx_flow_control(c->wsi, hold ? 0 : 1);
	c->held = hold;
}

/* Write of n bytes what the socket takes, whole frames; n: the same.  Returns how
 * many, -1 where the connection is gone. */
static ssize_t
ws_client_put(struct viewer *c, uint8_t *p, size_t n)
{
	ssize_t sent = 0;
	size_t whole, rest;

	if (lws_is_ssl(c->wsi)) {
		whole = evt_fanout_reader_whole(&c->tap,
		    n < TLS_BYTES ? n : TLS_BYTES);
	} else {
		sent = send(lws_get_socket_fd(c->wsi), p, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == (ssize_t)n)
			return sent;
		c->full = sent >= 0 || errno == EAGAIN || errno == EINTR;
		if (sent < 0)
			return c->full ? 0 : -1;
		whole = evt_fanout_reader_whole(&c->tap, (size_t)sent);
	}
	rest = whole - (size_t)sent;
	if (rest > 0 &&
	    lws_write(c->wsi, p + sent, rest, LWS_WRITE_RAW) < (int)rest)
		return -1;
	return (ssize_t)whole;
}

void
evt_ws_client_flush(struct viewer *c, int64_t now)
{
	bool took = false;
	ssize_t put_n;
	uint8_t *p;
	size_t n;

	/* The library may have said goodbye for us, to one who broke the
	 * protocol: nothing may follow then. */
	if (c->tap.fanout != NULL && lws_get_close_length(c->wsi) > 0)
		c->done = true;
	if (c->tap.fanout == NULL || c->done)
		return;
	while (!ws_client_waits(c) && ws_client_behind(c) > 0 &&
	    (n = evt_fanout_reader_peek(&c->tap, &p)) > 0) {
		n = n < ws_client_behind(c) ? n : (size_t)ws_client_behind(c);
		put_n = ws_client_put(c, p, n);
		if (put_n < 0) {
			/* The connection is gone; its callback will come. */
			c->done = true;
			lws_set_timeout(c->wsi,
			    PENDING_TIMEOUT_KILLED_BY_PARENT,
			    LWS_TO_KILL_ASYNC);
			return;
		}
		evt_fanout_reader_take(&c->tap, (size_t)put_n);
		took = took || put_n > 0;
	}
	ws_client_note_progress(c, took, now);
	evt_ws_client_mind(c);
	if (ws_client_behind(c) > 0 || c->goodbye != 0 || ws_client_waits(c))
		lws_callback_on_writable(c->wsi);
}

int
evt_ws_client_writable(struct viewer *c)
{
	struct stage *st = c->stage;
	evt_error err;

	if (c->done)
		return 0;
	c->full = false;
	evt_ws_client_flush(c, evt_waker_now());
	if (c->goodbye != 0 && !c->done && ws_client_behind(c) == 0 &&
	    !ws_client_waits(c)) {
		c->done = true;
		lws_close_reason(c->wsi, (enum lws_close_status)c->goodbye,
		    NULL, 0);
		return -1;
	}
	if (c->missed && !c->done && c->goodbye == 0 &&
	    evt_control_feed_catch_up(c, &err) != EVT_OK)
		evt_ws_client_cut_off(c, err.text);
	/* It may be the one that the deck waited for. */
	if (st->wake_ns == INT64_MAX)
		evt_playback_wake(st);
	return 0;
}
