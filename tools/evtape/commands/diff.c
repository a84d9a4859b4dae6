/* diff.c - evtape diff: compare the frames of two tapes; see diff_store.h. */
#include "tools/evtape/diff/diff_store.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/base/json_write.h"
#include "format/base/timetext.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/commands.h"
#include "tools/evtape/lib/jsoncmp.h"
#include "tools/evtape/lib/output_file.h"
#include "format/navixy/frame_items.h"

struct options {
	cli_filter filter;
	evt_strings ignore;
	int64_t window, limit;
	bool summary, json, absolute;
	/* The ignored fields, as pointers into a whole frame, and into a state
	 * of a batch. */
	evt_strings in_frame, in_batch;
};

static const cli_option table[] = {
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_REPEAT,
	    .name = "ignore",
	    .arg = "POINTER",
	    .offset = offsetof(struct options, ignore),
	    .help =
	        "a field that may differ: /user_time in a frame; with a\n"
	        "leading dot, in the state of a source, alone or in a batch:\n"
	        "./gps/updated; repeatable" },
	{ .type = CLI_FLAG,
	    .name = "summary",
	    .offset = offsetof(struct options, summary),
	    .help = "print only the totals" },
	{ .type = CLI_INT,
	    .name = "limit",
	    .arg = "N",
	    .offset = offsetof(struct options, limit),
	    .min = 1,
	    .max = INT64_MAX,
	    .help = "print at most N differences" },
	{ .type = CLI_INT,
	    .name = "window",
	    .arg = "N",
	    .offset = offsetof(struct options, window),
	    .min = 2,
	    .max = 65536,
	    .help = "search this many frames of a source ahead for an equal\n"
	            "frame, before two frames count as changed (4096)" },
	{ .type = CLI_FLAG,
	    .name = "absolute",
	    .offset = offsetof(struct options, absolute),
	    .help = "measure shifts by the clock, not from each tape's start" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help =
	        "print a JSON object for each difference, and one of totals" },
	{ .type = CLI_END },
};

static const cli_command diff_cli = {
	.name = "evtape diff",
	.usage = "[options] A B",
	.summary = "compare the frames of two tapes, source by source",
	.details = "For each source and event, received frames are compared in "
	           "order.\n"
	           "Output lists frames only on A (-), only on B (+), and "
	           "frames whose\n"
	           "fields changed (~), with JSON pointers and B's shift in "
	           "time. States\n"
	           "in a batch are compared one by one. The order of members, "
	           "the form of\n"
	           "numbers and the connection of a frame do not matter.\n"
	           "\n"
	           "The exit code is 0 if the tapes are equal, 3 if they "
	           "differ.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape diff before.tape after.tape\n"
	            "  $ evtape diff --ignore /user_time --source 10001 "
	            "before.tape after.tape\n",
	.min_args = 2,
	.max_args = 2,
};

/* ---- fields -------------------------------------------------------------- */

static const evt_strings *
diff_ignored(const struct options *o, const evt_frame_item *record)
{
	return record->of_batch ? &o->in_batch : &o->in_frame;
}

/* Sort --ignore out: ./x is /data/x of a frame, and /x of a state in a batch. */
static int
diff_sort_ignored(struct options *o, evt_error *err)
{
	for (size_t i = 0; i < o->ignore.n; i++) {
		const char *p = o->ignore.item[i];
		bool of_state = p[0] == '.', ok;
		evt_buf whole = { 0 };
		int r = evt_json_view_check_pointer(p + of_state, err);

		if (r != EVT_OK)
			return r;
		ok = evt_buf_printf(&whole, "%s%s", of_state ? "/data" : "",
		         p + of_state) &&
		    evt_strings_add(&o->in_frame, (char *)whole.data,
		        whole.len) &&
		    (!of_state ||
		        evt_strings_add(&o->in_batch, p + 1, strlen(p + 1)));
		evt_buf_free(&whole);
		if (!ok)
			return evt_err_nomem(err);
	}
	return EVT_OK;
}

/* ---- reading ------------------------------------------------------------- */

struct reading {
	const struct options *o;
	diff_store *store;
	evt_json_scanner *scanner;
	int tape;
	int64_t first_ns;
	bool any;
};

/* The compared value of a record: a state of a batch, or the whole frame. */
static evt_json_view
diff_compared(const evt_frame_items *records, const evt_frame_item *record)
{
	return record->of_batch ? record->value : records->root;
}

static int
diff_read_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct reading *rd = ctx;
	diff_place place = { f->seq, 0, f->time_ns };
	evt_frame_items records;
	evt_frame_item record;
	bool nomem = false;
	int r = evt_frame_items_begin(&records, f, rd->scanner, err);

	if (!rd->any)
		rd->first_ns = f->time_ns;
	rd->any = true;
	while (r == EVT_OK && evt_frame_items_next(&records, &record)) {
		evt_json_view v = diff_compared(&records, &record);
		uint64_t hash = evt_json_view_kind(v) != EVT_JSON_VIEW_NONE ?
		    jsoncmp_hash(v, diff_ignored(rd->o, &record), &nomem) :
		    XXH64(f->payload, f->len, f->opcode);

		if (nomem)
			return evt_err_nomem(err);
		r = diff_store_add(rd->store, rd->tape, &record.source,
		    f->event, f->event_len, hash, &place, err);
		place.n++;
	}
	return r;
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
diff_fetch(struct fetch *x, uint64_t seq, evt_error *err)
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
diff_fetch_value(struct fetch *x, const diff_place *place,
    evt_json_scanner *scanner, evt_json_view *ret, bool *ret_of_batch,
    evt_error *err)
{
	evt_frame_items records;
	evt_frame_item record = { .of_batch = false };
	int r = diff_fetch(x, place->seq, err);

	if (r == EVT_OK)
		r = evt_frame_items_begin(&records, &x->frame, scanner, err);
	if (r != EVT_OK)
		return r;
	for (uint32_t i = 0; i <= place->n; i++) {
		if (!evt_frame_items_next(&records, &record))
			break;
	}
	*ret = diff_compared(&records, &record);
	*ret_of_batch = record.of_batch;
	return EVT_OK;
}

/* ---- report ------------------------------------------------------------- */

struct report {
	const struct options *o;
	diff_store *store;
	evt_json_scanner *scanner;
	struct fetch a, b;
	output_file *out;
	evt_json_write json; /* --json: of the pair at hand */
	bool of_batch;       /* that is of states in batches */
};

/* Add a value as text, shortened. */
static bool
diff_add_value(evt_buf *b, evt_json_view v)
{
	if (evt_json_view_kind(v) == EVT_JSON_VIEW_NONE)
		return evt_buf_add_str(b, "(none)");
	if (v.n > 80)
		return evt_buf_add(b, v.p, 77) && evt_buf_add_str(b, "...");
	return evt_buf_add(b, v.p, v.n);
}

static int
diff_print_field(void *ctx, const char *place, evt_json_view a, evt_json_view b,
    evt_error *err)
{
	struct report *t = ctx;
	evt_buf *out = output_file_buf(t->out);
	/* A leading dot: the pointer is into a state of a batch. */
	const char *dot = t->of_batch ? "." : "";
	bool ok = true;

	if (t->o->json) {
		evt_json_write_object(&t->json, NULL);
		evt_json_write_strf(&t->json, "pointer", "%s%s", dot, place);
		if (evt_json_view_kind(a) != EVT_JSON_VIEW_NONE)
			evt_json_write_raw(&t->json, "a", a.p, a.n);
		if (evt_json_view_kind(b) != EVT_JSON_VIEW_NONE)
			evt_json_write_raw(&t->json, "b", b.p, b.n);
		evt_json_write_close(&t->json);
	} else {
		ok = evt_buf_printf(out, "    %s%s: ", dot,
		         *dot != '\0' || *place != '\0' ? place : "(all)") &&
		    diff_add_value(out, a) && evt_buf_add_str(out, " -> ") &&
		    diff_add_value(out, b) && evt_buf_add_byte(out, '\n');
	}
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
diff_print_fields(struct report *t, const diff_pair *p, evt_error *err)
{
	bool a_of_batch = false, b_of_batch = false;
	evt_json_view a = { NULL, 0 }, b = { NULL, 0 };
	int r =
	    diff_fetch_value(&t->a, &p->a, t->scanner, &a, &a_of_batch, err);

	if (r == EVT_OK)
		r = diff_fetch_value(&t->b, &p->b, t->scanner, &b, &b_of_batch,
		    err);
	t->of_batch = a_of_batch && b_of_batch;
	/* A payload that is not JSON differs as a whole. */
	if (r == EVT_OK && evt_json_view_kind(a) != EVT_JSON_VIEW_NONE &&
	    evt_json_view_kind(b) != EVT_JSON_VIEW_NONE)
		r = jsoncmp_find(a, b,
		    t->of_batch ? &t->o->in_batch : &t->o->in_frame,
		    diff_print_field, t, err);
	return r;
}

static void
diff_write_place(evt_json_write *w, const char *name, const diff_place *p)
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
diff_write_head(evt_json_write *w, const diff_pair *p)
{
	evt_json_write_object(w, NULL);
	evt_json_write_str(w, "kind", kind_names[p->kind]);
	evt_json_write_str(w, "source", p->source);
	evt_json_write_str(w, "event", p->event);
	diff_write_place(w, "a", &p->a);
	diff_write_place(w, "b", &p->b);
	if (p->kind == DIFF_CHANGED) {
		evt_json_write_int(w, "shift_ns", p->shift_ns);
		evt_json_write_array(w, "fields");
	}
}

static bool
diff_add_head(evt_buf *b, const diff_pair *p)
{
	const diff_place *at = p->kind == DIFF_EXTRA ? &p->b : &p->a;
	char time[EVT_TIMETEXT_MAX];

	return evt_buf_printf(b, "%c %s  %s  %s  frame %" PRIu64,
	           "=~-+"[p->kind], evt_timetext_format(at->time_ns, 3, time),
	           *p -> source != '\0' ? p->source : "(none)",
	           *p->event != '\0' ? p->event : "(none)", at->seq) &&
	    (p->kind != DIFF_CHANGED ||
	        evt_buf_printf(b, " and %" PRIu64, p->b.seq)) &&
	    evt_buf_add_byte(b, '\n');
}

static int
diff_print_pair(struct report *t, const diff_pair *p, evt_error *err)
{
	evt_buf *b = output_file_buf(t->out);
	bool ok = true;
	int r = EVT_OK;

	if (t->o->json) {
		evt_json_write_begin(&t->json, b);
		diff_write_head(&t->json, p);
	} else {
		ok = diff_add_head(b, p);
	}
	if (ok && p->kind == DIFF_CHANGED)
		r = diff_print_fields(t, p, err);
	if (r != EVT_OK)
		return r;
	if (t->o->json) {
		if (p->kind == DIFF_CHANGED)
			evt_json_write_close(&t->json);
		evt_json_write_close(&t->json);
		ok = evt_json_write_end(&t->json) && evt_buf_add_byte(b, '\n');
	}
	return ok ? output_file_flush_some(t->out, err) : evt_err_nomem(err);
}

static bool
diff_add_totals_json(evt_buf *b, const diff_totals *d)
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
diff_add_totals(evt_buf *b, const diff_totals *d)
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
diff_print_totals(struct report *t, const diff_totals *d, evt_error *err)
{
	evt_buf *b = output_file_buf(t->out);
	bool ok =
	    t->o->json ? diff_add_totals_json(b, d) : diff_add_totals(b, d);

	return ok ? output_file_flush(t->out, err) : evt_err_nomem(err);
}

static int
diff_print_pairs(struct report *t, evt_error *err)
{
	int64_t left = t->o->limit;
	diff_pair pair;
	int r = EVT_OK;

	while (!t->o->summary && left-- > 0 &&
	    (r = diff_store_next(t->store, false, &pair, err)) == EVT_OK) {
		r = diff_print_pair(t, &pair, err);
		if (r != EVT_OK)
			return r; /* EVT_END: the reader went away */
	}
	return r < 0 ? r : EVT_OK;
}

/* ---- all of it ----------------------------------------------------------- */

static int
diff_read_both(tool_context *c, struct report *t, int64_t origin_ns[2])
{
	int code = CLI_DONE;

	for (int i = 0; i < 2; i++) {
		struct reading rd = { .o = t->o,
			.store = t->store,
			.scanner = t->scanner,
			.tape = i };
		frame_loop loop = { .cmd = c->cli,
			.tapes = &c->tapes.tape[i],
			.n_tapes = 1,
			.filter = &c->filter,
			.frame = diff_read_frame,
			.ctx = &rd };
		int one = frame_loop_run(&loop);

		if (!tool_is_done(one))
			return one;
		code = one != CLI_DONE ? one : code;
		origin_ns[i] = t->o->absolute ? 0 : rd.first_ns;
	}
	return code;
}

static int
diff_check(tool_context *c, evt_error *err)
{
	return diff_sort_ignored(c->options, err);
}

/* Align the records of both tapes, and print the differences and totals. */
static int
diff_compare(struct report *t, const int64_t origin_ns[2], diff_totals *ret,
    evt_error *err)
{
	int r =
	    diff_store_align(t->store, (uint32_t)t->o->window, origin_ns, err);

	if (r == EVT_OK)
		r = diff_store_totals(t->store, ret, err);
	if (r == EVT_OK)
		r = diff_print_pairs(t, err);
	if (r == EVT_OK)
		r = diff_print_totals(t, ret, err);
	return r;
}

static int
diff_run(tool_context *c, evt_error *err)
{
	struct report *t = c->work;
	diff_totals totals = { .has_shift = false };
	int64_t origin_ns[2];
	int code, r = diff_store_new(&t->store, err);

	t->o = c->options;
	t->a.tape = c->tapes.tape[0];
	t->b.tape = c->tapes.tape[1];
	c->filter.kinds = 1u << EVT_KIND_RECEIVED;
	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &t->scanner, err);
	if (r == EVT_OK)
		r = output_file_open(NULL, false, &t->out, err);
	if (r != EVT_OK)
		return r;
	code = diff_read_both(c, t, origin_ns);
	if (!tool_is_done(code))
		return code;
	r = diff_compare(t, origin_ns, &totals, err);
	if (r < 0)
		return r;
	return totals.count[DIFF_CHANGED] + totals.count[DIFF_MISSING] +
	            totals.count[DIFF_EXTRA] >
	        0 ?
	    CLI_LOSSES :
	    code;
}

static void
diff_free(tool_context *c)
{
	struct options *o = c->options;
	struct report *t = c->work;

	evt_cursor_close(t->a.cursor);
	evt_cursor_close(t->b.cursor);
	output_file_close(t->out);
	evt_json_scanner_free(t->scanner);
	diff_store_free(t->store);
	evt_strings_free(&o->in_frame);
	evt_strings_free(&o->in_batch);
}

/* The window is applied to each tape's own times. */
const tool_command command_diff = {
	.cli = &diff_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .window = 4096, .limit = INT64_MAX },
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct report),
	.check = diff_check,
	.run = diff_run,
	.free = diff_free,
};
