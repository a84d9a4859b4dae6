/*
 * frame_text.h - write frames to a pipe in one of four forms.
 *
 * lines     the payload and a newline.  The payload is not changed: if it holds
 *           line breaks, it fills several lines.
 * envelope  one line of JSON, see format/read/envelope.h.
 * stamped   the receive time ("2026-03-01T12:51:43.123456789Z"), a tab, the
 *           payload and a newline.
 * binary    a record for each frame, one after the other, little-endian:
 *
 *           offset  size  content
 *                0     4  bytes after this field: 32 + payload
 *                4     8  receive time, ns since 1970-01-01T00:00:00Z, signed
 *               12     8  steady time, ns, signed (see evt_frame.mono_ns)
 *               20     8  sequence number on its tape
 *               28     4  connection number, or 0
 *               32     2  number of the tape, from 0
 *               34     1  kind: 0 received, 1 sent, 2 mark
 *               35     1  opcode: 1 text, 2 binary; enum evt_mark for a mark
 *               36     n  payload
 */
#ifndef EVT_FORMAT_READ_FRAME_TEXT_H
#define EVT_FORMAT_READ_FRAME_TEXT_H

#include "format/base/buf.h"
#include "format/evtape.h"

enum evt_frame_text_form {
	EVT_FRAME_TEXT_LINES,
	EVT_FRAME_TEXT_ENVELOPE,
	EVT_FRAME_TEXT_STAMPED,
	EVT_FRAME_TEXT_BINARY
};

/* Parse "lines", "envelope", "stamped" or "binary".  Errors: EVT_ERR_ARG. */
int evt_frame_text_form_parse(const char *text,
    enum evt_frame_text_form *ret_form, evt_error *err);

typedef struct evt_frame_text evt_frame_text;

/* `with_tape`: envelopes have the member "tape".  Errors: EVT_ERR_NOMEM. */
int evt_frame_text_new(enum evt_frame_text_form form, bool with_tape,
    evt_frame_text **ret_out, evt_error *err);
void evt_frame_text_free(evt_frame_text *out);

/* Append the frame to buf.  Errors: EVT_ERR_NOMEM; buf is then unchanged. */
int evt_frame_text_add(evt_frame_text *out, const evt_frame *frame,
    evt_buf *buf, evt_error *err);

#endif
