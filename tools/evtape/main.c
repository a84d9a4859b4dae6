/*
 * main.c - evtape: the commands, by table.
 *
 * "evtape record …" starts the program evtape-record that lies beside this
 * one, or on the PATH, the way git does; so it is with each program.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "tools/evtape/tool.h"

static const tool_command *const commands[] = {
	&command_info,
	&command_ls,
	&command_cat,
	&command_stats,
	&command_cut,
	&command_merge,
	&command_split,
	&command_diff,
	&command_scrub,
	&command_export,
	&command_import,
	&command_mark,
	&command_verify,
	&command_recover,
	&command_reindex,
	&command_compact,
	&command_gc,
	&command_ctl,
	NULL,
};

/* Programs of their own. */
static const char *const programs[] = { "record", "replay", "sim", NULL };

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command evtape = {
	.name = "evtape",
	.usage = "COMMAND [options] ...",
	.summary = "look into tapes: recordings of live WebSocket event feeds",
	.details =
	    "Commands:\n"
	    "  info TAPE       what is on a tape\n"
	    "  ls TAPE...      its sources, a line each\n"
	    "  cat TAPE...     its frames, a JSON object a line\n"
	    "  stats TAPE...   frames over time, by event and source\n"
	    "  cut TAPE        copy a part of it into a new tape\n"
	    "  merge TAPE...   merge several by time into a new one\n"
	    "  split TAPE      split one by time, size or source\n"
	    "  verify TAPE     read everything on one and name each fault\n"
	    "  recover TAPE    save the intact frames of a damaged one\n"
	    "  diff A B        compare two tapes, source by source\n"
	    "  scrub TAPE      copy one without names, true places and times\n"
	    "  export FORMAT   convert a tape into another format\n"
	    "  import FORMAT   make a tape of what another program recorded\n"
	    "  mark TAPE TEXT  set a bookmark, also while recording\n"
	    "  reindex TAPE    rebuild tape.db from the segments\n"
	    "  gc TAPE         remove its oldest segments\n"
	    "  compact TAPE    compress it anew, better\n"
	    "  ctl URL         move the deck of an evtape-replay, and ask it\n"
	    "  record ...      start evtape-record\n"
	    "  replay ...      start evtape-replay\n"
	    "  sim ...         start evtape-sim\n\n"
	    "'evtape COMMAND --help' tells about each.",
	.options = no_options,
	.examples =
	    "  # what is on it, and the frames of a source in a minute of it\n"
	    "  $ evtape info field.tape\n"
	    "  $ evtape cat --source 10001 --from +5m --to +6m field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

/* Start PROGRAM with the arguments that follow the command; comes back only
 * on failure. */
static int
evtape_main_start(const char *name, char **argv)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	evt_buf path = { 0 };
	char *slash;

	if (!evt_buf_printf(&path, "evtape-%s", name))
		return cli_fail(&evtape, "out of memory");
	argv[0] = (char *)path.data;
	if (n > 0) {
		evt_buf beside = { 0 };

		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL &&
		    evt_buf_printf(&beside, "%.*s/%s", (int)(slash - self),
		        self, (char *)path.data))
			execv((char *)beside.data, argv);
		evt_buf_free(&beside);
	}
	execvp((char *)path.data, argv);
	n = cli_fail(&evtape, "cannot start %s: %s", (char *)path.data,
	    strerror(errno));
	evt_buf_free(&path);
	return (int)n;
}

/* What people start with. */
static int
evtape_main_print_first(void)
{
	puts(
	    "evtape records live WebSocket event feeds and plays them back.\n\n"
	    "  evtape record URL -o field.tape     record a feed\n"
	    "  evtape info field.tape              what is on the tape\n"
	    "  evtape ls field.tape                its sources\n"
	    "  evtape cat field.tape               its frames, as JSON\n"
	    "  evtape replay field.tape            play it, as it came\n"
	    "  evtape export csv field.tape        a table for other "
	    "programs\n\n"
	    "'evtape --help' lists all commands, 'evtape COMMAND --help' "
	    "tells\n"
	    "about each.");
	return CLI_DONE;
}

/* The names of all commands, a line each, for the build: export mcap */
static int
evtape_main_print_names(const tool_command *const *c)
{
	for (; *c != NULL; c++) {
		puts((*c)->cli->name + strlen("evtape "));
		if ((*c)->sub != NULL)
			evtape_main_print_names((*c)->sub);
	}
	return CLI_DONE;
}

static int
evtape_main_run_named(int argc, char **argv)
{
	for (const tool_command *const *c = commands; *c != NULL; c++) {
		if (strcmp((*c)->cli->name + strlen("evtape "), argv[1]) == 0)
			return (*c)->run(argc - 1, argv + 1);
	}
	for (const char *const *p = programs; *p != NULL; p++) {
		if (strcmp(*p, argv[1]) == 0)
			return evtape_main_start(*p, argv + 1);
	}
	return cli_usage(&evtape, "no command '%s'", argv[1]);
}

int
main(int argc, char **argv)
{
	int n, r;

	if (argc == 1 && isatty(STDOUT_FILENO))
		return evtape_main_print_first();
	if (argc > 1 && argv[1][0] != '-')
		return evtape_main_run_named(argc, argv);
	if (argc == 2 && strcmp(argv[1], "--commands") == 0)
		return evtape_main_print_names(commands);
	if (argc == 2 && strcmp(argv[1], "--complete") == 0)
		tool_complete_list(commands);
	r = cli_parse(&evtape, argc, argv, NULL, &n);
	if (r == CLI_DONE && argc == 2 && strcmp(argv[1], "--man") == 0)
		tool_man_list(commands);
	return r >= 0 ? r : cli_usage(&evtape, "no command given");
}
