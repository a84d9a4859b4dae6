/*
 * testvfs.h - SQLite's file operations, reported to a test or failed by it.
 *
 * A VFS over the system's own.  Writes to shared memory (-shm) are not
 * reported: they do not outlive the processes that have it open.
 */
#ifndef EVT_TESTS_UNIT_LIB_TESTVFS_H
#define EVT_TESTS_UNIT_LIB_TESTVFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/io.h"

enum vfs_call {
	VFS_OPEN,
	VFS_READ,
	VFS_WRITE,
	VFS_TRUNCATE,
	VFS_SYNC,
	VFS_DELETE
};

/* Each may be NULL. */
struct testvfs_hooks {
	void *ctx;
	/* Asked before a call: 0, or the SQLite error that it fails with. */
	int (*before)(void *ctx, enum vfs_call call);
	void (*opened)(void *ctx, const char *path);
	void (*wrote)(void *ctx, const char *path, const void *p, size_t n,
	    uint64_t at);
	void (*truncated)(void *ctx, const char *path, uint64_t size);
	/* folder: its name is safe too. */
	void (*synced)(void *ctx, const char *path, bool folder);
	void (*removed)(void *ctx, const char *path, bool folder);
};

/* Register it; its name, for evt_io.vfs.  It does not sync for real. */
const char *testvfs_begin(const struct testvfs_hooks *hooks);
void testvfs_end(const char *name);

/* The system's operations, and SQLite's by the name given, without syncs. */
evt_io testvfs_quick_io(const char *vfs);

#endif
