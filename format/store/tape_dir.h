/* folder.h - which folders are tapes. */
#ifndef EVT_FORMAT_STORE_TAPE_DIR_H
#define EVT_FORMAT_STORE_TAPE_DIR_H

#include "format/evtape.h"
#include "format/base/io.h"

/* EVT_OK if the folder at `path` holds a tape: a segment, an index or a
 * journal.  Errors: EVT_ERR_NOTATAPE, _IO. */
int evt_tape_dir_check(const evt_io *io, const char *path, evt_error *err);

/* EVT_OK if evt_tape_dir_make() would take what is at `path`, if anything is, for
 * a tape.  Errors: EVT_ERR_NOTATAPE, _IO. */
int evt_tape_dir_may_become(const evt_io *io, const char *path, evt_error *err);

/*
 * Have a tape's folders at `path`.  `may_make`: an empty folder, or one that
 * is not there, becomes a tape.  A folder of something else is refused.
 * Errors: EVT_ERR_NOTATAPE, _FULL, _IO, _NOMEM.
 */
int evt_tape_dir_make(const evt_io *io, const char *path, bool may_make,
    evt_error *err);

/* How many journal files a recorder holds for a trigger, and their bytes:
 * those in the folder ring/ of the journal folder.  0 if it cannot be read. */
void evt_tape_dir_ring(const evt_io *io, const char *journal_dir,
    uint64_t *ret_files, uint64_t *ret_bytes);

#endif
