/*
 * scrape.c - see scrape.h.
 *
 * An answer is composed as a whole and written with its headers; then the
 * connection is closed.  There are no WebSockets: a request for an upgrade is
 * answered as it is.
 */
#include "tools/evtape-record/scrape.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/wire/access.h"
#include "format/base/prometheus.h"
#include "format/base/thread.h"
#include "format/base/timetext.h"
#include "format/wire/http_head.h"
#include "record/metrics.h"
#include "replay/serve/connection.h"
#include "replay/serve/listener.h"

/* Most connections at a time; there are few scrapers.  For another one the oldest
 * is dropped. */
#define CONNECTIONS 64u
/* Time limit for a request. */
#define PATIENCE_NS (10 * EVT_NS_PER_S)
/* How often time limits are looked at. */
#define TICK_MS 500
/* Events of one wait. */
#define EVENTS 16

struct scrape {
	evt_address at;
	const char *tape;
	evt_recorder *recorder;
	evt_connections connections;
	int listen_fd, spare_fd, stop_fd;
	int64_t start_ns; /* UTC */
	pthread_t thread;
	bool runs;
	atomic_bool stop;
	char url[EVT_LISTENER_TEXT + 24];
};

/* A connection that has not been answered. */
struct visitor {
	const scrape *scrape;
	evt_connection *connection;
	evt_buf head; /* of its request, as far as it has come */
};

/* ---- answers ------------------------------------------------------------- */

static bool
scrape_add_metrics(const scrape *s, evt_buf *out)
{
	evt_metrics_around around = { .now_ns = evt_clock_real(),
		.start_ns = s->start_ns };
	evt_status_figures stats;
	struct statvfs fs;

	evt_recorder_get_stats(s->recorder, &stats);
	/* Here and not on the thread of the tape: a dead disk may block it. */
	if (statvfs(s->tape, &fs) == 0) {
		around.has_disk = true;
		around.disk_free = (uint64_t)fs.f_bavail * fs.f_frsize;
		around.disk_size = (uint64_t)fs.f_blocks * fs.f_frsize;
	}
	return evt_metrics_write(&stats, &around, out);
}

/* Status and body for a request that access control allows. */
static unsigned
scrape_route(const scrape *s, const char *path, evt_buf *body, bool *ret_ok)
{
	if (strcmp(path, "/metrics") == 0) {
		*ret_ok = scrape_add_metrics(s, body);
		return 200;
	}
	if (strcmp(path, "/") == 0) {
		*ret_ok = evt_buf_add_str(body,
		    "evtape-record: metrics for "
		    "Prometheus are at /metrics\n");
		return 200;
	}
	*ret_ok =
	    evt_buf_add_str(body, "not found; the metrics are at /metrics\n");
	return 404;
}

static bool
scrape_is_allowed(const scrape *s, const evt_http_head *head)
{
	const evt_access access = { .host = s->at.host };
	const evt_access_request request = {
		.host = evt_http_head_get(head, "Host"),
		.origin = evt_http_head_get(head, "Origin"),
		.fetch_site = evt_http_head_get(head, "Sec-Fetch-Site"),
	};

	return evt_access_judge(&access, &request) == EVT_ACCESS_GRANTED;
}

static const char *
scrape_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 431:
		return "Request Header Fields Too Large";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Internal Server Error";
	}
}

/* Judge a request whose head was read, and write the body of the answer; returns
 * the status. */
static unsigned
scrape_judge(const scrape *s, const evt_http_head *head, evt_buf *body,
    bool *ret_ok)
{
	assert(head->method != NULL);
	if (!scrape_is_allowed(s, head)) {
		*ret_ok = evt_buf_add_str(body,
		    "this Host or Origin is not allowed: use the machine's "
		    "address, or the name that --metrics was given\n");
		return 403;
	}
	if (strcmp(head->method, "GET") != 0 &&
	    strcmp(head->method, "HEAD") != 0) {
		*ret_ok = evt_buf_add_str(body,
		    "method not allowed; use GET or HEAD\n");
		return 405;
	}
	return scrape_route(s, head->path, body, ret_ok);
}

/* Compose the answer to the request whose head is the n bytes at p.  false: out of
 * memory. */
static bool
scrape_compose(const scrape *s, const char *p, size_t n, evt_buf *out)
{
	evt_buf body = { 0 };
	evt_http_head head;
	const char *why;
	unsigned status = evt_http_head_read(p, n, &head, &why);
	bool ok,
	    bodiless = head.method != NULL && strcmp(head.method, "HEAD") == 0;

	if (status == 0)
		status = scrape_judge(s, &head, &body, &ok);
	else
		ok = evt_buf_printf(&body, "%s\n", why);
	ok = ok &&
	    evt_buf_printf(out,
	        "HTTP/1.1 %u %s\r\n"
	        "content-type: " EVT_PROMETHEUS_TYPE
	        "\r\ncontent-length: %zu\r\n"
	        "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
	        "%sconnection: close\r\n\r\n",
	        status, scrape_phrase(status), body.len,
	        status == 405 ? "allow: GET, HEAD\r\n" : "") &&
	    (bodiless || evt_buf_add(out, body.data, body.len));
	evt_http_head_free(&head);
	evt_buf_free(&body);
	return ok;
}

/* ---- connections --------------------------------------------------------- */

static void
scrape_on_readable(void *ctx)
{
	struct visitor *v = ctx;
	uint8_t buf[EVT_HTTP_HEAD_MAX];
	ssize_t got = evt_connection_read(v->connection, buf, sizeof(buf));
	evt_buf out = { 0 };
	size_t n;

	if (got == 0)
		return;
	if (got < 0 || !evt_buf_add(&v->head, buf, (size_t)got)) {
		evt_connection_drop(v->connection);
		return;
	}
	n = evt_http_head_length((const char *)v->head.data, v->head.len);
	if (n == 0 && v->head.len <= EVT_HTTP_HEAD_MAX &&
	    evt_http_head_may_begin((const char *)v->head.data, v->head.len))
		return;
	if (scrape_compose(v->scrape, (const char *)v->head.data,
	        n > 0 ? n : v->head.len, &out) &&
	    evt_connection_queue(v->connection, out.data, out.len))
		evt_connection_finish(v->connection);
	else
		evt_connection_drop(v->connection);
	evt_buf_free(&out);
}

/* Its request is late. */
static void
scrape_on_due(void *ctx)
{
	struct visitor *v = ctx;

	evt_connection_drop(v->connection);
}

/* Nothing asks for it. */
static void
scrape_on_writable(void *ctx)
{
	(void)ctx;
}

static void
scrape_on_close(void *ctx)
{
	struct visitor *v = ctx;

	evt_buf_free(&v->head);
	free(v);
}

static const evt_connection_ops scrape_ops = {
	.on_readable = scrape_on_readable,
	.on_writable = scrape_on_writable,
	.on_due = scrape_on_due,
	.on_close = scrape_on_close,
};

static void
scrape_welcome(scrape *s, int fd)
{
	evt_connections *all = &s->connections;
	struct visitor *v = calloc(1, sizeof(*v));

	if (all->n - all->n_dead >= CONNECTIONS)
		evt_connection_drop(evt_connections_next(all, NULL));
	if (v == NULL) {
		close(fd);
		return;
	}
	v->scrape = s;
	if (evt_connection_new(all, fd, NULL, &scrape_ops, v, &v->connection,
	        NULL) != EVT_OK)
		free(v);
	else
		evt_connection_set_due(v->connection,
		    evt_clock_mono() + PATIENCE_NS);
}

static void
scrape_accept_all(scrape *s)
{
	bool turned_away;
	int fd;

	for (unsigned i = 0; i < CONNECTIONS; i++) {
		fd = evt_listener_accept(s->listen_fd, &s->spare_fd,
		    &turned_away);
		if (fd < 0)
			return;
		scrape_welcome(s, fd);
	}
}

/* One wait for events.  false: the loop failed. */
static bool
scrape_turn(scrape *s)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(s->connections.epoll_fd, events, EVENTS,
	    s->connections.n > 0 ? TICK_MS : -1);

	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr == &s->listen_fd)
			scrape_accept_all(s);
		else if (events[i].data.ptr != &s->stop_fd)
			evt_connection_event(events[i].data.ptr,
			    events[i].events);
	}
	evt_connections_check(&s->connections, evt_clock_mono());
	evt_connections_sweep(&s->connections);
	return n >= 0 || errno == EINTR;
}

static int
scrape_open_loop(scrape *s, evt_error *err)
{
	struct epoll_event listen = { .events = EPOLLIN,
		.data.ptr = &s->listen_fd };
	struct epoll_event stop = { .events = EPOLLIN,
		.data.ptr = &s->stop_fd };

	s->connections.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->connections.epoll_fd < 0 || s->stop_fd < 0 ||
	    epoll_ctl(s->connections.epoll_fd, EPOLL_CTL_ADD, s->listen_fd,
	        &listen) != 0 ||
	    epoll_ctl(s->connections.epoll_fd, EPOLL_CTL_ADD, s->stop_fd,
	        &stop) != 0)
		return evt_err_sys(err, errno,
		    "cannot set up the loop that serves metrics");
	return EVT_OK;
}

/* ---- the interface ------------------------------------------------------- */

int
scrape_open(const evt_address *at, const char *tape, scrape **ret_scrape,
    evt_error *err)
{
	scrape *s = calloc(1, sizeof(*s));
	char where[EVT_LISTENER_TEXT];
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	s->at = *at;
	s->tape = tape;
	s->start_ns = evt_clock_real();
	s->listen_fd = s->stop_fd = s->connections.epoll_fd = -1;
	s->spare_fd = evt_listener_spare();
	r = evt_listener_open(at, &s->listen_fd, where, err);
	if (r == EVT_OK)
		r = scrape_open_loop(s, err);
	if (r != EVT_OK) {
		scrape_close(s);
		return r;
	}
	snprintf(s->url, sizeof(s->url), "http://%s/metrics", where);
	*ret_scrape = s;
	return EVT_OK;
}

const char *
scrape_url(const scrape *s)
{
	return s->url;
}

static void *
scrape_run(void *arg)
{
	scrape *s = arg;

	evt_thread_name("evt-metrics");
	while (!atomic_load(&s->stop) && scrape_turn(s))
		continue;
	return NULL;
}

int
scrape_start(scrape *s, evt_recorder *recorder, evt_error *err)
{
	int r;

	s->recorder = recorder;
	r = evt_thread_start(&s->thread, scrape_run, s);
	s->runs = r == 0;
	return r == 0 ? EVT_OK :
	                evt_err_sys(err, r,
	                    "cannot start the thread that serves --metrics");
}

void
scrape_close(scrape *s)
{
	const uint64_t one = 1;

	if (s == NULL)
		return;
	if (s->runs) {
		atomic_store(&s->stop, true);
		/* A write to it cannot fail: it is written once. */
		if (write(s->stop_fd, &one, sizeof(one)) == sizeof(one))
			(void)pthread_join(s->thread, NULL);
	}
	evt_connections_close(&s->connections);
	if (s->connections.epoll_fd >= 0)
		close(s->connections.epoll_fd);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	free(s);
}
