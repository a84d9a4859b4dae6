/*
 * peer.h - what is attached to a connection of libwebsockets.
 *
 * The library keeps one pointer for each connection.  It points to one of
 * these, which is the first member of a WebSocket client or of an HTTP request.
 */
#ifndef EVT_REPLAY_SERVE_PEER_H
#define EVT_REPLAY_SERVE_PEER_H

typedef struct evt_peer {
	enum evt_peer_kind {
		EVT_PEER_GONE, /* it was refused, or its object was freed */
		EVT_PEER_WS_CLIENT,
		EVT_PEER_HTTP_REQUEST
	} kind;
} evt_peer;

#endif
