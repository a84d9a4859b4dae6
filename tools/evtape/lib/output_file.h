/*
 * out.h - where a command's data goes: stdout, or a file that gets its name
 * only when it is whole.
 *
 * A file is written beside its place as NAME.part-PID, and renamed at the end;
 * what fails or is interrupted leaves nothing under the final name.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_OUTPUT_FILE_H
#define EVT_TOOLS_EVTAPE_LIB_OUTPUT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct output_file output_file;

/* path NULL or "-": stdout.  A file that is there already is refused unless
 * `force`.  Errors: EVT_ERR_IO, _ARG, _NOMEM. */
int output_file_open(const char *path, bool force, output_file **ret_out,
    evt_error *err);

/* EVT_ERR_ARG: there is a file at `path`, and no --force. */
int output_file_exists(const char *path, evt_error *err);

/* Append to this, then call output_file_flush_some(). */
evt_buf *output_file_buf(output_file *out);

/* Write out what is in the buffer if it is much; bytes written and waiting so
 * far, which is the offset at which the next byte will stand.  EVT_END: the
 * reader of stdout went away, which ends the work quietly. */
int output_file_flush_some(output_file *out, evt_error *err);
/* Write out all of it. */
int output_file_flush(output_file *out, evt_error *err);
uint64_t output_file_offset(const output_file *out);

/* Flush, sync and give the file its name. */
int output_file_finish(output_file *out, evt_error *err);
/* Free it; a file that was not finished is removed.  NULL is allowed. */
void output_file_close(output_file *out);

#endif
