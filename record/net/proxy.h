/*
 * proxy.h - whether to go through an HTTP proxy.
 *
 * libwebsockets takes $http_proxy for everything, the local machine included.
 * Here it is as other programs do it: http_proxy is for ws://, https_proxy
 * (or HTTPS_PROXY) for wss://; never for the local machine, nor for what
 * no_proxy (or NO_PROXY) names.
 */
#ifndef EVT_RECORD_NET_PROXY_H
#define EVT_RECORD_NET_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "format/wire/url.h"

typedef struct evt_proxy {
	char *user; /* "name:password", NULL: none */
	char *host; /* NULL: connect directly */
	uint16_t port;
} evt_proxy;

/*
 * The proxy for a feed.  env: looks up an environment variable (getenv).
 * Errors: EVT_ERR_ARG (a proxy variable that cannot be read), EVT_ERR_NOMEM.
 */
int evt_proxy_choose(const evt_url *url, char *(*env)(const char *name),
    evt_proxy *ret_proxy, evt_error *err);
void evt_proxy_free(evt_proxy *proxy);

#endif
