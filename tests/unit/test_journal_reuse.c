/*
 * test_journal_reuse.c - a journal file that is used again for another block:
 * a reader that has it open gets no wrong frame, and an incomplete write is
 * distinguished from damage although the file has bytes after it.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/journal.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "format/write/recover.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

static const uint8_t uuid[16] = "a tape's own id!";

struct fixture {
	char *dir, *spare;
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
	x->spare = in_dir(x->dir, EVT_JOURNAL_SPARE);
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
	free(x->spare);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* Add frames from..to; each has its number as its payload's length. */
static void
add_only(struct fixture *x, uint64_t from, uint64_t to)
{
	static uint8_t text[2000];
	evt_error err;

	memset(text, '7', sizeof(text));
	for (uint64_t seq = from; seq < to; seq++) {
		evt_frame f = { .seq = seq,
			.time_ns = T0,
			.payload = text,
			.kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT,
			.len = (size_t)seq };

		ok(evt_journal_reserve(x->j, &f, &err), &err);
		evt_journal_add(x->j, &f, true);
	}
}

static void
add(struct fixture *x, uint64_t from, uint64_t to)
{
	evt_error err;

	add_only(x, from, to);
	ok(evt_journal_commit(x->j, &err), &err);
}

static void
end_block(struct fixture *x)
{
	evt_journal_turn(x->j);
	evt_journal_retire(x->j);
}

static uint64_t
file_size(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static evt_journal_reader *
reader(struct fixture *x, uint64_t first_seq)
{
	evt_journal_reader *r;
	evt_error err;

	ok(evt_journal_open(&evt_io_posix, x->dir, first_seq, &r, &err), &err);
	return r;
}

/* Read to the last complete record and check each frame; returns their
 * number. */
static uint64_t
take(evt_journal_reader *r, uint64_t first, int *ret_code)
{
	uint64_t n = 0;
	bool in_lines;
	evt_error err;
	evt_frame f;

	while (
	    (*ret_code = evt_journal_next(r, &f, &in_lines, &err)) == EVT_OK) {
		assert_int_equal(f.seq, first + n);
		assert_int_equal(f.len, f.seq);
		for (size_t i = 0; i < f.len; i++)
			assert_int_equal(f.payload[i], '7');
		n++;
	}
	return n;
}

TEST(the_next_block_gets_the_file)
{
	struct fixture *x = *state;
	uint64_t left = 1, size;
	evt_journal_reader *r;
	evt_error err;
	char *path;
	int code;

	add(x, 500, 530);
	size = evt_journal_bytes(x->j);
	end_block(x);
	assert_int_equal(file_size(x->spare), size);
	assert_int_equal(evt_journal_open(&evt_io_posix, x->dir, 500, &r, &err),
	    EVT_ERR_NOTFOUND);
	add(x, 530, 540);
	assert_int_equal(access(x->spare, F_OK), -1);
	path = evt_journal_path(x->dir, 530);
	assert_int_equal(file_size(path), size);
	r = reader(x, 530);
	assert_int_equal(take(r, 530, &code), 10);
	assert_int_equal(code, EVT_AGAIN);
	ok(evt_journal_check_end(r, &left, &err), &err);
	assert_int_equal(left, 0);
	/* It becomes longer than before. */
	add(x, 540, 600);
	assert_true(file_size(path) > size);
	assert_int_equal(take(r, 540, &code), 60);
	assert_int_equal(code, EVT_AGAIN);
	evt_journal_close(r);
	end_block(x);
	assert_true(evt_journal_drop_spare(x->j));
	assert_false(evt_journal_drop_spare(x->j));
	assert_int_equal(access(x->spare, F_OK), -1);
	free(path);
}

/* A reader opened the file before it was used again, and reads afterwards: from
 * each place, with each length of the new contents. */
TEST(a_reader_of_the_old_file_reads_no_new_records)
{
	struct fixture *x = *state;
	uint64_t seq = 100;

	for (unsigned n = 1; n < 14; n++) {
		evt_journal_reader *r[12];
		uint64_t first = seq;
		bool in_lines;
		evt_error err;
		evt_frame f;
		int code;

		add(x, seq, seq + 12);
		seq += 12;
		for (unsigned i = 0; i < 12; i++) {
			r[i] = reader(x, first);
			for (unsigned k = 0; k < i; k++)
				ok(evt_journal_next(r[i], &f, &in_lines, &err),
				    &err);
		}
		end_block(x);
		assert_int_equal(take(r[0], first, &code), 0);
		assert_int_equal(code, EVT_AGAIN);
		add(x, seq, seq + n);
		seq += n;
		for (unsigned i = 0; i < 12; i++) {
			/* It may have the rest in memory. */
			assert_in_range(take(r[i], first + i, &code), 0,
			    12 - i);
			assert_int_equal(code, EVT_AGAIN);
			evt_journal_close(r[i]);
		}
		end_block(x);
	}
}

/* A file that was used before, with records 1000..1003 in it. */
static char *
used_file(struct fixture *x, uint64_t *ret_size, uint64_t *ret_end)
{
	add(x, 900, 990);
	*ret_size = evt_journal_bytes(x->j);
	end_block(x);
	add(x, 1000, 1004);
	*ret_end = evt_journal_bytes(x->j);
	return evt_journal_path(x->dir, 1000);
}

static void
put_bytes(const char *path, uint64_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

/* A write that a kill cut off anywhere. */
TEST(a_torn_record_is_not_damage)
{
	static const uint8_t zero[3000];
	struct fixture *x = *state;
	uint64_t size, end, last;
	char *path = used_file(x, &size, &end);

	last = end - (JR_HEAD + JB_LEN + 1003);
	for (uint64_t at = end - 1; at >= last; at--) {
		uint64_t left = UINT64_MAX;
		evt_journal_reader *r;
		evt_error err;
		int code;

		put_bytes(path, at, zero, (size_t)(end - at));
		r = reader(x, 1000);
		assert_int_equal(take(r, 1000, &code), 3);
		assert_int_equal(code, EVT_AGAIN);
		ok(evt_journal_check_end(r, &left, &err), &err);
		assert_in_range(left, 0, at - last);
		evt_journal_close(r);
	}
	free(path);
}

/* Change each byte: all frames that are read are right, and the damage is
 * noticed, at once or by evt_journal_check_end(). */
TEST(damage_is_not_a_torn_record)
{
	struct fixture *x = *state;
	uint64_t size, end, at = JH_LEN;
	char *path = used_file(x, &size, &end);
	uint8_t *good = malloc(end);
	int fd = open(path, O_RDONLY);

	assert_true(good != NULL && fd >= 0);
	assert_int_equal(read(fd, good, end), end);
	close(fd);
	for (uint64_t n = 0; n < 4; n++) {
		uint64_t next = at + JR_HEAD + evt_get32(good + at);

		for (uint64_t i = at; i < next; i++) {
			uint8_t bad = good[i] ^ (uint8_t)(1 << i % 8);
			evt_journal_reader *r;
			uint64_t left;
			evt_error err;
			int code;

			put_bytes(path, i, &bad, 1);
			r = reader(x, 1000);
			assert_int_equal(take(r, 1000, &code), n);
			if (code == EVT_AGAIN)
				code = evt_journal_check_end(r, &left, &err);
			assert_int_equal(code, EVT_ERR_CORRUPT);
			evt_journal_close(r);
			put_bytes(path, i, good + i, 1);
		}
		at = next;
	}
	assert_int_equal(at, end);
	free(good);
	free(path);
}

/* Whichever call fails, all frames can be read. */
TEST(a_failure_loses_only_the_spare_file)
{
	static const enum fault kinds[] = { FAIL_IO, FAIL_FULL, FAIL_SHORT };
	struct fixture *x = *state;
	uint64_t seq = 100;
	evt_error err;

	for (unsigned at = 0; at < 8; at++) {
		for (unsigned k = 0; k < 3; k++) {
			evt_journal_reader *r;
			uint64_t first;
			int code;

			add(x, seq, seq + 5);
			seq += 5;
			/* That of the file, of making it blank, of the next. */
			x->fault = (struct faulty){ at, 0, kinds[k], true };
			end_block(x);
			x->fault =
			    (struct faulty){ at % 3, 0, kinds[k], false };
			first = seq;
			add_only(x, seq, seq + 3);
			seq += 3;
			(void)evt_journal_commit(x->j, &err);
			x->fault.kind = NONE;
			ok(evt_journal_commit(x->j, &err), &err);
			r = reader(x, first);
			assert_int_equal(take(r, first, &code), 3);
			assert_int_equal(code, EVT_AGAIN);
			evt_journal_close(r);
			end_block(x);
			ok(evt_journal_drop_retired(x->j, &err), &err);
		}
	}
}

TEST(large_and_synced_files_are_not_kept)
{
	struct fixture *x = *state;
	evt_error err;

	add(x, 1000, 1010);
	ok(evt_journal_sync(x->j, &err), &err);
	end_block(x);
	assert_int_equal(access(x->spare, F_OK), -1);
	ok(evt_journal_drop_retired(x->j, &err), &err);
	for (unsigned i = 0; i < 6; i++)
		add(x, 1100, 1900);
	assert_true(evt_journal_bytes(x->j) > 4u << 20);
	end_block(x);
	assert_int_equal(access(x->spare, F_OK), -1);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_next_block_gets_the_file),
		T(a_reader_of_the_old_file_reads_no_new_records),
		T(a_torn_record_is_not_damage),
		T(damage_is_not_a_torn_record),
		T(a_failure_loses_only_the_spare_file),
		T(large_and_synced_files_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
