/*
 * lock.c - see lock.h.
 *
 * An open-file-description lock is released when the process ends, however it
 * ends.  Unlike flock(), it can be queried without being taken.
 */
#include "format/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "format/base/err.h"

/* A brief lock covers only the first byte.  So other processes can see from the
 * lock itself whether it is brief. */
#define BRIEF_LEN 1
/* While the lock is brief: the number of attempts, and the ns between them. */
#define TRIES 6000
#define TRY_NS 5000000

/* Read the process number in the lock file; "" if it has no digits. */
static void
lock_read_pid(const evt_io *io, int fd, char out[24])
{
	ssize_t n = io->pread(io->ctx, fd, out, 23, 0);

	out[n > 0 ? n : 0] = '\0';
	out[strspn(out, "0123456789")] = '\0';
}

static int
lock_refuse(const evt_io *io, int fd, const char *path, evt_error *err)
{
	char pid[24];

	lock_read_pid(io, fd, pid);
	return evt_err_set(err, EVT_ERR_LOCKED,
	    "%s is being recorded to by process %s; stop that first, or record "
	    "to another tape",
	    path, pid[0] != '\0' ? pid : "(unknown)");
}

/* Whether the lock of the other process is brief, or was released. */
static bool
lock_is_brief(const evt_io *io, int fd, bool brief)
{
	struct flock other = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_len = brief ? BRIEF_LEN : 0 };

	return io->lock(io->ctx, fd, F_OFD_GETLK, &other) == 0 &&
	    (other.l_type == F_UNLCK || other.l_len == BRIEF_LEN);
}

static int
lock_set(const evt_io *io, int fd, bool brief)
{
	const struct timespec pause = { .tv_nsec = TRY_NS };

	for (int i = 0;; i++) {
		struct flock lock = { .l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_len = brief ? BRIEF_LEN : 0 };
		int why;

		if (io->lock(io->ctx, fd, F_OFD_SETLK, &lock) == 0)
			return 0;
		why = errno;
		if ((why != EAGAIN && why != EACCES) || i == TRIES ||
		    !lock_is_brief(io, fd, brief)) {
			errno = why;
			return -1;
		}
		nanosleep(&pause, NULL);
	}
}

int
evt_lock_take(const evt_io *io, const char *path, bool brief, int *ret_fd,
    evt_error *err)
{
	char *name = evt_io_path_join(path, "journal/lock"), pid[24];
	int fd, n, r = EVT_OK;

	if (name == NULL)
		return evt_err_nomem(err);
	fd = io->open(io->ctx, name, O_RDWR | O_CREAT, 0666);
	if (fd < 0)
		r = evt_err_sys(err, errno, "cannot open %s", name);
	else if (lock_set(io, fd, brief) != 0)
		r = errno == EAGAIN || errno == EACCES ?
		    lock_refuse(io, fd, path, err) :
		    evt_err_sys(err, errno, "cannot lock %s", name);
	free(name);
	if (r != EVT_OK) {
		if (fd >= 0)
			io->close(io->ctx, fd);
		return r;
	}
	/* The text is only for people; a failure to write it does not matter. */
	n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (io->ftruncate(io->ctx, fd, 0) != 0 ||
	    io->pwrite(io->ctx, fd, pid, (size_t)n, 0) != n)
		errno = 0;
	*ret_fd = fd;
	return EVT_OK;
}

bool
evt_lock_held(const evt_io *io, const char *path)
{
	char *name = evt_io_path_join(path, "journal/lock");
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	bool held = false;
	int fd;

	if (name == NULL)
		return false;
	fd = io->open(io->ctx, name, O_RDONLY | O_NONBLOCK, 0);
	free(name);
	if (fd < 0)
		return false;
	if (io->lock(io->ctx, fd, F_OFD_GETLK, &lock) == 0)
		held = lock.l_type != F_UNLCK;
	io->close(io->ctx, fd);
	return held;
}

bool
evt_lock_is_at(const evt_io *io, const char *path, int fd)
{
	char *name = evt_io_path_join(path, "journal/lock");
	struct stat held, there;
	bool same;

	/* A failed call does not prove that the tape was removed. */
	if (name == NULL || io->fstat(io->ctx, fd, &held) != 0) {
		free(name);
		return true;
	}
	same = io->stat(io->ctx, name, &there) == 0 ?
	    held.st_dev == there.st_dev && held.st_ino == there.st_ino :
	    errno != ENOENT && errno != ENOTDIR;
	free(name);
	return same;
}
