/* ready.h - tell scripts where a server listens. */
#ifndef EVT_CLI_READY_H
#define EVT_CLI_READY_H

#include "format/evtape.h"

/* Write the URL to the file, which is there only once it is whole.
 * Errors: EVT_ERR_IO, _FULL, _NOMEM. */
int cli_ready_write(const char *path, const char *url, evt_error *err);

#endif
