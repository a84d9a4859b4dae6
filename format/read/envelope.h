/*
 * envelope.h - write a frame as one line of JSON, with its metadata and payload.
 *
 *   {"seq":1,"time":"2026-03-01T12:51:43.000000000Z","time_ns":1772369503...,
 *    "mono_ns":1772369503...,"connection":1,"kind":"received","opcode":"text",
 *    "event":"state","sources":[10001,"abc"],"payload":{"type":"event",...}}
 *
 * "tape"        number of the tape, from 0; only if asked for
 * "kind"        "received", "sent" or "mark"
 * "opcode"      "text", "binary", or the number of any other opcode; marks
 *               have "mark" instead: "started", "connected", ...
 * "event"       only if the frame has an event
 * "sources"     integers and strings; [] without sources
 *
 * The payload is in exactly one of these members, without loss:
 * "payload"         a text frame or a mark that is one well-formed JSON value
 *                   with no line break: embedded byte for byte
 * "payload_text"    any other text that is valid UTF-8, as a JSON string
 * "payload_base64"  everything else: binary frames, and text that is not UTF-8
 */
#ifndef EVT_FORMAT_READ_ENVELOPE_H
#define EVT_FORMAT_READ_ENVELOPE_H

#include "format/base/buf.h"
#include "format/evtape.h"

/* The values of "kind", by enum evt_kind. */
#define EVT_ENVELOPE_KINDS 3u
extern const char *const evt_envelope_kind[EVT_ENVELOPE_KINDS];

typedef struct evt_envelope evt_envelope;

/* `with_tape`: write the member "tape".  Errors: EVT_ERR_NOMEM. */
int evt_envelope_new(bool with_tape, evt_envelope **ret_envelope,
    evt_error *err);
void evt_envelope_free(evt_envelope *envelope);

/*
 * Append the frame's line to `out`, with its newline.
 * Errors: EVT_ERR_NOMEM; `out` is then unchanged.
 */
int evt_envelope_write(evt_envelope *envelope, const evt_frame *frame,
    evt_buf *out, evt_error *err);

#endif
