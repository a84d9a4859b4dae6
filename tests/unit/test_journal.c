/*
 * test_journal.c - journal files: written records are read back, a reader may
 * open the file at any moment, and a failed write loses nothing.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/store/journal.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

static const uint8_t uuid[16] = "a tape's own id!";

struct fixture {
	char *dir;
	struct faulty fault;
	evt_io io;
	evt_journal *j;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	evt_error err;

	assert_non_null(x);
	x->dir = make_dir();
	x->io = faulty_io(&x->fault);
	ok(evt_journal_new(&x->io, x->dir, uuid, &x->j, &err), &err);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_journal_free(x->j);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* A frame of many shapes, by its number. */
static evt_frame
frame(uint64_t seq)
{
	static const evt_key keys[] = { { "10001", 5, true },
		{ "10001", 5, false }, { "", 0, false }, { "-7", 2, true } };
	static uint8_t bytes[5000];
	evt_frame f = { .seq = seq,
		.time_ns = T0 - (int64_t)seq,
		.mono_ns = INT64_MAX - (int64_t)seq,
		.kind = seq % 3,
		.opcode = (uint8_t)(1 + seq % 7),
		.conn = (uint32_t)(seq * 99),
		.payload = bytes,
		.len = seq % 5 ? 0 : 5000 };

	memset(bytes, 0xE4, sizeof(bytes));
	f.event = seq % 2 ? "state" : NULL;
	f.event_len = seq % 2 ? seq % 6 : 0;
	f.n_sources = seq % 5;
	f.sources = f.n_sources > 0 ? keys : NULL;
	return f;
}

static void
add(struct fixture *x, uint64_t from, uint64_t to)
{
	evt_error err;

	for (uint64_t seq = from; seq < to; seq++) {
		evt_frame f = frame(seq);

		ok(evt_journal_reserve(x->j, &f, &err), &err);
		evt_journal_add(x->j, &f, seq % 2);
	}
}

static void
commit(struct fixture *x)
{
	evt_error err;

	ok(evt_journal_commit(x->j, &err), &err);
}

static evt_journal_reader *
reader(struct fixture *x, uint64_t first_seq)
{
	evt_journal_reader *r;
	evt_error err;

	ok(evt_journal_open(&evt_io_posix, x->dir, first_seq, &r, &err), &err);
	assert_memory_equal(evt_journal_uuid(r), uuid, 16);
	return r;
}

static void
same(const evt_frame *a, const evt_frame *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->time_ns, b->time_ns);
	assert_int_equal(a->mono_ns, b->mono_ns);
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->opcode, b->opcode);
	assert_int_equal(a->conn, b->conn);
	assert_int_equal(a->len, b->len);
	assert_memory_equal(a->payload, b->payload, b->len);
	assert_int_equal(a->event == NULL, b->event == NULL);
	assert_int_equal(a->event_len, b->event_len);
	if (b->event != NULL)
		assert_memory_equal(a->event, b->event, b->event_len);
	assert_int_equal(a->n_sources, b->n_sources);
	for (size_t i = 0; i < b->n_sources; i++) {
		assert_int_equal(a->sources[i].is_int, b->sources[i].is_int);
		assert_int_equal(a->sources[i].len, b->sources[i].len);
		assert_memory_equal(a->sources[i].text, b->sources[i].text,
		    b->sources[i].len);
	}
}

/* Read frames from..to, and then the end for now. */
static void
expect(evt_journal_reader *r, uint64_t from, uint64_t to)
{
	bool in_lines;
	evt_error err;
	evt_frame f;

	for (uint64_t seq = from; seq < to; seq++) {
		evt_frame want = frame(seq);

		ok(evt_journal_next(r, &f, &in_lines, &err), &err);
		assert_int_equal(in_lines, seq % 2);
		same(&f, &want);
	}
	assert_int_equal(evt_journal_next(r, &f, &in_lines, &err), EVT_AGAIN);
}

/* ---- */

TEST(committed_records_are_read)
{
	struct fixture *x = *state;
	evt_journal_reader *r;
	uint64_t size;

	add(x, 7, 40);
	assert_int_equal(evt_journal_bytes(x->j), 0);
	assert_true(evt_journal_pending(x->j) > 0);
	commit(x);
	assert_int_equal(evt_journal_pending(x->j), 0);
	size = evt_journal_bytes(x->j);
	assert_true(size > 5 * 5000);
	assert_int_equal(evt_journal_folder_bytes(&evt_io_posix, x->dir), size);
	r = reader(x, 7);
	expect(r, 7, 40);
	/* A reader continues at its place. */
	add(x, 40, 600);
	expect(r, 40, 40);
	commit(x);
	expect(r, 40, 600);
	evt_journal_close(r);
}

static void
copy_cut(const char *from, const char *to, off_t n)
{
	uint8_t *p = malloc((size_t)n + 1);
	int in = open(from, O_RDONLY);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(p != NULL && in >= 0 && out >= 0);
	assert_int_equal(read(in, p, (size_t)n), n);
	assert_int_equal(write(out, p, (size_t)n), n);
	close(in);
	close(out);
	free(p);
}

/* A reader that meets the file at any length gets whole records alone. */
TEST(at_every_length)
{
	struct fixture *x = *state;
	char *half = in_dir(x->dir, "half"), *from, *to;
	unsigned most = 0;
	struct stat st;
	evt_error err;

	add(x, 1, 5);
	commit(x);
	from = evt_journal_path(x->dir, 1);
	assert_int_equal(mkdir(half, 0700), 0);
	to = evt_journal_path(half, 1);
	assert_int_equal(stat(from, &st), 0);
	for (off_t n = 0; n <= st.st_size; n++) {
		evt_journal_reader *r;
		unsigned got = 0;
		bool in_lines;
		evt_frame f;

		copy_cut(from, to, n);
		if (n < JH_LEN) {
			assert_int_equal(evt_journal_open(&evt_io_posix, half,
			                     1, &r, &err),
			    EVT_AGAIN);
			continue;
		}
		ok(evt_journal_open(&evt_io_posix, half, 1, &r, &err), &err);
		while (evt_journal_next(r, &f, &in_lines, &err) == EVT_OK) {
			evt_frame want = frame(1 + got++);

			same(&f, &want);
		}
		assert_in_range(got, most, most + 1);
		most = got;
		evt_journal_close(r);
	}
	assert_int_equal(most, 4);
	free(from);
	free(to);
	free(half);
}

/* Whichever call fails, added records are kept, and written once. */
TEST(a_failed_commit_is_tried_again)
{
	struct fixture *x = *state;
	static const enum fault kinds[] = { FAIL_IO, FAIL_FULL, FAIL_SHORT };
	uint64_t seq = 1, first = 1;
	evt_error err;

	for (unsigned at = 0; at < 5; at++) {
		for (unsigned k = 0; k < 3; k++) {
			evt_journal_reader *r;

			x->fault = (struct faulty){ at, 0, kinds[k], true };
			add(x, seq, seq + 6);
			seq += 6;
			/* Fewer calls than that: nothing fails. */
			if (evt_journal_commit(x->j, &err) != EVT_OK &&
			    kinds[k] == FAIL_FULL)
				assert_int_equal(err.code, EVT_ERR_FULL);
			x->fault.kind = NONE;
			commit(x);
			r = reader(x, first);
			expect(r, first, seq);
			evt_journal_close(r);
			evt_journal_turn(x->j);
			evt_journal_retire(x->j);
			first = seq;
		}
	}
}

TEST(files_live_until_their_block_is_safe)
{
	struct fixture *x = *state;
	uint64_t *seqs, bytes = 0;
	evt_error err;
	char *path;
	size_t n;

	for (uint64_t i = 0; i < 6; i++) {
		add(x, 1 + i * 10, 11 + i * 10);
		commit(x);
		bytes += evt_journal_bytes(x->j);
		/* The sync may come before or after the last record. */
		if (i % 2 == 0)
			ok(evt_journal_sync(x->j, &err), &err);
		evt_journal_turn(x->j);
		ok(evt_journal_sync(x->j, &err), &err);
		evt_journal_retire(x->j);
		assert_int_equal(evt_journal_bytes(x->j), 0);
	}
	add(x, 61, 62);
	commit(x);
	ok(evt_journal_sync(x->j, &err), &err);
	assert_int_equal(evt_journal_retired_bytes(x->j), bytes);
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 7);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(seqs[i], 1 + i * 10);
	free(seqs);
	/* One file was removed already; another one cannot be removed at
	 * first. */
	path = evt_journal_path(x->dir, 21);
	assert_int_equal(unlink(path), 0);
	free(path);
	x->fault = (struct faulty){ 2, 0, FAIL_IO, false };
	assert_int_equal(evt_journal_drop_retired(x->j, &err), EVT_ERR_IO);
	ok(evt_journal_drop_retired(x->j, &err), &err);
	assert_int_equal(evt_journal_retired_bytes(x->j), 0);
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(seqs[0], 61);
	free(seqs);
}

/* A file that was never synced may be lost in a power cut.  So it can be
 * removed before its block is synced. */
TEST(a_file_that_was_never_synced_is_removed_with_its_block)
{
	struct fixture *x = *state;
	uint64_t *seqs;
	evt_error err;
	size_t n;

	add(x, 1, 11);
	commit(x);
	evt_journal_turn(x->j);
	add(x, 11, 21);
	commit(x);
	/* The block is not in a segment yet. */
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 2);
	free(seqs);
	evt_journal_retire(x->j);
	assert_int_equal(evt_journal_retired_bytes(x->j), 0);
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 1);
	assert_int_equal(seqs[0], 11);
	free(seqs);
	/* One that cannot be removed is tried again later. */
	evt_journal_turn(x->j);
	x->fault = (struct faulty){ 0, 0, FAIL_IO, false };
	evt_journal_retire(x->j);
	assert_int_not_equal(evt_journal_retired_bytes(x->j), 0);
	ok(evt_journal_drop_retired(x->j, &err), &err);
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 0);
	free(seqs);
}

TEST(only_journals_are_listed)
{
	static const char *const others[] = { "lock", "1.evj",
		"00000000000000000001.evj.bad", "0000000000000000000x.evj",
		"99999999999999999999.evj", "000000000000000000001.evj" };
	struct fixture *x = *state;
	uint64_t *seqs = NULL;
	evt_error err;
	size_t n = 9;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char *path = in_dir(x->dir, others[i]);

		close(open(path, O_WRONLY | O_CREAT, 0600));
		free(path);
	}
	ok(evt_journal_list(&evt_io_posix, x->dir, &seqs, &n, &err), &err);
	assert_int_equal(n, 0);
	free(seqs);
	ok(evt_journal_list(&evt_io_posix, "/nowhere/at/all", &seqs, &n, &err),
	    &err);
	assert_int_equal(n, 0);
	free(seqs);
}

/* ---- headers ---- */

static void
with_header(struct fixture *x, unsigned at, uint8_t value, bool right_sum,
    int want)
{
	char *path = evt_journal_path(x->dir, 1);
	int fd = open(path, O_RDWR);
	evt_journal_reader *r = NULL;
	uint8_t h[JH_LEN], was[JH_LEN];
	evt_error err;

	assert_int_equal(pread(fd, h, JH_LEN, 0), JH_LEN);
	memcpy(was, h, JH_LEN);
	h[at] = value;
	if (right_sum)
		evt_put64(h + JH_SUM, XXH64(h, JH_SUM, 0));
	assert_int_equal(pwrite(fd, h, JH_LEN, 0), JH_LEN);
	assert_int_equal(evt_journal_open(&evt_io_posix, x->dir, 1, &r, &err),
	    want);
	evt_journal_close(r);
	assert_int_equal(pwrite(fd, was, JH_LEN, 0), JH_LEN);
	close(fd);
	free(path);
}

TEST(headers)
{
	struct fixture *x = *state;
	evt_journal_reader *r;
	evt_error err;
	char *from, *to;

	add(x, 1, 3);
	commit(x);
	with_header(x, JH_MAGIC, 'X', true, EVT_ERR_CORRUPT);
	with_header(x, JH_VERSION, 2, false, EVT_ERR_CORRUPT);
	with_header(x, JH_VERSION, 2, true, EVT_ERR_VERSION);
	with_header(x, JH_INCOMPAT, 128, true, EVT_ERR_VERSION);
	with_header(x, JH_SIZE, JH_LEN + 1, true, EVT_ERR_CORRUPT);
	with_header(x, JH_FIRST_SEQ, 2, true, EVT_ERR_CORRUPT);
	from = evt_journal_path(x->dir, 1);
	to = evt_journal_path(x->dir, 2);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(evt_journal_open(&evt_io_posix, x->dir, 2, &r, &err),
	    EVT_ERR_CORRUPT);
	assert_int_equal(evt_journal_open(&evt_io_posix, x->dir, 1, &r, &err),
	    EVT_ERR_NOTFOUND);
	free(from);
	free(to);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(committed_records_are_read),
		T(at_every_length),
		T(a_failed_commit_is_tried_again),
		T(a_file_that_was_never_synced_is_removed_with_its_block),
		T(files_live_until_their_block_is_safe),
		T(only_journals_are_listed),
		T(headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
