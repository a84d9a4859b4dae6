/* http.c - requests: who is let in, and what the others are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/err.h"
#include "replay/server_impl.h"

/* Longest header that is looked at. */
#define HEADER_MAX 1400

static const char *
phrase(unsigned status)
{
	static const struct {
		unsigned status;
		const char *phrase;
	} row[] = {
		{ 200, "OK" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
		{ 403, "Forbidden" }, { 404, "Not Found" },
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
 * Answer with a line of text; returns what the callback must, to close the
 * connection.  The library would answer an upgrade with HTTP/1.0, which clients
 * refuse to read.
 */
static int
respond(struct lws *wsi, unsigned status, const char *text)
{
	uint8_t buf[LWS_PRE + 2048];
	char *out = (char *)buf + LWS_PRE;
	int n = snprintf(out, sizeof(buf) - LWS_PRE,
	    "HTTP/1.1 %u %s\r\n"
	    "content-type: text/plain; charset=utf-8\r\n"
	    "content-length: %zu\r\n"
	    "x-content-type-options: nosniff\r\n"
	    "%s%sconnection: close\r\n\r\n%s\n",
	    status, phrase(status), strlen(text) + 1,
	    status == 401 ? "www-authenticate: Bearer\r\n" : "",
	    status == 426 ? "upgrade: websocket\r\n" : "", text);

	/* It is short, so it goes out at once, or the other side is gone. */
	if (n > 0 && (size_t)n < sizeof(buf) - LWS_PRE)
		(void)lws_write(wsi, (uint8_t *)out, (size_t)n,
		    LWS_WRITE_HTTP_HEADERS);
	return -1;
}

/* A header into buf; NULL where there is none (or it is too long to be good). */
static const char *
header(struct lws *wsi, enum lws_token_indexes token, char *buf)
{
	int n = lws_hdr_total_length(wsi, token);

	if (n <= 0)
		return NULL;
	return lws_hdr_copy(wsi, buf, HEADER_MAX, token) < 0 ? "" : buf;
}

/* The decoded arguments of the URL. */
struct args {
	char **arg;
	size_t n;
};

static void
args_free(struct args *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->arg[i]);
	free(a->arg);
}

static bool
args_get(evt_server *s, struct lws *wsi, struct args *a)
{
	/* Longer ones than the buffer would hide all that follow; it is as long
	 * as the whole request may be. */
	while (lws_hdr_copy_fragment(wsi, s->arg, QUERY_MAX,
	    WSI_TOKEN_HTTP_URI_ARGS, (int)a->n) >= 0) {
		char **arg = realloc(a->arg, (a->n + 1) * sizeof(*arg));

		if (arg == NULL)
			return false;
		a->arg = arg;
		arg[a->n] = strdup(s->arg);
		if (arg[a->n] == NULL)
			return false;
		a->n++;
	}
	return true;
}

static const char *
args_token(const struct args *a)
{
	for (size_t i = 0; i < a->n; i++) {
		if (strncmp(a->arg[i], "token=", 6) == 0)
			return a->arg[i] + 6;
	}
	return NULL;
}

/* 0, or what respond() returned: -1. */
static int
judge(evt_server *s, struct lws *wsi, const struct args *a)
{
	char host[HEADER_MAX], origin[HEADER_MAX], auth[HEADER_MAX];
	evt_request q = {
		.host = header(wsi, WSI_TOKEN_HOST, host),
		.origin = header(wsi, WSI_TOKEN_ORIGIN, origin),
		.authorization = header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, auth),
		.token = args_token(a),
	};
	const char *why;
	int status = evt_access_judge(&s->o.access, &q, &why);

	return status == 0 ? 0 : respond(wsi, (unsigned)status, why);
}

static bool
path_is(struct lws *wsi, const char *want)
{
	char path[64];

	return lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) > 0 &&
	    strcmp(path, want) == 0;
}

/* ---- upgrades -------------------------------------------------------------------- */

/* A stage of its own for the query. */
static int
own_stage(evt_server *s, const struct args *a, struct stage **ret_stage,
    evt_error *err)
{
	evt_play play;
	int r = evt_play_copy(s->o.play, &play, err);

	if (r != EVT_OK)
		return r;
	r = evt_play_query(&play, (const char *const *)a->arg, a->n, &s->o.ref,
	    err);
	if (r == EVT_OK)
		r = evt_stage_new(s, &play, ret_stage, err);
	evt_play_free(&play);
	return r;
}

/* The shared stage; a new one behind one that has ended. */
static int
shared_stage(evt_server *s, const struct args *a, struct stage **ret_stage,
    evt_error *err)
{
	int r = EVT_OK;

	for (size_t i = 0; i < a->n; i++) {
		if (a->arg[i][0] != '\0' &&
		    strncmp(a->arg[i], "token=", 6) != 0)
			return evt_err_set(err, EVT_ERR_ARG,
			    "all clients watch one deck here: '%.80s' cannot be "
			    "set", a->arg[i]);
	}
	if (s->shared == NULL || s->shared->ended)
		r = evt_stage_new(s, s->o.play, &s->shared, err);
	if (r == EVT_OK)
		*ret_stage = s->shared;
	return r;
}

static int
let_in(evt_server *s, struct lws *wsi, const struct args *a)
{
	struct stage *st;
	struct viewer *c;
	evt_error err;
	int r;

	if (s->stopping || s->finished)
		return respond(wsi, 503, "the server is ending");
	if (s->n_clients >= s->o.max_clients)
		return respond(wsi, 503, "too many clients; --max-clients says "
		    "how many");
	r = s->o.shared ? shared_stage(s, a, &st, &err) :
	    own_stage(s, a, &st, &err);
	if (r == EVT_ERR_ARG || r == EVT_ERR_NOTFOUND)
		return respond(wsi, 400, err.text);
	if (r != EVT_OK)
		return respond(wsi, 500, err.text);
	c = evt_viewer_new(st, wsi);
	if (c == NULL)
		return -1;
	lws_set_opaque_user_data(wsi, c);
	return 0;
}

/* Anything but "websocket" (h2c, say) is refused. */
static bool
wants_websocket(struct lws *wsi)
{
	char upgrade[32];

	return lws_hdr_copy(wsi, upgrade, sizeof(upgrade), WSI_TOKEN_UPGRADE) >
	    0 && strcasecmp(upgrade, "websocket") == 0;
}

int
evt_http_upgrade(evt_server *s, struct lws *wsi)
{
	struct args a = { 0 };
	int r = -1;

	if (!wants_websocket(wsi))
		return -1;
	if (args_get(s, wsi, &a))
		r = judge(s, wsi, &a);
	if (r == 0 && !path_is(wsi, "/stream"))
		r = respond(wsi, 404, "there is /stream here, and nothing else");
	if (r == 0)
		r = let_in(s, wsi, &a);
	args_free(&a);
	return r;
}

/* ---- plain requests ----------------------------------------------------------------- */

int
evt_http_request(evt_server *s, struct lws *wsi)
{
	struct args a = { 0 };
	int r = -1;

	if (args_get(s, wsi, &a))
		r = judge(s, wsi, &a);
	args_free(&a);
	if (r == 0 && path_is(wsi, "/stream"))
		r = respond(wsi, 426, "connect with a WebSocket");
	if (r == 0 && path_is(wsi, "/"))
		r = respond(wsi, 200, "evtape-replay: connect a WebSocket to "
		    "/stream");
	if (r == 0)
		r = respond(wsi, 404, "there is /stream here, and nothing else");
	return r;
}
