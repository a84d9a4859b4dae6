/*
 * writer_priv.h - struct evt_writer and the calls between its sources.
 *
 * For writer*.c, bookmark_*.c, ring*.c and maintain.c alone: they are one module
 * in several files.
 */
#ifndef EVT_FORMAT_WRITE_WRITER_PRIV_H
#define EVT_FORMAT_WRITE_WRITER_PRIV_H

#include "format/base/buf.h"
#include "format/base/key_table.h"
#include "format/evtape.h"
#include "format/index/index.h"
#include "format/index/summary.h"
#include "format/keys/json_scan.h"
#include "format/store/block.h"
#include "format/store/journal.h"
#include "format/store/segment.h"
#include "format/write/packer.h"
#include "format/write/writer.h"
#include "format/write/writer_ext.h"

/* A sealed segment, as retention sees it. */
typedef struct evt_writer_kept {
	uint32_t no;
	uint64_t bytes;
	int64_t last_ns; /* of its last frame, by the clock of retention */
} evt_writer_kept;

struct evt_writer {
	evt_writer_options opt;
	evt_writer_env env;
	char *path, *journal_dir;
	int lock_fd;
	uint8_t uuid[16];
	evt_json_scanner *scanner;

	/* From frames to the segment. */
	evt_block_builder *builder; /* the open block */
	evt_packer *packer;         /* full blocks, until they are in the
	                               segment */
	evt_journal *journal;
	evt_segment_writer *segment; /* NULL until its first block */
	uint32_t segment_no;         /* of the segment, or of the next one */
	int64_t segment_since;       /* steady time of its first frame */
	bool segment_started;        /* it has a frame */
	bool want_seal;              /* sealing failed: try again */
	evt_summary summary;         /* of the segment */
	bool summary_bad; /* the summary is not complete: read the file */
	evt_block scratch;
	evt_buf block_bytes;

	/* Index and retention. */
	evt_index *index;      /* NULL: it cannot be written */
	bool index_stale;      /* rows are missing, or too many */
	evt_key_table sources; /* all that came since the writer was opened */
	evt_writer_kept *kept; /* sealed segments, oldest first */
	size_t n_kept, cap_kept;

	/* Numbers and clocks. */
	uint64_t next_seq;
	uint32_t max_conn;
	int64_t last_sync;   /* steady time */
	bool dirty;          /* something was committed since */
	int64_t mono_offset; /* mono_ns - time_ns of the last frame */
	int64_t open_wall, open_steady; /* the clocks at opening */

	/* Bookmarks and triggers that others requested. */
	char *request_path;  /* file whose mark was put, and which is still to
	                        be removed; or NULL */
	bool requests_known; /* those that were left before the opening were
	                        looked for on the tape */
	bool triggered;      /* a trigger was requested, */
	int64_t trigger_ns;  /* at this wall time, */
	char *trigger_text;  /* with this text; NULL: without one */

	evt_writer_stats stats;
};

/* Commit, and sync before the interval is over; no sync with EVT_SYNC_OFF. */
int evt_writer_sync(evt_writer *w, evt_error *err);

/* Report something that is no reason to stop, in printf's format. */
void evt_writer_notice(const evt_writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The steady time now, in ns. */
int64_t evt_writer_now(const evt_writer *w);

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

/* Failures of these are notices. */
void evt_writer_index_open(evt_writer *w);
void evt_writer_index_segment(evt_writer *w, const evt_segment *s);
/* Try again to write the rows that failed. */
void evt_writer_index_mend(evt_writer *w);
/* Drop the segments that are too many or too old. */
void evt_writer_retain(evt_writer *w);

/* A segment of this recording was sealed.  Errors: EVT_ERR_NOMEM. */
int evt_writer_keep(evt_writer *w, const evt_segment *s, evt_error *err);

/*
 * How many of the first of n sealed segments retention drops, with `open_bytes`
 * more in the open one: while all together are more than `keep_bytes` (0: any),
 * or while the last frame of the first came before `before_ns`.  The newest
 * stays: it holds the last sequence number.
 */
size_t evt_writer_kept_over(const evt_writer_kept *kept, size_t n,
    uint64_t open_bytes, uint64_t keep_bytes, int64_t before_ns);

#endif
