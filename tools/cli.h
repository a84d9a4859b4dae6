/*
 * cli.h - command lines described by tables.
 *
 * A cli_option row gives an option's name, its type, where its value goes, and
 * its description.  A cli_command gives a command's usage, options, text and
 * examples.  Parsing, --help, the man page and shell completion come from them.
 */
#ifndef EVT_TOOLS_CLI_H
#define EVT_TOOLS_CLI_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format/base/nearest.h"
#include "format/base/strings.h"
#include "format/evtape.h"

/* Exit codes of every program. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_LOSSES = 3 /* done, but something was lost or damaged; a message
	                  says what */
};

enum cli_type {
	CLI_END = 0,  /* ends the table */
	CLI_GROUP,    /* a heading, whose text is in `help` */
	CLI_FLAG,     /* bool: set to true */
	CLI_STRING,   /* const char *: points into argv */
	CLI_LIST,     /* evt_strings: repeatable; "a,b" adds two */
	CLI_REPEAT,   /* evt_strings: repeatable; commas are kept */
	CLI_INT,      /* int64_t within min and max */
	CLI_DURATION, /* int64_t ns; see timetext.h */
	CLI_SIZE,     /* uint64_t bytes; see timetext.h */
	CLI_CALL      /* set() takes the value */
};

typedef struct cli_option {
	enum cli_type type;
	char letter;      /* -x; 0: no short form */
	const char *name; /* --name, without the dashes */
	/* What help calls the argument; NULL: the option takes none.  "[N]": it
	 * is optional, and only --name=N gives one. */
	const char *arg;
	size_t offset;    /* of the field in the options struct */
	const char *help; /* description; may have several lines */
	int64_t min,
	    max; /* CLI_INT: the valid range; CLI_DURATION: min alone */
	/* CLI_CALL; arg is NULL if none was given. */
	int (*set)(void *options, const char *arg, evt_error *err);
	/* Names of other options of the table, with commas between them: beside
	 * any of these, this option has no effect; without one of those, it has
	 * none.  cli_parse() refuses both.  NULL: no such option. */
	const char *excludes, *needs;
} cli_option;

typedef struct cli_command cli_command;

struct cli_command {
	const char *name;    /* as typed: "evtape-replay", "evtape info" */
	const char *usage;   /* what follows the name: "[options] TAPE..." */
	const char *summary; /* one line, without a full stop */
	const char *details; /* paragraphs; NULL: none */
	/* Ends with CLI_END.  Every command also has -h, --help and --version,
	 * and each that has neither sub-commands nor its own --quiet, -q and
	 * --quiet, which silence cli_note(). */
	const cli_option *options;
	const char *examples; /* "# ..." comments and "$ ..." commands */
	int min_args;         /* of positional arguments */
	int max_args;         /* -1: any number */
	/* The i-th sub-command, NULL past the end, for help, man page and
	 * completion; NULL: the command has none. */
	const cli_command *(*command)(size_t i);
	const char *command_noun; /* "command", "format" */
	bool is_program;          /* the word "help", given alone, is --help */
};

/*
 * Parse argv[1..].  Options may come anywhere; "--" ends them; "-" is an
 * argument.  Positional arguments are moved to argv[1..*ret_n].  `options`
 * points to the struct that the table's offsets refer to.
 * Returns -1 to continue, else the exit code: help or version was printed to
 * stdout (CLI_DONE), or an error to stderr (CLI_USAGE, CLI_FAILED).
 *
 * Besides --help and --version every command accepts two words for the build
 * and the shell, each given alone: --man prints its man page; --complete prints
 * its sub-commands and options, one a line: name, tab, argument (or nothing),
 * tab, and the first line of the description.
 */
int cli_parse(const cli_command *cmd, int argc, char **argv, void *options,
    int *ret_n);

/* Free the lists (CLI_LIST, CLI_REPEAT) that cli_parse() filled. */
void cli_free(const cli_command *cmd, void *options);

/* ": did you mean 'cut'?", if a name in `near` is like the word `wanted`; else "".
 * `dashes` ("--" or "") come before the name.  Returns `text`. */
#define CLI_SUGGEST_MAX 128
const char *cli_suggest(const evt_nearest *near, const char *wanted,
    const char *dashes, char text[CLI_SUGGEST_MAX]);

/* The last word of the command's name: "csv" of "evtape export csv". */
const char *cli_last_word(const cli_command *cmd);

/* Print the man page (mdoc) of a command. */
void cli_man(const cli_command *cmd, FILE *out);
/* Print what --complete prints. */
void cli_complete(const cli_command *cmd, FILE *out);

/* Print "evtape-record: message" to stderr, on one line; returns CLI_FAILED. */
int cli_fail(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same with a hint at --help; returns CLI_USAGE. */
int cli_usage(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Print "evtape-record: warning: message". */
void cli_warn(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether the general --quiet was given: no notes, summaries or progress. */
bool cli_is_quiet(void);
/* Print "evtape-record: message" that is not a failure: what was done or
 * found. */
void cli_note(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, also with --quiet: a selection that found nothing. */
void cli_note_always(const cli_command *cmd, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void cli_note_v(const cli_command *cmd, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* The end of a program: `code`, or CLI_FAILED with a message if something that was
 * printed to stdout could not be written.  A reader that went away is no failure. */
int cli_print_done(const cli_command *cmd, int code);

#endif
