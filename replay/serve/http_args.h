/*
 * http_args.h - the arguments of a URL, decoded: "name=text" each.
 *
 * They may hold tokens and hashes, and are therefore zeroed before they are
 * freed.
 */
#ifndef EVT_REPLAY_SERVE_HTTP_ARGS_H
#define EVT_REPLAY_SERVE_HTTP_ARGS_H

#include "format/base/strings.h"

struct lws;

/* Longest head of a request, and so the longest argument, in bytes. */
#define EVT_HTTP_ARGS_MAX 16384u

/*
 * Append the arguments of the connection's request.  *ret_nul: one of them holds a
 * NUL, which would end it too early ("TOKEN%00x" is not TOKEN); the request must
 * be refused.  (libwebsockets 4.1 lets no such request through, 4.3 does.)
 * false: out of memory; some may have been added.
 */
bool evt_http_args_read(struct lws *wsi, evt_strings *args, bool *ret_nul);
/* Zero and free them; the list is empty and usable again. */
void evt_http_args_free(evt_strings *args);

/* The text of the first argument with that name; NULL: there is no such
 * argument. */
const char *evt_http_args_get(const evt_strings *args, const char *name);

#endif
