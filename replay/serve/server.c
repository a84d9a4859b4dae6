/*
 * server.c - the listening socket, the loop of libwebsockets and its callbacks;
 * see server.h.  Channels play, http_route.c judges requests.
 *
 * The server listens and accepts itself, and gives the connections to
 * libwebsockets.  So names are resolved, IPv6 works, errors have a text, and a
 * socket's buffers are bounded before anything is sent.
 *
 * The library's own timers tick in milliseconds and spin the last one.  So the
 * loop has one absolute timer descriptor, for the playback that is due first.
 */
#include "replay/serve/server.h"

#include <assert.h>
#include <errno.h>
#include <libwebsockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/play/waker.h"
#include "replay/serve/channels.h"
#include "replay/serve/http_args.h"
#include "replay/serve/http_request.h"
#include "replay/serve/http_route.h"
#include "replay/serve/listener.h"
#include "replay/serve/peer.h"
#include "replay/serve/site.h"
#include "replay/serve/ws_client.h"

/* Bytes that the kernel may hold for a client that does not read. */
#define SEND_BUFFER (256 << 10)
/* How long clients may take to answer a close frame at a stop. */
#define STOP_NS (2 * EVT_NS_PER_S)
/* Between two rounds of housekeeping. */
#define TICK_NS (EVT_NS_PER_S / 2)
/* Connections beside those of clients: requests, and connections that say nothing
 * until they are dropped.  These must not keep clients out. */
#define OTHER_CONNECTIONS 1024u
/* Further descriptors: the listener, the timer, tapes, blocks that are read. */
#define OTHER_FDS 256u

/* Ids of our protocols: what a callback is about. */
enum { PROTOCOL_CLIENT = 1, PROTOCOL_TIMER, PROTOCOL_LISTENER };

struct evt_server {
	evt_server_options o;
	struct lws_context *context;
	struct lws_vhost *vhost;
	struct lws_protocols protocols[5]; /* the last one is empty */
	char offered[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX +
	    1]; /* name of the second */
	int listen_fd;
	int spare_fd; /* given up for a moment when there is no other left */
	evt_waker waker;
	char url[300];
	evt_channels *channels;
	evt_site site;        /* what requests are answered from */
	evt_http_route route; /* where they go */
	evt_strings told;     /* refused values that were reported */
	evt_notice notice;
	bool said_no_trackers;
	int64_t tick_ns;     /* next housekeeping */
	int64_t deadline_ns; /* while stopping: when to drop the rest */
	bool stopping;
	evt_peer gone;          /* attached to connections without an object */
	atomic_bool stop;       /* lock-free: set by signal handlers too */
	evt_server_stats stats; /* without the channels that exist */
};

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

/* Bounds for a connection, before libwebsockets gets it.  A connection works
 * also without one of them. */
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
	bool refused;
	int fd;

	for (;;) {
		fd = evt_listener_accept(s->listen_fd, &s->spare_fd, &refused);
		if (fd < 0)
			break;
		server_prepare_socket(fd);
		unheard = s->stats.unheard;
		/* If it fails it closes the descriptor.  After a failure of TLS
		 * its callback has counted the connection already. */
		if (lws_adopt_socket_vhost(s->vhost, fd) == NULL &&
		    s->stats.unheard == unheard)
			s->stats.refused++;
	}
	if (refused) {
		s->stats.refused++;
		evt_notice_send(&s->notice,
		    "a connection was refused: too many open files");
	}
}

/* ---- callbacks ----------------------------------------------------------- */

static void
server_on_timer(evt_server *s)
{
	int64_t wake = s->waker.armed_ns, now;

	evt_waker_clear(&s->waker);
	now = evt_waker_spin(&s->waker, wake);
	evt_channels_pump(s->channels, now);
}

/* Something happened on the connection of a WebSocket client. */
static int
server_on_ws_client(evt_server *s, struct lws *wsi, evt_ws_client *c,
    enum lws_callback_reasons reason, void *in, size_t len)
{
	int r;

	switch (reason) {
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		/* Now the library has found the protocol.  It would name it in
		 * its answer if it had a name. */
		s->offered[0] = '\0';
		return lws_get_protocol(wsi)->id == PROTOCOL_CLIENT ? 0 : -1;
	case LWS_CALLBACK_ESTABLISHED:
		return evt_ws_client_open(c);
	case LWS_CALLBACK_RECEIVE:
		r = evt_ws_client_receive(c, in, len);
		evt_ws_client_update_reading(c);
		return r;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return evt_ws_client_writable(c);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		return evt_ws_client_peer_closed(c, in, len);
	case LWS_CALLBACK_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(wsi, &s->gone);
		evt_ws_client_free(c);
		return 0;
	default:
		return 0;
	}
}

/* Something happened on the connection of another request. */
static int
server_on_request(evt_server *s, struct lws *wsi, evt_http_request *x,
    enum lws_callback_reasons reason, const void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP_BODY:
		return evt_http_request_add_body(x, in, len);
	case LWS_CALLBACK_HTTP_BODY_COMPLETION:
		evt_http_route_complete(&s->route, x);
		return 0;
	case LWS_CALLBACK_HTTP_WRITEABLE:
		return evt_http_request_writable(x);
	case LWS_CALLBACK_CLOSED_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		lws_set_opaque_user_data(wsi, &s->gone);
		evt_http_request_free(x);
		return 0;
	default:
		return 0;
	}
}

/* Something happened on a connection that has not asked for anything yet. */
static int
server_on_stranger(evt_server *s, struct lws *wsi,
    enum lws_callback_reasons reason)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		if (evt_http_route_upgrade(&s->route, wsi, s->offered) == 0)
			return 0;
		lws_set_opaque_user_data(wsi, &s->gone);
		return -1;
	case LWS_CALLBACK_HTTP:
		return evt_http_route_begin(&s->route, wsi);
	case LWS_CALLBACK_RAW_ADOPT:
		/* The library does not take CONNECT for HTTP, and would
		 * never drop the connection. */
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
	evt_peer *peer = lws_get_opaque_user_data(wsi);

	if (peer == NULL)
		return server_on_stranger(s, wsi, reason);
	switch (peer->kind) {
	case EVT_PEER_WS_CLIENT:
		return server_on_ws_client(s, wsi, (evt_ws_client *)peer,
		    reason, in, len);
	case EVT_PEER_HTTP_REQUEST:
		return server_on_request(s, wsi, (evt_http_request *)peer,
		    reason, in, len);
	case EVT_PEER_GONE:
		break;
	}
	return reason == LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION ? -1 : 0;
}

static int
server_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	/* NULL: it was refused before it could ask for one. */
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
	/* A client that asks for one of our own protocols does not get it. */
	if (id != PROTOCOL_CLIENT && lws_get_opaque_user_data(wsi) == NULL)
		return 0;
	return server_on_client(s, wsi, reason, in, len);
}

/* ---- opening ------------------------------------------------------------- */

/*
 * No client can offer one of our names as a subprotocol: they are no tokens of
 * HTTP.  The first protocol also gets all requests, and clients that offer no
 * subprotocol.  A write may be as large as a chunk of the fanout.
 *
 * The library drops a client whose subprotocols it does not have, although the
 * RFC (6455, 4.2.2) lets it go on without one.  So the second protocol takes the
 * name that the client offers while its handshake is looked at; see http_route.h.
 */
static void
server_name_protocols(evt_server *s)
{
	const struct lws_protocols client = { .name = "(client)",
		.callback = server_callback,
		.id = PROTOCOL_CLIENT,
		.rx_buffer_size = 64 << 10,
		.tx_packet_size = 128 << 10 };

	s->protocols[0] = s->protocols[1] = client;
	s->protocols[1].name = s->offered;
	s->protocols[2] = (struct lws_protocols){ .name = "(timer)",
		.callback = server_callback,
		.id = PROTOCOL_TIMER };
	s->protocols[3] = (struct lws_protocols){ .name = "(listener)",
		.callback = server_callback,
		.id = PROTOCOL_LISTENER };
}

/* Raise the limit of descriptors to n, as far as the system lets us.  With fewer,
 * some connections are refused. */
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
		.protocols = s->protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.user = s,
		.alpn = "http/1.1",
		.server_string = "evtape-replay",
		.max_http_header_data2 = EVT_HTTP_ARGS_MAX,
		.pt_serv_buf_size = EVT_HTTP_ARGS_MAX,
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
	server_name_protocols(s);
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
		        "cannot serve TLS: certificate and key must be PEM "
		        "files that belong together and that you may read" :
		        "cannot set up libwebsockets' server");
	return EVT_OK;
}

/* Let libwebsockets wait for a descriptor, and own it from then on. */
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

/* Let the library wait for a copy of a descriptor, which it closes. */
static int
server_adopt_copy(evt_server *s, int fd, const char *protocol, evt_error *err)
{
	int copy = dup(fd);

	if (copy < 0)
		return evt_err_sys(err, errno, "cannot duplicate a descriptor");
	return server_adopt(s, copy, protocol, err);
}

static int
server_open_channels(evt_server *s, evt_error *err)
{
	const evt_channel_options o = { .tapes = s->o.tapes,
		.trackers = s->o.trackers,
		.hash = s->o.hash,
		.heartbeat_ns = s->o.heartbeat_ns,
		.client_bytes = s->o.client_bytes,
		.client_stall_ns = s->o.client_stall_ns,
		.wait_clients = s->o.wait_clients,
		.shift = s->o.shift,
		.once = s->o.once,
		.said_no_trackers = &s->said_no_trackers,
		.stats = &s->stats,
		.notice = &s->notice };

	return evt_channels_new(&o, s->o.play, &s->channels, err);
}

static void
server_open_site(evt_server *s)
{
	s->site = (evt_site){ .tapes = s->o.tapes,
		.ref = s->o.ref,
		.trackers = s->o.trackers,
		.hash = s->o.hash,
		.tiles = s->o.tiles,
		.channels = s->channels,
		.stats = &s->stats,
		.notice = &s->notice };
	s->route = (evt_http_route){ .site = &s->site,
		.access = &s->o.access,
		.play = s->o.play,
		.shared = s->o.shared,
		.max_clients = s->o.max_clients,
		.heartbeat_ns = s->o.heartbeat_ns,
		.files = s->o.files,
		.n_files = s->o.n_files,
		.allow_advice = s->o.allow_advice,
		.told = &s->told };
}

static int
server_set_up(evt_server *s, evt_error *err)
{
	evt_channel *shared;
	int r = server_open_channels(s, err);

	if (r != EVT_OK)
		return r;
	server_open_site(s);
	r = server_open_listener(s, err);
	if (r == EVT_OK)
		r = evt_waker_open(s->o.precise, &s->waker, err);
	if (r == EVT_OK)
		r = server_open_context(s, err);
	if (r == EVT_OK)
		r = server_adopt_copy(s, s->listen_fd, "(listener)", err);
	if (r == EVT_OK)
		r = server_adopt_copy(s, s->waker.fd, "(timer)", err);
	/* A tape that cannot be played must fail now, not when a client
	 * comes. */
	if (r == EVT_OK && s->o.shared)
		r = evt_channels_shared(s->channels, &shared, err);
	return r;
}

int
evt_server_open(const evt_server_options *options, evt_server **ret_server,
    evt_error *err)
{
	evt_server *s;
	int r;

	assert(options->tapes != NULL && options->play != NULL);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return evt_err_nomem(err);
	s->o = *options;
	s->notice = (evt_notice){ .fn = options->notice, .ctx = options->ctx };
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
	/* Its callbacks free the clients and the requests. */
	if (s->context != NULL)
		lws_context_destroy(s->context);
	evt_channels_free(s->channels);
	evt_state_table_free(s->site.asked);
	evt_strings_free(&s->told);
	evt_waker_close(&s->waker);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
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
	evt_channels_add_stats(s->channels, ret_stats);
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
	evt_channels_stop(s->channels);
}

/* Do what is done now and then; returns when the loop must wake up. */
static int64_t
server_housekeeping(evt_server *s, int64_t now)
{
	int64_t wake;

	evt_channels_sweep(s->channels);
	if (now >= s->tick_ns) {
		evt_channels_check(s->channels, now);
		s->tick_ns = now + TICK_NS;
	}
	wake = evt_channels_wake_ns(s->channels);
	if (evt_channels_clients(s->channels) > 0 && s->tick_ns < wake)
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
		evt_waker_arm(&s->waker, server_housekeeping(s, now));
		if (evt_channels_finished(s->channels) ||
		    (s->stopping &&
		        (evt_channels_clients(s->channels) == 0 ||
		            now >= s->deadline_ns)))
			return EVT_OK;
		if (lws_service(s->context, 0) < 0)
			return evt_err_set(err, EVT_ERR_IO,
			    "libwebsockets' loop failed");
	}
}
