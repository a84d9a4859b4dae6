/*
 * viewer.c - the clients that watch a stage.
 *
 * libwebsockets is given whole chunks to write raw on the established connection,
 * up to 25 times as fast as a call for each message; never while it still holds
 * part of an earlier write, or later frames would lose their headers.
 */
#include <stdlib.h>

#include "replay/server_impl.h"

struct viewer *
evt_viewer_new(struct stage *st, struct lws *wsi)
{
	struct viewer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->stage = st;
	c->wsi = wsi;
	c->no = ++st->server->stats.clients;
	c->stalled_since = INT64_MAX;
	c->next = st->clients;
	st->clients = c;
	st->n_clients++;
	st->server->n_clients++;
	return c;
}

void
evt_viewer_free(struct viewer *c)
{
	struct stage *st = c->stage;
	struct viewer **at = &st->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	st->n_clients--;
	st->server->n_clients--;
	if (c->tap.fanout != NULL) {
		st->n_watching--;
		evt_server_notice(st->server, "client %llu left",
		    (unsigned long long)c->no);
	}
	evt_tap_close(&c->tap);
	free(c);
	evt_stage_wake(st);
}

void
evt_viewer_watch(struct viewer *c)
{
	struct stage *st = c->stage;
	evt_server *s = st->server;

	evt_tap_open(&c->tap, st->fanout);
	st->n_watching++;
	evt_server_notice(s, "client %llu is there", (unsigned long long)c->no);
	if (s->stopping)
		evt_viewer_goodbye(c, LWS_CLOSE_STATUS_GOINGAWAY);
	else if (st->ended)
		evt_viewer_goodbye(c, st->end_code);
	else if (!st->started &&
	    (!s->o.shared || st->n_watching >= s->o.wait_clients))
		st->started = true;
	evt_stage_wake(st);
}

void
evt_viewer_goodbye(struct viewer *c, int code)
{
	if (c->goodbye == 0)
		c->goodbye = code;
	if (c->tap.fanout != NULL && !c->done)
		lws_callback_on_writable(c->wsi);
}

void
evt_viewer_cut_off(struct viewer *c, const char *why)
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

static void
note_progress(struct viewer *c, bool took, int64_t now)
{
	if (evt_tap_behind(&c->tap) == 0)
		c->stalled_since = INT64_MAX;
	else if (took || c->stalled_since == INT64_MAX)
		c->stalled_since = now;
}

void
evt_viewer_flush(struct viewer *c, int64_t now)
{
	bool took = false;
	uint8_t *p;
	size_t n;

	if (c->tap.fanout == NULL || c->done)
		return;
	while (!lws_partial_buffered(c->wsi) &&
	    (n = evt_tap_peek(&c->tap, &p)) > 0) {
		if (lws_write(c->wsi, p, n, LWS_WRITE_RAW) < (int)n) {
			/* The connection is gone; its callback will come. */
			c->done = true;
			lws_set_timeout(c->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT,
			    LWS_TO_KILL_ASYNC);
			return;
		}
		evt_tap_take(&c->tap, n);
		took = true;
	}
	note_progress(c, took, now);
	if (evt_tap_behind(&c->tap) > 0 || c->goodbye != 0)
		lws_callback_on_writable(c->wsi);
}

int
evt_viewer_writable(struct viewer *c)
{
	struct stage *st = c->stage;

	if (c->done)
		return 0;
	evt_viewer_flush(c, evt_waker_now());
	if (c->goodbye != 0 && !c->done && evt_tap_behind(&c->tap) == 0 &&
	    !lws_partial_buffered(c->wsi)) {
		c->done = true;
		lws_close_reason(c->wsi, (enum lws_close_status)c->goodbye, NULL,
		    0);
		return -1;
	}
	/* It may be the one that the deck waited for. */
	if (st->wake_ns == INT64_MAX)
		evt_stage_wake(st);
	return 0;
}
