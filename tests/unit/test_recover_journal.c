/*
 * test_recover_journal.c - recovery of damaged journals: they end at a torn
 * end, and damaged files are kept.
 */
#include "tests/unit/lib/crash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/layout.h"
#include "format/store/journal.h"
#include "format/read/verify.h"
#include "tests/unit/lib/test.h"

TEST(a_torn_record_ends_the_journal)
{
	struct crashed *x = *state;
	struct stat st;
	char *file;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, st.st_size - 1), 0);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 40);
	assert_int_equal(check_states(x->path, 0, SOURCES), 39);
	assert_false(crashed_has(x, ".evj", NULL));
	free(file);
}

/* The last full blocks are not in a segment yet.  The journal has a file for
 * each of them, and one for later frames. */
TEST(a_block_that_was_being_packed_is_recovered)
{
	struct crashed *x = *state;
	uint64_t *firsts;
	evt_error err;
	size_t n;

	x->packing = true;
	die_after(crashed_write, x);
	ok(evt_journal_list(&evt_io_posix, x->journal, &firsts, &n, &err),
	    &err);
	assert_in_range(n, 2, 4);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.frames, 41 - firsts[0]);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	assert_false(crashed_has(x, ".evj", NULL));
	free(firsts);
}

/* The spare file of the dead writer has no records. */
TEST(the_spare_file_is_removed)
{
	struct crashed *x = *state;
	char *spare = in_dir(x->journal, EVT_JOURNAL_SPARE);

	die_after(crashed_write, x);
	close(open(spare, O_WRONLY | O_CREAT, 0666));
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(access(spare, F_OK), -1);
	free(spare);
}

/* A file that kept its length in a power cut, but not its contents. */
TEST(a_blank_end_is_a_torn_end)
{
	static const uint8_t blank[700];
	struct crashed *x = *state;
	evt_verify_options o = { 0 };
	evt_verify_result got;
	char *file;
	evt_error err;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	crashed_append(file, blank, sizeof(blank));
	ok(evt_verify_tape(x->path, &o, &got, &err), &err);
	assert_int_equal(got.faults, 0);
	assert_int_equal(got.frames, 40);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 41);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	assert_false(crashed_has(x, ".evj", NULL));
	assert_false(crashed_has(x, ".bad", NULL));
	free(file);
}

/* The same of the first one of a file, and its header. */
TEST(a_blank_file_has_no_records)
{
	static const uint8_t blank[5000];
	struct crashed *x = *state;
	evt_verify_options o = { 0 };
	evt_verify_result got;
	char *file = in_dir(x->journal, "00000000000000000041.evj");
	int fd;
	evt_error err;

	die_after(crashed_write, x);
	fd = open(file, O_WRONLY | O_CREAT, 0666);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, blank, sizeof(blank)), sizeof(blank));
	close(fd);
	ok(evt_verify_tape(x->path, &o, &got, &err), &err);
	assert_int_equal(got.faults, 0);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 41);
	assert_false(crashed_has(x, ".evj", NULL));
	assert_false(crashed_has(x, ".bad", NULL));
	free(file);
}

/* Records after a bad one cannot be read, so their bytes are kept. */
TEST(a_damaged_journal_is_set_aside)
{
	struct crashed *x = *state;
	char *file, *bad;
	uint8_t *bytes, *kept;
	size_t n, m;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	bytes = crashed_read(file, &n);
	crashed_overwrite(file, n / 2, "damage", 6);
	free(bytes);
	bytes = crashed_read(file, &n);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_in_range(x->got.next_seq, 2, 40);
	crashed_says(x, "the file is kept as");
	assert_false(crashed_has(x, ".evj", NULL));
	assert_true(crashed_has(x, ".evj.bad", &bad));
	kept = crashed_read(bad, &m);
	assert_int_equal(n, m);
	assert_memory_equal(bytes, kept, n);
	assert_int_equal(check_states(x->path, 0, SOURCES),
	    x->got.next_seq - 1);
	free(bytes);
	free(kept);
	free(bad);
	free(file);
}

TEST(another_tapes_journal_is_set_aside)
{
	struct crashed *x = *state;
	static const uint8_t other[16] = "another tape's!";
	evt_journal *j;
	evt_error err;
	evt_frame f = { .seq = 41,
		.time_ns = T0,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)"{}",
		.len = 2 };

	die_after(crashed_write, x);
	ok(evt_journal_new(&evt_io_posix, x->journal, other, &j, &err), &err);
	ok(evt_journal_reserve(j, &f, &err), &err);
	evt_journal_add(j, &f, true);
	ok(evt_journal_commit(j, &err), &err);
	evt_journal_free(j);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 41);
	crashed_says(x, "belongs to another tape");
	assert_true(crashed_has(x, ".evj.bad", NULL));
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/* With a damaged length, a record reaches past the end of the file, like a torn
 * one.  But complete records follow it. */
TEST(a_damaged_length_is_not_a_torn_end)
{
	struct crashed *x = *state;
	const uint8_t large[4] = { 0, 0, 0, 1 };
	char *file = NULL, *bad = NULL;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	crashed_overwrite(file, JH_LEN, large, sizeof(large));
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.frames, 0);
	crashed_says(x, "the length of the record at offset 64 is damaged");
	assert_true(crashed_has(x, ".evj.bad", &bad));
	free(file);
	free(bad);
}

/* Notices describe each fault, whether or not the caller passes an
 * evt_error. */
TEST(without_an_error_struct)
{
	struct crashed *x = *state;
	evt_writer_options o = crashed_options(x);
	char *file = NULL;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	crashed_overwrite(file, JH_LEN + JR_HEAD, "?", 1);
	assert_int_equal(evt_recover(&evt_io_posix, x->path, &o, &x->got, NULL),
	    EVT_OK);
	crashed_says(x, "is damaged");
	free(file);
}

#define T(f) RUN_WITH(f, crashed_setup, crashed_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(a_torn_record_ends_the_journal),
		T(a_block_that_was_being_packed_is_recovered),
		T(the_spare_file_is_removed),
		T(a_blank_end_is_a_torn_end),
		T(a_blank_file_has_no_records),
		T(a_damaged_journal_is_set_aside),
		T(another_tapes_journal_is_set_aside),
		T(a_damaged_length_is_not_a_torn_end),
		T(without_an_error_struct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
