/*
 * exporting.h - what the formats of evtape export share: their options, and the
 * way from open tapes to a finished file.
 */
#ifndef EVT_TOOLS_EVTAPE_EXPORT_EXPORT_H
#define EVT_TOOLS_EVTAPE_EXPORT_EXPORT_H

#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/output_file.h"

typedef struct export_options {
	cli_filter filter;
	const char *output;
	bool force;
} export_options;

/* Rows for the option table of a format whose options struct, of type
 * `options_`, has an export_options as its member `member_`. */
#define EXPORT_OPTIONS(options_, member_)                        \
	{ .type = CLI_STRING,                                    \
		.letter = 'o',                                   \
		.name = "output",                                \
		.arg = "FILE",                                   \
		.offset = offsetof(options_, member_.output),    \
		.help = "write to FILE and not to stdout" },     \
	    { .type = CLI_FLAG,                                  \
		    .name = "force",                             \
		    .offset = offsetof(options_, member_.force), \
		    .help = "replace FILE if it is there" },     \
	    CLI_FILTER_OPTIONS(options_, member_.filter)

/* What a format does.  begin and end may be NULL.  All get ctx; errors end the
 * work, EVT_END ends it quietly. */
typedef struct export_format {
	const cli_command *cmd;
	unsigned kinds; /* that it takes, as in evt_filter */
	int (*begin)(void *ctx, output_file *out, const cli_tapes *tapes,
	    evt_error *err);
	int (*frame)(void *ctx, const evt_frame *f, evt_error *err);
	int (*end)(void *ctx, evt_error *err);
	void *ctx;
} export_format;

/* Export the tapes at the paths; the exit code.  Frees the options' filter. */
int export_run(const export_format *format, export_options *options,
    char **paths, int n);

/* Tell that n frames could not be written in this form: `what` says why.  The
 * exit code, made worse by that. */
int export_left_out(const cli_command *cmd, int code, uint64_t n,
    const char *what);

#endif
