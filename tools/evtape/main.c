/*
 * main.c - evtape: runs the command that its first argument names.
 *
 * "evtape record ..." starts the program evtape-record that lies beside this
 * one, or on the PATH, the way git does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "tools/evtape/command.h"
#include "tools/malloc_tuning.h"

static const tool_command *const commands[] = { COMMANDS(COMMANDS_ROW) NULL };

/* Programs of their own. */
static const cli_command programs[] = {
	{ .name = "evtape record", .summary = "record a live feed" },
	{ .name = "evtape replay", .summary = "play tapes back" },
	{ .name = "evtape sim", .summary = "simulate the live platform" },
};

#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]) - 1)
#define N_PROGRAMS (sizeof(programs) / sizeof(programs[0]))

static const cli_command *
main_command(size_t i)
{
	return i < N_COMMANDS           ? commands[i]->cli :
	    i < N_COMMANDS + N_PROGRAMS ? &programs[i - N_COMMANDS] :
	                                  NULL;
}

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command main_cli = {
	.name = "evtape",
	.usage = "COMMAND [options] ...",
	.summary = "inspect and process tapes: recordings of live WebSocket "
	           "event feeds",
	.details =
	    "'evtape help COMMAND' or 'evtape COMMAND --help' explains a "
	    "command.",
	.options = no_options,
	.examples =
	    "  # summarise a tape; print the frames of one source in one "
	    "minute\n"
	    "  $ evtape info field.tape\n"
	    "  $ evtape cat --source 10001 --from +5m --to +6m field.tape\n",
	.min_args = 1,
	.max_args = -1,
	.command = main_command,
	.command_noun = "command",
	.is_program = true,
};

/* Replace this process with the program evtape-`name`; argv[1..] are its
 * arguments.  Returns only on failure. */
static int
main_start(const char *name, char **argv)
{
	char self[4096], program[64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	snprintf(program, sizeof(program), "evtape-%s", name);
	argv[0] = program;
	if (n > 0) {
		evt_buf beside = { 0 };

		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash != NULL &&
		    evt_buf_printf(&beside, "%.*s/%s", (int)(slash - self),
		        self, program))
			execv((char *)beside.data, argv);
		evt_buf_free(&beside);
	}
	execvp(program, argv);
	return cli_fail(&main_cli, "cannot start %s: %s", program,
	    strerror(errno));
}

/* Without arguments, on a terminal: the first steps. */
static int
main_print_first_steps(void)
{
	puts("evtape records live WebSocket event feeds and plays them back.\n"
	     "\n"
	     "  evtape record URL -o field.tape     record a feed\n"
	     "  evtape info field.tape              summarise the tape\n"
	     "  evtape ls field.tape                list its sources\n"
	     "  evtape cat field.tape               print its frames as JSON\n"
	     "  evtape replay field.tape            play it at its own pace\n"
	     "  evtape export csv field.tape        convert it to a table\n\n"
	     "'evtape help' lists all commands; 'evtape help COMMAND' "
	     "explains one.");
	return CLI_DONE;
}

/* The names of all commands, one a line, for the build: "export mcap". */
static int
main_print_names(const tool_command *const *c)
{
	for (; *c != NULL; c++) {
		puts((*c)->cli->name + strlen("evtape "));
		if ((*c)->sub != NULL)
			main_print_names((*c)->sub);
	}
	return CLI_DONE;
}

static int
main_run_named(int argc, char **argv)
{
	const tool_command *found = tool_find(commands, argv[1]);
	evt_nearest near = { .n = 0 };

	if (found != NULL)
		return tool_run(found, argc - 1, argv + 1);
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		if (strcmp(cli_last_word(&programs[i]), argv[1]) == 0)
			return main_start(argv[1], argv + 1);
	}
	for (size_t i = 0; i < N_COMMANDS + N_PROGRAMS; i++)
		evt_nearest_add(&near, argv[1], cli_last_word(main_command(i)));
	evt_nearest_add(&near, argv[1], "help");
	return tool_no_such(&main_cli, "command", argv[1], &near);
}

/* "help COMMAND" is "COMMAND --help"; formats have one word more. */
static int
main_help(int argc, char **argv)
{
	char help[] = "--help";
	char *words[] = { argv[0], argv[2], help, NULL, NULL };

	int n;

	if (argc > 4)
		return cli_usage(&main_cli, "unexpected argument '%s'",
		    argv[4]);
	if (strcmp(argv[2], "help") == 0)
		return cli_parse(&main_cli, 2, argv, NULL, &n);
	if (argc == 4) {
		words[2] = argv[3];
		words[3] = help;
	}
	return main_run_named(argc, words);
}

int
main(int argc, char **argv)
{
	int n, code;

	malloc_tuning_limit_index();
	if (argc == 1 && isatty(STDOUT_FILENO))
		return main_print_first_steps();
	if (argc > 2 && strcmp(argv[1], "help") == 0)
		return main_help(argc, argv);
	if (argc > 1 && argv[1][0] != '-' && strcmp(argv[1], "help") != 0)
		return main_run_named(argc, argv);
	if (argc == 2 && strcmp(argv[1], "--commands") == 0)
		return cli_print_done(&main_cli, main_print_names(commands));
	code = cli_parse(&main_cli, argc, argv, NULL, &n);
	return code >= 0 ? code : cli_usage(&main_cli, "no command given");
}
