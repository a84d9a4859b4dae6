/*
 * envelope.h - a frame as one line of JSON: what the tape knows about it, and
 * the payload.
 *
 *   {"seq":1,"time":"2026-03-01T12:51:43.000000000Z","time_ns":1772369503...,
 *    "mono_ns":1772369503...,"connection":1,"kind":"received","opcode":"text",
 *    "event":"state","sources":[10001,"abc"],"payload":{"type":"event",...}}
 *
 * "tape"        which of several tapes, from 0; there only if asked for
 * "kind"        "received", "sent" or "mark"
 * "opcode"      "text", "binary", or the number where it is neither; marks
 *               have "mark" in its place: "started", "connected", ...
 * "event"       left out where the frame has none
 * "sources"     integers and strings, [] where there are none
 *
 * The payload is in exactly one of these, so that its bytes can be had back:
 * "payload"         a text frame or a mark that is one well-formed JSON value
 *                   with no line break: embedded byte for byte
 * "payload_text"    any other text that is valid UTF-8, as a JSON string
 * "payload_base64"  everything else: binary frames, and text that is not UTF-8
 */
#ifndef EVT_FORMAT_READ_ENVELOPE_H
#define EVT_FORMAT_READ_ENVELOPE_H

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct evt_envelope evt_envelope;

/* with_tape: write the member "tape".  Errors: EVT_ERR_NOMEM. */
int evt_envelope_new(bool with_tape, evt_envelope **ret_envelope,
    evt_error *err);
void evt_envelope_free(evt_envelope *envelope);

/*
 * Append the frame's line, with its newline, to out.
 * Errors: EVT_ERR_NOMEM; out then ends where it ended before.
 */
int evt_envelope_write(evt_envelope *envelope, const evt_frame *frame,
    evt_buf *out, evt_error *err);

#endif
