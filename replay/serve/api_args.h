/* api_args.h - arguments of calls of the API, and how a call ends. */
#ifndef EVT_REPLAY_SERVE_API_ARGS_H
#define EVT_REPLAY_SERVE_API_ARGS_H

#include "format/base/json_view.h"
#include "replay/serve/http_request.h"
#include "replay/serve/site.h"

/* A time, in the forms of evt_timetext_parse().  Relative times refer to the
 * tapes as they are now.  `zone`: that of local times; NULL: the server's.
 * Errors: EVT_ERR_ARG, EVT_ERR_NOTFOUND (no such bookmark), and those of
 * reading. */
int evt_api_args_parse_time(const evt_site *site, const char *text,
    const evt_zone *zone, int64_t *ret_ns, evt_error *err);

/* A time among the request's arguments.  EVT_END: there is no such argument, and
 * err is untouched.  Errors: as evt_api_args_parse_time(). */
int evt_api_args_time(const evt_site *site, const evt_http_request *x,
    const char *name, int64_t *ret_ns, evt_error *err);

/* A number from 1 to max; `otherwise` if there is no such argument.  Errors:
 * EVT_ERR_ARG. */
int evt_api_args_int(const evt_http_request *x, const char *name, int64_t max,
    int64_t otherwise, int64_t *ret, evt_error *err);

/* The arguments from and to; one that is missing is that end of the tapes.
 * Errors: EVT_ERR_NOTFOUND (an end of the tapes is needed, and they are empty),
 * and as evt_api_args_time(). */
int evt_api_args_window(const evt_site *site, const evt_http_request *x,
    int64_t *ret_from, int64_t *ret_to, evt_error *err);

/* The request's body: one JSON object; with nothing in it if there is no body.
 * Errors: EVT_ERR_ARG, _NOMEM. */
int evt_api_args_body(evt_http_request *x, evt_json_view *ret_body,
    evt_error *err);

/* Answer with the JSON body; or with the error if r is one, or if ok is false:
 * then there was no memory for the body.  The body is freed. */
void evt_api_args_finish(evt_http_request *x, int r, bool ok, evt_buf *body,
    evt_error *err);

#endif
