/*
 * session.c - see session.h.
 *
 * Times here are CLOCK_BOOTTIME unless they say otherwise.
 */
#include "record/feed/session_impl.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "record/feed/backoff.h"
#include "record/net/client.h"
#include "format/mark.h"

/* How long to wait for the server's answer to our close frame. */
#define CLOSE_NS EVT_NS_PER_S
/* Least time between attempts if the server refuses the credential. */
#define REFUSED_NS (60 * EVT_NS_PER_S)
/* A recording that ends without a connection in less time was ended at once. */
#define NEVER_NS EVT_NS_PER_S

/* ---- connecting ---------------------------------------------------------- */

/* Set the timer for the next thing to do. */
static void
session_arm(evt_session *s)
{
	int64_t at = evt_clock_boot() + EVT_SESSION_TICK_NS, due = INT64_MAX;

	if (s->state == WAITING)
		due = s->retry_ns;
	else if (s->state == OPEN)
		due = evt_dialog_due(s->o.dialog);
	else if (s->state == CLOSING)
		due = s->close_by_ns;
	evt_client_wake_at(s->client, due < at ? due : at);
}

/* Wait for the next attempt, and report what failed and why: an attempt, or a
 * connection that was `opened`. */
static void
session_retry(evt_session *s, bool opened, const char *why, int64_t at_least_ns)
{
	/* The first failure of a recording may be a wrong URL, so it is a
	 * warning. */
	bool first = s->conn == 0 && s->away_why[0] == '\0';
	int64_t now = evt_clock_boot();
	int64_t wait = evt_backoff_next(&s->backoff, now, at_least_ns);
	char text[1000], time[EVT_TIMETEXT_MAX];

	s->retry_ns = now + wait;
	evt_session_set_state(s, WAITING, EVT_STATUS_WAITING);
	evt_status_lock(s->o.supervisor->status)->retry_ns =
	    evt_clock_real() + wait;
	evt_status_unlock(s->o.supervisor->status);
	snprintf(text, sizeof(text), "%s: %s; retrying in %s",
	    opened ? "connection lost" : "cannot connect", why,
	    evt_timetext_duration_format(wait, time));
	evt_session_say(s, first ? EVT_STATUS_WARNING : EVT_STATUS_DOWN, text);
	if (!opened)
		snprintf(s->away_why, sizeof(s->away_why), "%s", why);
	session_arm(s);
}

static bool
session_is_header(const char *header, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(header, name, n) == 0 && header[n] == ':';
}

/* A request with the credential filled in.  It owns its strings. */
struct filled {
	evt_buf target;
	char **headers;
	size_t n_headers;
	char *subprotocols_header; /* NULL: none */
	const char *subprotocols;  /* its value, within it */
};

static void
session_filled_free(struct filled *f)
{
	if (f->target.len > 0)
		explicit_bzero(f->target.data, f->target.len);
	evt_buf_free(&f->target);
	for (size_t i = 0; i < f->n_headers; i++)
		evt_credential_wipe(f->headers[i]);
	free(f->headers);
	evt_credential_wipe(f->subprotocols_header);
}

static int
session_fill_target(evt_session *s, struct filled *f, evt_error *err)
{
	evt_buf plain = { 0 }, shown = { 0 };
	int r = EVT_ERR_NOMEM;

	if (evt_dialog_target(s->o.dialog, s->o.url->target, &plain) &&
	    evt_buf_add_byte(&plain, '\0') &&
	    evt_url_show(s->o.url, (const char *)plain.data, &shown) &&
	    evt_buf_add_byte(&shown, '\0')) {
		free(s->shown);
		s->shown = (char *)shown.data;
		shown = (evt_buf){ 0 };
		r = evt_credential_fill(s->o.secret, (const char *)plain.data,
		    plain.len, EVT_CREDENTIAL_URL, &f->target, err);
	} else {
		evt_err_nomem(err);
	}
	evt_buf_free(&plain);
	evt_buf_free(&shown);
	return r;
}

static int
session_fill_headers(evt_session *s, struct filled *f, evt_error *err)
{
	int r = EVT_OK;

	f->headers = calloc(s->o.n_headers + 1, sizeof(*f->headers));
	if (f->headers == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < s->o.n_headers && r == EVT_OK; i++) {
		const char *header = s->o.headers[i];
		evt_buf b = { 0 };

		r = evt_credential_fill(s->o.secret, header, strlen(header) + 1,
		    EVT_CREDENTIAL_PLAIN, &b, err);
		if (r != EVT_OK) {
			evt_buf_free(&b);
		} else if (session_is_header(header,
		               "Sec-WebSocket-Protocol")) {
			evt_credential_wipe(f->subprotocols_header);
			f->subprotocols_header = (char *)b.data;
			f->subprotocols = strchr((char *)b.data, ':') + 1;
			f->subprotocols += strspn(f->subprotocols, " \t");
		} else {
			f->headers[f->n_headers++] = (char *)b.data;
		}
	}
	return r;
}

static void
session_begin(evt_session *s)
{
	struct filled f = { 0 };
	evt_client_request request;
	evt_error err;
	int r;

	if (s->conn == 0 && s->attempt == 0)
		s->began_at = evt_session_now(s);
	s->attempt++;
	s->refused = false;
	r = evt_credential_load(s->o.secret, &err);
	if (r == EVT_OK)
		r = session_fill_target(s, &f, &err);
	if (r == EVT_OK)
		r = session_fill_headers(s, &f, &err);
	if (r != EVT_OK) {
		session_filled_free(&f);
		session_retry(s, false, err.text, 0);
		return;
	}
	request = (evt_client_request){ .target = (const char *)f.target.data,
		.headers = (const char *const *)f.headers,
		.n_headers = f.n_headers,
		.subprotocols = f.subprotocols };
	evt_session_set_state(s, CONNECTING, EVT_STATUS_CONNECTING);
	evt_client_connect(s->client, &request);
	session_filled_free(&f);
	session_arm(s);
}

/* Send a close frame, and wait at most CLOSE_NS for the answer. */
static void
session_close(evt_session *s)
{
	s->close_by_ns = evt_clock_boot() + CLOSE_NS;
	evt_session_set_state(s, CLOSING, EVT_STATUS_STOPPING);
	evt_client_close(s->client, 1000);
	session_arm(s);
}

/* ---- events of the client ------------------------------------------------ */

/* The feed was away from the loss until now: put the gap mark. */
static void
session_put_loss(evt_session *s, const evt_receive_clock_time *at)
{
	char why[sizeof(s->lost_why) + sizeof(s->away_why) + 40];

	snprintf(why, sizeof(why), "%s%s%s", s->lost_why,
	    s->away_why[0] != '\0' ? "; then it could not be reached: " : "",
	    s->away_why);
	evt_session_put_span(s, &s->lost_at, at, why);
	s->lost = false;
}

/* Whether the recording ends without having had a connection.  If it ends at once,
 * the first attempt had no chance. */
static bool
session_never_connected(const evt_session *s, const evt_receive_clock_time *at)
{
	return s->conn == 0 && s->attempt > 0 &&
	    (s->away_why[0] != '\0' ||
	        at->mono_ns - s->began_at.mono_ns >= NEVER_NS);
}

static void
session_put_never(evt_session *s, const evt_receive_clock_time *at)
{
	char why[sizeof(s->away_why) + 40];

	snprintf(why, sizeof(why), "no connection was made: %s",
	    s->away_why[0] != '\0' ? s->away_why :
	                             "the first attempt got no answer");
	evt_session_put_span(s, &s->began_at, at, why);
	evt_session_say(s, EVT_STATUS_WARNING, why);
}

static void
session_on_opened(void *ctx, const evt_client_opened *o)
{
	evt_session *s = ctx;
	evt_receive_clock_time at = evt_session_now(s);
	int64_t now = evt_clock_boot(), after = -1;
	evt_buf b = { 0 };
	char text[1000];
	bool ok;

	s->conn = s->conn == 0 ? s->o.first_conn : s->conn + 1;
	s->frames = 0;
	if (s->lost) {
		after = at.mono_ns - s->lost_at.mono_ns;
		session_put_loss(s, &at);
	}
	ok = evt_mark_connected(&b, s->shown, o->peer, o->tls, s->attempt,
	    after);
	evt_session_put_mark(s, &at, EVT_MARK_CONNECTED, s->conn, &b, ok);
	s->attempt = 0;
	s->message_ns = s->awake_ns = s->alive_ns = now;
	s->ping_ns = now + s->o.ping_ns;
	evt_backoff_up(&s->backoff, now);
	evt_dialog_opened(s->o.dialog, now);
	evt_session_set_state(s, OPEN, EVT_STATUS_CONNECTED);
	evt_status_lock(s->o.supervisor->status)->connections++;
	evt_status_unlock(s->o.supervisor->status);
	snprintf(text, sizeof(text), "connected to %.600s (%s%s%s)", s->shown,
	    o->peer, o->tls != NULL ? ", " : "", o->tls != NULL ? o->tls : "");
	evt_session_say(s, EVT_STATUS_UP, text);
	if (s->o.tried != NULL)
		s->o.tried(s->o.tried_ctx, o, NULL);
	session_arm(s);
}

/* Act on what a frame means to the profile. */
static void
session_act_on(evt_session *s, const evt_navixy_answer *a)
{
	switch (a->type) {
	case EVT_NAVIXY_EVENT:
		return;
	case EVT_NAVIXY_RESPONSE:
		if (a->text[0] != '\0')
			evt_session_say(s, EVT_STATUS_WARNING, a->text);
		return;
	case EVT_NAVIXY_ERROR:
		evt_session_say(s, EVT_STATUS_WARNING, a->text);
		if (!evt_dialog_granted(s->o.dialog)) {
			s->refused = true;
			session_close(s);
		}
		return;
	case EVT_NAVIXY_LOGOUT:
		evt_session_say(s, EVT_STATUS_WARNING,
		    s->o.stop_on_logout ?
		        "the server ended the session (logout): stopping" :
		        "the server ended the session (logout): reconnecting; "
		        "if the credential is no longer valid, write a new one "
		        "to its file");
		if (s->o.stop_on_logout)
			evt_supervisor_end(s->o.supervisor, "logout");
		session_close(s);
		return;
	}
}

static void
session_on_message(void *ctx, const evt_receive_clock_time *at, uint8_t opcode,
    uint8_t *data, size_t n)
{
	evt_session *s = ctx;
	evt_navixy_answer answer;
	int64_t now = evt_receive_clock_boot(s->o.clock, at);

	evt_session_report_step(s, at);
	evt_session_report_stop(s, at);
	(void)evt_credential_blot(s->o.secret, data, n);
	s->frames++;
	s->message_ns = now;
	evt_session_put_frame(s, at, EVT_KIND_RECEIVED, opcode, data, n);
	/* The thread of the tape would end the recording too, but later: a
	 * connection that is lost meanwhile must not count as a loss. */
	if (++s->total == s->o.max_frames)
		evt_supervisor_end(s->o.supervisor, "frames");
	evt_dialog_heard(s->o.dialog, now, opcode, data, n, &answer);
	if (s->state != OPEN)
		return;
	session_act_on(s, &answer);
	if (s->state == OPEN && s->frames == 1)
		session_arm(s);
}

static void
session_on_skipped(void *ctx, const evt_receive_clock_time *at, uint64_t n)
{
	evt_session *s = ctx;
	evt_mark_gap_info gap = { .frames = 1, .bytes = (int64_t)n };
	char reason[120], size[EVT_TIMETEXT_MAX];

	evt_session_report_step(s, at);
	evt_session_report_stop(s, at);
	s->message_ns = evt_receive_clock_boot(s->o.clock, at);
	snprintf(reason, sizeof(reason),
	    "a message was longer than the message limit (%s)",
	    evt_timetext_size_format(s->o.max_message, size));
	gap.reason = reason;
	evt_session_put_gap(s, at, &gap);
	evt_session_say(s, EVT_STATUS_WARNING, reason);
}

static void
session_on_sent(void *ctx, uint8_t *data, size_t n)
{
	evt_session *s = ctx;
	evt_receive_clock_time at = evt_session_now(s);

	(void)evt_credential_blot_sent(s->o.secret, data, n);
	evt_session_put_frame(s, &at, EVT_KIND_SENT, EVT_OP_TEXT, data, n);
}

static void
session_lost(evt_session *s, const evt_client_ended *e)
{
	evt_buf b = { 0 };
	bool ok;

	evt_session_end_hold(s);
	s->lost_at = evt_session_now(s);
	s->lost = true;
	s->away_why[0] = '\0';
	if (e->unfinished > 0)
		snprintf(s->lost_why, sizeof(s->lost_why),
		    "%.400s; %llu byte%s of an unfinished message %s lost",
		    e->reason, (unsigned long long)e->unfinished,
		    e->unfinished == 1 ? "" : "s",
		    e->unfinished == 1 ? "is" : "are");
	else
		snprintf(s->lost_why, sizeof(s->lost_why), "%.500s", e->reason);
	ok = evt_mark_disconnected(&b, e->code, s->lost_why, s->frames);
	evt_session_put_mark(s, &s->lost_at, EVT_MARK_DISCONNECTED, s->conn, &b,
	    ok);
	evt_dialog_closed(s->o.dialog);
}

/* The recording is over.  If the feed is away, it was so until now. */
static void
session_leave(evt_session *s)
{
	evt_receive_clock_time at = evt_session_now(s);

	if (s->lost)
		session_put_loss(s, &at);
	else if (session_never_connected(s, &at))
		session_put_never(s, &at);
	evt_session_set_state(s, IDLE, EVT_STATUS_STOPPING);
	evt_client_quit(s->client);
}

static void
session_on_ended(void *ctx, const evt_client_ended *e)
{
	evt_session *s = ctx;
	int64_t at_least = e->retry_after_ns;

	if (e->opened)
		session_lost(s, e);
	if (s->o.tried != NULL)
		s->o.tried(s->o.tried_ctx, NULL, e);
	if (evt_supervisor_ending(s->o.supervisor) > 0) {
		/* The recorder closed the connection, so nothing is missing. */
		if (e->opened)
			s->lost = false;
		session_leave(s);
		return;
	}
	if ((s->refused || e->status == 401 || e->status == 403) &&
	    at_least < REFUSED_NS)
		at_least = REFUSED_NS;
	session_retry(s, e->opened, e->reason, at_least);
}

/* Send the messages that are due. */
static void
session_send_due(evt_session *s)
{
	evt_buf b = { 0 };
	evt_error err;
	int r;

	for (;;) {
		b.len = 0;
		r = evt_dialog_next(s->o.dialog, evt_clock_boot(), s->o.secret,
		    &b, &err);
		if (r == EVT_AGAIN)
			break;
		if (r == EVT_OK && !evt_client_send(s->client, b.data, b.len))
			r = evt_err_nomem(&err);
		if (r != EVT_OK) {
			evt_session_say(s, EVT_STATUS_ERROR, err.text);
			session_close(s);
			break;
		}
	}
	if (b.data != NULL)
		explicit_bzero(b.data, b.cap);
	evt_buf_free(&b);
}

/* Drop the connection if the server seems dead; ping it from time to time. */
static void
session_check_life(evt_session *s, int64_t now)
{
	char text[200], time[EVT_TIMETEXT_MAX];
	int64_t heard = evt_client_heard_ns(s->client);

	if (s->held) {
		/* The socket is not read, so silence means nothing. */
		s->message_ns = s->alive_ns = now;
		s->ping_ns = now + s->o.ping_ns;
		return;
	}
	if (s->o.idle_ns > 0 && now - s->message_ns >= s->o.idle_ns) {
		snprintf(text, sizeof(text),
		    "no message was received for %s (the idle timeout)",
		    evt_timetext_duration_format(s->o.idle_ns, time));
		evt_client_drop(s->client, 1006, text);
	} else if (now - (heard > s->alive_ns ? heard : s->alive_ns) >=
	        3 * s->o.ping_ns &&
	    now >= s->ping_ns) {
		snprintf(text, sizeof(text),
		    "the server does not answer pings (for %s)",
		    evt_timetext_duration_format(3 * s->o.ping_ns, time));
		evt_client_drop(s->client, 1006, text);
	} else if (now >= s->ping_ns) {
		s->ping_ns = now + s->o.ping_ns;
		evt_client_ping(s->client);
	}
}

/* The recording is being ended; how: enum evt_supervisor_ending. */
static void
session_wind_up(evt_session *s, int how)
{
	int64_t now = evt_clock_boot();

	switch (s->state) {
	case IDLE:
	case WAITING:
		session_leave(s);
		break;
	case CONNECTING:
		evt_client_drop(s->client, 1000, "the recorder stopped");
		break;
	case OPEN:
		if (how == EVT_SUPERVISOR_ENDING) {
			session_close(s);
			break;
		}
		/* fallthrough */
	case CLOSING:
		if (how >= EVT_SUPERVISOR_AT_ONCE || now >= s->close_by_ns)
			evt_client_drop(s->client, 1000,
			    "closed by the recorder");
		break;
	}
}

/* Read the socket again if the queue has drained. */
static void
session_check_queue(evt_session *s)
{
	if (!s->held || s->state != OPEN || !evt_queue_drained(s->o.queue))
		return;
	evt_session_end_hold(s);
	evt_session_set_state(s, OPEN, EVT_STATUS_CONNECTED);
	evt_client_hold(s->client, false);
}

static void
session_on_due(void *ctx)
{
	evt_session *s = ctx;
	evt_receive_clock_time at = evt_session_now(s);
	int64_t now = evt_receive_clock_boot(s->o.clock, &at);
	int how = evt_supervisor_ending(s->o.supervisor);

	evt_heartbeat_beat(s->o.heartbeat);
	evt_session_report_stop(s, &at);
	if (how > 0) {
		session_wind_up(s, how);
	} else if (s->state == IDLE ||
	    (s->state == WAITING && now >= s->retry_ns)) {
		session_begin(s);
	} else if (s->state == OPEN) {
		session_check_queue(s);
		session_send_due(s);
		if (s->state == OPEN)
			session_check_life(s, now);
	} else if (s->state == CLOSING && now >= s->close_by_ns) {
		evt_client_drop(s->client, 1000, "closed by the recorder");
	}
	evt_queue_flush(s->o.queue);
	session_arm(s);
}

static void
session_on_woken(void *ctx)
{
	evt_session *s = ctx;
	int how = evt_supervisor_ending(s->o.supervisor);

	evt_session_put_list(s);
	if (how > 0)
		session_wind_up(s, how);
	else
		session_check_queue(s);
}

static void
session_on_turn(void *ctx)
{
	evt_session *s = ctx;

	evt_queue_flush(s->o.queue);
}

/* ---- the interface ------------------------------------------------------- */

/* Secrets that URL and headers have beside the credential are no less secret. */
static bool
session_learn_secrets(const evt_session_options *o)
{
	bool ok = evt_url_learn_secrets(o->url, o->secret);

	for (size_t i = 0; i < o->n_headers && ok; i++) {
		const char *header = o->headers[i];
		size_t n = strcspn(header, ":");

		if (header[n] == ':')
			ok = evt_credential_learn_header(o->secret, header, n,
			    header + n + 1, strlen(header + n + 1));
	}
	return ok;
}

int
evt_session_new(const evt_session_options *options, evt_session **ret_session,
    evt_error *err)
{
	evt_session *s = calloc(1, sizeof(*s));
	evt_client_config config = {
		.url = options->url,
		.ca_file = options->ca_file,
		.insecure = options->insecure,
		.max_message = options->max_message,
		.clock = options->clock,
		.env = options->env,
		.events = { session_on_opened, session_on_message,
		    session_on_skipped, session_on_sent, session_on_ended,
		    session_on_due, session_on_woken, session_on_turn, NULL },
		.ctx = s,
	};
	int r;

	assert(options->url != NULL && options->dialog != NULL);
	assert(options->queue != NULL && options->heartbeat != NULL);
	assert(
	    options->supervisor != NULL && options->supervisor->status != NULL);
	assert(options->ping_ns > 0);
	if (s == NULL)
		return evt_err_nomem(err);
	s->o = *options;
	s->backoff.random = evt_backoff_chance;
	r = session_learn_secrets(options) ?
	    evt_client_new(&config, &s->client, err) :
	    evt_err_nomem(err);
	if (r != EVT_OK) {
		free(s);
		return r;
	}
	*ret_session = s;
	return EVT_OK;
}

void
evt_session_free(evt_session *s)
{
	if (s == NULL)
		return;
	evt_client_free(s->client);
	free(s->shown);
	free(s);
}

void
evt_session_run(evt_session *s)
{
	evt_heartbeat_begin(s->o.heartbeat);
	/* Begin at the first turn of the loop. */
	evt_client_wake_at(s->client, 0);
	evt_client_run(s->client);
	evt_heartbeat_end(s->o.heartbeat);
	if (s->lost &&
	    evt_supervisor_ending(s->o.supervisor) == EVT_SUPERVISOR_GOES_ON)
		evt_session_say(s, EVT_STATUS_ERROR, "the event loop failed");
}

void
evt_session_wake(evt_session *s)
{
	evt_client_wake(s->client);
}
