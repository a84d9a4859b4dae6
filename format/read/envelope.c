/*
 * envelope.c - see envelope.h.
 *
 * This runs once a frame at full speed, so everything but the payload is put
 * together by hand in room that was reserved at once.
 */
#include "format/read/envelope.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/key.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"
#include "format/base/utf8.h"

/* Room for every member but event, sources and payload. */
#define FIXED_ROOM 384u

const char *const evt_envelope_kind[EVT_ENVELOPE_KINDS] = {
	[EVT_KIND_RECEIVED] = "received",
	[EVT_KIND_SENT] = "sent",
	[EVT_KIND_MARK] = "mark",
};

struct evt_envelope {
	bool with_tape;
	evt_json_scanner *scanner;
	evt_timetext_cache stamp;
};

int
evt_envelope_new(bool with_tape, evt_envelope **ret_envelope, evt_error *err)
{
	evt_envelope *e = calloc(1, sizeof(*e));

	assert(ret_envelope != NULL);
	if (e == NULL)
		return evt_err_nomem(err);
	e->with_tape = with_tape;
	if (evt_json_scanner_new(NULL, &e->scanner, err) != EVT_OK) {
		free(e);
		return EVT_ERR_NOMEM;
	}
	*ret_envelope = e;
	return EVT_OK;
}

void
evt_envelope_free(evt_envelope *e)
{
	if (e == NULL)
		return;
	evt_json_scanner_free(e->scanner);
	free(e);
}

/* ---- members of known size, into reserved room ---------------------------- */

static uint8_t *
envelope_put_text(uint8_t *p, const char *text)
{
	size_t n = strlen(text);

	memcpy(p, text, n);
	return p + n;
}

static uint8_t *
envelope_put_signed(uint8_t *p, int64_t v)
{
	if (v >= 0)
		return p + evt_timetext_write_decimal((uint64_t)v, p);
	*p++ = '-';
	return p + evt_timetext_write_decimal(0 - (uint64_t)v, p);
}

static uint8_t *
envelope_put_kind(uint8_t *p, const evt_frame *f)
{
	if (f->kind == EVT_KIND_MARK) {
		p = envelope_put_text(p, ",\"kind\":\"mark\",\"mark\":\"");
		p = envelope_put_text(p, evt_mark_name(f->opcode));
		return envelope_put_text(p, "\"");
	}
	p = envelope_put_text(p,
	    f->kind == EVT_KIND_SENT ? ",\"kind\":\"sent\"" :
	                               ",\"kind\":\"received\"");
	if (f->opcode == EVT_OP_TEXT)
		return envelope_put_text(p, ",\"opcode\":\"text\"");
	if (f->opcode == EVT_OP_BINARY)
		return envelope_put_text(p, ",\"opcode\":\"binary\"");
	p = envelope_put_text(p, ",\"opcode\":");
	return p + evt_timetext_write_decimal(f->opcode, p);
}

static bool
envelope_add_fixed(evt_envelope *e, const evt_frame *f, evt_buf *out)
{
	uint8_t *p;

	if (!evt_buf_reserve(out, FIXED_ROOM))
		return false;
	p = out->data + out->len;
	p = envelope_put_text(p, "{\"seq\":");
	p += evt_timetext_write_decimal(f->seq, p);
	if (e->with_tape) {
		p = envelope_put_text(p, ",\"tape\":");
		p += evt_timetext_write_decimal(f->tape, p);
	}
	p = envelope_put_text(p, ",\"time\":\"");
	p += evt_timetext_write(&e->stamp, f->time_ns, p);
	p = envelope_put_text(p, "\",\"time_ns\":");
	p = envelope_put_signed(p, f->time_ns);
	p = envelope_put_text(p, ",\"mono_ns\":");
	p = envelope_put_signed(p, f->mono_ns);
	p = envelope_put_text(p, ",\"connection\":");
	p += evt_timetext_write_decimal(f->conn, p);
	p = envelope_put_kind(p, f);
	out->len = (size_t)(p - out->data);
	return true;
}

/* ---- keys ----------------------------------------------------------------- */

/* Whether the bytes can be in a JSON string without escapes. */
static bool
envelope_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)s[i];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
			return false;
	}
	return true;
}

static bool
envelope_add_string(evt_buf *out, const char *s, size_t n)
{
	uint8_t *p;

	if (!envelope_plain(s, n))
		return evt_buf_add_json(out, s, n);
	if (!evt_buf_reserve(out, n + 2))
		return false;
	p = out->data + out->len;
	p[0] = '"';
	if (n > 0)
		memcpy(p + 1, s, n);
	p[n + 1] = '"';
	out->len += n + 2;
	return true;
}

static bool
envelope_add_keys(const evt_frame *f, evt_buf *out)
{
	if (f->event != NULL &&
	    (!evt_buf_add(out, ",\"event\":", 9) ||
	        !envelope_add_string(out, f->event, f->event_len)))
		return false;
	if (!evt_buf_add(out, ",\"sources\":[", 12))
		return false;
	for (size_t i = 0; i < f->n_sources; i++) {
		const evt_key *key = &f->sources[i];

		if (i > 0 && !evt_buf_add_byte(out, ','))
			return false;
		if (!(key->is_int && evt_key_is_decimal(key->text, key->len) ?
		            evt_buf_add(out, key->text, key->len) :
		            envelope_add_string(out, key->text, key->len)))
			return false;
	}
	return evt_buf_add_byte(out, ']');
}

/* ---- payload -------------------------------------------------------------- */

static bool
envelope_is_utf8(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;

	while (p < end) {
		size_t k = evt_utf8_len(p, end);

		if (k == 0)
			return false;
		p += k;
	}
	return true;
}

static bool
envelope_add_other(const evt_frame *f, bool text, evt_buf *out)
{
	if (text && envelope_is_utf8(f->payload, f->len))
		return evt_buf_add_str(out, ",\"payload_text\":") &&
		    evt_buf_add_json(out, (const char *)f->payload, f->len);
	return evt_buf_add_str(out, ",\"payload_base64\":\"") &&
	    evt_buf_add_base64(out, f->payload, f->len) &&
	    evt_buf_add_byte(out, '"');
}

static bool
envelope_add_payload(evt_envelope *e, const evt_frame *f, evt_buf *out)
{
	bool text = f->kind == EVT_KIND_MARK || f->opcode == EVT_OP_TEXT;
	evt_json_scan_result r;

	if (!text)
		return envelope_add_other(f, false, out);
	if (evt_json_scan(e->scanner, f->payload, f->len, &r, NULL) != EVT_OK)
		return false;
	if (!r.json || r.line_break)
		return envelope_add_other(f, true, out);
	return evt_buf_add(out, ",\"payload\":", 11) &&
	    evt_buf_add(out, f->payload, f->len);
}

int
evt_envelope_write(evt_envelope *e, const evt_frame *f, evt_buf *out,
    evt_error *err)
{
	size_t before = out->len;

	if (envelope_add_fixed(e, f, out) && envelope_add_keys(f, out) &&
	    envelope_add_payload(e, f, out) && evt_buf_add(out, "}\n", 2))
		return EVT_OK;
	out->len = before;
	return evt_err_nomem(err);
}
