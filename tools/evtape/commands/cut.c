/*
 * cut.c - evtape cut: copy a part of a tape to a new tape.
 *
 * A part that begins midway begins with what counts there: see part_start.h.
 */
#include <stddef.h>

#include "format/read/part_start.h"
#include "format/base/err.h"
#include "tools/evtape/lib/blockcopy.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/newtape.h"

struct options {
	cli_filter filter;
	const char *output;
	bool state;
};

static const cli_option table[] = {
	{ .type = CLI_STRING,
	    .letter = 'o',
	    .name = "output",
	    .arg = "NEW",
	    .offset = offsetof(struct options, output),
	    .help = "the tape to make" },
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "state",
	    .offset = offsetof(struct options, state),
	    .help = "begin with each source's last state before --from" },
	{ .type = CLI_END },
};

static const cli_command cut_cli = {
	.name = "evtape cut",
	.usage = "[options] TAPE -o NEW",
	.summary = "copy a part of a tape into a new one",
	.details =
	    "Frames keep their bytes, times and connections, and get new\n"
	    "sequence numbers. Marks within the window are copied too, "
	    "whatever\n"
	    "the sources and events. What counts at --from comes first: the\n"
	    "list of trackers, the platform's response to the subscription, "
	    "and\n"
	    "which sources are blocked; with --state also the last state of "
	    "each\n"
	    "source. These frames get the time of --from; a mark named "
	    "\"state\"\n"
	    "before them has the times at which they were "
	    "received.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  # one source, a quarter of an hour\n"
	    "  $ evtape cut field.tape --source 10001 --from 12:40 "
	    "--to 12:55 -o bug.tape\n"
	    "  # one minute, with the last state of each source before it\n"
	    "  $ evtape cut field.tape --from +5m --to +6m --state -o "
	    "bug.tape\n",
	.min_args = 1,
	.max_args = 1,
};

/* All frames are put onto the one new tape. */
static int
cut_target(void *ctx, const blockcopy_span *next, newtape **ret_to,
    evt_error *err)
{
	(void)next;
	(void)err;
	*ret_to = ctx;
	return EVT_OK;
}

static int
cut_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	if (o->state && o->filter.from == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "--state adds what was before the window: give --from");
	return tool_check_output(o->output, "tape", "NEW", err);
}

static int
cut_put_start(const tool_context *c, newtape *to, evt_error *err)
{
	const struct options *o = c->options;
	evt_part_start start = { .tape = c->tapes.tape[0],
		.filter = &c->filter,
		.at_ns = c->filter.from_ns,
		.states = o->state,
		.put = newtape_take,
		.stop = stop_asked,
		.ctx = to };
	int r = evt_part_start_mono(start.tape, start.filter, start.at_ns,
	    &start.mono_ns, err);

	return r == EVT_OK ? evt_part_start_put(&start, err) : r;
}

static int
cut_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	newtape *to = NULL;
	blockcopy copy = { .cmd = c->cli,
		.tape = c->tapes.tape[0],
		.filter = &c->filter,
		.target = cut_target };
	int code = CLI_FAILED, r = newtape_open(o->output, NULL, &to, err);

	if (r == EVT_OK && c->filter.has_from)
		r = cut_put_start(c, to, err);
	if (r == EVT_OK) {
		copy.ctx = to;
		c->filter.with_marks = true;
		code = blockcopy_run(&copy);
		if (tool_is_done(code))
			r = newtape_finish(to, err);
		if (tool_is_done(code) && r == EVT_OK)
			newtape_report(to, c->cli);
	} else if (r == EVT_END) {
		code = stop_requested();
	}
	newtape_close(to);
	return r < 0 ? r : code;
}

const tool_command command_cut = {
	.cli = &cut_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.check = cut_check,
	.run = cut_run,
};
