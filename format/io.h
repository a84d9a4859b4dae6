/*
 * io.h - the file operations that change a tape, through one table.
 *
 * Everything that the writer does to the disk goes through an evt_io, so that
 * a test can fail any call, or keep unsynced writes apart.  Each function is
 * the system call of its name: it returns what that returns and sets errno.
 */
#ifndef EVT_IO_H
#define EVT_IO_H

#include <sys/types.h>

#include "format/evtape.h"

typedef struct evt_io {
	void *ctx;
	int (*open)(void *ctx, const char *path, int flags, mode_t mode);
	int (*close)(void *ctx, int fd);
	ssize_t (*pwrite)(void *ctx, int fd, const void *p, size_t n, off_t at);
	int (*ftruncate)(void *ctx, int fd, off_t size);
	int (*fdatasync)(void *ctx, int fd);
	int (*fsync)(void *ctx, int fd);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *path);
	int (*mkdir)(void *ctx, const char *path, mode_t mode);
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

/* Read n bytes at `at`; *ret_n tells how many there were (fewer only at the
 * end of the file).  Reading changes nothing, so it is not in the table. */
int evt_io_read_at(int fd, void *p, size_t n, uint64_t at, const char *what,
    size_t *ret_n, evt_error *err);

/* "dir/name" in memory of its own; NULL: out of memory. */
char *evt_path_join(const char *dir, const char *name);

#endif
