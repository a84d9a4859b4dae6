/*
 * maintain.h - maintenance of a tape that no process records to: dropping old
 * segments, and compressing segments again.
 */
#ifndef EVT_FORMAT_WRITE_MAINTAIN_H
#define EVT_FORMAT_WRITE_MAINTAIN_H

#include "format/evtape.h"
#include "format/write/writer.h"

typedef struct evt_maintain_gc_options {
	uint64_t keep_bytes; /* bound on all segments together; 0: no bound */
	int64_t before_ns;   /* drop segments whose last frame came earlier,
	                        UTC; INT64_MIN: do not */
	bool dry_run;        /* only report what would be dropped */
} evt_maintain_gc_options;

typedef struct evt_maintain_gc_result {
	uint64_t segments, bytes; /* that were, or would be, dropped */
	uint64_t kept, kept_bytes;
} evt_maintain_gc_result;

/*
 * Drop whole segments, oldest first, with their index rows.  The newest sealed
 * one stays.  What counts at the start of the rest stays, too, in a start segment
 * (writer_start.c), which is not counted.
 * Errors: EVT_ERR_LOCKED (a recorder holds the tape; it can do this itself),
 * and those of evt_writer_open().
 */
int evt_maintain_gc(const char *path, const evt_maintain_gc_options *gc,
    evt_maintain_gc_result *ret_result, evt_error *err);

typedef struct evt_maintain_compact_options {
	int level;            /* zstd's compression level */
	uint32_t block_bytes; /* bytes of payload in a block */
	/* Called with the bytes that are done so far; returns true to stop, and
	 * the call returns EVT_END.  A segment that is being compressed then
	 * stays as it was.  May be NULL. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void (*notice)(void *ctx, const char *text); /* one line; may be NULL */
	void *ctx;
} evt_maintain_compact_options;

typedef struct evt_maintain_compact_result {
	uint64_t segments;      /* that were made smaller */
	uint64_t left;          /* unchanged: not smaller, or damaged */
	uint64_t damaged;       /* of these, damaged ones */
	uint64_t before, after; /* bytes of all segments */
} evt_maintain_compact_result;

/*
 * Compress each sealed segment again.  Frames, their numbers and times do not
 * change.  The new segment is written beside the old one, read back and
 * compared, and then renamed over it.  A damaged segment is not changed.
 * Errors: EVT_ERR_LOCKED, _NOTATAPE, _FULL, _IO, _NOMEM.
 */
int evt_maintain_compact(const char *path,
    const evt_maintain_compact_options *compact,
    evt_maintain_compact_result *ret_result, evt_error *err);

/* The same two with other clocks and file operations; env NULL: the real ones. */
int evt_maintain_gc_env(const char *path, const evt_maintain_gc_options *gc,
    const evt_writer_env *env, evt_maintain_gc_result *ret_result,
    evt_error *err);
int evt_maintain_compact_env(const char *path,
    const evt_maintain_compact_options *compact, const evt_writer_env *env,
    evt_maintain_compact_result *ret_result, evt_error *err);

#endif
