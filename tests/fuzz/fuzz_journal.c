/*
 * fuzz_journal.c - a journal file: records up to the first that is no good.
 *
 * fuzz-seeds: tests/golden/v1.tape/journal/00000000000000000125.evj
 *
 * Each input is read as it is, and once more with its checksums put right;
 * both times also in two steps, as a reader meets it that follows a recorder.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/store/journal.h"
#include "format/store/layout.h"
#include "tests/fuzz/lib/scratch.h"
#include "tests/lib/mend.h"

#define FIRST_SEQ 125u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *folder;
static char *file;

static int
write_file(const uint8_t *p, size_t n)
{
	int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && pwrite(fd, p, n, 0) == (ssize_t)n);
	return fd;
}

/* Each byte of it, as one number. */
static uint64_t
touch(const evt_frame *f, bool in_lines)
{
	uint64_t sum = (uint64_t)f->time_ns ^ in_lines;

	must(f->kind <= EVT_KIND_MARK && f->len <= EVT_PAYLOAD_MAX);
	must(f->event_len <= EVT_KEY_MAX);
	for (size_t i = 0; i < f->len; i++)
		sum = sum * 31 + f->payload[i];
	for (size_t i = 0; i < f->event_len; i++)
		sum = sum * 31 + (uint8_t)f->event[i];
	for (size_t k = 0; k < f->n_sources; k++) {
		must(f->sources[k].len <= EVT_KEY_MAX);
		for (size_t i = 0; i < f->sources[k].len; i++)
			sum = sum * 31 + (uint8_t)f->sources[k].text[i];
	}
	return sum;
}

/* Read all good records, and compute a checksum of them. */
static int
read_on(evt_journal_reader *r, uint64_t *seq, uint64_t *sum)
{
	bool in_lines;
	evt_error err;
	evt_frame f;
	int code;

	while ((code = evt_journal_next(r, &f, &in_lines, &err)) == EVT_OK) {
		must(f.seq == (*seq)++);
		*sum = *sum * 31 + touch(&f, in_lines);
	}
	must(code == EVT_AGAIN || code == EVT_ERR_CORRUPT);
	return code;
}

/* Reading in two steps gives the same: records that are good in half of a file
 * are good in the whole file. */
static void
check_growing(const uint8_t *p, size_t n, uint64_t want_seq, uint64_t want)
{
	uint64_t seq = FIRST_SEQ, sum = 0;
	evt_journal_reader *r;
	int fd = write_file(p, n / 2);
	int code = evt_journal_open(&evt_io_posix, folder, FIRST_SEQ, &r, NULL);

	if (code == EVT_OK) {
		read_on(r, &seq, &sum);
		must(seq <= want_seq);
	}
	must(pwrite(fd, p, n, 0) == (ssize_t)n);
	if (code == EVT_OK) {
		read_on(r, &seq, &sum);
		must(seq == want_seq && sum == want);
		evt_journal_close(r);
	}
	close(fd);
}

/* A torn end, or a record with a damaged length. */
static void
check_end(evt_journal_reader *r, size_t n)
{
	uint64_t left;
	evt_error err;
	int code = evt_journal_check_end(r, &left, &err);

	must(code == EVT_OK || (code == EVT_ERR_CORRUPT && left > JR_HEAD));
	must(left <= n && evt_journal_offset(r) == n - left);
}

static void
check(const uint8_t *p, size_t n)
{
	uint64_t seq = FIRST_SEQ, sum = 0, again = 0, seq2 = FIRST_SEQ;
	evt_journal_reader *r;
	evt_error err;
	int fd = write_file(p, n);
	int code = evt_journal_open(&evt_io_posix, folder, FIRST_SEQ, &r, &err);

	close(fd);
	if (code != EVT_OK) {
		must(code == EVT_AGAIN || code == EVT_ERR_CORRUPT ||
		    code == EVT_ERR_VERSION);
		return;
	}
	code = read_on(r, &seq, &sum);
	must(read_on(r, &seq, &sum) == code); /* and stays there */
	if (code == EVT_AGAIN)
		check_end(r, n);
	evt_journal_close(r);
	check_growing(p, n, seq, sum);
	must(evt_journal_open(&evt_io_posix, folder, FIRST_SEQ, &r, &err) ==
	    EVT_OK);
	read_on(r, &seq2, &again);
	must(seq2 == seq && again == sum);
	evt_journal_close(r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);

	must(copy != NULL);
	if (file == NULL) {
		folder = scratch_folder();
		file = evt_journal_path(folder, FIRST_SEQ);
		must(file != NULL);
	}
	if (size > 0)
		memcpy(copy, data, size);
	check(copy, size);
	mend_journal(copy, size, FIRST_SEQ);
	check(copy, size);
	free(copy);
	return 0;
}
