/* rows.c - write the records of frames as CSV lines and GeoJSON Features.  Both
 * are made by hand: they are written for each frame. */
#include "tools/evtape/lib/rows.h"

#include <inttypes.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

/* ---- CSV ----------------------------------------------------------------- */

/* Whether a spreadsheet may take the text for a formula: by its first character
 * after spaces, which may also be one of full width. */
static bool
rows_is_formula(const uint8_t *p, size_t n)
{
	while (n > 0 && *p == ' ') {
		p++;
		n--;
	}
	if (n >= 3 && p[0] == 0xef && p[1] == 0xbc)
		return memchr("\x9d\x8b\x8d\xa0", p[2], 4) != NULL;
	return n > 0 && memchr("=+-@\t\r\n", *p, 7) != NULL;
}

bool
rows_add_field(evt_buf *out, const void *field, size_t n, bool text)
{
	const uint8_t *p = field;
	bool quote = false, ok = true, formula = text && rows_is_formula(p, n);

	for (size_t i = 0; i < n && !quote; i++)
		quote =
		    p[i] == '"' || p[i] == ',' || p[i] == '\n' || p[i] == '\r';
	if (!quote)
		return (!formula || evt_buf_add_byte(out, '\'')) &&
		    (n == 0 || evt_buf_add(out, p, n));
	ok = evt_buf_add_byte(out, '"') &&
	    (!formula || evt_buf_add_byte(out, '\''));
	for (size_t i = 0; i < n && ok; i++)
		ok = (p[i] != '"' || evt_buf_add_byte(out, '"')) &&
		    evt_buf_add_byte(out, p[i]);
	return ok && evt_buf_add_byte(out, '"');
}

bool
rows_csv_head(const columns *c, bool spreadsheet, evt_buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < columns_n(c) && ok; i++) {
		const char *name = columns_name(c, i);

		ok = (i == 0 || evt_buf_add_byte(out, ',')) &&
		    rows_add_field(out, name, strlen(name), spreadsheet);
	}
	return ok && evt_buf_add_str(out, "\r\n");
}

static bool
rows_add_row(const columns *c, bool spreadsheet, const evt_frame_items *records,
    const evt_frame_item *record, evt_buf *value, evt_buf *text, evt_buf *out)
{
	for (size_t i = 0; i < columns_n(c); i++) {
		const evt_buf *field = value;
		enum columns_value_kind kind;
		bool ok = i == 0 || evt_buf_add_byte(out, ',');

		value->len = text->len = 0;
		kind = columns_value(c, i, records, record, value);
		if (kind == COLUMNS_BYTES) {
			ok = ok &&
			    evt_buf_add_base64(text, value->data, value->len);
			field = text;
		}
		ok = ok && kind != COLUMNS_NOMEM &&
		    rows_add_field(out, field->data, field->len,
		        spreadsheet && kind != COLUMNS_NUMBER);
		if (!ok)
			return false;
	}
	return evt_buf_add_str(out, "\r\n");
}

int
rows_csv(const columns *c, bool spreadsheet, evt_json_scanner *scanner,
    const evt_frame *f, evt_buf *out, evt_error *err)
{
	evt_buf value = { 0 }, text = { 0 };
	evt_frame_items records;
	evt_frame_item record;
	int r = evt_frame_items_begin(&records, f, scanner, err);

	while (r == EVT_OK && evt_frame_items_next(&records, &record)) {
		if (!rows_add_row(c, spreadsheet, &records, &record, &value,
		        &text, out))
			r = evt_err_nomem(err);
	}
	evt_buf_free(&value);
	evt_buf_free(&text);
	return r;
}

/* ---- GeoJSON ------------------------------------------------------------- */

bool
rows_add_source(const evt_key *source, evt_buf *out)
{
	if (!evt_buf_add_str(out, "\"source_id\":"))
		return false;
	return source->is_int ?
	    evt_buf_add(out, source->text, source->len) :
	    evt_buf_add_json(out, source->text, source->len);
}

void
rows_write_source(const evt_key *source, evt_json_write *w)
{
	if (source->is_int)
		evt_json_write_raw(w, "source_id", source->text, source->len);
	else
		evt_json_write_text(w, "source_id", source->text, source->len);
}

static bool
rows_add_number(evt_buf *out, const char *name, bool has, double value)
{
	return !has || evt_buf_printf(out, ",\"%s\":%.15g", name, value);
}

static bool
rows_add_feature(const evt_frame_items *records, const evt_frame_item *record,
    const evt_frame_items_place *p, const evt_zone *zone, evt_buf *out)
{
	const evt_frame *f = records->frame;
	char time[EVT_TIMETEXT_MAX];
	int64_t own_ns;
	bool ok = evt_buf_printf(out,
	    "{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\","
	    "\"coordinates\":[%.15g,%.15g",
	    p->lng, p->lat);

	ok = ok && (!p->has_alt || evt_buf_printf(out, ",%.15g", p->alt)) &&
	    evt_buf_add_str(out, "]},\"properties\":{") &&
	    rows_add_source(&record->source, out) &&
	    evt_buf_add_str(out, ",\"event\":") &&
	    (f->event != NULL ? evt_buf_add_json(out, f->event, f->event_len) :
	                        evt_buf_add_str(out, "null")) &&
	    evt_buf_printf(out, ",\"received\":\"%s\"",
	        evt_timetext_format(f->time_ns, 9, time));
	if (ok && evt_frame_item_time(records, record, zone, &own_ns))
		ok = evt_buf_printf(out, ",\"time\":\"%s\"",
		    evt_timetext_format(own_ns, 0, time));
	return ok && rows_add_number(out, "speed", p->has_speed, p->speed) &&
	    rows_add_number(out, "heading", p->has_heading, p->heading) &&
	    evt_buf_add_str(out, "}}\n");
}

int
rows_geojson(evt_json_scanner *scanner, const evt_zone *zone,
    const evt_frame *f, evt_buf *out, size_t *ret_n, evt_error *err)
{
	evt_frame_items records;
	evt_frame_item record;
	evt_frame_items_place place;
	int r = evt_frame_items_begin(&records, f, scanner, err);

	*ret_n = 0;
	while (r == EVT_OK && evt_frame_items_next(&records, &record)) {
		if (!evt_frame_item_place(&record, &place))
			continue;
		if (!rows_add_feature(&records, &record, &place, zone, out))
			r = evt_err_nomem(err);
		++*ret_n;
	}
	return r;
}
