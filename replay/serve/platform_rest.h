/*
 * platform_rest.h - the platform's HTTP calls that its clients make beside the
 * WebSocket, answered from the tape.
 */
#ifndef EVT_REPLAY_SERVE_PLATFORM_REST_H
#define EVT_REPLAY_SERVE_PLATFORM_REST_H

#include "replay/serve/http_request.h"
#include "replay/serve/site.h"

/* Answer the request if its path is one of a call of the platform.  false: it is
 * not, and was not answered. */
bool evt_platform_rest(evt_site *site, evt_http_request *x);

#endif
