/*
 * input_file.h - the input of an import: a file or stdin, compressed with gzip or
 * zstd or not at all.
 *
 * The first bytes tell the compression, not the name.  A compressed stream that
 * ends early is an error.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_INPUT_FILE_H
#define EVT_TOOLS_EVTAPE_LIB_INPUT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct input_file input_file;

/* Open the file at `path`; "-": stdin.  Errors: EVT_ERR_IO, _ARG (a directory),
 * _NOMEM. */
int input_file_open(const char *path, input_file **ret_in, evt_error *err);
/* `in` may be NULL. */
void input_file_close(input_file *in);

/* Its path, or "stdin". */
const char *input_file_name(const input_file *in);

/*
 * Read up to `room` (1 or more) bytes of the content, decompressed, to `p`.
 * *ret_n: how many; 0 is the end.  Errors: EVT_ERR_IO, EVT_ERR_CORRUPT (the
 * compressed data is damaged or truncated), EVT_ERR_ARG (a compression that is
 * not supported), EVT_ERR_NOMEM.
 */
int input_file_read(input_file *in, uint8_t *p, size_t room, size_t *ret_n,
    evt_error *err);

/* How much of the file has been read, 0 to 1; 0 if its size is not known. */
double input_file_done(const input_file *in);

/*
 * For formats that need random access, before anything is read: *ret_fd is a
 * regular file of *ret_size bytes with the content.  That is the file itself, or
 * an unlinked temporary file in $TMPDIR, else /tmp.  input_file_close() closes
 * it.  Errors: those of input_file_read(), and EVT_ERR_FULL.
 */
int input_file_seekable(input_file *in, int *ret_fd, uint64_t *ret_size,
    evt_error *err);

#endif
