/*
 * powercut.c - see powercut.h.
 *
 * Each change is a struct change in the order of the calls.  A file is known
 * by a number of its own, which it keeps when it is renamed and beyond its
 * removal, as an inode is.
 */
#include "tests/unit/lib/powercut.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/buf.h"
#include "tests/unit/lib/tapes.h"
#include "tests/unit/lib/testvfs.h"

#define SECTOR 512u
#define NO_FILE UINT32_MAX

enum what {
	MAKE_FILE,
	MAKE_FOLDER,
	RENAME,
	REMOVE,
	WRITE,
	CUT_SIZE,
	SYNC,
	SYNC_FOLDER
};

struct change {
	enum what what;
	uint32_t file;   /* MAKE_FILE, RENAME, WRITE, CUT_SIZE, SYNC */
	char *name, *to; /* below the root; SYNC_FOLDER: the folder's */
	uint8_t *data;
	size_t len;
	uint64_t at;    /* CUT_SIZE: the new size */
	char *folder;   /* of the name that it makes, changes or removes */
	size_t safe_at; /* the sync that made it safe; 0: not synced yet */
};

struct name {
	char *path;
	uint32_t file; /* NO_FILE: a folder */
};

struct fd {
	uint32_t file;
	char *folder;
	bool used;
};

struct powercut {
	char *root;
	struct change *change;
	size_t n, cap;
	size_t safe;        /* the first ones were there before */
	struct name *names; /* as they are now */
	size_t n_names, cap_names;
	uint32_t n_files;
	struct fd *fds;
	size_t n_fds;
	const char *vfs;
};

static void *
grow(void *p, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return p;
	*cap = *cap * 2 + 16;
	p = realloc(p, *cap * size);
	assert_non_null(p);
	return p;
}

static char *
copy_text(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	assert_non_null(copy);
	return copy;
}

/* The part of a path below the root; NULL: it is not there. */
static const char *
below(const struct powercut *p, const char *path)
{
	size_t n = strlen(p->root);

	if (strncmp(path, p->root, n) != 0)
		return NULL;
	if (path[n] == '\0')
		return path + n;
	return path[n] == '/' ? path + n + 1 : NULL;
}

/* ---- the record ---------------------------------------------------------- */

static struct change *
note(struct powercut *p, enum what what, uint32_t file, const char *name)
{
	struct change *c;

	p->change = grow(p->change, p->n, &p->cap, sizeof(*c));
	c = &p->change[p->n++];
	*c = (struct change){ .what = what, .file = file };
	if (name != NULL)
		c->name = copy_text(name);
	return c;
}

static char *
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = copy_text(path);

	folder[slash != NULL ? slash - path : 0] = '\0';
	return folder;
}

/* A change of names, in the folder of `where`. */
static struct change *
note_name(struct powercut *p, enum what what, uint32_t file, const char *name,
    const char *where)
{
	struct change *c = note(p, what, file, name);

	c->folder = folder_of(where);
	return c;
}

static void
note_sync(struct powercut *p, uint32_t file)
{
	note(p, SYNC, file, NULL);
	for (size_t i = p->n - 1; i-- > 0;) {
		struct change *c = &p->change[i];

		if ((c->what == WRITE || c->what == CUT_SIZE) &&
		    c->file == file && c->safe_at == 0)
			c->safe_at = p->n;
	}
}

static void
note_folder_sync(struct powercut *p, const char *folder)
{
	note(p, SYNC_FOLDER, NO_FILE, folder);
	for (size_t i = p->n - 1; i-- > 0;) {
		struct change *c = &p->change[i];

		if (c->folder != NULL && strcmp(c->folder, folder) == 0 &&
		    c->safe_at == 0)
			c->safe_at = p->n;
	}
}

static struct name *
find_name(struct powercut *p, const char *path)
{
	for (size_t i = 0; i < p->n_names; i++) {
		if (strcmp(p->names[i].path, path) == 0)
			return &p->names[i];
	}
	return NULL;
}

static void
add_name(struct powercut *p, const char *path, uint32_t file)
{
	p->names = grow(p->names, p->n_names, &p->cap_names, sizeof(*p->names));
	p->names[p->n_names++] = (struct name){ copy_text(path), file };
}

static void
drop_name(struct powercut *p, struct name *name)
{
	free(name->path);
	*name = p->names[--p->n_names];
}

static uint32_t
note_file(struct powercut *p, const char *path)
{
	struct name *name = find_name(p, path);

	if (name != NULL)
		return name->file;
	note_name(p, MAKE_FILE, p->n_files, path, path);
	add_name(p, path, p->n_files);
	return p->n_files++;
}

static void
note_write(struct powercut *p, uint32_t file, const void *data, size_t n,
    uint64_t at)
{
	struct change *c = note(p, WRITE, file, NULL);

	c->data = malloc(n + 1);
	assert_non_null(c->data);
	memcpy(c->data, data, n);
	c->len = n;
	c->at = at;
}

static void
note_removed(struct powercut *p, const char *path)
{
	struct name *name = find_name(p, path);

	if (name == NULL) /* SQLite's shared memory, -shm */
		return;
	note_name(p, REMOVE, name->file, path, path);
	drop_name(p, name);
}

static void
note_folder_synced(struct powercut *p, const char *path)
{
	char *folder = folder_of(path);

	note_folder_sync(p, folder);
	free(folder);
}

/* ---- the operations ------------------------------------------------------ */

static void
set_fd(struct powercut *p, int fd, uint32_t file, const char *folder)
{
	size_t n = (size_t)fd + 1;

	if (n > p->n_fds) {
		p->fds = realloc(p->fds, n * sizeof(*p->fds));
		assert_non_null(p->fds);
		memset(p->fds + p->n_fds, 0, (n - p->n_fds) * sizeof(*p->fds));
		p->n_fds = n;
	}
	p->fds[fd] = (struct fd){ file,
		folder != NULL ? copy_text(folder) : NULL, true };
}

static struct fd *
get_fd(struct powercut *p, int fd)
{
	return (size_t)fd < p->n_fds && p->fds[fd].used ? &p->fds[fd] : NULL;
}

static int
p_open(void *ctx, const char *path, int flags, mode_t mode)
{
	struct powercut *p = ctx;
	const char *name = below(p, path);
	int fd = evt_io_posix.open(NULL, path, flags, mode);
	uint32_t file;

	if (fd < 0 || name == NULL)
		return fd;
	if (flags & O_DIRECTORY) {
		set_fd(p, fd, NO_FILE, name);
	} else if ((flags & O_ACCMODE) != O_RDONLY) {
		file = note_file(p, name);
		set_fd(p, fd, file, NULL);
		if (flags & O_TRUNC)
			note(p, CUT_SIZE, file, NULL)->at = 0;
	}
	return fd;
}

static int
p_close(void *ctx, int fd)
{
	struct fd *f = get_fd(ctx, fd);

	if (f != NULL) {
		free(f->folder);
		memset(f, 0, sizeof(*f));
	}
	return evt_io_posix.close(NULL, fd);
}

static ssize_t
p_pwrite(void *ctx, int fd, const void *data, size_t n, off_t at)
{
	ssize_t done = evt_io_posix.pwrite(NULL, fd, data, n, at);
	struct fd *f = get_fd(ctx, fd);

	if (done > 0 && f != NULL)
		note_write(ctx, f->file, data, (size_t)done, (uint64_t)at);
	return done;
}

static int
p_ftruncate(void *ctx, int fd, off_t size)
{
	int r = evt_io_posix.ftruncate(NULL, fd, size);
	struct fd *f = get_fd(ctx, fd);

	if (r == 0 && f != NULL)
		note(ctx, CUT_SIZE, f->file, NULL)->at = (uint64_t)size;
	return r;
}

static int
p_sync(void *ctx, int fd)
{
	struct fd *f = get_fd(ctx, fd);

	if (f != NULL && f->folder != NULL)
		note_folder_sync(ctx, f->folder);
	else if (f != NULL)
		note_sync(ctx, f->file);
	return 0;
}

static int
p_rename(void *ctx, const char *from, const char *to)
{
	struct powercut *p = ctx;
	const char *old_name = below(p, from), *new_name = below(p, to);
	int r = evt_io_posix.rename(NULL, from, to);
	struct name *name, *old;
	uint32_t file;

	if (r != 0 || old_name == NULL || new_name == NULL)
		return r;
	name = find_name(p, old_name);
	assert_non_null(name);
	file = name->file;
	note_name(p, RENAME, file, old_name, new_name)->to =
	    copy_text(new_name);
	drop_name(p, name);
	if ((old = find_name(p, new_name)) != NULL)
		drop_name(p, old);
	add_name(p, new_name, file);
	return 0;
}

static int
p_unlink(void *ctx, const char *path)
{
	struct powercut *p = ctx;
	int r = evt_io_posix.unlink(NULL, path);

	if (r == 0 && below(p, path) != NULL)
		note_removed(p, below(p, path));
	return r;
}

static int
p_mkdir(void *ctx, const char *path, mode_t mode)
{
	struct powercut *p = ctx;
	const char *name = below(p, path);
	int r = evt_io_posix.mkdir(NULL, path, mode);

	if (r == 0 && name != NULL) {
		note_name(p, MAKE_FOLDER, NO_FILE, name, name);
		add_name(p, name, NO_FILE);
	}
	return r;
}

evt_io
powercut_io(struct powercut *p)
{
	evt_io io =
	    evt_io_posix; /* operations that only read stay as they are */

	io.ctx = p;
	io.open = p_open;
	io.close = p_close;
	io.pwrite = p_pwrite;
	io.ftruncate = p_ftruncate;
	io.fdatasync = io.fsync = p_sync;
	io.rename = p_rename;
	io.unlink = p_unlink;
	io.mkdir = p_mkdir;
	io.vfs = p->vfs;
	return io;
}

/* ---- SQLite's ------------------------------------------------------------ */

static void
v_opened(void *ctx, const char *path)
{
	if (below(ctx, path) != NULL)
		note_file(ctx, below(ctx, path));
}

static void
v_wrote(void *ctx, const char *path, const void *data, size_t n, uint64_t at)
{
	if (below(ctx, path) != NULL)
		note_write(ctx, note_file(ctx, below(ctx, path)), data, n, at);
}

static void
v_truncated(void *ctx, const char *path, uint64_t size)
{
	if (below(ctx, path) != NULL)
		note(ctx, CUT_SIZE, note_file(ctx, below(ctx, path)), NULL)
		    ->at = size;
}

static void
v_synced(void *ctx, const char *path, bool folder)
{
	const char *name = below(ctx, path);

	if (name == NULL)
		return;
	note_sync(ctx, note_file(ctx, name));
	if (folder)
		note_folder_synced(ctx, name);
}

static void
v_removed(void *ctx, const char *path, bool folder)
{
	const char *name = below(ctx, path);

	if (name == NULL)
		return;
	note_removed(ctx, name);
	if (folder)
		note_folder_synced(ctx, name);
}

/* ---- files that existed before ------------------------------------------- */

static void
take_file(struct powercut *p, const char *path)
{
	uint32_t file = note_file(p, below(p, path));
	uint8_t bytes[16384];
	uint64_t at = 0;
	size_t n;
	FILE *f = fopen(path, "rb");

	assert_non_null(f);
	while ((n = fread(bytes, 1, sizeof(bytes), f)) > 0) {
		note_write(p, file, bytes, n, at);
		at += n;
	}
	assert_int_equal(fclose(f), 0);
}

struct taking {
	struct powercut *p;
	const char *folder;
};

static bool
take(void *arg, const char *name, bool is_file)
{
	struct taking *t = arg, inner = { t->p, in_dir(t->folder, name) };

	if (!is_file) {
		note(t->p, MAKE_FOLDER, NO_FILE, below(t->p, inner.folder));
		add_name(t->p, below(t->p, inner.folder), NO_FILE);
		assert_int_equal(evt_io_posix.list(NULL, inner.folder, take,
		                     &inner),
		    0);
	} else {
		take_file(t->p, inner.folder);
	}
	free((char *)(uintptr_t)inner.folder);
	return true;
}

struct powercut *
powercut_new(const char *root)
{
	struct powercut *p = calloc(1, sizeof(*p));
	struct testvfs_hooks hooks = { .ctx = p,
		.opened = v_opened,
		.wrote = v_wrote,
		.truncated = v_truncated,
		.synced = v_synced,
		.removed = v_removed };
	struct taking t = { p, root };

	assert_non_null(p);
	p->root = copy_text(root);
	assert_int_equal(evt_io_posix.list(NULL, root, take, &t), 0);
	p->safe = p->n;
	p->vfs = testvfs_begin(&hooks);
	return p;
}

void
powercut_free(struct powercut *p)
{
	testvfs_end(p->vfs);
	for (size_t i = 0; i < p->n; i++) {
		free(p->change[i].name);
		free(p->change[i].to);
		free(p->change[i].folder);
		free(p->change[i].data);
	}
	for (size_t i = 0; i < p->n_names; i++)
		free(p->names[i].path);
	for (size_t i = 0; i < p->n_fds; i++)
		free(p->fds[i].folder);
	free(p->change);
	free(p->names);
	free(p->fds);
	free(p->root);
	free(p);
}

size_t
powercut_changes(const struct powercut *p)
{
	return p->n - p->safe;
}

/* ---- the disk after a cut ------------------------------------------------ */

struct disk {
	enum cut cut;
	uint64_t random;
	size_t order; /* CUT_ORDER: later changes are lost */
	evt_buf *files;
	struct powercut at; /* its names alone */
};

static unsigned
draw(struct disk *d, unsigned n)
{
	d->random = d->random * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (unsigned)(d->random >> 33) % n;
}

static void
put_bytes(evt_buf *file, const uint8_t *from, size_t n, uint64_t at)
{
	if (at + n > file->len) {
		assert_true(evt_buf_reserve(file, at + n - file->len));
		memset(file->data + file->len, 0, at + n - file->len);
		file->len = at + n;
	}
	if (n > 0)
		memcpy(file->data + at, from, n);
}

static void
put_torn(struct disk *d, evt_buf *file, const struct change *c)
{
	uint8_t other[SECTOR];

	for (size_t done = 0, n; done < c->len; done += n) {
		unsigned fate = draw(d, 5);

		n = SECTOR - (c->at + done) % SECTOR;
		if (n > c->len - done)
			n = c->len - done;
		for (size_t i = 0; i < n; i++)
			other[i] = fate == 0 ? 0 : (uint8_t)draw(d, 256);
		if (fate < 2)
			put_bytes(file, other, n, c->at + done);
		else if (fate < 4)
			put_bytes(file, c->data + done, n, c->at + done);
	}
}

static void
apply(struct disk *d, const struct change *c, bool torn)
{
	struct name *name = c->name != NULL ? find_name(&d->at, c->name) : NULL;
	evt_buf *file = &d->files[c->file != NO_FILE ? c->file : 0];

	switch (c->what) {
	case MAKE_FILE:
	case MAKE_FOLDER:
		if (name != NULL)
			drop_name(&d->at, name);
		add_name(&d->at, c->name, c->file);
		break;
	case RENAME:
		if (name == NULL || name->file != c->file)
			break; /* it was never made */
		drop_name(&d->at, name);
		if ((name = find_name(&d->at, c->to)) != NULL)
			drop_name(&d->at, name);
		add_name(&d->at, c->to, c->file);
		break;
	case REMOVE:
		if (name != NULL && name->file == c->file)
			drop_name(&d->at, name);
		break;
	case WRITE:
		if (torn)
			put_torn(d, file, c);
		else
			put_bytes(file, c->data, c->len, c->at);
		break;
	case CUT_SIZE:
		if (c->at < file->len)
			file->len = c->at;
		else
			put_bytes(file, NULL, 0, c->at);
		break;
	case SYNC:
	case SYNC_FOLDER:
		break;
	}
}

static bool
arrives(struct disk *d, size_t i)
{
	return d->cut == CUT_KEPT || (d->cut == CUT_ORDER && i < d->order) ||
	    ((d->cut == CUT_RANDOM || d->cut == CUT_TORN) && draw(d, 2) == 0);
}

static void
store(const struct disk *d, const char *dir)
{
	for (int folders = 1; folders >= 0; folders--) {
		for (size_t i = 0; i < d->at.n_names; i++) {
			const struct name *n = &d->at.names[i];
			char *path = in_dir(dir, n->path);

			/* Entries of a folder that was lost are lost, too. */
			if (n->file == NO_FILE && folders) {
				mkdir(path, 0777);
			} else if (n->file != NO_FILE && !folders) {
				const evt_buf *b = &d->files[n->file];
				FILE *f = fopen(path, "wb");

				if (f != NULL && b->len > 0)
					assert_int_equal(fwrite(b->data, 1,
					                     b->len, f),
					    b->len);
				if (f != NULL)
					assert_int_equal(fclose(f), 0);
			}
			free(path);
		}
	}
}

const char *
powercut_name(enum cut cut)
{
	static const char *const names[CUTS] = { "kept", "lost", "in order",
		"at random", "torn" };

	return names[cut];
}

void
powercut_make(const struct powercut *p, size_t at, enum cut cut, unsigned seed,
    const char *dir)
{
	struct disk d = { .cut = cut,
		.random = seed * UINT64_C(0x9e3779b97f4a7c15) + at };

	at += p->safe;
	assert_true(at <= p->n);
	d.order = p->safe + draw(&d, (unsigned)(at - p->safe + 1));
	d.files = calloc(p->n_files + 1, sizeof(*d.files));
	assert_non_null(d.files);
	for (size_t i = 0; i < at; i++) {
		const struct change *c = &p->change[i];
		bool safe = i < p->safe || (c->safe_at > 0 && c->safe_at <= at);

		if (safe || arrives(&d, i))
			apply(&d, c,
			    !safe && cut == CUT_TORN && draw(&d, 3) > 0);
	}
	store(&d, dir);
	for (uint32_t i = 0; i < p->n_files; i++)
		evt_buf_free(&d.files[i]);
	for (size_t i = 0; i < d.at.n_names; i++)
		free(d.at.names[i].path);
	free(d.at.names);
	free(d.files);
}
