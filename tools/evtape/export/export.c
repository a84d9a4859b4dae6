/* exporting.c - see exporting.h. */
#include "tools/evtape/export/export.h"

#include <inttypes.h>
#include <stddef.h>

static bool
export_is_whole(int code)
{
	return code == CLI_DONE || code == CLI_LOSSES;
}

static int
export_frames(const export_format *x, output_file *out, const cli_tapes *tapes,
    const evt_filter *filter)
{
	frame_loop each = { .cmd = x->cmd,
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
		code = frame_loop_run(&each);
	if (r == EVT_OK && export_is_whole(code) && x->end != NULL)
		r = x->end(x->ctx, &err);
	if (r == EVT_OK && export_is_whole(code))
		r = output_file_finish(out, &err);
	return r < 0 ? cli_fail(x->cmd, "%s", err.text) : code;
}

int
export_run(const export_format *x, export_options *o, char **paths, int n)
{
	cli_tapes tapes = { 0 };
	output_file *out = NULL;
	evt_filter filter;
	evt_error err;
	int code = tool_open(x->cmd, &o->filter, paths, n, &tapes, &filter);

	if (code < 0) {
		filter.kinds = x->kinds;
		code = output_file_open(o->output, o->force, &out, &err) ?
		    cli_fail(x->cmd, "%s", err.text) :
		    export_frames(x, out, &tapes, &filter);
	}
	output_file_close(out);
	cli_tapes_close(&tapes);
	cli_filter_free(&o->filter);
	return code;
}

int
export_left_out(const cli_command *cmd, int code, uint64_t n, const char *what)
{
	if (n == 0 || !export_is_whole(code))
		return code;
	cli_warn(cmd, "%" PRIu64 " frames %s and were left out", n, what);
	return CLI_LOSSES;
}
