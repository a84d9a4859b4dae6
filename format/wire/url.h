/* url.h - the URL of a feed. */
#ifndef EVT_FORMAT_WIRE_URL_H
#define EVT_FORMAT_WIRE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/wire/credential.h"

typedef struct evt_url {
	bool tls;
	char *host; /* a name, or an IPv4 or IPv6 address without brackets */
	bool ipv6;  /* host is an IPv6 address */
	uint16_t port;
	char *authority; /* for the Host header: brackets where needed, and the
	                    port unless it is the scheme's own */
	char *target;    /* path and query, beginning with a slash */
} evt_url;

/*
 * Parse ws://, wss://, http:// or https:// (taken as ws and wss) URLs
 * (RFC 3986, RFC 6455 section 3).  Path and query may contain ${CREDENTIAL}.
 * Refused: other schemes, user names and passwords, fragments,
 * spaces and bytes that are not ASCII.  Free with evt_url_free().
 * Errors: EVT_ERR_ARG, EVT_ERR_NOMEM.
 */
int evt_url_parse(const char *text, evt_url *ret_url, evt_error *err);
void evt_url_free(evt_url *url);

/*
 * Append the URL as it may be shown and stored: with `target` in place of its
 * own path and query (NULL: its own), and with the values of query parameters
 * that are secret by their name (see evt_credential_name()) blotted out.  ${CREDENTIAL} is
 * shown unchanged.  false: out of memory.
 */
bool evt_url_show(const evt_url *url, const char *target, evt_buf *out);

/* The name of the first query parameter whose name tells that it is secret and
 * whose value is not ${CREDENTIAL}; NULL without one.  *ret_len: the length of
 * the name. */
const char *evt_url_literal_secret(const evt_url *url, size_t *ret_len);

/* Blot out the values of such parameters from now on, see
 * evt_credential_learn_param().  false: out of memory. */
bool evt_url_learn_secrets(const evt_url *url, evt_credential *secret);

#endif
