/*
 * ws_handshake.h - the handshake of a WebSocket: a client's HTTP request, whether
 * the answer accepts it, and a server's answer (RFC 6455, sections 4.1 and 4.2.2).
 */
#ifndef EVT_FORMAT_WIRE_WS_HANDSHAKE_H
#define EVT_FORMAT_WIRE_WS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

/* Bytes of a nonce and of a SHA-1 sum. */
#define EVT_WS_HANDSHAKE_NONCE 16u
#define EVT_WS_HANDSHAKE_SHA1 20u

typedef struct evt_ws_handshake {
	const char *target;       /* path and query */
	const char *authority;    /* for the header Host */
	const char *subprotocols; /* "a, b", or NULL */
	char *const *headers;     /* more headers, "Name: value" each */
	size_t n_headers;
	const uint8_t *nonce; /* EVT_WS_HANDSHAKE_NONCE random bytes */
	/* The SHA-1 sum of n bytes to ret_sum; its return value is ignored.
	 * This library has no such function; OpenSSL's SHA1() fits. */
	uint8_t *(*sha1)(const uint8_t *p, size_t n, uint8_t *ret_sum);
} evt_ws_handshake;

/* Append the request.  false: out of memory. */
bool evt_ws_handshake_request(const evt_ws_handshake *handshake, evt_buf *out);

typedef struct evt_ws_handshake_answer {
	unsigned status;      /* HTTP status; 0: this is not HTTP */
	char retry_after[64]; /* the header Retry-After, "" without one */
	const char *wrong;    /* why the answer is invalid in spite of status
	                         101 (a constant); NULL: it is valid */
} evt_ws_handshake_answer;

/* The length of the answer's head with its empty line; 0: it is incomplete. */
size_t evt_ws_handshake_head(const char *p, size_t n);

/* Read a complete head of n bytes.  false: out of memory. */
bool evt_ws_handshake_read(const evt_ws_handshake *handshake, const char *p,
    size_t n, evt_ws_handshake_answer *ret_answer);

/*
 * A server's answer to a good handshake: append it, up to and with its empty line.
 * key: the client's Sec-WebSocket-Key.  sha1: as in evt_ws_handshake.  false: out
 * of memory.
 */
bool evt_ws_handshake_accept(const char *key,
    uint8_t *(*sha1)(const uint8_t *p, size_t n, uint8_t *ret_sum),
    evt_buf *out);

#endif
