/*
 * journal_read.c - read a journal file; see journal.h.
 *
 * A record is valid if it is complete and its checksum is right; the seed of the
 * checksum is the sequence number.  After a damaged record it is not certain
 * where the next one begins, so reading stops there.
 */
#include "format/store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xxhash.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/key.h"
#include "format/store/tape_dir.h"
#include "format/store/layout.h"
#include "format/base/le.h"

/* Read this much ahead of a record where the file has it. */
#define READ_AHEAD (256u << 10)

struct evt_journal_reader {
	const evt_io *io;
	int fd;
	char *path;
	uint8_t uuid[EVT_UUID_LEN];
	uint64_t first_seq;
	uint64_t next_seq;
	uint64_t offset; /* of the next record in the file */
	evt_buf window;  /* bytes from window_at on */
	uint64_t window_at;
	evt_key *keys;
	size_t cap_keys;
};

void
evt_journal_close(evt_journal_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->fd >= 0)
		reader->io->close(reader->io->ctx, reader->fd);
	evt_buf_free(&reader->window);
	free(reader->keys);
	free(reader->path);
	free(reader);
}

/*
 * Whether the file has bytes from `at` on, and all are zero.  After a power cut a
 * file may have its new length without the bytes that were written.
 */
static int
journal_read_is_blank(const evt_journal_reader *reader, uint64_t at,
    bool *ret_blank, evt_error *err)
{
	static const uint8_t zero[4096];
	uint8_t bytes[sizeof(zero)];
	size_t n = 0;
	int r;

	*ret_blank = false;
	do {
		r = evt_io_read_at(reader->io, reader->fd, bytes, sizeof(bytes),
		    at, reader->path, &n, err);
		if (r != EVT_OK || memcmp(bytes, zero, n) != 0)
			return r;
		*ret_blank = *ret_blank || n > 0;
		at = evt_io_next_stored(reader->io, reader->fd, at + n);
	} while (n == sizeof(bytes) && at < UINT64_MAX);
	return EVT_OK;
}

static int
journal_read_header(evt_journal_reader *reader, uint64_t first_seq,
    evt_error *err)
{
	uint8_t h[JH_LEN];
	bool blank;
	size_t n;
	int r = evt_io_read_at(reader->io, reader->fd, h, JH_LEN, 0,
	    reader->path, &n, err);

	if (r != EVT_OK)
		return r;
	if (n < JH_LEN)
		return EVT_AGAIN;
	if (h[0] == 0) {
		r = journal_read_is_blank(reader, 0, &blank, err);
		if (r != EVT_OK)
			return r;
		if (blank)
			return EVT_AGAIN;
	}
	if (memcmp(h + JH_MAGIC, EVT_JOURNAL_MAGIC, 8) != 0)
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the header of the journal is not valid", reader->path);
	/* Every version has the checksum here. So a version number that damage
	 * made is not believed. */
	if (evt_get64(h + JH_SUM) != XXH64(h, JH_SUM, 0))
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the checksum of the journal's header is wrong",
		    reader->path);
	if (evt_get16(h + JH_VERSION) != EVT_FORMAT_VERSION ||
	    (evt_get32(h + JH_INCOMPAT) & ~EVT_INCOMPAT_KNOWN) != 0)
		return evt_err_set(err, EVT_ERR_VERSION,
		    "%s: format version %u, incompatible flags 0x%x are not "
		    "known to evtape %s; use a newer evtape",
		    reader->path, evt_get16(h + JH_VERSION),
		    evt_get32(h + JH_INCOMPAT), EVT_VERSION);
	if (evt_get16(h + JH_SIZE) != JH_LEN ||
	    evt_get64(h + JH_FIRST_SEQ) != first_seq || first_seq == 0)
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the journal's header makes no sense", reader->path);
	memcpy(reader->uuid, h + JH_UUID, EVT_UUID_LEN);
	reader->offset = JH_LEN;
	reader->first_seq = reader->next_seq = first_seq;
	return EVT_OK;
}

int
evt_journal_open(const evt_io *io, const char *dir, uint64_t first_seq,
    evt_journal_reader **ret_reader, evt_error *err)
{
	evt_journal_reader *reader = calloc(1, sizeof(*reader));
	int r;

	if (reader == NULL)
		return evt_err_nomem(err);
	reader->io = io;
	reader->fd = -1;
	reader->path = evt_journal_path(dir, first_seq);
	if (reader->path == NULL) {
		evt_journal_close(reader);
		return evt_err_nomem(err);
	}
	reader->fd = io->open(io->ctx, reader->path, O_RDONLY, 0);
	if (reader->fd < 0)
		r = errno == ENOENT ?
		    evt_err_set(err, EVT_ERR_NOTFOUND, "%s was removed",
		        reader->path) :
		    evt_err_sys(err, errno, "cannot open %s", reader->path);
	else
		r = journal_read_header(reader, first_seq, err);
	if (r != EVT_OK) {
		evt_journal_close(reader);
		return r;
	}
	*ret_reader = reader;
	return EVT_OK;
}

const uint8_t *
evt_journal_uuid(const evt_journal_reader *reader)
{
	return reader->uuid;
}

/* Have n bytes from the current offset in the window.  EVT_AGAIN: the file
 * ends before. */
static int
journal_read_need(evt_journal_reader *reader, size_t n, evt_error *err)
{
	size_t have = reader->window_at + reader->window.len > reader->offset ?
	    (size_t)(reader->window_at + reader->window.len - reader->offset) :
	    0;
	size_t got, want = n > READ_AHEAD ? n : READ_AHEAD;
	int r;

	if (have >= n)
		return EVT_OK;
	if (n > EVT_IO_BELIEVED &&
	    !evt_io_is_stored(reader->io, reader->fd, reader->offset, n))
		return EVT_AGAIN;
	if (have > 0)
		memmove(reader->window.data,
		    reader->window.data + reader->window.len - have, have);
	reader->window.len = have;
	reader->window_at = reader->offset;
	if (!evt_buf_reserve(&reader->window, want - have))
		return evt_err_nomem(err);
	r = evt_io_read_at(reader->io, reader->fd, reader->window.data + have,
	    want - have, reader->offset + have, reader->path, &got, err);
	if (r != EVT_OK)
		return r;
	reader->window.len += got;
	return reader->window.len >= n ? EVT_OK : EVT_AGAIN;
}

/* Bytes that the file has from the current offset on. */
static int
journal_read_left_in_file(const evt_journal_reader *reader, uint64_t *ret_n,
    evt_error *err)
{
	struct stat st;

	if (reader->io->fstat(reader->io->ctx, reader->fd, &st) != 0)
		return evt_err_sys(err, errno, "cannot look at %s",
		    reader->path);
	*ret_n = (uint64_t)st.st_size < reader->offset ?
	    0 :
	    (uint64_t)st.st_size - reader->offset;
	return EVT_OK;
}

static bool
journal_read_parse_sources(evt_journal_reader *reader, const uint8_t **p,
    const uint8_t *end, evt_frame *f, bool *ret_nomem)
{
	*ret_nomem = false;
	if (f->n_sources > (size_t)(end - *p) / 2)
		return false;
	if (!evt_grow(&reader->keys, &reader->cap_keys, f->n_sources)) {
		*ret_nomem = true;
		return false;
	}
	for (size_t i = 0; i < f->n_sources; i++) {
		const char *text = (const char *)*p + 2;

		if (end - *p < 2 || end - *p - 2 < (*p)[0] || (*p)[1] > 1)
			return false;
		reader->keys[i] = (evt_key){ text, (*p)[0],
			(*p)[1] != 0 && evt_key_is_decimal(text, (*p)[0]) };
		*p += 2 + (*p)[0];
	}
	f->sources = f->n_sources > 0 ? reader->keys : NULL;
	return true;
}

static bool
journal_read_parse_body(evt_journal_reader *reader, const uint8_t *body,
    size_t n, evt_frame *f, bool *ret_in_lines, bool *ret_nomem)
{
	const uint8_t *p = body + JB_LEN, *end = body + n;
	unsigned event_len = evt_get16(body + JB_EVENT_LEN);

	memset(f, 0, sizeof(*f));
	f->seq = reader->next_seq;
	f->time_ns = (int64_t)evt_get64(body + JB_TIME);
	f->mono_ns = (int64_t)evt_get64(body + JB_MONO);
	f->kind = body[JB_KIND];
	f->opcode = body[JB_OPCODE];
	f->conn = evt_get32(body + JB_CONN);
	f->n_sources = evt_get32(body + JB_SOURCES);
	*ret_in_lines = body[JB_FLAGS] & JB_FLAG_IN_LINES;
	if (f->kind > EVT_KIND_MARK ||
	    !journal_read_parse_sources(reader, &p, end, f, ret_nomem))
		return false;
	if (event_len != JB_NO_EVENT) {
		if (event_len > EVT_KEY_MAX || event_len > (size_t)(end - p))
			return false;
		f->event = (const char *)p;
		f->event_len = event_len;
		p += event_len;
	}
	f->payload = p;
	f->len = (size_t)(end - p);
	return f->len <= EVT_PAYLOAD_MAX;
}

/* Forget the bytes after the last complete record: the writer may cut them off
 * and write them again. */
static int
journal_read_again(evt_journal_reader *reader)
{
	reader->window.len = 0;
	return EVT_AGAIN;
}

/*
 * The end of the written bytes among the *left bytes from the offset on: after
 * the last byte that is not zero.  A file that is used again has zeros after its
 * records.  What a hole at the end of the file has is taken from *left.
 */
static int
journal_read_written_end(const evt_journal_reader *reader, uint64_t *left,
    uint64_t *ret_end, evt_error *err)
{
	uint8_t bytes[16384];
	uint64_t end = reader->offset + *left, stored = reader->offset, at;
	size_t got = sizeof(bytes);

	*ret_end = reader->offset;
	for (at = stored; at < end && got > 0; at = stored) {
		size_t n;
		int r;

		at = evt_io_next_stored(reader->io, reader->fd, at);
		if (at >= end)
			break;
		n = end - at < sizeof(bytes) ? (size_t)(end - at) :
		                               sizeof(bytes);
		r = evt_io_read_at(reader->io, reader->fd, bytes, n, at,
		    reader->path, &got, err);
		if (r != EVT_OK)
			return r;
		stored = at + got;
		for (n = got; n > 0 && bytes[n - 1] == 0;)
			n--;
		if (n > 0)
			*ret_end = at + n;
	}
	*left = stored - reader->offset;
	return EVT_OK;
}

/* Whether the file is still the one that was opened: a writer may be using it
 * again, for another block. */
static int
journal_read_is_same(const evt_journal_reader *reader, bool *ret_same,
    evt_error *err)
{
	uint8_t h[JH_LEN];
	size_t n;
	int r = evt_io_read_at(reader->io, reader->fd, h, JH_LEN, 0,
	    reader->path, &n, err);

	*ret_same = r == EVT_OK && n == JH_LEN &&
	    evt_get64(h + JH_FIRST_SEQ) == reader->first_seq;
	return r;
}

/*
 * The bytes at the offset, of which the first say that a body of n bytes
 * follows, are no record.  EVT_AGAIN: they are not all written, or no longer
 * there.  EVT_ERR_CORRUPT: they are, or have been in the meantime.
 */
static int
journal_read_no_record(evt_journal_reader *reader, uint32_t n, evt_error *err)
{
	uint64_t left, end;
	bool same;
	int r = journal_read_is_same(reader, &same, err);

	if (r != EVT_OK)
		return r;
	if (!same)
		return journal_read_again(reader);
	r = journal_read_left_in_file(reader, &left, err);
	if (r == EVT_OK)
		r = journal_read_written_end(reader, &left, &end, err);
	if (r != EVT_OK)
		return r;
	if (n < JB_LEN || n > EVT_JOURNAL_BODY_MAX)
		n = JB_LEN;
	/* In a file that ends with this record no zeros follow, but its payload
	 * may end in zeros. */
	if (left != (uint64_t)JR_HEAD + n && end < reader->offset + JR_HEAD + n)
		return journal_read_again(reader);
	reader->window.len = 0; /* the writer may write it again, too */
	return evt_err_set(err, EVT_ERR_CORRUPT,
	    "%s: the record at offset %llu is damaged", reader->path,
	    (unsigned long long)reader->offset);
}

static int
journal_read_next_record(evt_journal_reader *reader, evt_frame *ret_frame,
    bool *ret_in_lines, evt_error *err)
{
	const uint8_t *head, *body;
	bool nomem = false;
	uint64_t left;
	uint32_t n;
	int r = journal_read_need(reader, JR_HEAD, err);

	if (r != EVT_OK)
		return r == EVT_AGAIN ? journal_read_again(reader) : r;
	head = reader->window.data + (reader->offset - reader->window_at);
	n = evt_get32(head + JR_BODY);
	if (n < JB_LEN || n > EVT_JOURNAL_BODY_MAX)
		return journal_read_no_record(reader, n, err);
	/* Memory is asked for only once the file has the bytes. */
	r = journal_read_left_in_file(reader, &left, err);
	if (r != EVT_OK)
		return r;
	if (left < (uint64_t)JR_HEAD + n)
		return journal_read_again(reader);
	r = journal_read_need(reader, JR_HEAD + (size_t)n, err);
	if (r != EVT_OK)
		return r == EVT_AGAIN ? journal_read_again(reader) : r;
	head = reader->window.data + (reader->offset - reader->window_at);
	body = head + JR_HEAD;
	if (evt_get64(head + JR_SUM) != XXH64(body, n, reader->next_seq))
		return journal_read_no_record(reader, n, err);
	if (!journal_read_parse_body(reader, body, n, ret_frame, ret_in_lines,
	        &nomem))
		return nomem ? evt_err_nomem(err) :
		               journal_read_no_record(reader, n, err);
	reader->offset += JR_HEAD + (uint64_t)n;
	reader->next_seq++;
	return EVT_OK;
}

int
evt_journal_next(evt_journal_reader *reader, evt_frame *ret_frame,
    bool *ret_in_lines, evt_error *err)
{
	int r = journal_read_next_record(reader, ret_frame, ret_in_lines, err);

	/* The writer may have completed the record during the first read.  If
	 * the second read fails too, the record is damaged. */
	return r != EVT_ERR_CORRUPT ?
	    r :
	    journal_read_next_record(reader, ret_frame, ret_in_lines, err);
}

uint64_t
evt_journal_offset(const evt_journal_reader *reader)
{
	return reader->offset;
}

/* Whether a whole record with the number `seq` begins at p, of which n bytes
 * are there.  Its sum is asked last: few other bytes look like a record, and so
 * the search takes no longer than a few times the bytes, *budget in all. */
static bool
journal_read_record_at(const uint8_t *p, size_t n, uint64_t seq,
    uint64_t *budget)
{
	const uint8_t *body = p + JR_HEAD;
	uint32_t len = evt_get32(p + JR_BODY);

	if (len < JB_LEN || len > n - JR_HEAD || len > *budget ||
	    body[JB_KIND] > EVT_KIND_MARK ||
	    (body[JB_FLAGS] & ~JB_FLAG_IN_LINES) != 0 ||
	    evt_get32(body + JB_SOURCES) > (len - JB_LEN) / 2)
		return false;
	*budget -= len;
	return evt_get64(p + JR_SUM) == XXH64(body, len, seq);
}

/* Whether the next record is all of the n bytes at p but for its length. */
static bool
journal_read_is_sum_of(const evt_journal_reader *reader, const uint8_t *p,
    size_t n)
{
	return evt_get64(p + JR_SUM) ==
	    XXH64(p + JR_HEAD, n - JR_HEAD, reader->next_seq);
}

int
evt_journal_check_end(evt_journal_reader *reader, uint64_t *ret_left,
    evt_error *err)
{
	uint64_t left, end, budget;
	const uint8_t *p;
	bool found = false;
	size_t n, written;
	int r;

	r = journal_read_left_in_file(reader, &left, err);
	if (r == EVT_OK)
		r = journal_read_written_end(reader, &left, &end, err);
	if (r != EVT_OK)
		return r;
	*ret_left = end - reader->offset;
	if (*ret_left < JR_HEAD + JB_LEN)
		return EVT_OK;
	if (left > JR_HEAD + EVT_JOURNAL_BODY_MAX)
		left = JR_HEAD + EVT_JOURNAL_BODY_MAX;
	budget = 16 * left;
	reader->window.len = 0;
	reader->window_at = reader->offset;
	if (!evt_buf_reserve(&reader->window, left))
		return evt_err_nomem(err);
	r = evt_io_read_at(reader->io, reader->fd, reader->window.data, left,
	    reader->offset, reader->path, &n, err);
	if (r != EVT_OK || n < JR_HEAD + JB_LEN)
		return r;
	p = reader->window.data;
	written = *ret_left < n ? (size_t)*ret_left : n;
	/* The last record, or one before others. */
	found = journal_read_is_sum_of(reader, p, n) ||
	    journal_read_is_sum_of(reader, p, written);
	for (size_t at = JR_HEAD + JB_LEN;
	     !found && written - at >= JR_HEAD + JB_LEN; at++)
		found = journal_read_record_at(p + at, n - at,
		    reader->next_seq + 1, &budget);
	return !found ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_CORRUPT,
	        "%s: the length of the record at offset %llu is damaged",
	        reader->path, (unsigned long long)reader->offset);
}

/* ---- the folder -------------------------------------------------------------- */

static bool
journal_read_is_journal_name(const char *name, uint64_t *ret_seq)
{
	uint64_t seq = 0;

	for (int i = 0; i < 20; i++) {
		unsigned digit = (unsigned)(name[i] - '0');

		if (digit > 9 || seq > (UINT64_MAX - digit) / 10)
			return false;
		seq = seq * 10 + digit;
	}
	*ret_seq = seq;
	return strcmp(name + 20, ".evj") == 0;
}

static int
journal_read_compare_seqs(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

struct listing {
	evt_buf list; /* of uint64_t */
	bool nomem;
};

static bool
journal_read_add_file(void *arg, const char *name, bool is_file)
{
	struct listing *l = arg;
	uint64_t seq;

	l->nomem = is_file && journal_read_is_journal_name(name, &seq) &&
	    !evt_buf_add(&l->list, &seq, sizeof(seq));
	return !l->nomem;
}

int
evt_journal_list(const evt_io *io, const char *dir, uint64_t **ret_seqs,
    size_t *ret_n, evt_error *err)
{
	struct listing l = { 0 };
	int r = EVT_OK;

	if (io->list(io->ctx, dir, journal_read_add_file, &l) != 0 &&
	    errno != ENOENT)
		r = evt_err_sys(err, errno, "cannot read folder %s", dir);
	else if (l.nomem)
		r = evt_err_nomem(err);
	if (r != EVT_OK) {
		evt_buf_free(&l.list);
		return r;
	}
	*ret_n = l.list.len / sizeof(uint64_t);
	*ret_seqs = (uint64_t *)(void *)l.list.data;
	if (*ret_n > 1)
		qsort(*ret_seqs, *ret_n, sizeof(uint64_t),
		    journal_read_compare_seqs);
	return EVT_OK;
}

uint64_t
evt_journal_folder_bytes(const evt_io *io, const char *dir)
{
	uint64_t *seqs, total = 0;
	size_t n;

	if (evt_journal_list(io, dir, &seqs, &n, NULL) != EVT_OK)
		return 0;
	for (size_t i = 0; i < n; i++) {
		char *path = evt_journal_path(dir, seqs[i]);
		struct stat st;

		/* One that was removed meanwhile has no bytes. */
		if (path != NULL && io->stat(io->ctx, path, &st) == 0)
			total += (uint64_t)st.st_size;
		free(path);
	}
	free(seqs);
	return total;
}
