/*
 * check_feed.c - whether the feed can be recorded, for --check.
 *
 * This runs the recorder's own session on the main thread, with a queue that is
 * never read, until the result is known.  So the check does what a recording
 * does.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/wire/address.h"
#include "format/base/timetext.h"
#include "record/net/proxy.h"
#include "record/net/resolve.h"
#include "record/feed/session.h"
#include "tools/evtape-record/check.h"

/* Time limits in seconds for looking up the name, for connecting, and for the
 * answer to the subscription. */
#define NAME_S 10
#define CONNECT_S 20
#define ANSWER_S 10
#define QUEUE_BYTES (1u << 20)

struct feed {
	check *c;
	evt_url url;
	evt_credential *secret;
	evt_dialog *dialog;
	evt_queue *queue;
	evt_session *session;
	evt_status status;
	evt_supervisor supervisor;
	evt_receive_clock clock;
	evt_heartbeat heartbeat;
	int64_t due_ns; /* CLOCK_BOOTTIME: when the check gives up */
	bool opened, done;
};

/* ---- the name ------------------------------------------------------------ */

static void
check_feed_wake(void *ctx)
{
	const int *fd = ctx;
	uint64_t one = 1;
	ssize_t n = write(*fd, &one, sizeof(one));

	(void)n; /* fails only if it is readable already */
}

/* Look up the host; false: it cannot be resolved. */
static bool
check_feed_look_up(check *c, const char *host, int *fd)
{
	struct pollfd p = { .fd = *fd, .events = POLLIN };
	evt_resolve *lookup;
	evt_error err;
	int r = evt_resolve_start(host, check_feed_wake, fd, &lookup, &err);

	if (r == EVT_OK) {
		(void)poll(&p, 1, NAME_S * 1000);
		r = evt_resolve_result(lookup, &err);
	} else {
		lookup = NULL;
	}
	if (r == EVT_OK && strcmp(host, evt_resolve_address(lookup, 0)) == 0)
		check_say(c, CHECK_OK, "name", "%s is an address", host);
	else if (r == EVT_OK)
		check_say(c, CHECK_OK, "name", "%s is %s%s", host,
		    evt_resolve_address(lookup, 0),
		    evt_resolve_address(lookup, 1) != NULL ? " (and others)" :
		                                             "");
	else if (r == EVT_AGAIN)
		check_say(c, CHECK_FAILED, "name",
		    "no answer within %d s for the address of %s: does this "
		    "machine reach its DNS server?",
		    NAME_S, host);
	else
		check_say(c, CHECK_FAILED, "name",
		    "%s; is the name right, and does this machine reach its "
		    "DNS server?",
		    err.text);
	evt_resolve_drop(lookup);
	return r == EVT_OK;
}

static bool
check_feed_name(check *c, const evt_url *url)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	evt_proxy proxy = { 0 };
	evt_error err;
	bool found = false;

	if (fd < 0) {
		check_say(c, CHECK_FAILED, "name", "cannot make an eventfd: %s",
		    strerror(errno));
		return false;
	}
	if (evt_proxy_choose(url, getenv, &proxy, &err) != EVT_OK) {
		check_say(c, CHECK_FAILED, "proxy", "%s", err.text);
	} else {
		if (proxy.host != NULL)
			check_say(c, CHECK_OK, "proxy",
			    "connects through %s port %u, from the environment",
			    proxy.host, (unsigned)proxy.port);
		found = check_feed_look_up(c,
		    proxy.host != NULL ? proxy.host : url->host, &fd);
	}
	evt_proxy_free(&proxy);
	close(fd);
	return found;
}

/* ---- events of the session ----------------------------------------------- */

static void
check_feed_say_opened(struct feed *f, const evt_client_opened *o)
{
	check *c = f->c;

	check_say(c, CHECK_OK, "connection", "to %s", o->peer);
	if (o->tls == NULL && !evt_address_is_loopback(f->url.host))
		check_say(c, CHECK_WARNING, "tls",
		    "ws:// sends everything unencrypted, the credential too: "
		    "use wss:// if the server supports it");
	else if (o->tls != NULL && c->ro->insecure)
		check_say(c, CHECK_WARNING, "tls",
		    "%s, but --insecure accepts any certificate: leave it out, "
		    "or give --ca FILE",
		    o->tls);
	else if (o->tls != NULL)
		check_say(c, CHECK_OK, "tls",
		    "%s, the certificate is valid for %s", o->tls, f->url.host);
	check_say(c, CHECK_OK, "websocket", "the server answered 101");
}

static void
check_feed_say_ended(struct feed *f, const evt_client_ended *e)
{
	static const struct {
		const char *what, *advice;
	} stages[] = {
		[EVT_CLIENT_NAME] = { "name", "" },
		[EVT_CLIENT_TCP] = { "connection",
		    "; is the port right, does the server run, and does a "
		    "firewall let this machine out?" },
		[EVT_CLIENT_TLS] = { "tls", " (--ca FILE, --insecure)" },
		[EVT_CLIENT_HANDSHAKE] = { "websocket", "" },
		[EVT_CLIENT_OPEN] = { "subscription", ", before it answered" },
	};
	char reason[600];

	_Static_assert(sizeof(stages) / sizeof(stages[0]) == EVT_CLIENT_STAGES,
	    "each stage has its words");
	snprintf(reason, sizeof(reason), "%s", e->reason);
	(void)evt_credential_blot(f->secret, (uint8_t *)reason, strlen(reason));
	check_say(f->c, CHECK_FAILED, stages[e->stage].what, "%s%s", reason,
	    stages[e->stage].advice);
}

static void
check_feed_tried(void *ctx, const evt_client_opened *opened,
    const evt_client_ended *ended)
{
	struct feed *f = ctx;

	if (f->done)
		return;
	if (opened == NULL) {
		check_feed_say_ended(f, ended);
		f->done = true;
		return;
	}
	check_feed_say_opened(f, opened);
	f->opened = true;
	f->due_ns = evt_clock_boot() + ANSWER_S * EVT_NS_PER_S;
	/* A raw feed has no subscription, and the check does not send the
	 * messages of --send. */
	f->done = !f->c->ro->navixy;
}

/* A warning of the session is the server's answer to the subscription. */
static void
check_feed_said(void *ctx, enum evt_status_event event, const char *text)
{
	struct feed *f = ctx;

	if (f->done || event != EVT_STATUS_WARNING)
		return;
	check_say(f->c,
	    evt_dialog_granted(f->dialog) ? CHECK_WARNING : CHECK_FAILED,
	    "subscription", "%s", text);
	f->done = true;
}

/* The session asks regularly whether to end: check the progress here. */
static int
check_feed_ending(void *ctx)
{
	struct feed *f = ctx;

	if (!f->done && f->opened && evt_dialog_granted(f->dialog)) {
		check_say(f->c, CHECK_OK, "subscription", "is accepted");
		f->done = true;
	}
	if (f->done)
		return EVT_SUPERVISOR_ENDING;
	if (evt_clock_boot() < f->due_ns)
		return EVT_SUPERVISOR_GOES_ON;
	if (f->opened)
		check_say(f->c, CHECK_FAILED, "subscription",
		    "the server did not answer within %d s: is this the "
		    "platform's path (/event/subscription)?",
		    ANSWER_S);
	else
		check_say(f->c, CHECK_FAILED, "connection",
		    "no connection within %d s: is the server's address right, "
		    "and does a firewall let this machine out?",
		    CONNECT_S);
	f->done = true;
	return EVT_SUPERVISOR_AT_ONCE;
}

static void
check_feed_end(void *ctx, const char *reason)
{
	(void)ctx;
	(void)reason;
}

/* ---- setting up ---------------------------------------------------------- */

static int
check_feed_make(struct feed *f, evt_error *err)
{
	const evt_recorder_options *ro = f->c->ro;
	evt_dialog_options dialog = { .navixy = ro->navixy,
		.request = ro->request };
	evt_session_options o = {
		.url = &f->url,
		.headers = ro->headers,
		.n_headers = ro->n_headers,
		.ca_file = ro->ca_file,
		.insecure = ro->insecure,
		.max_message = ro->max_message,
		.ping_ns = ro->ping_ns,
		.first_conn = 1,
		.clock = &f->clock,
		.heartbeat = &f->heartbeat,
		.env = getenv,
		.supervisor = &f->supervisor,
		.tried = check_feed_tried,
		.tried_ctx = f,
	};
	int r;

	f->supervisor = (evt_supervisor){ .say = check_feed_said,
		.ending = check_feed_ending,
		.end = check_feed_end,
		.ctx = f,
		.status = &f->status };
	f->secret = evt_credential_new(ro->credential_file, ro->credential);
	f->queue = evt_queue_new(QUEUE_BYTES);
	if (f->secret == NULL || f->queue == NULL)
		return evt_err_nomem(err);
	r = evt_credential_load(f->secret, err);
	if (r == EVT_OK)
		r = evt_dialog_new(&dialog, &f->dialog, err);
	if (r != EVT_OK)
		return r;
	o.secret = f->secret;
	o.queue = f->queue;
	o.dialog = f->dialog;
	evt_receive_clock_start(&f->clock);
	return evt_session_new(&o, &f->session, err);
}

static void
check_feed_try_feed(struct feed *f)
{
	evt_error err;

	if (check_feed_make(f, &err) != EVT_OK) {
		check_say(f->c, CHECK_FAILED, "connection", "%s", err.text);
	} else {
		f->due_ns = evt_clock_boot() + CONNECT_S * EVT_NS_PER_S;
		evt_session_run(f->session);
	}
	evt_session_free(f->session);
	evt_queue_free(f->queue);
	evt_dialog_free(f->dialog);
	evt_credential_free(f->secret);
}

void
check_feed(check *c)
{
	struct feed f = { .c = c };
	evt_error err;

	if (evt_url_parse(c->ro->url, &f.url, &err) != EVT_OK)
		return; /* the check of the options reported it */
	evt_status_init(&f.status);
	if (check_feed_name(c, &f.url))
		check_feed_try_feed(&f);
	evt_status_destroy(&f.status);
	evt_url_free(&f.url);
}
