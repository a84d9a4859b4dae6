/* cat.c - evtape cat: frames to stdout, in one of several forms. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/read/frame_text.h"
#include "tools/evtape/lib/feed_zones.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/lib/rows.h"

struct options {
	cli_filter filter;
	evt_strings fields;
	const char *format, *feed_zone;
	bool marks, follow;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'f',
	    .name = "format",
	    .arg = "FORM",
	    .offset = offsetof(struct options, format),
	    .help =
	        "envelope: one JSON object a line (default); lines: the\n"
	        "payloads; stamped: time, tab, payload; csv: see --fields;\n"
	        "geojson: one Feature a line for each known position" },
	{ .type = CLI_LIST,
	    .name = "fields",
	    .arg = "COLUMN",
	    .offset = offsetof(struct options, fields),
	    .help = "columns of csv; repeatable, or a list: a,b" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_LIST,
	    .name = "kind",
	    .arg = "KIND",
	    .offset = offsetof(struct options, filter.kinds),
	    .help = "received, sent, mark; repeatable; default: all for\n"
	            "envelopes, received for other forms" },
	FEED_ZONES_OPTION(struct options, feed_zone),
	{ .type = CLI_FLAG,
	    .name = "marks",
	    .offset = offsetof(struct options, marks),
	    .help = "also print marks, in forms that omit them" },
	{ .type = CLI_FLAG,
	    .letter = 'F',
	    .name = "follow",
	    .offset = offsetof(struct options, follow),
	    .help = "at the end of a tape that is being recorded, wait for\n"
	            "more frames until the recording ends" },
	{ .type = CLI_END },
};

static const cli_command cat_cli = {
	.name = "evtape cat",
	.usage = "[options] TAPE...",
	.summary = "print the frames of a tape",
	.details =
	    "An envelope holds a frame's sequence number, times, connection,\n"
	    "kind, event, sources and payload. Several tapes are merged by "
	    "time.\n"
	    "While a tape is being recorded, cat prints the frames received so "
	    "far.\n\n" COLUMNS_HELP "\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  # two sources, the first minute\n"
	            "  $ evtape cat --source 10001,10002 --to +1m field.tape\n"
	            "  # what was lost, and when\n"
	            "  $ evtape cat --kind mark field.tape | jq 'select(.mark "
	            "== \"gap\")'\n"
	            "  # the speeds of a source, as a table\n"
	            "  $ evtape cat -f csv --fields time,./gps/speed --source "
	            "10001 field.tape\n"
	            "  # frames as a recorder receives them\n"
	            "  $ evtape cat --follow --format stamped field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

/* The forms of frame_text.h, and those made of records. */
enum form { LINES, ENVELOPE, STAMPED, CSV, GEOJSON, N_FORMS };

struct work {
	enum form form;
	evt_frame_text *plain; /* lines, envelope, stamped */
	columns *columns;
	evt_json_scanner *scanner;
	feed_zones *zones; /* GEOJSON */
	output_file *out;
};

static int
cat_parse_form(const char *text, enum form *ret, evt_error *err)
{
	static const char *const names[N_FORMS] = { "lines", "envelope",
		"stamped", "csv", "geojson" };

	for (int i = 0; i < N_FORMS; i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = (enum form)i;
			return EVT_OK;
		}
	}
	return evt_err_set(err, EVT_ERR_ARG,
	    "unknown form '%s': give envelope, lines, stamped, csv or "
	    "geojson",
	    text);
}

static int
cat_print(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_buf *b = output_file_buf(w->out);
	const evt_zone *zone = NULL;
	size_t n;
	int r = EVT_OK;

	if (w->form == GEOJSON)
		r = feed_zones_at(w->zones, f, &zone, err);
	if (r != EVT_OK)
		return r;
	if (w->form == CSV)
		r = rows_csv(w->columns, false, w->scanner, f, b, err);
	else if (w->form == GEOJSON)
		r = rows_geojson(w->scanner, zone, f, b, &n, err);
	else
		r = evt_frame_text_add(w->plain, f, b, err);
	return r != EVT_OK ? r : output_file_flush_some(w->out, err);
}

/* No more frames for now: print what is buffered. */
static int
cat_flush(void *ctx, evt_error *err)
{
	return output_file_flush(((struct work *)ctx)->out, err);
}

static void
cat_set_kinds(const struct options *o, enum form form, evt_filter *filter)
{
	if (filter->kinds == 0 && form != ENVELOPE)
		filter->kinds = 1u << EVT_KIND_RECEIVED;
	if (filter->kinds != 0 && o->marks)
		filter->kinds |= 1u << EVT_KIND_MARK;
}

static int
cat_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r = EVT_OK;

	w->form = ENVELOPE;
	if (o->format != NULL)
		r = cat_parse_form(o->format, &w->form, err);
	if (r == EVT_OK && w->form == CSV)
		r = columns_new(&o->fields, &w->columns, err);
	if (r == EVT_OK && o->fields.n > 0 && w->form != CSV)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "--fields are columns: give --format csv");
	if (r == EVT_OK && o->feed_zone != NULL && w->form < CSV)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "--feed-zone has no effect: of the forms, only geojson and "
		    "csv convert times of the feed");
	if (r == EVT_OK && w->form == CSV)
		r = columns_check_zone(w->columns, o->feed_zone, err);
	else if (r == EVT_OK)
		r = feed_zones_check(o->feed_zone, err);
	return r;
}

static int
cat_prepare(struct work *w, const struct options *o, const cli_tapes *tapes,
    evt_error *err)
{
	static const enum evt_frame_text_form plain[] = { EVT_FRAME_TEXT_LINES,
		EVT_FRAME_TEXT_ENVELOPE, EVT_FRAME_TEXT_STAMPED };
	int r = output_file_open(NULL, false, &w->out, err);

	if (r == EVT_OK && w->form < CSV)
		r = evt_frame_text_new(plain[w->form], tapes->n > 1, &w->plain,
		    err);
	else if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &w->scanner, err);
	if (r == EVT_OK && w->form == GEOJSON)
		r = feed_zones_new(tapes, o->feed_zone, &w->zones, err);
	if (r == EVT_OK && w->form == CSV)
		r = columns_open_zones(w->columns, tapes, o->feed_zone, err);
	if (r == EVT_OK && w->form == CSV &&
	    !rows_csv_head(w->columns, false, output_file_buf(w->out)))
		r = evt_err_nomem(err);
	return r;
}

static int
cat_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &c->filter,
		.follow = o->follow,
		.verbose = o->filter.verbose,
		.prints = true,
		.frame = cat_print,
		.idle = cat_flush,
		.ctx = w };
	int code, r = cat_prepare(w, o, &c->tapes, err);

	if (r != EVT_OK)
		return r;
	cat_set_kinds(o, w->form, &c->filter);
	code = frame_loop_run(&loop);
	/* Print the result, even if the loop failed. */
	r = output_file_flush(w->out, err);
	return r < 0 && code != CLI_FAILED ? r : code;
}

static void
cat_free(tool_context *c)
{
	struct work *w = c->work;

	output_file_close(w->out);
	evt_frame_text_free(w->plain);
	columns_free(w->columns);
	evt_json_scanner_free(w->scanner);
	feed_zones_free(w->zones);
}

const tool_command command_cat = {
	.cli = &cat_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = cat_check,
	.run = cat_run,
	.free = cat_free,
};
