/* tape_dir.h - the directory of a tape: whether a folder is one, making it. */
#ifndef EVT_FORMAT_STORE_TAPE_DIR_H
#define EVT_FORMAT_STORE_TAPE_DIR_H

#include "format/base/io.h"
#include "format/evtape.h"

/* Check that the folder at `path` holds a tape: a segment, an index or a
 * journal.  Errors: EVT_ERR_NOTATAPE, _IO. */
int evt_tape_dir_check(const evt_io *io, const char *path, evt_error *err);

/* Check that evt_tape_dir_make() can make a tape at `path`: it is a tape, an
 * empty folder, or nothing.  Errors: EVT_ERR_NOTATAPE, _IO. */
int evt_tape_dir_may_become(const evt_io *io, const char *path, evt_error *err);

/*
 * Make the folders of a tape at `path` that are missing.  `may_make`: an empty
 * or missing folder becomes a tape; without it, only a tape is accepted.  A
 * folder that holds something else is refused.
 * Errors: EVT_ERR_NOTATAPE, _FULL, _IO, _NOMEM.
 */
int evt_tape_dir_make(const evt_io *io, const char *path, bool may_make,
    evt_error *err);

/* How many journal files a recorder holds for a trigger, and their bytes:
 * those in the folder ring/ of the journal folder.  0 if it cannot be read. */
void evt_tape_dir_ring(const evt_io *io, const char *journal_dir,
    uint64_t *ret_files, uint64_t *ret_bytes);

#endif
