/* columns.c - chosen fields of frames, as columns. */
#include "tools/evtape/lib/columns.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "format/read/envelope.h"
#include "tools/evtape/lib/feed_zones.h"

enum own {
	SEQ,
	TIME,
	TIME_NS,
	MONO_NS,
	TAPE,
	CONNECTION,
	KIND,
	OPCODE,
	EVENT,
	SOURCE,
	OWN_TIME,
	PAYLOAD,
	N_OWN,
	POINTER,
	RECORD_POINTER
};

static const char *const own_names[N_OWN] = { "seq", "time", "time_ns",
	"mono_ns", "tape", "connection", "kind", "opcode", "event", "source",
	"own_time", "payload" };
_Static_assert(sizeof(own_names) / sizeof(own_names[0]) == N_OWN,
    "a name for each column");

struct column {
	enum own what;
	char *name;
	const char *pointer;
};

struct columns {
	struct column *column;
	size_t n, cap;
	feed_zones *zones; /* for OWN_TIME */
};

static int
columns_add(columns *c, const char *name, evt_error *err)
{
	struct column *new;
	unsigned k = 0;

	if (!evt_grow(&c->column, &c->cap, c->n + 1))
		return evt_err_nomem(err);
	new = &c->column[c->n];
	new->name = strdup(name);
	if (new->name == NULL)
		return evt_err_nomem(err);
	c->n++;
	while (k < N_OWN && strcmp(own_names[k], name) != 0)
		k++;
	new->what = (enum own)k;
	if (k < N_OWN)
		return EVT_OK;
	new->what = name[0] == '.' ? RECORD_POINTER : POINTER;
	new->pointer = new->name + (name[0] == '.');
	if (new->pointer[0] != '/')
		return evt_err_set(err, EVT_ERR_ARG,
		    "unknown column '%s': give seq, time, source, event, "
		    "payload, ..., a JSON pointer (/data/gps/speed), or one "
		    "into each source's record (./gps/speed)",
		    name);
	return evt_json_view_check_pointer(new->pointer, err);
}

int
columns_new(const evt_strings *names, columns **ret_columns, evt_error *err)
{
	static const char *const usual[] = { "time", "source", "event",
		"./gps/location/lat", "./gps/location/lng", "./gps/speed",
		"./gps/heading", "./movement_status", "./connection_status" };
	columns *c = calloc(1, sizeof(*c));
	size_t n = names->n > 0 ? names->n : sizeof(usual) / sizeof(usual[0]);
	int r = EVT_OK;

	if (c == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < n && r == EVT_OK; i++)
		r = columns_add(c, names->n > 0 ? names->item[i] : usual[i],
		    err);
	if (r != EVT_OK) {
		columns_free(c);
		return r;
	}
	*ret_columns = c;
	return EVT_OK;
}

void
columns_free(columns *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->column[i].name);
	free(c->column);
	feed_zones_free(c->zones);
	free(c);
}

static bool
columns_have_own_time(const columns *c)
{
	size_t i = 0;

	while (i < c->n && c->column[i].what != OWN_TIME)
		i++;
	return i < c->n;
}

int
columns_check_zone(const columns *c, const char *zone, evt_error *err)
{
	if (zone != NULL && !columns_have_own_time(c))
		return evt_err_set(err, EVT_ERR_ARG,
		    "--feed-zone has no effect: of the columns, only own_time "
		    "converts times of the feed");
	return feed_zones_check(zone, err);
}

int
columns_open_zones(columns *c, const cli_tapes *tapes, const char *zone,
    evt_error *err)
{
	return columns_have_own_time(c) ?
	    feed_zones_new(tapes, zone, &c->zones, err) :
	    EVT_OK;
}

size_t
columns_n(const columns *c)
{
	return c->n;
}

const char *
columns_name(const columns *c, size_t i)
{
	assert(i < c->n);
	return c->column[i].name;
}

static enum columns_value_kind
columns_done(bool ok, enum columns_value_kind kind)
{
	return ok ? kind : COLUMNS_NOMEM;
}

static enum columns_value_kind
columns_of_view(evt_json_view v, evt_buf *out)
{
	switch (evt_json_view_kind(v)) {
	case EVT_JSON_VIEW_NONE:
	case EVT_JSON_VIEW_NULL:
		return COLUMNS_NONE;
	case EVT_JSON_VIEW_STRING:
		return columns_done(evt_json_view_text(v, out), COLUMNS_TEXT);
	case EVT_JSON_VIEW_ARRAY:
	case EVT_JSON_VIEW_OBJECT:
		return columns_done(evt_buf_add(out, v.p, v.n), COLUMNS_JSON);
	default:
		return columns_done(evt_buf_add(out, v.p, v.n), COLUMNS_NUMBER);
	}
}

static enum columns_value_kind
columns_of_payload(const evt_frame_items *r, evt_buf *out)
{
	const evt_frame *f = r->frame;

	return columns_done(evt_buf_add(out, f->payload, f->len),
	    r->root.p != NULL            ? COLUMNS_JSON :
	        f->opcode == EVT_OP_TEXT ? COLUMNS_TEXT :
	                                   COLUMNS_BYTES);
}

static enum columns_value_kind
columns_of_opcode(const evt_frame *f, evt_buf *out)
{
	if (f->kind == EVT_KIND_MARK)
		return columns_done(evt_buf_add_str(out,
		                        evt_mark_name(f->opcode)),
		    COLUMNS_TEXT);
	if (f->opcode == EVT_OP_TEXT || f->opcode == EVT_OP_BINARY)
		return columns_done(evt_buf_add_str(out,
		                        f->opcode == EVT_OP_TEXT ? "text" :
		                                                   "binary"),
		    COLUMNS_TEXT);
	return columns_done(evt_buf_printf(out, "%u", f->opcode),
	    COLUMNS_NUMBER);
}

/* A tape that cannot be read gives no zone here; the frames' own reader reports it. */
static enum columns_value_kind
columns_of_own_time(const columns *c, const evt_frame_items *r,
    const evt_frame_item *record, evt_buf *out)
{
	char text[EVT_TIMETEXT_MAX];
	const evt_zone *zone;
	int64_t ns;

	assert(c->zones != NULL);
	if (feed_zones_at(c->zones, r->frame, &zone, NULL) != EVT_OK ||
	    !evt_frame_item_time(r, record, zone, &ns))
		return COLUMNS_NONE;
	return columns_done(evt_buf_add_str(out,
	                        evt_timetext_format(ns,
	                            ns % EVT_NS_PER_S == 0 ? 0 : 9, text)),
	    COLUMNS_TEXT);
}

enum columns_value_kind
columns_value(const columns *c, size_t i, const evt_frame_items *r,
    const evt_frame_item *record, evt_buf *out)
{
	const evt_frame *f = r->frame;
	const struct column *col = &c->column[i];
	char text[EVT_TIMETEXT_MAX];

	assert(i < c->n);
	switch (col->what) {
	case SEQ:
		return columns_done(evt_buf_printf(out, "%" PRIu64, f->seq),
		    COLUMNS_NUMBER);
	case TIME:
		return columns_done(evt_buf_add_str(out,
		                        evt_timetext_format(f->time_ns, 9,
		                            text)),
		    COLUMNS_TEXT);
	case TIME_NS:
		return columns_done(evt_buf_printf(out, "%" PRId64, f->time_ns),
		    COLUMNS_NUMBER);
	case MONO_NS:
		return columns_done(evt_buf_printf(out, "%" PRId64, f->mono_ns),
		    COLUMNS_NUMBER);
	case TAPE:
		return columns_done(evt_buf_printf(out, "%u", f->tape),
		    COLUMNS_NUMBER);
	case CONNECTION:
		return columns_done(evt_buf_printf(out, "%u", f->conn),
		    COLUMNS_NUMBER);
	case KIND:
		return columns_done(evt_buf_add_str(out,
		                        evt_envelope_kind[f->kind]),
		    COLUMNS_TEXT);
	case OPCODE:
		return columns_of_opcode(f, out);
	case EVENT:
		return f->event == NULL ?
		    COLUMNS_NONE :
		    columns_done(evt_buf_add(out, f->event, f->event_len),
		        COLUMNS_TEXT);
	case SOURCE:
		return record->source.text == NULL ?
		    COLUMNS_NONE :
		    columns_done(evt_buf_add(out, record->source.text,
		                     record->source.len),
		        record->source.is_int ? COLUMNS_NUMBER : COLUMNS_TEXT);
	case OWN_TIME:
		return columns_of_own_time(c, r, record, out);
	case PAYLOAD:
		return columns_of_payload(r, out);
	case POINTER:
		return columns_of_view(evt_json_view_at(r->root, col->pointer),
		    out);
	default:
		return columns_of_view(evt_json_view_at(record->value,
		                           col->pointer),
		    out);
	}
}
