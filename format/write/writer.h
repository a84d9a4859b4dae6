/* writer.h - the inside of evt_writer, for its sources and for tests. */
#ifndef EVT_FORMAT_WRITE_WRITER_H
#define EVT_FORMAT_WRITE_WRITER_H

#include "format/store/block.h"
#include "format/evtape.h"
#include "format/index/index.h"
#include "format/base/io.h"
#include "format/store/journal.h"
#include "format/write/packer.h"
#include "format/keys/json_scan.h"
#include "format/store/segment.h"
#include "format/index/summary.h"

/* What the writer gets from the system, so that a test can stand in for it. */
typedef struct evt_writer_env {
	const evt_io *io;
	int64_t (*steady_ns)(void *ctx); /* a clock that is never set */
	int64_t (*wall_ns)(void *ctx);   /* UTC */
	void *ctx;
} evt_writer_env;

/* evt_writer_open() on another system; env NULL: the real one. */
int evt_writer_open_env(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err);

/* A sealed segment, as retention sees it. */
struct evt_writer_kept {
	uint32_t no;
	uint64_t bytes;
	int64_t last_ns; /* of its last frame, by the clock of retention */
};

/*
 * How many of the first of n sealed segments retention takes, where open_bytes
 * more are in the open one: while all are more than keep_bytes (0: any), or the
 * first one's last frame came before before_ns.  The newest stays: it knows
 * where the numbers go on.
 */
size_t evt_writer_kept_over(const struct evt_writer_kept *kept, size_t n,
    uint64_t open_bytes, uint64_t keep_bytes, int64_t before_ns);

struct evt_writer {
	evt_writer_options opt;
	evt_writer_env env;
	char *path, *journal_dir;
	int lock_fd;
	uint8_t uuid[16];
	evt_json_scanner *scanner;
	evt_block_builder *builder; /* the open block */
	evt_packer *packer;         /* the blocks before it, until they are
	                                in the segment */
	evt_journal *journal;
	evt_segment_writer *segment; /* NULL until its first block */
	uint32_t segment_no;         /* of the segment, or of the next one */
	int64_t segment_since;       /* steady time of its first frame */
	bool segment_started;        /* it has a frame */
	bool want_seal;              /* sealing it failed: try again */
	evt_summary summary;         /* of the segment */
	bool summary_bad;            /* it lacks something: read the file */
	evt_block scratch;
	evt_buf block_bytes;
	evt_index *index;             /* NULL: cannot be written */
	evt_key_table sources;        /* all met since it was opened */
	struct evt_writer_kept *kept; /* sealed segments, oldest first */
	size_t n_kept, cap_kept;
	uint64_t next_seq;
	uint32_t max_conn;
	int64_t last_sync;   /* steady time */
	bool dirty;          /* committed since */
	int64_t mono_offset; /* mono_ns - time_ns of the last frame */
	char *note;          /* a bookmark's file that was put, and is
	                                not removed yet; or NULL */
	bool notes_known;    /* those left before it was opened were
	                                looked for on the tape */
	int64_t open_wall, open_steady; /* the clocks when it was opened */
	bool index_stale;               /* rows are missing, or too many */
	bool triggered;                 /* a note asked for it, */
	int64_t trigger_ns;             /* at this wall time, */
	char *trigger_text;             /* in these words; NULL: none */
	evt_writer_stats stats;
};

/* Commit, and sync whatever the interval; not with EVT_SYNC_OFF. */
int evt_writer_sync(evt_writer *w, evt_error *err);

/* Tell the caller, in printf's words, of what is no reason to stop. */
void evt_writer_notice(const evt_writer *w, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Add a whole block of another tape as it is, without unpacking its lines:
 * head.stored bytes at p, whose checksums were checked.  What was put before
 * becomes a block of its own first.  Only for writers without a journal.
 */
int evt_writer_put_block(evt_writer *w, const uint8_t *p,
    const evt_block_head *head, evt_error *err);

/*
 * Drop the oldest sealed segments, as many as have `bytes` bytes, but not the
 * newest; their number.  *ret_bytes: what they had.
 */
uint64_t evt_writer_drop(evt_writer *w, uint64_t bytes, uint64_t *ret_bytes);

/*
 * Give back what the tape takes for a while only: the journal files whose
 * blocks are in the segment and wait for a sync.  Where the disk is full or
 * slow they can be most of it.  true: there was something.
 */
bool evt_writer_reclaim(evt_writer *w);

/*
 * EVT_ERR_NOTATAPE: the tape is no longer at its path.  Files are opened by
 * that path: what another has put there in the meantime must not be written
 * to, nor removed from.
 */
int evt_writer_there(const evt_writer *w, evt_error *err);

/* Check a frame and look at received text: its keys, whether it is JSON and
 * whether it may stand among the lines.  Keys point into the writer until the
 * next scan or put. */
int evt_writer_scan(evt_writer *w, evt_frame *f, bool *ret_json,
    bool *ret_in_lines, evt_error *err);
/* evt_writer_put() of a frame that was scanned. */
int evt_writer_put_known(evt_writer *w, evt_frame *frame, bool in_lines,
    evt_error *err);
/* By the clock that is never set. */
int64_t evt_writer_now(const evt_writer *w);

/* writer_block.c: full blocks, and the segment. */

/* Sync what was written, now, and commit nothing. */
int evt_writer_sync_written(evt_writer *w, evt_error *err);
/* evt_journal_commit(); on a full disk what can be given back is given back. */
int evt_writer_commit_journal(evt_writer *w, evt_error *err);
/* Begin to pack the open block; where there is no room for it, the first of
 * those before it goes into the segment. */
int evt_writer_cut(evt_writer *w, evt_error *err);
/* All blocks that are packed go into the segment; there may be none. */
int evt_writer_settle(evt_writer *w, evt_error *err);
/* What blocks in the segment make due: sealing it, giving back the journal's
 * files.  None of it is urgent, so a failure is tried again. */
void evt_writer_after_block(evt_writer *w);
/* End the segment; what is being packed belongs to the next one. */
int evt_writer_seal(evt_writer *w, evt_error *err);

/* writer_index.c: the index and retention; their failures are notices. */
void evt_writer_index_open(evt_writer *w);
void evt_writer_index_segment(evt_writer *w, const evt_segment *s);
void evt_writer_retain(evt_writer *w);
/* Try once more to have the rows that the segments want. */
void evt_writer_index_mend(evt_writer *w);
/* A segment of this recording was sealed. */
int evt_writer_keep(evt_writer *w, const evt_segment *s, evt_error *err);

/* evt_tape_reindex() on other file operations. */
int evt_tape_reindex_io(const char *path, const evt_io *io,
    uint64_t *ret_damaged, evt_error *err);

/* note.c: put the notes that others left in the journal folder. */
int evt_writer_take_bookmarks(evt_writer *w, evt_error *err);
/* Put a note. */
int evt_writer_put_bookmark(evt_writer *w, const char *text, int64_t time_ns,
    evt_error *err);
/* Whether a trigger was left since the last call: when, and with which text
 * (NULL: none; free() it).  Ask it after each tick. */
bool evt_writer_take_trigger(evt_writer *w, int64_t *ret_ns, char **ret_text);

/* evt_bookmark_add() on another system; env NULL: the real one. */
int evt_bookmark_add_env(const char *path, const char *text, int64_t time_ns,
    const evt_writer_env *env, bool *ret_queued, evt_error *err);

#endif
