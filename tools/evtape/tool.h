/*
 * tool.h - how a command of `evtape` is run.
 *
 * A command is one tool_command: its command line, the size of its options,
 * which tapes it opens, and what it does.  tool_run() does what all commands
 * have in common: it parses the arguments, opens the tapes, reports errors,
 * frees everything, and returns the exit code.  To add a command, define a
 * tool_command in commands/ and name it in command.h.
 */
#ifndef EVT_TOOLS_EVTAPE_TOOL_H
#define EVT_TOOLS_EVTAPE_TOOL_H

#include <stdbool.h>
#include <stddef.h>

#include "format/evtape.h"
#include "tools/cli.h"
#include "tools/filter.h"

/* Which arguments tool_run() opens as tapes. */
enum tool_tapes {
	TOOL_TAPES_NONE,  /* none */
	TOOL_TAPES_FIRST, /* the first */
	TOOL_TAPES_ALL    /* each */
};

typedef struct tool_command tool_command;

/* One run of a command. */
typedef struct tool_context {
	const tool_command *command;
	const cli_command *cli;
	void *options; /* as the command line set them */
	void *work;    /* work_size bytes, zero at first */
	char **args;   /* n_args positional arguments */
	int n_args;
	enum tool_tapes open; /* from the command; check() may change it */
	cli_tapes tapes;      /* the tapes that `open` asks for, in run() */
	evt_filter filter;    /* made from the options, with read-ahead */
} tool_context;

struct tool_command {
	const cli_command *cli;
	size_t options_size;
	const void *defaults; /* options to start with; NULL: all zero */
	enum tool_tapes tapes;
	bool has_filter; /* the options have a cli_filter at filter_offset */
	size_t filter_offset;
	size_t work_size; /* of tool_context.work */
	const void *data; /* for functions that several commands share */

	/*
	 * Check the options before any tape is opened; may be NULL.  EVT_OK: go
	 * on.  EVT_END: everything is done.  An error: EVT_ERR_ARG is reported
	 * as wrong usage (CLI_USAGE), any other as a failure.
	 */
	int (*check)(tool_context *c, evt_error *err);
	/*
	 * Do the work.  Returns an exit code (>= 0), having reported its reason
	 * if it is CLI_FAILED or CLI_USAGE; or an error (< 0), which tool_run()
	 * reports as a failure.
	 */
	int (*run)(tool_context *c, evt_error *err);
	/* Free what check() and run() put into `work` and, apart from the lists
	 * of its table, into `options`.  It is called in any case, also before
	 * they ran.  May be NULL. */
	void (*free)(tool_context *c);

	/* A group (export, import): its commands, ended by NULL, and what one
	 * is called in messages ("format").  All of the above but `cli` is then
	 * unused. */
	const tool_command *const *sub;
	const char *sub_noun;
};

/* Run a command with its own argv: argv[0] is its name.  Returns the exit
 * code. */
int tool_run(const tool_command *command, int argc, char **argv);

/* Find the command whose name ends with the word `name`; NULL: no such. */
const tool_command *tool_find(const tool_command *const *list,
    const char *name);

/* Whether an exit code means that the work was done, perhaps with losses. */
static inline bool
tool_is_done(int code)
{
	return code == CLI_DONE || code == CLI_LOSSES;
}

/* Report that no command is called `name`, and which of `near` may have been meant.
 * `noun`: what a command is called.  Returns CLI_USAGE. */
int tool_no_such(const cli_command *cli, const char *noun, const char *name,
    const evt_nearest *near);

/* Check that -o was given.  `what`: "tape" or "database"; `arg`: as usage names
 * it.  Errors: EVT_ERR_ARG. */
int tool_check_output(const char *output, const char *what, const char *arg,
    evt_error *err);

#endif
