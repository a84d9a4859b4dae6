/*
 * test_damage.c - bytes of a tape flipped one at a time, and files cut off at
 * each length: no crash, and no wrong frame handed out as a good one.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define N_FRAMES 40u

struct tape {
	char *dir, *path, *file; /* the file that is damaged */
	uint8_t *bytes;
	size_t n;
};

static void
load(struct tape *t, const char *name)
{
	struct stat st;
	int fd;

	t->file = in_dir(t->path, name);
	fd = open(t->file, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	t->n = (size_t)st.st_size;
	t->bytes = malloc(t->n);
	assert_non_null(t->bytes);
	assert_int_equal(read(fd, t->bytes, t->n), t->n);
	close(fd);
}

static void
store(const struct tape *t, const uint8_t *bytes, size_t n)
{
	int fd = open(t->file, O_WRONLY);

	/* The end is cut off after writing, instead of emptying the file first.
	 * A file system may wait for the disk when a file that was emptied is
	 * closed. */
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(ftruncate(fd, (off_t)n), 0);
	close(fd);
}

static void
write_frames(const char *path, bool close_it)
{
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.block_bytes = 1500;
	if (!close_it)
		o.block_bytes = 1 << 20;
	ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, N_FRAMES, 7, T0, 1);
	if (close_it)
		ok(evt_writer_close(w, &err), &err);
	else
		ok(evt_writer_commit(w, &err), &err);
}

static void
write_and_die(void *arg)
{
	write_frames(arg, false);
}

static struct tape
closed_tape(void)
{
	struct tape t = { .dir = make_dir() };
	char *db;

	t.path = in_dir(t.dir, "d.tape");
	write_frames(t.path, true);
	load(&t, "000001.ndjson.zst");
	db = in_dir(t.path, "tape.db");
	assert_int_equal(unlink(db), 0);
	free(db);
	return t;
}

static struct tape
open_tape(void)
{
	struct tape t = { .dir = make_dir() };

	t.path = in_dir(t.dir, "d.tape");
	die_after(write_and_die, t.path);
	load(&t, "journal/00000000000000000001.evj");
	return t;
}

static void
drop(struct tape *t)
{
	free(t->bytes);
	free(t->file);
	free(t->path);
	remove_dir(t->dir);
}

/* Each frame that is handed out must be the one with that number. */
static unsigned
check(const char *path, uint64_t *ret_lost)
{
	evt_cursor_stats stats = { 0 };
	unsigned n = 0, guard = 0;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	int r;

	*ret_lost = 0;
	if (evt_tape_open(path, &tape, &err) != EVT_OK)
		return 0;
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) != EVT_END) {
		evt_frame want;

		assert_true(++guard < 1000);
		if (r != EVT_OK) {
			if (r != EVT_ERR_CORRUPT)
				break;
			continue;
		}
		if (f.kind == EVT_KIND_MARK)
			continue;
		assert_true(f.seq >= 1 && f.seq <= N_FRAMES);
		want = make_state((unsigned)f.seq - 1, 7);
		assert_int_equal(f.len, want.len);
		assert_memory_equal(f.payload, want.payload, f.len);
		assert_int_equal(f.time_ns, T0 + (int64_t)f.seq - 1);
		free((void *)(uintptr_t)want.payload);
		n++;
	}
	evt_cursor_get_stats(cur, &stats);
	*ret_lost = stats.frames_lost;
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return n;
}

TEST(flipped_bytes_of_a_segment)
{
	struct tape t = closed_tape();
	uint64_t lost;
	unsigned most = 0;

	assert_int_equal(check(t.path, &lost), N_FRAMES);
	for (size_t i = 0; i < t.n; i++) {
		uint8_t was = t.bytes[i];
		unsigned n;

		t.bytes[i] ^= (uint8_t)(1u << i % 8);
		store(&t, t.bytes, t.n);
		n = check(t.path, &lost);
		if (N_FRAMES - n > most)
			most = N_FRAMES - n;
		t.bytes[i] = was;
	}
	/* Damage costs the block that it hits. */
	assert_in_range(most, 1, 11);
	drop(&t);
}

/* More bytes are never fewer frames. */
static void
cut_off_at_each_length(struct tape *t)
{
	unsigned before = 0, n = 0;
	uint64_t lost;

	for (size_t i = 0; i <= t->n; i++) {
		store(t, t->bytes, i);
		n = check(t->path, &lost);
		assert_true(n >= before);
		before = n;
	}
	assert_int_equal(n, N_FRAMES);
}

TEST(segments_cut_off_at_each_length)
{
	struct tape t = closed_tape();

	cut_off_at_each_length(&t);
	drop(&t);
}

TEST(flipped_bytes_of_a_journal)
{
	struct tape t = open_tape();
	uint64_t lost;

	assert_int_equal(check(t.path, &lost), N_FRAMES);
	for (size_t i = 0; i < t.n; i++) {
		uint8_t was = t.bytes[i];
		unsigned whole;

		store(&t, t.bytes, i);
		whole = check(t.path, &lost);
		t.bytes[i] ^= (uint8_t)(1u << i % 8);
		store(&t, t.bytes, t.n);
		/* Frames before it are kept. */
		assert_in_range(check(t.path, &lost), whole, N_FRAMES - 1);
		t.bytes[i] = was;
	}
	drop(&t);
}

/* A torn journal is recovered up to its last whole record. */
TEST(journals_cut_off_at_each_length)
{
	struct tape t = open_tape();

	cut_off_at_each_length(&t);
	drop(&t);
}

TEST(recovery_of_a_torn_journal)
{
	for (unsigned step = 0; step < 20; step++) {
		struct tape t = open_tape();
		uint64_t lost;
		evt_writer *w;
		evt_error err;
		unsigned n;

		store(&t, t.bytes, t.n * step / 20 + step);
		n = check(t.path, &lost);
		ok(evt_writer_open_env(t.path, NULL, test_env(), &w, &err),
		    &err);
		ok(evt_writer_close(w, &err), &err);
		assert_int_equal(check(t.path, &lost), n);
		drop(&t);
	}
}

/* Bytes in the middle of the journal are damaged.  Frames before them are kept,
 * the file is renamed, and the next recording begins with a gap. */
TEST(a_bad_journal_is_set_aside)
{
	struct tape t = open_tape();
	char *bad = in_dir(t.path, "journal/00000000000000000001.evj.bad");
	uint64_t lost;
	evt_writer *w;
	evt_error err;
	unsigned n;

	t.bytes[t.n / 2] ^= 1;
	store(&t, t.bytes, t.n);
	n = check(t.path, &lost);
	assert_true(n > 0 && n < N_FRAMES);
	ok(evt_writer_open_env(t.path, NULL, test_env(), &w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(check(t.path, &lost), n);
	assert_int_equal(access(bad, F_OK), 0);
	free(bad);
	drop(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(flipped_bytes_of_a_segment),
		RUN(segments_cut_off_at_each_length),
		RUN(flipped_bytes_of_a_journal),
		RUN(journals_cut_off_at_each_length),
		RUN(recovery_of_a_torn_journal),
		RUN(a_bad_journal_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
