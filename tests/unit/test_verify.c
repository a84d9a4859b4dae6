/*
 * test_verify.c - every fault of a tape is reported: each byte of segment and
 * journal altered, each length cut off, and wrong index rows.
 */
#include "tests/unit/lib/tapes.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/read/verify.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

struct fixture {
	char *dir, *path, *file;
	evt_profile *profile;
	uint8_t *bytes;
	size_t n;
	char said[4000];
	uint64_t notes;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "v.tape");
	x->profile = navixy_profile();
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_profile_free(x->profile);
	free(x->bytes);
	free(x->file);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static evt_writer *
write_frames(struct fixture *x, unsigned n)
{
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.profile = x->profile;
	o.block_bytes = 1500;
	o.sync_ns = 0;
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, n, 7, T0, 1);
	return w;
}

static void
write_and_die(void *arg)
{
	evt_error err;

	ok(evt_writer_commit(write_frames(arg, 40), &err), &err);
}

static void
closed_tape(struct fixture *x)
{
	evt_error err;

	ok(evt_writer_close(write_frames(x, 40), &err), &err);
}

static void
load(struct fixture *x, const char *name)
{
	struct stat st;
	int fd;

	x->file = in_dir(x->path, name);
	fd = open(x->file, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	x->n = (size_t)st.st_size;
	x->bytes = malloc(x->n);
	assert_non_null(x->bytes);
	assert_int_equal(read(fd, x->bytes, x->n), x->n);
	close(fd);
}

static void
store(const struct fixture *x, size_t n)
{
	int fd = open(x->file, O_WRONLY);

	/* The end is cut off after writing, instead of emptying the file first.
	 * A file system may wait for the disk when a file that was emptied is
	 * closed. */
	assert_true(fd >= 0);
	assert_int_equal(write(fd, x->bytes, n), n);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	close(fd);
}

static void
keep(void *ctx, const evt_verify_fault *f)
{
	struct fixture *x = ctx;
	size_t n = strlen(x->said);

	x->notes += f->note;
	snprintf(x->said + n, sizeof(x->said) - n, "%s: %s\n", f->file,
	    f->what);
}

static evt_verify_result
verify(struct fixture *x)
{
	evt_verify_options o = { keep, NULL, x };
	evt_verify_result got;
	evt_error err;

	x->said[0] = '\0';
	x->notes = 0;
	ok(evt_verify_tape(x->path, &o, &got, &err), &err);
	return got;
}

TEST(sound)
{
	struct fixture *x = *state;
	evt_verify_result got;

	closed_tape(x);
	got = verify(x);
	assert_string_equal(x->said, "");
	assert_int_equal(got.faults, 0);
	assert_int_equal(got.frames, 40);
	assert_int_equal(got.segments, 1);
	assert_true(got.blocks > 3);
}

TEST(each_byte_of_a_segment)
{
	struct fixture *x = *state;
	evt_verify_result got;

	closed_tape(x);
	load(x, "000001.ndjson.zst");
	for (size_t i = 0; i < x->n; i++) {
		x->bytes[i] ^= 0x10;
		store(x, x->n);
		got = verify(x);
		if (got.faults == 0)
			fail_msg("byte %zu altered, and nothing said", i);
		assert_true(got.frames + got.lost <= 40);
		x->bytes[i] ^= 0x10;
	}
	store(x, x->n);
	assert_int_equal(verify(x).faults, 0);
}

TEST(cut_off_at_each_length)
{
	struct fixture *x = *state;

	closed_tape(x);
	load(x, "000001.ndjson.zst");
	/* Cut off where a block ends it is a tape that was not closed; then the
	 * index knows more than there is, and is not asked. */
	for (size_t n = 0; n < x->n; n++) {
		store(x, n);
		assert_true(verify(x).frames <= 40);
	}
	store(x, x->n - 1);
	assert_true(verify(x).faults > 0);
	assert_non_null(strstr(x->said, "directory"));
}

TEST(each_byte_of_a_journal)
{
	struct fixture *x = *state;
	evt_verify_result got;
	char name[64];
	uint64_t first;

	die_after(write_and_die, x);
	got = verify(x);
	assert_int_equal(got.frames, 40);
	assert_int_equal(got.faults, 0);
	assert_true(got.in_journal > 0);
	assert_int_equal(x->notes, 1);
	first = 41 - got.in_journal;
	snprintf(name, sizeof(name), "journal/%020llu.evj",
	    (unsigned long long)first);
	load(x, name);
	for (size_t i = 0; i < x->n; i++) {
		x->bytes[i] ^= 0x10;
		store(x, x->n);
		got = verify(x);
		if (got.faults == 0)
			fail_msg("byte %zu altered, and nothing said", i);
		assert_true(got.frames < 40);
		x->bytes[i] ^= 0x10;
	}
}

/* Delete the files of the journal, or its whole folder. */
static void
lose_journal(struct fixture *x, bool folder)
{
	char *dir = in_dir(x->path, "journal");
	char command[600];

	snprintf(command, sizeof(command),
	    folder ? "rm -r '%s'" : "rm '%s'/*.evj", dir);
	assert_int_equal(system(command), 0);
	free(dir);
}

TEST(a_lost_journal)
{
	struct fixture *x = *state;
	evt_verify_result got;
	evt_writer *w;
	evt_error err;
	uint64_t left;

	die_after(write_and_die, x);
	left = 40 - verify(x).in_journal;
	for (int folder = 0; folder < 2; folder++) {
		lose_journal(x, folder);
		got = verify(x);
		assert_int_equal(got.faults, folder);
		assert_int_equal(x->notes, !folder);
		assert_int_equal(got.frames, left);
		assert_non_null(strstr(x->said,
		    folder ? "journal: the journal is missing, and "
		             "000001.ndjson.zst" :
		             "journal: the journal has no file"));
	}
	/* The next recorder completes the segment. */
	w = write_frames(x, 1);
	got = verify(x);
	assert_int_equal(got.faults, 0);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(verify(x).faults, 0);
}

TEST(lost_blocks_are_counted)
{
	struct fixture *x = *state;
	evt_verify_result got;

	closed_tape(x);
	load(x, "000001.ndjson.zst");
	x->bytes[x->n / 2] ^= 1;
	store(x, x->n);
	got = verify(x);
	assert_int_equal(got.frames + got.lost, 40);
	assert_true(got.lost > 0);
}

static void
sql(struct fixture *x, const char *words)
{
	char *db_path = in_dir(x->path, "tape.db"), *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
	if (sqlite3_exec(db, words, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", words, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	free(db_path);
}

TEST(wrong_rows)
{
	static const struct {
		const char *change, *words;
	} cases[] = {
		{ "UPDATE source_span SET blocks = x'00' WHERE source = 2",
		    "table source_span for segment 000001" },
		{ "DELETE FROM source_span WHERE source = 3", "source_span" },
		{ "UPDATE source SET source_id = 99 WHERE source_id = 10001",
		    "source_span" },
		{ "UPDATE source SET source_id = '10001' WHERE source_id = "
		  "10001",
		    "source_span" },
		{ "UPDATE block SET last_ns = last_ns - 1 WHERE no = 1",
		    "table block" },
		{ "UPDATE segment SET frames = 41", "table segment" },
		{ "DELETE FROM segment", "table segment" },
		{ "UPDATE connection_span SET bytes = 0", "connection_span" },
		{ "INSERT INTO mark VALUES(9, 1, 0, 5, 0, '{}')", "mark" },
		{ "DROP TABLE mark", "cannot be read" },
	};
	struct fixture *x = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		evt_error err;

		if (i == 0)
			closed_tape(x);
		else
			ok(evt_tape_reindex(x->path, NULL, &err), &err);
		sql(x, cases[i].change);
		if (verify(x).faults == 0)
			fail_msg("%s: nothing said", cases[i].change);
		if (strstr(x->said, cases[i].words) == NULL)
			fail_msg("%s: said %s", cases[i].change, x->said);
	}
}

TEST(missing_files)
{
	struct fixture *x = *state;
	evt_writer *w = write_frames(x, 20);
	char *second = in_dir(x->path, "000002.ndjson.zst");
	char *db = in_dir(x->path, "tape.db");
	evt_error err;

	ok(evt_writer_rotate(w, &err), &err);
	put_states(w, 20, 20, 7, T0, 1);
	ok(evt_writer_rotate(w, &err), &err);
	put_states(w, 40, 20, 7, T0, 1);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(unlink(db), 0);
	assert_int_equal(verify(x).faults, 1);
	assert_non_null(strstr(x->said, "the index is missing"));
	assert_int_equal(unlink(second), 0);
	assert_int_equal(verify(x).lost, 20);
	assert_non_null(
	    strstr(x->said, "000002.ndjson.zst: the segment is missing"));
	free(second);
	free(db);
}

/* File operations of a tape whose first two segments are removed at the nth
 * opening of a segment.  n = 0: the second one is not even listed. */
struct retention {
	unsigned n, opened;
};

static bool
retention_took(const struct retention *x, const char *path)
{
	return x->opened >= x->n &&
	    (strstr(path, "000001.nd") != NULL ||
	        strstr(path, "000002.nd") != NULL);
}

static int
retention_open(void *ctx, const char *path, int flags, mode_t mode)
{
	struct retention *x = ctx;

	x->opened += strstr(path, ".ndjson.zst") != NULL;
	if (retention_took(x, path)) {
		errno = ENOENT;
		return -1;
	}
	return evt_io_posix.open(evt_io_posix.ctx, path, flags, mode);
}

static int
retention_stat(void *ctx, const char *path, struct stat *st)
{
	if (retention_took(ctx, path)) {
		errno = ENOENT;
		return -1;
	}
	return evt_io_posix.stat(evt_io_posix.ctx, path, st);
}

struct listed {
	const struct retention *x;
	evt_io_name *name;
	void *arg;
};

static bool
retention_name(void *arg, const char *name, bool is_file)
{
	struct listed *l = arg;

	if (l->x->n == 0 && strstr(name, "000002.nd") != NULL)
		return true;
	return l->name(l->arg, name, is_file);
}

static int
retention_list(void *ctx, const char *path, evt_io_name *name, void *arg)
{
	struct listed l = { ctx, name, arg };

	return evt_io_posix.list(evt_io_posix.ctx, path, retention_name, &l);
}

/* Retention may remove the first segments at any moment: the others are not
 * reported as damaged. */
TEST(segments_that_retention_removes_meanwhile)
{
	struct fixture *x = *state;
	evt_verify_options o = { keep, NULL, x };
	evt_verify_result got;
	evt_writer_options wo;
	evt_writer *w;
	evt_error err;
	struct retention at = { 0 };
	evt_io io = evt_io_posix;

	evt_writer_options_init(&wo);
	wo.profile = x->profile;
	wo.block_bytes = 1500;
	wo.segment_bytes = 1000;
	ok(evt_writer_open_env(x->path, &wo, test_env(), &w, &err), &err);
	put_states(w, 0, 200, 7, T0, 1);
	ok(evt_writer_close(w, &err), &err);
	io.ctx = &at;
	io.open = retention_open;
	io.stat = retention_stat;
	io.list = retention_list;
	for (unsigned n = 0;; n++) {
		at = (struct retention){ .n = n };
		x->said[0] = '\0';
		ok(evt_verify_tape_io(x->path, &io, &o, &got, &err), &err);
		assert_string_equal(x->said, "");
		if (at.opened < n)
			break;
	}
	assert_int_equal(got.frames, 200);
	assert_true(got.segments > 3 && at.n > 5);
}

TEST(not_a_tape)
{
	struct fixture *x = *state;
	evt_verify_options o = { NULL, NULL, NULL };
	evt_verify_result got;
	evt_error err;

	assert_int_equal(evt_verify_tape(x->path, &o, &got, &err),
	    EVT_ERR_NOTATAPE);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(sound),
		T(each_byte_of_a_segment),
		T(cut_off_at_each_length),
		T(each_byte_of_a_journal),
		T(a_lost_journal),
		T(lost_blocks_are_counted),
		T(wrong_rows),
		T(missing_files),
		T(segments_that_retention_removes_meanwhile),
		T(not_a_tape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
