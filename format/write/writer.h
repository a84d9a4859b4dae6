/*
 * writer.h - open a writer with other clocks and file operations.
 *
 * Tests use this to fail a call or to move a clock.  evtape.h declares the
 * writer itself, writer_ext.h what our own libraries need of it.
 */
#ifndef EVT_FORMAT_WRITE_WRITER_H
#define EVT_FORMAT_WRITE_WRITER_H

#include "format/base/io.h"
#include "format/evtape.h"

/* What a writer uses of the system; no member but `ctx` may be NULL. */
typedef struct evt_writer_env {
	const evt_io *io;                /* must outlive the writer */
	int64_t (*steady_ns)(void *ctx); /* ns on a clock that is never set */
	int64_t (*wall_ns)(void *ctx);   /* UTC, ns since 1970 */
	void *ctx;                       /* for the two clocks */
} evt_writer_env;

/* evt_writer_open() with `env`, which is copied; NULL: the real system. */
int evt_writer_open_env(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err);

/* The same for a moment only, to set a bookmark: a recorder that starts
 * meanwhile waits, and is not refused (see evt_lock_take()). */
int evt_writer_open_brief(const char *path, const evt_writer_options *options,
    const evt_writer_env *env, evt_writer **ret_writer, evt_error *err);

/* Called after each segment, with the bytes that are done so far. */
typedef struct evt_writer_reindex_watch {
	void (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
} evt_writer_reindex_watch;

/* evt_tape_reindex() with other file operations.  `watch` may be NULL. */
int evt_writer_reindex_io(const char *path, const evt_io *io,
    const evt_writer_reindex_watch *watch, uint64_t *ret_damaged,
    evt_error *err);

#endif
