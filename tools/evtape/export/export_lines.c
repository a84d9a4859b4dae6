/* export_lines.c - evtape export lines: write payloads, one a line. */
#include <stddef.h>
#include <string.h>

#include "format/base/err.h"
#include "tools/evtape/export/export.h"
#include "tools/evtape/command.h"

struct options {
	export_options common;
};

static const cli_option table[] = {
	EXPORT_OPTIONS(struct options, common),
	{ .type = CLI_END },
};

static const cli_command lines_cli = {
	.name = "evtape export lines",
	.usage = "[options] TAPE...",
	.summary = "write the received text frames, one a line",
	.details =
	    "A frame that holds a line feed or is not text is left out, and\n"
	    "counted.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export lines field.tape -o field.ndjson\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	output_file *out;
	uint64_t left_out;
};

static int
export_lines_begin(tool_context *c, output_file *out, evt_error *err)
{
	struct work *w = c->work;

	(void)err;
	w->out = out;
	return EVT_OK;
}

static int
export_lines_write_line(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_buf *b = output_file_buf(w->out);

	if (f->opcode != EVT_OP_TEXT ||
	    (f->len > 0 && memchr(f->payload, '\n', f->len) != NULL)) {
		w->left_out++;
		return EVT_OK;
	}
	if (!evt_buf_add(b, f->payload, f->len) || !evt_buf_add_byte(b, '\n'))
		return evt_err_nomem(err);
	return output_file_flush_some(w->out, err);
}

static int
export_lines_run(tool_context *c, evt_error *err)
{
	static const export_format format = {
		.kinds = 1u << EVT_KIND_RECEIVED,
		.begin = export_lines_begin,
		.frame = export_lines_write_line,
	};
	const struct work *w = c->work;
	int code = export_run(c, &format, err);

	return export_left_out(c->cli, code, w->left_out,
	    "holds a line feed or is not text",
	    "hold a line feed or are not text");
}

const tool_command command_export_lines = {
	.cli = &lines_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(export_options, filter),
	.work_size = sizeof(struct work),
	.run = export_lines_run,
};
