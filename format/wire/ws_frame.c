/* ws_frame.c - see ws_frame.h. */
#include "format/wire/ws_frame.h"

#include <assert.h>
#include <string.h>

#define FIN 0x80u
#define RESERVED 0x70u
#define MASKED 0x80u
#define LEN16 126u
#define LEN64 127u

static uint8_t
ws_frame_opcode(const evt_ws_frame *w)
{
	return w->head[0] & 0x0f;
}

static bool
ws_frame_is_control(const evt_ws_frame *w)
{
	return ws_frame_opcode(w) >= EVT_WS_FRAME_OP_CLOSE;
}

/* Bytes of the extended length, by the header's second byte. */
static size_t
ws_frame_length_size(const evt_ws_frame *w)
{
	unsigned n = w->head[1] & 0x7f;

	return n == LEN64 ? 8 : n == LEN16 ? 2 : 0;
}

/* Whether the header's first two bytes are valid at this place. */
static bool
ws_frame_is_valid(const evt_ws_frame *w)
{
	if ((w->head[0] & RESERVED) || (w->must_mask && !(w->head[1] & MASKED)))
		return false;
	switch (ws_frame_opcode(w)) {
	case EVT_WS_FRAME_OP_MORE:
		return w->message != 0;
	case EVT_WS_FRAME_OP_TEXT:
	case EVT_WS_FRAME_OP_BINARY:
		return w->message == 0;
	case EVT_WS_FRAME_OP_CLOSE:
	case EVT_WS_FRAME_OP_PING:
	case EVT_WS_FRAME_OP_PONG:
		return (w->head[0] & FIN) && ws_frame_length_size(w) == 0;
	default:
		return false;
	}
}

/* Begin the frame whose header is complete.  false: invalid length. */
static bool
ws_frame_begin(evt_ws_frame *w)
{
	size_t n = ws_frame_length_size(w);

	w->rest = n == 0 ? w->head[1] & 0x7f : 0;
	for (size_t i = 0; i < n; i++)
		w->rest = w->rest << 8 | w->head[2 + i];
	w->done = 0;
	w->inside = true;
	if (!ws_frame_is_control(w) && w->message == 0)
		w->message = ws_frame_opcode(w);
	return w->rest <= INT64_MAX;
}

/* Read the header as far as it has arrived.  false: it is invalid. */
static bool
ws_frame_take_head(evt_ws_frame *w, uint8_t **p, size_t *n)
{
	while (*n > 0 && !w->inside) {
		w->head[w->n_head++] = *(*p)++;
		(*n)--;
		if (w->n_head < 2)
			continue;
		if (w->n_head == 2 && !ws_frame_is_valid(w))
			return false;
		if (w->n_head ==
		        2 + ws_frame_length_size(w) +
		            (w->head[1] & MASKED ? 4 : 0) &&
		    !ws_frame_begin(w))
			return false;
	}
	return true;
}

static void
ws_frame_end(evt_ws_frame *w)
{
	w->inside = false;
	w->n_head = 0;
}

/* Read the part of the payload that has arrived. */
static uint8_t *
ws_frame_take_payload(evt_ws_frame *w, uint8_t **p, size_t *n, size_t *ret_n)
{
	size_t step = w->rest < *n ? (size_t)w->rest : *n;
	uint8_t *data = *p;

	if (w->head[1] & MASKED)
		evt_ws_frame_mask(data, step, w->head + w->n_head - 4, w->done);
	*p += step;
	*n -= step;
	w->rest -= step;
	w->done += step;
	*ret_n = step;
	return data;
}

static enum evt_ws_frame_what
ws_frame_take_control(evt_ws_frame *w, uint8_t **p, size_t *n,
    evt_ws_frame_event *ret_event)
{
	size_t at = (size_t)w->done, step;
	uint8_t *data = ws_frame_take_payload(w, p, n, &step);

	memcpy(w->control + at, data, step);
	if (w->rest > 0)
		return EVT_WS_FRAME_NOTHING;
	*ret_event =
	    (evt_ws_frame_event){ .data = w->control, .n = (size_t)w->done };
	ws_frame_end(w);
	return ws_frame_opcode(w) == EVT_WS_FRAME_OP_CLOSE ?
	    EVT_WS_FRAME_CLOSE :
	    ws_frame_opcode(w) == EVT_WS_FRAME_OP_PING ? EVT_WS_FRAME_PING :
	                                                 EVT_WS_FRAME_PONG;
}

static enum evt_ws_frame_what
ws_frame_take_piece(evt_ws_frame *w, uint8_t **p, size_t *n,
    evt_ws_frame_event *ret_event)
{
	bool ends;

	ret_event->data = ws_frame_take_payload(w, p, n, &ret_event->n);
	ret_event->opcode = w->message;
	ends = w->rest == 0;
	ret_event->last = ends && (w->head[0] & FIN) != 0;
	if (ret_event->last)
		w->message = 0;
	if (ends)
		ws_frame_end(w);
	return ends || ret_event->n > 0 ? EVT_WS_FRAME_PIECE :
	                                  EVT_WS_FRAME_NOTHING;
}

enum evt_ws_frame_what
evt_ws_frame_next(evt_ws_frame *w, uint8_t **p, size_t *n,
    evt_ws_frame_event *ret_event)
{
	assert(w != NULL && p != NULL && n != NULL && ret_event != NULL);
	if (w->broken || !ws_frame_take_head(w, p, n)) {
		w->broken = true;
		return EVT_WS_FRAME_BROKEN;
	}
	if (!w->inside)
		return EVT_WS_FRAME_NOTHING;
	return ws_frame_is_control(w) ?
	    ws_frame_take_control(w, p, n, ret_event) :
	    ws_frame_take_piece(w, p, n, ret_event);
}

void
evt_ws_frame_mask(uint8_t *p, size_t n, const uint8_t mask[4], uint64_t at)
{
	for (size_t i = 0; i < n; i++)
		p[i] ^= mask[(at + i) & 3];
}
