/*
 * output_file.h - the output of a command: stdout, or a file that gets its name
 * only when it is complete.
 *
 * A file is written beside its place as NAME.part-PID, and renamed at the end.
 * A command that fails or is interrupted leaves no file under the final name.
 * A device or a pipe is written to as it is.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_OUTPUT_FILE_H
#define EVT_TOOLS_EVTAPE_LIB_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct output_file output_file;

/* Whether a path means stdout: NULL or "-". */
bool output_file_is_stdout(const char *path);

/* Open the output.  `path` NULL or "-": stdout.  An existing file is refused
 * (EVT_ERR_ARG) unless `force`.  Errors: EVT_ERR_IO, _ARG, _NOMEM. */
int output_file_open(const char *path, bool force, output_file **ret_out,
    evt_error *err);

/* The same to stdout, for text that people read: what a terminal would obey is
 * escaped, as data is if stdout is a terminal.  Lines have to be added whole. */
int output_file_open_text(output_file **ret_out, evt_error *err);

/* The same for a new file that only its owner may read. */
int output_file_open_private(const char *path, output_file **ret_out,
    evt_error *err);

/* EVT_ERR_ARG: there is a file at `path`, and no --force. */
int output_file_exists(const char *path, evt_error *err);

/* The buffer to append to; then call output_file_flush_some(). */
evt_buf *output_file_buf(output_file *out);

/* Write the buffer out if it is large.  EVT_END: the reader of stdout went away,
 * which ends the work quietly.  Errors: EVT_ERR_IO, _FULL. */
int output_file_flush_some(output_file *out, evt_error *err);
/* Write the buffer out in any case. */
int output_file_flush(output_file *out, evt_error *err);
/* Bytes written and buffered so far: the offset of the next byte. */
uint64_t output_file_offset(const output_file *out);

/* Flush, sync, and give the file its name. */
int output_file_finish(output_file *out, evt_error *err);
/* Free it; a file that is not finished is removed.  `out` may be NULL. */
void output_file_close(output_file *out);

#endif
