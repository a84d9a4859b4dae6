/*
 * wire.h - WebSocket frames (RFC 6455, section 5), as a client reads and
 * writes them.
 *
 * Pure: bytes are handed in as they were read, and what they hold comes out
 * where it lies.  A message may come in pieces; assembly.h puts it together.
 * Nothing is kept but a header and the payload of a control frame, so no
 * length that a peer names costs memory.
 */
#ifndef EVT_FORMAT_WIRE_WS_FRAME_H
#define EVT_FORMAT_WIRE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As they stand in a frame. */
enum evt_ws_frame_opcode {
	EVT_WS_FRAME_OP_MORE = 0,
	EVT_WS_FRAME_OP_TEXT = 1,
	EVT_WS_FRAME_OP_BINARY = 2,
	EVT_WS_FRAME_OP_CLOSE = 8,
	EVT_WS_FRAME_OP_PING = 9,
	EVT_WS_FRAME_OP_PONG = 10
};

#define EVT_WS_FRAME_CONTROL_MAX 125u
/* Of a frame that is sent. */
#define EVT_WS_FRAME_HEAD_MAX 14u

/* Zero-initialised it is at the beginning of a connection. */
typedef struct evt_ws_frame {
	uint8_t head[EVT_WS_FRAME_HEAD_MAX];
	size_t n_head; /* bytes of it that there are */
	bool inside;   /* of a frame: its header is complete */
	bool broken;
	uint8_t message; /* opcode of the message that has begun, 0: none */
	uint64_t rest;   /* of the frame's payload */
	uint64_t done;   /* of it */
	uint8_t control[EVT_WS_FRAME_CONTROL_MAX];
} evt_ws_frame;

enum evt_ws_frame_what {
	EVT_WS_FRAME_NOTHING, /* more bytes are needed */
	EVT_WS_FRAME_PIECE,   /* of a text or a binary message */
	EVT_WS_FRAME_CLOSE,
	EVT_WS_FRAME_PING,
	EVT_WS_FRAME_PONG,
	EVT_WS_FRAME_BROKEN /* this is no WebSocket, now and from now on */
};

/* What stood there.  data is valid until the next call or as long as the bytes
 * that were handed in, whichever ends first. */
typedef struct evt_ws_frame_event {
	uint8_t opcode; /* of the message */
	bool last;      /* the message ends with this piece */
	uint8_t *data;
	size_t n;
} evt_ws_frame_event;

/*
 * The next thing in the *n bytes at *p, which move on; masked payloads are
 * unmasked in place.  (A server may not mask; what one has masked is taken, as
 * nothing is lost by that.)
 */
enum evt_ws_frame_what evt_ws_frame_next(evt_ws_frame *w, uint8_t **p,
    size_t *n, evt_ws_frame_event *ret_event);

/* Write the header of a whole frame of n bytes to be sent, which are to be
 * masked with evt_ws_frame_mask().  How long it is. */
size_t evt_ws_frame_head(uint8_t head[EVT_WS_FRAME_HEAD_MAX], uint8_t opcode,
    const uint8_t mask[4], uint64_t n);
/* at: where in the payload p stands. */
void evt_ws_frame_mask(uint8_t *p, size_t n, const uint8_t mask[4],
    uint64_t at);

#endif
