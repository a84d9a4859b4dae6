/*
 * scrape.c - see scrape.h.
 *
 * An answer is composed as a whole and written with its headers; then the
 * connection is closed.  There are no WebSockets, so each upgrade is refused,
 * also one to h2c.
 */
#include "tools/evtape-record/scrape.h"

#include <errno.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "format/base/err.h"
#include "format/wire/access.h"
#include "format/base/prometheus.h"
#include "format/base/thread.h"
#include "format/base/timetext.h"
#include "record/metrics.h"
#include "replay/serve/listener.h"

/* Longest header that is read. */
#define HEADER_MAX 512
/* Most connections at a time; there are few scrapers. */
#define CONNECTIONS 64
/* Time limit in seconds for a request, and for taking its answer. */
#define PATIENCE 10

struct scrape {
	evt_address at;
	const char *tape;
	evt_recorder *recorder;
	struct lws_context *context;
	struct lws_vhost *vhost;
	int listen_fd, spare_fd;
	int64_t start_ns; /* UTC */
	pthread_t thread;
	bool runs;
	atomic_bool stop;
	char url[EVT_LISTENER_TEXT + 24];
};

/* An answer on its way. */
struct answer {
	evt_buf out; /* LWS_PRE bytes of headroom, then the answer */
	size_t at;   /* written up to here */
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
scrape_route(const scrape *s, const char *path, int n, evt_buf *body,
    bool *ret_ok)
{
	if (n == 8 && memcmp(path, "/metrics", 8) == 0) {
		*ret_ok = scrape_add_metrics(s, body);
		return 200;
	}
	if (n == 1 && *path == '/') {
		*ret_ok = evt_buf_add_str(body,
		    "evtape-record: metrics for "
		    "Prometheus are at /metrics\n");
		return 200;
	}
	*ret_ok =
	    evt_buf_add_str(body, "not found; the metrics are at /metrics\n");
	return 404;
}

/* Copy a header into buf.  NULL: there is none; "": it is too long to be
 * valid. */
static const char *
scrape_header(struct lws *wsi, enum lws_token_indexes token,
    char buf[HEADER_MAX])
{
	int n = lws_hdr_total_length(wsi, token);

	if (n <= 0)
		return NULL;
	return lws_hdr_copy(wsi, buf, HEADER_MAX, token) == n &&
	        strlen(buf) == (size_t)n ?
	    buf :
	    "";
}

static bool
scrape_is_allowed(const scrape *s, struct lws *wsi)
{
	char host[HEADER_MAX], origin[HEADER_MAX];
	const evt_access access = { .host = s->at.host };
	const evt_access_request request = {
		.host = scrape_header(wsi, WSI_TOKEN_HOST, host),
		.origin = scrape_header(wsi, WSI_TOKEN_ORIGIN, origin),
	};

	return evt_access_judge(&access, &request) == EVT_ACCESS_GRANTED;
}

static const char *
scrape_phrase(unsigned status)
{
	switch (status) {
	case 200:
		return "OK";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	default:
		return "Method Not Allowed";
	}
}

/* Compose the answer to a request.  false: out of memory. */
static bool
scrape_compose(const scrape *s, struct lws *wsi, evt_buf *out)
{
	static const uint8_t headroom[LWS_PRE];
	char *path = NULL;
	int n = 0, method = lws_http_get_uri_and_method(wsi, &path, &n);
	evt_buf body = { 0 };
	unsigned status;
	bool ok;

	if (!scrape_is_allowed(s, wsi)) {
		status = 403;
		ok = evt_buf_add_str(&body,
		    "this Host or Origin is not allowed: use the machine's "
		    "address, or the name that --metrics was given\n");
	} else if (method != LWSHUMETH_GET && method != LWSHUMETH_HEAD) {
		status = 405;
		ok = evt_buf_add_str(&body,
		    "method not allowed; use GET or HEAD\n");
	} else {
		status = scrape_route(s, path, n, &body, &ok);
	}
	ok = ok && evt_buf_add(out, headroom, sizeof(headroom)) &&
	    evt_buf_printf(out,
	        "HTTP/1.1 %u %s\r\n"
	        "content-type: " EVT_PROMETHEUS_TYPE
	        "\r\ncontent-length: %zu\r\n"
	        "cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
	        "%sconnection: close\r\n\r\n",
	        status, scrape_phrase(status), body.len,
	        status == 405 ? "allow: GET, HEAD\r\n" : "") &&
	    (method == LWSHUMETH_HEAD || evt_buf_add(out, body.data, body.len));
	evt_buf_free(&body);
	return ok;
}

/* ---- libwebsockets ------------------------------------------------------- */

static int
scrape_begin_answer(const scrape *s, struct lws *wsi)
{
	struct answer *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return -1;
	lws_set_opaque_user_data(wsi, a);
	if (!scrape_compose(s, wsi, &a->out))
		return -1;
	a->at = LWS_PRE;
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, PATIENCE);
	lws_callback_on_writable(wsi);
	return 0;
}

static int
scrape_write_answer(struct answer *a, struct lws *wsi)
{
	size_t left = a->out.len - a->at;

	if (lws_partial_buffered(wsi))
		return 0;
	if (left == 0)
		return -1; /* the kernel has all of it */
	if (lws_write(wsi, a->out.data + a->at, left, LWS_WRITE_HTTP_HEADERS) <
	    (int)left)
		return -1;
	a->at += left;
	lws_callback_on_writable(wsi);
	return 0;
}

static void
scrape_end_answer(struct answer *a, struct lws *wsi)
{
	lws_set_opaque_user_data(wsi, NULL);
	if (a != NULL)
		evt_buf_free(&a->out);
	free(a);
}

static void
scrape_accept_all(scrape *s)
{
	bool turned_away;
	int fd;

	/* lws_adopt_socket_vhost() closes a descriptor that it refuses. */
	while ((fd = evt_listener_accept(s->listen_fd, &s->spare_fd,
	            &turned_away)) >= 0)
		(void)lws_adopt_socket_vhost(s->vhost, fd);
}

static int
scrape_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	scrape *s = lws_context_user(lws_get_context(wsi));
	struct answer *a;

	(void)user;
	(void)in;
	(void)len;
	switch (reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		scrape_accept_all(s);
		return 0;
	case LWS_CALLBACK_HTTP:
		return scrape_begin_answer(s, wsi);
	case LWS_CALLBACK_HTTP_WRITEABLE:
		a = lws_get_opaque_user_data(wsi);
		return a != NULL ? scrape_write_answer(a, wsi) : 0;
	case LWS_CALLBACK_WSI_DESTROY:
		scrape_end_answer(lws_get_opaque_user_data(wsi), wsi);
		return 0;
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
	case LWS_CALLBACK_RAW_ADOPT:
		return -1;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "http",
	    .callback = scrape_callback,
	    .rx_buffer_size = 4096,
	    .tx_packet_size = 64 << 10 },
	{ .name = "-listener", .callback = scrape_callback },
	{ 0 },
};

static int
scrape_open_context(scrape *s, evt_error *err)
{
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.user = s,
		.alpn = "http/1.1",
		.timeout_secs = PATIENCE,
		.keepalive_timeout = PATIENCE,
		.fd_limit_per_thread = CONNECTIONS,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
	};
	lws_sock_file_fd_type u;

	lws_set_log_level(0, NULL);
	s->context = lws_create_context(&info);
	if (s->context != NULL)
		s->vhost = lws_create_vhost(s->context, &info);
	if (s->vhost == NULL)
		return evt_err_set(err, EVT_ERR_NOMEM,
		    "libwebsockets could not be started");
	/* The library closes sockets that it adopted; we close the others. */
	u.filefd = dup(s->listen_fd);
	if (u.filefd < 0)
		return evt_err_sys(err, errno, "cannot dup");
	if (lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, u,
	        "-listener", NULL) == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    "libwebsockets cannot wait for a descriptor");
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
	s->listen_fd = -1;
	s->spare_fd = evt_listener_spare();
	r = evt_listener_open(at, &s->listen_fd, where, err);
	if (r == EVT_OK)
		r = scrape_open_context(s, err);
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
	while (!atomic_load(&s->stop) && lws_service(s->context, 0) >= 0)
		;
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
	if (s == NULL)
		return;
	if (s->runs) {
		atomic_store(&s->stop, true);
		lws_cancel_service(s->context);
		(void)pthread_join(s->thread, NULL);
	}
	if (s->context != NULL)
		lws_context_destroy(s->context);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	free(s);
}
