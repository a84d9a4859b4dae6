/*
 * http_request.c - one HTTP request and its answer; see http_request.h.
 *
 * An answer is made whole, then written a piece at a time, and the connection is
 * closed after it.  So there is no state between requests that could go wrong,
 * and on a loopback a new connection costs next to nothing.
 */
#include "replay/serve/http_request.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/err.h"

/* Bytes of one write. */
#define PIECE 65536u
/* Seconds in which a client must send its body; also the longest time
 * between two pieces of the answer that it takes. */
#define PATIENCE 10
#define PATIENCE_NS (PATIENCE * EVT_NS_PER_S)
/* How long a job runs before others get their turn.  A frame that falls due
 * meanwhile is late by that much. */
#define SLICE_NS (2 * EVT_NS_PER_MS)
/* Bounds for all requests together, so that clients that ask for much and read
 * nothing cost a bounded amount of memory: answers that are being found, and bytes
 * of answers that were not read.  A small answer does not count: the kernel takes
 * it at once. */
#define JOBS_MAX 16u
#define HELD_MAX (UINT64_C(128) << 20)
/* An answer must be read in 30 s, and a large one at so many bytes a second. */
#define READ_NS (30 * EVT_NS_PER_S)
#define READ_RATE 65536

struct evt_http_request {
	evt_connection *connection;
	const char *tiles;
	evt_server_stats *stats;
	enum evt_http_request_method method;
	evt_http_head head;
	char *origin, *session; /* as evt_http_request_caller */
	bool may_change;
	bool wants_body; /* it is complete with body_len bytes */
	size_t body_len;
	evt_buf body; /* of the request */
	evt_buf out;  /* head and body of the answer, or a piece of it */
	size_t at;    /* sent up to */
	int file;     /* the rest of the body; -1: none */
	bool answered;
	int64_t read_due_ns; /* when the answer must have been read */
	uint64_t held;       /* bytes that count in stats->http.held_bytes */
	evt_http_request_job *job; /* NULL: none */
};

/* ---- what is asked ------------------------------------------------------- */

static enum evt_http_request_method
http_request_method_of(const evt_http_head *head)
{
	static const char *const names[] = { [EVT_HTTP_REQUEST_GET] = "GET",
		[EVT_HTTP_REQUEST_HEAD] = "HEAD",
		[EVT_HTTP_REQUEST_POST] = "POST",
		[EVT_HTTP_REQUEST_OPTIONS] = "OPTIONS" };
	_Static_assert(sizeof(names) / sizeof(names[0]) ==
	        EVT_HTTP_REQUEST_OTHER,
	    "each method has a name");

	for (unsigned i = 0; i < EVT_HTTP_REQUEST_OTHER; i++) {
		if (strcmp(head->method, names[i]) == 0)
			return (enum evt_http_request_method)i;
	}
	return EVT_HTTP_REQUEST_OTHER;
}

static void
http_request_be_patient(const evt_http_request *x)
{
	evt_connection_set_due(x->connection, evt_clock_mono() + PATIENCE_NS);
}

evt_http_request *
evt_http_request_new(evt_connection *connection, evt_http_head *head,
    const char *tiles, evt_server_stats *stats)
{
	evt_http_request *x = calloc(1, sizeof(*x));

	assert(connection != NULL && head->path != NULL && stats != NULL);
	if (x == NULL)
		return NULL;
	x->connection = connection;
	x->file = -1;
	x->tiles = tiles;
	x->stats = stats;
	x->method = http_request_method_of(head);
	x->head = *head;
	*head = (evt_http_head){ 0 };
	http_request_be_patient(x);
	return x;
}

static void
http_request_end_job(evt_http_request *x)
{
	if (x->job == NULL)
		return;
	x->job->free(x->job);
	x->job = NULL;
	x->stats->http.jobs--;
}

void
evt_http_request_free(evt_http_request *x)
{
	if (x == NULL)
		return;
	/* Bodies and queries hold credentials. */
	if (x->body.data != NULL)
		explicit_bzero(x->body.data, x->body.cap);
	http_request_end_job(x);
	if (x->file >= 0)
		close(x->file);
	x->stats->http.held_bytes -= x->held;
	if (x->session != NULL)
		explicit_bzero(x->session, strlen(x->session));
	free(x->session);
	evt_http_head_free(&x->head);
	evt_buf_free(&x->body);
	evt_buf_free(&x->out);
	free(x->origin);
	free(x);
}

enum evt_http_request_method
evt_http_request_method(const evt_http_request *x)
{
	return x->method;
}

const evt_http_head *
evt_http_request_head(const evt_http_request *x)
{
	return &x->head;
}

const char *
evt_http_request_path(const evt_http_request *x)
{
	return x->head.path;
}

const evt_strings *
evt_http_request_args(const evt_http_request *x)
{
	return &x->head.args;
}

const char *
evt_http_request_arg(const evt_http_request *x, const char *name)
{
	return evt_http_head_arg(&x->head.args, name);
}

uint8_t *
evt_http_request_body_data(evt_http_request *x, size_t *ret_len)
{
	*ret_len = x->body.len;
	return x->body.data;
}

bool
evt_http_request_set_caller(evt_http_request *x,
    const evt_http_request_caller *caller)
{
	assert(x->origin == NULL && x->session == NULL);
	x->may_change = caller->may_change;
	if (caller->origin != NULL)
		x->origin = strdup(caller->origin);
	if (caller->session != NULL)
		x->session = strdup(caller->session);
	return (x->origin != NULL) == (caller->origin != NULL) &&
	    (x->session != NULL) == (caller->session != NULL);
}

const char *
evt_http_request_session(const evt_http_request *x)
{
	return x->session;
}

bool
evt_http_request_may_change(const evt_http_request *x)
{
	return x->may_change;
}

bool
evt_http_request_path_ends(const char *path, const char *name)
{
	size_t n = strlen(path), m = strlen(name);

	if (n > 1 && path[n - 1] == '/')
		n--;
	return n >= m && memcmp(path + n - m, name, m) == 0;
}

/* ---- answers ------------------------------------------------------------- */

const char *
evt_http_request_phrase(unsigned status)
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
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (row[i].status == status)
			return row[i].phrase;
	}
	return "";
}

/* The headers that let a page of another origin, which was allowed, read the
 * answer. */
static bool
http_request_add_cors(const evt_http_request *x, evt_buf *out)
{
	if (x->origin == NULL)
		return true;
	return evt_buf_printf(out,
	           "access-control-allow-origin: %s\r\n"
	           "vary: origin\r\n",
	           x->origin) &&
	    (x->method != EVT_HTTP_REQUEST_OPTIONS ||
	        evt_buf_add_str(out,
	            "access-control-allow-methods: GET, POST\r\n"
	            "access-control-allow-headers: authorization, "
	            "content-type\r\n"));
}

/* Only the page's own scripts and styles; nothing from elsewhere but the map
 * tiles that were configured. */
static bool
http_request_add_policy(const evt_http_request *x, evt_buf *out)
{
	const char *tiles = x->tiles;
	bool ok = evt_buf_add_str(out,
	    "content-security-policy: default-src 'none'; script-src 'self'; "
	    "style-src 'self'; connect-src 'self'; base-uri 'none'; "
	    "form-action 'none'; frame-ancestors 'none'; img-src 'self' data:");

	if (tiles != NULL) {
		const char *host = strstr(tiles, "://") + 3;
		/* The URL stands for several hosts. */
		bool any = strncmp(host, "{s}.", 4) == 0;
		const char *rest = any ? host + 4 : host;

		ok = ok &&
		    evt_buf_printf(out, " %.*s%s%.*s", (int)(host - tiles),
		        tiles, any ? "*." : "", (int)strcspn(rest, "/"), rest);
	}
	return ok &&
	    evt_buf_add_str(out, "\r\nreferrer-policy: no-referrer\r\n");
}

/* Write the head of an answer with len bytes. */
static bool
http_request_add_head(const evt_http_request *x, unsigned status,
    const char *type, uint64_t len, evt_buf *out)
{
	return evt_buf_printf(out,
	           "HTTP/1.1 %u %s\r\ncontent-type: %s\r\n"
	           "content-length: %" PRIu64 "\r\ncache-control: no-store\r\n"
	           "x-content-type-options: nosniff\r\n%sconnection: close\r\n",
	           status, evt_http_request_phrase(status), type, len,
	           status == 401     ? "www-authenticate: Bearer\r\n" :
	               status == 426 ? "upgrade: websocket\r\n" :
	               status == 405 ? "allow: GET, POST\r\n" :
	                               "") &&
	    http_request_add_cors(x, out) && http_request_add_policy(x, out);
}

/* The answer is complete: send it. */
static void
http_request_begin_answer(evt_http_request *x, uint64_t len)
{
	x->answered = true;
	x->read_due_ns = evt_clock_add(evt_clock_mono() + READ_NS,
	    (int64_t)(len / READ_RATE) * EVT_NS_PER_S);
	/* What still comes is discarded at the end. */
	evt_connection_hold(x->connection, true);
	http_request_be_patient(x);
	evt_connection_want_write(x->connection);
}

void
evt_http_request_answer(evt_http_request *x, unsigned status, const char *type,
    const void *body, size_t len)
{
	evt_buf *out = &x->out;
	bool ok;

	assert(status >= 200 && status <= 599 && !x->answered);
	if (len > PIECE && x->stats->http.held_bytes + len > HELD_MAX) {
		evt_http_request_answer_error(x, 503,
		    "too many large answers were not read; retry later");
		return;
	}
	if (status >= 400)
		x->stats->refused++;
	out->len = 0;
	ok = http_request_add_head(x, status, type, len, out) &&
	    evt_buf_add_str(out, "\r\n") &&
	    (x->method == EVT_HTTP_REQUEST_HEAD || evt_buf_add(out, body, len));
	if (!ok)
		out->len = 0; /* the connection is closed without an answer */
	x->held = len > PIECE ? out->cap : 0;
	x->stats->http.held_bytes += x->held;
	http_request_begin_answer(x, len);
}

void
evt_http_request_answer_file(evt_http_request *x, const char *type,
    const char *name, int fd)
{
	struct stat st;

	assert(!x->answered && x->file < 0 && fd >= 0);
	x->file = fd;
	if (fstat(fd, &st) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		x->file = -1;
		evt_http_request_answer_error(x, 500,
		    "a temporary file cannot be read");
		return;
	}
	x->out.len = 0;
	if (!http_request_add_head(x, 200, type, (uint64_t)st.st_size,
	        &x->out) ||
	    !evt_buf_printf(&x->out,
	        "content-disposition: attachment; filename=\"%s\"\r\n\r\n",
	        name))
		x->out.len = 0;
	http_request_begin_answer(x, (uint64_t)st.st_size);
}

void
evt_http_request_answer_json(evt_http_request *x, unsigned status,
    const evt_buf *body)
{
	evt_http_request_answer(x, status, "application/json", body->data,
	    body->len);
}

void
evt_http_request_answer_error(evt_http_request *x, unsigned status,
    const char *fmt, ...)
{
	char text[600];
	evt_buf body = { 0 };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Without memory the answer is an empty body with the status. */
	if (evt_buf_add_str(&body, "{\"error\":") &&
	    evt_buf_add_json(&body, text, strlen(text)))
		(void)evt_buf_add_str(&body, "}\n");
	evt_http_request_answer_json(x, status, &body);
	evt_buf_free(&body);
}

void
evt_http_request_answer_failed(evt_http_request *x, const evt_error *err)
{
	evt_http_request_answer_error(x,
	    err->code == EVT_ERR_ARG          ? 400 :
	        err->code == EVT_ERR_NOTFOUND ? 404 :
	                                        500,
	    "%s", err->text);
}

void
evt_http_request_set_job(evt_http_request *x, evt_http_request_job *job)
{
	assert(x->job == NULL && !x->answered);
	if (x->stats->http.jobs >= JOBS_MAX) {
		job->free(job);
		evt_http_request_answer_error(x, 503,
		    "too many requests at a time; retry later");
		return;
	}
	x->stats->http.jobs++;
	x->job = job;
	evt_connection_hold(x->connection, true);
	if (job->waits) {
		evt_connection_set_due(x->connection, INT64_MAX);
		return;
	}
	/* An idle socket is writable, so the job gets a turn in each round
	 * of the loop. */
	evt_connection_want_write(x->connection);
}

void
evt_http_request_wake(evt_http_request *x)
{
	assert(x->job != NULL && x->job->waits);
	evt_connection_want_write(x->connection);
}

static void
http_request_work(evt_http_request *x)
{
	if (!x->job->waits)
		http_request_be_patient(x);
	if (x->job->work(x->job, x, evt_clock_mono() + SLICE_NS))
		http_request_end_job(x);
	else if (!x->job->waits)
		evt_connection_want_write(x->connection);
}

/* Read the next piece of the file.  false: there is none. */
static bool
http_request_next_piece(evt_http_request *x)
{
	ssize_t n;

	x->out.len = x->at = 0;
	if (x->file < 0 || x->method == EVT_HTTP_REQUEST_HEAD ||
	    !evt_buf_reserve(&x->out, PIECE))
		return false;
	n = read(x->file, x->out.data, PIECE);
	if (n <= 0)
		return false;
	x->out.len = (size_t)n;
	return true;
}

void
evt_http_request_writable(evt_http_request *x)
{
	size_t left = x->out.len - x->at;
	ssize_t sent;

	if (!x->answered) {
		if (x->job != NULL)
			http_request_work(x);
		return;
	}
	if (x->out.len == 0 || evt_clock_mono() > x->read_due_ns) {
		/* No memory for it, or it reads a little now and then. */
		evt_connection_drop(x->connection);
		return;
	}
	sent = evt_connection_send(x->connection, x->out.data + x->at,
	    left < PIECE ? left : PIECE);
	if (sent < 0) {
		evt_connection_drop(x->connection);
		return;
	}
	x->at += (size_t)sent;
	if (x->at == x->out.len && !http_request_next_piece(x)) {
		evt_connection_finish(x->connection);
		return;
	}
	if (sent > 0)
		http_request_be_patient(x);
	evt_connection_want_write(x->connection);
}

/* ---- bodies --------------------------------------------------------------- */

unsigned
evt_http_request_judge_form(const evt_http_request *x, int64_t *ret_len,
    const char **ret_why)
{
	unsigned status = evt_http_head_body(&x->head, ret_len, ret_why);

	if (status != 0)
		return status;
	*ret_why = "request body too large: the limit is 1048576 bytes";
	return *ret_len > EVT_HTTP_REQUEST_BODY_MAX ? 413 : 0;
}

void
evt_http_request_invite_body(evt_http_request *x, int64_t len)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	assert(len > 0 && len <= EVT_HTTP_REQUEST_BODY_MAX);
	x->wants_body = true;
	x->body_len = (size_t)len;
	/* If this cannot be written, the client sends the body a little
	 * later. */
	if (evt_http_head_has_word(&x->head, "Expect", "100-continue"))
		(void)evt_connection_queue(x->connection, go_on,
		    sizeof(go_on) - 1);
}

bool
evt_http_request_add_body(evt_http_request *x, const void *in, size_t len)
{
	size_t left = x->body_len - x->body.len;

	/* A second request is not looked at. */
	if (!x->wants_body)
		return false;
	if (!evt_buf_add(&x->body, in, len < left ? len : left)) {
		evt_connection_drop(x->connection);
		return false;
	}
	if (x->body.len < x->body_len)
		return false;
	x->wants_body = false;
	return true;
}

void
evt_http_request_ended(evt_http_request *x)
{
	/* It may still read the answer. */
	evt_connection_hold(x->connection, true);
	if (x->wants_body)
		evt_connection_drop(x->connection);
}

void
evt_http_request_due(evt_http_request *x)
{
	if (x->answered || !x->wants_body) {
		evt_connection_drop(x->connection);
		return;
	}
	x->wants_body = false;
	evt_http_request_answer_error(x, 408,
	    "the request body did not arrive within %d s", PATIENCE);
}
