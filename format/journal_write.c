/* journal_write.c - the writing half of journal.h. */
#include "format/journal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/err.h"
#include "format/layout.h"
#include "format/le.h"

/* A file larger than this is not kept to be used again. */
#define SPARE_MAX (4u << 20)

struct evt_journal {
	const evt_io *io;
	char *dir;
	char *spare;        /* path of a file to be used again, blank */
	int spare_fd;       /* -1: there is none */
	uint8_t uuid[EVT_UUID_LEN];
	int waiting_fd;     /* the file whose block is being made; -1: none */
	char *waiting;
	uint64_t waiting_bytes;
	bool waiting_synced;
	int fd;             /* -1: no file yet */
	char *path;
	uint64_t first_seq; /* of the file, or of the batch where there is none */
	uint64_t good;      /* bytes written and whole */
	bool synced;        /* some of its bytes were synced */
	bool torn;          /* bytes behind `good` may be there */
	bool dir_dirty;     /* a file was made since the folder was synced */
	evt_buf batch;      /* records not yet written */
	char **retired;
	size_t n_retired, cap_retired;
	uint64_t retired_bytes;
};

int
evt_journal_new(const evt_io *io, const char *dir, const uint8_t uuid[16],
    evt_journal **ret_journal, evt_error *err)
{
	evt_journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return evt_err_nomem(err);
	j->io = io;
	j->fd = j->waiting_fd = j->spare_fd = -1;
	j->dir = strdup(dir);
	j->spare = evt_path_join(dir, EVT_JOURNAL_SPARE);
	if (j->dir == NULL || j->spare == NULL) {
		evt_journal_free(j);
		return evt_err_nomem(err);
	}
	memcpy(j->uuid, uuid, EVT_UUID_LEN);
	*ret_journal = j;
	return EVT_OK;
}

void
evt_journal_free(evt_journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
		j->io->close(j->io->ctx, j->fd);
	if (j->waiting_fd >= 0)
		j->io->close(j->io->ctx, j->waiting_fd);
	if (j->spare_fd >= 0)
		j->io->close(j->io->ctx, j->spare_fd);
	for (size_t i = 0; i < j->n_retired; i++)
		free(j->retired[i]);
	free(j->retired);
	free(j->waiting);
	free(j->spare);
	free(j->path);
	free(j->dir);
	evt_buf_free(&j->batch);
	free(j);
}

char *
evt_journal_path(const char *dir, uint64_t first_seq)
{
	char name[40];

	snprintf(name, sizeof(name), "%020" PRIu64 ".evj", first_seq);
	return evt_path_join(dir, name);
}

/* ---- records ---------------------------------------------------------------- */

static size_t
record_size(const evt_frame *f)
{
	size_t n = JR_HEAD + JB_LEN + f->event_len + f->len;

	for (size_t i = 0; i < f->n_sources; i++)
		n += 2 + f->sources[i].len;
	return n;
}

int
evt_journal_reserve(evt_journal *j, const evt_frame *f, evt_error *err)
{
	if (record_size(f) > EVT_JOURNAL_BODY_MAX)
		return evt_err_set(err, EVT_ERR_ARG, "a frame of %zu bytes with "
		    "%zu sources is too large", f->len, f->n_sources);
	return evt_buf_reserve(&j->batch, record_size(f)) ? EVT_OK :
	    evt_err_nomem(err);
}

static uint8_t *
add_bytes(uint8_t *p, const void *from, size_t n)
{
	if (n > 0)
		memcpy(p, from, n);
	return p + n;
}

void
evt_journal_add(evt_journal *j, const evt_frame *f, bool in_lines)
{
	size_t n = record_size(f);
	uint8_t *head = j->batch.data + j->batch.len, *body = head + JR_HEAD;
	uint8_t *p = body + JB_LEN;

	if (j->fd < 0 && j->batch.len == 0)
		j->first_seq = f->seq;
	evt_put64(body + JB_TIME, (uint64_t)f->time_ns);
	evt_put64(body + JB_MONO, (uint64_t)f->mono_ns);
	body[JB_KIND] = f->kind;
	body[JB_OPCODE] = f->opcode;
	body[JB_FLAGS] = in_lines ? JB_FLAG_IN_LINES : 0;
	body[JB_RESERVED] = 0;
	evt_put32(body + JB_CONN, f->conn);
	evt_put16(body + JB_EVENT_LEN, f->event != NULL ?
	    (uint16_t)f->event_len : JB_NO_EVENT);
	evt_put16(body + JB_RESERVED2, 0);
	evt_put32(body + JB_SOURCES, (uint32_t)f->n_sources);
	for (size_t i = 0; i < f->n_sources; i++) {
		*p++ = (uint8_t)f->sources[i].len;
		*p++ = f->sources[i].is_int;
		p = add_bytes(p, f->sources[i].text, f->sources[i].len);
	}
	p = add_bytes(p, f->event, f->event != NULL ? f->event_len : 0);
	p = add_bytes(p, f->payload, f->len);
	evt_put32(head + JR_BODY, (uint32_t)(p - body));
	evt_put64(head + JR_SUM, XXH64(body, (size_t)(p - body), f->seq));
	j->batch.len += n;
}

/* ---- files ------------------------------------------------------------------ */

static int
write_header(evt_journal *j, evt_error *err)
{
	uint8_t h[JH_LEN] = { 0 };
	int r;

	memcpy(h + JH_MAGIC, EVT_JOURNAL_MAGIC, 8);
	evt_put16(h + JH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(h + JH_SIZE, JH_LEN);
	memcpy(h + JH_UUID, j->uuid, EVT_UUID_LEN);
	evt_put64(h + JH_FIRST_SEQ, j->first_seq);
	evt_put64(h + JH_SUM, XXH64(h, JH_SUM, 0));
	r = evt_io_write_all(j->io, j->fd, h, JH_LEN, 0, j->path, err);
	if (r == EVT_OK)
		j->good = JH_LEN;
	return r;
}

/* Room to retire one more file beside the one that waits, so that retiring
 * cannot fail. */
static bool
reserve_retired(evt_journal *j)
{
	size_t cap = j->cap_retired * 2 + 4;
	char **retired;

	if (j->n_retired + 1 < j->cap_retired)
		return true;
	retired = realloc(j->retired, cap * sizeof(*retired));
	if (retired == NULL)
		return false;
	j->retired = retired;
	j->cap_retired = cap;
	return true;
}

static int
open_file(evt_journal *j, evt_error *err)
{
	int fd = j->spare_fd;

	j->spare_fd = -1;
	if (fd >= 0 && j->io->rename(j->io->ctx, j->spare, j->path) != 0) {
		j->io->close(j->io->ctx, fd);
		fd = -1;
	}
	if (fd < 0)
		fd = j->io->open(j->io->ctx, j->path, O_RDWR | O_CREAT | O_TRUNC,
		    0666);
	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", j->path);
	j->fd = fd;
	j->dir_dirty = true;
	j->synced = false;
	return EVT_OK;
}

static int
make_file(evt_journal *j, evt_error *err)
{
	int r;

	if (j->fd < 0) {
		if (!reserve_retired(j))
			return evt_err_nomem(err);
		free(j->path);
		j->path = evt_journal_path(j->dir, j->first_seq);
		if (j->path == NULL)
			return evt_err_nomem(err);
		j->good = 0;
		if ((r = open_file(j, err)))
			return r;
	}
	return j->good == 0 ? write_header(j, err) : EVT_OK;
}

int
evt_journal_commit(evt_journal *j, evt_error *err)
{
	int r;

	if (j->batch.len == 0)
		return EVT_OK;
	if ((r = make_file(j, err)))
		return r;
	if (j->torn) {
		if (j->io->ftruncate(j->io->ctx, j->fd, (off_t)j->good) != 0)
			return evt_err_sys(err, errno, "cannot cut %s back",
			    j->path);
		j->torn = false;
	}
	j->torn = true;
	r = evt_io_write_all(j->io, j->fd, j->batch.data, j->batch.len,
	    j->good, j->path, err);
	if (r != EVT_OK) {
		/* A reader stops at a torn record, so cutting it off now is
		 * only the better half; the next commit tries again. */
		if (j->io->ftruncate(j->io->ctx, j->fd, (off_t)j->good) == 0)
			j->torn = false;
		return r;
	}
	j->torn = false;
	j->good += j->batch.len;
	j->batch.len = 0;
	return EVT_OK;
}

int
evt_journal_sync(evt_journal *j, evt_error *err)
{
	int r;

	if (j->waiting_fd >= 0 &&
	    j->io->fdatasync(j->io->ctx, j->waiting_fd) != 0)
		return evt_err_sys(err, errno, "cannot sync %s", j->waiting);
	j->waiting_synced = true;
	if (j->fd >= 0 && j->io->fdatasync(j->io->ctx, j->fd) != 0)
		return evt_err_sys(err, errno, "cannot sync %s", j->path);
	j->synced = true;
	if (j->dir_dirty) {
		if ((r = evt_io_sync_dir(j->io, j->dir, err)))
			return r;
		j->dir_dirty = false;
	}
	return EVT_OK;
}

void
evt_journal_turn(evt_journal *j)
{
	assert(j->waiting_fd < 0 && j->batch.len == 0);
	j->waiting_fd = j->fd;
	j->waiting = j->path;
	j->waiting_bytes = j->good;
	j->waiting_synced = j->synced;
	j->path = NULL;
	j->fd = -1;
	j->good = 0;
}

/* Make the first n bytes of a file zero, from its header on. */
static bool
blank(const evt_journal *j, int fd, uint64_t n)
{
	static const uint8_t zero[32u << 10];

	for (uint64_t at = 0; at < n; at += sizeof(zero)) {
		size_t k = n - at < sizeof(zero) ? (size_t)(n - at) :
		    sizeof(zero);

		if (evt_io_write_all(j->io, fd, zero, k, at, j->spare, NULL))
			return false;
	}
	return true;
}

/*
 * Keep the file that waits, to be used again: where blocks come fast, making
 * files and giving their pages back costs as much as writing to them.  It gets
 * a name that no reader knows first; who has it open sees by its header that
 * it is another's now.  false: it is where it was, under its own name.
 */
static bool
keep_spare(evt_journal *j)
{
	if (j->spare_fd >= 0 || j->waiting_bytes > SPARE_MAX ||
	    j->io->rename(j->io->ctx, j->waiting, j->spare) != 0)
		return false;
	j->spare_fd = j->waiting_fd;
	if (!blank(j, j->spare_fd, j->waiting_bytes))
		(void)evt_journal_drop_spare(j);
	return true;
}

void
evt_journal_retire(evt_journal *j)
{
	if (j->waiting_fd < 0)
		return;
	/* What was never synced need not outlive a power cut. */
	if (!j->waiting_synced && keep_spare(j)) {
		free(j->waiting);
	} else {
		/* Nothing is lost by a failed close: the records are in a
		 * segment. */
		j->io->close(j->io->ctx, j->waiting_fd);
		if (!j->waiting_synced &&
		    j->io->unlink(j->io->ctx, j->waiting) == 0) {
			free(j->waiting);
		} else {
			j->retired[j->n_retired++] = j->waiting;
			j->retired_bytes += j->waiting_bytes;
		}
	}
	j->waiting_fd = -1;
	j->waiting = NULL;
	j->waiting_bytes = 0;
}

uint64_t
evt_journal_retired_bytes(const evt_journal *j)
{
	return j->retired_bytes;
}

uint64_t
evt_journal_bytes(const evt_journal *j)
{
	return j->good + j->waiting_bytes;
}

size_t
evt_journal_pending(const evt_journal *j)
{
	return j->batch.len;
}

int
evt_journal_drop_retired(evt_journal *j, evt_error *err)
{
	while (j->n_retired > 0) {
		char *path = j->retired[j->n_retired - 1];

		if (j->io->unlink(j->io->ctx, path) != 0 && errno != ENOENT)
			return evt_err_sys(err, errno, "cannot remove %s",
			    path);
		free(path);
		j->n_retired--;
	}
	j->retired_bytes = 0;
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
