/*
 * resolve.h - look a host name up without holding up the caller.
 *
 * getaddrinfo() can block for half a minute, and libwebsockets as Debian
 * builds it would call it on its event loop.  So each look-up has a thread of
 * its own, which tells the loop when it is done.
 */
#ifndef EVT_RECORD_NET_RESOLVE_H
#define EVT_RECORD_NET_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct evt_resolve evt_resolve;

/*
 * Begin to look up `host` (a name or a numeric address).  wake(ctx) is called
 * from another thread, once, when there is an answer, unless the look-up was
 * dropped before; it must not call evt_resolve_* itself.
 * Errors: EVT_ERR_NOMEM, EVT_ERR_IO (no thread).
 */
int evt_resolve_start(const char *host, void (*wake)(void *ctx), void *ctx,
    evt_resolve **ret_resolve, evt_error *err);

/* EVT_AGAIN: no answer yet.  EVT_OK: there are addresses, at least one.
 * EVT_ERR_NOTFOUND, with words: the name could not be resolved. */
int evt_resolve_result(evt_resolve *r, evt_error *err);

/* The i-th address, numeric, in the order in which to try them; NULL past the
 * last.  Valid until the look-up is dropped.  Only after EVT_OK. */
const char *evt_resolve_address(const evt_resolve *r, size_t i);

/* Forget it, also before there is an answer.  NULL is allowed. */
void evt_resolve_drop(evt_resolve *r);

#endif
