/*
 * ctl_http.h - send requests to an evtape-replay over HTTP.
 *
 * libcurl (see libcurl.h) handles host names, IPv4 and IPv6, TLS, proxies and
 * timeouts.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_CTL_HTTP_H
#define EVT_TOOLS_EVTAPE_CTL_CTL_HTTP_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* How to reach the server.  The pointers must outlive it. */
typedef struct ctl_how {
	const char *token;  /* NULL: none */
	const char *ca;     /* PEM file of the only CAs to trust; NULL: the
	                       system's */
	int64_t timeout_ns; /* for each answer; above 0 */
} ctl_how;

typedef struct ctl_server ctl_server;

/*
 * `text`: http://HOST:PORT or https://HOST:PORT, with or without a path before
 * /api; the ws:// and wss:// URLs of /stream and /control that evtape-replay
 * prints; HOST:PORT; or the PORT of 127.0.0.1.
 * Errors: EVT_ERR_ARG (not one of these), _NOTFOUND (libcurl is not installed),
 * _NOMEM.
 */
int ctl_server_new(const char *text, const ctl_how *how,
    ctl_server **ret_server, evt_error *err);
void ctl_server_free(ctl_server *s);
/* Its URL, for messages. */
const char *ctl_server_url(const ctl_server *s);

/*
 * Send a request: GET `path` ("/api/deck") with `query` ("at=+5m", not yet
 * encoded; may be NULL), or, with `body`, POST that JSON.  *answer gets the body of
 * the response, *ret_status its HTTP status.
 * Errors: EVT_ERR_IO (no response), _NOMEM.
 */
int ctl_server_ask(ctl_server *s, const char *path, const char *query,
    const evt_buf *body, evt_buf *answer, long *ret_status, evt_error *err);

#endif
