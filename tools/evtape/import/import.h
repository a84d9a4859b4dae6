/*
 * import.h - what the formats of evtape import share: options, the tape that
 * is made, and what is said at the end.
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
#define IMPORT_OPTIONS(options_, member_)                                  \
	{ .type = CLI_STRING,                                              \
		.letter = 'o',                                             \
		.name = "output",                                          \
		.arg = "TAPE",                                             \
		.offset = offsetof(options_, member_.output),              \
		.help = "the tape to make" },                              \
	    { .type = CLI_REPEAT,                                          \
		    .name = "source-path",                                 \
		    .arg = "POINTER",                                      \
		    .offset = offsetof(options_, member_.sources),         \
		    .help = "where source ids stand, * for any member or " \
		            "element;\n"                                   \
		            "repeatable; default: those of the tracker "   \
		            "platform" },                                  \
	    { .type = CLI_REPEAT,                                          \
		    .name = "event-path",                                  \
		    .arg = "POINTER",                                      \
		    .offset = offsetof(options_, member_.events),          \
		    .help = "where the event's name stands; repeatable; "  \
		            "default: /event,\n"                           \
		            "unless there is a --source-path" },           \
	{                                                                  \
		.type = CLI_FLAG, .name = "json",                          \
		.offset = offsetof(options_, member_.json),                \
		.help = "print what was imported as a JSON object"         \
	}

typedef struct import_job {
	const cli_command *cmd;
	const import_options *o;
	evt_profile *profile;
	newtape *to;
	progress progress;
	int64_t first_ns, last_ns, mono_ns;
	uint64_t frames, skipped;
	char skipped_words[400]; /* of the first */
} import_job;

/* Begin the tape.  -1 to go on, and then import_end(); else the exit code. */
int import_begin(import_job *x, const cli_command *cmd,
    const import_options *options);

/* Put a frame with its time; its steady time is set here, unless `with_mono`.
 * Errors: those of evt_writer_put(); EVT_END: a signal asks to stop. */
int import_put(import_job *x, const evt_frame *f, bool with_mono,
    evt_error *err);

/* Something could not be taken: the words say what and where. */
void import_skip(import_job *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Give each line of the file at `path` ("-": stdin) to fn, with its number from
 * 1 and without its line break.  A line longer than a frame can be is skipped.
 * Returns what fn does, EVT_END for a signal, EVT_ERR_IO.
 */
int import_lines(import_job *x, const char *path,
    int (*fn)(void *ctx, const uint8_t *line, size_t n, uint64_t number,
        evt_error *err),
    void *ctx, evt_error *err);

/* Finish the tape, or drop it where r is not EVT_OK; tell what was done.
 * Returns the exit code.  Frees what import_begin() made. */
int import_end(import_job *x, int r, const evt_error *err);

#endif
