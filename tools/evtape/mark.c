/* mark.c - evtape mark: set a bookmark. */
#include <stdio.h>

#include "tools/evtape/evtape.h"
#include "tools/filter.h"

struct options {
	const char *at;
};

static const cli_option table[] = {
	{ .type = CLI_STRING, .name = "at", .arg = "TIME",
	    .offset = offsetof(struct options, at),
	    .help = "the time that it marks; default: now" },
	{ .type = CLI_END },
};

static const cli_command mark = {
	.name = "evtape mark",
	.usage = "[options] TAPE TEXT",
	.summary = "set a bookmark on a tape, also while it is being recorded",
	.details =
	    "Bookmarks are frames of their own. 'evtape info' lists them, and\n"
	    "mark:TEXT stands for their time wherever a time is asked for.\n\n"
	    CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  $ evtape mark field.tape 'gate opened'\n"
	    "  $ evtape-replay field.tape --from 'mark:gate opened'\n",
	.min_args = 2,
	.max_args = 2,
};

static int
parse_time(const char *at, char *path, int64_t *ret_ns)
{
	cli_tapes tapes = { 0 };
	evt_time_ref ref;
	evt_error err;
	int code = -1;

	if (at == NULL) {
		*ret_ns = evt_clock_real();
		return -1;
	}
	if (cli_tapes_open(&tapes, &path, 1, &err) ||
	    cli_tapes_ref(&tapes, &ref, &err))
		code = cli_fail(&mark, "%s", err.text);
	else if (evt_time_parse(at, &ref, ret_ns, &err))
		code = cli_usage(&mark, "%s", err.text);
	cli_tapes_close(&tapes);
	return code;
}

static int
run(int argc, char **argv)
{
	struct options o = { 0 };
	int64_t time_ns = 0;
	evt_error err;
	bool queued;
	int n, code = cli_parse(&mark, argc, argv, &o, &n);

	if (code >= 0 || (code = parse_time(o.at, argv[1], &time_ns)) >= 0)
		return code;
	if (evt_note_add(argv[1], argv[2], time_ns, &queued, &err))
		return cli_fail(&mark, "%s", err.text);
	if (queued)
		fprintf(stderr, "evtape mark: left for the recorder of %s\n",
		    argv[1]);
	return CLI_DONE;
}

const tool_command tool_mark = { &mark, run, NULL };
