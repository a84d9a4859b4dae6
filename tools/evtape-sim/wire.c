/* wire.c - see wire.h. */
#include "tools/evtape-sim/wire.h"

#define FIN 0x80

static bool
sim_wire_put_frame(evt_buf *out, uint8_t first, const uint8_t *p, size_t n)
{
	uint8_t head[10] = { first };
	size_t len;

	if (n < 126) {
		head[1] = (uint8_t)n;
		len = 2;
	} else if (n < 65536) {
		head[1] = 126;
		head[2] = (uint8_t)(n >> 8);
		head[3] = (uint8_t)n;
		len = 4;
	} else {
		head[1] = 127;
		for (int i = 0; i < 8; i++)
			head[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
		len = 10;
	}
	return evt_buf_reserve(out, len + n) && evt_buf_add(out, head, len) &&
	    evt_buf_add(out, p, n);
}

bool
sim_wire_message(evt_buf *out, unsigned opcode, const void *p, size_t n)
{
	return sim_wire_put_frame(out, (uint8_t)(FIN | opcode), p, n);
}

bool
sim_wire_fragments(evt_buf *out, unsigned opcode, const void *p, size_t n,
    unsigned pieces)
{
	const uint8_t *at = p;

	for (unsigned i = 0; i < pieces; i++) {
		size_t len = i + 1 < pieces ? n / pieces : n - n / pieces * i;
		uint8_t first =
		    (uint8_t)((i == 0 ? opcode : SIM_OP_CONTINUATION) |
		        (i + 1 == pieces ? FIN : 0));

		if (!sim_wire_put_frame(out, first, at, len))
			return false;
		at += len;
	}
	return true;
}
