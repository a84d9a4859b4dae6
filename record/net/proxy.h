/*
 * proxy.h - choose the HTTP proxy for a connection.
 *
 * libwebsockets would use $http_proxy for everything, the local machine
 * included.  This follows other programs: http_proxy is for ws://, https_proxy
 * (or HTTPS_PROXY) for wss://, and neither is used for the local machine or for
 * hosts in no_proxy (or NO_PROXY).
 */
#ifndef EVT_RECORD_NET_PROXY_H
#define EVT_RECORD_NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "format/wire/url.h"

typedef struct evt_proxy {
	char *user; /* "name:password"; NULL: none */
	char *host; /* NULL: connect directly */
	uint16_t port;
} evt_proxy;

/*
 * Choose the proxy for `url`.  `env` looks up an environment variable (getenv).
 * *ret_proxy is the caller's to free with evt_proxy_free().
 * Errors: EVT_ERR_ARG (a proxy variable cannot be parsed), EVT_ERR_NOMEM.
 */
int evt_proxy_choose(const evt_url *url, char *(*env)(const char *name),
    evt_proxy *ret_proxy, evt_error *err);
void evt_proxy_free(evt_proxy *proxy);

#endif
