/* find_print.c - see find_print.h. */
#include "tools/evtape/find/find_print.h"

#include <inttypes.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/json_view.h"
#include "format/base/json_write.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "format/find/find_json.h"
#include "tools/evtape/lib/rows.h"
#include "tools/shown_time.h"

/* Append a JSON value as text for people: a string without its quotes. */
static bool
find_print_add_text(evt_buf *out, const char *json, size_t n)
{
	evt_json_view v = evt_json_view_make((const uint8_t *)json, n);

	return json == NULL || evt_json_view_text(v, out);
}

/* The text of a value in w->cell: with its unit, a time as a duration. */
static bool
find_print_cell(find_print *w, const evt_find_reason *why)
{
	evt_json_view v =
	    evt_json_view_make((const uint8_t *)why->value, why->value_len);
	char text[EVT_TIMETEXT_MAX];
	double s;

	w->cell.len = 0;
	if (why->unit != NULL && strcmp(why->unit, "s") == 0 &&
	    evt_json_view_double(v, &s))
		return evt_buf_add_str(&w->cell,
		    evt_timetext_duration_format((int64_t)(s * EVT_NS_PER_S),
		        text));
	return find_print_add_text(&w->cell, why->value, why->value_len) &&
	    (why->unit == NULL || evt_buf_printf(&w->cell, " %s", why->unit));
}

/* Append " (was 80 at TIME)"; where the value before is that time, " (since
 * TIME)". */
static bool
find_print_add_before(find_print *w, const evt_find_reason *why, evt_buf *out)
{
	char time[EVT_TIMETEXT_MAX] = "", utc[EVT_TIMETEXT_MAX] = "";
	evt_buf *cell = &w->cell;
	bool ok, is_time;

	if (why->before == NULL)
		return true;
	if (why->has_before_ns) {
		shown_time(why->before_ns, 3, time);
		evt_timetext_format(why->before_ns, 3, utc);
	}
	cell->len = 0;
	ok = find_print_add_text(cell, why->before, why->before_len);
	is_time = ok && cell->len == strlen(utc) &&
	    memcmp(cell->data, utc, cell->len) == 0;
	if (is_time)
		cell->len = 0;
	else if (ok && why->has_before_ns)
		ok = evt_buf_add_str(cell, " at ");
	return ok && evt_buf_add_str(cell, time) &&
	    evt_buf_add_str(out, is_time ? " (since " : " (was ") &&
	    evt_shown_add(out, (const char *)cell->data, cell->len, 0) &&
	    evt_buf_add_byte(out, ')');
}

static bool
find_print_text(find_print *w, const evt_find_hit *h, evt_buf *out)
{
	char time[EVT_TIMETEXT_MAX];
	const char *source = h->source.text != NULL ? h->source.text : "-";
	bool ok =
	    evt_buf_printf(out, "%s  ", shown_time(h->time_ns, 3, time)) &&
	    evt_shown_add(out, source,
	        h->source.text != NULL ? h->source.len : 1, 10) &&
	    evt_buf_add_str(out, "  ");

	if (ok && w->labels)
		ok = evt_shown_add(out, h->label != NULL ? h->label : "-",
		         h->label != NULL ? h->label_len : 1, 16) &&
		    evt_buf_add_str(out, "  ");
	for (unsigned i = 0; i < h->n_reasons && ok; i++) {
		const evt_find_reason *why = &h->reason[i];

		ok = (i == 0 || evt_buf_add_str(out, ", ")) &&
		    evt_shown_add(out, why->name, strlen(why->name), 0) &&
		    evt_buf_add_byte(out, ' ') && find_print_cell(w, why) &&
		    evt_shown_add(out, (const char *)w->cell.data, w->cell.len,
		        0) &&
		    find_print_add_before(w, why, out);
	}
	if (ok && h->n_reasons == 0 && h->event != NULL)
		ok = evt_shown_add(out, h->event, h->event_len, 0);
	if (ok && h->open)
		ok = evt_buf_add_str(out, ", until the end");
	return ok && evt_buf_add_byte(out, '\n');
}

static bool
find_print_json(const evt_find_hit *h, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_find_json_write(&w, h);
	return evt_json_write_end(&w) && evt_buf_add_byte(out, '\n');
}

/* A line of CSV: of the first reason. */
static bool
find_print_csv(find_print *w, const evt_find_hit *h, evt_buf *out)
{
	static const evt_find_reason none = { .name = "" };
	const evt_find_reason *why = h->n_reasons > 0 ? &h->reason[0] : &none;
	char time[EVT_TIMETEXT_MAX];
	bool ok;

	w->cell.len = 0;
	ok = evt_buf_printf(out, "%s,",
	         evt_timetext_format(h->time_ns, 9, time)) &&
	    (h->source.text == NULL ||
	        rows_add_field(out, h->source.text, h->source.len, false)) &&
	    evt_buf_add_byte(out, ',') &&
	    (h->label == NULL ||
	        rows_add_field(out, h->label, h->label_len, false)) &&
	    evt_buf_add_byte(out, ',') &&
	    (h->event == NULL ||
	        rows_add_field(out, h->event, h->event_len, false)) &&
	    evt_buf_printf(out, ",%" PRIu64 ",", h->seq) &&
	    rows_add_field(out, why->name, strlen(why->name), false) &&
	    evt_buf_add_byte(out, ',') &&
	    find_print_add_text(&w->cell, why->value, why->value_len) &&
	    rows_add_field(out, w->cell.data, w->cell.len, false) &&
	    evt_buf_printf(out, ",%s,", why->unit != NULL ? why->unit : "");
	w->cell.len = 0;
	ok = ok &&
	    find_print_add_text(&w->cell, why->before, why->before_len) &&
	    rows_add_field(out, w->cell.data, w->cell.len, false) &&
	    evt_buf_add_byte(out, ',');
	if (ok && why->has_before_ns)
		ok = evt_buf_add_str(out,
		    evt_timetext_format(why->before_ns, 9, time));
	return ok && evt_buf_add_str(out, "\r\n");
}

bool
find_print_head(find_print *w, evt_buf *out)
{
	return w->form != FIND_PRINT_CSV ||
	    evt_buf_add_str(out,
	        "time,source,label,event,seq,name,value,unit,before,"
	        "before_time\r\n");
}

bool
find_print_hit(find_print *w, const evt_find_hit *hit, evt_buf *out)
{
	switch (w->form) {
	case FIND_PRINT_JSON:
		return find_print_json(hit, out);
	case FIND_PRINT_CSV:
		return find_print_csv(w, hit, out);
	default:
		return find_print_text(w, hit, out);
	}
}
