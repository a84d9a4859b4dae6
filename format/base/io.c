/* io.c - see io.h. */
#include "format/base/io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/err.h"

/* Split the path into a folder and a name, both within `buf`.  NULL and errno:
 * the path is too long. */
static const char *
io_split(const char *path, char buf[PATH_MAX], const char **ret_folder)
{
	size_t n = strlen(path);
	char *slash;

	if (n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(buf, path, n + 1);
	slash = strrchr(buf, '/');
	*ret_folder = slash == NULL ? "." : slash == buf ? "/" : buf;
	if (slash == NULL)
		return buf;
	*slash = '\0';
	return slash + 1;
}

static bool
io_ends_with(const char *path, size_t len, const char *name)
{
	size_t n = strlen(name);

	return len >= n && memcmp(path + len - n, name, n) == 0 &&
	    (len == n || path[len - n - 1] == '/');
}

/* How many folders at the end of the path belong to a tape. */
static int
io_own_folders(const char *path)
{
	size_t n = strlen(path);

	return io_ends_with(path, n, "journal")   ? 1 :
	    io_ends_with(path, n, "journal/ring") ? 2 :
	                                            0;
}

/* Open a folder; a tape's own folders may not be links. */
static int
io_open_folder(const char *path, int flags)
{
	char buf[PATH_MAX];
	const char *up, *name;
	struct stat st;
	int fd, parent, why;

	flags |= O_DIRECTORY | O_CLOEXEC;
	if (io_own_folders(path) == 0)
		return open(path, flags);
	name = io_split(path, buf, &up);
	if (name == NULL)
		return -1;
	parent = io_open_folder(up, O_PATH);
	if (parent < 0)
		return -1;
	fd = openat(parent, name, flags | O_NOFOLLOW);
	why = errno;
	if (fd < 0 && fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode))
		why = ELOOP;
	close(parent);
	errno = why;
	return fd;
}

/* Open the folder that holds `path`; *ret_name: the name in it, within `buf`. */
static int
io_open_parent(const char *path, char buf[PATH_MAX], const char **ret_name)
{
	const char *folder;

	*ret_name = io_split(path, buf, &folder);
	return *ret_name == NULL ? -1 : io_open_folder(folder, O_PATH);
}

/* The folder and the name for a call that follows no link at the end of a path.
 * Only a tape's own folders need to be opened for it. */
static int
io_at(const char *path, char buf[PATH_MAX], const char **ret_name)
{
	const char *folder;

	*ret_name = io_split(path, buf, &folder);
	if (*ret_name == NULL)
		return -1;
	/* "journal/." is the way to name a tape that is called so. */
	if (io_own_folders(folder) > 0 && strcmp(*ret_name, ".") != 0)
		return io_open_folder(folder, O_PATH);
	*ret_name = path;
	return AT_FDCWD;
}

static int
io_end(int dir, int result)
{
	int why = errno;

	if (dir != AT_FDCWD)
		close(dir);
	errno = why;
	return result;
}

/* A file that root creates in another user's tape must not lock out that user's
 * recorder, as a bookmark set with umask 077 would.  Some file systems cannot
 * give it away; the file then stays root's. */
static void
io_give(int dir, int fd)
{
	struct stat st;

	if (geteuid() == 0 && fstat(dir, &st) == 0 && st.st_uid != 0 &&
	    fchown(fd, st.st_uid, st.st_gid) != 0)
		errno = 0;
}

bool
evt_io_may_use(const struct stat *folder, const struct stat *file, bool write)
{
	mode_t bit = write ? S_IWOTH : S_IROTH;

	if (geteuid() != 0 || folder->st_uid == 0 ||
	    file->st_uid == folder->st_uid)
		return true;
	return (file->st_mode &
	           (file->st_gid == folder->st_gid ? bit << 3 : bit)) != 0;
}

static int
io_open_existing(int dir, const char *name, int flags)
{
	bool write = (flags & O_ACCMODE) != O_RDONLY;
	struct stat st, folder;
	int fd;

	/* Opening a pipe blocks, and opening a device may do anything: look
	 * first.  The name may mean another file by then: look again after. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ELOOP;
		return -1;
	}
	fd = openat(dir, name,
	    (flags & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_NOFOLLOW | O_NONBLOCK |
	        O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || fstat(dir, &folder) != 0)
		return io_end(fd, -1);
	errno = !S_ISREG(st.st_mode)             ? ELOOP :
	    !evt_io_may_use(&folder, &st, write) ? EACCES :
	                                           0;
	if (errno != 0 || (flags & O_TRUNC && ftruncate(fd, 0) != 0))
		return io_end(fd, -1);
	return fd;
}

static int
io_open_file(int dir, const char *name, int flags, mode_t mode)
{
	int fd = -1;

	if ((flags & O_CREAT) == 0)
		return io_open_existing(dir, name, flags);
	/* Twice, since the file may be removed between the two calls. */
	for (int i = 0; i < 2 && fd < 0; i++) {
		fd = openat(dir, name,
		    (flags & ~O_TRUNC) | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
		if (fd >= 0)
			io_give(dir, fd);
		else if (errno != EEXIST || flags & O_EXCL)
			break;
		else
			fd = io_open_existing(dir, name, flags);
		if (fd < 0 && errno != ENOENT)
			break;
	}
	return fd;
}

static int
io_posix_open(void *ctx, const char *path, int flags, mode_t mode)
{
	char buf[PATH_MAX];
	const char *name;
	int dir;

	(void)ctx;
	if (flags & O_DIRECTORY) /* only to sync it */
		return open(path, flags | O_CLOEXEC, mode);
	dir = io_open_parent(path, buf, &name);
	return dir < 0 ? -1 : io_end(dir, io_open_file(dir, name, flags, mode));
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

static off_t
io_posix_seek(void *ctx, int fd, off_t at, int whence)
{
	(void)ctx;
	return lseek(fd, at, whence);
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
	char from_buf[PATH_MAX], to_buf[PATH_MAX];
	const char *from_name, *to_name;
	int from_dir = io_at(from, from_buf, &from_name), to_dir, r;

	(void)ctx;
	if (from_dir == -1)
		return -1;
	to_dir = io_at(to, to_buf, &to_name);
	if (to_dir == -1)
		return io_end(from_dir, -1);
	r = renameat(from_dir, from_name, to_dir, to_name);
	return io_end(from_dir, io_end(to_dir, r));
}

static int
io_posix_unlink(void *ctx, const char *path)
{
	char buf[PATH_MAX];
	const char *name;
	int dir = io_at(path, buf, &name);

	(void)ctx;
	return dir == -1 ? -1 : io_end(dir, unlinkat(dir, name, 0));
}

static int
io_posix_mkdir(void *ctx, const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	const char *name;
	int dir = io_at(path, buf, &name);

	(void)ctx;
	return dir == -1 ? -1 : io_end(dir, mkdirat(dir, name, mode));
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
	char buf[PATH_MAX];
	const char *name;
	int dir;

	(void)ctx;
	/* A path that ends in a slash names the target of the link. */
	if (path[0] == '\0' || path[strlen(path) - 1] == '/')
		return stat(path, st);
	dir = io_at(path, buf, &name);
	return dir == -1 ?
	    -1 :
	    io_end(dir, fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW));
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
	int fd = io_open_folder(path, O_RDONLY), why;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	(void)ctx;
	if (d == NULL)
		return fd < 0 ? -1 : io_end(fd, -1);
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
	.seek = io_posix_seek,
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

bool
evt_io_is_stored(const evt_io *io, int fd, uint64_t at, uint64_t n)
{
	off_t hole;

	if (io->seek == NULL || n == 0)
		return true;
	hole = io->seek(io->ctx, fd, (off_t)at, SEEK_HOLE);
	/* A file system that knows no holes has none. */
	return hole < 0 ? errno != ENXIO : (uint64_t)hole - at >= n;
}

uint64_t
evt_io_next_stored(const evt_io *io, int fd, uint64_t at)
{
	off_t data;

	if (io->seek == NULL)
		return at;
	data = io->seek(io->ctx, fd, (off_t)at, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? UINT64_MAX : at;
	return (uint64_t)data > at ? (uint64_t)data : at;
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

char *
evt_io_resolve(const evt_io *io, const char *path)
{
	char *real = io->vfs == NULL ? realpath(path, NULL) : NULL;

	if (real == NULL && (io->vfs != NULL || errno != ENOMEM))
		real = strdup(path);
	return real;
}
