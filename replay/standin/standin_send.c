/*
 * standin_send.c - makes and sends the messages of the stand-in.
 *
 * Parts that need no change are copied as they were received.  A batch keeps
 * everything around its states (the type, the user's time) also if some states
 * are left out.
 */
#include "replay/standin/standin_impl.h"

#include "format/base/err.h"
#include "format/navixy/stamp_rewrite.h"

/* ---- texts --------------------------------------------------------------- */

/* Append a piece of a message in the form of the variant; `state`: it is a state
 * object; `offset_s`: of its local times. */
static bool
standin_send_add_piece(const evt_standin *c, evt_json_view v, bool state,
    unsigned variant, int offset_s, evt_buf *out)
{
	evt_stamp_rewrite how = evt_broadcast_stamps(variant, offset_s);
	evt_buf *scratch = &c->o.broadcast->scratch;

	if (!state || !(variant & EVT_SUBSCRIPTION_COMPACT))
		return evt_stamp_rewrite_text(&how, v.p, v.n, out);
	scratch->len = 0;
	return evt_stamp_rewrite_compact(v, scratch) &&
	    evt_stamp_rewrite_text(&how, scratch->data, scratch->len, out);
}

int
evt_standin_send(evt_standin *c, const evt_buf *text, evt_error *err)
{
	if (text == NULL)
		return evt_err_nomem(err);
	return c->o.send(c->o.ctx, text->data, text->len, err);
}

int
evt_standin_send_state(evt_standin *c, const evt_state_source *s,
    evt_error *err)
{
	const uint8_t *p = s->state.text.data;
	evt_json_view head = { p, s->state.at },
	              tail = { p + s->state.at + s->state.len,
		              s->state.text.len - s->state.at - s->state.len };
	evt_json_view state = { p + s->state.at, s->state.len };
	unsigned variant = c->sub[EVT_SUBSCRIPTION_STATE].variant;
	int offset_s = s->state.offset_s;
	bool ok;

	c->out.len = 0;
	/* The pieces are not JSON values by themselves, but no string is cut in
	 * two: the head ends with the colon before the state. */
	ok = standin_send_add_piece(c, head, false, variant, offset_s,
	         &c->out) &&
	    standin_send_add_piece(c, state, true, variant, offset_s,
	        &c->out) &&
	    standin_send_add_piece(c, tail, false, variant, offset_s, &c->out);
	return ok ? evt_standin_send(c, &c->out, err) : evt_err_nomem(err);
}

/* ---- batches ------------------------------------------------------------- */

/* The user_time of the newest state of the set, and its offset. */
static evt_json_view
standin_send_newest_time(const evt_standin *c, const evt_bitset *which,
    int *ret_offset_s)
{
	const evt_state_source *newest = NULL;

	for (size_t i = 0; i < evt_state_table_n(c->o.table); i++) {
		const evt_state_source *s = evt_state_table_at(c->o.table, i);

		if (evt_bitset_has(which, i) && evt_state_source_sendable(s) &&
		    (newest == NULL ||
		        s->state.time_ns > newest->state.time_ns))
			newest = s;
	}
	*ret_offset_s = newest != NULL ? newest->state.offset_s : 0;
	if (newest == NULL)
		return (evt_json_view){ NULL, 0 };
	return EVT_JSON_VIEW_MEMBER(evt_json_view_make(newest->state.text.data,
	                                newest->state.text.len),
	    "user_time");
}

static bool
standin_send_begin_batch(evt_standin *c, enum evt_subscription_kind kind,
    const evt_bitset *which, evt_buf *out)
{
	int offset_s;
	evt_json_view time = standin_send_newest_time(c, which, &offset_s);
	evt_stamp_rewrite how =
	    evt_broadcast_stamps(c->sub[kind].variant, offset_s);
	bool ok = evt_buf_printf(out, "{\"type\":\"event\",\"event\":\"%s\",",
	    evt_subscription_kind_name(kind));

	if (kind == EVT_SUBSCRIPTION_IOT_MONITOR)
		return ok &&
		    evt_buf_add_str(out, "\"data\":{\"iot_last_values\":[");
	if (evt_json_view_kind(time) != EVT_JSON_VIEW_NONE) {
		c->scratch.len = 0;
		ok = ok && evt_buf_add_str(&c->scratch, "\"user_time\":") &&
		    evt_buf_add(&c->scratch, time.p, time.n) &&
		    evt_buf_add_byte(&c->scratch, ',') &&
		    evt_stamp_rewrite_text(&how, c->scratch.data,
		        c->scratch.len, out);
	}
	return ok && evt_buf_add_str(out, "\"data\":[");
}

/* Append the source's item, if it has one; *any then becomes true. */
static bool
standin_send_add_item(evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_source *s, evt_buf *out, bool *any)
{
	const evt_state_source_item *item =
	    kind == EVT_SUBSCRIPTION_IOT_MONITOR ? &s->iot : &s->reading;
	unsigned variant = c->sub[kind].variant;
	evt_json_view state;
	bool ok;

	if (kind == EVT_SUBSCRIPTION_STATE_BATCH ?
	        !evt_state_source_sendable(s) :
	        item->text.len == 0 || s->lifecycle.blocked ||
	            s->lifecycle.corrupt)
		return true;
	ok = !*any || evt_buf_add_byte(out, ',');
	*any = true;
	if (kind != EVT_SUBSCRIPTION_STATE_BATCH)
		return ok &&
		    standin_send_add_piece(c,
		        (evt_json_view){ item->text.data, item->text.len },
		        false, variant, item->offset_s, out);
	state =
	    (evt_json_view){ s->state.text.data + s->state.at, s->state.len };
	return ok &&
	    evt_buf_add_str(out,
	        "{\"type\":\"source_state_event\",\"state\":") &&
	    standin_send_add_piece(c, state, true, variant, s->state.offset_s,
	        out) &&
	    evt_buf_add_byte(out, '}');
}

int
evt_standin_send_batch(evt_standin *c, enum evt_subscription_kind kind,
    const evt_bitset *which, evt_error *err)
{
	evt_buf *out = &c->out;
	bool any = false, ok;

	out->len = 0;
	ok = standin_send_begin_batch(c, kind, which, out);
	for (size_t i = 0; i < evt_state_table_n(c->o.table) && ok; i++) {
		if (evt_bitset_has(which, i))
			ok = standin_send_add_item(c, kind,
			    evt_state_table_at(c->o.table, i), out, &any);
	}
	ok = ok &&
	    evt_buf_add_str(out,
	        kind == EVT_SUBSCRIPTION_IOT_MONITOR ? "]}}" : "]}");
	if (!ok)
		return evt_err_nomem(err);
	return any ? evt_standin_send(c, out, err) : EVT_OK;
}

int
evt_standin_send_part(evt_standin *c, enum evt_subscription_kind kind,
    evt_error *err)
{
	const evt_broadcast *b = c->o.broadcast;
	const uint8_t *list = b->update->list.p,
	              *end = list + b->update->list.n;
	const uint8_t *from = b->frame->payload;
	unsigned variant = c->sub[kind].variant;
	int offset_s = b->update->offset_s;
	evt_json_view head = { from, (size_t)(list + 1 - from) };
	evt_json_view tail = { end - 1,
		(size_t)(from + b->frame->len - (end - 1)) };
	bool any = false, ok;

	c->out.len = 0;
	ok = standin_send_add_piece(c, head, false, variant, offset_s, &c->out);
	for (size_t i = 0; i < b->update->n && ok; i++) {
		const evt_state_update_change *change = &b->update->change[i];
		const uint8_t *p = change->item.p,
		              *item_end = p + change->item.n;
		evt_json_view v =
		    change->value.p != NULL ? change->value : change->item;

		if (!evt_standin_may_send(c, kind, change))
			continue;
		ok = (!any || evt_buf_add_byte(&c->out, ',')) &&
		    evt_buf_add(&c->out, p, (size_t)(v.p - p)) &&
		    standin_send_add_piece(c, v, change->value.p != NULL,
		        variant, offset_s, &c->out) &&
		    evt_buf_add(&c->out, v.p + v.n,
		        (size_t)(item_end - (v.p + v.n)));
		any = true;
	}
	ok = ok &&
	    standin_send_add_piece(c, tail, false, variant, offset_s, &c->out);
	if (!ok)
		return evt_err_nomem(err);
	return any ? evt_standin_send(c, &c->out, err) : EVT_OK;
}

int
evt_standin_send_lifecycle(evt_standin *c, const evt_state_source *s,
    const char *what, evt_error *err)
{
	bool ok;

	c->out.len = 0;
	ok = evt_buf_add_str(&c->out,
	    "{\"type\":\"event\",\"event\":\"lifecycle\",\"data\":{\"source_"
	    "id\":");
	ok = ok &&
	    (s->key.is_int ?
	            evt_buf_add(&c->out, s->key.text, s->key.len) :
	            evt_buf_add_json(&c->out, s->key.text, s->key.len)) &&
	    evt_buf_printf(&c->out, ",\"lifecycle_event\":\"%s\"}}", what);
	return ok ? evt_standin_send(c, &c->out, err) : evt_err_nomem(err);
}
