/* export_lines.c - evtape export lines: the payloads, one a line. */
#include <stddef.h>
#include <string.h>

#include "format/err.h"
#include "tools/evtape/each.h"
#include "tools/evtape/formats.h"
#include "tools/evtape/out.h"

struct options {
	cli_filter filter;
	const char *output;
	bool force;
};

static const cli_option table[] = {
	{ .type = CLI_STRING, .letter = 'o', .name = "output", .arg = "FILE",
	    .offset = offsetof(struct options, output),
	    .help = "write to FILE and not to stdout" },
	{ .type = CLI_FLAG, .name = "force",
	    .offset = offsetof(struct options, force),
	    .help = "replace FILE if it is there" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_END },
};

static const cli_command lines_cli = {
	.name = "evtape export lines",
	.usage = "[options] TAPE...",
	.summary = "write the received text frames, one a line",
	.details =
	    "A frame that holds a line feed, or is no UTF-8 text, would be no\n"
	    "line: it is left out, and their number is told.\n\n"
	    CLI_TIME_HELP,
	.options = table,
	.examples = "  $ evtape export lines field.tape -o field.ndjson\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	tool_out *out;
	uint64_t left_out;
};

static int
write_line(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	evt_buf *b = tool_out_buf(w->out);

	if (f->opcode != EVT_OP_TEXT || (f->len > 0 &&
	    memchr(f->payload, '\n', f->len) != NULL)) {
		w->left_out++;
		return EVT_OK;
	}
	if (!evt_buf_add(b, f->payload, f->len) || !evt_buf_add_byte(b, '\n'))
		return evt_err_nomem(err);
	return tool_out_flush_some(w->out, err);
}

static int
export_tapes(const struct options *o, const cli_tapes *tapes,
    const evt_filter *filter)
{
	struct work w = { 0 };
	tool_each each = { .cmd = &lines_cli, .tapes = tapes->tape,
		.n_tapes = tapes->n, .filter = filter, .frame = write_line,
		.ctx = &w };
	evt_error err;
	int code;

	if (tool_out_open(o->output, o->force, &w.out, &err))
		return cli_fail(&lines_cli, "%s", err.text);
	code = tool_each_run(&each);
	if ((code == CLI_DONE || code == CLI_LOSSES) &&
	    tool_out_finish(w.out, &err) < 0)
		code = cli_fail(&lines_cli, "%s", err.text);
	tool_out_close(w.out);
	if (w.left_out > 0 && (code == CLI_DONE || code == CLI_LOSSES)) {
		cli_warn(&lines_cli, "%llu frames are no lines and were left "
		    "out", (unsigned long long)w.left_out);
		code = CLI_LOSSES;
	}
	return code;
}

static int
run(int argc, char **argv)
{
	struct options o = { 0 };
	cli_tapes tapes = { 0 };
	evt_filter filter;
	int n, code = cli_parse(&lines_cli, argc, argv, &o, &n);

	if (code < 0)
		code = tool_open(&lines_cli, &o.filter, argv + 1, n, &tapes,
		    &filter);
	if (code < 0) {
		filter.kinds = 1u << EVT_KIND_RECEIVED;
		code = export_tapes(&o, &tapes, &filter);
	}
	cli_tapes_close(&tapes);
	cli_filter_free(&o.filter);
	return code;
}

const tool_command export_lines = { &lines_cli, run, NULL };
