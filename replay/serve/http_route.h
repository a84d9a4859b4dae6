/*
 * http_route.h - judge a request, and give it to its handler.
 *
 * Host, Origin and token are judged first (access.h).  An upgrade is then
 * attached to a channel; any other request is answered by the API, the platform's
 * calls, the metrics, or from a file.
 */
#ifndef EVT_REPLAY_SERVE_HTTP_ROUTE_H
#define EVT_REPLAY_SERVE_HTTP_ROUTE_H

#include "format/wire/access.h"
#include "replay/serve/http_request.h"
#include "replay/serve/server_file.h"
#include "replay/serve/site.h"
#include "replay/serve/ws_client.h"

typedef struct evt_http_route {
	evt_site *site;
	const evt_access *access;
	const evt_play_options *play; /* of a client's own deck, by default */
	bool shared; /* clients of /stream share one deck and set nothing */
	size_t max_clients;
	int64_t heartbeat_ns; /* as the greeting to Atmosphere clients says */
	const evt_server_file *files;
	size_t n_files;
	/* How to allow a Host or an Origin, for the notice that one was refused
	 * (NULL: it does not say); and those that were reported, which the owner
	 * frees. */
	const char *allow_advice;
	evt_strings *told;
} evt_http_route;

/*
 * A request whose head has come.  The head is taken over, and is empty then.  It is
 * answered, or a handler or a channel takes it, or the connection is dropped; one
 * of these is in ret, the other is NULL, and both are NULL if the connection is over.
 */
typedef struct evt_http_route_result {
	evt_http_request *request; /* its body may still come */
	evt_ws_client *client;     /* its handshake is complete */
} evt_http_route_result;
void evt_http_route_begin(const evt_http_route *route,
    evt_connection *connection, evt_http_head *head,
    evt_http_route_result *ret);
/* The body of a request is complete. */
void evt_http_route_complete(const evt_http_route *route, evt_http_request *x);

/* Refuse a connection whose request cannot be read, or must not be, with a line of
 * text; the connection is over then.  bodiless: it was a HEAD. */
void evt_http_route_refuse(const evt_http_route *route,
    evt_connection *connection, bool bodiless, unsigned status,
    const char *text);

#endif
