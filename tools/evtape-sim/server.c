/*
 * server.c - libwebsockets: handshakes, messages in, the loop.
 *
 * All descriptors are in libwebsockets' poll set: the sockets of clients, and as
 * plain files the listening socket, the timer and the signals.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "format/navixy/atmosphere.h"
#include "tools/evtape-sim/capture.h"
#include "tools/evtape-sim/sim.h"
#include "tools/print.h"

/* A longer message of a client closes its connection with 1009. */
#define RECEIVE_MAX 1048576
#define PATH_BYTES 4096
/* libwebsockets drops every argument after one that does not fit. */
#define ARG_BYTES 4096

struct session {
	sim_client *client;
};

void
sim_say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cli_note_v(&sim_command, fmt, ap);
	va_end(ap);
}

/* ---- HTTP ---- */

/* Answer and close the connection: -1 for libwebsockets. */
static int
sim_server_http_answer(struct lws *wsi, int status, const char *words,
    const char *headers, const char *body)
{
	char text[LWS_PRE + 512];
	int n = snprintf(text + LWS_PRE, sizeof(text) - LWS_PRE,
	    "HTTP/1.1 %d %s\r\n%sContent-Type: text/plain\r\n"
	    "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    status, words, headers, strlen(body), body);

	/* The connection is closed whether or not this succeeds. */
	(void)lws_write(wsi, (unsigned char *)text + LWS_PRE, (size_t)n,
	    LWS_WRITE_HTTP_HEADERS);
	return -1;
}

static bool
sim_server_ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool
sim_server_is_subscription_path(struct lws *wsi, int token)
{
	char path[PATH_BYTES];
	int n = lws_hdr_copy(wsi, path, sizeof(path),
	    (enum lws_token_indexes)token);

	if (n <= 0)
		return false;
	if (path[n - 1] == '/')
		path[n - 1] = '\0';
	return sim_server_ends_in(path, "/event/subscription") ||
	    sim_server_ends_in(path, "/wse/subscription");
}

static int
sim_server_serve_http(struct lws *wsi, const char *path)
{
	if (path != NULL && strcmp(path, "/") == 0)
		return sim_server_http_answer(wsi, 200, "OK", "",
		    "evtape-sim: connect a WebSocket to /event/subscription\n");
	if (sim_server_is_subscription_path(wsi, WSI_TOKEN_GET_URI))
		return sim_server_http_answer(wsi, 426, "Upgrade Required",
		    "Upgrade: websocket\r\n", "this is a WebSocket\n");
	return sim_server_http_answer(wsi, 404, "Not Found", "", "not found\n");
}

/* A WebSocket handshake: accept it (0), or answer with an error. */
static int
sim_server_filter(sim *s, struct lws *wsi)
{
	const sim_options *o = s->opt;
	char retry[48] = "";

	if (o->http_error > 0 &&
	    (o->http_error_count == 0 ||
	        s->refused < (uint64_t)o->http_error_count)) {
		s->refused++;
		if (o->http_retry_after >= 0)
			snprintf(retry, sizeof(retry), "Retry-After: %lld\r\n",
			    (long long)o->http_retry_after);
		return sim_server_http_answer(wsi, (int)o->http_error,
		    "Refused On Request", retry, "refused on request\n");
	}
	if (o->lines == NULL &&
	    !sim_server_is_subscription_path(wsi, WSI_TOKEN_GET_URI))
		return sim_server_http_answer(wsi, 404, "Not Found", "",
		    "not found\n");
	return 0;
}

/* Refuse every upgrade except to WebSocket, above all h2c. */
static int
sim_server_confirm_upgrade(struct lws *wsi)
{
	char to[32];
	int n = lws_hdr_copy(wsi, to, sizeof(to), WSI_TOKEN_UPGRADE);

	return n > 0 && strcasecmp(to, "websocket") == 0 ? 0 : -1;
}

/* ---- the Atmosphere layer ---- */

static void
sim_server_greet(sim_client *c)
{
	char arg[ARG_BYTES], any[ARG_BYTES], text[EVT_ATMOSPHERE_TEXT];
	const char *id = lws_get_urlarg_by_name(c->wsi,
	    "X-Atmosphere-tracking-id=", arg, sizeof(arg));
	bool protocol = lws_get_urlarg_by_name(c->wsi, "X-atmo-protocol=", any,
	                    sizeof(any)) != NULL;
	uint64_t random[2] = { 0, 0 };

	/* Draw only for Atmosphere: else the simulation must stay the same. */
	for (int i = 0; id != NULL && i < 2; i++)
		random[i] = sim_rng_next(&c->sim->rng);
	c->atmosphere =
	    evt_atmosphere_greet(id, protocol, (const uint8_t *)random,
	        c->sim->opt->heartbeat_ns / EVT_NS_PER_MS, text);
	if (text[0] != '\0')
		sim_client_send_text(c, text);
}

/* ---- WebSocket ---- */

static int
sim_server_established(sim *s, struct lws *wsi, struct session *session)
{
	sim_client *c = sim_client_new(s, wsi);

	if (c == NULL)
		return -1;
	session->client = c;
	c->speaks = s->opt->lines == NULL;
	if (s->stopping) {
		sim_client_close(c, s->stop_code, false);
		return 0;
	}
	if (c->speaks)
		sim_server_greet(c);
	sim_clients_changed(s);
	return 0;
}

static void
sim_server_closed(sim *s, struct session *session)
{
	sim_client_free(session->client);
	session->client = NULL;
	sim_clients_changed(s);
}

static int
sim_server_received(sim_client *c, const void *in, size_t len)
{
	if (c->rx.len + len > RECEIVE_MAX && !c->too_long) {
		c->too_long = true;
		sim_client_close(c, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, false);
	}
	/* What follows is read, so that the client gets the close frame. */
	if (c->too_long)
		return 0;
	if (!evt_buf_add(&c->rx, in, len))
		return -1;
	if (lws_remaining_packet_payload(c->wsi) != 0 ||
	    !lws_is_final_fragment(c->wsi))
		return 0;
	sim_client_message(c, (const char *)c->rx.data, c->rx.len);
	c->rx.len = 0;
	return 0;
}

/* ---- the other descriptors ---- */

static void
sim_server_file_readable(sim *s, struct lws *wsi)
{
	int fd = lws_get_socket_fd(wsi);
	struct signalfd_siginfo info;

	if (fd == s->listen_fd) {
		sim_accept(s);
	} else if (fd == s->timers.fd) {
		sim_timers_ack(&s->timers);
		sim_drive(s);
	} else if (fd == s->signal_fd &&
	    read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		/* A second signal waits for no client. */
		if (s->stopping && s->stop_code == 1001)
			s->done = true;
		sim_stop(s, 1001, false);
	}
}

static void
sim_server_file_closed(sim *s, struct lws *wsi)
{
	int fd = lws_get_socket_fd(wsi);

	if (fd == s->listen_fd)
		s->listen_fd = -1;
	else if (fd == s->timers.fd)
		s->timers.fd = -1;
	else if (fd == s->signal_fd)
		s->signal_fd = -1;
}

static int
sim_server_dispatch(sim *s, struct lws *wsi, enum lws_callback_reasons reason,
    struct session *session, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return sim_server_confirm_upgrade(wsi);
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return sim_server_filter(s, wsi);
	case LWS_CALLBACK_HTTP:
		return sim_server_serve_http(wsi, in);
	case LWS_CALLBACK_ESTABLISHED:
		return sim_server_established(s, wsi, session);
	case LWS_CALLBACK_RECEIVE:
		return sim_server_received(session->client, in, len);
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return sim_client_writeable(session->client);
	case LWS_CALLBACK_CLOSED:
		if (session != NULL && session->client != NULL)
			sim_server_closed(s, session);
		return 0;
	case LWS_CALLBACK_RAW_RX_FILE:
		sim_server_file_readable(s, wsi);
		return 0;
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		sim_server_file_closed(s, wsi);
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, session, in, len);
	}
}

static int
sim_server_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
	struct lws_context *context = lws_get_context(wsi);
	sim *s = context != NULL ? lws_context_user(context) : NULL;
	int r;

	if (s == NULL)
		return 0;
	r = sim_server_dispatch(s, wsi, reason, user, in, len);
	if (s->timers.fd >= 0)
		sim_timers_arm(&s->timers);
	return r;
}

static const struct lws_protocols protocols[] = {
	{ .name = "events",
	    .callback = sim_server_callback,
	    .per_session_data_size = sizeof(struct session),
	    .rx_buffer_size = 65536,
	    .tx_packet_size = 1048576 },
	{ .name = "files", .callback = sim_server_callback }, { .name = NULL }
};

/* ---- start and end ---- */

static void
sim_server_lws_log(int level, const char *line)
{
	(void)level;
	sim_say("libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

static int
sim_server_open_context(sim *s, evt_error *err)
{
	/* libwebsockets sends no pings and closes no silent client. */
	static const lws_retry_bo_t patience = { .secs_since_valid_ping = 0 };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
		.user = s,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.pt_serv_buf_size = 65536,
		.retry_and_idle_policy = &patience,
		.alpn = "http/1.1",
		.vhost_name = "sim",
	};

	lws_set_log_level(LLL_ERR, sim_server_lws_log);
	if (s->opt->tls_cert != NULL) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = s->opt->tls_cert;
		info.ssl_private_key_filepath = s->opt->tls_key;
	}
	s->context = lws_create_context(&info);
	if (s->context != NULL)
		s->vhost = lws_create_vhost(s->context, &info);
	if (s->vhost == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    s->opt->tls_cert != NULL ?
		        "cannot start the server: check that --tls-cert and "
		        "--tls-key are PEM files that belong together" :
		        "cannot start the server");
	return EVT_OK;
}

static int
sim_server_watch(sim *s, int *fd, evt_error *err)
{
	lws_sock_file_fd_type f;

	f.filefd = *fd;
	if (lws_adopt_descriptor_vhost(s->vhost, LWS_ADOPT_RAW_FILE_DESC, f,
	        "files", NULL) != NULL)
		return EVT_OK;
	*fd = -1; /* closed by libwebsockets */
	return evt_err_set(err, EVT_ERR_IO, "cannot watch a descriptor");
}

static int
sim_server_open_signals(sim *s, evt_error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return evt_err_sys(err, errno, "sigprocmask");
	s->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return evt_err_sys(err, errno, "signalfd");
	return EVT_OK;
}

static int
sim_server_read_hash(sim *s, evt_error *err)
{
	char line[256];
	FILE *f;

	if (s->opt->hash_file == NULL)
		return EVT_OK;
	f = fopen(s->opt->hash_file, "re");
	if (f == NULL)
		return evt_err_sys(err, errno, "cannot open %s",
		    s->opt->hash_file);
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	fclose(f);
	line[strcspn(line, " \t\r\n")] = '\0';
	if (line[0] == '\0')
		return evt_err_set(err, EVT_ERR_ARG,
		    "%s holds no hash: its first line must be the hash",
		    s->opt->hash_file);
	s->hash = strdup(line);
	return s->hash != NULL ? EVT_OK : evt_err_nomem(err);
}

/* --blocked, --disallowed: set the flag at `offset` in each tracker of the
 * list. */
static int
sim_server_flag_trackers(sim *s, const evt_strings *list, size_t offset,
    evt_error *err)
{
	for (size_t i = 0; i < list->n; i++) {
		sim_tracker *t;
		int64_t id;
		int r = evt_timetext_int_parse(list->item[i], "the tracker id",
		    1, (int64_t)s->world->n, &id, err);

		if (r != EVT_OK)
			return r;
		t = sim_world_find(s->world, id);
		*(bool *)((char *)t + offset) = true;
	}
	return EVT_OK;
}

static int
sim_server_open_feed(sim *s, evt_error *err)
{
	const sim_options *o = s->opt;
	int64_t epoch = o->has_epoch ? o->epoch_ns : evt_clock_real();
	uint64_t seed = (uint64_t)o->seed;
	int r;

	s->live = !o->has_epoch && o->trace == NULL;
	s->rng = sim_rng_stream(seed, UINT64_MAX);
	if (o->trace != NULL)
		return sim_trace_new(o->trace, seed, &s->feed, &s->world, err);
	r = sim_world_new((size_t)o->trackers, seed, epoch, true, &s->world,
	    err);
	if (r != EVT_OK)
		return r;
	if (o->lines != NULL)
		return sim_lines_new(o->lines, &s->feed, err);
	return sim_walk_new(s->world, o->rate, o->rate_max, o->frames, s->live,
	    &s->feed, err);
}

static int
sim_server_open_files(sim *s, evt_error *err)
{
	const sim_options *o = s->opt;
	int r = EVT_OK;

	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd < 0)
		return evt_err_sys(err, errno, "cannot open /dev/null");
	if (o->log_sent != NULL)
		r = sim_capture_open(o->log_sent, &s->sent_fd, err);
	if (r == EVT_OK && o->log_received != NULL)
		r = sim_capture_open(o->log_received, &s->received_fd, err);
	if (r == EVT_OK && o->ledger != NULL)
		r = sim_capture_open(o->ledger, &s->ledger_fd, err);
	return r;
}

static int
sim_server_open(sim *s, evt_error *err)
{
	int r;

	r = sim_server_read_hash(s, err);
	if (r == EVT_OK)
		r = sim_server_open_feed(s, err);
	if (r == EVT_OK)
		r = sim_server_flag_trackers(s, &s->opt->blocked,
		    offsetof(sim_tracker, blocked), err);
	if (r == EVT_OK)
		r = sim_server_flag_trackers(s, &s->opt->disallowed,
		    offsetof(sim_tracker, disallowed), err);
	if (r == EVT_OK)
		r = sim_server_open_files(s, err);
	if (r == EVT_OK)
		r = sim_timers_open(&s->timers, err);
	if (r == EVT_OK)
		r = sim_server_open_signals(s, err);
	if (r == EVT_OK)
		r = sim_server_open_context(s, err);
	if (r == EVT_OK)
		r = sim_server_watch(s, &s->timers.fd, err);
	if (r == EVT_OK)
		r = sim_server_watch(s, &s->signal_fd, err);
	if (r == EVT_OK)
		r = sim_listen(s, err);
	return r;
}

static void
sim_server_close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void
sim_server_close(sim *s)
{
	evt_error err;

	sim_listener_close(s);
	/* This closes the descriptors that it watches; file_closed() notes
	 * which. */
	if (s->context != NULL)
		lws_context_destroy(s->context);
	if (s->ledger_fd >= 0 &&
	    sim_ledger_made(s->ledger_fd, s->n_states, &err))
		sim_fail(s, &err);
	sim_server_close_fd(s->listen_fd);
	sim_server_close_fd(s->signal_fd);
	sim_timers_close(&s->timers);
	sim_server_close_fd(s->null_fd);
	sim_server_close_fd(s->sent_fd);
	sim_server_close_fd(s->received_fd);
	sim_server_close_fd(s->ledger_fd);
	sim_feed_free(s->feed);
	sim_world_free(s->world);
	free(s->hash);
	for (size_t i = 0; i < sizeof(s->text) / sizeof(s->text[0]); i++)
		evt_buf_free(&s->text[i]);
	evt_buf_free(&s->scratch);
}

static void
sim_server_print_stats(const sim *s)
{
	evt_buf b = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &b);
	evt_json_write_object(&w, NULL);
	evt_json_write_uint(&w, "connections", s->n_connections);
	evt_json_write_uint(&w, "refused", s->refused);
	evt_json_write_uint(&w, "dropped", s->n_dropped);
	evt_json_write_uint(&w, "frames", s->n_frames);
	evt_json_write_uint(&w, "bytes", s->n_bytes);
	evt_json_write_uint(&w, "states", s->n_states);
	evt_json_write_uint(&w, "received", s->n_received);
	evt_json_write_close(&w);
	if (evt_json_write_end(&w))
		print_json(stderr, b.data, b.len);
	else
		sim_say("out of memory");
	evt_buf_free(&b);
}

int
sim_run(const sim_options *options)
{
	sim s = { .opt = options,
		.listen_fd = -1,
		.signal_fd = -1,
		.null_fd = -1,
		.sent_fd = -1,
		.received_fd = -1,
		.ledger_fd = -1,
		.timers = { .fd = -1 } };
	evt_error err;

	if (sim_server_open(&s, &err) != EVT_OK) {
		sim_server_close(&s);
		return cli_fail(&sim_command, "%s", err.text);
	}
	sim_drive_start(&s);
	sim_timers_arm(&s.timers);
	while (!s.done && lws_service(s.context, 0) >= 0)
		;
	if (options->stats)
		sim_server_print_stats(&s);
	sim_server_close(&s);
	return s.failed ? CLI_FAILED : CLI_DONE;
}
