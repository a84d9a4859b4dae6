/* http_route.c - judging and routing requests; see http_route.h. */
#include "replay/serve/http_route.h"

#include <assert.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "format/base/err.h"
#include "format/navixy/atmosphere.h"
#include "format/wire/ws_handshake.h"
#include "replay/serve/api.h"
#include "replay/serve/platform_rest.h"
#include "replay/serve/server_metrics.h"

/* So many different foreign values of Host and Origin are reported. */
#define TOLD_MAX 8
void
evt_http_route_refuse(const evt_http_route *rt, evt_connection *connection,
    bool bodiless, unsigned status, const char *text)
{
	evt_buf out = { 0 };
	bool ok = evt_buf_printf(&out,
	              "HTTP/1.1 %u %s\r\n"
	              "content-type: text/plain; charset=utf-8\r\n"
	              "content-length: %zu\r\n"
	              "x-content-type-options: nosniff\r\n"
	              "%sconnection: close\r\n\r\n",
	              status, evt_http_request_phrase(status), strlen(text) + 1,
	              status == 401     ? "www-authenticate: Bearer\r\n" :
	                  status == 426 ? "upgrade: websocket\r\n"
	                                  "sec-websocket-version: 13\r\n" :
	                                  "") &&
	    (bodiless || evt_buf_printf(&out, "%s\n", text)) &&
	    evt_connection_queue(connection, out.data, out.len);

	rt->site->stats->refused++;
	evt_buf_free(&out);
	if (ok)
		evt_connection_finish(connection);
	else
		evt_connection_drop(connection);
}

static void
http_route_read_access(const evt_http_head *head, evt_access_request *ret)
{
	*ret = (evt_access_request){
		.host = evt_http_head_get(head, "Host"),
		.origin = evt_http_head_get(head, "Origin"),
		.authorization = evt_http_head_get(head, "Authorization"),
		.token = evt_http_head_arg(&head->args, "token"),
		.fetch_site = evt_http_head_get(head, "Sec-Fetch-Site"),
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
	const char *deck = evt_http_head_arg(args, "deck");

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
	const char *with = evt_http_head_arg(args, "with");
	uint8_t random[16];

	if (join->kind == EVT_CHANNEL_CONTROL) {
		join->with.states = http_route_list_has(with, "states");
		join->with.frames = http_route_list_has(with, "frames");
		join->with.clients = http_route_list_has(with, "clients");
	}
	if (join->kind != EVT_CHANNEL_STANDIN)
		return true;
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	join->atmosphere = evt_atmosphere_greet(evt_http_head_arg(args,
	                                            "X-Atmosphere-tracking-id"),
	    evt_http_head_arg(args, "X-atmo-protocol") != NULL, random,
	    rt->heartbeat_ns / 1000000, join->greeting);
	return true;
}

/* An upgrade that is refused. */
struct refusal {
	unsigned status; /* 0: it is accepted */
	char why[600];
};

static evt_ws_client *
http_route_refused(struct refusal *ret, unsigned status, const char *why)
{
	ret->status = status;
	snprintf(ret->why, sizeof(ret->why), "%s", why);
	return NULL;
}

static evt_ws_client *
http_route_accept(const evt_http_route *rt, evt_connection *connection,
    const evt_http_head *head, struct wanted *w, struct refusal *ret)
{
	evt_channels *channels = rt->site->channels;
	evt_ws_client *client;
	evt_channel *ch;
	evt_error err;
	int r;

	if (evt_channels_closing(channels))
		return http_route_refused(ret, 503,
		    "the server is shutting down");
	if (evt_channels_clients(channels) >= rt->max_clients)
		return http_route_refused(ret, 503,
		    "too many clients; retry when others have left");
	if (!http_route_read_join(rt, &head->args, &w->join))
		return http_route_refused(ret, 500, "no random numbers");
	w->join.about = (evt_client_log_about){ .path = head->path,
		.args = &head->args,
		.agent = evt_http_head_get(head, "User-Agent"),
		.origin = evt_http_head_get(head, "Origin"),
		.forwarded_for = evt_http_head_get(head, "X-Forwarded-For") };
	if (!w->own)
		r = http_route_join_shared(rt, &head->args, w->join.kind, &ch,
		    &err);
	else if (w->join.kind == EVT_CHANNEL_STREAM)
		r = http_route_own_channel(rt, &head->args, &ch, &err);
	else
		r = evt_channels_add(channels, rt->play, &ch, &err);
	if (r == EVT_OK)
		r = evt_channel_accept(ch, connection, &w->join, &client, &err);
	if (r == EVT_OK)
		return client;
	return http_route_refused(ret,
	    r == EVT_ERR_ARG || r == EVT_ERR_NOTFOUND ? 400 : 500, err.text);
}

/* The key of a handshake is 16 bytes in base64 (RFC 6455, 4.1). */
static bool
http_route_is_key(const char *key)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return key != NULL && strlen(key) == 24 && strspn(key, digits) == 22 &&
	    strcmp(key + 22, "==") == 0;
}

/* Whether all that the client offers are subprotocols: tokens. */
static bool
http_route_offers_tokens(const evt_http_head *head)
{
	for (size_t i = 0; i < head->names.n; i++) {
		const char *p = head->values.item[i];
		bool more = strcasecmp(head->names.item[i],
		                "Sec-WebSocket-Protocol") == 0;

		while (more) {
			size_t n = strcspn(p, ",");
			size_t from = strspn(p, " \t"), to = n;

			while (to > from &&
			    (p[to - 1] == ' ' || p[to - 1] == '\t'))
				to--;
			if (from >= to ||
			    !evt_http_head_is_token(p + from, to - from))
				return false;
			more = p[n] == ',';
			p += n + 1;
		}
	}
	return true;
}

/* What is wrong with the headers of a handshake, and the status to refuse it
 * with; NULL: nothing. */
static const char *
http_route_bad_handshake(const evt_http_head *head, unsigned *ret_status)
{
	const char *version = evt_http_head_get(head, "Sec-WebSocket-Version");

	*ret_status = 426;
	if (version == NULL || strcmp(version, "13") != 0)
		return "unsupported WebSocket version; use 13";
	*ret_status = 400;
	if (strcmp(head->method, "GET") != 0)
		return "a WebSocket handshake must be a GET";
	if (!http_route_is_key(evt_http_head_get(head, "Sec-WebSocket-Key")))
		return "Sec-WebSocket-Key must be 16 bytes in base64";
	if (!evt_http_head_has_word(head, "Connection", "upgrade"))
		return "a WebSocket handshake needs 'Connection: Upgrade'";
	if (!http_route_offers_tokens(head))
		return "Sec-WebSocket-Protocol must be a list of names, with "
		       "commas between them; no subprotocol is needed here";
	return NULL;
}

static evt_ws_client *
http_route_judge_upgrade(const evt_http_route *rt, evt_connection *connection,
    const evt_http_head *head, struct refusal *ret)
{
	enum evt_access_verdict verdict;
	evt_access_request q;
	struct wanted w;
	unsigned status;
	const char *why = http_route_bad_handshake(head, &status);

	if (why != NULL)
		return http_route_refused(ret, status, why);
	http_route_read_access(head, &q);
	verdict = http_route_access(rt, &q);
	if (verdict != EVT_ACCESS_GRANTED)
		return http_route_refused(ret,
		    (unsigned)evt_access_status(verdict),
		    evt_access_why(verdict));
	if (!http_route_find_wanted(rt, head->path, &head->args, &w))
		return http_route_refused(ret, 404,
		    "no WebSocket at this path; use /stream, /control or "
		    "/event/subscription");
	return http_route_accept(rt, connection, head, &w, ret);
}

/* NULL: it is refused, and answered. */
static evt_ws_client *
http_route_upgrade(const evt_http_route *rt, evt_connection *connection,
    const evt_http_head *head)
{
	struct refusal refusal = { .status = 0 };
	evt_ws_client *client =
	    http_route_judge_upgrade(rt, connection, head, &refusal);
	evt_buf answer = { 0 };

	if (client == NULL) {
		evt_http_route_refuse(rt, connection,
		    strcmp(head->method, "HEAD") == 0, refusal.status,
		    refusal.why);
		return NULL;
	}
	if (evt_ws_handshake_accept(evt_http_head_get(head,
	                                "Sec-WebSocket-Key"),
	        SHA1, &answer) &&
	    evt_connection_queue(connection, answer.data, answer.len))
		evt_ws_client_open(client);
	else
		evt_connection_drop(connection);
	evt_buf_free(&answer);
	return client;
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
http_route_judge(const evt_http_route *rt, evt_http_request *x,
    unsigned *ret_status, const char **ret_why)
{
	evt_http_request_caller caller = { .origin = NULL };
	bool file = http_route_find_file(rt, evt_http_request_path(x)) != NULL;
	evt_access_request q;
	enum evt_access_verdict verdict;
	int status;

	http_route_read_access(evt_http_request_head(x), &q);
	/* Any page may have a link to the console. */
	if (file)
		q.fetch_site = NULL;
	verdict = http_route_access(rt, &q);
	status = evt_access_status(verdict);
	*ret_why = evt_access_why(verdict);
	caller.session = http_route_session(q.authorization);
	caller.origin = status != 403 ? q.origin : NULL;
	/* A page of another server must not have a browser change the deck. */
	caller.may_change = evt_access_same_origin(&q) ||
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

static evt_http_request *
http_route_request(const evt_http_route *rt, evt_connection *connection,
    evt_http_head *head)
{
	evt_http_request *x = evt_http_request_new(connection, head,
	    rt->site->tiles, rt->site->stats);
	const char *why;
	unsigned status;
	int64_t len = 0;

	if (x == NULL || !http_route_judge(rt, x, &status, &why)) {
		evt_http_request_free(x);
		evt_connection_drop(connection);
		return NULL;
	}
	rt->site->stats->http.requests++;
	if (status == 0)
		status = evt_http_request_judge_form(x, &len, &why);
	if (status != 0)
		evt_http_request_answer_error(x, status, "%s", why);
	else if (evt_http_request_method(x) != EVT_HTTP_REQUEST_POST ||
	    len == 0)
		http_route_handle(rt, x);
	else
		evt_http_request_invite_body(x, len);
	return x;
}

void
evt_http_route_begin(const evt_http_route *rt, evt_connection *connection,
    evt_http_head *head, evt_http_route_result *ret)
{
	assert(head->path != NULL);
	*ret = (evt_http_route_result){ .request = NULL };
	/* An upgrade to anything else (h2c, say) is declined by answering the
	 * request as it is (RFC 9110, 7.8). */
	if (head->persistent &&
	    evt_http_head_has_word(head, "Upgrade", "websocket"))
		ret->client = http_route_upgrade(rt, connection, head);
	else
		ret->request = http_route_request(rt, connection, head);
}

void
evt_http_route_complete(const evt_http_route *rt, evt_http_request *x)
{
	http_route_handle(rt, x);
}
