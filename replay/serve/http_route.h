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

/* Longest name of a subprotocol that is accepted, in bytes. */
#define EVT_HTTP_ROUTE_SUBPROTOCOL_MAX 62u

/*
 * A request for an upgrade.  0: accepted; the client is attached to the
 * connection, or will be freed with it.  -1: refused, and answered; close it.
 * ret_offered: the first subprotocol that the client offers, "" if it offers none.
 */
int evt_http_route_upgrade(const evt_http_route *route, struct lws *wsi,
    char ret_offered[EVT_HTTP_ROUTE_SUBPROTOCOL_MAX + 1]);

/* Another request: its head has come.  It is attached to the connection.  -1:
 * out of memory; close the connection. */
int evt_http_route_begin(const evt_http_route *route, struct lws *wsi);
/* Its body is complete. */
void evt_http_route_complete(const evt_http_route *route, evt_http_request *x);

#endif
