/*
 * server.c - see server.h.  The listening socket, the libwebsockets loop, and what
 * its callbacks are about; stage.c plays, http.c lets in.
 *
 * We listen and accept ourselves and hand connections to libwebsockets: so names
 * are resolved, IPv6 works, errors have their words, and a socket's buffers can be
 * bounded before anything is sent.
 *
 * The library's own timers tick in milliseconds and spin the last one.  So there
 * is one absolute timer descriptor in its loop, for the earliest due of all decks.
 */
#include "replay/serve/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/serve/listener.h"
#include "replay/serve/server_impl.h"

/* What the kernel may hold for a client that does not read. */
#define SEND_BUFFER (256 << 10)
/* Clients get this long to answer a close at the end. */
#define STOP_NS (2 * EVT_NS_PER_S)
/* Housekeeping. */
#define TICK_NS (EVT_NS_PER_S / 2)
/* Connections beside the clients: requests, and those that say nothing until
 * they are dropped, who must not keep the others out. */
#define OTHER_CONNECTIONS 1024u
/* Further descriptors: the listener, the timer, tapes, blocks that are read. */
#define OTHER_FDS 256u

void
evt_server_notice(const evt_server *s, const char *fmt, ...)
{
	char text[640];
	va_list ap;

	if (s->o.notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* What a client sent stands in some: a line stays a line, and is no
	 * command to a terminal. */
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	s->o.notice(s->o.ctx, text);
}

/* ---- the listening socket ------------------------------------------------ */

static int
server_open_listener(evt_server *s, evt_error *err)
{
	char where[EVT_LISTENER_TEXT];
	int r = evt_listener_open(&s->o.at, &s->listen_fd, where, err);

	if (r == EVT_OK)
		snprintf(s->url, sizeof(s->url), "%s://%s/stream",
		    s->o.tls_cert != NULL ? "wss" : "ws", where);
	return r;
}

/* Bounds for a connection, before libwebsockets has it.  Where one is refused the
 * connection works all the same. */
static void
server_prepare_socket(int fd)
{
	int one = 1, idle = 60, interval = 10, count = 6, buffer = SEND_BUFFER;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval,
	    sizeof(interval));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
}

static void
server_accept_all(evt_server *s)
{
	uint64_t unheard;
	bool turned_away;
	int fd;

	while ((fd = evt_listener_accept(s->listen_fd, &s->spare_fd,
	            &turned_away)) >= 0) {
		server_prepare_socket(fd);
		unheard = s->stats.unheard;
		/* It closes the descriptor where it fails; perhaps it had begun
		 * with TLS, and told us that it was no good. */
		if (lws_adopt_socket_vhost(s->vhost, fd) == NULL &&
		    s->stats.unheard == unheard)
			s->stats.refused++;
	}
	if (turned_away) {
		s->stats.refused++;
		evt_server_notice(s,
		    "a client was turned away: too many open files");
	}
}

/* ---- callbacks ----------------------------------------------------------- */

static void
server_on_timer(evt_server *s)
{
	int64_t wake = s->waker.armed_ns, now;

	evt_waker_clear(&s->waker);
	now = evt_waker_spin(&s->waker, wake);
	for (struct stage *st = s->stages; st != NULL; st = st->next) {
		if (st->wake_ns <= now)
			evt_playback_pump(st);
	}
}

/* What a viewer's connection is about. */
static int
server_on_viewer(struct viewer *c, enum lws_callback_reasons reason,
    const void *in, size_t len)
{
	evt_server *s;
	int r;

	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		/* Who asks for one of our own protocols does not get it. */
		return lws_get_protocol(c->wsi)->id == PROTOCOL_CLIENT ? 0 : -1;
	case LWS_CALLBACK_ESTABLISHED:
		return evt_ws_client_watch(c);
	case LWS_CALLBACK_RECEIVE:
		r = evt_ws_client_receive(c, in, len);
		evt_ws_client_mind(c);
		return r;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return evt_ws_client_writable(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		c->done = true;
		evt_ws_client_mind(c);
		return 0;
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		s = c->stage->server;
		if (c->tap.fanout == NULL)
			s->stats.refused++; /* by the library */
		lws_set_opaque_user_data(c->wsi, &s->gone);
		evt_ws_client_free(c);
		return 0;
	default:
		return 0;
	}
}

static int
server_on_exchange(struct exchange *x, enum lws_callback_reasons reason,
    const void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP_BODY:
		return evt_http_request_body(x, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		return evt_http_request_complete(x);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return evt_http_request_writable(x);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(x->wsi, &x->server->gone);
		evt_http_request_free(x);
		return 0;
	default:
		return 0;
	}
}

/* What has no peer: connections that have not asked for anything yet. */
static int
server_on_stranger(evt_server *s, struct lws *wsi,
    enum lws_callback_reasons reason)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		if (evt_http_upgrade(s, wsi) == 0)
			return 0;
		lws_set_opaque_user_data(wsi, &s->gone);
		return -1;
	case LWS_CALLBACK_HTTP:
		return evt_http_request_begin(s, wsi);
	case LWS_CALLBACK_RAW_ADOPT:
		/* The library takes CONNECT for the beginning of something that
		 * is no HTTP, and would never drop it. */
		s->stats.refused++;
		lws_set_opaque_user_data(wsi, &s->gone);
		return -1;
	case LWS_CALLBACK_WSI_DESTROY:
		s->stats.unheard++;
		return 0;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return -1;
	default:
		return 0;
	}
}

static int
server_on_client(evt_server *s, struct lws *wsi,
    enum lws_callback_reasons reason, void *in, size_t len)
{
	struct peer *peer = lws_get_opaque_user_data(wsi);

	if (peer == NULL)
		return server_on_stranger(s, wsi, reason);
	switch (peer->kind) {
	case PEER_VIEWER:
		return server_on_viewer((struct viewer *)peer, reason, in, len);
	case PEER_EXCHANGE:
		return server_on_exchange((struct exchange *)peer, reason, in,
		    len);
	default:
		return reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION ? -1 :
		                                                           0;
	}
}

static int
server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	/* None: it was refused before it could ask for one. */
	const struct lws_protocols *protocol = lws_get_protocol(wsi);
	unsigned id = protocol != NULL ? protocol->id : PROTOCOL_CLIENT;
	evt_server *s = lws_context_user(lws_get_context(wsi));

	(void)user;
	if (s == NULL)
		return 0;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		if (id == PROTOCOL_TIMER)
			server_on_timer(s);
		else if (id == PROTOCOL_LISTENER)
			server_accept_all(s);
		return 0;
	}
	/* Clients may ask for our own protocols, and are not given them. */
	if (id != PROTOCOL_CLIENT && lws_get_opaque_user_data(wsi) == NULL)
		return 0;
	return server_on_client(s, wsi, reason, in, len);
}

/* ---- opening ------------------------------------------------------------- */

static const struct lws_protocols protocols[] = {
	/* The first one also has all requests, and clients that name no
	 * subprotocol.  A write may be as large as a chunk. */
	{ .name = "evtape",
	    .callback = server_callback,
	    .id = PROTOCOL_CLIENT,
	    .rx_buffer_size = 64 << 10,
	    .tx_packet_size = 128 << 10 },
	{ .name = "-timer", .callback = server_callback, .id = PROTOCOL_TIMER },
	{ .name = "-listener",
	    .callback = server_callback,
	    .id = PROTOCOL_LISTENER },
	{ 0 },
};

/* Descriptors for all who may connect.  With fewer some are turned away. */
static void
server_allow_descriptors(rlim_t n)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= n)
		return;
	limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int
server_open_context(evt_server *s, evt_error *err)
{
	const unsigned n = (unsigned)s->o.max_clients + OTHER_CONNECTIONS;
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.user = s,
		.alpn = "http/1.1",
		.server_string = "evtape-replay",
		.max_http_header_data2 = QUERY_MAX,
		.pt_serv_buf_size = QUERY_MAX,
		.timeout_secs = 10,
		.keepalive_timeout = 10,
		.fd_limit_per_thread = n,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
	};

	if (s->o.tls_cert != NULL) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = s->o.tls_cert;
		info.ssl_private_key_filepath = s->o.tls_key;
	}
	server_allow_descriptors(n + OTHER_FDS);
	lws_set_log_level(0, NULL);
	s->context = lws_create_context(&info);
	if (s->context == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    "cannot set up libwebsockets");
	s->vhost = lws_create_vhost(s->context, &info);
	if (s->vhost == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    s->o.tls_cert != NULL ?
		        "cannot serve TLS; are --tls-cert and --tls-key PEM "
		        "files of one key, readable by you?" :
		        "cannot set up libwebsockets' server");
	return EVT_OK;
}

/* Have libwebsockets wait for a descriptor; it is the library's from then on. */
static int
server_adopt(evt_server *s, int fd, const char *protocol, evt_error *err)
{
	lws_sock_file_fd_type u = { .filefd = fd };

	if (lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, u,
	        protocol, NULL) == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    "libwebsockets cannot wait for a descriptor");
	return EVT_OK;
}

static int
server_set_up(evt_server *s, evt_error *err)
{
	int fd, r;

	s->arg = malloc(QUERY_MAX);
	if (s->arg == NULL)
		return evt_err_nomem(err);
	if ((r = server_open_listener(s, err)) != EVT_OK ||
	    (r = evt_waker_open(s->o.precise, &s->waker, err)) != EVT_OK ||
	    (r = server_open_context(s, err)) != EVT_OK)
		return r;
	/* The library closes what it adopted, and we what we have. */
	fd = dup(s->listen_fd);
	if (fd < 0 || (r = server_adopt(s, fd, "-listener", err)) != EVT_OK)
		return fd < 0 ? evt_err_sys(err, errno, "cannot dup") : r;
	fd = dup(s->waker.fd);
	if (fd < 0 || (r = server_adopt(s, fd, "-timer", err)) != EVT_OK)
		return fd < 0 ? evt_err_sys(err, errno, "cannot dup") : r;
	/* What cannot be played shows now, not when somebody comes. */
	return s->o.shared ? evt_playback_shared(s, &s->house, err) : EVT_OK;
}

int
evt_server_open(const evt_server_options *options, evt_server **ret_server,
    evt_error *err)
{
	evt_server *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	s->o = *options;
	s->listen_fd = s->waker.fd = -1;
	s->spare_fd = evt_listener_spare();
	s->deadline_ns = INT64_MAX;
	r = server_set_up(s, err);
	if (r != EVT_OK) {
		evt_server_close(s);
		return r;
	}
	*ret_server = s;
	return EVT_OK;
}

void
evt_server_close(evt_server *s)
{
	if (s == NULL)
		return;
	/* Callbacks come while it goes, and take the clients from their stages. */
	if (s->context != NULL)
		lws_context_destroy(s->context);
	evt_playbacks_free(s);
	evt_state_table_free(s->asked);
	evt_waker_close(&s->waker);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	free(s->arg);
	free(s);
}

const char *
evt_server_url(const evt_server *s)
{
	return s->url;
}

void
evt_server_get_stats(const evt_server *s, evt_server_stats *ret_stats)
{
	*ret_stats = s->stats;
	for (const struct stage *st = s->stages; st != NULL; st = st->next)
		evt_playback_sum(st, ret_stats);
}

/* ---- running ------------------------------------------------------------- */

void
evt_server_stop(evt_server *s)
{
	atomic_store(&s->stop, true);
	lws_cancel_service(s->context);
}

static void
server_begin_stop(evt_server *s, int64_t now)
{
	s->stopping = true;
	s->deadline_ns = now + STOP_NS;
	for (struct stage *st = s->stages; st != NULL; st = st->next) {
		st->ended = true;
		for (struct viewer *c = st->clients; c != NULL; c = c->next)
			evt_ws_client_goodbye(c, LWS_CLOSE_STATUS_GOINGAWAY);
	}
}

/* What is done now and then; returns when the loop must wake up. */
static int64_t
server_keep_house(evt_server *s, int64_t now)
{
	int64_t wake = INT64_MAX;

	evt_playbacks_sweep(s);
	for (struct stage *st = s->stages; st != NULL; st = st->next) {
		if (now >= s->tick_ns)
			evt_playback_check(st, now);
		if (st->wake_ns < wake)
			wake = st->wake_ns;
	}
	if (now >= s->tick_ns)
		s->tick_ns = now + TICK_NS;
	if (s->n_clients > 0 && s->tick_ns < wake)
		wake = s->tick_ns;
	return s->deadline_ns < wake ? s->deadline_ns : wake;
}

int
evt_server_run(evt_server *s, evt_error *err)
{
	for (;;) {
		int64_t now = evt_waker_now();

		if (atomic_load(&s->stop) && !s->stopping)
			server_begin_stop(s, now);
		evt_waker_arm(&s->waker, server_keep_house(s, now));
		if (s->finished ||
		    (s->stopping &&
		        (s->n_clients == 0 || now >= s->deadline_ns)))
			return EVT_OK;
		if (lws_service(s->context, 0) < 0)
			return evt_err_set(err, EVT_ERR_IO,
			    "libwebsockets' loop failed");
	}
}
