/* io.c - see io.h. */
#include "format/base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/err.h"

/* Give a new file to the owner of its folder. */
static void
io_give(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".") :
	    slash == path            ? strdup("/") :
	                               strndup(path, (size_t)(slash - path));
	struct stat st;

	/* Some file systems cannot do that; the file then stays root's. */
	if (folder != NULL && stat(folder, &st) == 0 && st.st_uid != 0 &&
	    fchown(fd, st.st_uid, st.st_gid) != 0)
		errno = 0;
	free(folder);
}

/* A file that root creates in another user's tape must not lock out that user's
 * recorder, as a bookmark set with umask 077 would.  So give new files to the
 * owner of the folder.  An existing file may be a link to a file of root's: leave
 * it alone. */
static int
io_posix_open(void *ctx, const char *path, int flags, mode_t mode)
{
	int fd;

	(void)ctx;
	if ((flags & O_CREAT) == 0 || geteuid() != 0)
		return open(path, flags | O_CLOEXEC, mode);
	fd = open(path, flags | O_EXCL | O_CLOEXEC, mode);
	if (fd >= 0)
		io_give(fd, path);
	else if (errno == EEXIST && (flags & O_EXCL) == 0)
		fd = open(path, flags | O_CLOEXEC, mode);
	return fd;
}

static int
io_posix_close(void *ctx, int fd)
{
	(void)ctx;
	return close(fd);
}

static ssize_t
io_posix_pread(void *ctx, int fd, void *p, size_t n, off_t at)
{
	(void)ctx;
	return pread(fd, p, n, at);
}

static ssize_t
io_posix_pwrite(void *ctx, int fd, const void *p, size_t n, off_t at)
{
	(void)ctx;
	return pwrite(fd, p, n, at);
}

static int
io_posix_ftruncate(void *ctx, int fd, off_t size)
{
	(void)ctx;
	return ftruncate(fd, size);
}

static int
io_posix_fdatasync(void *ctx, int fd)
{
	(void)ctx;
	return fdatasync(fd);
}

static int
io_posix_fsync(void *ctx, int fd)
{
	(void)ctx;
	return fsync(fd);
}

static int
io_posix_rename(void *ctx, const char *from, const char *to)
{
	(void)ctx;
	return rename(from, to);
}

static int
io_posix_unlink(void *ctx, const char *path)
{
	(void)ctx;
	return unlink(path);
}

static int
io_posix_mkdir(void *ctx, const char *path, mode_t mode)
{
	(void)ctx;
	return mkdir(path, mode);
}

static int
io_posix_fstat(void *ctx, int fd, struct stat *st)
{
	(void)ctx;
	return fstat(fd, st);
}

static int
io_posix_stat(void *ctx, const char *path, struct stat *st)
{
	(void)ctx;
	return stat(path, st);
}

static bool
io_is_file(DIR *d, const struct dirent *e)
{
	struct stat st;

	if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
		return e->d_type == DT_REG;
	return fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
}

static int
io_posix_list(void *ctx, const char *path, evt_io_name *name, void *arg)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int why;

	(void)ctx;
	if (d == NULL)
		return -1;
	do {
		errno = 0; /* readdir() returns NULL at the end and on error */
		e = readdir(d);
	} while (e != NULL &&
	    (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
	        name(arg, e->d_name, io_is_file(d, e))));
	why = e == NULL ? errno : 0;
	closedir(d);
	errno = why;
	return why == 0 ? 0 : -1;
}

static int
io_posix_lock(void *ctx, int fd, int cmd, struct flock *lock)
{
	(void)ctx;
	return fcntl(fd, cmd, lock);
}

static char *
io_posix_mkdtemp(void *ctx, char *template)
{
	(void)ctx;
	return mkdtemp(template);
}

static int
io_posix_rmdir(void *ctx, const char *path)
{
	(void)ctx;
	return rmdir(path);
}

const evt_io evt_io_posix = {
	.open = io_posix_open,
	.close = io_posix_close,
	.pread = io_posix_pread,
	.pwrite = io_posix_pwrite,
	.ftruncate = io_posix_ftruncate,
	.fdatasync = io_posix_fdatasync,
	.fsync = io_posix_fsync,
	.rename = io_posix_rename,
	.unlink = io_posix_unlink,
	.mkdir = io_posix_mkdir,
	.fstat = io_posix_fstat,
	.stat = io_posix_stat,
	.list = io_posix_list,
	.lock = io_posix_lock,
	.mkdtemp = io_posix_mkdtemp,
	.rmdir = io_posix_rmdir,
};

int
evt_io_write_all(const evt_io *io, int fd, const void *p, size_t n, uint64_t at,
    const char *what, evt_error *err)
{
	const uint8_t *from = p;

	while (n > 0) {
		ssize_t k = io->pwrite(io->ctx, fd, from, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return evt_err_sys(err, errno, "cannot write %s", what);
		if (k == 0)
			return evt_err_sys(err, EIO, "cannot write %s", what);
		from += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return EVT_OK;
}

int
evt_io_sync_dir(const evt_io *io, const char *path, evt_error *err)
{
	int fd = io->open(io->ctx, path, O_RDONLY | O_DIRECTORY, 0), r = EVT_OK;

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot open folder %s", path);
	/* Some file systems cannot sync a folder and say EINVAL. */
	if (io->fsync(io->ctx, fd) != 0 && errno != EINVAL)
		r = evt_err_sys(err, errno, "cannot sync folder %s", path);
	io->close(io->ctx, fd);
	return r;
}

int
evt_io_sync_parent(const evt_io *io, const char *path, evt_error *err)
{
	size_t n = strlen(path);
	char *dir;
	int r;

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	while (n > 1 && path[n - 1] == '/')
		n--;
	dir = n > 0 ? strndup(path, n) : strdup(".");
	if (dir == NULL)
		return evt_err_nomem(err);
	r = evt_io_sync_dir(io, dir, err);
	free(dir);
	return r;
}

int
evt_io_read_at(const evt_io *io, int fd, void *p, size_t n, uint64_t at,
    const char *what, size_t *ret_n, evt_error *err)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = io->pread(io->ctx, fd, (uint8_t *)p + got, n - got,
		    (off_t)(at + got));

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return evt_err_sys(err, errno, "cannot read %s", what);
		if (k == 0)
			break;
		got += (size_t)k;
	}
	*ret_n = got;
	return EVT_OK;
}

char *
evt_io_path_join(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *path = malloc(n);

	if (path != NULL)
		snprintf(path, n, "%s/%s", dir, name);
	return path;
}
