/* http.c - requests: who is let in, where to, and what the others are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/navixy/atmosphere.h"
#include "replay/serve/server_impl.h"

#include <sys/random.h>

/* Longest header that is looked at. */
#define HEADER_MAX 1400

const char *
evt_http_phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} row[] = {
		{ 200, "OK" },
		{ 204, "No Content" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 411, "Length Required" },
		{ 413, "Content Too Large" },
		{ 426, "Upgrade Required" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].status == status)
			return row[i].phrase;
	}
	return "";
}

/*
 * The library would answer an upgrade with HTTP/1.0, which clients refuse to
 * read.
 */
int
evt_http_respond(evt_server *s, struct lws *wsi, unsigned status,
    const char *text)
{
	uint8_t buf[LWS_PRE + 2048];
	char *out = (char *)buf + LWS_PRE, *path;
	int len,
	    n = snprintf(out, sizeof(buf) - LWS_PRE,
	        "HTTP/1.1 %u %s\r\n"
	        "content-type: text/plain; charset=utf-8\r\n"
	        "content-length: %zu\r\n"
	        "x-content-type-options: nosniff\r\n"
	        "%sconnection: close\r\n\r\n%s\n",
	        status, evt_http_phrase(status), strlen(text) + 1,
	        status == 401     ? "www-authenticate: Bearer\r\n" :
	            status == 426 ? "sec-websocket-version: 13\r\n" :
	                            "",
	        text);

	s->stats.refused++;
	/* HEAD is answered without the text, whatever it asks for. */
	if (lws_http_get_uri_and_method(wsi, &path, &len) == LWSHUMETH_HEAD)
		n -= (int)strlen(text) + 1;
	/* It is short, so it goes out at once, or the other side is gone. */
	if (n > 0 && (size_t)n < sizeof(buf) - LWS_PRE)
		(void)lws_write(wsi, (uint8_t *)out, (size_t)n,
		    LWS_WRITE_HTTP_HEADERS);
	return -1;
}

/* A header into buf; NULL where there is none, "" where it is too long to be good
 * or holds a NUL. */
static const char *
http_route_header(struct lws *wsi, enum lws_token_indexes token, char *buf)
{
	int n = lws_hdr_total_length(wsi, token);

	if (n <= 0)
		return NULL;
	return lws_hdr_copy(wsi, buf, HEADER_MAX, token) == n &&
	        strlen(buf) == (size_t)n ?
	    buf :
	    "";
}

/* What the request brings, in buffers of HEADER_MAX bytes. */
struct brought {
	char host[HEADER_MAX], origin[HEADER_MAX], auth[HEADER_MAX];
	evt_access_request q;
};

static void
http_route_look(struct lws *wsi, const struct args *a, struct brought *b)
{
	b->q = (evt_access_request){
		.host = http_route_header(wsi, WSI_TOKEN_HOST, b->host),
		.origin = http_route_header(wsi, WSI_TOKEN_ORIGIN, b->origin),
		.authorization = http_route_header(wsi,
		    WSI_TOKEN_HTTP_AUTHORIZATION, b->auth),
		.token = evt_http_args_get(a, "token"),
	};
}

/* ---- upgrades ------------------------------------------------------------ */

/* A stage of its own for the query. */
static int
http_route_own_stage(evt_server *s, const struct args *a,
    struct stage **ret_stage, evt_error *err)
{
	evt_play_options play;
	int r = evt_play_options_copy(s->o.play, &play, err);

	if (r != EVT_OK)
		return r;
	r = evt_play_options_query(&play, (const char *const *)a->arg, a->n,
	    &s->o.ref, err);
	if (r == EVT_OK)
		r = evt_playback_new(s, &play, ret_stage, err);
	evt_play_options_free(&play);
	return r;
}

/* Which WebSocket is asked for. */
struct wanted {
	enum viewer_kind kind;
	bool own; /* with a deck of its own */
};

bool
evt_http_ends_in(const char *path, const char *name)
{
	size_t n = strlen(path), m = strlen(name);

	if (n > 1 && path[n - 1] == '/')
		n--;
	return n >= m && memcmp(path + n - m, name, m) == 0;
}

bool
evt_http_is_standin(const char *path)
{
	return evt_http_ends_in(path, "/event/subscription") ||
	    evt_http_ends_in(path, "/wse/subscription");
}

static bool
http_route_find_wanted(const evt_server *s, const char *path,
    const struct args *a, struct wanted *w)
{
	const char *deck = evt_http_args_get(a, "deck");

	w->own = deck != NULL && strcmp(deck, "own") == 0;
	if (strcmp(path, "/stream") == 0) {
		w->kind = VIEWER_STREAM;
		w->own = !s->o.shared;
		return true;
	}
	if (strcmp(path, "/control") == 0) {
		w->kind = VIEWER_CONTROL;
		w->own = false;
		return true;
	}
	w->kind = VIEWER_STANDIN;
	return evt_http_is_standin(path);
}

/* The house deck; behind its end, who finds nobody there starts it anew. */
static int
http_route_join_house(evt_server *s, const struct args *a,
    const struct wanted *w, struct stage **ret_stage, evt_error *err)
{
	int r;

	for (size_t i = 0; w->kind == VIEWER_STREAM && i < a->n; i++) {
		if (a->arg[i][0] != '\0' &&
		    strncmp(a->arg[i], "token=", 6) != 0)
			return evt_err_set(err, EVT_ERR_ARG,
			    "all clients watch one deck here: '%.80s' cannot "
			    "be set",
			    a->arg[i]);
	}
	r = evt_playback_shared(s, ret_stage, err);
	if (r != EVT_OK || !(*ret_stage)->ended)
		return r;
	if (w->kind == VIEWER_STREAM ||
	    (w->kind == VIEWER_STANDIN &&
	        (*ret_stage)->n[VIEWER_STANDIN] == 0 &&
	        (*ret_stage)->n[VIEWER_CONTROL] == 0))
		return evt_playback_restart(*ret_stage, err);
	return EVT_OK;
}

/* What a client of the stand-in is to be told first. */
static bool
http_route_prepare_greeting(struct viewer *c, const struct args *a)
{
	uint8_t random[16];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	c->atmosphere = evt_atmosphere_greet(evt_http_args_get(a,
	                                         "X-Atmosphere-tracking-id"),
	    evt_http_args_get(a, "X-atmo-protocol") != NULL, random,
	    c->stage->server->o.heartbeat_ns / 1000000, c->greeting);
	return true;
}

/* "states,frames" */
static bool
http_route_names(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list != NULL; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, name, n) == 0 &&
		    (list[n] == ',' || list[n] == '\0'))
			return true;
		if (*list == '\0')
			break;
	}
	return false;
}

static int
http_route_attach(struct stage *st, struct lws *wsi, const struct args *a,
    const struct wanted *w)
{
	struct viewer *c = evt_ws_client_new(st, wsi, w->kind);
	const char *with = evt_http_args_get(a, "with");

	if (c == NULL)
		return -1;
	c->with_states =
	    w->kind == VIEWER_CONTROL && http_route_names(with, "states");
	c->with_frames =
	    w->kind == VIEWER_CONTROL && http_route_names(with, "frames");
	lws_set_opaque_user_data(wsi, c);
	return w->kind != VIEWER_STANDIN || http_route_prepare_greeting(c, a) ?
	    0 :
	    -1;
}

static int
http_route_let_in(evt_server *s, struct lws *wsi, const struct args *a,
    const struct wanted *w)
{
	struct stage *st;
	evt_error err;
	int r;

	if (s->stopping || s->finished)
		return evt_http_respond(s, wsi, 503, "the server is ending");
	if (s->n_clients >= s->o.max_clients)
		return evt_http_respond(s, wsi, 503,
		    "too many clients; --max-clients says how many");
	if (!w->own)
		r = http_route_join_house(s, a, w, &st, &err);
	else if (w->kind == VIEWER_STREAM)
		r = http_route_own_stage(s, a, &st, &err);
	else
		r = evt_playback_new(s, s->o.play, &st, &err);
	if (r == EVT_ERR_ARG || r == EVT_ERR_NOTFOUND)
		return evt_http_respond(s, wsi, 400, err.text);
	if (r != EVT_OK)
		return evt_http_respond(s, wsi, 500, err.text);
	return http_route_attach(st, wsi, a, w);
}

/* Anything but "websocket" (h2c, say) is refused. */
static bool
http_route_wants_websocket(struct lws *wsi)
{
	char upgrade[32];

	return lws_hdr_copy(wsi, upgrade, sizeof(upgrade), WSI_TOKEN_UPGRADE) >
	    0 &&
	    strcasecmp(upgrade, "websocket") == 0;
}

/* The version that there is. */
static bool
http_route_speaks_version(struct lws *wsi)
{
	char version[8];

	return lws_hdr_copy(wsi, version, sizeof(version), WSI_TOKEN_VERSION) >
	    0 &&
	    strcmp(version, "13") == 0;
}

/* The path, free() it.  NULL: there is none, since it is no GET. */
static char *
http_route_path_of(struct lws *wsi)
{
	int n = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI);
	char *path = n > 0 ? malloc((size_t)n + 1) : NULL;

	if (path != NULL &&
	    lws_hdr_copy(wsi, path, n + 1, WSI_TOKEN_GET_URI) < 0) {
		free(path);
		return NULL;
	}
	return path;
}

static int
http_route_upgrade(evt_server *s, struct lws *wsi, const char *path,
    const struct args *a)
{
	struct brought b;
	struct wanted w;
	const char *why;
	int status;

	http_route_look(wsi, a, &b);
	status = evt_access_judge(&s->o.access, &b.q, &why);
	if (status != 0)
		return evt_http_respond(s, wsi, (unsigned)status, why);
	if (!http_route_find_wanted(s, path, a, &w))
		return evt_http_respond(s, wsi, 404,
		    "there is no such WebSocket here: /stream, /control, "
		    "/event/subscription");
	return http_route_let_in(s, wsi, a, &w);
}

int
evt_http_upgrade(evt_server *s, struct lws *wsi)
{
	struct args a = { 0 };
	char *path;
	int r = -1;

	if (!http_route_wants_websocket(wsi)) {
		s->stats.refused++;
		return -1;
	}
	path = http_route_path_of(wsi);
	if (path == NULL)
		(void)evt_http_respond(s, wsi, 400,
		    "a WebSocket begins with a GET");
	else if (!http_route_speaks_version(wsi))
		(void)evt_http_respond(s, wsi, 426,
		    "only version 13 of the WebSocket protocol is spoken here");
	else if (evt_http_args_read(s, wsi, &a))
		r = http_route_upgrade(s, wsi, path, &a);
	free(path);
	evt_http_args_free(&a);
	return r;
}

/* ---- other requests ------------------------------------------------------ */

/* The platform's way to bring a session's hash in a header. */
static bool
http_route_take_session(struct exchange *x, const char *authorization)
{
	if (authorization == NULL || strncasecmp(authorization, "NVX ", 4) != 0)
		return true;
	x->session = strdup(authorization + 4 + strspn(authorization + 4, " "));
	return x->session != NULL;
}

bool
evt_http_look(struct exchange *x)
{
	const evt_access *access = &x->server->o.access;
	struct brought b;
	const char *why;

	http_route_look(x->wsi, &x->args, &b);
	x->same_origin = evt_access_same_origin(&b.q);
	x->has_token =
	    access->token != NULL && evt_access_judge(access, &b.q, &why) == 0;
	x->refusal = evt_access_judge(access, &b.q, &x->why);
	if (!http_route_take_session(x, b.q.authorization))
		return false;
	if (b.q.origin == NULL || x->refusal == 403)
		return true;
	x->origin = strdup(b.q.origin);
	return x->origin != NULL;
}

static const evt_server_file *
http_route_find_file(const evt_server *s, const char *path)
{
	for (size_t i = 0; i < s->o.n_files; i++) {
		if (strcmp(s->o.files[i].path, path) == 0)
			return &s->o.files[i];
	}
	return NULL;
}

int
evt_http_judge(const struct exchange *x, const char **ret_why)
{
	*ret_why = x->why;
	/* The page's files hold nothing of the tape, and a browser's question
	 * whether it may ask brings no token. */
	if (x->refusal == 401 &&
	    (x->method == METHOD_OPTIONS ||
	        http_route_find_file(x->server, x->path) != NULL))
		return 0;
	return x->refusal;
}

/* A client of Atmosphere that closes its socket says so in a request, too. */
static bool
http_route_says_goodbye(const struct exchange *x)
{
	const char *transport =
	    evt_http_args_get(&x->args, "X-Atmosphere-Transport");

	return transport != NULL && strcmp(transport, "close") == 0 &&
	    evt_http_is_standin(x->path);
}

/* Where a WebSocket is asked for without an upgrade. */
static bool
http_route_is_socket(const char *path)
{
	return strcmp(path, "/stream") == 0 || strcmp(path, "/control") == 0 ||
	    evt_http_is_standin(path);
}

void
evt_http_route(struct exchange *x)
{
	static const char hello[] =
	    "evtape-replay: connect a WebSocket to /stream\n";
	const evt_server_file *f = http_route_find_file(x->server, x->path);

	if (x->method == METHOD_OPTIONS) {
		evt_http_answer(x, 204, "text/plain", "", 0);
	} else if (x->method == METHOD_OTHER) {
		evt_http_answer_error(x, 405,
		    "only GET and POST are known here");
	} else if (http_route_says_goodbye(x)) {
		evt_http_answer(x, 200, "text/plain", "", 0);
	} else if (http_route_is_socket(x->path)) {
		evt_http_answer_error(x, 426, "connect with a WebSocket");
	} else if (strncmp(x->path, "/api/", 5) == 0) {
		evt_api(x);
	} else if (evt_platform_rest(x)) {
		return;
	} else if (x->method == METHOD_POST) {
		evt_http_answer_error(x, 404, "there is no such call here");
	} else if (f != NULL) {
		evt_http_answer(x, 200, f->type, f->data, f->len);
	} else if (strcmp(x->path, "/metrics") == 0) {
		evt_server_metrics(x);
	} else if (strcmp(x->path, "/") == 0) {
		evt_http_answer(x, 200, "text/plain; charset=utf-8", hello,
		    sizeof(hello) - 1);
	} else {
		evt_http_answer_error(x, 404, "there is nothing at this path");
	}
}
