/* bookmark_set.h - set bookmarks: evt_bookmark_add() for tests. */
#ifndef EVT_FORMAT_WRITE_BOOKMARK_SET_H
#define EVT_FORMAT_WRITE_BOOKMARK_SET_H

#include "format/evtape.h"
#include "format/write/writer.h"

/* evt_bookmark_add() with other clocks and file operations; env NULL: the real
 * ones. */
int evt_bookmark_set_env(const char *path, const char *text, int64_t time_ns,
    const evt_writer_env *env, bool *ret_queued, evt_error *err);

#endif
