/*
 * api.h - /api/: read the tapes, and control the shared deck; see
 * docs/control.md.
 */
#ifndef EVT_REPLAY_SERVE_API_H
#define EVT_REPLAY_SERVE_API_H

#include "replay/serve/http_request.h"
#include "replay/serve/site.h"

/* Answer a request whose path begins with "/api/". */
void evt_api(evt_site *site, evt_http_request *x);

/* ---- the calls, for api.c alone ---------------------------------------------- */

/* api_tape.c: /api/tape, /api/timeline */
void evt_api_tape(evt_site *site, evt_http_request *x);
void evt_api_timeline(evt_site *site, evt_http_request *x);

/* api_marks.c: /api/gaps, /api/marks */
void evt_api_gaps(evt_site *site, evt_http_request *x);
void evt_api_marks(evt_site *site, evt_http_request *x);

/* api_bookmark.c: POST /api/marks */
void evt_api_bookmark(evt_site *site, evt_http_request *x);

/* api_export.c: /api/export */
void evt_api_export(evt_site *site, evt_http_request *x);

/* api_sources.c: /api/sources, /api/sources/ID, /api/trackers */
void evt_api_sources(evt_site *site, evt_http_request *x);
void evt_api_trackers(evt_site *site, evt_http_request *x);
void evt_api_source(evt_site *site, evt_http_request *x, const char *id);

/* api_intervals.c: /api/intervals */
void evt_api_intervals(evt_site *site, evt_http_request *x);

/* api_read.c: /api/sources/ID/track, /api/frames */
void evt_api_track(evt_site *site, evt_http_request *x, const char *id);
void evt_api_frames(evt_site *site, evt_http_request *x);

/* api_find.c: /api/find */
void evt_api_find(evt_site *site, evt_http_request *x);

/* api_folder.c: /api/tapes, and POST /api/open */
void evt_api_tapes(evt_site *site, evt_http_request *x);
void evt_api_open(evt_site *site, evt_http_request *x);

/* api_differences.c: /api/differences */
void evt_api_differences(evt_site *site, evt_http_request *x);

/* api_clients.c: /api/clients, /api/clients/ID */
void evt_api_clients(evt_site *site, evt_http_request *x);
void evt_api_client(evt_site *site, evt_http_request *x, const char *id);

/* api_series.c: /api/series */
void evt_api_series(evt_site *site, evt_http_request *x);

/* api_zone.c: /api/zone */
void evt_api_zone(evt_site *site, evt_http_request *x);

/* api_deck.c: /api/deck, and POST /api/deck/NAME */
void evt_api_deck(evt_site *site, evt_http_request *x);
void evt_api_deck_call(evt_site *site, evt_http_request *x, const char *name);

#endif
