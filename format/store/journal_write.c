/* journal_write.c - write the journal; see journal.h. */
#include "format/store/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/layout.h"
#include "format/base/le.h"

/* A file larger than this is not kept to be used again. */
#define SPARE_MAX (4u << 20)

struct file {
	int fd; /* -1: it is not open */
	char *path;
	uint64_t bytes; /* written and whole */
	bool synced;    /* some of them were synced */
};

struct files {
	struct file *file;
	size_t n, cap;
};

struct evt_journal {
	const evt_io *io;
	char *dir;
	char *spare;  /* path of a file to be used again, blank */
	int spare_fd; /* -1: there is none */
	uint8_t uuid[EVT_UUID_LEN];
	struct files waiting; /* their blocks are being made, in this order */
	struct file now;      /* that is written to; fd -1: none yet */
	uint64_t first_seq;   /* of it, or of the batch if no file is open */
	bool torn;            /* bytes may follow the good ones */
	bool dir_dirty;       /* a file was made since the folder was synced */
	evt_buf batch;        /* records not yet written */
	struct files retired;
};

int
evt_journal_new(const evt_io *io, const char *dir, const uint8_t uuid[16],
    evt_journal **ret_journal, evt_error *err)
{
	evt_journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return evt_err_nomem(err);
	j->io = io;
	j->now.fd = j->spare_fd = -1;
	j->dir = strdup(dir);
	j->spare = evt_io_path_join(dir, EVT_JOURNAL_SPARE);
	if (j->dir == NULL || j->spare == NULL) {
		evt_journal_free(j);
		return evt_err_nomem(err);
	}
	memcpy(j->uuid, uuid, EVT_UUID_LEN);
	*ret_journal = j;
	return EVT_OK;
}

static void
journal_write_close_file(const evt_journal *j, struct file *f)
{
	if (f->fd >= 0)
		j->io->close(j->io->ctx, f->fd);
	f->fd = -1;
}

static void
journal_write_free_files(const evt_journal *j, struct files *list)
{
	for (size_t i = 0; i < list->n; i++) {
		journal_write_close_file(j, &list->file[i]);
		free(list->file[i].path);
	}
	free(list->file);
}

void
evt_journal_free(evt_journal *j)
{
	if (j == NULL)
		return;
	journal_write_close_file(j, &j->now);
	if (j->spare_fd >= 0)
		j->io->close(j->io->ctx, j->spare_fd);
	journal_write_free_files(j, &j->waiting);
	journal_write_free_files(j, &j->retired);
	free(j->now.path);
	free(j->spare);
	free(j->dir);
	evt_buf_free(&j->batch);
	free(j);
}

char *
evt_journal_path(const char *dir, uint64_t first_seq)
{
	char name[40];

	snprintf(name, sizeof(name), "%020" PRIu64 ".evj", first_seq);
	return evt_io_path_join(dir, name);
}

/* ---- records ---------------------------------------------------------------- */

static size_t
journal_write_record_size(const evt_frame *f)
{
	size_t n = JR_HEAD + JB_LEN + f->event_len + f->len;

	for (size_t i = 0; i < f->n_sources; i++)
		n += 2 + f->sources[i].len;
	return n;
}

int
evt_journal_reserve(evt_journal *j, const evt_frame *f, evt_error *err)
{
	if (journal_write_record_size(f) > EVT_JOURNAL_BODY_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a frame of %zu bytes with %zu sources is too large",
		    f->len, f->n_sources);
	return evt_buf_reserve(&j->batch, journal_write_record_size(f)) ?
	    EVT_OK :
	    evt_err_nomem(err);
}

static uint8_t *
journal_write_add_bytes(uint8_t *p, const void *from, size_t n)
{
	if (n > 0)
		memcpy(p, from, n);
	return p + n;
}

void
evt_journal_add(evt_journal *j, const evt_frame *f, bool in_lines)
{
	size_t n = journal_write_record_size(f);
	uint8_t *head = j->batch.data + j->batch.len, *body = head + JR_HEAD;
	uint8_t *p = body + JB_LEN;

	if (j->now.fd < 0 && j->batch.len == 0)
		j->first_seq = f->seq;
	evt_put64(body + JB_TIME, (uint64_t)f->time_ns);
	evt_put64(body + JB_MONO, (uint64_t)f->mono_ns);
	body[JB_KIND] = f->kind;
	body[JB_OPCODE] = f->opcode;
	body[JB_FLAGS] = in_lines ? JB_FLAG_IN_LINES : 0;
	body[JB_RESERVED] = 0;
	evt_put32(body + JB_CONN, f->conn);
	evt_put16(body + JB_EVENT_LEN,
	    f->event != NULL ? (uint16_t)f->event_len : JB_NO_EVENT);
	evt_put16(body + JB_RESERVED2, 0);
	evt_put32(body + JB_SOURCES, (uint32_t)f->n_sources);
	for (size_t i = 0; i < f->n_sources; i++) {
		*p++ = (uint8_t)f->sources[i].len;
		*p++ = f->sources[i].is_int;
		p = journal_write_add_bytes(p, f->sources[i].text,
		    f->sources[i].len);
	}
	p = journal_write_add_bytes(p, f->event,
	    f->event != NULL ? f->event_len : 0);
	p = journal_write_add_bytes(p, f->payload, f->len);
	evt_put32(head + JR_BODY, (uint32_t)(p - body));
	evt_put64(head + JR_SUM, XXH64(body, (size_t)(p - body), f->seq));
	j->batch.len += n;
}

/* ---- files ------------------------------------------------------------------ */

static int
journal_write_header(evt_journal *j, evt_error *err)
{
	uint8_t h[JH_LEN] = { 0 };
	int r;

	memcpy(h + JH_MAGIC, EVT_JOURNAL_MAGIC, 8);
	evt_put16(h + JH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(h + JH_SIZE, JH_LEN);
	memcpy(h + JH_UUID, j->uuid, EVT_UUID_LEN);
	evt_put64(h + JH_FIRST_SEQ, j->first_seq);
	evt_put64(h + JH_SUM, XXH64(h, JH_SUM, 0));
	r = evt_io_write_all(j->io, j->now.fd, h, JH_LEN, 0, j->now.path, err);
	if (r == EVT_OK)
		j->now.bytes = JH_LEN;
	return r;
}

/* Room for n more files, so that adding them cannot fail. */
static bool
journal_write_reserve_files(struct files *list, size_t n)
{
	return evt_grow(&list->file, &list->cap, list->n + n);
}

static int
journal_write_open_file(evt_journal *j, evt_error *err)
{
	struct file *f = &j->now;
	int fd = j->spare_fd;

	j->spare_fd = -1;
	if (fd >= 0 && j->io->rename(j->io->ctx, j->spare, f->path) != 0) {
		j->io->close(j->io->ctx, fd);
		fd = -1;
	}
	if (fd < 0)
		fd = j->io->open(j->io->ctx, f->path,
		    O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", f->path);
	f->fd = fd;
	f->synced = false;
	j->dir_dirty = true;
	return EVT_OK;
}

static int
journal_write_make_file(evt_journal *j, evt_error *err)
{
	struct file *f = &j->now;
	int r;

	if (f->fd < 0) {
		/* It will wait, and be retired after those that wait already. */
		if (!journal_write_reserve_files(&j->waiting, 1) ||
		    !journal_write_reserve_files(&j->retired, j->waiting.n + 1))
			return evt_err_nomem(err);
		free(f->path);
		f->path = evt_journal_path(j->dir, j->first_seq);
		if (f->path == NULL)
			return evt_err_nomem(err);
		f->bytes = 0;
		r = journal_write_open_file(j, err);
		if (r != EVT_OK)
			return r;
	}
	return f->bytes == 0 ? journal_write_header(j, err) : EVT_OK;
}

int
evt_journal_commit(evt_journal *j, evt_error *err)
{
	struct file *f = &j->now;
	int r;

	if (j->batch.len == 0)
		return EVT_OK;
	r = journal_write_make_file(j, err);
	if (r != EVT_OK)
		return r;
	if (j->torn) {
		if (j->io->ftruncate(j->io->ctx, f->fd, (off_t)f->bytes) != 0)
			return evt_err_sys(err, errno, "cannot cut %s back",
			    f->path);
		j->torn = false;
	}
	j->torn = true;
	r = evt_io_write_all(j->io, f->fd, j->batch.data, j->batch.len,
	    f->bytes, f->path, err);
	if (r != EVT_OK) {
		/* A reader stops at a torn record, so cutting it off now is
		 * only the better half; the next commit tries again. */
		if (j->io->ftruncate(j->io->ctx, f->fd, (off_t)f->bytes) == 0)
			j->torn = false;
		return r;
	}
	j->torn = false;
	f->bytes += j->batch.len;
	j->batch.len = 0;
	return EVT_OK;
}

static int
journal_write_sync_file(evt_journal *j, struct file *f, evt_error *err)
{
	if (f->fd < 0)
		return EVT_OK;
	if (j->io->fdatasync(j->io->ctx, f->fd) != 0)
		return evt_err_sys(err, errno, "cannot sync %s", f->path);
	f->synced = true;
	return EVT_OK;
}

int
evt_journal_sync(evt_journal *j, evt_error *err)
{
	int r;

	for (size_t i = 0; i < j->waiting.n; i++) {
		r = journal_write_sync_file(j, &j->waiting.file[i], err);
		if (r != EVT_OK)
			return r;
	}
	r = journal_write_sync_file(j, &j->now, err);
	if (r != EVT_OK)
		return r;
	if (j->dir_dirty) {
		r = evt_io_sync_dir(j->io, j->dir, err);
		if (r != EVT_OK)
			return r;
		j->dir_dirty = false;
	}
	return EVT_OK;
}

void
evt_journal_turn(evt_journal *j)
{
	assert(j->batch.len == 0);
	if (j->now.fd < 0)
		return;
	j->waiting.file[j->waiting.n++] = j->now; /* reserved */
	j->now = (struct file){ .fd = -1 };
}

/* Make the first n bytes of a file zero, from its header on. */
static bool
journal_write_blank(const evt_journal *j, int fd, uint64_t n)
{
	static const uint8_t zero[32u << 10];

	for (uint64_t at = 0; at < n; at += sizeof(zero)) {
		size_t k =
		    n - at < sizeof(zero) ? (size_t)(n - at) : sizeof(zero);

		if (evt_io_write_all(j->io, fd, zero, k, at, j->spare, NULL))
			return false;
	}
	return true;
}

/*
 * Keep a file for a later block.  If blocks come fast, creating files and freeing
 * their pages costs as much as writing them.  First the file gets a name that
 * readers do not open; a reader that has it open sees from the header that it
 * belongs to another block.  false: the file still has its old name.
 */
static bool
journal_write_keep_spare(evt_journal *j, const struct file *f)
{
	if (j->spare_fd >= 0 || f->bytes > SPARE_MAX ||
	    j->io->rename(j->io->ctx, f->path, j->spare) != 0)
		return false;
	j->spare_fd = f->fd;
	if (!journal_write_blank(j, f->fd, f->bytes))
		(void)evt_journal_drop_spare(j);
	return true;
}

/* Remove a file that was never synced, or keep it as the spare file.  false: it was
 * synced, or could not be removed. */
static bool
journal_write_discard(evt_journal *j, struct file *f)
{
	if (f->synced)
		return false;
	if (journal_write_keep_spare(j, f))
		return true;
	journal_write_close_file(j, f);
	return j->io->unlink(j->io->ctx, f->path) == 0;
}

void
evt_journal_retire(evt_journal *j)
{
	struct file f;

	if (j->waiting.n == 0)
		return;
	f = j->waiting.file[0];
	j->waiting.n--;
	memmove(j->waiting.file, j->waiting.file + 1, j->waiting.n * sizeof(f));
	if (journal_write_discard(j, &f)) {
		free(f.path);
		return;
	}
	/* Nothing is lost by a failed close: the records are in a segment. */
	journal_write_close_file(j, &f);
	j->retired.file[j->retired.n++] = f; /* reserved */
}

static uint64_t
journal_write_count_bytes(const struct files *list)
{
	uint64_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		n += list->file[i].bytes;
	return n;
}

uint64_t
evt_journal_retired_bytes(const evt_journal *j)
{
	return journal_write_count_bytes(&j->retired);
}

uint64_t
evt_journal_bytes(const evt_journal *j)
{
	return j->now.bytes + journal_write_count_bytes(&j->waiting);
}

size_t
evt_journal_pending(const evt_journal *j)
{
	return j->batch.len;
}

int
evt_journal_drop_retired(evt_journal *j, evt_error *err)
{
	while (j->retired.n > 0) {
		char *path = j->retired.file[j->retired.n - 1].path;

		if (j->io->unlink(j->io->ctx, path) != 0 && errno != ENOENT)
			return evt_err_sys(err, errno, "cannot remove %s",
			    path);
		free(path);
		j->retired.n--;
	}
	return EVT_OK;
}

bool
evt_journal_drop_spare(evt_journal *j)
{
	if (j->spare_fd < 0)
		return false;
	/* If it stays, the next recovery removes it. */
	(void)j->io->unlink(j->io->ctx, j->spare);
	j->io->close(j->io->ctx, j->spare_fd);
	j->spare_fd = -1;
	return true;
}
