/*
 * journal.h - the frames of blocks that are not in a segment yet.
 *
 * The journal has a file for each block, journal/<first seq>.evj; docs/format.md
 * describes its bytes.  A record holds a frame with its keys, so recovery needs
 * no profile.  A file is removed after its block was synced in a segment.
 */
#ifndef EVT_FORMAT_STORE_JOURNAL_H
#define EVT_FORMAT_STORE_JOURNAL_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/io.h"

/* ---- writing ---------------------------------------------------------------- */

typedef struct evt_journal evt_journal;

/* `dir`: the journal folder, which must exist.  Errors: EVT_ERR_NOMEM. */
int evt_journal_new(const evt_io *io, const char *dir, const uint8_t uuid[16],
    evt_journal **ret_journal, evt_error *err);
void evt_journal_free(evt_journal *j);

/* Reserve memory for the record of a frame, so that evt_journal_add() cannot
 * fail.  Errors: EVT_ERR_NOMEM. */
int evt_journal_reserve(evt_journal *j, const evt_frame *f, evt_error *err);
/* Add the record of a frame, for which memory was reserved. */
void evt_journal_add(evt_journal *j, const evt_frame *f, bool in_lines);

/* Write the records that were added.  After a failure the file ends with the
 * last good record, and the next call tries again.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM. */
int evt_journal_commit(evt_journal *j, evt_error *err);

/* Sync all records that were written, also in files that wait for their
 * blocks.  Errors: EVT_ERR_FULL, _IO. */
int evt_journal_sync(evt_journal *j, evt_error *err);

/*
 * End the file: its records make a block, and the next record begins a new
 * file.  The file waits until its block is in a segment.  All records must be
 * committed.
 */
void evt_journal_turn(evt_journal *j);

/*
 * Retire the first file that waits: its block is in a segment now.  A file that
 * was synced stays until evt_journal_drop_retired(), since its block may not be
 * synced.  Any other file is removed, or becomes the spare file, which a later
 * block uses again.
 */
void evt_journal_retire(evt_journal *j);

/* Bytes of the retired files. */
uint64_t evt_journal_retired_bytes(const evt_journal *j);
/* Bytes of the files whose blocks are not in a segment. */
uint64_t evt_journal_bytes(const evt_journal *j);
/* Bytes of the records that wait for a commit. */
size_t evt_journal_pending(const evt_journal *j);

/* Remove the retired files: their blocks are synced now.  Errors: EVT_ERR_IO,
 * _FULL. */
int evt_journal_drop_retired(evt_journal *j, evt_error *err);

/* Remove the spare file.  false: there was no such file. */
bool evt_journal_drop_spare(evt_journal *j);

/* The name of the spare file in the journal folder. */
#define EVT_JOURNAL_SPARE "spare"

/* ---- reading ---------------------------------------------------------------- */

/* Reads one journal file, which another process may be writing. */
typedef struct evt_journal_reader evt_journal_reader;

/*
 * Open the file in the folder `dir` that begins with the frame `first_seq`.
 * EVT_AGAIN: its header is not complete yet.
 * Errors: EVT_ERR_NOTFOUND (no such file: its block is in a segment),
 * EVT_ERR_CORRUPT (no valid header), EVT_ERR_VERSION, _IO, _NOMEM.
 */
int evt_journal_open(const evt_io *io, const char *dir, uint64_t first_seq,
    evt_journal_reader **ret_reader, evt_error *err);
void evt_journal_close(evt_journal_reader *r);

const uint8_t *evt_journal_uuid(const evt_journal_reader *r);

/*
 * Read the next record.  The frame points into the reader until the next call.
 * EVT_AGAIN: no further record is complete yet.
 * Errors: EVT_ERR_CORRUPT (the record is complete and damaged, so that the
 * records after it cannot be found), EVT_ERR_IO, _NOMEM.
 */
int evt_journal_next(evt_journal_reader *r, evt_frame *ret_frame,
    bool *ret_in_lines, evt_error *err);

/* The offset in the file of the next record, or of the damaged one. */
uint64_t evt_journal_offset(const evt_journal_reader *r);

/*
 * After EVT_AGAIN, look at the bytes after the last complete record.  No
 * process may be writing the file.  EVT_OK: *ret_left bytes belong to a record
 * whose write was interrupted; 0: there are none.
 * Errors: EVT_ERR_CORRUPT (a record whose length is damaged; its checksum or a
 * complete record after it shows that), EVT_ERR_IO, _NOMEM.
 */
int evt_journal_check_end(evt_journal_reader *r, uint64_t *ret_left,
    evt_error *err);

/* List the first sequence numbers of the journal files in `dir`, ascending.  The
 * caller frees *ret_seqs.  A missing folder has no files.
 * Errors: EVT_ERR_IO, _NOMEM. */
int evt_journal_list(const evt_io *io, const char *dir, uint64_t **ret_seqs,
    size_t *ret_n, evt_error *err);

/* Bytes of all journal files in `dir`; 0 if it cannot be read. */
uint64_t evt_journal_folder_bytes(const evt_io *io, const char *dir);

/* The path of a journal file, which the caller frees; NULL: out of memory. */
char *evt_journal_path(const char *dir, uint64_t first_seq);

#endif
