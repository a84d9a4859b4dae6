/*
 * upkeep.h - what is done to a tape that nobody records to: retention, and
 * compressing it better.
 */
#ifndef EVT_FORMAT_WRITE_MAINTAIN_H
#define EVT_FORMAT_WRITE_MAINTAIN_H

#include "format/evtape.h"
#include "format/write/writer.h"

typedef struct evt_maintain_gc_options {
	uint64_t keep_bytes; /* total of the segments, 0: any */
	int64_t before_ns;   /* segments whose last frame came earlier go;
	                        INT64_MIN: none */
	bool dry_run;        /* only tell what would go */
} evt_maintain_gc_options;

typedef struct evt_maintain_gc_result {
	uint64_t segments, bytes; /* that were, or would be, removed */
	uint64_t kept, kept_bytes;
} evt_maintain_gc_result;

/*
 * Drop whole segments, oldest first, with their index rows.  The newest sealed
 * one stays.  Errors: EVT_ERR_LOCKED (a recorder holds it; one does this by
 * itself, with --keep-size), those of evt_writer_open().
 */
int evt_maintain_gc(const char *path, const evt_maintain_gc_options *gc,
    evt_maintain_gc_result *ret_result, evt_error *err);

typedef struct evt_maintain_compact_options {
	int level;            /* of zstd */
	uint32_t block_bytes; /* payload of a block */
	/* Told how many of the bytes are done; true: stop (EVT_END), between
	 * two segments or in one, which then stays as it was. */
	bool (*progress)(void *ctx, uint64_t done, uint64_t total);
	void (*notice)(void *ctx, const char *text); /* one line; may be NULL */
	void *ctx;
} evt_maintain_compact_options;

typedef struct evt_maintain_compact_result {
	uint64_t segments;      /* that were made smaller */
	uint64_t left;          /* that stay: not smaller, or damaged */
	uint64_t damaged;       /* of these, damaged ones */
	uint64_t before, after; /* bytes of all segments */
} evt_maintain_compact_result;

/*
 * Compress each sealed segment anew.  Frames, their numbers and times stay the
 * same.  A segment is made beside, read back and compared, and then takes the
 * old one's place at once; one that is damaged is left alone.
 * Errors: EVT_ERR_LOCKED, _NOTATAPE, _FULL, _IO, _NOMEM.
 */
int evt_maintain_compact(const char *path,
    const evt_maintain_compact_options *compact,
    evt_maintain_compact_result *ret_result, evt_error *err);

/* The same two on another system; env NULL: the real one. */
int evt_maintain_gc_env(const char *path, const evt_maintain_gc_options *gc,
    const evt_writer_env *env, evt_maintain_gc_result *ret_result,
    evt_error *err);
int evt_maintain_compact_env(const char *path,
    const evt_maintain_compact_options *compact, const evt_writer_env *env,
    evt_maintain_compact_result *ret_result, evt_error *err);

#endif
