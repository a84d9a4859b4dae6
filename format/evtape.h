/*
 * evtape.h - read and write tapes: recordings of live WebSocket event feeds.
 *
 * A tape is a directory of zstd segments, a journal and a SQLite index; its
 * layout is described in docs/format.md.  This header is all that a program
 * needs to read one:
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
 *  - Functions that can fail return an int of enum evt_code: 0 done, positive
 *    "nothing more", negative an error.  On an error the words for a person
 *    are in *err (which may be NULL) and the ret_ arguments are untouched.
 *  - Times are int64_t nanoseconds since 1970-01-01T00:00:00Z (UTC).  Sizes
 *    are bytes.  Text is UTF-8, and NUL-terminated only where it says so.
 *  - The library never prints and never exits.  A handle belongs to one
 *    thread at a time; different handles may be used by different threads.
 *  - Every x_close and x_free takes NULL.
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

/* The version of the library that is linked, as EVT_VERSION. */
const char *evt_version(void);

/* ---- errors ------------------------------------------------------------ */

enum evt_code {
	EVT_OK = 0,
	EVT_END = 1,   /* nothing more: the end of the window or the tape */
	EVT_AGAIN = 2, /* end for now: a live tape, or not due yet */
	EVT_ERR_NOMEM = -1, /* out of memory */
	EVT_ERR_IO = -2,    /* a system call failed; evt_error.sys is errno */
	EVT_ERR_FULL = -3,  /* no space left on the device, or a quota */
	EVT_ERR_CORRUPT =
	    -4, /* the bytes of a tape are not what they must be */
	EVT_ERR_VERSION =
	    -5, /* a tape, or a flag in it, newer than this library */
	EVT_ERR_NOTATAPE = -6, /* the path is no tape */
	EVT_ERR_LOCKED = -7,   /* another process is recording to the tape */
	EVT_ERR_ARG = -8,      /* a bad argument */
	EVT_ERR_INDEX = -9,    /* SQLite failed on tape.db */
	EVT_ERR_NOTFOUND = -10 /* no such frame, mark or source */
};

typedef struct evt_error {
	int code;       /* enum evt_code */
	int sys;        /* errno where a system call failed, else 0 */
	char text[512]; /* one line for a person, NUL-terminated, no newline */
} evt_error;

/* ---- frames ------------------------------------------------------------ */

enum evt_kind {
	EVT_KIND_RECEIVED = 0,
	EVT_KIND_SENT = 1, /* what the recorder sent, secrets blotted out */
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
	EVT_MARK_STOPPED = 2,      /* "stopped": it closed it */
	EVT_MARK_CONNECTED = 3,    /* "connected" */
	EVT_MARK_DISCONNECTED = 4, /* "disconnected": code, reason */
	EVT_MARK_GAP = 5,          /* "gap": frames, bytes, reason */
	EVT_MARK_CLOCK = 6,        /* "clock": the wall clock was set */
	EVT_MARK_BOOKMARK = 7,     /* "note": a bookmark set by a person */
	EVT_MARK_STATE = 8,        /* "state": the frames behind it are older
	                              than the window that was cut out: what
	                              each source last said before it */
	EVT_MARK_TRACKERS = 9,     /* "trackers": the platform's list, which
	                              says which tracker has which source */
	EVT_MARK_TRIGGER = 10,     /* "trigger": why frames are kept from here
	                              on, and what was held before it */
	EVT_MARK_ARMED = 11        /* "armed": frames behind it are kept only
	                              around a trigger */
};

/* The name of a mark's opcode, as in its payload; "unknown" if it has none. */
const char *evt_mark_name(unsigned opcode);

/* Longest event name or source id, in bytes.  Longer ones are no keys. */
#define EVT_KEY_MAX 255u
/* Largest payload of one frame, in bytes. */
#define EVT_PAYLOAD_MAX (256u << 20)

/* A source id.  An integer (int64_t range) is held as its decimal text. */
typedef struct evt_key {
	const char *text; /* len bytes, not NUL-terminated */
	uint32_t len;     /* 0 to EVT_KEY_MAX */
	bool is_int;      /* it stood in the frame as a JSON integer */
} evt_key;

typedef struct evt_frame {
	uint64_t seq;    /* sequence number: 1 for a tape's first, no gaps */
	int64_t time_ns; /* receive time, CLOCK_REALTIME */
	/*
	 * Steady time: the wall time at which the recorder started plus the
	 * CLOCK_BOOTTIME that went by since.  A step of the wall clock moves
	 * time_ns alone, so the difference of two mono_ns of one recorder run
	 * is the time that really passed.
	 */
	int64_t mono_ns;
	uint8_t kind;   /* enum evt_kind */
	uint8_t opcode; /* enum evt_opcode; for marks, enum evt_mark */
	uint32_t conn;  /* connection number on this tape, from 1; 0: none */
	uint32_t tape;  /* which of a cursor's tapes it came from, from 0 */
	const uint8_t *payload;
	size_t len;        /* bytes of payload */
	const char *event; /* event name, NULL if it has none */
	size_t event_len;
	const evt_key *sources; /* sources the frame names, each once */
	size_t n_sources;
} evt_frame;

/* ---- profiles: where a frame's keys stand ------------------------------- */

/*
 * Paths look like JSON pointers (RFC 6901, with ~0 and ~1) in which a
 * component that is a lone asterisk stands for every element of an array and
 * every member of an object: "/event", "/data/source_id", "/list/[x]/id" with
 * an asterisk for [x].
 */
typedef struct evt_profile evt_profile;

/*
 * Compile a profile.  event_paths: the first path that yields a string or an
 * integer names the event.  source_paths: every string or integer found at
 * any of them is a source.  Either list may be empty.
 * Errors: EVT_ERR_ARG for a path that is none, EVT_ERR_NOMEM.
 */
int evt_profile_new(const char *const *event_paths, size_t n_events,
    const char *const *source_paths, size_t n_sources,
    evt_profile **ret_profile, evt_error *err);
void evt_profile_free(evt_profile *profile);

/* ---- reading ------------------------------------------------------------ */

typedef struct evt_tape evt_tape;

/*
 * Open the tape at the directory `path` for reading.  Nothing in it is
 * changed, and a recorder may be writing to it.  A missing, stale or damaged
 * index costs time, not frames.
 * Errors: EVT_ERR_NOTATAPE, _VERSION, _CORRUPT, _IO, _NOMEM.
 */
int evt_tape_open(const char *path, evt_tape **ret_tape, evt_error *err);
void evt_tape_close(evt_tape *tape);

/* The path that the tape was opened with. */
const char *evt_tape_path(const evt_tape *tape);

/* Whether a recorder holds the tape now. */
bool evt_tape_live(const evt_tape *tape);

/* Receive times of the earliest and the latest frame.  EVT_ERR_NOTFOUND on an
 * empty tape. */
int evt_tape_span(evt_tape *tape, int64_t *ret_first_ns, int64_t *ret_last_ns,
    evt_error *err);

/* What a cursor yields.  All zero (or NULL) means everything. */
typedef struct evt_filter {
	bool has_from, has_to;
	int64_t from_ns;            /* frames received at or after this */
	int64_t to_ns;              /* frames received before this */
	const char *const *sources; /* frames that name any of these, by text */
	size_t n_sources;
	const char *const *events; /* frames of any of these events */
	size_t n_events;
	unsigned kinds;    /* bits 1u << enum evt_kind; 0: all */
	bool with_marks;   /* marks pass whatever sources, events and kinds are
	                     asked for */
	uint64_t from_seq; /* frames with this sequence number or a later one */
	bool read_ahead;   /* decode the next block on a thread of its own */
} evt_filter;

typedef struct evt_cursor evt_cursor;

/*
 * A cursor over the frames of n tapes that pass the filter (NULL: all), the
 * strings of which are copied.  Over one tape it yields them in sequence
 * order; over several, merged by receive time, ties in the order of the
 * tapes, each tape in its own sequence order.  The tapes must outlive it.
 * Errors: EVT_ERR_ARG, _NOMEM, _IO.
 */
int evt_cursor_open(evt_tape *const *tapes, size_t n, const evt_filter *filter,
    evt_cursor **ret_cursor, evt_error *err);
void evt_cursor_close(evt_cursor *cursor);

/*
 * The next frame.  What it points to stays valid until the next call on this
 * cursor.  EVT_END: the window is done.  EVT_AGAIN: end for now, a recorder
 * may still add to the tape; call again later.  EVT_ERR_CORRUPT: a block is
 * damaged and its frames are lost (err says where); the next call goes on
 * behind it.
 */
int evt_cursor_next(evt_cursor *cursor, evt_frame *ret_frame, evt_error *err);

/* Back to the first frame of the window, or to the first one received at or
 * after `time_ns` (still within the window). */
int evt_cursor_reset(evt_cursor *cursor, evt_error *err);
int evt_cursor_seek(evt_cursor *cursor, int64_t time_ns, evt_error *err);

/* Frames known to be lost so far to damaged blocks, and blocks read. */
typedef struct evt_cursor_stats {
	uint64_t blocks_read;
	uint64_t blocks_bad;
	uint64_t frames_lost;
} evt_cursor_stats;
void evt_cursor_get_stats(const evt_cursor *cursor,
    evt_cursor_stats *ret_stats);

/*
 * The last frame (by sequence) received before `time_ns` that names `source`
 * and, unless `event` is NULL, is of that event: the source's state at that
 * time.  Points into the tape until the next call of this function on it.
 * Errors: EVT_ERR_NOTFOUND and those of reading.
 */
int evt_tape_last_before(evt_tape *tape, const char *source, const char *event,
    int64_t time_ns, evt_frame *ret_frame, evt_error *err);

/*
 * For every source that a received frame of `event` before `time_ns` names:
 * give fn() the last such frame (by sequence) and which of its sources it is
 * for, in no particular order, until it returns something else than EVT_OK,
 * which is then returned.  What it is given is valid during the call; fn must
 * not use the tape.  Errors: those of reading.
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
	bool exact; /* else the frames of a block were spread evenly over
	                     the time that it covers */
	evt_timeline_event *events;
	size_t n_events;
} evt_timeline;

/*
 * Count the frames of each event received from from_ns on and before to_ns,
 * marks among those without an event, in n_buckets equal parts of that time.
 * It takes about as long for any window: where more than a few hundred blocks
 * lie in it, they are not read, see `exact`.  Free it with
 * evt_timeline_free(); all zero is legal there.
 * Errors: EVT_ERR_ARG (an empty window, or no bucket), and those of reading.
 */
int evt_tape_timeline(evt_tape *tape, int64_t from_ns, int64_t to_ns,
    size_t n_buckets, evt_timeline *ret_timeline, evt_error *err);
void evt_timeline_free(evt_timeline *timeline);

/* ---- bookmarks ----------------------------------------------------------- */

typedef struct evt_bookmark {
	uint64_t seq;
	int64_t time_ns; /* that it marks */
	char *text;      /* NUL-terminated */
} evt_bookmark;

/* The notes on a tape that were not removed, by sequence number; free with
 * evt_bookmarks_free(). */
int evt_tape_bookmarks(evt_tape *tape, evt_bookmark **ret_notes, size_t *ret_n,
    evt_error *err);
void evt_bookmarks_free(evt_bookmark *notes, size_t n);

/* The receive time of the last of them whose text is `text`. */
int evt_tape_find_bookmark(evt_tape *tape, const char *text, int64_t *ret_ns,
    evt_error *err);

/* ---- what is on a tape --------------------------------------------------- */

typedef struct evt_info_key {
	char *name;  /* event or source id, NUL-terminated; "" for none */
	bool is_int; /* a source id that is an integer */
	uint64_t frames;
	int64_t first_ns, last_ns;
} evt_info_key;

typedef struct evt_info_conn {
	uint32_t conn;
	uint64_t frames;           /* received */
	uint64_t bytes;            /* payload bytes received */
	int64_t first_ns, last_ns; /* of its frames and marks */
} evt_info_conn;

typedef struct evt_info_mark {
	uint64_t seq;
	int64_t time_ns;
	uint8_t opcode; /* enum evt_mark */
	uint32_t conn;
	char *json; /* the payload, NUL-terminated; that of a trackers
	                      mark without its list */
} evt_info_mark;

typedef struct evt_info_segment {
	uint32_t no;
	char *file;     /* name within the tape */
	uint64_t bytes; /* stored */
	uint64_t frames;
	uint64_t first_seq;
	uint32_t blocks;
	int64_t first_ns, last_ns;
	bool sealed;
	bool indexed; /* tape.db holds it */
} evt_info_segment;

typedef struct evt_info {
	char id[37];       /* the tape's UUID */
	bool live;         /* a recorder holds it */
	bool unclosed;     /* not live, and its last writer did not close it */
	const char *index; /* "ok", "missing", "stale", "damaged" */
	uint64_t frames, received, sent, marks;
	uint64_t first_seq, last_seq; /* 0 on an empty tape */
	int64_t first_ns, last_ns;
	uint64_t payload_bytes; /* of all frames */
	uint64_t stored_bytes;  /* segments, journal and index on disk */
	uint64_t index_bytes, journal_bytes;
	uint64_t ring_files, ring_bytes; /* held for a trigger, not counted
	                                    among the frames */
	uint64_t n_damaged;              /* damaged places met while looking */
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

/* Lists of evt_info that are asked for; what is not is left empty. */
#define EVT_INFO_EVENTS 1u
#define EVT_INFO_SOURCES 2u
#define EVT_INFO_CONNS 4u
#define EVT_INFO_MARKS 8u
#define EVT_INFO_ALL 15u

/* Gather what is on the tape; free it with evt_info_free().  Sources take time
 * for each that a segment has, the rest hardly any. */
int evt_tape_info(evt_tape *tape, evt_info **ret_info, evt_error *err);
/* The same with only these lists. */
int evt_tape_info_of(evt_tape *tape, unsigned lists, evt_info **ret_info,
    evt_error *err);
void evt_info_free(evt_info *info);

/* ---- writing ------------------------------------------------------------- */

typedef struct evt_writer evt_writer;

#define EVT_SYNC_OFF (-1)

typedef struct evt_writer_options {
	const evt_profile
	    *profile;         /* keys of received text frames; NULL: frames
	                               carry their own */
	uint32_t block_bytes; /* payload of a block (1 MiB) */
	uint64_t
	    segment_bytes; /* stored size at which a segment ends (64 MiB) */
	int64_t segment_age_ns; /* age at which it ends; 0: any age */
	uint64_t keep_bytes;    /* retention: total of the segments; 0: all */
	int64_t keep_age_ns;    /* retention: age of the last frame, by the time
	                            that passed; 0: any */
	int64_t sync_ns;        /* between fdatasyncs; 0: each commit;
	                            EVT_SYNC_OFF: never (1 s) */
	int level;              /* of zstd (2) */
	bool existing;          /* refuse to make a new tape */
	bool no_journal;        /* frames that are in no block yet are lost
	                            with the process: for tapes that can be
	                            made again */
	/* Told, in one line, what was mended or could not be done but is no
	 * reason to stop.  May be NULL. */
	void (*notice)(void *ctx, const char *text);
	void *notice_ctx;
} evt_writer_options;

/* Fill in the defaults, named in brackets above. */
void evt_writer_options_init(evt_writer_options *ret_options);

/*
 * Open the tape at `path` for writing; make it if there is none.  A tape that
 * was not closed is first recovered: the journal's complete records become
 * its last block.  What is written goes behind what is there.  options may be
 * NULL and are copied (the profile must outlive the writer).
 * Errors: EVT_ERR_LOCKED, _NOTATAPE, _VERSION, _CORRUPT, _FULL, _IO, _NOMEM.
 */
int evt_writer_open(const char *path, const evt_writer_options *options,
    evt_writer **ret_writer, evt_error *err);

/*
 * Add a frame.  The caller sets time_ns, mono_ns, kind, opcode, conn, payload
 * and len (and event and sources, if the writer has no profile or the frame
 * is not received text).  On return seq, event and sources are set; they
 * point into the writer until its next call.  The frame is safe from the
 * death of the process only after evt_writer_commit().
 * Errors: EVT_ERR_ARG for a payload over EVT_PAYLOAD_MAX or a bad kind; else
 * as for commit, the frame is then not on the tape.
 */
int evt_writer_put(evt_writer *writer, evt_frame *frame, evt_error *err);

/*
 * Write what was put to the journal, and sync as the options say.  After a
 * failure nothing is lost yet: the call may be made again.
 * Errors: EVT_ERR_FULL, _IO, _NOMEM.
 */
int evt_writer_commit(evt_writer *writer, evt_error *err);

/*
 * Housekeeping, to be called about once a second also when there are no
 * frames: syncs that are due, rotation and retention by age, notes left by
 * evt_bookmark_add().  Commits.
 */
int evt_writer_tick(evt_writer *writer, evt_error *err);

/* End the segment now (SIGHUP).  Does nothing where it would be empty. */
int evt_writer_rotate(evt_writer *writer, evt_error *err);

/*
 * Commit, seal the segment, bring the index up to date, sync, and free the
 * writer, also on failure; the journal then keeps what is in no segment.
 */
int evt_writer_close(evt_writer *writer, evt_error *err);

/* The number for the next connection: one more than any on the tape. */
uint32_t evt_writer_next_conn(const evt_writer *writer);

/* How long syncs took: within[i] is how many took EVT_SYNC_BOUND_NS(i) or
 * less.  Those that failed count as well. */
#define EVT_SYNC_BOUNDS 16
#define EVT_SYNC_BOUND_NS(i) (INT64_C(250000) << (i)) /* 250 us to 8 s */
typedef struct evt_sync_times {
	uint64_t within[EVT_SYNC_BOUNDS];
	uint64_t count;
	int64_t sum_ns;
} evt_sync_times;

typedef struct evt_writer_stats {
	uint64_t frames;        /* put since the writer was opened */
	uint64_t received;      /* of these, received ones */
	uint64_t payload_bytes; /* of the received ones */
	uint64_t stored_bytes;  /* bytes added to segments, plus the journal */
	uint64_t sources;       /* distinct sources met since then */
	uint64_t blocks;        /* written since then */
	uint64_t last_seq;      /* of the tape */
	uint64_t recovered;     /* frames taken from the journal at opening */
	uint32_t segment;       /* number of the current segment */
	uint32_t first_segment; /* number of the oldest that is kept */
	evt_sync_times syncs;   /* of segment and journal together */
} evt_writer_stats;
void evt_writer_get_stats(const evt_writer *writer,
    evt_writer_stats *ret_stats);

/*
 * Set a bookmark with the given text at time_ns, whether or not a recorder
 * holds the tape: if one does, the note is left for it in the journal folder
 * and *ret_queued is true (it takes it within about a second).
 */
int evt_bookmark_add(const char *path, const char *text, int64_t time_ns,
    bool *ret_queued, evt_error *err);

/*
 * Have the recorder that holds the tape keep the frames of the last seconds
 * (evtape-record --keep-last) and set a bookmark with the text, unless that
 * is NULL.  It hears of it within about a second.
 * Errors: EVT_ERR_NOTFOUND (nobody records, or not with --keep-last),
 * EVT_ERR_ARG, and those of a note.
 */
int evt_bookmark_trigger(const char *path, const char *text, evt_error *err);

/* Take back the note with the sequence number `seq`, in the same way: its
 * frame stays, and another says that it counts no more. */
int evt_bookmark_remove(const char *path, uint64_t seq, bool *ret_queued,
    evt_error *err);

/*
 * Rebuild tape.db from the segments alone.  Refused while a recorder holds
 * the tape.  *ret_damaged (may be NULL) counts the damaged places passed.
 */
int evt_tape_reindex(const char *path, uint64_t *ret_damaged, evt_error *err);

#ifdef __cplusplus
}
#endif

#endif
