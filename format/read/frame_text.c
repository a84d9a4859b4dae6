/* frame_text.c - see frame_text.h. */
#include "format/read/frame_text.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "format/base/err.h"

#define BINARY_HEAD 36u

struct evt_frame_text {
	enum evt_frame_text_form form;
	evt_envelope *envelope; /* EVT_FRAME_TEXT_ENVELOPE */
	evt_timetext_cache stamp;
};

int
evt_frame_text_form_parse(const char *text, enum evt_frame_text_form *ret_form,
    evt_error *err)
{
	static const char *const names[] = {
		[EVT_FRAME_TEXT_LINES] = "lines",
		[EVT_FRAME_TEXT_ENVELOPE] = "envelope",
		[EVT_FRAME_TEXT_STAMPED] = "stamped",
		[EVT_FRAME_TEXT_BINARY] = "binary",
	};
	_Static_assert(sizeof(names) / sizeof(names[0]) ==
	        EVT_FRAME_TEXT_BINARY + 1,
	    "each form has its name");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], text) == 0) {
			*ret_form = (enum evt_frame_text_form)i;
			return EVT_OK;
		}
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "unknown output '%.80s'; known are lines, envelope, stamped, "
	    "binary",
	    text);
}

int
evt_frame_text_new(enum evt_frame_text_form form, bool with_tape,
    evt_frame_text **ret_out, evt_error *err)
{
	evt_frame_text *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return evt_err_nomem(err);
	o->form = form;
	if (form == EVT_FRAME_TEXT_ENVELOPE &&
	    evt_envelope_new(with_tape, &o->envelope, err) != EVT_OK) {
		free(o);
		return EVT_ERR_NOMEM;
	}
	*ret_out = o;
	return EVT_OK;
}

void
evt_frame_text_free(evt_frame_text *o)
{
	if (o == NULL)
		return;
	evt_envelope_free(o->envelope);
	free(o);
}

static uint8_t *
frame_text_put_le(uint8_t *p, uint64_t v, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> 8 * i);
	return p + bytes;
}

static uint8_t *
frame_text_put_payload(uint8_t *p, const evt_frame *f)
{
	if (f->len > 0)
		memcpy(p, f->payload, f->len);
	return p + f->len;
}

/* The forms that are put together here; p has room for them. */
static uint8_t *
frame_text_put_frame(evt_frame_text *o, const evt_frame *f, uint8_t *p)
{
	if (o->form == EVT_FRAME_TEXT_BINARY) {
		p = frame_text_put_le(p, BINARY_HEAD - 4 + f->len, 4);
		p = frame_text_put_le(p, (uint64_t)f->time_ns, 8);
		p = frame_text_put_le(p, (uint64_t)f->mono_ns, 8);
		p = frame_text_put_le(p, f->seq, 8);
		p = frame_text_put_le(p, f->conn, 4);
		p = frame_text_put_le(p, f->tape, 2);
		p = frame_text_put_le(p, f->kind, 1);
		p = frame_text_put_le(p, f->opcode, 1);
		return frame_text_put_payload(p, f);
	}
	if (o->form == EVT_FRAME_TEXT_STAMPED) {
		p += evt_timetext_write(&o->stamp, f->time_ns, p);
		*p++ = '\t';
	}
	p = frame_text_put_payload(p, f);
	*p++ = '\n';
	return p;
}

int
evt_frame_text_add(evt_frame_text *o, const evt_frame *f, evt_buf *buf,
    evt_error *err)
{
	if (o->form == EVT_FRAME_TEXT_ENVELOPE)
		return evt_envelope_write(o->envelope, f, buf, err);
	if (f->len > UINT32_MAX - BINARY_HEAD ||
	    !evt_buf_reserve(buf, f->len + BINARY_HEAD + EVT_TIMETEXT_MAX))
		return evt_err_nomem(err);
	buf->len = (size_t)(frame_text_put_frame(o, f, buf->data + buf->len) -
	    buf->data);
	return EVT_OK;
}
