/*
 * wire.h - whole messages as WebSocket frames (RFC 6455), as a server sends
 * them.
 *
 * The simulator frames its messages itself and passes libwebsockets buffers
 * full of them (LWS_WRITE_RAW).  With one lws_write() per frame it reached less
 * than a tenth of the rate.  Fragments are as easy as whole messages this way.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_WIRE_H
#define EVT_TOOLS_EVTAPE_SIM_WIRE_H

#include "format/base/buf.h"
#include "format/wire/ws_frame.h"

/* Append one message as a single unmasked frame; opcode: enum
 * evt_ws_frame_opcode.  false: out of memory. */
bool sim_wire_message(evt_buf *out, unsigned opcode, const void *p, size_t n);

/* Append one message in `pieces` fragments (1 or more) of about the same size;
 * some are empty if n is less than `pieces`. */
bool sim_wire_fragments(evt_buf *out, unsigned opcode, const void *p, size_t n,
    unsigned pieces);

#endif
