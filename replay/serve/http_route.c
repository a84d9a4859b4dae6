/* http_route.c - judging and routing requests; see http_route.h. */
#include "replay/serve/http_route.h"

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "format/base/err.h"
#include "format/navixy/atmosphere.h"
#include "replay/serve/api.h"
#include "replay/serve/http_args.h"
#include "replay/serve/platform_rest.h"
#include "replay/serve/server_metrics.h"

/* Longest header that is looked at, in bytes. */
#define HEADER_MAX 1400
/* So many different foreign values of Host and Origin are reported. */
#define TOLD_MAX 8
/* Longest list of subprotocols that the library looks at, in bytes. */
#define SUBPROTOCOLS_MAX 126

/*
 * Refuse an upgrade with a line of text; -1.  The library would answer with
 * HTTP/1.0, which clients refuse to read.
 */
static int
http_route_refuse(const evt_http_route *rt, struct lws *wsi, unsigned status,
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
	        status, evt_http_request_phrase(status), strlen(text) + 1,
	        status == 401     ? "www-authenticate: Bearer\r\n" :
	            status == 426 ? "sec-websocket-version: 13\r\n" :
	                            "",
	        text);

	rt->site->stats->refused++;
	/* HEAD is answered without the text, whatever it asks for. */
	if (lws_http_get_uri_and_method(wsi, &path, &len) == LWSHUMETH_HEAD)
		n -= (int)strlen(text) + 1;
	/* It is short, so it goes out at once, or the other side is gone. */
	if (n > 0 && (size_t)n < sizeof(buf) - LWS_PRE)
		(void)lws_write(wsi, (uint8_t *)out, (size_t)n,
		    LWS_WRITE_HTTP_HEADERS);
	return -1;
}

/* A header into buf; NULL if there is none, "" if it is too long to be good or
 * holds a NUL. */
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

/* The header Sec-Fetch-Site, which the library does not know; NULL if there is
 * none or it is no value that counts. */
static const char *
http_route_fetch_site(struct lws *wsi, char *buf, int size)
{
	static const char name[] = "sec-fetch-site:";
	int n =
	    lws_hdr_custom_copy(wsi, buf, size, name, (int)sizeof(name) - 1);

	while (n > 0 && (buf[n - 1] == ' ' || buf[n - 1] == '\t'))
		buf[--n] = '\0';
	return n > 0 ? buf + strspn(buf, " \t") : NULL;
}

/* What access is judged by, and the buffers that hold it. */
struct credentials {
	char host[HEADER_MAX], origin[HEADER_MAX], auth[HEADER_MAX];
	char fetch_site[32];
	evt_access_request q;
};

static void
http_route_read_credentials(struct lws *wsi, const evt_strings *args,
    struct credentials *c)
{
	c->q = (evt_access_request){
		.host = http_route_header(wsi, WSI_TOKEN_HOST, c->host),
		.origin = http_route_header(wsi, WSI_TOKEN_ORIGIN, c->origin),
		.authorization = http_route_header(wsi,
		    WSI_TOKEN_HTTP_AUTHORIZATION, c->auth),
		.token = evt_http_args_get(args, "token"),
		.fetch_site = http_route_fetch_site(wsi, c->fetch_site,
		    sizeof(c->fetch_site)),
	};
}

/* A browser shows its user nothing but "403".  So the person who runs the server
 * is told what was refused, once for each value, and how to allow it. */
static void
http_route_tell(const evt_http_route *rt, enum evt_access_verdict verdict,
    const evt_access_request *q)
{
	const char *name = verdict == EVT_ACCESS_FOREIGN_HOST ? "Host" :
	    verdict == EVT_ACCESS_FOREIGN_ORIGIN              ? "Origin" :
	                                                        NULL;
	const char *value =
	    verdict == EVT_ACCESS_FOREIGN_HOST ? q->host : q->origin;

	if (name == NULL || value == NULL || rt->told->n >= TOLD_MAX ||
	    evt_strings_has(rt->told, value, strlen(value)))
		return;
	/* Without memory it is told again. */
	(void)evt_strings_add(rt->told, value, strlen(value));
	evt_notice_send(rt->site->notice,
	    "refused a request with the %s '%.200s'%s%s", name, value,
	    rt->allow_advice != NULL ? ": " : "",
	    rt->allow_advice != NULL ? rt->allow_advice : "");
}

static enum evt_access_verdict
http_route_access(const evt_http_route *rt, const evt_access_request *q)
{
	enum evt_access_verdict verdict = evt_access_judge(rt->access, q);

	http_route_tell(rt, verdict, q);
	return verdict;
}

/* ---- upgrades ------------------------------------------------------------ */

/* A channel for this client alone, set by the query. */
static int
http_route_own_channel(const evt_http_route *rt, const evt_strings *args,
    evt_channel **ret_channel, evt_error *err)
{
	evt_play_options play;
	int r = evt_play_options_copy(rt->play, &play, err);

	if (r != EVT_OK)
		return r;
	r = evt_play_options_query(&play, (const char *const *)args->item,
	    args->n, &rt->site->ref, err);
	if (r == EVT_OK)
		r = evt_channels_add(rt->site->channels, &play, ret_channel,
		    err);
	evt_play_options_free(&play);
	return r;
}

static bool
http_route_is_standin(const char *path)
{
	return evt_http_request_path_ends(path, "/event/subscription") ||
	    evt_http_request_path_ends(path, "/wse/subscription");
}

/* Which WebSocket is asked for. */
struct wanted {
	evt_channel_join join;
	bool own; /* with a deck of its own */
};

/* false: there is no WebSocket at that path. */
static bool
http_route_find_wanted(const evt_http_route *rt, const char *path,
    const evt_strings *args, struct wanted *w)
{
	const char *deck = evt_http_args_get(args, "deck");

	*w = (struct wanted){ .own = false };
	if (strcmp(path, "/stream") == 0) {
		w->join.kind = EVT_CHANNEL_STREAM;
		w->own = !rt->shared;
		return true;
	}
	if (strcmp(path, "/control") == 0) {
		w->join.kind = EVT_CHANNEL_CONTROL;
		return true;
	}
	w->join.kind = EVT_CHANNEL_STANDIN;
	w->own = deck != NULL && strcmp(deck, "own") == 0;
	return http_route_is_standin(path);
}

/* The shared channel.  After its end it plays again for the first client that
 * comes. */
static int
http_route_join_shared(const evt_http_route *rt, const evt_strings *args,
    enum evt_channel_kind kind, evt_channel **ret_channel, evt_error *err)
{
	const evt_audience *audience;
	evt_playback *p;
	int r;

	for (size_t i = 0; kind == EVT_CHANNEL_STREAM && i < args->n; i++) {
		if (args->item[i][0] != '\0' &&
		    strncmp(args->item[i], "token=", 6) != 0)
			return evt_err_set(err, EVT_ERR_ARG,
			    "all clients share one deck: '%.80s' cannot be "
			    "set",
			    args->item[i]);
	}
	r = evt_channels_shared(rt->site->channels, ret_channel, err);
	if (r != EVT_OK)
		return r;
	p = evt_channel_playback(*ret_channel);
	audience = evt_channel_audience(*ret_channel);
	if (evt_playback_ended(p) &&
	    (kind == EVT_CHANNEL_STREAM ||
	        (kind == EVT_CHANNEL_STANDIN && audience->standin == 0 &&
	            audience->control == 0)))
		return evt_playback_restart(p, err);
	return EVT_OK;
}

/* "states,frames" */
static bool
http_route_list_has(const char *list, const char *name)
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

/* What the query says of the client.  false: there are no random numbers. */
static bool
http_route_read_join(const evt_http_route *rt, const evt_strings *args,
    evt_channel_join *join)
{
	const char *with = evt_http_args_get(args, "with");
	uint8_t random[16];

	if (join->kind == EVT_CHANNEL_CONTROL) {
		join->with_states = http_route_list_has(with, "states");
		join->with_frames = http_route_list_has(with, "frames");
	}
	if (join->kind != EVT_CHANNEL_STANDIN)
		return true;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	join->atmosphere = evt_atmosphere_greet(evt_http_args_get(args,
	                                            "X-Atmosphere-tracking-id"),
	    evt_http_args_get(args, "X-atmo-protocol") != NULL, random,
	    rt->heartbeat_ns / 1000000, join->greeting);
	return true;
}

static int
http_route_accept(const evt_http_route *rt, struct lws *wsi,
    const evt_strings *args, struct wanted *w)
{
	evt_channels *channels = rt->site->channels;
	evt_channel *ch;
	evt_error err;
	int r;

	if (evt_channels_closing(channels))
		return http_route_refuse(rt, wsi, 503,
		    "the server is shutting down");
	if (evt_channels_clients(channels) >= rt->max_clients)
		return http_route_refuse(rt, wsi, 503,
		    "too many clients; retry when others have left");
	if (!http_route_read_join(rt, args, &w->join))
		return -1;
	if (!w->own)
		r = http_route_join_shared(rt, args, w->join.kind, &ch, &err);
	else if (w->join.kind == EVT_CHANNEL_STREAM)
		r = http_route_own_channel(rt, args, &ch, &err);
	else
		r = evt_channels_add(channels, rt->play, &ch, &err);
	if (r == EVT_ERR_ARG || r == EVT_ERR_NOTFOUND)
		return http_route_refuse(rt, wsi, 400, err.text);
	if (r != EVT_OK)
		return http_route_refuse(rt, wsi, 500, err.text);
	return evt_channel_accept(ch, wsi, &w->join, &err) == EVT_OK ? 0 : -1;
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

/* The only version that there is. */
static bool
http_route_has_version(struct lws *wsi)
{
	char version[8];

	return lws_hdr_copy(wsi, version, sizeof(version), WSI_TOKEN_VERSION) >
	    0 &&
	    strcmp(version, "13") == 0;
}

/* The key of a handshake is 16 bytes in base64 (RFC 6455, 4.1). */
static bool
http_route_has_key(struct lws *wsi)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char key[25];

	return lws_hdr_copy(wsi, key, sizeof(key), WSI_TOKEN_KEY) == 24 &&
	    strspn(key, digits) == 22 && strcmp(key + 22, "==") == 0;
}

/* "Connection: keep-alive, Upgrade" */
static bool
http_route_connection_says_upgrade(struct lws *wsi)
{
	char text[120], *rest = text, *word;

	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_CONNECTION) <= 0)
		return false;
	while ((word = strsep(&rest, ", \t")) != NULL) {
		if (strcasecmp(word, "upgrade") == 0)
			return true;
	}
	return false;
}

/* Whether the n bytes are a token (RFC 7230, 3.2.6) that the library takes for
 * one: not a number. */
static bool
http_route_is_token(const char *p, size_t n)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	bool number = true;

	for (size_t i = 0; i < n; i++) {
		bool digit = p[i] >= '0' && p[i] <= '9';

		if (!digit && !(p[i] >= 'a' && p[i] <= 'z') &&
		    !(p[i] >= 'A' && p[i] <= 'Z') &&
		    (p[i] == '\0' || strchr(others, p[i]) == NULL))
			return false;
		number = number && (digit || p[i] == '.');
	}
	return n > 0 && !number;
}

/* Read the first subprotocol that is offered; "" if none is.  false: the list is
 * invalid or too long. */
static bool
http_route_offered(struct lws *wsi,
    char ret_name[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX + 1])
{
	char text[SUBPROTOCOLS_MAX + 1], *rest = text, *name;

	ret_name[0] = '\0';
	if (lws_hdr_total_length(wsi, WSI_TOKEN_PROTOCOL) <= 0)
		return true;
	if (lws_hdr_copy(wsi, text, sizeof(text), WSI_TOKEN_PROTOCOL) <= 0)
		return false;
	while ((name = strsep(&rest, ",")) != NULL) {
		size_t n;

		name += strspn(name, " \t");
		n = strcspn(name, " \t");
		if (name[n + strspn(name + n, " \t")] != '\0' ||
		    n > EVT_HTTP_ROUTE_SUBPROTOCOL_MAX ||
		    !http_route_is_token(name, n))
			return false;
		if (ret_name[0] == '\0')
			memcpy(ret_name, name, n + 1);
		ret_name[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX] = '\0';
	}
	return true;
}

/* The path of a GET, free() it.  NULL: it is no GET, or out of memory. */
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
http_route_judge_upgrade(const evt_http_route *rt, struct lws *wsi,
    const char *path, const evt_strings *args)
{
	struct credentials c;
	struct wanted w;
	enum evt_access_verdict verdict;

	http_route_read_credentials(wsi, args, &c);
	verdict = http_route_access(rt, &c.q);
	if (verdict != EVT_ACCESS_GRANTED)
		return http_route_refuse(rt, wsi,
		    (unsigned)evt_access_status(verdict),
		    evt_access_why(verdict));
	if (!http_route_find_wanted(rt, path, args, &w))
		return http_route_refuse(rt, wsi, 404,
		    "no WebSocket at this path; use /stream, /control or "
		    "/event/subscription");
	return http_route_accept(rt, wsi, args, &w);
}

/* What is wrong with the headers of a handshake, and the status to refuse it
 * with; NULL: nothing. */
static const char *
http_route_bad_handshake(struct lws *wsi,
    char offered[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX + 1], unsigned *ret_status)
{
	*ret_status = 426;
	if (!http_route_has_version(wsi))
		return "unsupported WebSocket version; use 13";
	*ret_status = 400;
	if (!http_route_has_key(wsi))
		return "Sec-WebSocket-Key must be 16 bytes in base64";
	if (!http_route_connection_says_upgrade(wsi))
		return "a WebSocket handshake needs 'Connection: Upgrade'";
	if (!http_route_offered(wsi, offered))
		return "Sec-WebSocket-Protocol must be a list of names, with "
		       "commas between them, of 126 bytes at most; no "
		       "subprotocol is needed here";
	return NULL;
}

int
evt_http_route_upgrade(const evt_http_route *rt, struct lws *wsi,
    char offered[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX + 1])
{
	const char *why;
	unsigned status;
	bool nul;
	evt_strings args = { 0 };
	char *path;
	int r = -1;

	if (!http_route_wants_websocket(wsi)) {
		rt->site->stats->refused++;
		return -1;
	}
	path = http_route_path_of(wsi);
	why = http_route_bad_handshake(wsi, offered, &status);
	if (path == NULL)
		(void)http_route_refuse(rt, wsi, 400,
		    "a WebSocket handshake must be a GET");
	else if (why != NULL)
		(void)http_route_refuse(rt, wsi, status, why);
	else if (!evt_http_args_read(wsi, &args, &nul))
		r = -1;
	else if (nul)
		(void)http_route_refuse(rt, wsi, 400,
		    "an argument of the query holds %00");
	else
		r = http_route_judge_upgrade(rt, wsi, path, &args);
	free(path);
	evt_http_args_free(&args);
	return r;
}

/* ---- other requests ------------------------------------------------------ */

/* The platform's way to bring a session's hash in a header.  NULL: there is
 * none. */
static const char *
http_route_session(const char *authorization)
{
	if (authorization == NULL || strncasecmp(authorization, "NVX ", 4) != 0)
		return NULL;
	return authorization + 4 + strspn(authorization + 4, " ");
}

static const evt_server_file *
http_route_find_file(const evt_http_route *rt, const char *path)
{
	for (size_t i = 0; i < rt->n_files; i++) {
		if (strcmp(rt->files[i].path, path) == 0)
			return &rt->files[i];
	}
	return NULL;
}

/*
 * Judge the request and note who makes it.  *ret_status: the status to refuse it
 * with, and *ret_why; 0: it may.  false: out of memory.
 */
static bool
http_route_judge(const evt_http_route *rt, struct lws *wsi, evt_http_request *x,
    unsigned *ret_status, const char **ret_why)
{
	evt_http_request_caller caller = { .origin = NULL };
	bool file = http_route_find_file(rt, evt_http_request_path(x)) != NULL;
	struct credentials c;
	enum evt_access_verdict verdict;
	int status;

	http_route_read_credentials(wsi, evt_http_request_args(x), &c);
	/* Any page may have a link to the console. */
	if (file)
		c.q.fetch_site = NULL;
	verdict = http_route_access(rt, &c.q);
	status = evt_access_status(verdict);
	*ret_why = evt_access_why(verdict);
	caller.session = http_route_session(c.q.authorization);
	caller.origin = status != 403 ? c.q.origin : NULL;
	/* A page of another server must not have a browser change the deck. */
	caller.may_change = evt_access_same_origin(&c.q) ||
	    (rt->access->token != NULL && status == 0);
	/* The page's files hold nothing of the tape, and a browser's question
	 * whether it may ask brings no token. */
	if (status == 401 &&
	    (evt_http_request_method(x) == EVT_HTTP_REQUEST_OPTIONS || file))
		status = 0;
	*ret_status = (unsigned)status;
	return evt_http_request_set_caller(x, &caller);
}

/* A client of Atmosphere that closes its socket says so in a request, too. */
static bool
http_route_says_goodbye(const evt_http_request *x)
{
	const char *transport =
	    evt_http_request_arg(x, "X-Atmosphere-Transport");

	return transport != NULL && strcmp(transport, "close") == 0 &&
	    http_route_is_standin(evt_http_request_path(x));
}

/* A WebSocket is asked for without an upgrade. */
static bool
http_route_is_socket(const char *path)
{
	return strcmp(path, "/stream") == 0 || strcmp(path, "/control") == 0 ||
	    http_route_is_standin(path);
}

static void
http_route_metrics(const evt_site *site, evt_http_request *x)
{
	evt_server_stats sum = *site->stats;
	evt_audience audience;

	evt_channels_add_stats(site->channels, &sum);
	evt_channels_audience(site->channels, &audience);
	evt_server_metrics(x, &sum, &audience);
}

/* Give the request, which is complete and may, to its handler. */
static void
http_route_handle(const evt_http_route *rt, evt_http_request *x)
{
	static const char hello[] =
	    "evtape-replay: connect a WebSocket to /stream\n";
	const char *path = evt_http_request_path(x);
	const evt_server_file *f = http_route_find_file(rt, path);
	enum evt_http_request_method method = evt_http_request_method(x);

	if (method == EVT_HTTP_REQUEST_OPTIONS) {
		evt_http_request_answer(x, 204, "text/plain", "", 0);
	} else if (method == EVT_HTTP_REQUEST_OTHER) {
		evt_http_request_answer_error(x, 405,
		    "method not allowed; use GET or POST");
	} else if (http_route_says_goodbye(x)) {
		evt_http_request_answer(x, 200, "text/plain", "", 0);
	} else if (http_route_is_socket(path)) {
		evt_http_request_answer_error(x, 426,
		    "this path accepts WebSocket connections only");
	} else if (strncmp(path, "/api/", 5) == 0) {
		evt_api(rt->site, x);
	} else if (evt_platform_rest(rt->site, x)) {
		return;
	} else if (method == EVT_HTTP_REQUEST_POST) {
		evt_http_request_answer_error(x, 404, "no such call");
	} else if (f != NULL) {
		evt_http_request_answer(x, 200, f->type, f->data, f->len);
	} else if (strcmp(path, "/metrics") == 0) {
		http_route_metrics(rt->site, x);
	} else if (strcmp(path, "/") == 0) {
		evt_http_request_answer(x, 200, "text/plain; charset=utf-8",
		    hello, sizeof(hello) - 1);
	} else {
		evt_http_request_answer_error(x, 404,
		    "nothing is served at this path");
	}
}

int
evt_http_route_begin(const evt_http_route *rt, struct lws *wsi)
{
	evt_http_request *x =
	    evt_http_request_new(wsi, rt->site->tiles, rt->site->stats);
	const char *why;
	unsigned status;
	int64_t len = 0;

	if (x == NULL)
		return -1;
	if (!http_route_judge(rt, wsi, x, &status, &why)) {
		evt_http_request_free(x);
		return -1;
	}
	rt->site->stats->http.requests++;
	lws_set_opaque_user_data(wsi, x);
	if (status == 0)
		status = evt_http_request_judge_form(x, &len, &why);
	if (status != 0)
		evt_http_request_answer_error(x, status, "%s", why);
	else if (evt_http_request_method(x) != EVT_HTTP_REQUEST_POST ||
	    len == 0)
		http_route_handle(rt, x);
	else
		evt_http_request_invite_body(x);
	return 0;
}

void
evt_http_route_complete(const evt_http_route *rt, evt_http_request *x)
{
	if (evt_http_request_is_due(x))
		http_route_handle(rt, x);
}
