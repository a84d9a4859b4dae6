/* exporting.c - see exporting.h. */
#include "tools/evtape/export/exporting.h"

#include <inttypes.h>
#include <stddef.h>

static bool
exporting_is_whole(int code)
{
	return code == CLI_DONE || code == CLI_LOSSES;
}

static int
exporting_export_open(const exporting_format *x, tool_output_file *out,
    const cli_tapes *tapes, const evt_filter *filter)
{
	tool_frame_loop each = { .cmd = x->cmd,
		.tapes = tapes->tape,
		.n_tapes = tapes->n,
		.filter = filter,
		.frame = x->frame,
		.ctx = x->ctx };
	evt_error err;
	int code = CLI_DONE, r = EVT_OK;

	if (x->begin != NULL)
		r = x->begin(x->ctx, out, tapes, &err);
	if (r == EVT_OK)
		code = tool_frame_loop_run(&each);
	if (r == EVT_OK && exporting_is_whole(code) && x->end != NULL)
		r = x->end(x->ctx, &err);
	if (r == EVT_OK && exporting_is_whole(code))
		r = tool_output_file_finish(out, &err);
	return r < 0 ? cli_fail(x->cmd, "%s", err.text) : code;
}

int
exporting_run(const exporting_format *x, exporting_options *o, char **paths,
    int n)
{
	cli_tapes tapes = { 0 };
	tool_output_file *out = NULL;
	evt_filter filter;
	evt_error err;
	int code = tool_open(x->cmd, &o->filter, paths, n, &tapes, &filter);

	if (code < 0) {
		filter.kinds = x->kinds;
		code = tool_output_file_open(o->output, o->force, &out, &err) ?
		    cli_fail(x->cmd, "%s", err.text) :
		    exporting_export_open(x, out, &tapes, &filter);
	}
	tool_output_file_close(out);
	cli_tapes_close(&tapes);
	cli_filter_free(&o->filter);
	return code;
}

int
exporting_left_out(const cli_command *cmd, int code, uint64_t n,
    const char *what)
{
	if (n == 0 || !exporting_is_whole(code))
		return code;
	cli_warn(cmd, "%" PRIu64 " frames %s and were left out", n, what);
	return CLI_LOSSES;
}
