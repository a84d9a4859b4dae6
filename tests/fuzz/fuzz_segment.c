/*
 * fuzz_segment.c - a segment file: its directory, or a walk over its blocks.
 *
 * fuzz-seeds: tests/golden/v1.tape/000001.ndjson.zst tests/golden/v1.tape/000002.ndjson.zst
 *
 * The first byte says how: bit 0, put the checksums right first; bit 1, let
 * the file grow to its size in two steps, the second behind a first look.
 * The rest is the file.  (The first byte of a seed, 0x5e, says both; it is
 * put back before the rest.)
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/store/segment.h"
#include "tests/fuzz/lib/scratch.h"
#include "tests/lib/mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_at(int fd, const uint8_t *p, size_t n, size_t at)
{
	must(pwrite(fd, p, n, (off_t)at) == (ssize_t)n);
}

/* The file has no name but a link to its descriptor. */
static int
open_link(void *ctx, const char *path, int flags, mode_t mode)
{
	(void)ctx;
	return open(path, flags, mode);
}

/* An evt_segment of the open file. */
static evt_segment
segment_of(int fd)
{
	static evt_io io;
	evt_segment s = { .io = &io, .no = 1 };
	char path[40];

	io = evt_io_posix;
	io.open = open_link;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	s.path = strdup(path);
	must(s.path != NULL);
	s.name = s.path;
	return s;
}

/* The fields of the segment are consistent. */
static void
check_refs(const evt_segment *s, size_t size)
{
	uint64_t end = 0, seq = 0;

	for (size_t i = 0; i < s->n_blocks; i++) {
		const evt_segment_block *r = &s->blocks[i];

		must(r->frames > 0 && r->min_ns <= r->max_ns);
		must(r->offset >= end && r->stored >= EVT_BLOCK_HEAD_LEN);
		must(r->stored <= size && r->offset <= size - r->stored);
		must(r->first_seq >= seq && r->first_seq > 0);
		end = r->offset + r->stored;
		seq = r->first_seq + r->frames;
	}
	must(evt_segment_end_seq(s) == seq);
}

static void
read_blocks(int fd, const evt_segment *s)
{
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	evt_error err;
	evt_frame f;

	for (size_t i = 0; i < s->n_blocks; i++) {
		const evt_segment_block *ref = &s->blocks[i];
		int r = evt_segment_read_block(s->io, fd, s->name, ref, true,
		    &raw, &block, &err);

		if (r != EVT_OK) {
			must(r == EVT_ERR_CORRUPT || r == EVT_ERR_VERSION);
			must(err.text[0] != '\0');
			continue;
		}
		must(block.head.first_seq == ref->first_seq);
		must(block.n == ref->frames);
		for (uint32_t k = 0; k < block.n; k++)
			must(evt_block_frame(&block, k, &f, &err) == EVT_OK);
	}
	evt_block_free(&block);
	evt_buf_free(&raw);
}

static void
check_file(int fd, const uint8_t *p, size_t n, bool grow)
{
	evt_segment s = segment_of(fd);
	evt_error err;
	int r = EVT_OK;

	if (grow) {
		write_at(fd, p, n / 2, 0);
		r = evt_segment_load(&s, &err);
		if (r == EVT_OK)
			check_refs(&s, n / 2);
	}
	write_at(fd, p, n, 0);
	if (r == EVT_OK)
		r = evt_segment_load(&s, &err);
	if (r == EVT_OK) {
		check_refs(&s, n);
		read_blocks(fd, &s);
	} else {
		must(r == EVT_ERR_VERSION && err.text[0] != '\0');
	}
	evt_segment_free(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how, *copy;
	int fd;

	if (size == 0)
		return 0;
	how = data[0];
	copy = malloc(size);
	fd = memfd_create("segment", MFD_CLOEXEC);
	must(copy != NULL && fd >= 0);
	memcpy(copy, data, size);
	copy[0] = 0x5e;
	if (how & 1)
		mend_segment(copy, size);
	check_file(fd, copy, size, (how & 2) != 0);
	close(fd);
	free(copy);
	return 0;
}
