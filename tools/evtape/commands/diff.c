/* diff.c - evtape diff: compare the frames of two tapes; see diff_store.h. */
#include <stddef.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape/diff/diff_report.h"
#include "tools/evtape/diff/diff_store.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/jsoncmp.h"
#include "format/navixy/frame_items.h"

struct options {
	cli_filter filter;
	evt_strings ignore;
	int64_t window, limit;
	bool summary, json, absolute, has_offset;
	int64_t offset_ns;
	/* The ignored fields, as pointers into a whole frame, and into a state
	 * of a batch. */
	evt_strings in_frame, in_batch;
};

static int
diff_set_offset(void *options, const char *arg, evt_error *err)
{
	struct options *o = options;

	o->has_offset = true;
	return evt_timetext_signed_duration_parse(arg, &o->offset_ns, err);
}

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
	    .help = "print at most N differences",
	    .excludes = "summary" },
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
	{ .type = CLI_CALL,
	    .name = "offset",
	    .arg = "DURATION",
	    .set = diff_set_offset,
	    .excludes = "absolute",
	    .help = "B's times are so much later than A's, or earlier: 1h,\n"
	            "-5s; the window of B is moved by it, and shifts are\n"
	            "measured from it" },
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
		evt_json_view v = diff_report_value(&records, &record);
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

/* ---- the command ----------------------------------------------------------- */

struct work {
	diff_store *store;
	evt_json_scanner *scanner;
	diff_report *report;
};

/* The same window, moved by the offset of B's times. */
static evt_filter
diff_moved(const evt_filter *filter, int64_t offset_ns)
{
	evt_filter moved = *filter;

	moved.from_ns = evt_clock_add(filter->from_ns, offset_ns);
	moved.to_ns = evt_clock_add(filter->to_ns, offset_ns);
	return moved;
}

static int
diff_read_both(tool_context *c, int64_t origin_ns[2])
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int code = CLI_DONE;

	for (int i = 0; i < 2; i++) {
		const evt_filter moved = diff_moved(&c->filter, o->offset_ns);
		struct reading rd = { .o = o,
			.store = w->store,
			.scanner = w->scanner,
			.tape = i };
		frame_loop loop = { .cmd = c->cli,
			.tapes = &c->tapes.tape[i],
			.n_tapes = 1,
			.filter = i == 0 ? &c->filter : &moved,
			.frame = diff_read_frame,
			.ctx = &rd };
		int one = frame_loop_run(&loop);

		if (!tool_is_done(one))
			return one;
		code = one != CLI_DONE ? one : code;
		origin_ns[i] = o->has_offset ? i * o->offset_ns :
		    o->absolute              ? 0 :
		                               rd.first_ns;
	}
	return code;
}

static void
diff_progress(void *ctx, double fraction)
{
	progress_at(ctx, &diff_cli, fraction);
}

static int
diff_check(tool_context *c, evt_error *err)
{
	return diff_sort_ignored(c->options, err);
}

static int
diff_prepare(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	const diff_report_options how = { .json = o->json,
		.summary = o->summary,
		.limit = o->limit,
		.in_frame = &o->in_frame,
		.in_batch = &o->in_batch };
	int r = diff_store_new(&w->store, err);

	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &w->scanner, err);
	if (r == EVT_OK)
		r = diff_report_new(c->tapes.tape, w->store, w->scanner, &how,
		    &w->report, err);
	return r;
}

/* The window is applied to each tape's own times; the kinds are fixed. */
static int
diff_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	diff_totals totals = { .has_shift = false };
	progress shown;
	const diff_store_watch watch = { diff_progress, &shown };
	int64_t origin_ns[2];
	int code, r = diff_prepare(c, err);

	if (r != EVT_OK)
		return r;
	c->filter.kinds = 1u << EVT_KIND_RECEIVED;
	code = diff_read_both(c, origin_ns);
	if (!tool_is_done(code))
		return code;
	shown = progress_begin(false);
	r = diff_store_align(w->store, (uint32_t)o->window, origin_ns, &watch,
	    err);
	progress_end(&shown);
	if (r == EVT_OK)
		r = diff_store_totals(w->store, &totals, err);
	if (r == EVT_OK)
		r = diff_report_print(w->report, &totals, err);
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
	struct work *w = c->work;

	diff_report_free(w->report);
	evt_json_scanner_free(w->scanner);
	diff_store_free(w->store);
	evt_strings_free(&o->in_frame);
	evt_strings_free(&o->in_batch);
}

const tool_command command_diff = {
	.cli = &diff_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .window = 4096, .limit = INT64_MAX },
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = diff_check,
	.run = diff_run,
	.free = diff_free,
};
