/* export_csv.c - evtape export csv: write chosen fields as a table. */
#include <stddef.h>

#include "format/base/err.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/feed_zones.h"
#include "tools/evtape/lib/rows.h"

struct options {
	export_options common;
	evt_strings fields;
	const char *feed_zone;
	bool spreadsheet;
};

static const cli_option table[] = {
	{ .type = CLI_LIST,
	    .name = "fields",
	    .arg = "COLUMN",
	    .offset = offsetof(struct options, fields),
	    .help =
	        "the columns, in this order; repeatable, or a list; default:\n"
	        "time, source, event, place, speed, heading and statuses" },
	{ .type = CLI_FLAG,
	    .name = "spreadsheet",
	    .offset = offsetof(struct options, spreadsheet),
	    .help =
	        "put an apostrophe before text that a spreadsheet would take\n"
	        "for a formula (it begins with = + - @, tab or a line break)" },
	FEED_ZONES_OPTION(struct options, feed_zone),
	EXPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command csv_cli = {
	.name = "evtape export csv",
	.usage = "[options] TAPE...",
	.summary = "write chosen fields of received frames as CSV",
	.details = "RFC 4180, with a header line. A frame is a row; a batch "
	           "has one row\n"
	           "for each source in it. Missing fields are empty; objects "
	           "and arrays\n"
	           "are JSON; a binary payload is base64.\n\n" COLUMNS_HELP
	           "\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export csv field.tape -o field.csv\n"
	            "  $ evtape export csv --fields "
	            "time,source,./battery_level field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	output_file *out;
	columns *columns;
	evt_json_scanner *scanner;
	bool spreadsheet;
};

static int
export_csv_begin(tool_context *c, output_file *out, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r = columns_open_zones(w->columns, &c->tapes, o->feed_zone, err);

	w->out = out;
	if (r != EVT_OK)
		return r;
	return rows_csv_head(w->columns, w->spreadsheet, output_file_buf(out)) ?
	    evt_json_scanner_new(NULL, &w->scanner, err) :
	    evt_err_nomem(err);
}

static int
export_csv_write_rows(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	int r = rows_csv(w->columns, w->spreadsheet, w->scanner, f,
	    output_file_buf(w->out), err);

	return r != EVT_OK ? r : output_file_flush_some(w->out, err);
}

static int
export_csv_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	struct work *w = c->work;
	int r;

	w->spreadsheet = o->spreadsheet;
	r = columns_new(&o->fields, &w->columns, err);
	return r == EVT_OK ? columns_check_zone(w->columns, o->feed_zone, err) :
	                     r;
}

static int
export_csv_run(tool_context *c, evt_error *err)
{
	static const export_format format = {
		.kinds = 1u << EVT_KIND_RECEIVED,
		.begin = export_csv_begin,
		.frame = export_csv_write_rows,
	};

	return export_run(c, &format, err);
}

static void
export_csv_free(tool_context *c)
{
	struct work *w = c->work;

	evt_json_scanner_free(w->scanner);
	columns_free(w->columns);
}

const tool_command command_export_csv = {
	.cli = &csv_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(export_options, filter),
	.work_size = sizeof(struct work),
	.check = export_csv_check,
	.run = export_csv_run,
	.free = export_csv_free,
};
