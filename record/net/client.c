/*
 * client.c - see client.h.
 *
 * libwebsockets reports the end of a connection in many ways, and in some of
 * them only sometimes (a handshake that times out gives neither
 * CONNECTION_ERROR nor CLOSED).  So the callbacks only note what they learn,
 * and one function, evt_client_finish(), acts.  It is called when the wsi is
 * destroyed, or when the connect call returned NULL.
 *
 * evt_client_finish() does not call the events itself, since libwebsockets may
 * be in the middle of anything.  The loop in evt_client_run(), which
 * lws_cancel_service() wakes, does that.
 */
#include "record/net/client_impl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/wire/credential.h"

/* The fault is the proxy's own. */
#define PROXY_REFUSED "the proxy refused to connect"
#define RX_BYTES (1u << 20)
#define SERVICE_BYTES (64u << 10)
#define HEADER_BYTES (32u << 10)

static const struct lws_protocols protocols[] = {
	{ .name = "evtape",
	    .callback = evt_client_callback,
	    .rx_buffer_size = RX_BYTES },
	{ 0 },
};

/* ---- making and freeing -------------------------------------------------- */

/* libwebsockets must not log: the client reports failures in its own words. */
static void
client_no_log(int level, const char *line)
{
	(void)level;
	(void)line;
}

static int
client_make_context(evt_client *c, evt_error *err)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN,
		.protocols = protocols,
		.user = c,
		/* Without this option only where TLS is used: it loads the
		 * system's CAs, and with several clients libwebsockets frees
		 * only those of the last. */
		.options =
		    c->tls != NULL ? LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT : 0,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.fd_limit_per_thread = 256,
		.pt_serv_buf_size = SERVICE_BYTES,
		.max_http_header_data2 = HEADER_BYTES,
		.timeout_secs = EVT_CLIENT_CONNECT_S,
		.connect_timeout_secs = EVT_CLIENT_CONNECT_S,
		.provided_client_ssl_ctx = c->tls,
		/* With NULL it would read the environment itself. */
		.http_proxy_address = "",
		/* Never permessage-deflate: 4.1 enters an endless loop. */
		.extensions = NULL,
	};

	lws_set_log_level(LLL_ERR, client_no_log);
	c->lws = lws_create_context(&info);
	if (c->lws == NULL)
		return evt_err_set(err, EVT_ERR_NOMEM,
		    "cannot start libwebsockets");
	return EVT_OK;
}

int
evt_client_new(const evt_client_config *config, evt_client **ret_client,
    evt_error *err)
{
	evt_client *c = calloc(1, sizeof(*c));
	int r;

	assert(config->url != NULL && config->env != NULL);
	assert(config->events.ended != NULL && config->events.due != NULL);
	assert(config->events.woken != NULL && config->events.turn != NULL);
	if (c == NULL)
		return evt_err_nomem(err);
	c->cfg = *config;
	c->out_end = &c->out;
	c->fd = -1;
	c->assembly.max = config->max_message;
	r = evt_proxy_choose(c->cfg.url, c->cfg.env, &c->proxy, err);
	if (r == EVT_OK && c->cfg.url->tls)
		r = evt_tls_new(c->cfg.url, c->cfg.ca_file, &c->tls, err);
	if (r == EVT_OK && c->tls != NULL)
		evt_tls_watch(c->tls, &c->heard.progress);
	if (r == EVT_OK)
		r = client_make_context(c, err);
	if (r != EVT_OK) {
		evt_client_free(c);
		return r;
	}
	*ret_client = c;
	return EVT_OK;
}

static void
client_forget_request(evt_client *c)
{
	evt_credential_wipe(c->target);
	free(c->subprotocols);
	for (size_t i = 0; i < c->n_headers; i++)
		evt_credential_wipe(c->headers[i]);
	free(c->headers);
	c->target = c->subprotocols = NULL;
	c->headers = NULL;
	c->n_headers = 0;
	evt_resolve_drop(c->resolve);
	c->resolve = NULL;
	c->resolving = false;
}

void
evt_client_free_outgoing(struct outgoing *o)
{
	explicit_bzero(o->data, LWS_PRE + o->n);
	free(o);
}

static void
client_forget_outgoing(evt_client *c)
{
	while (c->out != NULL) {
		struct outgoing *o = c->out;

		c->out = o->next;
		evt_client_free_outgoing(o);
	}
	c->out_end = &c->out;
}

void
evt_client_free(evt_client *c)
{
	if (c == NULL)
		return;
	evt_client_look(c);
	c->live = false; /* do not report connections that are destroyed now */
	if (c->lws != NULL)
		lws_context_destroy(c->lws);
	SSL_CTX_free(c->tls);
	client_forget_request(c);
	client_forget_outgoing(c);
	evt_client_raw_reset(c);
	evt_ws_message_reset(&c->assembly);
	evt_proxy_free(&c->proxy);
	free(c);
}

/* ---- the reason of an end ------------------------------------------------ */

static void
client_describe_status(const struct hearsay *h, char *out, size_t size)
{
	static const struct {
		unsigned status;
		const char *words;
	} known[] = {
		{ 301,
		    " (moved): redirects are not followed, give the new URL" },
		{ 302,
		    " (moved): redirects are not followed, give the new URL" },
		{ 307,
		    " (moved): redirects are not followed, give the new URL" },
		{ 308,
		    " (moved): redirects are not followed, give the new URL" },
		{ 400, " (bad request)" },
		{ 401, " (unauthorized): is the credential right?" },
		{ 403, " (forbidden): is the credential right?" },
		{ 404, " (not found): is the path of the URL right?" },
		{ 429, " (too many requests)" },
		{ 500, " (internal error)" },
		{ 502, " (bad gateway)" },
		{ 503, " (unavailable)" },
	};
	const char *words = "";

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status == h->status)
			words = known[i].words;
	}
	if (h->status == 200)
		words = ": there is no WebSocket at this path";
	snprintf(out, size, "the server answered HTTP %u%s", h->status, words);
}

/* The connection to the proxy came up, and then ended before the proxy let the
 * request through. */
static bool
client_proxy_refused(const evt_client *c)
{
	return c->proxy.host != NULL && c->heard.connected && !c->heard.asked;
}

/* Describe a failed attempt in out[size]; returns the stage at which it
 * failed. */
static enum evt_client_stage
client_describe_attempt(const evt_client *c, char *out, size_t size)
{
	const struct hearsay *h = &c->heard;
	bool slow = evt_clock_boot() - h->began_ns >=
	    (EVT_CLIENT_CONNECT_S - 1) * EVT_NS_PER_S;
	const char *address = c->resolve != NULL ?
	    evt_resolve_address(c->resolve, c->address) :
	    NULL;

	if (h->tls[0] != '\0') {
		snprintf(out, size, "%s", h->tls);
		return EVT_CLIENT_TLS;
	}
	if (h->progress.failure[0] != '\0') {
		snprintf(out, size, "%s", h->progress.failure);
		return EVT_CLIENT_TLS;
	}
	if (!h->connected) {
		snprintf(out, size, "no connection to %s port %u: %s",
		    address != NULL ? address : c->cfg.url->host,
		    (unsigned)(c->proxy.host != NULL ? c->proxy.port :
		                                       c->cfg.url->port),
		    slow ? "no answer in time" : "refused or unreachable");
		return EVT_CLIENT_TCP;
	}
	if (client_proxy_refused(c) && !slow)
		snprintf(out, size, "%s", PROXY_REFUSED);
	else if (c->post && h->status != 0)
		snprintf(out, size, "the server's answer broke off");
	else if (h->status != 101 && h->status >= 100 && h->status < 1000)
		client_describe_status(h, out, size);
	else if (slow)
		snprintf(out, size,
		    "the server did not answer the handshake within %d s",
		    EVT_CLIENT_CONNECT_S);
	else if (c->post)
		snprintf(out, size,
		    "the server closed the connection without an answer (or it "
		    "wants %s://)",
		    c->cfg.url->tls ? "http" : "https");
	else if (h->status == 101)
		snprintf(out, size, "the server's handshake is invalid (%s)",
		    h->wrong[0] != '\0' ? h->wrong :
		                          "it does not accept the request");
	else
		snprintf(out, size,
		    "the server closed the connection during the handshake, or "
		    "it is not a WebSocket server%s",
		    c->cfg.url->tls ? "" : " (or it wants wss://)");
	return EVT_CLIENT_HANDSHAKE;
}

/* Name the proxy in the message: the fault may be its own. */
static void
client_add_proxy(const evt_client *c, char *out, size_t size)
{
	size_t n = strlen(out);

	if (c->proxy.host != NULL && strcmp(out, PROXY_REFUSED) != 0)
		snprintf(out + n, size - n, " (through the proxy %s:%u)",
		    c->proxy.host, (unsigned)c->proxy.port);
}

static const char *
client_describe_closer(enum closer closer)
{
	switch (closer) {
	case CLOSER_BROKEN:
		return "the connection broke (reset by the server or on the "
		       "way, or nothing got through)";
	case CLOSER_US:
		return "the server broke the WebSocket protocol: the "
		       "connection was dropped";
	case CLOSER_SERVER:
		break;
	}
	return "the server closed the connection without a close frame";
}

/* Report the end of the attempt or the connection, and be ready for another. */
static void
client_report_end(evt_client *c)
{
	evt_client_ended ended = { .opened = c->heard.opened,
		.status = c->heard.status == 101 ? 0 : c->heard.status,
		.retry_after_ns = c->heard.retry_after_ns,
		.unfinished = evt_ws_message_reset(&c->assembly),
		.answered = c->heard.answered && c->heard.code == 0 };
	char words[512];

	if (c->heard.code != 0) {
		ended.code = c->heard.code;
		snprintf(words, sizeof(words), "%s", c->heard.reason);
	} else if (c->heard.opened) {
		ended.code = 1006;
		snprintf(words, sizeof(words), "%s",
		    client_describe_closer(c->heard.closer));
	} else {
		ended.stage = client_describe_attempt(c, words, sizeof(words));
		client_add_proxy(c, words, sizeof(words));
	}
	if (ended.opened)
		ended.stage = EVT_CLIENT_OPEN;
	else
		ended.code = 0;
	ended.reason = words;
	c->closing = 0;
	c->ping = false;
	client_forget_request(c);
	client_forget_outgoing(c);
	evt_client_raw_reset(c);
	c->cfg.events.ended(c->cfg.ctx, &ended);
}

/*
 * How far an attempt came is learnt from the system: libwebsockets reports it in
 * words, which each version chooses anew.  An address that refuses, or does not
 * answer, has left no trace in the socket.
 */
void
evt_client_look(evt_client *c)
{
	struct tcp_info info = { .tcpi_state = TCP_CLOSE };
	socklen_t len = sizeof(info);

	if (c->fd < 0)
		return;
	if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
	    ((info.tcpi_state != TCP_CLOSE &&
	         info.tcpi_state != TCP_SYN_SENT) ||
	        info.tcpi_options != 0 || info.tcpi_rtt > 0))
		c->heard.connected = true;
	close(c->fd);
	c->fd = -1;
}

void
evt_client_finish(evt_client *c)
{
	if (!c->live)
		return;
	evt_client_look(c);
	if (c->heard.progress.begun)
		c->heard.connected = c->heard.asked = true;
	c->live = false;
	c->over = true;
	c->wsi = NULL;
	lws_cancel_service(c->lws);
}

/* ---- connecting ---------------------------------------------------------- */

static bool
client_set_proxy(evt_client *c, const char *address)
{
	bool six = strchr(address, ':') != NULL, ok;
	evt_buf b = { 0 };

	ok = (c->proxy.user == NULL ||
	         (evt_buf_add_str(&b, c->proxy.user) &&
	             evt_buf_add_byte(&b, '@'))) &&
	    evt_buf_printf(&b, six ? "[%s]:%u" : "%s:%u", address,
	        (unsigned)c->proxy.port) &&
	    evt_buf_add_byte(&b, '\0') &&
	    lws_set_proxy(lws_get_vhost_by_name(c->lws, "default"),
	        (const char *)b.data) == 0;
	evt_buf_free(&b);
	return ok;
}

/* Try to connect to the address with index c->address. */
static void
client_try_address(evt_client *c)
{
	const char *address = evt_resolve_address(c->resolve, c->address);
	bool plain = !c->post && !c->cfg.url->tls && c->proxy.host == NULL;
	struct lws_client_connect_info info = {
		.context = c->lws,
		.address = address,
		.port = c->cfg.url->port,
		.method = c->post ? "POST" :
		    plain         ? "RAW" :
		                    NULL,
		.path = c->target,
		.host = c->cfg.url->authority,
		.protocol = c->subprotocols,
		.local_protocol_name = protocols[0].name,
		.ietf_version_or_minus_one = -1,
		.userdata = c,
		.pwsi = &c->wsi,
		.alpn = "http/1.1",
		.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT |
		    evt_tls_flags(c->cfg.url, c->cfg.insecure),
	};

	c->heard = (struct hearsay){ .began_ns = evt_clock_boot() };
	evt_client_raw_reset(c);
	c->raw.used = plain;
	c->live = true;
	c->over = false;
	if (c->proxy.host != NULL) {
		info.address = c->cfg.url->host;
		if (!client_set_proxy(c, address)) {
			snprintf(c->heard.reason, sizeof(c->heard.reason),
			    "cannot use the address of the proxy");
			c->heard.code = 1006;
			evt_client_finish(c);
			return;
		}
	}
	/* Without a route it fails at once, and does not always call back. */
	if (lws_client_connect_via_info(&info) == NULL && c->live)
		evt_client_finish(c);
	else if (c->live && c->wsi != NULL && lws_get_socket_fd(c->wsi) >= 0)
		c->fd = fcntl(lws_get_socket_fd(c->wsi), F_DUPFD_CLOEXEC, 0);
}

/* The attempt failed before anything could be tried. */
static void
client_fail(evt_client *c, const char *words)
{
	c->heard = (struct hearsay){ .code = 1006 };
	snprintf(c->heard.reason, sizeof(c->heard.reason), "%s", words);
	c->live = true;
	evt_client_finish(c);
}

void
evt_client_resolved(evt_client *c)
{
	evt_error err;
	int r;

	if (!c->resolving)
		return;
	r = evt_resolve_result(c->resolve, &err);
	if (r == EVT_AGAIN)
		return;
	c->resolving = false;
	if (r == EVT_OK)
		client_try_address(c);
	else
		client_fail(c, err.text);
}

static void
client_wake_loop(void *ctx)
{
	evt_client *c = ctx;

	lws_cancel_service(c->lws);
}

/* Queue a copy of n bytes to be sent. */
static bool
client_add_outgoing(evt_client *c, const uint8_t *data, size_t n)
{
	struct outgoing *o = malloc(sizeof(*o) + LWS_PRE + n);

	if (o == NULL)
		return false;
	o->next = NULL;
	o->n = n;
	memcpy(o->data + LWS_PRE, data, n);
	*c->out_end = o;
	c->out_end = &o->next;
	return true;
}

static bool
client_copy_request(evt_client *c, const evt_client_request *r)
{
	client_forget_request(c);
	c->post = r->body != NULL;
	if (c->post && !client_add_outgoing(c, r->body, r->body_len))
		return false;
	c->target = strdup(r->target);
	if (c->target == NULL)
		return false;
	if (r->subprotocols != NULL) {
		c->subprotocols = strdup(r->subprotocols);
		if (c->subprotocols == NULL)
			return false;
	}
	if (r->n_headers == 0)
		return true;
	c->headers = calloc(r->n_headers, sizeof(*c->headers));
	if (c->headers == NULL)
		return false;
	for (; c->n_headers < r->n_headers; c->n_headers++) {
		c->headers[c->n_headers] = strdup(r->headers[c->n_headers]);
		if (c->headers[c->n_headers] == NULL)
			return false;
	}
	return true;
}

void
evt_client_connect(evt_client *c, const evt_client_request *request)
{
	const char *host =
	    c->proxy.host != NULL ? c->proxy.host : c->cfg.url->host;
	evt_error err;
	int r;

	assert(!c->resolving && !c->live);
	c->address = 0;
	if (!client_copy_request(c, request)) {
		client_fail(c, "out of memory");
		return;
	}
	r = evt_resolve_start(host, client_wake_loop, c, &c->resolve, &err);
	if (r != EVT_OK) {
		client_fail(c, err.text);
		return;
	}
	c->resolving = true;
}

/* evt_client_finish() was called: try the next address, or report the end. */
static void
client_after_end(evt_client *c)
{
	const struct hearsay *h = &c->heard;

	c->over = false;
	if (!h->opened && h->code == 0 && h->status == 0 && h->tls[0] == '\0' &&
	    c->resolve != NULL &&
	    evt_resolve_address(c->resolve, c->address + 1) != NULL) {
		c->address++;
		client_try_address(c);
		return;
	}
	client_report_end(c);
}

/* ---- the rest of the interface ------------------------------------------- */

void
evt_client_run(evt_client *c)
{
	c->quit = false;
	while (!c->quit) {
		if (lws_service(c->lws, 0) < 0)
			break;
		if (c->over)
			client_after_end(c);
		c->cfg.events.turn(c->cfg.ctx);
	}
}

void
evt_client_quit(evt_client *c)
{
	c->quit = true;
	lws_cancel_service(c->lws);
}

static void
client_timer_due(lws_sorted_usec_list_t *sul)
{
	evt_client *c = lws_container_of(sul, evt_client, timer);

	c->cfg.events.due(c->cfg.ctx);
}

void
evt_client_wake_at(evt_client *c, int64_t at_ns)
{
	int64_t us;

	if (at_ns == INT64_MAX) {
		lws_sul_cancel(&c->timer);
		return;
	}
	us = (at_ns - evt_clock_boot()) / EVT_NS_PER_US;
	lws_sul_schedule(c->lws, 0, &c->timer, client_timer_due,
	    us < 1 ? 1 : us);
}

void
evt_client_wake(evt_client *c)
{
	lws_cancel_service(c->lws);
}

bool
evt_client_send(evt_client *c, const uint8_t *data, size_t n)
{
	if (!c->heard.opened || c->wsi == NULL)
		return true;
	if (!client_add_outgoing(c, data, n))
		return false;
	lws_callback_on_writable(c->wsi);
	return true;
}

void
evt_client_ping(evt_client *c)
{
	if (!c->heard.opened || c->wsi == NULL)
		return;
	c->ping = true;
	lws_callback_on_writable(c->wsi);
}

int64_t
evt_client_heard_ns(const evt_client *c)
{
	return c->heard_ns;
}

void
evt_client_hold(evt_client *c, bool hold)
{
	if (c->heard.opened && c->wsi != NULL)
		lws_rx_flow_control(c->wsi, hold ? 0 : 1);
}

void
evt_client_close(evt_client *c, int code)
{
	if (!c->heard.opened || c->wsi == NULL) {
		evt_client_drop(c, code, "dropped by the recorder");
		return;
	}
	if (c->heard.code == 0) {
		c->heard.code = code;
		snprintf(c->heard.reason, sizeof(c->heard.reason),
		    "closed by the recorder");
	}
	c->closing = code;
	lws_callback_on_writable(c->wsi);
}

void
evt_client_drop(evt_client *c, int code, const char *reason)
{
	c->heard.code = code;
	snprintf(c->heard.reason, sizeof(c->heard.reason), "%s", reason);
	if (c->resolving) {
		c->resolving = false;
		c->live = true;
		c->heard.opened = false;
		evt_client_finish(c);
	} else if (c->wsi != NULL) {
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_REASON_BASE,
		    LWS_TO_KILL_ASYNC);
	}
}
