/*
 * writer_ext.h - what our own libraries do with a writer beyond evtape.h: copy
 * whole blocks, free disk space, look at a frame before it is put.
 */
#ifndef EVT_FORMAT_WRITE_WRITER_EXT_H
#define EVT_FORMAT_WRITE_WRITER_EXT_H

#include "format/evtape.h"
#include "format/store/block.h"

/* ---- frames and blocks --------------------------------------------------- */

/*
 * Check a frame, and scan it if it is received text.  With a profile the scan
 * sets its event and sources; they point into the writer until the next scan
 * or put.  *ret_json: the payload is one JSON value.  *ret_in_lines: it may go
 * among a block's lines (docs/format.md).
 * Errors: EVT_ERR_ARG (see evt_writer_put()), EVT_ERR_NOMEM.
 */
int evt_writer_scan(evt_writer *w, evt_frame *f, bool *ret_json,
    bool *ret_in_lines, evt_error *err);

/* evt_writer_put() of a frame that evt_writer_scan() has scanned. */
int evt_writer_put_known(evt_writer *w, evt_frame *frame, bool in_lines,
    evt_error *err);

/*
 * Add a block of another tape without decompressing it: head->stored bytes at
 * p, whose checksums the caller has checked.  Frames that were put before go
 * into a block of their own.  Only for writers without a journal.
 */
int evt_writer_put_block(evt_writer *w, const uint8_t *p,
    const evt_block_head *head, evt_error *err);

/* Wait until the blocks that are being packed are in the segment.  The open
 * block is not among them.  Errors: those of evt_writer_commit(). */
int evt_writer_settle(evt_writer *w, evt_error *err);

/* ---- bookmarks and triggers ---------------------------------------------- */

/* Put a bookmark with this text, at the receive time time_ns. */
int evt_writer_put_bookmark(evt_writer *w, const char *text, int64_t time_ns,
    evt_error *err);

/* Take the requests that other processes left in the journal folder; see
 * bookmark_request.h.  evt_writer_tick() calls it. */
int evt_writer_take_bookmarks(evt_writer *w, evt_error *err);

/* Whether a trigger was requested since the last call.  *ret_ns: when, UTC.
 * *ret_text: the text of its bookmark, or NULL; the caller frees it.  To be
 * called after each tick. */
bool evt_writer_take_trigger(evt_writer *w, int64_t *ret_ns, char **ret_text);

/* ---- disk space ---------------------------------------------------------- */

/*
 * Drop the oldest sealed segments until at least `bytes` bytes are freed.  The
 * newest one stays.  Returns the number of segments; *ret_bytes: their size.
 */
uint64_t evt_writer_drop_oldest(evt_writer *w, uint64_t bytes,
    uint64_t *ret_bytes);

/*
 * Free the disk space that the tape needs for a short time only: journal files
 * whose blocks are in the segment but not synced.  They can be large if the
 * disk is full or slow.  true: some space was freed.
 */
bool evt_writer_reclaim(evt_writer *w);

/*
 * Check that the tape is still at its path: files are opened by that path, and
 * must not be created or removed in another folder that took its place.
 * Errors: EVT_ERR_NOTATAPE.
 */
int evt_writer_check_path(const evt_writer *w, evt_error *err);

#endif
