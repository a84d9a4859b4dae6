/*
 * segment.c - list the segments of a tape, and find their blocks.
 *
 * docs/format.md says what a valid block header is.  A walk goes from one header
 * to the next.  If it meets bytes that are not a header, it searches the next
 * one byte by byte, so that damage costs only the blocks that it hit.
 */
#include "format/store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/store/layout.h"
#include "format/base/le.h"

#define SUFFIX ".ndjson.zst"

void
evt_segment_name(uint32_t no, char out[EVT_SEGMENT_NAME_LEN])
{
	snprintf(out, EVT_SEGMENT_NAME_LEN, "%06u" SUFFIX, no);
}

uint32_t
evt_segment_parse_name(const char *name)
{
	uint64_t no = 0;
	size_t n = strspn(name, "0123456789");

	if (n < 6 || n > 10 || strcmp(name + n, SUFFIX) != 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		no = no * 10 + (unsigned)(name[i] - '0');
	return no <= UINT32_MAX ? (uint32_t)no : 0;
}

void
evt_segment_free(evt_segment *s)
{
	free(s->path);
	free(s->blocks);
	memset(s, 0, sizeof(*s));
}

static int
segment_compare_segments(const void *a, const void *b)
{
	const evt_segment *x = a, *y = b;

	return x->no < y->no ? -1 : x->no > y->no;
}

struct listing {
	const evt_io *io;
	const char *dir;
	evt_buf list; /* of evt_segment */
	bool nomem;
};

static bool
segment_add_segment(void *arg, const char *name, bool is_file)
{
	struct listing *l = arg;
	evt_segment s = { .io = l->io, .no = evt_segment_parse_name(name) };

	if (!is_file || s.no == 0)
		return true;
	s.path = evt_io_path_join(l->dir, name);
	l->nomem = s.path == NULL || !evt_buf_add(&l->list, &s, sizeof(s));
	if (l->nomem)
		free(s.path);
	return !l->nomem;
}

int
evt_segment_list(const evt_io *io, const char *dir, evt_segment **ret_segments,
    size_t *ret_n, evt_error *err)
{
	struct listing l = { .io = io, .dir = dir };
	evt_segment *s;
	size_t n;
	int r = EVT_OK;

	if (io->list(io->ctx, dir, segment_add_segment, &l) != 0)
		r = evt_err_sys(err, errno, "cannot read folder %s", dir);
	else if (l.nomem)
		r = evt_err_nomem(err);
	s = (evt_segment *)(void *)l.list.data;
	n = l.list.len / sizeof(*s);
	if (r != EVT_OK) {
		for (size_t i = 0; i < n; i++)
			evt_segment_free(&s[i]);
		free(s);
		return r;
	}
	if (n > 1)
		qsort(s, n, sizeof(*s), segment_compare_segments);
	for (size_t i = 0; i < n; i++)
		s[i].name = strrchr(s[i].path, '/') + 1;
	*ret_segments = s;
	*ret_n = n;
	return EVT_OK;
}

uint64_t
evt_segment_end_seq(const evt_segment *s)
{
	const evt_segment_block *last;

	if (s->n_blocks == 0)
		return 0;
	last = &s->blocks[s->n_blocks - 1];
	return last->first_seq + last->frames;
}

int
evt_segment_add_ref(evt_segment *s, const evt_block_head *head, uint64_t offset,
    evt_error *err)
{
	if (!evt_grow(&s->blocks, &s->cap_blocks, s->n_blocks + 1))
		return evt_err_nomem(err);
	s->blocks[s->n_blocks++] = (evt_segment_block){
		.offset = offset,
		.stored = head->stored,
		.first_seq = head->first_seq,
		.frames = head->frames,
		.min_ns = head->min_ns,
		.max_ns = head->max_ns,
	};
	return EVT_OK;
}

/* ---- walking ---------------------------------------------------------------- */

/*
 * Read the header at `at`.  EVT_OK: a block's, all of whose bytes are there,
 * and it is this segment's; EVT_AGAIN: the file ends within it.
 */
static int
segment_head_at(int fd, const evt_segment *s, uint64_t at, evt_block_head *head,
    evt_error *err)
{
	uint8_t h[EVT_BLOCK_HEAD_LEN];
	char where[64];
	size_t n;
	int r = evt_io_read_at(s->io, fd, h, sizeof(h), at, s->name, &n, err);

	if (r != EVT_OK)
		return r;
	if (n < sizeof(h))
		return EVT_AGAIN;
	snprintf(where, sizeof(where), "%s at offset %llu", s->name,
	    (unsigned long long)at);
	r = evt_block_head_read(h, n, where, head, err);
	if (r != EVT_OK)
		return r;
	if (head->segment != s->no ||
	    (s->n_blocks > 0 && memcmp(head->uuid, s->uuid, EVT_UUID_LEN)))
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the block belongs to another tape or segment", where);
	if (head->first_seq < evt_segment_end_seq(s))
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the block's sequence numbers go back", where);
	/* The file may have grown since its size was read.  The new bytes are
	 * left for the next walk, which knows the blocks before them. */
	return at >= s->size || head->stored > s->size - at ? EVT_AGAIN :
	                                                      EVT_OK;
}

/* Find the next complete block after `at`.  EVT_END: there is no such block;
 * EVT_ERR_VERSION: there is a block of another version. */
static int
segment_resync(int fd, const evt_segment *s, uint64_t at, uint64_t *ret_at,
    evt_block_head *head, evt_error *err)
{
	enum { WINDOW = 64 << 10, OVERLAP = 7 };
	uint8_t *window = malloc(WINDOW);
	int r = EVT_END;

	if (window == NULL)
		return evt_err_nomem(err);
	for (at++; at < s->size && r == EVT_END; at += WINDOW - OVERLAP) {
		const uint8_t *p = window, *end;
		uint64_t stored = evt_io_next_stored(s->io, fd, at);
		size_t n;

		if (stored == UINT64_MAX)
			break;
		if (stored > at + EVT_SKIP_LEN + OVERLAP)
			at = stored - EVT_SKIP_LEN - OVERLAP;
		r = evt_io_read_at(s->io, fd, window, WINDOW, at + EVT_SKIP_LEN,
		    s->name, &n, err);
		if (r != EVT_OK)
			break;
		end = window + n;
		r = EVT_END;
		while ((p = memmem(p, (size_t)(end - p), EVT_BLOCK_MAGIC, 8))) {
			int got;

			*ret_at = at + (uint64_t)(p - window);
			got = segment_head_at(fd, s, *ret_at, head, err);
			if (got == EVT_OK || got == EVT_ERR_VERSION) {
				r = got;
				break;
			}
			p++;
		}
	}
	free(window);
	return r;
}

static int
segment_walk(int fd, evt_segment *s, evt_error *err)
{
	while (s->walked < s->size) {
		uint64_t at = s->walked;
		evt_block_head head;
		int r = segment_head_at(fd, s, at, &head, err);

		if (r == EVT_ERR_CORRUPT || r == EVT_AGAIN) {
			/* No block follows a torn tail, which may be a block
			 * that is being written. */
			r = segment_resync(fd, s, at, &at, &head, err);
			if (r == EVT_END)
				return EVT_OK;
			if (r == EVT_OK)
				s->n_damaged++;
		}
		if (r != EVT_OK)
			return r;
		if (s->n_blocks == 0)
			memcpy(s->uuid, head.uuid, EVT_UUID_LEN);
		r = evt_segment_add_ref(s, &head, at, err);
		if (r != EVT_OK)
			return r;
		s->walked = at + head.stored;
	}
	return EVT_OK;
}

/* Whether retention put a start segment in the place of the one that we know. */
static bool
segment_is_replaced(const evt_segment *s, int fd)
{
	uint8_t h[EVT_BLOCK_HEAD_LEN];
	evt_block_head head;
	struct stat st;
	size_t n;

	return s->sealed && s->n_blocks > 0 &&
	    s->io->fstat(s->io->ctx, fd, &st) == 0 &&
	    (uint64_t)st.st_size != s->size &&
	    evt_io_read_at(s->io, fd, h, sizeof(h), 0, s->name, &n, NULL) ==
	    EVT_OK &&
	    evt_block_head_read(h, n, s->name, &head, NULL) == EVT_OK &&
	    head.first_seq != s->blocks[0].first_seq;
}

int
evt_segment_open(const evt_segment *s, int *ret_fd, evt_error *err)
{
	*ret_fd = s->io->open(s->io->ctx, s->path, O_RDONLY, 0);
	if (*ret_fd >= 0 && segment_is_replaced(s, *ret_fd)) {
		s->io->close(s->io->ctx, *ret_fd);
		*ret_fd = -1;
		errno = ENOENT;
	}
	if (*ret_fd >= 0)
		return EVT_OK;
	return errno == ENOENT ?
	    evt_err_set(err, EVT_ERR_NOTFOUND, "%s was removed", s->path) :
	    evt_err_sys(err, errno, "cannot open %s", s->path);
}

int
evt_segment_load(evt_segment *s, evt_error *err)
{
	struct stat st;
	int fd, r;

	if (s->sealed)
		return EVT_OK;
	r = evt_segment_open(s, &fd, err);
	if (r != EVT_OK)
		return r;
	if (s->io->fstat(s->io->ctx, fd, &st) != 0) {
		r = evt_err_sys(err, errno, "cannot look at %s", s->path);
		s->io->close(s->io->ctx, fd);
		return r;
	}
	if (s->loaded && (uint64_t)st.st_size == s->size) {
		s->io->close(s->io->ctx, fd);
		return EVT_OK;
	}
	s->size = (uint64_t)st.st_size;
	r = evt_segment_dir_read(fd, s, err);
	if (r == EVT_ERR_NOTFOUND)
		r = segment_walk(fd, s, err);
	s->io->close(s->io->ctx, fd);
	if (r == EVT_OK)
		s->loaded = true;
	return r;
}

int
evt_segment_read_block(const evt_io *io, int fd, const char *name,
    const evt_segment_block *ref, bool with_lines, evt_buf *raw,
    evt_block *block, evt_error *err)
{
	char where[64];
	evt_block_head head;
	size_t n;
	int r;

	snprintf(where, sizeof(where), "%s at offset %llu", name,
	    (unsigned long long)ref->offset);
	raw->len = 0;
	if (ref->stored > EVT_IO_BELIEVED &&
	    !evt_io_is_stored(io, fd, ref->offset, ref->stored))
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the block has holes", where);
	if (!evt_buf_reserve(raw, ref->stored))
		return evt_err_nomem(err);
	r = evt_io_read_at(io, fd, raw->data, ref->stored, ref->offset, where,
	    &n, err);
	if (r == EVT_OK)
		r = evt_block_head_read(raw->data, n, where, &head, err);
	if (r != EVT_OK)
		return r;
	if (n < ref->stored || head.stored != ref->stored ||
	    head.first_seq != ref->first_seq || head.frames != ref->frames)
		return evt_err_set(err, EVT_ERR_CORRUPT,
		    "%s: the block is not the one that the directory names",
		    where);
	raw->len = n;
	return evt_block_load(block, &head, raw->data, with_lines, where, err);
}
