/* export_csv.c - evtape export csv: chosen fields as a table. */
#include <stddef.h>

#include "format/base/err.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/lib/formats.h"
#include "tools/evtape/lib/rows.h"

struct options {
	export_options common;
	evt_strings fields;
};

static const cli_option table[] = {
	{ .type = CLI_LIST,
	    .name = "fields",
	    .arg = "COLUMN",
	    .offset = offsetof(struct options, fields),
	    .help =
	        "the columns, in this order; repeatable, or a list; default:\n"
	        "time, source, event, place, speed, heading and statuses" },
	EXPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command csv_cli = {
	.name = "evtape export csv",
	.usage = "[options] TAPE...",
	.summary = "write chosen fields of received frames as CSV",
	.details =
	    "RFC 4180, with a line of names. A frame is a row, a batch one "
	    "for\n"
	    "each source in it. What a frame does not have is empty; objects "
	    "and\n"
	    "arrays are JSON; a binary payload is base64.\n\n" COLUMNS_HELP
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
};

static int
export_csv_begin(void *ctx, output_file *out, const cli_tapes *tapes,
    evt_error *err)
{
	struct work *w = ctx;

	(void)tapes;
	w->out = out;
	return rows_csv_head(w->columns, output_file_buf(out)) ?
	    EVT_OK :
	    evt_err_nomem(err);
}

static int
export_csv_write_rows(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	int r =
	    rows_csv(w->columns, w->scanner, f, output_file_buf(w->out), err);

	return r != EVT_OK ? r : output_file_flush_some(w->out, err);
}

static int
export_csv_run(int argc, char **argv)
{
	struct options o = { 0 };
	struct work w = { 0 };
	export_format format = { .cmd = &csv_cli,
		.kinds = 1u << EVT_KIND_RECEIVED,
		.begin = export_csv_begin,
		.frame = export_csv_write_rows,
		.ctx = &w };
	evt_error err;
	int n, code = cli_parse(&csv_cli, argc, argv, &o, &n);

	if (code < 0 && columns_new(&o.fields, &w.columns, &err))
		code = cli_usage(&csv_cli, "%s", err.text);
	if (code < 0 && evt_json_scanner_new(NULL, &w.scanner, &err))
		code = cli_fail(&csv_cli, "%s", err.text);
	if (code < 0)
		code = export_run(&format, &o.common, argv + 1, n);
	evt_json_scanner_free(w.scanner);
	columns_free(w.columns);
	evt_strings_free(&o.fields);
	return code;
}

const tool_command command_export_csv = { &csv_cli, export_csv_run, NULL };
