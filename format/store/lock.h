/* lock.h - one writer a tape: a lock on journal/lock. */
#ifndef EVT_FORMAT_STORE_LOCK_H
#define EVT_FORMAT_STORE_LOCK_H

#include "format/evtape.h"
#include "format/base/io.h"

/*
 * Take the lock of the tape at `path`, whose journal folder exists.  It lasts
 * until *ret_fd is closed or the process ends.
 * Errors: EVT_ERR_LOCKED (its words name the process), EVT_ERR_IO, _NOMEM.
 */
int evt_lock_take(const evt_io *io, const char *path, int *ret_fd,
    evt_error *err);

/* Whether a process holds it.  Takes nothing, so a writer that starts
 * meanwhile is not disturbed. */
bool evt_lock_held(const evt_io *io, const char *path);

/* Whether the lock that was taken is still the one of the tape at `path`; not
 * so if the tape was removed or renamed, or another disk lies over it. */
bool evt_lock_stands(const evt_io *io, const char *path, int fd);

#endif
