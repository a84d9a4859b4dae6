/*
 * test_recover.c - a tape that was not closed, put in order: the journal's
 * records become its last block, and nothing else is touched.
 */
#include "tests/unit/tapes.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/layout.h"
#include "format/recover.h"
#include "format/segment.h"
#include "format/writer.h"

#define T0 INT64_C(1700000000000000000)
#define SOURCES 5u
#define SEGMENT "000001.ndjson.zst"

struct fixture {
	char *dir, *path, *segment, *journal;
	evt_recovered got;
	char said[2000]; /* all notices */
	bool late_sync;  /* no block was synced before the recorder died */
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "r.tape");
	x->segment = in_dir(x->path, SEGMENT);
	x->journal = in_dir(x->path, "journal");
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	free(x->journal);
	free(x->segment);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
keep_words(void *ctx, const char *text)
{
	struct fixture *x = ctx;
	size_t n = strlen(x->said);

	snprintf(x->said + n, sizeof(x->said) - n, "%s\n", text);
}

static evt_writer_options
options_of(struct fixture *x)
{
	evt_writer_options o;

	evt_writer_options_init(&o);
	o.block_bytes = 2000;
	/* Synced, the journal is of the last block alone. */
	o.sync_ns = x->late_sync ? INT64_MAX : 0;
	o.notice = keep_words;
	o.notice_ctx = x;
	return o;
}

/* A recorder that got 40 states and died: three blocks in the segment, the
 * rest in the journal. */
static void
write_and_die(void *arg)
{
	struct fixture *x = arg;
	evt_writer_options o = options_of(x);
	evt_writer *w;
	evt_error err;

	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 40, SOURCES, T0, 10);
	ok(evt_writer_commit(w, &err), &err);
}

static int
recover(struct fixture *x)
{
	evt_writer_options o = options_of(x);
	evt_error err;

	memset(&x->got, 0, sizeof(x->got));
	x->said[0] = '\0';
	return evt_recover(&evt_io_posix, x->path, &o, &x->got, &err);
}

static evt_segment
look(struct fixture *x)
{
	evt_segment s = { .io = &evt_io_posix, .no = 1,
		.path = strdup(x->segment) };
	evt_error err;

	s.name = strrchr(s.path, '/') + 1;
	ok(evt_segment_load(&s, &err), &err);
	return s;
}

static uint8_t *
read_all(const char *path, size_t *ret_n)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	uint8_t *p;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_n = (size_t)st.st_size;
	p = malloc(*ret_n + 1);
	assert_non_null(p);
	assert_int_equal(read(fd, p, *ret_n), *ret_n);
	close(fd);
	return p;
}

/* Whether the journal folder has a file whose name ends so; its path is put
 * into *ret_path (free() it) unless that is NULL. */
static bool
in_journal(struct fixture *x, const char *end, char **ret_path)
{
	DIR *d = opendir(x->journal);
	struct dirent *e;
	bool found = false;

	assert_non_null(d);
	while (!found && (e = readdir(d)) != NULL) {
		size_t n = strlen(e->d_name), m = strlen(end);

		found = n >= m && strcmp(e->d_name + n - m, end) == 0;
		if (found && ret_path != NULL)
			*ret_path = in_dir(x->journal, e->d_name);
	}
	closedir(d);
	return found;
}

static void
says(const struct fixture *x, const char *words)
{
	if (strstr(x->said, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, x->said);
}

static void
append(const char *path, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
}

static void
overwrite(const char *path, uint64_t at, const void *p, size_t n)
{
	int fd = open(path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, (off_t)at), n);
	close(fd);
}

/* How many states come one after the other from the first on, all right. */
static unsigned
check_first_states(const char *path)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned i = 0;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK && f.seq == i + 1) {
		evt_frame want = make_state(i++, SOURCES);

		assert_int_equal(f.len, want.len);
		assert_memory_equal(f.payload, want.payload, f.len);
		free((void *)(uintptr_t)want.payload);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return i;
}

/* ---- */

static void
the_journal_becomes_the_last_block(void **state)
{
	struct fixture *x = *state;
	size_t n, m;
	uint8_t *before, *after;
	evt_segment s;

	die_after(write_and_die, x);
	s = look(x);
	assert_false(s.sealed);
	assert_int_equal(s.n_blocks, 3);
	evt_segment_free(&s);
	before = read_all(x->segment, &n);

	assert_int_equal(recover(x), EVT_OK);
	assert_true(x->got.has_uuid);
	assert_int_equal(x->got.next_seq, 41);
	assert_int_equal(x->got.next_segment, 2);
	assert_int_equal(x->got.max_conn, 1);
	assert_true(x->got.frames > 0);
	assert_int_equal(x->got.lost_frames, 0);
	assert_int_equal(x->got.lost_bytes, 0);
	says(x, "was not closed");
	assert_false(in_journal(x, ".evj", NULL));

	s = look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	after = read_all(x->segment, &m);
	assert_true(m > n);
	assert_memory_equal(after, before, n);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	free(before);
	free(after);
}

static void
twice_is_once(void **state)
{
	struct fixture *x = *state;
	evt_recovered first;
	size_t n, m;
	uint8_t *before, *after;

	die_after(write_and_die, x);
	assert_int_equal(recover(x), EVT_OK);
	first = x->got;
	before = read_all(x->segment, &n);
	assert_int_equal(recover(x), EVT_OK);
	after = read_all(x->segment, &m);
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
static void
records_in_a_segment_already_are_passed(void **state)
{
	struct fixture *x = *state;
	char *file, *copy;
	size_t n;
	uint8_t *bytes;
	int fd;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	bytes = read_all(file, &n);
	assert_int_equal(recover(x), EVT_OK);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.frames, 0);
	assert_int_equal(x->got.next_seq, 41);
	assert_false(in_journal(x, ".evj", &copy));
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
	free(bytes);
	free(file);
}

static void
a_torn_block_that_the_journal_has_is_cut_off(void **state)
{
	struct fixture *x = *state;
	evt_segment s;

	die_after(write_and_die, x);
	append(x->segment, "\x50\x2a\x4d\x18 half a block", 18);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.lost_bytes, 0);
	assert_false(in_journal(x, ".torn", NULL));
	s = look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/* Nobody has these bytes but the segment: they are kept beside it. */
static void
a_torn_end_that_no_journal_has_is_kept(void **state)
{
	static const char junk[] = "nobody knows what this was";
	struct fixture *x = *state;
	char *file, *torn;
	uint8_t *bytes;
	size_t n;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	assert_int_equal(unlink(file), 0);
	append(x->segment, junk, sizeof(junk));
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.lost_bytes, sizeof(junk));
	assert_int_equal(x->got.frames, 0);
	says(x, "are kept in");
	assert_true(in_journal(x, ".torn", &torn));
	bytes = read_all(torn, &n);
	assert_int_equal(n, sizeof(junk));
	assert_memory_equal(bytes, junk, n);
	assert_int_equal(check_states(x->path, 0, SOURCES),
	    x->got.next_seq - 1);
	free(bytes);
	free(torn);
	free(file);
}

/* That is no torn end: good blocks stand behind it. */
static void
a_bad_block_in_the_middle_stays(void **state)
{
	struct fixture *x = *state;
	evt_segment s;
	uint8_t *before, *after;
	uint64_t at;
	size_t n, m;

	die_after(write_and_die, x);
	s = look(x);
	at = s.blocks[1].offset + s.blocks[1].stored - 40;
	evt_segment_free(&s);
	overwrite(x->segment, at, "damage", 6);
	before = read_all(x->segment, &n);
	assert_int_equal(recover(x), EVT_OK);
	after = read_all(x->segment, &m);
	assert_memory_equal(after, before, n);
	assert_int_equal(x->got.next_seq, 41);
	s = look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_blocks, 4);
	evt_segment_free(&s);
	free(before);
	free(after);
}

/* The last block is bad, and the journal begins behind it: its frames are
 * lost, and counted. */
static void
a_bad_last_block_is_a_loss(void **state)
{
	struct fixture *x = *state;
	uint32_t frames;
	evt_segment s;

	die_after(write_and_die, x);
	s = look(x);
	frames = s.blocks[2].frames;
	overwrite(x->segment, s.blocks[2].offset + s.blocks[2].stored - 40,
	    "damage", 6);
	evt_segment_free(&s);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, frames);
	assert_int_equal(x->got.next_seq, 41);
	assert_true(x->got.lost_bytes > 0);
	assert_true(in_journal(x, ".torn", NULL));
}

/* The same, when the journal of that block was not yet removed. */
static void
a_bad_last_block_is_taken_from_its_journal(void **state)
{
	struct fixture *x = *state;
	evt_segment s;

	x->late_sync = true;
	die_after(write_and_die, x);
	s = look(x);
	overwrite(x->segment, s.blocks[2].offset + s.blocks[2].stored - 40,
	    "damage", 6);
	evt_segment_free(&s);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, 0);
	assert_int_equal(x->got.lost_bytes, 0);
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/* ---- journals that cannot be taken ---- */

/*
 * A power cut: of blocks that were not synced yet, a later one arrived and an
 * earlier one did not.  The journal has both.
 */
static void
a_bad_block_in_the_middle_is_taken_from_the_journal(void **state)
{
	struct fixture *x = *state;
	uint8_t zeros[300] = { 0 };

	x->late_sync = true;
	for (unsigned which = 0; which < 4; which++) {
		evt_segment s;

		die_after(write_and_die, x);
		s = look(x);
		assert_int_equal(s.n_blocks, 3);
		/* The header, or the lines; of the first block, or the next. */
		overwrite(x->segment, s.blocks[which / 2].offset +
		    (which % 2 ? s.blocks[which / 2].stored - 300 : 0), zeros,
		    sizeof(zeros));
		evt_segment_free(&s);
		assert_int_equal(recover(x), EVT_OK);
		assert_int_equal(x->got.lost_frames, 0);
		assert_int_equal(x->got.lost_bytes, 0);
		assert_int_equal(x->got.next_seq, 41);
		assert_int_equal(check_states(x->path, 0, SOURCES), 40);
		remove_dir(strdup(x->path));
	}
}

/* The only block of a segment is torn and nobody else has its frames: it must
 * not stay, for their numbers come again. */
static void
a_segment_without_a_whole_block_goes(void **state)
{
	struct fixture *x = *state;
	evt_writer_options o;
	evt_writer *w;
	evt_error err;
	evt_segment s;
	char *file;

	x->late_sync = true;
	die_after(write_and_die, x);
	s = look(x);
	assert_int_equal(truncate(x->segment, (off_t)s.blocks[0].stored), 0);
	overwrite(x->segment, s.blocks[0].stored - 40, "damage", 6);
	evt_segment_free(&s);
	while (in_journal(x, ".evj", &file)) {
		assert_int_equal(unlink(file), 0);
		free(file);
	}
	o = options_of(x);
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 5, SOURCES, T0, 10);
	ok(evt_writer_close(w, &err), &err);
	assert_true(in_journal(x, ".torn", NULL));
	assert_int_equal(check_states(x->path, 0, SOURCES), 5);
}

/* What stood before the first whole block of a tape is known to nobody. */
static void
a_loss_before_the_first_block_is_told(void **state)
{
	struct fixture *x = *state;
	uint8_t zeros[300] = { 0 };
	char *file;

	x->late_sync = true;
	die_after(write_and_die, x);
	overwrite(x->segment, 0, zeros, sizeof(zeros));
	while (in_journal(x, ".evj", &file)) {
		assert_int_equal(unlink(file), 0);
		free(file);
	}
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.lost_frames, 0);
	assert_true(x->got.lost_bytes > sizeof(zeros));
}

/* A recorder has had the folder: what is left of its first block goes too. */
static void
torn_bytes_of_a_first_block_go(void **state)
{
	struct fixture *x = *state;
	evt_writer_options o = options_of(x);
	evt_writer *w;
	evt_error err;
	evt_segment s;

	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	close(open(x->segment, O_WRONLY | O_CREAT, 0600));
	append(x->segment, "\0\0\0\0\0\0\0\0", 8);
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	assert_true(in_journal(x, ".torn", NULL));
	/* What stands there now is the mark that says so. */
	s = look(x);
	assert_true(s.sealed);
	assert_int_equal(s.n_damaged, 0);
	evt_segment_free(&s);
	assert_int_equal(check_states(x->path, 0, SOURCES), 0);
}

/* The journal has the damaged block in part: what it has comes first, and the
 * bytes behind the damage are kept beside. */
static void
a_bad_block_that_the_journal_has_in_part(void **state)
{
	struct fixture *x = *state;
	uint8_t zeros[300] = { 0 };
	evt_segment s;
	char *file;
	unsigned n;

	x->late_sync = true;
	die_after(write_and_die, x);
	s = look(x);
	overwrite(x->segment, s.blocks[0].offset, zeros, sizeof(zeros));
	evt_segment_free(&s);
	file = in_dir(x->journal, "00000000000000000001.evj");
	assert_int_equal(truncate(file, 64 + 700), 0);
	free(file);
	assert_int_equal(recover(x), EVT_OK);
	assert_true(x->got.lost_bytes > 0);
	assert_true(in_journal(x, ".torn", NULL));
	n = check_first_states(x->path);
	assert_true(n >= 2);
}

static void
a_torn_record_ends_the_journal(void **state)
{
	struct fixture *x = *state;
	struct stat st;
	char *file;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(truncate(file, st.st_size - 1), 0);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 40);
	assert_int_equal(check_states(x->path, 0, SOURCES), 39);
	assert_false(in_journal(x, ".evj", NULL));
	free(file);
}

/* What stands behind a bad record is no longer readable, so it is kept. */
static void
a_damaged_journal_is_set_aside(void **state)
{
	struct fixture *x = *state;
	char *file, *bad;
	uint8_t *bytes, *kept;
	size_t n, m;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	bytes = read_all(file, &n);
	overwrite(file, n / 2, "damage", 6);
	free(bytes);
	bytes = read_all(file, &n);
	assert_int_equal(recover(x), EVT_OK);
	assert_in_range(x->got.next_seq, 2, 40);
	says(x, "the file is kept as");
	assert_false(in_journal(x, ".evj", NULL));
	assert_true(in_journal(x, ".evj.bad", &bad));
	kept = read_all(bad, &m);
	assert_int_equal(n, m);
	assert_memory_equal(bytes, kept, n);
	assert_int_equal(check_states(x->path, 0, SOURCES),
	    x->got.next_seq - 1);
	free(bytes);
	free(kept);
	free(bad);
	free(file);
}

static void
another_tapes_journal_is_set_aside(void **state)
{
	struct fixture *x = *state;
	static const uint8_t other[16] = "another tape's!";
	evt_journal *j;
	evt_error err;
	evt_frame f = { .seq = 41, .time_ns = T0, .kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT, .payload = (const uint8_t *)"{}",
		.len = 2 };

	die_after(write_and_die, x);
	ok(evt_journal_new(&evt_io_posix, x->journal, other, &j, &err), &err);
	ok(evt_journal_reserve(j, &f, &err), &err);
	evt_journal_add(j, &f, true);
	ok(evt_journal_commit(j, &err), &err);
	evt_journal_free(j);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.next_seq, 41);
	says(x, "belongs to another tape");
	assert_true(in_journal(x, ".evj.bad", NULL));
	assert_int_equal(check_states(x->path, 0, SOURCES), 40);
}

/* ---- odd folders ---- */

static void
an_empty_tape(void **state)
{
	struct fixture *x = *state;
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	assert_int_equal(recover(x), EVT_OK);
	assert_false(x->got.has_uuid);
	assert_int_equal(x->got.next_seq, 1);
	assert_int_equal(x->got.next_segment, 1);
	/* A segment that was created and never written to. */
	fd = open(x->segment, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.next_segment, 1);
	assert_int_not_equal(access(x->segment, F_OK), 0);
}

static void
bytes_of_somebody_else_are_left(void **state)
{
	struct fixture *x = *state;
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	fd = open(x->segment, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "not ours", 8), 8);
	close(fd);
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.next_segment, 2);
	assert_int_equal(access(x->segment, F_OK), 0);
}

static void
no_number_is_left(void **state)
{
	struct fixture *x = *state;
	char *last = in_dir(x->path, "4294967295.ndjson.zst");
	int fd;

	assert_int_equal(mkdir(x->path, 0700), 0);
	fd = open(last, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(recover(x), EVT_ERR_ARG);
	free(last);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* A length gone bad makes a record reach past the end of the file, as one does
 * whose write was torn: but whole ones stand behind it. */
static void
a_length_gone_bad_is_no_torn_end(void **state)
{
	struct fixture *x = *state;
	const uint8_t large[4] = { 0, 0, 0, 1 };
	char *file = NULL, *bad = NULL;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	overwrite(file, JH_LEN, large, sizeof(large));
	assert_int_equal(recover(x), EVT_OK);
	assert_int_equal(x->got.frames, 0);
	says(x, "the length of the record at offset 64 is damaged");
	assert_true(in_journal(x, ".evj.bad", &bad));
	free(file);
	free(bad);
}

/* The words of what is wrong go into notices, whether or not the caller wants
 * them too. */
static void
nobody_asks_for_the_words(void **state)
{
	struct fixture *x = *state;
	evt_writer_options o = options_of(x);
	char *file = NULL;

	die_after(write_and_die, x);
	assert_true(in_journal(x, ".evj", &file));
	overwrite(file, JH_LEN + JR_HEAD, "?", 1);
	assert_int_equal(evt_recover(&evt_io_posix, x->path, &o, &x->got, NULL),
	    EVT_OK);
	says(x, "is damaged");
	free(file);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(the_journal_becomes_the_last_block),
		T(twice_is_once),
		T(records_in_a_segment_already_are_passed),
		T(a_torn_block_that_the_journal_has_is_cut_off),
		T(a_torn_end_that_no_journal_has_is_kept),
		T(a_bad_block_in_the_middle_stays),
		T(a_bad_last_block_is_a_loss),
		T(a_bad_last_block_is_taken_from_its_journal),
		T(a_bad_block_in_the_middle_is_taken_from_the_journal),
		T(a_bad_block_that_the_journal_has_in_part),
		T(a_segment_without_a_whole_block_goes),
		T(torn_bytes_of_a_first_block_go),
		T(a_loss_before_the_first_block_is_told),
		T(a_torn_record_ends_the_journal),
		T(a_damaged_journal_is_set_aside),
		T(another_tapes_journal_is_set_aside),
		T(an_empty_tape),
		T(bytes_of_somebody_else_are_left),
		T(no_number_is_left),
		T(a_length_gone_bad_is_no_torn_end),
		T(nobody_asks_for_the_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
