/*
 * resolve.h - look up a host name without blocking the caller.
 *
 * getaddrinfo() can block for half a minute, and libwebsockets as Debian builds
 * it would call it on its event loop.  So each look-up has a thread of its own,
 * which wakes the loop when it is done.
 */
#ifndef EVT_RECORD_NET_RESOLVE_H
#define EVT_RECORD_NET_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct evt_resolve evt_resolve;

/*
 * Begin to look up `host` (a name or a numeric address).  When there is a
 * result, wake(ctx) is called once from another thread, unless the look-up was
 * dropped before.  It must not call evt_resolve_*().
 * Errors: EVT_ERR_NOMEM, EVT_ERR_IO (no thread).
 */
int evt_resolve_start(const char *host, void (*wake)(void *ctx), void *ctx,
    evt_resolve **ret_resolve, evt_error *err);

/* EVT_AGAIN: no result yet.  EVT_OK: there is at least one address.
 * EVT_ERR_NOTFOUND, with a message: the name could not be resolved. */
int evt_resolve_result(evt_resolve *lookup, evt_error *err);

/* The numeric address with index `i`, in the order in which to try them; NULL
 * past the last.  Valid until the look-up is dropped.  Only after EVT_OK. */
const char *evt_resolve_address(const evt_resolve *lookup, size_t i);

/* Free the look-up, also before there is a result.  NULL is allowed. */
void evt_resolve_drop(evt_resolve *lookup);

#endif
