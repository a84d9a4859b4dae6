/* cat.c - evtape cat: frames to stdout, in one of several forms. */
#include <stddef.h>
#include <string.h>

#include "replay/frame_out.h"
#include "tools/evtape/each.h"
#include "tools/evtape/evtape.h"
#include "tools/evtape/out.h"

struct options {
	cli_filter filter;
	const char *format;
	bool marks, follow, verbose;
};

static const cli_option table[] = {
	{ .type = CLI_STRING, .letter = 'f', .name = "format", .arg = "FORM",
	    .offset = offsetof(struct options, format),
	    .help = "envelope: a JSON object a line (default); lines: the\n"
	            "payloads; stamped: time, tab, payload" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_LIST, .name = "kind", .arg = "KIND",
	    .offset = offsetof(struct options, filter.kinds),
	    .help = "received, sent, mark; repeatable; default: all in\n"
	            "envelopes, received else" },
	{ .type = CLI_FLAG, .name = "marks",
	    .offset = offsetof(struct options, marks),
	    .help = "marks too, where the form leaves them out" },
	{ .type = CLI_FLAG, .letter = 'F', .name = "follow",
	    .offset = offsetof(struct options, follow),
	    .help = "at the end of a tape that is being recorded, wait for\n"
	            "more, until the recording ends" },
	{ .type = CLI_FLAG, .letter = 'v', .name = "verbose",
	    .offset = offsetof(struct options, verbose),
	    .help = "tell how many blocks were read" },
	{ .type = CLI_END },
};

static const cli_command cat = {
	.name = "evtape cat",
	.usage = "[options] TAPE...",
	.summary = "print the frames of a tape",
	.details =
	    "An envelope holds a frame's sequence number, times, connection,\n"
	    "kind, event, sources and payload. Several tapes are merged by time.\n"
	    "Of a tape that is being recorded it prints what is there.\n\n"
	    CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  # two sources, the first minute\n"
	    "  $ evtape cat --source 10001,10002 --to +1m field.tape\n"
	    "  # what was lost, and when\n"
	    "  $ evtape cat --kind mark field.tape | jq 'select(.mark == \"gap\")'\n"
	    "  # what a recorder gets, as it comes\n"
	    "  $ evtape cat --follow --format stamped field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

struct work {
	evt_frame_out *form;
	tool_out *out;
};

static int
print(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	int r = evt_frame_out_add(w->form, f, tool_out_buf(w->out), err);

	return r != EVT_OK ? r : tool_out_flush_some(w->out, err);
}

/* Nothing more for now: show what there is. */
static int
show(void *ctx, evt_error *err)
{
	return tool_out_flush(((struct work *)ctx)->out, err);
}

static void
set_kinds(const struct options *o, enum evt_form form, evt_filter *filter)
{
	if (filter->kinds == 0 && form != EVT_FORM_ENVELOPE)
		filter->kinds = 1u << EVT_KIND_RECEIVED;
	if (filter->kinds != 0 && o->marks)
		filter->kinds |= 1u << EVT_KIND_MARK;
}

static int
run_on(const struct options *o, const cli_tapes *tapes, evt_filter *filter)
{
	struct work w = { 0 };
	tool_each each = { .cmd = &cat, .tapes = tapes->tape,
		.n_tapes = tapes->n, .filter = filter, .follow = o->follow,
		.verbose = o->verbose, .frame = print, .idle = show,
		.ctx = &w };
	enum evt_form form = EVT_FORM_ENVELOPE;
	int code = CLI_FAILED;
	evt_error err;

	if (o->format != NULL && evt_form_parse(o->format, &form, &err))
		return cli_usage(&cat, "%s", err.text);
	set_kinds(o, form, filter);
	if (evt_frame_out_new(form, tapes->n > 1, &w.form, &err) ||
	    tool_out_open(NULL, false, &w.out, &err))
		cli_fail(&cat, "%s", err.text);
	else
		code = tool_each_run(&each);
	/* What was found goes out, also where it ended badly. */
	if (w.out != NULL && tool_out_flush(w.out, &err) < 0)
		code = cli_fail(&cat, "%s", err.text);
	tool_out_close(w.out);
	evt_frame_out_free(w.form);
	return code;
}

static int
run(int argc, char **argv)
{
	struct options o = { 0 };
	cli_tapes tapes = { 0 };
	evt_filter filter;
	int n, code = cli_parse(&cat, argc, argv, &o, &n);

	if (code < 0)
		code = tool_open(&cat, &o.filter, argv + 1, n, &tapes, &filter);
	if (code < 0)
		code = run_on(&o, &tapes, &filter);
	cli_tapes_close(&tapes);
	cli_filter_free(&o.filter);
	return code;
}

const tool_command tool_cat = { &cat, run, NULL };
