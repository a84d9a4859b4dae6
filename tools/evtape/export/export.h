/*
 * export.h - what the formats of `evtape export` share: their options, and the
 * way from open tapes to a finished file.
 *
 * To add a format: write export_<format>.c with a tool_command whose run()
 * calls export_run(), and name it in command.h.
 */
#ifndef EVT_TOOLS_EVTAPE_EXPORT_EXPORT_H
#define EVT_TOOLS_EVTAPE_EXPORT_EXPORT_H

#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/tool.h"

/* The options of a format begin with these. */
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
		.help = "write to FILE; default: stdout" },      \
	    { .type = CLI_FLAG,                                  \
		    .name = "force",                             \
		    .offset = offsetof(options_, member_.force), \
		    .help = "replace FILE if it exists",         \
		    .needs = "output" },                         \
	    CLI_FILTER_OPTIONS(options_, member_.filter)

/* The functions of a format. `begin` and `end` may be NULL. Errors end the
 * work; EVT_END ends it quietly. */
typedef struct export_format {
	unsigned kinds; /* of frames that it writes, as in evt_filter */
	int (*begin)(tool_context *c, output_file *out, evt_error *err);
	/* ctx is tool_context.work. */
	frame_loop_fn frame;
	int (*end)(void *ctx, evt_error *err);
} export_format;

/* Export the open tapes.  Returns as tool_command.run() does. */
int export_run(tool_context *c, const export_format *format, evt_error *err);

/* Print on stderr that `found` frames were exported to `output` (NULL or "-":
 * stdout). */
void export_report(const cli_command *cmd, uint64_t found, const char *output);

/* Warn that `n` frames could not be written in this format; `one` and `many`
 * say why, for one frame and for several.  Returns the exit code: `code`, or
 * CLI_LOSSES. */
int export_left_out(const cli_command *cmd, int code, uint64_t n,
    const char *one, const char *many);

#endif
