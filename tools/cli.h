/*
 * cli.h - command lines from tables.
 *
 * One row gives an option its name, its type, where its value goes, and the
 * words that --help and the man page show.  One struct gives a command its
 * usage, options, text and examples.
 */
#ifndef EVT_TOOLS_CLI_H
#define EVT_TOOLS_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format/base/strings.h"
#include "format/evtape.h"

/* Exit codes of every program. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_LOSSES = 3 /* done, but something was lost; the summary says what */
};

enum cli_type {
	CLI_END = 0,  /* ends the table */
	CLI_GROUP,    /* a heading: help holds it */
	CLI_FLAG,     /* bool: set to true */
	CLI_STRING,   /* const char *: points into argv */
	CLI_LIST,     /* evt_strings: repeatable, and "a,b" gives two */
	CLI_REPEAT,   /* evt_strings: repeatable, taken whole */
	CLI_INT,      /* int64_t within min and max */
	CLI_DURATION, /* int64_t ns, see units.h */
	CLI_SIZE,     /* uint64_t bytes, see units.h */
	CLI_CALL      /* set() */
};

typedef struct cli_option {
	enum cli_type type;
	char letter;      /* -x, 0: none */
	const char *name; /* --name, without the dashes */
	const char
	    *arg;      /* what the argument is called; NULL: takes none; "[N]":
	                     may be left out, then only --name=N gives one */
	size_t offset; /* of the field in the options struct */
	const char *help; /* what it does; may be several lines */
	int64_t min, max; /* CLI_INT */
	/* CLI_CALL: arg is NULL where none was given. */
	int (*set)(void *options, const char *arg, evt_error *err);
} cli_option;

typedef struct cli_command {
	const char *name;    /* as typed: "evtape-replay", "evtape info" */
	const char *usage;   /* what follows the name: "[options] TAPE..." */
	const char *summary; /* one line, no full stop */
	const char *details; /* paragraphs, NULL: none */
	const cli_option
	    *options;         /* ends with CLI_END; -h, --help and --version
	                              are understood everywhere */
	const char *examples; /* lines; "# ..." comments and "$ ..." commands */
	int min_args,
	    max_args; /* of positional arguments; max -1: any number */
} cli_command;

/*
 * Parse argv[1..]; options may stand anywhere, "--" ends them, "-" is an
 * argument.  Positional arguments are moved to argv[1..*ret_n].
 * Returns -1 to go on, else the exit code to leave with: help and version
 * were printed to stdout (CLI_DONE), or the error to stderr (CLI_USAGE).
 */
int cli_parse(const cli_command *cmd, int argc, char **argv, void *options,
    int *ret_n);

/*
 * Besides --help and --version every command knows two words for the build
 * and the shell, given alone: --man prints its man page, and --complete its
 * options, a line each: --name, a tab, its argument (or nothing), a tab, and
 * the first line of its help.
 */

/* The man page (mdoc) of a command, to out. */
void cli_man(const cli_command *cmd, FILE *out);
/* What --complete prints. */
void cli_complete(const cli_command *cmd, FILE *out);

/* "evtape-record: words" to stderr, on one line; CLI_FAILED. */
int cli_fail(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with CLI_USAGE and a hint at --help. */
int cli_usage(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* "evtape-record: warning: words". */
void cli_warn(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
