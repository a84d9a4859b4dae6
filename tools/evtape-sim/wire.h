/*
 * wire.h - RFC 6455 framing as a server does it.
 *
 * The server frames its messages itself and hands libwebsockets buffers full
 * of them (LWS_WRITE_RAW): with one lws_write a frame it could not keep up
 * with a tenth of the rate.  It also makes fragments as easy as whole ones.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_WIRE_H
#define EVT_TOOLS_EVTAPE_SIM_WIRE_H

#include "format/base/buf.h"

/* Opcodes, section 11.8. */
#define SIM_OP_CONTINUATION 0
#define SIM_OP_TEXT 1
#define SIM_OP_BINARY 2

/* Append one message as a single unmasked frame.  false: out of memory. */
bool sim_wire_message(evt_buf *out, unsigned opcode, const void *p, size_t n);

/* Append it in `pieces` fragments (1 or more) of about the same size; some
 * are empty if there are fewer bytes than that. */
bool sim_wire_fragments(evt_buf *out, unsigned opcode, const void *p, size_t n,
    unsigned pieces);

#endif
