/* api.h - what the files of /api/ share; for them alone. */
#ifndef EVT_REPLAY_SERVE_API_H
#define EVT_REPLAY_SERVE_API_H

#include "replay/serve/server_impl.h"

/* A time, in the forms of --from.  EVT_ERR_ARG, EVT_ERR_NOTFOUND: no such
 * bookmark; and those of reading. */
int evt_api_time(const evt_server *s, const char *text, int64_t *ret_ns,
    evt_error *err);
/*
 * A time among the request's arguments, in the forms of --from.
 * EVT_END: it is not there, and err is untouched.  Errors: as evt_api_time().
 */
int evt_api_arg_time(const struct exchange *x, const char *name,
    int64_t *ret_ns, evt_error *err);
/* A number from 1 to max, or otherwise.  EVT_ERR_ARG. */
int evt_api_arg_int(const struct exchange *x, const char *name, int64_t max,
    int64_t otherwise, int64_t *ret, evt_error *err);
/* The arguments from and to; an end that is not there is that of the tapes.
 * EVT_ERR_NOTFOUND: it is needed, and the tapes are empty. */
int evt_api_arg_window(const struct exchange *x, int64_t *ret_from,
    int64_t *ret_to, evt_error *err);

/* Answer with the body, or, where r is an error or ok says that there was no
 * memory, with the error.  The body is freed. */
void evt_api_finish(struct exchange *x, int r, bool ok, evt_buf *body,
    evt_error *err);
/* Append a JSON string; null for NULL.  false: out of memory. */
bool evt_api_string(const char *text, evt_buf *out);

/* ---- api_tape.c ---- */

void evt_api_tape(struct exchange *x);
void evt_api_timeline(struct exchange *x);
void evt_api_gaps(struct exchange *x);
void evt_api_marks(struct exchange *x);

/* ---- api_sources.c ---- */

void evt_api_sources(struct exchange *x);
void evt_api_source(struct exchange *x, const char *id);

/* ---- api_read.c ---- */

void evt_api_track(struct exchange *x, const char *id);
void evt_api_frames(struct exchange *x);

/* ---- api_deck.c ---- */

void evt_api_deck(struct exchange *x);
/* POST /api/deck/NAME */
void evt_api_deck_call(struct exchange *x, const char *name);

#endif
