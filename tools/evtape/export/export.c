/* export.c - evtape export: the group of formats, and what they share. */
#include "tools/evtape/export/export.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "tools/evtape/command.h"

int
export_run(tool_context *c, const export_format *format, evt_error *err)
{
	const export_options *o = c->options;
	uint64_t found = 0;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &c->filter,
		.ret_found = &found,
		.prints = output_file_is_stdout(o->output),
		.frame = format->frame,
		.ctx = c->work };
	output_file *out = NULL;
	int code = CLI_DONE,
	    r = output_file_open(o->output, o->force, &out, err);

	c->filter.kinds = format->kinds;
	if (r == EVT_OK && format->begin != NULL)
		r = format->begin(c, out, err);
	if (r != EVT_OK)
		goto fail;
	code = frame_loop_run(&loop);
	if (!tool_is_done(code))
		goto fail;
	if (format->end != NULL)
		r = format->end(c->work, err);
	if (r == EVT_OK)
		r = output_file_finish(out, err);
	if (r == EVT_OK)
		export_report(c->cli, found, o->output);
fail:
	output_file_close(out);
	return r < 0 ? r : code;
}

void
export_report(const cli_command *cmd, uint64_t found, const char *output)
{
	cli_note(cmd, "exported %" PRIu64 " frame%s to %s", found,
	    found == 1 ? "" : "s",
	    output_file_is_stdout(output) ? "stdout" : output);
}

int
export_left_out(const cli_command *cmd, int code, uint64_t n, const char *one,
    const char *many)
{
	if (n == 0 || !tool_is_done(code))
		return code;
	cli_warn(cmd, "%" PRIu64 " frame%s %s and %s left out", n,
	    n == 1 ? "" : "s", n == 1 ? one : many, n == 1 ? "was" : "were");
	return CLI_LOSSES;
}

static const tool_command *const formats[] = { COMMANDS_EXPORT(COMMANDS_ROW)
	    NULL };

static const cli_command *
export_format_at(size_t i)
{
	return i < sizeof(formats) / sizeof(formats[0]) - 1 ? formats[i]->cli :
	                                                      NULL;
}

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command export_cli = {
	.name = "evtape export",
	.usage = "FORMAT [options] TAPE...",
	.summary = "convert a tape to another format",
	.details = "'evtape export FORMAT --help' explains a format.",
	.options = no_options,
	.examples = "  $ evtape export lines field.tape -o field.ndjson\n",
	.min_args = 1,
	.max_args = -1,
	.command = export_format_at,
	.command_noun = "format",
};

const tool_command command_export = {
	.cli = &export_cli,
	.sub = formats,
	.sub_noun = "format",
};
