/*
 * upgrade.h - how a client asks an HTTP server for a WebSocket, and whether the
 * answer is one (RFC 6455, sections 4.1 and 4.2.2).
 *
 * Pure: text goes in and comes out.
 */
#ifndef EVT_UPGRADE_H
#define EVT_UPGRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

#define EVT_UPGRADE_NONCE 16u

typedef struct evt_upgrade {
	const char *target;
	const char *authority;
	const char *subprotocols; /* "a, b"; NULL: none */
	char *const *headers;     /* "Name: value" */
	size_t n_headers;
	const uint8_t *nonce; /* EVT_UPGRADE_NONCE random bytes */
} evt_upgrade;

/* Append the request.  false: out of memory. */
bool evt_upgrade_request(const evt_upgrade *u, evt_buf *out);

typedef struct evt_upgrade_answer {
	unsigned status;      /* 0: this is no HTTP */
	char retry_after[64]; /* the header, empty: there is none */
	const char *wrong;    /* why the connection is not to be used, though
	                         the status is 101; NULL: it is good */
} evt_upgrade_answer;

/* How long the answer's head is, with the empty line; 0: it has no end yet. */
size_t evt_upgrade_head(const char *p, size_t n);
/* Read a head of n bytes.  false: out of memory. */
bool evt_upgrade_read(const evt_upgrade *u, const char *p, size_t n,
    evt_upgrade_answer *ret_answer);

#endif
