/*
 * writer_priv.h - the calls between the sources of the writer.
 *
 * For writer*.c, bookmark_*.c, ring*.c and maintain.c alone: they are one module
 * in several files.
 */
#ifndef EVT_FORMAT_WRITE_WRITER_PRIV_H
#define EVT_FORMAT_WRITE_WRITER_PRIV_H

#include "format/base/io.h"
#include "format/evtape.h"
#include "format/index/index.h"
#include "format/keys/json_scan.h"
#include "format/store/segment.h"
#include "format/write/writer.h"
#include "format/write/writer_ext.h"

/* A sealed segment, as retention sees it. */
typedef struct evt_writer_kept {
	uint32_t no;
	uint64_t bytes;
	int64_t last_ns; /* of its last frame, by the clock of retention */
	bool start;      /* it has what counts at the start of the others; the
	                    first one alone */
} evt_writer_kept;

/* Requests of other processes, which bookmark_take.c reads. */
typedef struct evt_writer_requests {
	char *path;     /* file whose mark was put, and which is still to be
	                    removed; or NULL */
	bool known;     /* those that were left before the opening were looked
	                    for on the tape */
	bool triggered; /* a trigger was requested, */
	int64_t trigger_ns; /* at this wall time, */
	char *trigger_text; /* with this text; NULL: without one */
} evt_writer_requests;

/* ---- writer.c: what the other files of the module may use ---------------- */

/* Strings and objects belong to the writer. */
const evt_io *evt_writer_io(const evt_writer *w);
const char *evt_writer_path(const evt_writer *w);
const char *evt_writer_journal_dir(const evt_writer *w);
const uint8_t *evt_writer_uuid(const evt_writer *w); /* 16 bytes */
evt_json_scanner *evt_writer_scanner(const evt_writer *w);
evt_writer_requests *evt_writer_get_requests(evt_writer *w);

/* The options' sync_ns. */
int64_t evt_writer_sync_ns(const evt_writer *w);
/* The options' level and block_bytes. */
int evt_writer_level(const evt_writer *w);
uint32_t evt_writer_block_bytes(const evt_writer *w);
/* The sequence number of the next frame. */
uint64_t evt_writer_next_seq(const evt_writer *w);
/* mono_ns - time_ns of the last frame. */
int64_t evt_writer_mono_offset(const evt_writer *w);
/* The number of blocks that were written since the opening. */
uint64_t evt_writer_blocks(const evt_writer *w);
/* Count frames that were left by an earlier writer and are on the tape now. */
void evt_writer_add_recovered(evt_writer *w, uint64_t frames);
/* The time now, in ns: steady, and UTC. */
int64_t evt_writer_now(const evt_writer *w);
int64_t evt_writer_wall(const evt_writer *w);

/* Commit, and sync before the interval is over; no sync with EVT_SYNC_OFF. */
int evt_writer_sync(evt_writer *w, evt_error *err);

/* Report something that is no reason to stop, in printf's format. */
void evt_writer_notice(const evt_writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- writer_block.c: full blocks, and the segment ------------------------ */

/* Sync what is written; commit nothing. */
int evt_writer_sync_written(evt_writer *w, evt_error *err);
/* evt_journal_commit(); on a full disk, free what can be freed and try again. */
int evt_writer_commit_journal(evt_writer *w, evt_error *err);
/* Begin to pack the open block.  If the packer has no room, its first block
 * goes into the segment before. */
int evt_writer_cut(evt_writer *w, evt_error *err);
/* Do what the last blocks in the segment made due: seal it, remove journal
 * files.  None of it is urgent: a failure is tried again. */
void evt_writer_after_block(evt_writer *w);
/* End the segment.  Blocks that are being packed belong to the next one. */
int evt_writer_seal(evt_writer *w, evt_error *err);

/* ---- writer_index.c: the index and retention ----------------------------- */

/* The index, or NULL: it cannot be written. */
evt_index *evt_writer_get_index(const evt_writer *w);

/* Failures of these are notices. */
void evt_writer_index_open(evt_writer *w);
void evt_writer_index_segment(evt_writer *w, const evt_segment *s);
/* Put the rows of a segment that took the place of another one. */
void evt_writer_index_put(evt_writer *w, const evt_segment *s,
    const evt_summary *sum);
/* Try again to write the rows that failed. */
void evt_writer_index_mend(evt_writer *w);
/* Drop the segments that are too many or too old, but what counts at the start of
 * the others.  Failures are notices. */
void evt_writer_retain(evt_writer *w);

/* The sealed segments, oldest first.  They belong to the writer, and stay until
 * it seals or drops one. */
const evt_writer_kept *evt_writer_get_kept(const evt_writer *w, size_t *ret_n);

/* Drop what is over these limits, which hold for this call alone: see
 * evt_writer_kept_over(). */
void evt_writer_retain_to(evt_writer *w, uint64_t keep_bytes,
    int64_t before_ns);

/* A segment of this recording was sealed.  Errors: EVT_ERR_NOMEM. */
int evt_writer_keep(evt_writer *w, const evt_segment *s, evt_error *err);
/* The next one of those that were there at the opening.  Errors: EVT_ERR_NOMEM. */
int evt_writer_keep_old(evt_writer *w, const evt_segment *s, evt_error *err);

/*
 * How many of the first of n sealed segments retention drops, with `open_bytes`
 * more in the open one: while all together are more than `keep_bytes` (0: any),
 * or while the last frame of the first came before `before_ns`.  The newest
 * stays: it holds the last sequence number.  A start segment is not dropped alone.
 */
size_t evt_writer_kept_over(const evt_writer_kept *kept, size_t n,
    uint64_t open_bytes, uint64_t keep_bytes, int64_t before_ns);

/* ---- writer_start.c: start segments --------------------------------------- */

/*
 * Put a start segment in the place of segment `no`, which is the last one that is
 * dropped; *ret_bytes: its size.  EVT_END: nothing counts, and no segment was put.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM, and those of reading.
 */
int evt_writer_put_start(evt_writer *w, uint32_t no, uint64_t *ret_bytes,
    evt_error *err);
/* Whether the first segment of the tape is one. */
bool evt_writer_is_start(evt_writer *w, const evt_segment *s);

#endif
