/*
 * http_request.h - one HTTP request that is no WebSocket, and its answer.
 *
 * Life: evt_http_request_new(), then the body comes in pieces, a handler answers
 * the request or gives it a job, the answer is written a piece at a time, and
 * the connection is closed after it.
 */
#ifndef EVT_REPLAY_SERVE_HTTP_REQUEST_H
#define EVT_REPLAY_SERVE_HTTP_REQUEST_H

#include "format/base/buf.h"
#include "format/base/strings.h"
#include "format/evtape.h"
#include "format/wire/http_head.h"
#include "replay/serve/connection.h"
#include "replay/serve/server_stats.h"

/* Longest body that is accepted, in bytes. */
#define EVT_HTTP_REQUEST_BODY_MAX (1u << 20)

enum evt_http_request_method {
	EVT_HTTP_REQUEST_GET,
	EVT_HTTP_REQUEST_HEAD,
	EVT_HTTP_REQUEST_POST,
	EVT_HTTP_REQUEST_OPTIONS,
	EVT_HTTP_REQUEST_OTHER
};

typedef struct evt_http_request evt_http_request;

/*
 * A request whose head has come; the head is taken over, and is empty then.  tiles:
 * a URL whose images the answer lets a page load; NULL: none.  stats: where
 * refusals are counted.  Both must outlive it.  NULL: out of memory.
 */
evt_http_request *evt_http_request_new(evt_connection *connection,
    evt_http_head *head, const char *tiles, evt_server_stats *stats);
void evt_http_request_free(evt_http_request *x);

/* ---- what is asked ------------------------------------------------------------ */

enum evt_http_request_method evt_http_request_method(const evt_http_request *x);
const evt_http_head *evt_http_request_head(const evt_http_request *x);
/* Decoded, without the query. */
const char *evt_http_request_path(const evt_http_request *x);
/* The arguments of the URL; and the text of the first one of that name, NULL:
 * there is no such argument. */
const evt_strings *evt_http_request_args(const evt_http_request *x);
const char *evt_http_request_arg(const evt_http_request *x, const char *name);
/* The body, which a handler may change; *ret_len bytes.  NULL: there is none. */
uint8_t *evt_http_request_body_data(evt_http_request *x, size_t *ret_len);

/* Who asks, as the judge of the request found out. */
typedef struct evt_http_request_caller {
	const char *origin; /* of the page that asks; NULL: no page, or one that
	                      * may not read the answer */
	const char *session; /* HASH of "Authorization: NVX HASH"; NULL: none */
	bool may_change;     /* it may change what others see */
} evt_http_request_caller;

/* Set it; the strings are copied.  false: out of memory. */
bool evt_http_request_set_caller(evt_http_request *x,
    const evt_http_request_caller *caller);
const char *evt_http_request_session(const evt_http_request *x);
bool evt_http_request_may_change(const evt_http_request *x);

/* Whether a path ends in the name, with or without a slash after it. */
bool evt_http_request_path_ends(const char *path, const char *name);

/* ---- events of the connection ------------------------------------------------- */

/*
 * Judge what the head says of the body; *ret_len: its length, 0 without one.
 * The status to refuse it with, and *ret_why; 0: it may come.  Requests that two
 * programs could read differently are refused, and bodies that are too large
 * before they come.
 */
unsigned evt_http_request_judge_form(const evt_http_request *x,
    int64_t *ret_len, const char **ret_why);
/* Wait for a body of len bytes, and tell a client that asks ("Expect:
 * 100-continue") to send it. */
void evt_http_request_invite_body(evt_http_request *x, int64_t len);
/* These bytes came.  true: the body is complete, the request must now be
 * routed. */
bool evt_http_request_add_body(evt_http_request *x, const void *in, size_t len);
/* The peer sends nothing more. */
void evt_http_request_ended(evt_http_request *x);
void evt_http_request_writable(evt_http_request *x);
/* The deadline of the connection has passed. */
void evt_http_request_due(evt_http_request *x);

/* ---- answers ----------------------------------------------------------------------- */

/* Answer it; type: a media type. */
void evt_http_request_answer(evt_http_request *x, unsigned status,
    const char *type, const void *body, size_t len);
void evt_http_request_answer_json(evt_http_request *x, unsigned status,
    const evt_buf *body);
/* Answer with the file fd, which is taken over, as a download of that name: letters,
 * digits, dots, dashes.  type: a media type. */
void evt_http_request_answer_file(evt_http_request *x, const char *type,
    const char *name, int fd);
/* {"error":"..."} */
void evt_http_request_answer_error(evt_http_request *x, unsigned status,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The error's text, with the status that fits its code. */
void evt_http_request_answer_failed(evt_http_request *x, const evt_error *err);

/* The words of a status: "Not Found". */
const char *evt_http_request_phrase(unsigned status);

/* An answer that takes a while to find. */
typedef struct evt_http_request_job evt_http_request_job;
struct evt_http_request_job {
	/* Go on until the steady time until_ns.  true: it has answered. */
	bool (*work)(evt_http_request_job *job, evt_http_request *x,
	    int64_t until_ns);
	void (*free)(evt_http_request_job *job);
	/* It has nothing to do before evt_http_request_wake(), also at first. */
	bool waits;
};

/* Answer it with what the job finds.  The job is taken over, and worked on a
 * slice at a time, so that decks are played meanwhile. */
void evt_http_request_set_job(evt_http_request *x, evt_http_request_job *job);
/* Have a job that waits worked on soon. */
void evt_http_request_wake(evt_http_request *x);

#endif
