/* ready_file.h - a file that tells scripts the address of a server. */
#ifndef EVT_TOOLS_READY_FILE_H
#define EVT_TOOLS_READY_FILE_H

#include "format/evtape.h"

/* Write `url` and a line feed to the file at `path`, atomically; to a pipe or a
 * device as it is.  Errors: EVT_ERR_ARG (a folder), _IO, _FULL, _NOMEM. */
int ready_file_write(const char *path, const char *url, evt_error *err);

#endif
