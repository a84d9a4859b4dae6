/* broadcast.c - one frame on its way to all clients; see broadcast.h. */
#include "replay/standin/broadcast.h"

#include <assert.h>

evt_stamp_rewrite
evt_broadcast_stamps(unsigned variant, int offset_s)
{
	return (evt_stamp_rewrite){ .form = variant & EVT_SUBSCRIPTION_ISO ?
		    EVT_STAMP_REWRITE_ISO :
		    EVT_STAMP_REWRITE_PLAIN,
		.offset_s = offset_s };
}

void
evt_broadcast_begin(evt_broadcast *b, const evt_frame *frame,
    const evt_state_update *update)
{
	assert(frame != NULL && update != NULL);
	b->frame = frame;
	b->update = update;
	for (unsigned i = 0; i < EVT_SUBSCRIPTION_VARIANTS; i++)
		b->have[i] = false;
}

void
evt_broadcast_free(evt_broadcast *b)
{
	for (unsigned i = 0; i < EVT_SUBSCRIPTION_VARIANTS; i++)
		evt_buf_free(&b->text[i]);
	evt_buf_free(&b->scratch);
}

/* Append the payload with each state made compact. */
static bool
broadcast_add_compact(const evt_broadcast *b, evt_buf *out)
{
	const uint8_t *p = b->frame->payload, *end = p + b->frame->len;
	bool ok = true;

	for (size_t i = 0; i < b->update->n && ok; i++) {
		evt_json_view v = b->update->change[i].value;

		if (v.p == NULL)
			continue; /* readings have no states */
		ok = evt_buf_add(out, p, (size_t)(v.p - p)) &&
		    evt_stamp_rewrite_compact(v, out);
		p = v.p + v.n;
	}
	return ok && evt_buf_add(out, p, (size_t)(end - p));
}

const evt_buf *
evt_broadcast_text(evt_broadcast *b, unsigned variant)
{
	evt_stamp_rewrite how;
	const uint8_t *p;
	size_t n;
	evt_buf *out;

	assert(variant < EVT_SUBSCRIPTION_VARIANTS && b->frame != NULL);
	how = evt_broadcast_stamps(variant, b->update->offset_s);
	out = &b->text[variant];
	if (b->have[variant])
		return out;
	p = b->frame->payload;
	n = b->frame->len;
	out->len = 0;
	if (variant & EVT_SUBSCRIPTION_COMPACT) {
		b->scratch.len = 0;
		if (!broadcast_add_compact(b, &b->scratch))
			return NULL;
		p = b->scratch.data;
		n = b->scratch.len;
	}
	if (!evt_stamp_rewrite_text(&how, p, n, out))
		return NULL;
	b->have[variant] = true;
	return out;
}
