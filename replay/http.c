/* http.c - requests: who is let in, and what the others are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/err.h"
#include "replay/server_impl.h"

/* Longest header that is looked at. */
#define HEADER_MAX 1400

/*
 * Answer with a line of text.  Returns what the callback must: 1 when all was
 * said and the connection may be used again, -1 to close it.
 */
static int
respond(struct lws *wsi, unsigned status, const char *text)
{
	uint8_t buf[LWS_PRE + 2048], *start = buf + LWS_PRE, *p = start;
	uint8_t *end = buf + sizeof(buf) - 1;
	char line[1024];
	int len = snprintf(line, sizeof(line), "%.900s\n", text);

	if (lws_add_http_common_headers(wsi, status, "text/plain; charset=utf-8",
	    (lws_filepos_t)len, &p, end))
		return -1;
	if (lws_add_http_header_by_name(wsi,
	    (const uint8_t *)"x-content-type-options:",
	    (const uint8_t *)"nosniff", 7, &p, end))
		return -1;
	if (status == 401 && lws_add_http_header_by_token(wsi,
	    WSI_TOKEN_HTTP_WWW_AUTHENTICATE, (const uint8_t *)"Bearer", 6, &p,
	    end))
		return -1;
	if (lws_finalize_write_http_header(wsi, start, &p, end))
		return -1;
	memcpy(start, line, (size_t)len);
	if (lws_write(wsi, start, (size_t)len, LWS_WRITE_HTTP_FINAL) != len)
		return -1;
	return 1;
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

/* 0, or what respond() returned. */
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
	r = evt_play_query(&play, (const char *const *)a->arg, a->n, &s->ref,
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
	struct client *c;
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
	c = evt_client_new(st, wsi);
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
	if (r > 0 && lws_http_transaction_completed(wsi))
		return -1;
	return r > 0 ? 0 : -1;
}
