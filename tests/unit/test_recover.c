/*
 * test_recover.c - a tape that was not closed, put in order: the journal's
 * records become its last block, and nothing else is touched.
 */
#include "tests/unit/lib/crash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/layout.h"
#include "tests/unit/lib/test.h"

TEST(the_journal_becomes_the_last_block)
{
	struct crashed *x = *state;
	size_t n, m;
	uint8_t *before, *after;
	evt_segment s;

	die_after(crashed_write, x);
	s = crashed_look(x);
	assert_false(s.sealed);
	assert_int_equal(s.n_blocks, 3);
	evt_segment_free(&s);
	before = crashed_read(x->segment, &n);

	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_true(x->got.has_uuid);
	assert_int_equal(x->got.next_seq, 41);
	assert_int_equal(x->got.next_segment, 2);
	assert_int_equal(x->got.max_conn, 1);
	assert_true(x->got.frames > 0);
	assert_int_equal(x->got.lost_frames, 0);
	assert_int_equal(x->got.lost_bytes, 0);
	crashed_says(x, "was not closed");
	assert_false(crashed_has(x, ".evj", NULL));

	s = crashed_look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	after = crashed_read(x->segment, &m);
	assert_true(m > n);
	assert_memory_equal(after, before, n);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	free(before);
	free(after);
}

TEST(twice_is_once)
{
	struct crashed *x = *state;
	evt_recover_result first;
	size_t n, m;
	uint8_t *before, *after;

	die_after(crashed_write, x);
	assert_int_equal(crashed_recover(x), EVT_OK);
	first = x->got;
	before = crashed_read(x->segment, &n);
	assert_int_equal(crashed_recover(x), EVT_OK);
	after = crashed_read(x->segment, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	assert_int_equal(x->got.frames, 0);
	assert_int_equal(x->got.next_seq, first.next_seq);
	assert_int_equal(x->got.next_segment, first.next_segment);
	assert_string_equal(x->said, "");
	free(before);
	free(after);
}

/* A journal of which the block reached the segment before the death. */
TEST(records_in_a_segment_already_are_skipped)
{
	struct crashed *x = *state;
	char *file, *copy;
	size_t n;
	uint8_t *bytes;
	int fd;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	bytes = crashed_read(file, &n);
	assert_int_equal(crashed_recover(x), EVT_OK);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.frames, 0);
	assert_int_equal(x->got.next_seq, 41);
	assert_false(crashed_has(x, ".evj", &copy));
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	free(bytes);
	free(file);
}

TEST(a_torn_block_that_the_journal_has_is_cut_off)
{
	struct crashed *x = *state;
	evt_segment s;

	die_after(crashed_write, x);
	crashed_append(x->segment, "\x50\x2a\x4d\x18 half a block", 18);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.lost_bytes, 0);
	assert_false(crashed_has(x, ".torn", NULL));
	s = crashed_look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/* Only the segment has these bytes, so they are kept in a file beside it. */
TEST(a_torn_end_that_no_journal_has_is_kept)
{
	static const char junk[] = "nobody knows what this was";
	struct crashed *x = *state;
	char *file, *torn;
	uint8_t *bytes;
	size_t n;

	die_after(crashed_write, x);
	assert_true(crashed_has(x, ".evj", &file));
	assert_int_equal(unlink(file), 0);
	crashed_append(x->segment, junk, sizeof(junk));
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.lost_bytes, sizeof(junk));
	assert_int_equal(x->got.frames, 0);
	crashed_says(x, "are kept in");
	assert_true(crashed_has(x, ".torn", &torn));
	bytes = crashed_read(torn, &n);
	assert_int_equal(n, sizeof(junk));
	assert_memory_equal(bytes, junk, n);
	assert_int_equal(check_states(x->path, 0, SOURCES),
	    x->got.next_seq - 1);
	free(bytes);
	free(torn);
	free(file);
}

/* That is no torn end: good blocks follow it. */
TEST(a_bad_block_in_the_middle_stays)
{
	struct crashed *x = *state;
	evt_segment s;
	uint8_t *before, *after;
	uint64_t at;
	size_t n, m;

	die_after(crashed_write, x);
	s = crashed_look(x);
	at = s.blocks[1].offset + s.blocks[1].stored - 40;
	evt_segment_free(&s);
	crashed_overwrite(x->segment, at, "damage", 6);
	before = crashed_read(x->segment, &n);
	assert_int_equal(crashed_recover(x), EVT_OK);
	after = crashed_read(x->segment, &m);
	assert_memory_equal(after, before, n);
	assert_int_equal(x->got.next_seq, 41);
	s = crashed_look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	free(before);
	free(after);
}

/* The last block is bad, and the journal begins after it: its frames are
 * lost, and counted. */
TEST(a_bad_last_block_is_a_loss)
{
	struct crashed *x = *state;
	uint32_t frames;
	evt_segment s;

	die_after(crashed_write, x);
	s = crashed_look(x);
	frames = s.blocks[2].frames;
	crashed_overwrite(x->segment,
	    s.blocks[2].offset + s.blocks[2].stored - 40, "damage", 6);
	evt_segment_free(&s);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, frames);
	assert_int_equal(x->got.next_seq, 41);
	assert_true(x->got.lost_bytes > 0);
	assert_true(crashed_has(x, ".torn", NULL));
}

/* The same, when the journal of that block was not yet removed. */
TEST(a_bad_last_block_is_taken_from_its_journal)
{
	struct crashed *x = *state;
	evt_segment s;

	x->late_sync = true;
	die_after(crashed_write, x);
	s = crashed_look(x);
	crashed_overwrite(x->segment,
	    s.blocks[2].offset + s.blocks[2].stored - 40, "damage", 6);
	evt_segment_free(&s);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, 0);
	assert_int_equal(x->got.lost_bytes, 0);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/*
 * A power cut: of blocks that were not synced yet, a later one arrived and an
 * earlier one did not.  The journal has both.
 */
TEST(a_bad_block_in_the_middle_is_taken_from_the_journal)
{
	struct crashed *x = *state;
	uint8_t zeros[300] = { 0 };

	x->late_sync = true;
	for (unsigned which = 0; which < 4; which++) {
		evt_segment s;

		die_after(crashed_write, x);
		s = crashed_look(x);
		assert_int_equal(s.n_blocks, 3);
		/* The header, or the lines; of the first block, or the next. */
		crashed_overwrite(x->segment,
		    s.blocks[which / 2].offset +
		        (which % 2 ? s.blocks[which / 2].stored - 300 : 0),
		    zeros, sizeof(zeros));
		evt_segment_free(&s);
		assert_int_equal(crashed_recover(x), EVT_OK);
		assert_int_equal(x->got.lost_frames, 0);
		assert_int_equal(x->got.lost_bytes, 0);
		assert_int_equal(x->got.next_seq, 41);
		assert_int_equal(check_states(x->path, 0, SOURCES), 40);
		remove_dir(strdup(x->path));
	}
}

/* The only block of a segment is torn, and the journal does not have its
 * frames.  The block must not stay, since its sequence numbers are used
 * again. */
TEST(a_segment_without_a_complete_block_is_removed)
{
	struct crashed *x = *state;
	evt_writer_options o;
	evt_writer *w;
	evt_error err;
	evt_segment s;
	char *file;

	x->late_sync = true;
	die_after(crashed_write, x);
	s = crashed_look(x);
	assert_int_equal(truncate(x->segment, (off_t)s.blocks[0].stored), 0);
	crashed_overwrite(x->segment, s.blocks[0].stored - 40, "damage", 6);
	evt_segment_free(&s);
	while (crashed_has(x, ".evj", &file)) {
		assert_int_equal(unlink(file), 0);
		free(file);
	}
	o = crashed_options(x);
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 5, SOURCES, T0, 10);
	ok(evt_writer_close(w, &err), &err);
	assert_true(crashed_has(x, ".torn", NULL));
	assert_int_equal(check_states(x->path, 0, SOURCES), 5);
}

/* Frames before the first complete block of a tape cannot be counted. */
TEST(a_loss_before_the_first_block_is_reported)
{
	struct crashed *x = *state;
	uint8_t zeros[300] = { 0 };
	char *file;

	x->late_sync = true;
	die_after(crashed_write, x);
	crashed_overwrite(x->segment, 0, zeros, sizeof(zeros));
	while (crashed_has(x, ".evj", &file)) {
		assert_int_equal(unlink(file), 0);
		free(file);
	}
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, 0);
	assert_true(x->got.lost_bytes > sizeof(zeros));
}

/* A recorder used the folder before, so the rest of its first block is removed,
 * too. */
TEST(torn_bytes_of_a_first_block_are_removed)
{
	struct crashed *x = *state;
	evt_writer_options o = crashed_options(x);
	evt_writer *w;
	evt_error err;
	evt_segment s;

	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	close(open(x->segment, O_WRONLY | O_CREAT, 0600));
	crashed_append(x->segment, "\0\0\0\0\0\0\0\0", 8);
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	assert_true(crashed_has(x, ".torn", NULL));
	/* A mark that says so is in its place. */
	s = crashed_look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_damaged, 0);
	evt_segment_free(&s);
	assert_int_equal(check_states(x->path, 0, SOURCES), 0);
}

/* The journal has some frames of the damaged block.  They come first, and the
 * bytes after the damage are kept in a file beside the segment. */
TEST(a_bad_block_that_the_journal_has_in_part)
{
	struct crashed *x = *state;
	uint8_t zeros[300] = { 0 };
	evt_segment s;
	char *file;
	unsigned n;

	x->late_sync = true;
	die_after(crashed_write, x);
	s = crashed_look(x);
	crashed_overwrite(x->segment, s.blocks[0].offset, zeros, sizeof(zeros));
	evt_segment_free(&s);
	file = in_dir(x->journal, "00000000000000000001.evj");
	assert_int_equal(truncate(file, 64 + 700), 0);
	free(file);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_true(x->got.lost_bytes > 0);
	assert_true(crashed_has(x, ".torn", NULL));
	n = crashed_check_first(x->path);
	assert_true(n >= 2);
}

/* ---- odd folders ---- */

TEST(an_empty_tape)
{
	struct crashed *x = *state;
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_false(x->got.has_uuid);
	assert_int_equal(x->got.next_seq, 1);
	assert_int_equal(x->got.next_segment, 1);
	/* A segment that was created and never written to. */
	fd = open(x->segment, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_segment, 1);
	assert_int_not_equal(access(x->segment, F_OK), 0);
}

TEST(bytes_of_unknown_origin_are_kept)
{
	struct crashed *x = *state;
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	fd = open(x->segment, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "not ours", 8), 8);
	close(fd);
	assert_int_equal(crashed_recover(x), EVT_OK);
	assert_int_equal(x->got.next_segment, 2);
	assert_int_equal(access(x->segment, F_OK), 0);
}

TEST(no_number_is_left)
{
	struct crashed *x = *state;
	char *last = in_dir(x->path, "4294967295.ndjson.zst");
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	fd = open(last, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(crashed_recover(x), EVT_ERR_ARG);
	free(last);
}

#define T(f) RUN_WITH(f, crashed_setup, crashed_teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_journal_becomes_the_last_block),
		T(twice_is_once),
		T(records_in_a_segment_already_are_skipped),
		T(a_torn_block_that_the_journal_has_is_cut_off),
		T(a_torn_end_that_no_journal_has_is_kept),
		T(a_bad_block_in_the_middle_stays),
		T(a_bad_last_block_is_a_loss),
		T(a_bad_last_block_is_taken_from_its_journal),
		T(a_bad_block_in_the_middle_is_taken_from_the_journal),
		T(a_bad_block_that_the_journal_has_in_part),
		T(a_segment_without_a_complete_block_is_removed),
		T(torn_bytes_of_a_first_block_are_removed),
		T(a_loss_before_the_first_block_is_reported),
		T(an_empty_tape),
		T(bytes_of_unknown_origin_are_kept),
		T(no_number_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
