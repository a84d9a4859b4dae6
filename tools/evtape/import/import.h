/*
 * import.h - what the formats of `evtape import` share: options, the new tape, and
 * the report at the end.
 *
 * To add a format: write import_<format>.c with a tool_command that calls
 * import_begin(), import_put() for each frame, and import_end(); name it in
 * command.h.
 */
#ifndef EVT_TOOLS_EVTAPE_IMPORT_IMPORT_H
#define EVT_TOOLS_EVTAPE_IMPORT_IMPORT_H

#include <stddef.h>

#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/newtape.h"

typedef struct import_options {
	const char *output;
	evt_strings sources, events;
	bool json;
} import_options;

/* Rows for the option table of a format whose options struct, of type
 * `options_`, has an import_options as its member `member_`. */
#define IMPORT_OPTIONS(options_, member_)                                      \
	{ .type = CLI_STRING,                                                  \
		.letter = 'o',                                                 \
		.name = "output",                                              \
		.arg = "TAPE",                                                 \
		.offset = offsetof(options_, member_.output),                  \
		.help = "the tape to make" },                                  \
	    { .type = CLI_REPEAT,                                              \
		    .name = "source-path",                                     \
		    .arg = "POINTER",                                          \
		    .offset = offsetof(options_, member_.sources),             \
		    .help = "where source ids are; * matches any member or "   \
		            "element;\n"                                       \
		            "repeatable; default: those of the tracker "       \
		            "platform" },                                      \
	    { .type = CLI_REPEAT,                                              \
		    .name = "event-path",                                      \
		    .arg = "POINTER",                                          \
		    .offset = offsetof(options_, member_.events),              \
		    .help = "where the event's name is; repeatable; default: " \
		            "/event\n"                                         \
		            "unless there is a --source-path" },               \
	{                                                                      \
		.type = CLI_FLAG, .name = "json",                              \
		.offset = offsetof(options_, member_.json),                    \
		.help = "print the counts and times as a JSON object"          \
	}

typedef struct import_job {
	const cli_command *cmd;
	const import_options *o;
	evt_profile *profile;
	newtape *to;
	progress progress;
	int64_t first_ns, last_ns, mono_ns;
	uint64_t frames, skipped;
	uint64_t named; /* items left out that the format itself names */
	bool strict;    /* a line that cannot be read is an error */
	char skipped_words[400]; /* about the first item that was skipped */
} import_job;

/* Begin the tape.  Returns -1 to continue, and then import_end() is due; else the
 * exit code. */
int import_begin(import_job *x, const cli_command *cmd,
    const import_options *options);

/* Put a frame with its time.  Its steady time is set here, unless `with_mono`.
 * EVT_END: a signal asks to stop.  Errors: those of evt_writer_put(). */
int import_put(import_job *x, const evt_frame *f, bool with_mono,
    evt_error *err);

/* Count an item that cannot be imported; the text says which item and where it
 * is. */
void import_skip(import_job *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for a line, which is named by its number and why.  EVT_ERR_ARG: the
 * import is strict. */
int import_skip_line(import_job *x, uint64_t number, const char *why,
    evt_error *err);

/* The longest line that is read: an envelope whose payload is base64. */
#define IMPORT_LINE_MAX ((size_t)EVT_PAYLOAD_MAX / 3 * 4 + 65536)

/* Called with a line, which is not blank, without its line break. */
typedef int (*import_line_fn)(void *ctx, const uint8_t *line, size_t n,
    uint64_t number, evt_error *err);

/*
 * Call `fn` with each line of the file at `path` (input_file.h), numbered from 1.
 * A byte order mark and blank lines are left out; a line that is too long is
 * skipped.  Returns EVT_OK, an error of `fn`, EVT_END (a signal), or an error of
 * input_file_read().
 */
int import_lines(import_job *x, const char *path, import_line_fn fn, void *ctx,
    evt_error *err);

/* Finish the tape, or remove it if `r` is not EVT_OK; report what was done.
 * Returns the exit code.  Frees what import_begin() made. */
int import_end(import_job *x, int r, const evt_error *err);

#endif
