/*
 * io.h - all file operations of a tape, through one table.
 *
 * All that this library does to the files of a tape goes through an evt_io, so
 * that a test can make any call fail or keep unsynced writes apart.  Each
 * function does what the system call of its name does (except list and lock),
 * with the same result and errno.  A handle keeps the table that it was opened
 * with.
 *
 * A tape may come from a stranger, or belong to a user who is not trusted while
 * root works on it.  So nothing inside of a tape is reached through a symbolic
 * link: neither a file, nor the folders `journal` and `journal/ring`.  The tape
 * itself may be named by a link, unless that link is called `journal` (then
 * write `journal/.`).  open() opens regular files only, and, as root in the
 * folder of another user, only what that user could open; it checks the file
 * after opening.  It fails with ELOOP (a link, or not a regular file) or EACCES.
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
	/* lseek() with SEEK_DATA or SEEK_HOLE: where data or a hole begins.  NULL:
	 * files have no holes. */
	off_t (*seek)(void *ctx, int fd, off_t at, int whence);
	int (*fdatasync)(void *ctx, int fd);
	int (*fsync)(void *ctx, int fd);
	int (*rename)(void *ctx, const char *from, const char *to);
	int (*unlink)(void *ctx, const char *path);
	int (*mkdir)(void *ctx, const char *path, mode_t mode);
	int (*fstat)(void *ctx, int fd, struct stat *st);
	/* As lstat(): of a link itself, not of its target. */
	int (*stat)(void *ctx, const char *path, struct stat *st);
	/* Call name() for each entry of the folder except "." and "..", until it
	 * returns false.  is_file: the entry is a file, or a link to one,
	 * which open() refuses.  -1 and errno: the folder
	 * could not be read to its end. */
	int (*list)(void *ctx, const char *path, evt_io_name *name, void *arg);
	/* fcntl() with F_OFD_SETLK or F_OFD_GETLK. */
	int (*lock)(void *ctx, int fd, int cmd, struct flock *lock);
	/* Create and remove a folder for temporary files. */
	char *(*mkdtemp)(void *ctx, char *template);
	int (*rmdir)(void *ctx, const char *path);
	const char *vfs; /* name of SQLite's VFS; NULL: its default */
} evt_io;

/* The system's own calls. */
extern const evt_io evt_io_posix;

/* Write all n bytes at the offset `at`, with as many calls as it takes.  `what`
 * names the file in the error. */
int evt_io_write_all(const evt_io *io, int fd, const void *p, size_t n,
    uint64_t at, const char *what, evt_error *err);

/* Sync the folder: files created, renamed or removed in it then survive a power
 * cut. */
int evt_io_sync_dir(const evt_io *io, const char *path, evt_error *err);

/* The same for the parent folder of `path`. */
int evt_io_sync_parent(const evt_io *io, const char *path, evt_error *err);

/* Read n bytes at the offset `at`.  *ret_n: how many were read, fewer than n only
 * at the end of the file. */
int evt_io_read_at(const evt_io *io, int fd, void *p, size_t n, uint64_t at,
    const char *what, size_t *ret_n, evt_error *err);

/*
 * Whether n bytes at the offset `at` are all on the disk.  A file of a stranger
 * may have holes, and so claim any size for nothing; no program of ours leaves
 * holes where it has written.
 */
#define EVT_IO_BELIEVED (4u << 20) /* fewer bytes need not be asked about */
bool evt_io_is_stored(const evt_io *io, int fd, uint64_t at, uint64_t n);

/* The first offset from `at` on that is in no hole; UINT64_MAX: there is none. */
uint64_t evt_io_next_stored(const evt_io *io, int fd, uint64_t at);

/* Whether this process may use a file of a folder. Root reads (with `write`:
 * writes) in another user's folder only files that this user could read
 * (write). */
bool evt_io_may_use(const struct stat *folder, const struct stat *file,
    bool write);

/* Allocate the path with its links resolved, or as it is if that is impossible
 * or `io` has another VFS; NULL: out of memory. */
char *evt_io_resolve(const evt_io *io, const char *path);

/* Allocate "dir/name"; NULL: out of memory. */
char *evt_io_path_join(const char *dir, const char *name);

#endif
