/*
 * upgrade.h - how a client asks an HTTP server for a WebSocket, and whether the
 * answer is one (RFC 6455, sections 4.1 and 4.2.2).
 *
 * Pure: text goes in and comes out.
 */
#ifndef EVT_FORMAT_WIRE_WS_HANDSHAKE_H
#define EVT_FORMAT_WIRE_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

#define EVT_WS_HANDSHAKE_NONCE 16u

typedef struct evt_ws_handshake {
	const char *target;
	const char *authority;
	const char *subprotocols; /* "a, b"; NULL: none */
	char *const *headers;     /* "Name: value" */
	size_t n_headers;
	const uint8_t *nonce; /* EVT_WS_HANDSHAKE_NONCE random bytes */
} evt_ws_handshake;

/* Append the request.  false: out of memory. */
bool evt_ws_handshake_request(const evt_ws_handshake *u, evt_buf *out);

typedef struct evt_ws_handshake_answer {
	unsigned status;      /* 0: this is no HTTP */
	char retry_after[64]; /* the header, empty: there is none */
	const char *wrong;    /* why the connection is not to be used, though
	                         the status is 101; NULL: it is good */
} evt_ws_handshake_answer;

/* How long the answer's head is, with the empty line; 0: it has no end yet. */
size_t evt_ws_handshake_head(const char *p, size_t n);
/* Read a head of n bytes.  false: out of memory. */
bool evt_ws_handshake_read(const evt_ws_handshake *u, const char *p, size_t n,
    evt_ws_handshake_answer *ret_answer);

#endif
