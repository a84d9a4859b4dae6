/*
 * ws_message.h - join the pieces of a message.
 *
 * A message that comes in one piece, as nearly all do, is returned in place,
 * without a copy.  A message that exceeds the limit is skipped, so that the
 * connection can continue, and its size is reported.
 */
#ifndef EVT_FORMAT_WIRE_WS_MESSAGE_H
#define EVT_FORMAT_WIRE_WS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"

/* Zero-initialised with max set is ready for use. */
typedef struct evt_ws_message {
	size_t max; /* bytes of the longest message that is accepted */
	bool open;  /* a message has begun and not ended */
	bool skipping;
	uint64_t skipped; /* bytes of the message that is being skipped */
	evt_buf buf;
} evt_ws_message;

enum evt_ws_message_state {
	EVT_WS_MESSAGE_MORE,   /* the message is not complete */
	EVT_WS_MESSAGE_DONE,   /* *ret_data, *ret_len is the message */
	EVT_WS_MESSAGE_SKIPPED /* too long: *ret_len bytes are lost */
};

/*
 * Add a piece.  `last`: it ends the message.  The message is valid until the
 * next call.  Out of memory counts as too long.
 */
enum evt_ws_message_state evt_ws_message_add(evt_ws_message *a, uint8_t *piece,
    size_t n, bool last, uint8_t **ret_data, uint64_t *ret_len);

/* Drop an unfinished message (the connection is lost); returns its bytes. */
uint64_t evt_ws_message_reset(evt_ws_message *a);

#endif
