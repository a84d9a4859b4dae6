/* diff_report.c - print the differences of two tapes, and their totals. */
#include "tools/evtape/diff/diff_report.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/jsoncmp.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/shown_time.h"

evt_json_view
diff_report_value(const evt_frame_items *records, const evt_frame_item *record)
{
	return record->of_batch ? record->value : records->root;
}

/* ---- fetching ------------------------------------------------------------ */

/* Fetches frames by number.  Requests come roughly in order, so a frame is found
 * by reading on, or else by opening a new cursor. */
struct fetch {
	evt_tape *tape;
	evt_cursor *cursor;
	evt_frame frame;
	uint64_t seq; /* of frame, 0: none */
};

/* Read on over at most this many frames. */
#define READ_ON 5000u

static int
diff_report_fetch(struct fetch *x, uint64_t seq, evt_error *err)
{
	evt_filter filter = { .from_seq = seq };
	int r = EVT_OK;

	if (x->seq == seq)
		return EVT_OK;
	if (x->cursor == NULL || x->seq == 0 || seq < x->seq ||
	    seq - x->seq > READ_ON) {
		evt_cursor_close(x->cursor);
		x->cursor = NULL;
		r = evt_cursor_open(&x->tape, 1, &filter, &x->cursor, err);
	}
	x->seq = 0;
	while (r == EVT_OK && x->seq < seq) {
		r = evt_cursor_next(x->cursor, &x->frame, err);
		if (r == EVT_OK)
			x->seq = x->frame.seq;
	}
	if (r == EVT_OK && x->seq == seq)
		return EVT_OK;
	x->seq = 0;
	return r < 0 ?
	    r :
	    evt_err_set(err, EVT_ERR_NOTFOUND,
	        "frame %" PRIu64 " of %s is gone: retention removed it", seq,
	        evt_tape_path(x->tape));
}

/* The value that was compared, of the n-th record of the frame. */
static int
diff_report_fetch_value(struct fetch *x, const diff_place *place,
    evt_json_scanner *scanner, evt_json_view *ret, bool *ret_of_batch,
    evt_error *err)
{
	evt_frame_items records;
	evt_frame_item record = { .of_batch = false };
	int r = diff_report_fetch(x, place->seq, err);

	if (r == EVT_OK)
		r = evt_frame_items_begin(&records, &x->frame, scanner, err);
	if (r != EVT_OK)
		return r;
	for (uint32_t i = 0; i <= place->n; i++) {
		if (!evt_frame_items_next(&records, &record))
			break;
	}
	*ret = diff_report_value(&records, &record);
	*ret_of_batch = record.of_batch;
	return EVT_OK;
}

/* ---- printing ------------------------------------------------------------- */
struct diff_report {
	diff_report_options o;
	diff_store *store;
	evt_json_scanner *scanner;
	struct fetch a, b;
	output_file *out;
	evt_json_write json; /* --json: of the current pair */
	bool of_batch;       /* that pair is of states in batches */
};

/* Add a name of a tape; `none` for an empty one. */
static bool
diff_report_add_name(evt_buf *b, const char *none, const char *name)
{
	return *name == '\0' ? evt_buf_add_str(b, none) :
	                       evt_shown_add(b, name, strlen(name), 0);
}

/* Add a value as text, shortened. */
static bool
diff_report_add_value(evt_buf *b, evt_json_view v)
{
	if (evt_json_view_kind(v) == EVT_JSON_VIEW_NONE)
		return evt_buf_add_str(b, "(none)");
	if (v.n > 80) {
		size_t n = 77;

		while (n > 0 && (v.p[n] & 0xc0) == 0x80)
			n--; /* within a character */
		return evt_shown_add(b, (const char *)v.p, n, 0) &&
		    evt_buf_add_str(b, "...");
	}
	return evt_shown_add(b, (const char *)v.p, v.n, 0);
}

static int
diff_report_print_field(void *ctx, const char *place, evt_json_view a,
    evt_json_view b, evt_error *err)
{
	diff_report *t = ctx;
	evt_buf *out = output_file_buf(t->out);
	/* A leading dot: the pointer is into a state of a batch. */
	const char *dot = t->of_batch ? "." : "";
	bool ok = true;

	if (t->o.json) {
		evt_json_write_object(&t->json, NULL);
		evt_json_write_strf(&t->json, "pointer", "%s%s", dot, place);
		if (evt_json_view_kind(a) != EVT_JSON_VIEW_NONE)
			evt_json_write_compact(&t->json, "a", a.p, a.n);
		if (evt_json_view_kind(b) != EVT_JSON_VIEW_NONE)
			evt_json_write_compact(&t->json, "b", b.p, b.n);
		evt_json_write_close(&t->json);
	} else {
		ok = evt_buf_printf(out, "    %s", dot) &&
		    diff_report_add_name(out, *dot != '\0' ? "" : "(all)",
		        place) &&
		    evt_buf_add_str(out, ": ") &&
		    diff_report_add_value(out, a) &&
		    evt_buf_add_str(out, " -> ") &&
		    diff_report_add_value(out, b) &&
		    evt_buf_add_byte(out, '\n');
	}
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
diff_report_print_fields(diff_report *t, const diff_pair *p, evt_error *err)
{
	bool a_of_batch = false, b_of_batch = false;
	evt_json_view a = { NULL, 0 }, b = { NULL, 0 };
	int r = diff_report_fetch_value(&t->a, &p->a, t->scanner, &a,
	    &a_of_batch, err);

	if (r == EVT_OK)
		r = diff_report_fetch_value(&t->b, &p->b, t->scanner, &b,
		    &b_of_batch, err);
	t->of_batch = a_of_batch && b_of_batch;
	/* A payload that is not JSON differs as a whole. */
	if (r == EVT_OK && evt_json_view_kind(a) != EVT_JSON_VIEW_NONE &&
	    evt_json_view_kind(b) != EVT_JSON_VIEW_NONE)
		r = jsoncmp_find(a, b,
		    t->of_batch ? t->o.in_batch : t->o.in_frame,
		    diff_report_print_field, t, err);
	return r;
}

static void
diff_report_write_place(evt_json_write *w, const char *name,
    const diff_place *p)
{
	if (p->seq == 0)
		return;
	evt_json_write_object(w, name);
	evt_json_write_uint(w, "seq", p->seq);
	evt_json_write_uint(w, "record", p->n);
	evt_json_write_time(w, "time", p->time_ns, 9);
	evt_json_write_int(w, "time_ns", p->time_ns);
	evt_json_write_close(w);
}

static const char *const kind_names[] = { "same", "changed", "missing",
	"extra" };
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == DIFF_N,
    "a name for each kind");

static void
diff_report_write_head(evt_json_write *w, const diff_pair *p)
{
	evt_json_write_object(w, NULL);
	evt_json_write_str(w, "kind", kind_names[p->kind]);
	evt_json_write_str(w, "source", p->source);
	evt_json_write_str(w, "event", p->event);
	diff_report_write_place(w, "a", &p->a);
	diff_report_write_place(w, "b", &p->b);
	if (p->kind == DIFF_CHANGED) {
		evt_json_write_int(w, "shift_ns", p->shift_ns);
		evt_json_write_array(w, "fields");
	}
}

static bool
diff_report_add_head(evt_buf *b, const diff_pair *p)
{
	const diff_place *at = p->kind == DIFF_EXTRA ? &p->b : &p->a;
	char time[EVT_TIMETEXT_MAX];

	return evt_buf_printf(b, "%c %s  ", "=~-+"[p->kind],
	           shown_time(at->time_ns, 3, time)) &&
	    diff_report_add_name(b, "(none)", p->source) &&
	    evt_buf_add_str(b, "  ") &&
	    diff_report_add_name(b, "(none)", p->event) &&
	    evt_buf_printf(b, "  frame %" PRIu64, at->seq) &&
	    (p->kind != DIFF_CHANGED ||
	        evt_buf_printf(b, " and %" PRIu64, p->b.seq)) &&
	    evt_buf_add_byte(b, '\n');
}

static int
diff_report_print_pair(diff_report *t, const diff_pair *p, evt_error *err)
{
	evt_buf *b = output_file_buf(t->out);
	bool ok = true;
	int r = EVT_OK;

	if (t->o.json) {
		evt_json_write_begin(&t->json, b);
		diff_report_write_head(&t->json, p);
	} else {
		ok = diff_report_add_head(b, p);
	}
	if (ok && p->kind == DIFF_CHANGED)
		r = diff_report_print_fields(t, p, err);
	if (r != EVT_OK)
		return r;
	if (t->o.json) {
		if (p->kind == DIFF_CHANGED)
			evt_json_write_close(&t->json);
		evt_json_write_close(&t->json);
		ok = evt_json_write_end(&t->json) && evt_buf_add_byte(b, '\n');
	}
	return ok ? output_file_flush_some(t->out, err) : evt_err_nomem(err);
}

static bool
diff_report_add_totals_json(evt_buf *b, const diff_totals *d)
{
	evt_json_write w;

	evt_json_write_begin(&w, b);
	evt_json_write_object(&w, NULL);
	for (size_t i = 0; i < DIFF_N; i++)
		evt_json_write_uint(&w, kind_names[i], d->count[i]);
	if (d->has_shift) {
		evt_json_write_object(&w, "shift_ns");
		evt_json_write_int(&w, "p50", d->shift_p50);
		evt_json_write_int(&w, "min", d->shift_min);
		evt_json_write_int(&w, "max", d->shift_max);
		evt_json_write_close(&w);
	} else {
		evt_json_write_null(&w, "shift_ns");
	}
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(b, '\n');
}

static bool
diff_report_add_totals(evt_buf *b, const diff_totals *d)
{
	return evt_buf_printf(b,
	           "%" PRIu64 " the same, %" PRIu64 " changed, %" PRIu64
	           " missing on B, %" PRIu64 " extra on B\n",
	           d->count[DIFF_SAME], d->count[DIFF_CHANGED],
	           d->count[DIFF_MISSING], d->count[DIFF_EXTRA]) &&
	    (!d->has_shift ||
	        evt_buf_printf(b,
	            "B is shifted by %.6f s (median), %.6f to %.6f s\n",
	            (double)d->shift_p50 / 1e9, (double)d->shift_min / 1e9,
	            (double)d->shift_max / 1e9));
}

static int
diff_report_print_totals(diff_report *t, const diff_totals *d, evt_error *err)
{
	evt_buf *b = output_file_buf(t->out);
	bool ok = t->o.json ? diff_report_add_totals_json(b, d) :
	                      diff_report_add_totals(b, d);

	return ok ? output_file_flush(t->out, err) : evt_err_nomem(err);
}

static int
diff_report_print_pairs(diff_report *t, evt_error *err)
{
	int64_t left = t->o.limit;
	diff_pair pair;
	int r = EVT_OK;

	while (!t->o.summary && left-- > 0 &&
	    (r = diff_store_next(t->store, false, &pair, err)) == EVT_OK) {
		r = diff_report_print_pair(t, &pair, err);
		if (r != EVT_OK)
			return r; /* EVT_END: the reader closed the pipe */
	}
	return r < 0 ? r : EVT_OK;
}

int
diff_report_new(evt_tape *const tapes[2], diff_store *store,
    evt_json_scanner *scanner, const diff_report_options *options,
    diff_report **ret_report, evt_error *err)
{
	diff_report *t = calloc(1, sizeof(*t));
	int r;

	assert(options->in_frame != NULL && options->in_batch != NULL);
	if (t == NULL)
		return evt_err_nomem(err);
	t->o = *options;
	t->store = store;
	t->scanner = scanner;
	t->a.tape = tapes[0];
	t->b.tape = tapes[1];
	r = t->o.json ? output_file_open(NULL, false, &t->out, err) :
	                output_file_open_text(&t->out, err);
	if (r != EVT_OK) {
		diff_report_free(t);
		return r;
	}
	*ret_report = t;
	return EVT_OK;
}

int
diff_report_print(diff_report *t, const diff_totals *totals, evt_error *err)
{
	int r = diff_report_print_pairs(t, err);

	return r == EVT_OK ? diff_report_print_totals(t, totals, err) : r;
}

void
diff_report_free(diff_report *t)
{
	if (t == NULL)
		return;
	evt_cursor_close(t->a.cursor);
	evt_cursor_close(t->b.cursor);
	output_file_close(t->out);
	free(t);
}
