/* testvfs.c - see testvfs.h. */
#include "tests/unit/lib/testvfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/unit/lib/tapes.h"

struct vfs {
	sqlite3_vfs base;
	sqlite3_vfs *real;
	struct testvfs_hooks hooks;
	char name[40];
};

struct file {
	sqlite3_file base;
	struct vfs *vfs;
	const char *path; /* NULL: one of SQLite's own, without a name */
	bool new_name;    /* a sync makes its name safe too */
	sqlite3_file *real;
};

#define F(f) ((struct file *)(f))
#define REAL(f) (F(f)->real)

static int
before(struct vfs *v, enum vfs_call call)
{
	return v->hooks.before != NULL ? v->hooks.before(v->hooks.ctx, call) :
	                                 SQLITE_OK;
}

/* ---- files --------------------------------------------------------------- */

static int
f_close(sqlite3_file *f)
{
	int r = REAL(f)->pMethods->xClose(REAL(f));

	free(REAL(f));
	return r;
}

static int
f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	int r = before(F(f)->vfs, VFS_READ);

	return r != SQLITE_OK ? r : REAL(f)->pMethods->xRead(REAL(f), p, n, at);
}

static int
f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	struct vfs *v = F(f)->vfs;
	int r = before(v, VFS_WRITE);

	if (r == SQLITE_OK)
		r = REAL(f)->pMethods->xWrite(REAL(f), p, n, at);
	if (r == SQLITE_OK && F(f)->path != NULL && v->hooks.wrote != NULL)
		v->hooks.wrote(v->hooks.ctx, F(f)->path, p, (size_t)n,
		    (uint64_t)at);
	return r;
}

static int
f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct vfs *v = F(f)->vfs;
	int r = before(v, VFS_TRUNCATE);

	if (r == SQLITE_OK)
		r = REAL(f)->pMethods->xTruncate(REAL(f), size);
	if (r == SQLITE_OK && F(f)->path != NULL && v->hooks.truncated != NULL)
		v->hooks.truncated(v->hooks.ctx, F(f)->path, (uint64_t)size);
	return r;
}

static int
f_sync(sqlite3_file *f, int flags)
{
	struct vfs *v = F(f)->vfs;
	int r = before(v, VFS_SYNC);

	(void)flags;
	if (r == SQLITE_OK && F(f)->path != NULL && v->hooks.synced != NULL) {
		v->hooks.synced(v->hooks.ctx, F(f)->path, F(f)->new_name);
		F(f)->new_name = false;
	}
	return r;
}

static int
f_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return REAL(f)->pMethods->xFileSize(REAL(f), size);
}

static int
f_lock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xLock(REAL(f), level);
}

static int
f_unlock(sqlite3_file *f, int level)
{
	return REAL(f)->pMethods->xUnlock(REAL(f), level);
}

static int
f_check_lock(sqlite3_file *f, int *out)
{
	return REAL(f)->pMethods->xCheckReservedLock(REAL(f), out);
}

static int
f_control(sqlite3_file *f, int op, void *arg)
{
	return REAL(f)->pMethods->xFileControl(REAL(f), op, arg);
}

static int
f_sector(sqlite3_file *f)
{
	return REAL(f)->pMethods->xSectorSize(REAL(f));
}

static int
f_device(sqlite3_file *f)
{
	return REAL(f)->pMethods->xDeviceCharacteristics(REAL(f));
}

static int
f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return REAL(f)->pMethods->xShmMap(REAL(f), page, size, extend, out);
}

static int
f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
	return REAL(f)->pMethods->xShmLock(REAL(f), at, n, flags);
}

static void
f_shm_barrier(sqlite3_file *f)
{
	REAL(f)->pMethods->xShmBarrier(REAL(f));
}

static int
f_shm_unmap(sqlite3_file *f, int remove)
{
	return REAL(f)->pMethods->xShmUnmap(REAL(f), remove);
}

/* Version 2: without memory mapped files, whose writes could not be seen. */
static const sqlite3_io_methods methods = { 2, f_close, f_read, f_write,
	f_truncate, f_sync, f_size, f_lock, f_unlock, f_check_lock, f_control,
	f_sector, f_device, f_shm_map, f_shm_lock, f_shm_barrier, f_shm_unmap,
	NULL, NULL };

/* ---- the file system ----------------------------------------------------- */

static int
v_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	struct vfs *v = (struct vfs *)vfs;
	int there = 1, r = before(v, VFS_OPEN);

	memset(f, 0, sizeof(struct file));
	if (r != SQLITE_OK)
		return r;
	F(f)->real = calloc(1, (size_t)v->real->szOsFile);
	assert_non_null(F(f)->real);
	if (path != NULL)
		v->real->xAccess(v->real, path, SQLITE_ACCESS_EXISTS, &there);
	r = v->real->xOpen(v->real, path, F(f)->real, flags, out);
	if (r != SQLITE_OK) {
		free(F(f)->real);
		return r;
	}
	F(f)->vfs = v;
	F(f)->path = path;
	/* The system's own syncs the folder of a log with the log. */
	F(f)->new_name = !there &&
	    (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
	f->pMethods = &methods;
	if (path != NULL && !there && v->hooks.opened != NULL)
		v->hooks.opened(v->hooks.ctx, path);
	return SQLITE_OK;
}

static int
v_delete(sqlite3_vfs *vfs, const char *path, int folder)
{
	struct vfs *v = (struct vfs *)vfs;
	int r = before(v, VFS_DELETE);

	if (r == SQLITE_OK)
		r = v->real->xDelete(v->real, path, 0);
	if (r == SQLITE_OK && v->hooks.removed != NULL)
		v->hooks.removed(v->hooks.ctx, path, folder);
	return r;
}

const char *
testvfs_begin(const struct testvfs_hooks *hooks)
{
	struct vfs *v = calloc(1, sizeof(*v));
	sqlite3_vfs *real = sqlite3_vfs_find(NULL);

	assert_non_null(v);
	assert_non_null(real);
	v->base = *real;
	v->real = real;
	v->hooks = *hooks;
	snprintf(v->name, sizeof(v->name), "testvfs-%p", (void *)v);
	v->base.pNext = NULL;
	v->base.zName = v->name;
	v->base.szOsFile = sizeof(struct file);
	v->base.xOpen = v_open;
	v->base.xDelete = v_delete;
	assert_int_equal(sqlite3_vfs_register(&v->base, 0), SQLITE_OK);
	return v->name;
}

void
testvfs_end(const char *name)
{
	sqlite3_vfs *v = sqlite3_vfs_find(name);

	assert_non_null(v);
	assert_int_equal(sqlite3_vfs_unregister(v), SQLITE_OK);
	free(v);
}

static int
no_sync(void *ctx, int fd)
{
	(void)ctx;
	(void)fd;
	return 0;
}

evt_io
testvfs_quick_io(const char *vfs)
{
	evt_io io = evt_io_posix;

	io.fsync = io.fdatasync = no_sync;
	io.vfs = vfs;
	return io;
}
