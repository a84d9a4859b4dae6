/* faulty.c - see faulty.h. */
#include "tests/unit/lib/fail_io.h"

#include <errno.h>
#include <stdlib.h>

#include <sqlite3.h>

/* Whether this call is one that fails; errno says how. */
static bool
strikes(struct faulty *f)
{
	unsigned n = f->calls++;

	if (f->kind == NONE || n < f->at || (n > f->at && !f->dead))
		return false;
	/* Nothing is interrupted each time that it is tried. */
	if (f->kind == FAIL_INTERRUPTED && (n - f->at) % 2 > 0)
		return false;
	errno = f->kind == FAIL_FULL    ? ENOSPC :
	    f->kind == FAIL_INTERRUPTED ? EINTR :
	                                  EIO;
	return true;
}

/* The same of a call that takes no room: a full disk does not hurt it. */
static bool
strikes_reader(struct faulty *f)
{
	return strikes(f) && f->kind != FAIL_FULL;
}

static int
f_open(void *ctx, const char *path, int flags, mode_t mode)
{
	bool struck = flags & O_CREAT ? strikes(ctx) : strikes_reader(ctx);

	return struck ? -1 : evt_io_posix.open(NULL, path, flags, mode);
}

static int
f_close(void *ctx, int fd)
{
	(void)ctx; /* a close that fails has closed all the same */
	return evt_io_posix.close(NULL, fd);
}

static ssize_t
f_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
	struct faulty *f = ctx;

	if (!strikes_reader(f))
		return evt_io_posix.pread(NULL, fd, p, n, at);
	if (f->kind != FAIL_SHORT)
		return -1;
	return evt_io_posix.pread(NULL, fd, p, n / 2 + (n == 1), at);
}

static ssize_t
f_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
	struct faulty *f = ctx;

	if (!strikes(f))
		return evt_io_posix.pwrite(NULL, fd, p, n, at);
	if (f->kind != FAIL_SHORT)
		return -1;
	/* Half of it, and a full disk for the rest. */
	f->kind = f->dead ? FAIL_FULL : NONE;
	return evt_io_posix.pwrite(NULL, fd, p, n / 2 + (n == 1), at);
}

static int
f_ftruncate(void *ctx, int fd, off_t size)
{
	return strikes(ctx) ? -1 : evt_io_posix.ftruncate(NULL, fd, size);
}

static int
f_fdatasync(void *ctx, int fd)
{
	(void)fd;
	return strikes(ctx) ? -1 : 0;
}

static int
f_fsync(void *ctx, int fd)
{
	(void)fd;
	return strikes(ctx) ? -1 : 0;
}

static int
f_rename(void *ctx, const char *from, const char *to)
{
	return strikes(ctx) ? -1 : evt_io_posix.rename(NULL, from, to);
}

static int
f_unlink(void *ctx, const char *path)
{
	return strikes_reader(ctx) ? -1 : evt_io_posix.unlink(NULL, path);
}

static int
f_mkdir(void *ctx, const char *path, mode_t mode)
{
	return strikes(ctx) ? -1 : evt_io_posix.mkdir(NULL, path, mode);
}

static int
f_fstat(void *ctx, int fd, struct stat *st)
{
	return strikes_reader(ctx) ? -1 : evt_io_posix.fstat(NULL, fd, st);
}

static int
f_stat(void *ctx, const char *path, struct stat *st)
{
	return strikes_reader(ctx) ? -1 : evt_io_posix.stat(NULL, path, st);
}

/* A listing that ends in the middle: the first name, and then a failure. */
struct cut_list {
	evt_io_name *name;
	void *arg;
};

static bool
first_name(void *arg, const char *name, bool is_file)
{
	struct cut_list *l = arg;

	l->name(l->arg, name, is_file);
	return false;
}

static int
f_list(void *ctx, const char *path, evt_io_name *name, void *arg)
{
	struct faulty *f = ctx;
	struct cut_list l = { name, arg };

	if (!strikes_reader(f))
		return evt_io_posix.list(NULL, path, name, arg);
	if (f->kind == FAIL_SHORT) {
		evt_io_posix.list(NULL, path, first_name, &l);
		errno = EIO;
	}
	return -1;
}

static int
f_lock(void *ctx, int fd, int cmd, struct flock *lock)
{
	return strikes_reader(ctx) ? -1 :
	                             evt_io_posix.lock(NULL, fd, cmd, lock);
}

static char *
f_mkdtemp(void *ctx, char *template)
{
	return strikes(ctx) ? NULL : evt_io_posix.mkdtemp(NULL, template);
}

static int
f_rmdir(void *ctx, const char *path)
{
	return strikes_reader(ctx) ? -1 : evt_io_posix.rmdir(NULL, path);
}

evt_io
faulty_io(struct faulty *f)
{
	return (evt_io){
		.ctx = f,
		.open = f_open,
		.close = f_close,
		.pread = f_pread,
		.pwrite = f_pwrite,
		.ftruncate = f_ftruncate,
		.fdatasync = f_fdatasync,
		.fsync = f_fsync,
		.rename = f_rename,
		.unlink = f_unlink,
		.mkdir = f_mkdir,
		.fstat = f_fstat,
		.stat = f_stat,
		.list = f_list,
		.lock = f_lock,
		.mkdtemp = f_mkdtemp,
		.rmdir = f_rmdir,
	};
}

static int
before_sqlite(void *ctx, enum vfs_call call)
{
	static const int errors[] = {
		[VFS_OPEN] = SQLITE_CANTOPEN,
		[VFS_READ] = SQLITE_IOERR_READ,
		[VFS_WRITE] = SQLITE_IOERR_WRITE,
		[VFS_TRUNCATE] = SQLITE_IOERR_TRUNCATE,
		[VFS_SYNC] = SQLITE_IOERR_FSYNC,
		[VFS_DELETE] = SQLITE_IOERR_DELETE,
	};
	struct faulty *f = ctx;

	if (!strikes(f))
		return SQLITE_OK;
	if (f->kind != FAIL_FULL && f->kind != FAIL_SHORT)
		return errors[call];
	return call == VFS_WRITE ? SQLITE_FULL :
	    f->kind == FAIL_FULL ? SQLITE_OK :
	                           errors[call];
}

struct testvfs_hooks
faulty_hooks(struct faulty *f)
{
	return (struct testvfs_hooks){ .ctx = f, .before = before_sqlite };
}
