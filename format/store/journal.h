/*
 * journal.h - the open block, frame by frame, in the kernel's hands.
 *
 * One file a block, journal/<first seq>.evj; docs/format.md has its bytes.  A
 * record carries the frame with its keys, so that recovery needs no profile.
 * A file is removed once its block is safe in a segment.
 */
#ifndef EVT_FORMAT_STORE_JOURNAL_H
#define EVT_FORMAT_STORE_JOURNAL_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/base/io.h"

/* ---- writing ---------------------------------------------------------------- */

typedef struct evt_journal evt_journal;

/* dir: the journal folder, which exists. */
int evt_journal_new(const evt_io *io, const char *dir, const uint8_t uuid[16],
    evt_journal **ret_journal, evt_error *err);
void evt_journal_free(evt_journal *j);

/* Make room for a frame's record: the next add cannot fail. */
int evt_journal_reserve(evt_journal *j, const evt_frame *f, evt_error *err);
void evt_journal_add(evt_journal *j, const evt_frame *f, bool in_lines);

/* Write what was added.  On failure the file is cut back to the last good
 * record and what was added waits for the next call. */
int evt_journal_commit(evt_journal *j, evt_error *err);

/* Sync what was committed, in the files that wait for their blocks too. */
int evt_journal_sync(evt_journal *j, evt_error *err);

/*
 * The records up to here make a block: the next one begins a new file, and
 * this one waits until its block is in a segment.  All that was added must be
 * committed.
 */
void evt_journal_turn(evt_journal *j);

/*
 * The block of the first file that waits is in a segment.  If some of the file was
 * synced it is there until evt_journal_drop_retired(), for the segment may not
 * be; else it goes now, or becomes the spare file, which is used again for one
 * of the next blocks.
 */
void evt_journal_retire(evt_journal *j);

/* Bytes in files that wait for evt_journal_drop_retired(). */
uint64_t evt_journal_retired_bytes(const evt_journal *j);
/* Bytes of the files whose blocks are not in a segment, and those that wait
 * for a commit. */
uint64_t evt_journal_bytes(const evt_journal *j);
size_t evt_journal_pending(const evt_journal *j);

/* The blocks of all retired files are safe: remove these. */
int evt_journal_drop_retired(evt_journal *j, evt_error *err);

/* Remove the spare file; true: there was one. */
bool evt_journal_drop_spare(evt_journal *j);

/* Its name in the journal folder. */
#define EVT_JOURNAL_SPARE "spare"

/* ---- reading ---------------------------------------------------------------- */

/* One journal file. */
typedef struct evt_journal_reader evt_journal_reader;

/*
 * Open the file that begins with first_seq in the folder dir.
 * Errors: EVT_ERR_NOTFOUND (it is gone: its block is in a segment),
 * EVT_ERR_CORRUPT (no valid header), EVT_ERR_VERSION, _IO, _NOMEM.
 * EVT_AGAIN: the file is there and its header is not whole yet.
 */
int evt_journal_open(const evt_io *io, const char *dir, uint64_t first_seq,
    evt_journal_reader **ret_reader, evt_error *err);
void evt_journal_close(evt_journal_reader *r);

const uint8_t *evt_journal_uuid(const evt_journal_reader *r);

/*
 * The next record; it points into the reader until the next call.  EVT_AGAIN:
 * none is complete yet.  EVT_ERR_CORRUPT: the record's bytes are all there
 * and wrong, and none behind it can be found.
 */
int evt_journal_next(evt_journal_reader *r, evt_frame *ret_frame,
    bool *ret_in_lines, evt_error *err);

/* Where the next record begins, or the one that is damaged. */
uint64_t evt_journal_offset(const evt_journal_reader *r);

/*
 * After EVT_AGAIN, in a file that nobody writes to: what stands behind its last
 * whole record.  EVT_OK: *ret_left bytes of a record whose write did not come
 * to its end, 0: nothing.  EVT_ERR_CORRUPT: a record with a length gone bad,
 * which is known by its sum, or by a whole record behind it.
 */
int evt_journal_check_end(evt_journal_reader *r, uint64_t *ret_left,
    evt_error *err);

/* The first sequence numbers of the journal files in dir, ascending; free()
 * it.  A folder that is not there has none. */
int evt_journal_list(const evt_io *io, const char *dir, uint64_t **ret_seqs,
    size_t *ret_n, evt_error *err);

/* Bytes of all journal files in dir. */
uint64_t evt_journal_folder_bytes(const evt_io *io, const char *dir);

/* The path of a journal file; NULL: out of memory. */
char *evt_journal_path(const char *dir, uint64_t first_seq);

#endif
