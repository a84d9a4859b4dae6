/* ready.h - tell scripts where a server listens. */
#ifndef EVT_TOOLS_READY_FILE_H
#define EVT_TOOLS_READY_FILE_H

#include "format/evtape.h"

/* Write the URL to the file, which is there only once it is whole.
 * Errors: EVT_ERR_IO, _FULL, _NOMEM. */
int ready_file_write(const char *path, const char *url, evt_error *err);

#endif
