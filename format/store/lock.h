/* lock.h - the lock on journal/lock: a tape has one writer. */
#ifndef EVT_FORMAT_STORE_LOCK_H
#define EVT_FORMAT_STORE_LOCK_H

#include "format/base/io.h"
#include "format/evtape.h"

/*
 * Take the lock of the tape at `path`, whose journal folder exists.  The lock
 * is held until *ret_fd is closed or the process ends.
 * Errors: EVT_ERR_LOCKED (the message names the process), EVT_ERR_IO, _NOMEM.
 */
int evt_lock_take(const evt_io *io, const char *path, int *ret_fd,
    evt_error *err);

/* Whether a process holds the lock.  This takes no lock, so it does not disturb
 * a writer that starts meanwhile. */
bool evt_lock_held(const evt_io *io, const char *path);

/* Whether `fd` is still the lock of the tape at `path`.  It is not if the tape
 * was removed or renamed, or if another disk is mounted over it. */
bool evt_lock_is_at(const evt_io *io, const char *path, int fd);

#endif
