/* lock.h - the lock on journal/lock: a tape has one writer. */
#ifndef EVT_FORMAT_STORE_LOCK_H
#define EVT_FORMAT_STORE_LOCK_H

#include "format/base/io.h"
#include "format/evtape.h"

/*
 * Take the lock of the tape at `path`, whose journal folder exists.  The lock
 * is held until *ret_fd is closed or the process ends.
 * `brief`: the caller holds the lock for a moment only, to set a bookmark.  If
 * the tape is locked briefly, every caller waits, for 30 s at most.  If the
 * lock is not brief, every caller is refused at once.
 * Errors: EVT_ERR_LOCKED (the message names the process), EVT_ERR_IO, _NOMEM.
 */
int evt_lock_take(const evt_io *io, const char *path, bool brief, int *ret_fd,
    evt_error *err);

/* Whether a process holds the lock.  This takes no lock, so it does not disturb
 * a writer that starts meanwhile. */
bool evt_lock_held(const evt_io *io, const char *path);

/* Whether `fd` is still the lock of the tape at `path`.  It is not if the tape
 * was removed or renamed, or if another disk is mounted over it. */
bool evt_lock_is_at(const evt_io *io, const char *path, int fd);

#endif
