/*
 * server.c - the listening socket, the loop and the visitors; see server.h.
 * Channels play, http_route.c judges requests, connection.c moves bytes.
 *
 * The loop waits with epoll for the listener, the connections, one absolute timer
 * for the playback that is due first, and a descriptor by which it is stopped.
 */
#include "replay/serve/server.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/play/waker.h"
#include "replay/serve/channels.h"
#include "replay/serve/connection.h"
#include "replay/serve/http_request.h"
#include "replay/serve/http_route.h"
#include "replay/serve/listener.h"
#include "replay/serve/site.h"
#include "replay/serve/ws_client.h"

/* Bytes that the kernel may hold for a client that does not read. */
#define SEND_BUFFER (256 << 10)
/* How long clients may take to answer a close frame at a stop. */
#define STOP_NS (2 * EVT_NS_PER_S)
/* Between two rounds of housekeeping. */
#define TICK_NS (EVT_NS_PER_S / 2)
/* How long a visitor may take to say what it wants. */
#define HEAD_NS (10 * EVT_NS_PER_S)
/* How long it may do so if there is no room for others. */
#define SILENCE_NS EVT_NS_PER_S
/* Connections beside those of WebSocket clients.  The next one is only served
 * metrics, so that a server that is full can still be looked at. */
#define VISITORS_MAX 1024u
/* Further descriptors: the listener, the timer, tapes, blocks that are read. */
#define OTHER_FDS 256u
/* Bytes of one read, and events of one wait. */
#define READ_BYTES 65536u
#define EVENTS 64
/* Connections that are accepted in one turn. */
#define ACCEPTS 64u

/* A connection, and what became of it.  None of the two: nothing was asked yet. */
struct visitor {
	evt_server *server;
	evt_connection *connection;
	evt_buf head; /* of a request, as far as it has come */
	int64_t since_ns;
	bool spare; /* it came when there was no room but for metrics */
	bool heard; /* its head was read, or was refused */
	evt_http_request *request;
	evt_ws_client *client;
};

struct evt_server {
	evt_server_options o;
	SSL_CTX *tls; /* NULL: none */
	int listen_fd;
	int spare_fd; /* given up for a moment when there is no other left */
	int stop_fd;  /* readable: evt_server_stop() was called */
	evt_connections connections;
	evt_connections commands; /* sockets of programs that we run */
	size_t n_clients; /* of the connections, those of WebSocket clients */
	evt_waker waker;
	char url[300];
	evt_channels *channels;
	evt_client_log *clients;
	evt_series_cache series, compared_series;
	evt_site site;     /* what requests are answered from */
	evt_site compared; /* and those about the other tape, if there is one */
	evt_http_route route; /* where they go */
	evt_strings told;     /* refused values that were reported */
	evt_notice notice;
	bool said_no_trackers;
	int64_t tick_ns;     /* next housekeeping */
	int64_t deadline_ns; /* while stopping: when to drop the rest */
	bool stopping;
	atomic_bool stop;       /* lock-free: set by signal handlers too */
	evt_server_stats stats; /* without the channels that exist */
	uint8_t read[READ_BYTES];
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

/* Bounds for a connection, before anything is sent.  A connection works
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

/* ---- visitors ------------------------------------------------------------ */

/* Whether it may be dropped if there is no room: it was answered and does not leave,
 * or it has asked nothing for a while.  v: NULL, it was answered. */
static bool
server_visitor_may_go(const struct visitor *v, int64_t now)
{
	return v == NULL ||
	    (v->request == NULL && v->client == NULL &&
	        now - v->since_ns > SILENCE_NS);
}

/* Drop the oldest connection that may go, if there is one. */
static void
server_make_room(evt_server *s)
{
	evt_connection *c = evt_connections_next(&s->connections, NULL);
	int64_t now = evt_clock_mono();

	while (c != NULL && !server_visitor_may_go(evt_connection_ctx(c), now))
		c = evt_connections_next(&s->connections, c);
	if (c != NULL)
		evt_connection_drop(c);
}

/* Connections that are not those of clients.  A client that was dropped in this
 * turn counts on both sides. */
static size_t
server_visitors(const evt_server *s)
{
	size_t n = s->connections.n - s->connections.n_dead;

	return n > s->n_clients ? n - s->n_clients : 0;
}

/* The whole head of a request has come: n bytes. */
static void
server_visitor_ask(struct visitor *v, size_t n)
{
	const evt_http_route *rt = &v->server->route;
	evt_http_route_result result;
	evt_http_head head;
	const char *why;
	unsigned status =
	    evt_http_head_read((const char *)v->head.data, n, &head, &why);
	bool bodiless = head.method != NULL && strcmp(head.method, "HEAD") == 0;

	v->heard = true;
	if (status == 0 && v->spare && strcmp(head.path, "/metrics") != 0) {
		status = 503;
		why = "too many connections; retry when others have left";
	}
	if (status != 0) {
		evt_http_route_refuse(rt, v->connection, bodiless, status, why);
	} else {
		evt_http_route_begin(rt, v->connection, &head, &result);
		v->request = result.request;
		v->client = result.client;
		v->server->n_clients += v->client != NULL;
	}
	evt_http_head_free(&head);
}

/* Bytes of a request or of a WebSocket. */
static void
server_visitor_take(struct visitor *v, uint8_t *p, size_t n)
{
	if (v->client != NULL)
		evt_ws_client_receive(v->client, p, n);
	else if (v->request != NULL &&
	    evt_http_request_add_body(v->request, p, n))
		evt_http_route_complete(&v->server->route, v->request);
}

/* Bytes of the head of a request, and perhaps of what follows it. */
static void
server_visitor_take_head(struct visitor *v, const uint8_t *p, size_t n)
{
	size_t head;

	if (!evt_buf_add(&v->head, p, n)) {
		evt_connection_drop(v->connection);
		return;
	}
	head = evt_http_head_length((const char *)v->head.data, v->head.len);
	if (head == 0 && v->head.len <= EVT_HTTP_HEAD_MAX &&
	    evt_http_head_may_begin((const char *)v->head.data, v->head.len))
		return;
	server_visitor_ask(v, head > 0 ? head : v->head.len);
	if (v->head.len > head && !evt_connection_is_over(v->connection))
		server_visitor_take(v, v->head.data + head, v->head.len - head);
	/* It may hold credentials. */
	explicit_bzero(v->head.data, v->head.cap);
	evt_buf_free(&v->head);
}

static void
server_visitor_ended(struct visitor *v)
{
	if (v->client != NULL)
		evt_ws_client_ended(v->client);
	else if (v->request != NULL)
		evt_http_request_ended(v->request);
	else
		evt_connection_drop(v->connection);
}

static void
server_visitor_on_readable(void *ctx)
{
	struct visitor *v = ctx;
	uint8_t *p = v->server->read;
	ssize_t n = evt_connection_read(v->connection, p, READ_BYTES);

	if (n < 0)
		server_visitor_ended(v);
	else if (n > 0 && v->client == NULL && v->request == NULL)
		server_visitor_take_head(v, p, (size_t)n);
	else if (n > 0)
		server_visitor_take(v, p, (size_t)n);
}

static void
server_visitor_on_writable(void *ctx)
{
	struct visitor *v = ctx;

	if (v->client != NULL)
		evt_ws_client_writable(v->client);
	else if (v->request != NULL)
		evt_http_request_writable(v->request);
}

static void
server_visitor_on_due(void *ctx)
{
	struct visitor *v = ctx;

	if (v->client != NULL)
		evt_ws_client_due(v->client);
	else if (v->request != NULL)
		evt_http_request_due(v->request);
	else
		evt_connection_drop(v->connection);
}

static void
server_visitor_on_close(void *ctx)
{
	struct visitor *v = ctx;
	evt_server *s = v->server;

	if (v->client != NULL)
		s->n_clients--;
	else if (v->request == NULL && !v->heard)
		s->stats.unheard++;
	evt_ws_client_free(v->client);
	evt_http_request_free(v->request);
	if (v->head.data != NULL)
		explicit_bzero(v->head.data, v->head.cap);
	evt_buf_free(&v->head);
	free(v);
}

static const evt_connection_ops server_visitor_ops = {
	.on_readable = server_visitor_on_readable,
	.on_writable = server_visitor_on_writable,
	.on_due = server_visitor_on_due,
	.on_close = server_visitor_on_close,
};

/* A connection was accepted. */
static void
server_welcome(evt_server *s, int fd)
{
	struct visitor *v = NULL;

	if (server_visitors(s) >= VISITORS_MAX)
		server_make_room(s);
	if (server_visitors(s) <= VISITORS_MAX)
		v = calloc(1, sizeof(*v));
	if (v == NULL) {
		s->stats.refused++;
		close(fd);
		return;
	}
	v->server = s;
	v->since_ns = evt_clock_mono();
	v->spare = server_visitors(s) >= VISITORS_MAX;
	if (evt_connection_new(&s->connections, fd, s->tls, &server_visitor_ops,
	        v, &v->connection, NULL) != EVT_OK) {
		free(v);
		return;
	}
	evt_connection_set_due(v->connection, v->since_ns + HEAD_NS);
}

void
evt_server_add(evt_server *s, int fd)
{
	server_prepare_socket(fd);
	server_welcome(s, fd);
}

static void
server_accept_all(evt_server *s)
{
	bool refused = false;
	int fd;

	for (unsigned i = 0; i < ACCEPTS; i++) {
		fd = evt_listener_accept(s->listen_fd, &s->spare_fd, &refused);
		if (fd < 0)
			break;
		evt_server_add(s, fd);
	}
	if (refused) {
		s->stats.refused++;
		evt_notice_send(&s->notice,
		    "a connection was refused: too many open files");
	}
}

static void
server_on_timer(evt_server *s)
{
	int64_t wake = s->waker.armed_ns, now;

	evt_waker_clear(&s->waker);
	now = evt_waker_spin(&s->waker, wake);
	evt_channels_pump(s->channels, now);
}

/* ---- opening ------------------------------------------------------------- */

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

/* Let the loop wait for a descriptor of the server itself. */
static int
server_watch(evt_server *s, int *fd, evt_error *err)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = fd };

	if (epoll_ctl(s->connections.epoll_fd, EPOLL_CTL_ADD, *fd, &e) != 0)
		return evt_err_sys(err, errno, "cannot wait for a descriptor");
	return EVT_OK;
}

static int
server_open_loop(evt_server *s, evt_error *err)
{
	int r;

	server_allow_descriptors(
	    (rlim_t)s->o.max_clients + VISITORS_MAX + OTHER_FDS);
	s->connections.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->commands.epoll_fd = s->connections.epoll_fd;
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->connections.epoll_fd < 0 || s->stop_fd < 0)
		return evt_err_sys(err, errno, "cannot set up the loop");
	r = server_watch(s, &s->listen_fd, err);
	if (r == EVT_OK)
		r = server_watch(s, &s->waker.fd, err);
	if (r == EVT_OK)
		r = server_watch(s, &s->stop_fd, err);
	if (r == EVT_OK && s->o.tls_cert != NULL)
		r = evt_connection_tls_new(s->o.tls_cert, s->o.tls_key, &s->tls,
		    err);
	return r;
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
		.clients = s->clients,
		.stats = &s->stats,
		.notice = &s->notice };

	return evt_channels_new(&o, s->o.play, &s->channels, err);
}

static void
server_open_site(evt_server *s)
{
	const evt_server_compared *other = s->o.compared;

	s->site = (evt_site){ .tapes = s->o.tapes,
		.comparison = { .played = true },
		.series = &s->series,
		.ref = s->o.ref,
		.trackers = s->o.trackers,
		.hash = s->o.hash,
		.tiles = s->o.tiles,
		.folder = { .path = s->o.folder, .open_name = s->o.open_name },
		.channels = s->channels,
		.programs = { s->o.programs, &s->commands },
		.stats = &s->stats,
		.notice = &s->notice };
	if (other != NULL) {
		s->compared = s->site;
		s->compared.tapes = other->tapes;
		s->compared.series = &s->compared_series;
		s->compared.ref = other->ref;
		s->compared.trackers = other->trackers;
		s->compared.comparison =
		    (evt_site_comparison){ .offset_ns = other->offset_ns };
		s->site.comparison.other = &s->compared;
	}
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
	int r;

	s->clients = evt_client_log_new(s->o.access.token, s->o.hash);
	if (s->clients == NULL)
		return evt_err_nomem(err);
	r = server_open_channels(s, err);
	if (r != EVT_OK)
		return r;
	server_open_site(s);
	r = server_open_listener(s, err);
	if (r == EVT_OK)
		r = evt_waker_open(s->o.precise, &s->waker, err);
	if (r == EVT_OK)
		r = server_open_loop(s, err);
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
	s->listen_fd = s->waker.fd = s->stop_fd = -1;
	s->connections.epoll_fd = -1;
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
	evt_connections_close(&s->connections);
	evt_connections_close(&s->commands);
	SSL_CTX_free(s->tls);
	evt_channels_free(s->channels);
	evt_client_log_free(s->clients);
	evt_state_table_free(s->site.asked);
	evt_state_table_free(s->compared.asked);
	free(s->site.folder.wanted);
	evt_series_cache_clear(&s->series);
	evt_series_cache_clear(&s->compared_series);
	evt_strings_free(&s->told);
	evt_waker_close(&s->waker);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	if (s->connections.epoll_fd >= 0)
		close(s->connections.epoll_fd);
	explicit_bzero(s->read, sizeof(s->read));
	free(s);
}

const char *
evt_server_wanted(const evt_server *s)
{
	return s->site.folder.wanted;
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
	const uint64_t one = 1;

	atomic_store(&s->stop, true);
	/* It fails only if the descriptor is readable anyway. */
	if (write(s->stop_fd, &one, sizeof(one)) < 0)
		return;
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

	if (now >= s->tick_ns) {
		evt_channels_check(s->channels, now);
		evt_connections_check(&s->connections, now);
		s->tick_ns = now + TICK_NS;
	}
	/* Connections that are over, then channels that lost their client. */
	evt_connections_sweep(&s->connections);
	evt_connections_sweep(&s->commands);
	evt_channels_sweep(s->channels);
	wake = evt_channels_wake_ns(s->channels);
	if (s->connections.n > 0 && s->tick_ns < wake)
		wake = s->tick_ns;
	return s->deadline_ns < wake ? s->deadline_ns : wake;
}

static void
server_on_event(evt_server *s, const struct epoll_event *e)
{
	uint64_t n;

	if (e->data.ptr == &s->listen_fd)
		server_accept_all(s);
	else if (e->data.ptr == &s->waker.fd)
		server_on_timer(s);
	else if (e->data.ptr != &s->stop_fd)
		evt_connection_event(e->data.ptr, e->events);
	else if (read(s->stop_fd, &n, sizeof(n)) < 0)
		return; /* somebody else has read it */
}

/* Nobody waits for anything at a stop.  The request for another tape must get its
 * answer before the server ends for it. */
static bool
server_is_left(const evt_server *s)
{
	return evt_channels_clients(s->channels) == 0 &&
	    (s->site.folder.wanted == NULL || s->connections.n == 0);
}

/* Whether evt_server_run() must end. */
static bool
server_is_done(const evt_server *s, int64_t now)
{
	return evt_channels_finished(s->channels) ||
	    (s->stopping && (server_is_left(s) || now >= s->deadline_ns));
}

int
evt_server_turn(evt_server *s, bool wait, bool *ret_done, evt_error *err)
{
	struct epoll_event events[EVENTS];
	int64_t now = evt_waker_now();
	int n;

	if ((atomic_load(&s->stop) || s->site.folder.wanted != NULL) &&
	    !s->stopping)
		server_begin_stop(s, now);
	evt_waker_arm(&s->waker, server_housekeeping(s, now));
	*ret_done = server_is_done(s, now);
	if (*ret_done)
		return EVT_OK;
	n = epoll_wait(s->connections.epoll_fd, events, EVENTS, wait ? -1 : 0);
	if (n < 0 && errno != EINTR)
		return evt_err_sys(err, errno, "the server's loop failed");
	for (int i = 0; i < n; i++)
		server_on_event(s, &events[i]);
	return EVT_OK;
}

int
evt_server_run(evt_server *s, evt_error *err)
{
	bool done = false;
	int r = EVT_OK;

	while (r == EVT_OK && !done)
		r = evt_server_turn(s, true, &done, err);
	return r;
}
