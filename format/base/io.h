/*
 * io.h - all file operations of a tape, through one table.
 *
 * Whatever this library does to files goes through an evt_io, so that a test
 * can fail any call, or keep unsynced writes apart.  Each function is the
 * system call of its name (list and lock apart): it returns what that returns
 * and sets errno.  What is opened keeps the table that it was opened with.
 */
#ifndef EVT_FORMAT_BASE_IO_H
#define EVT_FORMAT_BASE_IO_H

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "format/evtape.h"

typedef bool evt_io_name(void *arg, const char *name, bool is_file);

typedef struct evt_io {
	void *ctx;
	int (*open)(void *ctx, const char *path, int flags, mode_t mode);
	int (*close)(void *ctx, int fd);
	ssize_t (*pread)(void *ctx, int fd, void *p, size_t n, off_t at);
	ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, off_t at);
	int (*ftruncate)(void *ctx, int fd, off_t size);
	int (*fdatasync)(void *ctx, int fd);
	int (*fsync)(void *ctx, int fd);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *path);
	int (*mkdir)(void *ctx, const char *path, mode_t mode);
	int (*fstat)(void *ctx, int fd, struct stat *st);
	int (*stat)(void *ctx, const char *path, struct stat *st);
	/* Tell name() what is in the folder, "." and ".." left out, until it
	 * returns false; is_file: it is a file, or a link to one.  Nothing else
	 * is to be opened: who opens a pipe waits for ever.  -1 and errno: the
	 * folder could not be read to its end. */
	int (*list)(void *ctx, const char *path, evt_io_name *name, void *arg);
	/* fcntl() with F_OFD_SETLK or F_OFD_GETLK. */
	int (*lock)(void *ctx, int fd, int cmd, struct flock *lock);
	/* A folder for temporary files, and its end. */
	char *(*mkdtemp)(void *ctx, char *template);
	int (*rmdir)(void *ctx, const char *path);
	const char *vfs; /* SQLite's way to files; NULL: its own */
} evt_io;

/* The system's own calls. */
extern const evt_io evt_io_posix;

/* Write all n bytes at `at`, however many calls it takes.  `what` names the
 * file in the error. */
int evt_io_write_all(const evt_io *io, int fd, const void *p, size_t n,
    uint64_t at, const char *what, evt_error *err);

/* Make what was created, renamed or removed in the folder survive a power
 * cut. */
int evt_io_sync_dir(const evt_io *io, const char *path, evt_error *err);

/* The same for the folder that `path` lies in. */
int evt_io_sync_parent(const evt_io *io, const char *path, evt_error *err);

/* Read n bytes at `at`; *ret_n tells how many there were (fewer only at the
 * end of the file). */
int evt_io_read_at(const evt_io *io, int fd, void *p, size_t n, uint64_t at,
    const char *what, size_t *ret_n, evt_error *err);

/* "dir/name" in memory of its own; NULL: out of memory. */
char *evt_io_path_join(const char *dir, const char *name);

#endif
