/*
 * ctl_http.h - ask an evtape-replay over HTTP, and take its answer.
 *
 * libcurl (see libcurl.h) does the talking: names and addresses of both kinds,
 * TLS, proxies, and an end to every wait.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_CTL_HTTP_H
#define EVT_TOOLS_EVTAPE_CTL_CTL_HTTP_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* How to reach it.  Nothing is copied. */
typedef struct ctl_how {
	const char *token;  /* NULL: none */
	const char *ca;     /* PEM file of the only CAs to trust; NULL: the
	                       system's */
	int64_t timeout_ns; /* for each answer; above 0 */
} ctl_how;

typedef struct ctl_server ctl_server;

/*
 * text: http://HOST:PORT or https://HOST:PORT, with or without a path before
 * /api; the ws:// and wss:// URLs of /stream and /control that evtape-replay
 * prints; HOST:PORT; or the PORT of 127.0.0.1.
 * Errors: EVT_ERR_ARG (it is none of these), _NOTFOUND (no libcurl is there),
 * _NOMEM.
 */
int ctl_server_new(const char *text, const ctl_how *how,
    ctl_server **ret_server, evt_error *err);
void ctl_server_free(ctl_server *s);
/* Its URL, for words. */
const char *ctl_server_url(const ctl_server *s);

/*
 * Ask it: a GET of the path ("/api/deck"), with the query if that is not NULL
 * ("at=+5m", as yet not encoded); or, with a body, a POST of that JSON.
 * *answer gets what it says, *ret_status the HTTP status.
 * Errors: EVT_ERR_IO with words if there is no answer, _NOMEM.
 */
int ctl_server_ask(ctl_server *s, const char *path, const char *query,
    const evt_buf *body, evt_buf *answer, long *ret_status, evt_error *err);

#endif
