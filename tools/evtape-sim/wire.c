/* wire.c - frames and fragments of messages. */
#include "tools/evtape-sim/wire.h"

#include <assert.h>

static bool
sim_wire_put_frame(evt_buf *out, bool fin, unsigned opcode, const uint8_t *p,
    size_t n)
{
	uint8_t head[EVT_WS_FRAME_UNMASKED_HEAD_MAX];
	size_t len = evt_ws_frame_head(head, fin, opcode, NULL, n);

	return evt_buf_reserve(out, len + n) && evt_buf_add(out, head, len) &&
	    evt_buf_add(out, p, n);
}

bool
sim_wire_message(evt_buf *out, unsigned opcode, const void *p, size_t n)
{
	return sim_wire_put_frame(out, true, opcode, p, n);
}

bool
sim_wire_fragments(evt_buf *out, unsigned opcode, const void *p, size_t n,
    unsigned pieces)
{
	const uint8_t *at = p;

	assert(pieces > 0);
	for (unsigned i = 0; i < pieces; i++) {
		bool last = i + 1 == pieces;
		size_t len = last ? n - n / pieces * i : n / pieces;

		if (!sim_wire_put_frame(out, last,
		        i == 0 ? opcode : EVT_WS_FRAME_OP_MORE, at, len))
			return false;
		at += len;
	}
	return true;
}
