/*
 * ws_frame.h - read and write WebSocket frames (RFC 6455, section 5).
 *
 * The reader takes bytes as they were received and returns payload in place,
 * without a copy.  A message may come in several pieces; ws_message.h joins
 * them.  The reader stores only a header and the payload of a control frame, so
 * a large length in a header costs no memory.
 *
 * A client masks what it sends, a server does not.
 */
#ifndef EVT_FORMAT_WIRE_WS_FRAME_H
#define EVT_FORMAT_WIRE_WS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opcodes of frames (RFC 6455, section 11.8). */
enum evt_ws_frame_opcode {
	EVT_WS_FRAME_OP_MORE = 0, /* continues the message of earlier frames */
	EVT_WS_FRAME_OP_TEXT = 1,
	EVT_WS_FRAME_OP_BINARY = 2,
	EVT_WS_FRAME_OP_CLOSE = 8,
	EVT_WS_FRAME_OP_PING = 9,
	EVT_WS_FRAME_OP_PONG = 10
};

/* Whether a close frame may have this code (RFC 6455, 7.4, and the codes that were
 * registered since). */
static inline bool
evt_ws_frame_may_send_code(int code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* Longest payload of a control frame, in bytes. */
#define EVT_WS_FRAME_CONTROL_MAX 125u
/* Longest header of a frame, in bytes: with and without a mask. */
#define EVT_WS_FRAME_HEAD_MAX 14u
#define EVT_WS_FRAME_UNMASKED_HEAD_MAX 10u

/* A reader.  Zero-initialised, it is at the beginning of a connection. */
typedef struct evt_ws_frame {
	uint8_t head[EVT_WS_FRAME_HEAD_MAX];
	size_t n_head;  /* bytes of the header read so far */
	bool inside;    /* the header is complete, the frame is not */
	bool broken;    /* the stream is invalid from here on */
	bool must_mask; /* a frame without a mask is invalid, as for a server */
	uint8_t message; /* opcode of the unfinished message; 0: none */
	uint64_t rest;   /* payload bytes of the frame still to come */
	uint64_t done;   /* payload bytes of the frame already returned */
	uint8_t control[EVT_WS_FRAME_CONTROL_MAX];
} evt_ws_frame;

enum evt_ws_frame_what {
	EVT_WS_FRAME_NOTHING, /* more bytes are needed */
	EVT_WS_FRAME_PIECE,   /* a piece of a text or a binary message */
	EVT_WS_FRAME_CLOSE,
	EVT_WS_FRAME_PING,
	EVT_WS_FRAME_PONG,
	EVT_WS_FRAME_BROKEN /* invalid; every later call returns this, too */
};

/* What was read.  `data` is valid until the next call, or until the bytes that
 * were passed in change, whichever comes first. */
typedef struct evt_ws_frame_event {
	uint8_t opcode; /* of the message, for EVT_WS_FRAME_PIECE */
	bool last;      /* the message ends with this piece */
	uint8_t *data;
	size_t n;
} evt_ws_frame_event;

/*
 * Read the next piece or control frame from the *n bytes at *p; *p and *n
 * advance past it.  Masked payload is unmasked in place.  (The RFC forbids a
 * server to mask.  The reader accepts it all the same: nothing is lost.)
 */
enum evt_ws_frame_what evt_ws_frame_next(evt_ws_frame *w, uint8_t **p,
    size_t *n, evt_ws_frame_event *ret_event);

/*
 * Write the header of a frame with n bytes of payload to `head`, and return its
 * length.  `fin`: the frame is the last of its message.  `opcode`: 0 to 15.
 * `mask`: the client's mask, with which evt_ws_frame_mask() must mask the
 * payload; NULL for a server.  `head` has room for EVT_WS_FRAME_HEAD_MAX bytes,
 * or for EVT_WS_FRAME_UNMASKED_HEAD_MAX if `mask` is NULL.
 *
 * Inline: a replay writes a header for every message that it sends.
 */
static inline size_t
evt_ws_frame_head(uint8_t *head, bool fin, unsigned opcode, const uint8_t *mask,
    uint64_t n)
{
	size_t bytes = n < 126 ? 0 : n <= UINT16_MAX ? 2 : 8;

	head[0] = (uint8_t)((fin ? 0x80u : 0u) | (opcode & 0x0fu));
	head[1] = bytes == 0 ? (uint8_t)n : bytes == 2 ? 126 : 127;
	for (size_t i = 0; i < bytes; i++)
		head[2 + i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
	if (mask == NULL)
		return 2 + bytes;
	head[1] |= 0x80u;
	for (size_t i = 0; i < 4; i++)
		head[2 + bytes + i] = mask[i];
	return 2 + bytes + 4;
}

/* Mask (or unmask) the n bytes at p.  `at`: the offset of p in the payload. */
void evt_ws_frame_mask(uint8_t *p, size_t n, const uint8_t mask[4],
    uint64_t at);

#endif
