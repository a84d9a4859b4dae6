/*
 * evtape.h - read and write tapes: recordings of live WebSocket event feeds.
 *
 * A tape is a directory of zstd segments, a journal and a SQLite index; docs/format.md
 * describes its layout.  This header is all that a program needs to read a tape:
 *
 *     evt_tape *tape;
 *     evt_cursor *cur;
 *     evt_frame f;
 *     evt_error err;
 *
 *     if (evt_tape_open("field.tape", &tape, &err) ||
 *         evt_cursor_open(&tape, 1, NULL, &cur, &err)) {
 *             fprintf(stderr, "%s\n", err.text);
 *             return 1;
 *     }
 *     while (evt_cursor_next(cur, &f, &err) == EVT_OK)
 *             printf("%.*s\n", (int)f.len, (const char *)f.payload);
 *     evt_cursor_close(cur);
 *     evt_tape_close(tape);
 *
 * Conventions
 *  - Functions that can fail return an int of enum evt_code: 0 is success, a
 *    positive code means "nothing more", a negative code is an error.  After an
 *    error *err (which may be NULL) holds a message for a person, and the ret_
 *    arguments are unchanged.
 *  - Times are int64_t nanoseconds since 1970-01-01T00:00:00Z (UTC).  Sizes are
 *    bytes.  Text is UTF-8; it ends with a NUL only where the comment says so.
 *  - The library never prints and never exits.
 *  - Every function x_close and x_free accepts NULL.
 *
 * Caveats
 *  - Threads.  A handle (tape, cursor, writer) belongs to one thread at a time.
 *    A tape and its cursors count as one handle.  Different threads may use
 *    different handles, also of the same tape.  The library may start threads
 *    of its own (the writer, and evt_filter.read_ahead); all signals are
 *    blocked in them, and none of them calls back into the program.
 *  - fork().  A child process must not use, close or free handles that its
 *    parent opened: they hold SQLite connections and threads.  A child that
 *    calls neither exec() nor exit also keeps the lock of the parent's writer.
 *    Open handles after fork(); all files are opened with O_CLOEXEC.
 *  - Two handles on one tape.  Any number of readers, in any processes, may read
 *    a tape, also while it is being written.  A tape has only one writer: a
 *    second one gets EVT_ERR_LOCKED, in the same process too.  The lock ends
 *    with its process, even after kill -9.
 *  - Network file systems.  The lock needs OFD locks (fcntl(2)), and the index is
 *    a SQLite database in WAL mode, whose processes share memory.  So write a
 *    tape on a local disk, and read a live tape on the machine that writes it.
 *    A tape that is closed can be copied to, and read from, any file system.
 *  - What a reader sees of a live tape.  A frame becomes visible with the
 *    evt_writer_commit() that covers it; readers see frames in order and
 *    without gaps.  evt_cursor_next() returns EVT_AGAIN at the present end.
 *    Retention may remove the oldest segments meanwhile: a cursor skips frames
 *    that are gone, without an error.
 *  - What survives.  Committed frames survive the death of the process.  They
 *    survive a power cut once they are synced: evt_writer_options.sync_ns.
 *  - Damage.  Any file may be damaged or written by a stranger.  Reading then
 *    returns EVT_ERR_CORRUPT, or skips what is damaged; memory stays bounded.
 */
#ifndef EVTAPE_H
#define EVTAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVT_VERSION "0.1.0"

/* The version of the linked library, in the form of EVT_VERSION. */
const char *evt_version(void);

/* ---- errors ------------------------------------------------------------ */

enum evt_code {
	EVT_OK = 0,
	EVT_END = 1,        /* nothing more: end of the window or of the tape */
	EVT_AGAIN = 2,      /* nothing now, more may come: a live tape */
	EVT_ERR_NOMEM = -1, /* out of memory */
	EVT_ERR_IO = -2,    /* a system call failed; evt_error.sys is errno */
	EVT_ERR_FULL = -3,  /* no space left on the device, or a quota */
	EVT_ERR_CORRUPT = -4,  /* the tape's bytes are damaged */
	EVT_ERR_VERSION = -5,  /* the tape needs a newer library */
	EVT_ERR_NOTATAPE = -6, /* the path is not a tape */
	EVT_ERR_LOCKED = -7,   /* another writer holds the tape */
	EVT_ERR_ARG = -8,      /* an invalid argument */
	EVT_ERR_INDEX = -9,    /* SQLite failed on tape.db */
	EVT_ERR_NOTFOUND = -10 /* no such frame, mark or source */
};

typedef struct evt_error {
	int code;       /* enum evt_code */
	int sys;        /* errno if a system call failed, else 0 */
	char text[512]; /* one line for a person, NUL-terminated, no newline */
} evt_error;

/* ---- frames ------------------------------------------------------------ */

enum evt_kind {
	EVT_KIND_RECEIVED = 0,
	EVT_KIND_SENT = 1, /* sent by the recorder; secrets are blotted out */
	EVT_KIND_MARK = 2  /* an event of the recording itself */
};

/* Opcodes of received and sent frames (RFC 6455, section 5.2). */
enum evt_opcode { EVT_OP_TEXT = 1, EVT_OP_BINARY = 2 };

/*
 * Opcodes of marks.  The payload of a mark is a JSON object whose member
 * "mark" holds the name; docs/format.md lists the other members of each.
 */
enum evt_mark {
	EVT_MARK_STARTED = 1,      /* "started": a recorder opened the tape */
	EVT_MARK_STOPPED = 2,      /* "stopped": a recorder closed the tape */
	EVT_MARK_CONNECTED = 3,    /* "connected" */
	EVT_MARK_DISCONNECTED = 4, /* "disconnected": code, reason */
	EVT_MARK_GAP = 5,          /* "gap": frames, bytes, reason */
	EVT_MARK_CLOCK = 6,        /* "clock": the wall clock was set */
	EVT_MARK_BOOKMARK = 7,     /* "note": a bookmark set by a person */
	EVT_MARK_STATE = 8,    /* "state": the frames after it are older than
	                              this window of a longer tape: the last
	                              state of each source before the window */
	EVT_MARK_TRACKERS = 9, /* "trackers": the platform's list: which
	                              tracker has which source */
	EVT_MARK_TRIGGER = 10, /* "trigger": why the frames from here on are
	                              kept, and how many held frames precede */
	EVT_MARK_ARMED = 11    /* "armed": from here on, frames are kept only
	                              around a trigger */
};

/* The name of a mark, as in its payload (a constant); "unknown" for any other
 * number. */
const char *evt_mark_name(unsigned opcode);

/* Longest event name or source id, in bytes.  Longer ones are ignored. */
#define EVT_KEY_MAX 255u
/* Largest payload of one frame, in bytes. */
#define EVT_PAYLOAD_MAX (256u << 20)

/* A source id.  An integer (range of int64_t) is stored as decimal text. */
typedef struct evt_key {
	const char *text; /* len bytes, not NUL-terminated */
	uint32_t len;     /* 0 to EVT_KEY_MAX */
	bool is_int;      /* the frame had it as a JSON integer */
} evt_key;

typedef struct evt_frame {
	uint64_t seq;    /* sequence number: 1, 2, 3... on each tape */
	int64_t time_ns; /* receive time, CLOCK_REALTIME */
	/*
	 * Steady time: the wall time when the recorder started, plus the
	 * CLOCK_BOOTTIME that has passed since.  A step of the wall clock
	 * changes only time_ns.  So the difference of two mono_ns of one
	 * recorder run is the time that really passed.
	 */
	int64_t mono_ns;
	uint8_t kind;   /* enum evt_kind */
	uint8_t opcode; /* enum evt_opcode; for marks, enum evt_mark */
	uint32_t conn;  /* number of the connection, from 1; 0: none */
	uint32_t tape;  /* index of its tape among the cursor's, from 0 */
	const uint8_t *payload;
	size_t len;        /* bytes of payload */
	const char *event; /* event name (not NUL-terminated), or NULL */
	size_t event_len;
	const evt_key *sources; /* the frame's sources, each once */
	size_t n_sources;
} evt_frame;

/* ---- profiles: where a frame has its keys -------------------------------- */

/*
 * A profile says where frames of a feed have their event name and source ids.
 * Paths look like JSON pointers (RFC 6901, with ~0 and ~1).  A component that
 * is a single asterisk matches every element of an array and every member of an
 * object: "/event", "/data/source_id", "/list/[x]/id" with an asterisk for [x].
 */
typedef struct evt_profile evt_profile;

/*
 * Compile a profile.  `event_paths`: the first path that yields a string or an
 * integer names the event.  `source_paths`: every string or integer at any of
 * these paths is a source.  Either list may be empty; at most 64 paths together.
 * Errors: EVT_ERR_ARG for an invalid path, EVT_ERR_NOMEM.
 */
int evt_profile_new(const char *const *event_paths, size_t n_events,
    const char *const *source_paths, size_t n_sources,
    evt_profile **ret_profile, evt_error *err);
void evt_profile_free(evt_profile *profile);

/* ---- reading ------------------------------------------------------------ */

typedef struct evt_tape evt_tape;

/*
 * Open the tape in the directory `path` for reading.  Nothing in it is changed,
 * and a recorder may be writing to it.  Without a usable index reading is
 * slower, but finds the same frames.
 * Errors: EVT_ERR_NOTATAPE, _VERSION, _CORRUPT, _IO, _NOMEM.
 */
int evt_tape_open(const char *path, evt_tape **ret_tape, evt_error *err);
void evt_tape_close(evt_tape *tape);

/* The path that evt_tape_open() was given; valid until the tape is closed. */
const char *evt_tape_path(const evt_tape *tape);

/* Whether a writer holds the tape now. */
bool evt_tape_live(const evt_tape *tape);

/* Receive times of the earliest and the latest frame.  A bookmark is set at any
 * time, so it counts only on a tape that has nothing else.  Errors:
 * EVT_ERR_NOTFOUND on an empty tape; those of reading. */
int evt_tape_span(evt_tape *tape, int64_t *ret_first_ns, int64_t *ret_last_ns,
    evt_error *err);

/* Which of the source ids with the same text a filter means: 5, or "5". */
enum evt_source_type { EVT_SOURCE_ANY, EVT_SOURCE_INT, EVT_SOURCE_TEXT };

/* Which frames a cursor yields.  All zero (or NULL): every frame. */
typedef struct evt_filter {
	bool has_from, has_to;
	int64_t from_ns;            /* frames received at or after this */
	int64_t to_ns;              /* frames received before this */
	const char *const *sources; /* frames with any of these, by text */
	size_t n_sources;
	const uint8_t *source_types; /* of each source, enum evt_source_type;
	                                NULL: any */
	const char *const *events;   /* frames of any of these events */
	size_t n_events;
	unsigned kinds;    /* bits 1u << enum evt_kind; 0: all */
	bool with_marks;   /* marks pass whatever sources, events and kinds
	                      say */
	uint64_t from_seq; /* frames of this sequence number or a higher one */
	bool read_ahead;   /* decode the next block on another thread */
	bool snapshot;     /* of a live tape, the frames that are visible when
	                      the cursor is opened, and no later ones: a
	                      recorder that is faster than the reader does not
	                      keep it from its end */
} evt_filter;

typedef struct evt_cursor evt_cursor;

/*
 * Open a cursor over the frames of n tapes that pass the filter (NULL: all
 * frames).  The filter is copied.  One tape yields its frames in sequence order.
 * Several tapes are merged by receive time, each in its own sequence order;
 * frames of the same time come in the order of the tapes.  The tapes must
 * outlive the cursor.
 * Errors: EVT_ERR_ARG, _NOMEM, _IO.
 */
int evt_cursor_open(evt_tape *const *tapes, size_t n, const evt_filter *filter,
    evt_cursor **ret_cursor, evt_error *err);
void evt_cursor_close(evt_cursor *cursor);

/*
 * Get the next frame.  Its pointers stay valid until the next call on this
 * cursor.
 * EVT_END: the window is finished.
 * EVT_AGAIN: no frame now, but a recorder may still add some; call again later.
 * EVT_ERR_CORRUPT: a block is damaged and its frames are lost (err says where);
 * the next call continues after it.
 */
int evt_cursor_next(evt_cursor *cursor, evt_frame *ret_frame, evt_error *err);

/* Go back to the first frame of the window, or go to the first frame received at
 * or after `time_ns` (within the window). */
int evt_cursor_reset(evt_cursor *cursor, evt_error *err);
int evt_cursor_seek(evt_cursor *cursor, int64_t time_ns, evt_error *err);

/* Blocks read so far, damaged ones among them, and frames lost in these. */
typedef struct evt_cursor_stats {
	uint64_t blocks_read;
	uint64_t blocks_bad;
	uint64_t frames_lost;
} evt_cursor_stats;
void evt_cursor_get_stats(const evt_cursor *cursor,
    evt_cursor_stats *ret_stats);

/*
 * Get the state of a source at a time: the last frame (by sequence number)
 * received before `time_ns` that names `source` and, unless `event` is NULL, has
 * that event.  Its pointers stay valid until the next call of this function on
 * the tape.
 * Errors: EVT_ERR_NOTFOUND, and those of reading.
 */
int evt_tape_last_before(evt_tape *tape, const char *source, const char *event,
    int64_t time_ns, evt_frame *ret_frame, evt_error *err);

/*
 * Get the states of all sources at a time.  For each source that a received
 * frame of `event` before `time_ns` names, call fn() with the last such frame
 * (by sequence number) and the source, in no particular order.  If fn() returns
 * something other than EVT_OK, stop and return that.  The arguments of fn() are
 * valid during the call; fn() must not use the tape.
 * Errors: those of reading.
 */
typedef int evt_last_fn(void *ctx, const evt_key *source,
    const evt_frame *frame, evt_error *err);
int evt_tape_each_last(evt_tape *tape, const char *event, int64_t time_ns,
    evt_last_fn *fn, void *ctx, evt_error *err);

/* ---- frames over time ---------------------------------------------------- */

typedef struct evt_timeline_event {
	char *name;      /* NUL-terminated; NULL: frames without an event */
	uint64_t *count; /* n_buckets */
} evt_timeline_event;

typedef struct evt_timeline {
	int64_t from_ns,
	    bucket_ns; /* bucket i begins at from_ns + i * bucket_ns */
	size_t n_buckets;
	bool exact; /* false: the frames of each block were spread evenly over
	               the block's time */
	evt_timeline_event *events;
	size_t n_events;
} evt_timeline;

/*
 * Count the frames of each event received at or after `from_ns` and before
 * `to_ns`, in `n_buckets` equal parts of that time.  Marks count as frames
 * without an event.  Any window takes about the same time: if it has more than
 * a few hundred blocks, these are not read (see `exact`).  Free the result with
 * evt_timeline_free(), which accepts an all-zero one.
 * Errors: EVT_ERR_ARG (an empty window, or no bucket), and those of reading.
 */
int evt_tape_timeline(evt_tape *tape, int64_t from_ns, int64_t to_ns,
    size_t n_buckets, evt_timeline *ret_timeline, evt_error *err);
void evt_timeline_free(evt_timeline *timeline);

/* ---- bookmarks ----------------------------------------------------------- */

typedef struct evt_bookmark {
	uint64_t seq;
	int64_t time_ns; /* the time that it marks */
	char *text;      /* NUL-terminated */
} evt_bookmark;

/* List the bookmarks that were not removed, by sequence number.  Free the list
 * with evt_bookmarks_free().  Errors: those of reading. */
int evt_tape_bookmarks(evt_tape *tape, evt_bookmark **ret_bookmarks,
    size_t *ret_n, evt_error *err);
void evt_bookmarks_free(evt_bookmark *bookmarks, size_t n);

/* The time of the last bookmark with this text.  Errors: EVT_ERR_NOTFOUND, and
 * those of reading. */
int evt_tape_find_bookmark(evt_tape *tape, const char *text, int64_t *ret_ns,
    evt_error *err);

/* ---- what is on a tape --------------------------------------------------- */

typedef struct evt_info_key {
	char *name;  /* event or source id, NUL-terminated; "": no event */
	bool is_int; /* the source id is an integer */
	uint64_t frames;
	int64_t first_ns, last_ns;
} evt_info_key;

typedef struct evt_info_conn {
	uint32_t conn;
	uint64_t frames;           /* received */
	uint64_t bytes;            /* payload bytes received */
	int64_t first_ns, last_ns; /* of the connection's frames and marks */
} evt_info_conn;

typedef struct evt_info_mark {
	uint64_t seq;
	int64_t time_ns;
	uint8_t opcode; /* enum evt_mark */
	uint32_t conn;
	char *json; /* the payload, NUL-terminated; a trackers mark comes
	               without its list */
} evt_info_mark;

typedef struct evt_info_segment {
	uint32_t no;
	char *file;     /* name within the tape */
	uint64_t bytes; /* size of the file */
	uint64_t frames;
	uint64_t first_seq;
	uint32_t blocks;
	int64_t first_ns, last_ns;
	bool sealed;
	bool indexed; /* tape.db covers it */
} evt_info_segment;

typedef struct evt_info {
	char id[37];       /* the tape's UUID */
	bool live;         /* a writer holds the tape */
	bool unclosed;     /* not live, and the last writer did not close it */
	const char *index; /* "ok", "missing", "stale", "damaged" */
	uint64_t frames, received, sent, marks;
	uint64_t first_seq, last_seq; /* 0 on an empty tape */
	int64_t first_ns, last_ns;
	uint64_t payload_bytes; /* of all frames */
	uint64_t stored_bytes;  /* on disk: segments, journal and index */
	uint64_t index_bytes, journal_bytes;
	uint64_t ring_files, ring_bytes; /* held for a trigger; their frames
	                                    are not counted */
	uint64_t n_damaged;              /* damaged places that were found */
	evt_info_segment *segments;
	size_t n_segments;
	evt_info_key *events;
	size_t n_events; /* most frames first */
	evt_info_key *sources;
	size_t n_sources; /* most frames first */
	evt_info_conn *conns;
	size_t n_conns; /* by number */
	evt_info_mark *mark;
	size_t n_marks; /* by sequence number */
} evt_info;

/* Which lists of evt_info to fill; the others stay empty. */
#define EVT_INFO_EVENTS 1u
#define EVT_INFO_SOURCES 2u
#define EVT_INFO_CONNS 4u
#define EVT_INFO_MARKS 8u
#define EVT_INFO_ALL 15u

/* Gather what is on the tape; free it with evt_info_free().  The list of sources
 * takes time for each source of each segment, the rest takes little.  Errors:
 * those of reading. */
int evt_tape_info(evt_tape *tape, evt_info **ret_info, evt_error *err);
/* The same with only the given lists: EVT_INFO_ bits. */
int evt_tape_info_of(evt_tape *tape, unsigned lists, evt_info **ret_info,
    evt_error *err);
void evt_info_free(evt_info *info);

/* ---- writing ------------------------------------------------------------- */

typedef struct evt_writer evt_writer;

#define EVT_SYNC_OFF (-1)

typedef struct evt_writer_options {
	const evt_profile *profile; /* finds the keys of received text frames;
	                               NULL: frames come with their keys */
	uint32_t block_bytes;   /* payload of a block: 1024 to EVT_PAYLOAD_MAX
	                         (1 MiB) */
	uint64_t segment_bytes; /* size at which a segment ends (64 MiB) */
	int64_t segment_age_ns; /* age at which it ends; 0: no limit (0) */
	uint64_t keep_bytes;    /* retention: total size of the segments; 0: no
	                           limit (0) */
	int64_t keep_age_ns;    /* retention: age of a segment's last frame, by
	                           the time that has passed; 0: no limit (0) */
	int64_t sync_ns;        /* time between two fdatasync(); 0: with every
	                           commit; EVT_SYNC_OFF: never (1 s) */
	int level;              /* of zstd: -7 to 22 (2) */
	bool existing;          /* fail if there is no tape (false) */
	bool no_journal;        /* write no journal: if the process dies, the
	                           frames of the open block are lost; for tapes
	                           that can be made again (false) */
	/* Called with one line of text about a repair, or about a failure that
	 * does not stop the writer.  May be NULL. */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
} evt_writer_options;

/* Fill in the defaults: those in brackets above. */
void evt_writer_options_init(evt_writer_options *ret_options);

/*
 * Open the tape at `path` for writing; create it if there is none.  A tape that
 * was not closed is recovered first: the complete records of its journal become
 * its last block.  New frames are appended.  `options` may be NULL (defaults)
 * and is copied; the profile must outlive the writer.
 * Errors: EVT_ERR_LOCKED, _NOTATAPE, _VERSION, _CORRUPT, _FULL, _IO, _NOMEM,
 * _ARG.
 */
int evt_writer_open(const char *path, const evt_writer_options *options,
    evt_writer **ret_writer, evt_error *err);

/*
 * Add a frame.  The caller sets time_ns, mono_ns, kind, opcode, conn, payload
 * and len.  It also sets event and sources if the writer has no profile or the
 * frame is not received text.  On return seq, event and sources are set; they
 * point into the writer until its next call.  The frame survives the death of
 * the process only after evt_writer_commit().
 * Errors: EVT_ERR_ARG for a payload over EVT_PAYLOAD_MAX or a bad kind;
 * otherwise those of commit, and the frame is not on the tape.
 */
int evt_writer_put(evt_writer *writer, evt_frame *frame, evt_error *err);

/*
 * Write the frames that were put to the journal, and sync as the options say.
 * A failed commit loses nothing: call it again.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM.
 */
int evt_writer_commit(evt_writer *writer, evt_error *err);

/*
 * Do what is due: syncs, rotation and retention by age, bookmarks that
 * evt_bookmark_add() left for this writer.  Commits.  Call it about once a
 * second, also when there are no frames.  Errors: those of commit.
 */
int evt_writer_tick(evt_writer *writer, evt_error *err);

/* End the segment now.  An empty segment stays.  Errors: those of commit. */
int evt_writer_rotate(evt_writer *writer, evt_error *err);

/*
 * Commit, seal the segment, update the index, sync, and free the writer.  The
 * writer is freed after a failure, too; the journal then keeps the frames that
 * are in no segment.  Errors: those of commit, EVT_ERR_INDEX.
 */
int evt_writer_close(evt_writer *writer, evt_error *err);

/* The number for the next connection: one more than the highest on the tape. */
uint32_t evt_writer_next_conn(const evt_writer *writer);

/* How long syncs took: within[i] counts those that took EVT_SYNC_BOUND_NS(i) or
 * less.  Failed syncs count, too. */
#define EVT_SYNC_BOUNDS 16
#define EVT_SYNC_BOUND_NS(i) (INT64_C(250000) << (i)) /* 250 us to 8 s */
typedef struct evt_sync_times {
	uint64_t within[EVT_SYNC_BOUNDS];
	uint64_t count;
	int64_t sum_ns;
} evt_sync_times;

typedef struct evt_writer_stats {
	uint64_t frames;        /* put since the writer was opened */
	uint64_t received;      /* received frames among these */
	uint64_t payload_bytes; /* of the received frames */
	uint64_t stored_bytes;  /* added to the segments, plus the journal */
	uint64_t sources;       /* distinct sources since then */
	uint64_t blocks;        /* written since then */
	uint64_t last_seq;      /* highest sequence number on the tape */
	uint64_t recovered; /* frames recovered from the journal at opening */
	uint32_t segment;   /* number of the current segment */
	uint32_t first_segment; /* number of the oldest segment */
	evt_sync_times syncs;   /* of segments and journal together */
} evt_writer_stats;
void evt_writer_get_stats(const evt_writer *writer,
    evt_writer_stats *ret_stats);

/*
 * Set a bookmark with the text at `time_ns`, whether or not a recorder holds the
 * tape.  If one does, a file in the journal folder asks the recorder to set it,
 * which happens within about a second; *ret_queued is then true.
 * Errors: EVT_ERR_ARG (a text of more than 4096 bytes), and those of evt_writer_open() and evt_writer_put().
 */
int evt_bookmark_add(const char *path, const char *text, int64_t time_ns,
    bool *ret_queued, evt_error *err);

/*
 * Ask the recorder that holds the tape to keep the frames of the last seconds,
 * and to set a bookmark with the text unless that is NULL.  The recorder must
 * have been started to hold frames for a trigger.  It takes the request within
 * about a second.
 * Errors: EVT_ERR_NOTFOUND (no recorder holds the tape, or it holds no frames
 * for a trigger), and those of evt_bookmark_add().
 */
int evt_bookmark_trigger(const char *path, const char *text, evt_error *err);

/* Remove the bookmark with the sequence number `seq`, in the same way.  Its frame
 * stays; another frame says that it is removed.  Errors: EVT_ERR_NOTFOUND, and
 * those of evt_bookmark_add(). */
int evt_bookmark_remove(const char *path, uint64_t seq, bool *ret_queued,
    evt_error *err);

/*
 * Rebuild tape.db from the segments alone.  *ret_damaged (may be NULL): how many
 * damaged places were found and skipped.
 * Errors: EVT_ERR_LOCKED while a recorder holds the tape, EVT_ERR_INDEX, and
 * those of reading.
 */
int evt_tape_reindex(const char *path, uint64_t *ret_damaged, evt_error *err);

#ifdef __cplusplus
}
#endif

#endif
