/*
 * exchange.c - requests that are no WebSocket, and their answers.
 *
 * An answer is put together whole, then written a piece at a time, and the
 * connection is closed behind it: there is no state between requests that could
 * go wrong, and on a loopback a new connection costs next to nothing.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "replay/serve/server_impl.h"

/* Written at once. */
#define PIECE 65536u
/* A client must send its body within so many seconds, and take its answer with
 * no more between two pieces. */
#define PATIENCE 10
/* How long a job is worked on before others get their turn: a frame that falls
 * due meanwhile is so much later. */
#define SLICE_NS (2 * EVT_NS_PER_MS)

/* ---- arguments ----------------------------------------------------------- */

void
evt_http_args_free(struct args *a)
{
	/* Tokens and hashes may stand in a query. */
	for (size_t i = 0; i < a->n; i++) {
		explicit_bzero(a->arg[i], strlen(a->arg[i]));
		free(a->arg[i]);
	}
	free(a->arg);
	*a = (struct args){ 0 };
}

bool
evt_http_args_add(struct args *a, const char *text, size_t len)
{
	char **arg = realloc(a->arg, (a->n + 1) * sizeof(*arg));

	if (arg == NULL)
		return false;
	a->arg = arg;
	arg[a->n] = strndup(text, len);
	if (arg[a->n] == NULL)
		return false;
	a->n++;
	return true;
}

const char *
evt_http_args_get(const struct args *a, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < a->n; i++) {
		if (strncmp(a->arg[i], name, n) == 0 && a->arg[i][n] == '=')
			return a->arg[i] + n + 1;
	}
	return NULL;
}

bool
evt_http_args_read(evt_server *s, struct lws *wsi, struct args *a)
{
	/* Longer ones than the buffer would hide all that follow; it is as long
	 * as the whole request may be. */
	while (lws_hdr_copy_fragment(wsi, s->arg, QUERY_MAX,
	           WSI_TOKEN_HTTP_URI_ARGS, (int)a->n) >= 0) {
		if (!evt_http_args_add(a, s->arg, strlen(s->arg)))
			return false;
	}
	return true;
}

/* ---- answers ------------------------------------------------------------- */

/* The headers that let a page of another origin, which was allowed, read the
 * answer. */
static bool
http_request_add_cors(const struct exchange *x, evt_buf *out)
{
	if (x->origin == NULL)
		return true;
	return evt_buf_printf(out,
	           "access-control-allow-origin: %s\r\n"
	           "vary: origin\r\n",
	           x->origin) &&
	    (x->method != METHOD_OPTIONS ||
	        evt_buf_add_str(out,
	            "access-control-allow-methods: GET, POST\r\n"
	            "access-control-allow-headers: authorization, "
	            "content-type\r\n"));
}

/* Scripts and styles of the page's own alone; nothing from elsewhere but the
 * tiles that were asked for. */
static bool
http_request_add_policy(const struct exchange *x, evt_buf *out)
{
	const char *tiles = x->server->o.tiles;
	bool ok = evt_buf_add_str(out,
	    "content-security-policy: default-src 'none'; script-src 'self'; "
	    "style-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'; img-src 'self' data:");

	if (tiles != NULL) {
		const char *host = strstr(tiles, "://") + 3;
		/* One of several hosts. */
		bool any = strncmp(host, "{s}.", 4) == 0;
		const char *rest = any ? host + 4 : host;

		ok = ok &&
		    evt_buf_printf(out, " %.*s%s%.*s", (int)(host - tiles),
		        tiles, any ? "*." : "", (int)strcspn(rest, "/"), rest);
	}
	return ok &&
	    evt_buf_add_str(out, "\r\nreferrer-policy: no-referrer\r\n");
}

void
evt_http_answer(struct exchange *x, unsigned status, const char *type,
    const void *body, size_t len)
{
	static const uint8_t headroom[LWS_PRE];
	evt_buf *out = &x->out;
	bool ok;

	x->answered = true;
	if (status >= 400)
		x->server->stats.refused++;
	out->len = 0;
	ok = evt_buf_add(out, headroom, sizeof(headroom)) &&
	    evt_buf_printf(out,
	        "HTTP/1.1 %u %s\r\ncontent-type: %s\r\n"
	        "content-length: %zu\r\ncache-control: no-store\r\n"
	        "x-content-type-options: nosniff\r\n%sconnection: close\r\n",
	        status, evt_http_phrase(status), type, len,
	        status == 401     ? "www-authenticate: Bearer\r\n" :
	            status == 426 ? "upgrade: websocket\r\n" :
	            status == 405 ? "allow: GET, POST\r\n" :
	                            "") &&
	    http_request_add_cors(x, out) && http_request_add_policy(x, out) &&
	    evt_buf_add_str(out, "\r\n") &&
	    (x->method == METHOD_HEAD || evt_buf_add(out, body, len));
	if (!ok)
		out->len = 0; /* it is closed without an answer */
	x->at = LWS_PRE;
	lws_callback_on_writable(x->wsi);
}

void
evt_http_answer_json(struct exchange *x, unsigned status, const evt_buf *body)
{
	evt_http_answer(x, status, "application/json", body->data, body->len);
}

void
evt_http_answer_error(struct exchange *x, unsigned status, const char *fmt, ...)
{
	char text[600];
	evt_buf body = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Without memory the answer is an empty one, with its status. */
	if (evt_buf_add_str(&body, "{\"error\":") &&
	    evt_buf_add_json(&body, text, strlen(text)))
		(void)evt_buf_add_str(&body, "}\n");
	evt_http_answer_json(x, status, &body);
	evt_buf_free(&body);
}

void
evt_http_answer_failed(struct exchange *x, const evt_error *err)
{
	evt_http_answer_error(x,
	    err->code == EVT_ERR_ARG          ? 400 :
	        err->code == EVT_ERR_NOTFOUND ? 404 :
	                                        500,
	    "%s", err->text);
}

void
evt_http_request_work(struct exchange *x, struct job *job)
{
	x->job = job;
	/* An idle socket can be written to, so its turn comes in each round of
	 * the loop. */
	lws_callback_on_writable(x->wsi);
}

static void
http_request_work(struct exchange *x)
{
	lws_set_timeout(x->wsi, PENDING_TIMEOUT_HTTP_CONTENT, PATIENCE);
	if (!x->job->work(x->job, x, evt_waker_now() + SLICE_NS))
		lws_callback_on_writable(x->wsi);
}

int
evt_http_request_writable(struct exchange *x)
{
	size_t left = x->out.len > x->at ? x->out.len - x->at : 0;
	size_t n = left < PIECE ? left : PIECE;

	if (lws_partial_buffered(x->wsi))
		return 0;
	if (!x->answered) {
		if (x->job != NULL)
			http_request_work(x);
		return 0;
	}
	if (n == 0)
		return -1; /* all of it is with the kernel */
	if (lws_write(x->wsi, x->out.data + x->at, n, LWS_WRITE_HTTP_HEADERS) <
	    (int)n)
		return -1;
	x->at += n;
	lws_set_timeout(x->wsi, PENDING_TIMEOUT_HTTP_CONTENT, PATIENCE);
	lws_callback_on_writable(x->wsi);
	return 0;
}

/* ---- requests ------------------------------------------------------------ */

static enum method
http_request_method_of(struct lws *wsi, char **ret_path, int *ret_len)
{
	switch (lws_http_get_uri_and_method(wsi, ret_path, ret_len)) {
	case LWSHUMETH_GET:
		return METHOD_GET;
	case LWSHUMETH_POST:
		return METHOD_POST;
	case LWSHUMETH_OPTIONS:
		return METHOD_OPTIONS;
	case LWSHUMETH_HEAD:
		return METHOD_HEAD;
	default:
		return METHOD_OTHER;
	}
}

static struct exchange *
http_request_exchange_new(evt_server *s, struct lws *wsi)
{
	struct exchange *x = calloc(1, sizeof(*x));
	char *path = NULL;
	int len = 0;

	if (x == NULL)
		return NULL;
	x->peer.kind = PEER_EXCHANGE;
	x->server = s;
	x->wsi = wsi;
	x->method = http_request_method_of(wsi, &path, &len);
	x->path = path != NULL ? strndup(path, (size_t)len) : strdup("");
	if (x->path == NULL || !evt_http_args_read(s, wsi, &x->args) ||
	    !evt_http_look(x)) {
		evt_http_request_free(x);
		return NULL;
	}
	return x;
}

void
evt_http_request_free(struct exchange *x)
{
	if (x == NULL)
		return;
	/* Bodies and queries hold credentials. */
	if (x->body.data != NULL)
		explicit_bzero(x->body.data, x->body.cap);
	if (x->job != NULL)
		x->job->free(x->job);
	if (x->session != NULL)
		explicit_bzero(x->session, strlen(x->session));
	free(x->session);
	evt_http_args_free(&x->args);
	evt_buf_free(&x->body);
	evt_buf_free(&x->out);
	free(x->path);
	free(x->origin);
	free(x);
}

/*
 * What the request says of its body.  Requests that two programs could read
 * differently are refused, and so are bodies that are too large, before they
 * come.  The status to refuse it with; 0: none.
 */
static unsigned
http_request_judge_body(struct lws *wsi, int64_t *ret_len, const char **ret_why)
{
	const enum lws_token_indexes length = WSI_TOKEN_HTTP_CONTENT_LENGTH;
	char text[32];

	*ret_len = 0;
	*ret_why = "the length of the body must be said in Content-Length; "
	           "chunks are not taken";
	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
		return 411;
	if (lws_hdr_total_length(wsi, length) <= 0)
		return 0;
	*ret_why = "Content-Length must be one whole number";
	if (lws_hdr_copy_fragment(wsi, text, sizeof(text), length, 1) >= 0 ||
	    lws_hdr_copy(wsi, text, sizeof(text), length) <= 0 ||
	    text[0] == '-' ||
	    evt_timetext_int_parse(text, "", 0, INT64_MAX, ret_len, NULL) !=
	        EVT_OK)
		return 400;
	*ret_why = "a body of more than 1048576 bytes is not taken";
	return *ret_len > MESSAGE_MAX ? 413 : 0;
}

/* A client that asks whether it may send its body is told to. */
static void
http_request_invite_body(struct lws *wsi)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uint8_t buf[LWS_PRE + sizeof(go_on)];

	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT) <= 0)
		return;
	memcpy(buf + LWS_PRE, go_on, sizeof(go_on) - 1);
	/* Where it does not go out the body comes a little later. */
	(void)lws_write(wsi, buf + LWS_PRE, sizeof(go_on) - 1,
	    LWS_WRITE_HTTP_HEADERS);
}

int
evt_http_request_begin(evt_server *s, struct lws *wsi)
{
	struct exchange *x = http_request_exchange_new(s, wsi);
	const char *why;
	unsigned status;
	int64_t len;

	if (x == NULL)
		return -1;
	s->stats.requests++;
	lws_set_opaque_user_data(wsi, x);
	lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT, PATIENCE);
	x->body_due_ns = evt_waker_now() + PATIENCE * EVT_NS_PER_S;
	status = (unsigned)evt_http_judge(x, &why);
	if (status == 0)
		status = http_request_judge_body(wsi, &len, &why);
	if (status != 0)
		evt_http_answer_error(x, status, "%s", why);
	else if (x->method != METHOD_POST || len == 0)
		evt_http_route(x);
	else
		http_request_invite_body(wsi);
	return 0;
}

int
evt_http_request_body(struct exchange *x, const void *in, size_t len)
{
	if (x->answered || x->method != METHOD_POST)
		return 0;
	if (x->body.len + len > MESSAGE_MAX)
		return -1; /* more than was announced */
	if (evt_waker_now() > x->body_due_ns) {
		evt_http_answer_error(x, 408,
		    "the body did not come within %d s", PATIENCE);
		return 0;
	}
	return evt_buf_add(&x->body, in, len) ? 0 : -1;
}

int
evt_http_request_complete(struct exchange *x)
{
	/* A GET may have a body too, which nobody waits for. */
	if (!x->answered && x->method == METHOD_POST)
		evt_http_route(x);
	return 0;
}
