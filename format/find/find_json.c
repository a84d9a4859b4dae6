/* find_json.c - see find_json.h. */
#include "format/find/find_json.h"

#include <assert.h>

static void
find_json_reason(const evt_find_reason *why, evt_json_write *w)
{
	evt_json_write_str(w, "name", why->name);
	if (why->value != NULL)
		evt_json_write_raw(w, "value", why->value, why->value_len);
	else
		evt_json_write_null(w, "value");
	if (why->unit != NULL)
		evt_json_write_str(w, "unit", why->unit);
	if (why->before != NULL)
		evt_json_write_raw(w, "before", why->before, why->before_len);
	else
		evt_json_write_null(w, "before");
	if (why->has_before_ns)
		evt_json_write_time(w, "before_time", why->before_ns, 9);
}

void
evt_find_json_write(evt_json_write *w, const evt_find_hit *h)
{
	static const evt_find_reason none = { .name = NULL };

	assert(w != NULL && h != NULL);
	evt_json_write_object(w, NULL);
	evt_json_write_time(w, "time", h->time_ns, 9);
	evt_json_write_int(w, "time_ns", h->time_ns);
	evt_json_write_uint(w, "seq", h->seq);
	if (h->source.text == NULL)
		evt_json_write_null(w, "source");
	else if (h->source.is_int)
		evt_json_write_raw(w, "source", h->source.text, h->source.len);
	else
		evt_json_write_text(w, "source", h->source.text, h->source.len);
	if (h->label != NULL)
		evt_json_write_text(w, "label", h->label, h->label_len);
	else
		evt_json_write_null(w, "label");
	if (h->event != NULL)
		evt_json_write_text(w, "event", h->event, h->event_len);
	find_json_reason(h->n_reasons > 0 ? &h->reason[0] : &none, w);
	if (h->open)
		evt_json_write_bool(w, "open", true);
	if (h->n_reasons > 1) {
		evt_json_write_array(w, "also");
		for (unsigned i = 1; i < h->n_reasons; i++) {
			evt_json_write_object(w, NULL);
			find_json_reason(&h->reason[i], w);
			evt_json_write_close(w);
		}
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}
