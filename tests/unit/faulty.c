/* faulty.c - see faulty.h. */
#include "tests/unit/faulty.h"

#include <errno.h>
#include <stdlib.h>

static bool
strikes(struct faulty *f)
{
	unsigned n = f->calls++;

	if (f->kind == NONE || n < f->at || (n > f->at && !f->dead))
		return false;
	errno = f->kind == FAIL_FULL ? ENOSPC :
	    f->kind == FAIL_INTERRUPTED ? EINTR : EIO;
	return true;
}

static int
f_open(void *ctx, const char *path, int flags, mode_t mode)
{
	return strikes(ctx) ? -1 : evt_io_posix.open(NULL, path, flags, mode);
}

static int
f_close(void *ctx, int fd)
{
	(void)ctx; /* a close that fails has closed all the same */
	return evt_io_posix.close(NULL, fd);
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
	return strikes(ctx) ? -1 : evt_io_posix.fdatasync(NULL, fd);
}

static int
f_fsync(void *ctx, int fd)
{
	return strikes(ctx) ? -1 : evt_io_posix.fsync(NULL, fd);
}

static int
f_rename(void *ctx, const char *from, const char *to)
{
	return strikes(ctx) ? -1 : evt_io_posix.rename(NULL, from, to);
}

static int
f_unlink(void *ctx, const char *path)
{
	return strikes(ctx) ? -1 : evt_io_posix.unlink(NULL, path);
}

static int
f_mkdir(void *ctx, const char *path, mode_t mode)
{
	return strikes(ctx) ? -1 : evt_io_posix.mkdir(NULL, path, mode);
}

evt_io
faulty_io(struct faulty *f)
{
	return (evt_io){ f, f_open, f_close, f_pwrite, f_ftruncate, f_fdatasync,
		f_fsync, f_rename, f_unlink, f_mkdir };
}
