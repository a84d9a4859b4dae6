/* ws_message.c - see ws_message.h. */
#include "format/wire/ws_message.h"

#include <assert.h>

/* A buffer grown past this by one message is not kept for the next. */
#define KEEP_BYTES (1u << 20)

enum evt_ws_message_state
evt_ws_message_add(evt_ws_message *a, uint8_t *piece, size_t n, bool last,
    uint8_t **ret_data, uint64_t *ret_len)
{
	bool first = !a->open;

	assert(a->max > 0 && (piece != NULL || n == 0));
	if (first) {
		if (a->buf.cap > KEEP_BYTES)
			evt_buf_free(&a->buf);
		a->buf.len = 0;
		a->skipping = false;
		a->skipped = 0;
	}
	a->open = !last;
	if (!a->skipping && (n > a->max || a->buf.len > a->max - n)) {
		a->skipping = true;
		a->skipped = a->buf.len;
		evt_buf_free(&a->buf);
	}
	if (!a->skipping && first && last) {
		*ret_data = piece;
		*ret_len = n;
		return EVT_WS_MESSAGE_DONE;
	}
	if (!a->skipping && !evt_buf_add(&a->buf, piece, n)) {
		a->skipping = true;
		a->skipped = a->buf.len;
		evt_buf_free(&a->buf);
	}
	if (a->skipping)
		a->skipped += n;
	if (!last)
		return EVT_WS_MESSAGE_MORE;
	*ret_data = a->buf.data;
	*ret_len = a->skipping ? a->skipped : a->buf.len;
	return a->skipping ? EVT_WS_MESSAGE_SKIPPED : EVT_WS_MESSAGE_DONE;
}

uint64_t
evt_ws_message_reset(evt_ws_message *a)
{
	uint64_t n = !a->open ? 0 : a->skipping ? a->skipped : a->buf.len;

	evt_buf_free(&a->buf);
	a->open = a->skipping = false;
	a->skipped = 0;
	return n;
}
