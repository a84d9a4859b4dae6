/*
 * test_segment.c - segment files: a reader finds the blocks by the directory or
 * by a walk, in complete, growing and damaged files; and writing.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/store/layout.h"
#include "format/base/le.h"
#include "format/store/segment.h"
#include "tests/lib/mend.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define BLOCKS 4u
#define PER_BLOCK 5u

static const uint8_t uuid[16] = "sixteen bytes ok";

struct fixture {
	char *dir;
	evt_segment s;  /* of the file, as it was last looked at */
	uint8_t *bytes; /* the whole file */
	size_t n;
	size_t at[BLOCKS + 1]; /* where its blocks begin, and the directory */
};

/* ---- making one ------------------------------------------------------------------ */

static void
encode(uint32_t segment, uint32_t block, uint64_t first_seq, evt_buf *out)
{
	evt_block_builder *b;
	evt_error err;

	ok(evt_block_builder_new(3, &b, &err), &err);
	for (unsigned i = 0; i < PER_BLOCK; i++) {
		evt_frame f = make_state((unsigned)first_seq + i, 3);
		uint8_t *payload = (uint8_t *)(uintptr_t)f.payload;

		f.seq = first_seq + i;
		f.time_ns = f.mono_ns = T0 + (int64_t)f.seq;
		ok(evt_block_builder_add(b, &f, true, &err), &err);
		free(payload);
	}
	ok(evt_block_builder_encode(b, uuid, segment, block, out, NULL, &err),
	    &err);
	evt_block_builder_free(b);
}

static evt_segment_writer *
write_blocks(const char *dir, uint32_t n)
{
	evt_segment_writer *w;
	evt_buf block = { 0 };
	evt_error err;

	ok(evt_segment_create(&evt_io_posix, dir, uuid, 1, &w, &err), &err);
	for (uint32_t i = 0; i < n; i++) {
		encode(1, i, 1 + i * PER_BLOCK, &block);
		ok(evt_segment_append(w, &block, &err), &err);
	}
	evt_buf_free(&block);
	return w;
}

static void
read_file(struct fixture *x)
{
	int fd = open(x->s.path, O_RDONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	x->n = (size_t)st.st_size;
	x->bytes = malloc(x->n);
	assert_non_null(x->bytes);
	assert_int_equal(read(fd, x->bytes, x->n), x->n);
	close(fd);
}

static void
forget(struct fixture *x)
{
	char *path = x->s.path;

	free(x->s.blocks);
	x->s = (evt_segment){ .io = &evt_io_posix, .no = 1, .path = path };
	x->s.name = strrchr(path, '/') + 1;
}

/* Have these n bytes as the file, and nothing known of it. */
static void
store(struct fixture *x, const uint8_t *p, size_t n)
{
	int fd = open(x->s.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
	forget(x);
}

static void
load(struct fixture *x)
{
	evt_error err;

	ok(evt_segment_load(&x->s, &err), &err);
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	char name[EVT_SEGMENT_NAME_LEN];
	evt_segment_writer *w;
	evt_error err;

	assert_non_null(x);
	x->dir = make_dir();
	w = write_blocks(x->dir, BLOCKS);
	for (size_t i = 0; i < BLOCKS; i++)
		x->at[i] = evt_segment_written(w)->blocks[i].offset;
	ok(evt_segment_seal(w, 7, &err), &err);
	evt_segment_close(w);
	evt_segment_name(1, name);
	x->s.path = in_dir(x->dir, name);
	forget(x);
	load(x);
	x->at[BLOCKS] =
	    x->s.blocks[BLOCKS - 1].offset + x->s.blocks[BLOCKS - 1].stored;
	read_file(x);
	forget(x);
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_segment_free(&x->s);
	free(x->bytes);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* The blocks that are known are those of the set bits, and can be read. */
static void
has_blocks(const struct fixture *x, unsigned bits)
{
	int fd = open(x->s.path, O_RDONLY);
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	size_t n = 0;
	evt_error err;

	assert_true(fd >= 0);
	for (unsigned i = 0; i < BLOCKS; i++) {
		const evt_segment_block *r = &x->s.blocks[n];

		if ((bits >> i & 1) == 0)
			continue;
		assert_true(n++ < x->s.n_blocks);
		assert_int_equal(r->first_seq, 1 + i * PER_BLOCK);
		assert_int_equal(r->frames, PER_BLOCK);
		assert_int_equal(r->min_ns, T0 + 1 + i * PER_BLOCK);
		assert_int_equal(r->max_ns, T0 + PER_BLOCK + i * PER_BLOCK);
		ok(evt_segment_read_block(&evt_io_posix, fd, "it", r, true,
		       &raw, &block, &err),
		    &err);
		assert_int_equal(block.n, PER_BLOCK);
	}
	assert_int_equal(x->s.n_blocks, n);
	evt_block_free(&block);
	evt_buf_free(&raw);
	close(fd);
}

/* ---- names ----------------------------------------------------------------------- */

TEST(names)
{
	char name[EVT_SEGMENT_NAME_LEN];

	evt_segment_name(1, name);
	assert_string_equal(name, "000001.ndjson.zst");
	evt_segment_name(UINT32_MAX, name);
	assert_string_equal(name, "4294967295.ndjson.zst");
	assert_int_equal(evt_segment_parse_name(name), UINT32_MAX);
	assert_int_equal(evt_segment_parse_name("000042.ndjson.zst"), 42);
	assert_int_equal(evt_segment_parse_name("000000.ndjson.zst"), 0);
	assert_int_equal(evt_segment_parse_name("4294967296.ndjson.zst"), 0);
	assert_int_equal(evt_segment_parse_name("000001.ndjson.zst~"), 0);
	assert_int_equal(evt_segment_parse_name("000001.ndjson"), 0);
	assert_int_equal(evt_segment_parse_name("tape.db"), 0);
	assert_int_equal(evt_segment_parse_name(""), 0);
	assert_int_equal(evt_segment_parse_name("-00001.ndjson.zst"), 0);
}

TEST(listed_by_number)
{
	static const char *const there[] = { "000010.ndjson.zst",
		"000002.ndjson.zst", "1000000.ndjson.zst", "notes.txt",
		"000003.ndjson.zst.tmp" };
	static const uint32_t want[] = { 1, 2, 10, 1000000 };
	struct fixture *x = *state;
	evt_segment *list;
	evt_error err;
	size_t n;

	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
		char *path = in_dir(x->dir, there[i]);
		int fd = open(path, O_WRONLY | O_CREAT, 0600);

		assert_true(fd >= 0);
		close(fd);
		free(path);
	}
	ok(evt_segment_list(&evt_io_posix, x->dir, &list, &n, &err), &err);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].no, want[i]);
		assert_false(list[i].loaded);
		evt_segment_free(&list[i]);
	}
	free(list);
}

/* ---- reading --------------------------------------------------------------------- */

TEST(sealed_or_walked_it_is_the_same)
{
	struct fixture *x = *state;

	load(x);
	assert_true(x->s.sealed);
	assert_int_equal(x->s.max_conn, 7);
	assert_memory_equal(x->s.uuid, uuid, 16);
	assert_int_equal(evt_segment_end_seq(&x->s), BLOCKS * PER_BLOCK + 1);
	has_blocks(x, 0xf);
	store(x, x->bytes, x->at[BLOCKS]);
	load(x);
	assert_false(x->s.sealed);
	assert_int_equal(x->s.n_damaged, 0);
	assert_memory_equal(x->s.uuid, uuid, 16);
	assert_int_equal(x->s.walked, x->at[BLOCKS]);
	has_blocks(x, 0xf);
}

/* With any invalid directory, the walk finds the same blocks. */
TEST(a_damaged_directory_is_ignored)
{
	struct fixture *x = *state;

	for (size_t i = x->at[BLOCKS]; i < x->n; i++) {
		x->bytes[i] ^= 0x10;
		store(x, x->bytes, x->n);
		load(x);
		assert_false(x->s.sealed);
		has_blocks(x, 0xf);
		x->bytes[i] ^= 0x10;
	}
}

/* Put another value of 8 bytes into the directory, under right sums; the walk
 * knows better. */
static void
with_entry(struct fixture *x, size_t entry, size_t field, uint64_t value)
{
	uint8_t *p = x->bytes + x->at[BLOCKS] + EVT_SKIP_LEN + DH_LEN +
	    entry * DE_LEN + field;
	uint64_t was = evt_get64(p);

	evt_put64(p, value);
	mend_segment(x->bytes, x->n);
	store(x, x->bytes, x->n);
	load(x);
	assert_false(x->s.sealed);
	has_blocks(x, 0xf);
	evt_put64(p, was);
}

TEST(an_inconsistent_directory_is_ignored)
{
	struct fixture *x = *state;
	uint64_t stored = x->at[2] - x->at[1];

	with_entry(x, 1, DE_OFFSET, x->at[0]);
	with_entry(x, 1, DE_OFFSET, x->n);
	with_entry(x, 1, DE_OFFSET, UINT64_MAX);
	with_entry(x, 1, DE_FIRST_SEQ, 2);
	with_entry(x, 0, DE_FIRST_SEQ, 0);
	with_entry(x, 3, DE_FIRST_SEQ, UINT64_MAX);
	/* frames, then stored bytes */
	with_entry(x, 1, DE_FRAMES, stored << 32);
	with_entry(x, 1, DE_FRAMES, stored << 32 | 0xffffffff);
	with_entry(x, 1, DE_FRAMES, PER_BLOCK);
	with_entry(x, 1, DE_FRAMES, UINT64_C(0xffffffff) << 32 | PER_BLOCK);
	with_entry(x, 1, DE_MIN_TIME, (uint64_t)INT64_MAX);
}

/* A directory that is valid in itself, but does not match the block: this is
 * reported when the block is read. */
TEST(a_block_that_is_not_the_directorys)
{
	struct fixture *x = *state;
	uint8_t *p = x->bytes + x->at[BLOCKS] + EVT_SKIP_LEN + DH_LEN;
	evt_block block = { 0 };
	evt_buf raw = { 0 };
	evt_error err;
	int fd;

	evt_put32(p + DE_FRAMES, PER_BLOCK - 1);
	mend_segment(x->bytes, x->n);
	store(x, x->bytes, x->n);
	load(x);
	assert_true(x->s.sealed);
	fd = open(x->s.path, O_RDONLY);
	assert_int_equal(evt_segment_read_block(&evt_io_posix, fd, "it",
	                     &x->s.blocks[0], true, &raw, &block, &err),
	    EVT_ERR_CORRUPT);
	close(fd);
	evt_block_free(&block);
	evt_buf_free(&raw);
}

TEST(a_walk_skips_damage)
{
	struct fixture *x = *state;

	for (unsigned i = 0; i + 1 < BLOCKS; i++) {
		x->bytes[x->at[i] + EVT_SKIP_LEN + BH_UUID] ^= 1;
		store(x, x->bytes, x->at[BLOCKS]);
		load(x);
		has_blocks(x, 0xfu & ~(1u << i));
		assert_int_equal(x->s.n_damaged, 1);
		x->bytes[x->at[i] + EVT_SKIP_LEN + BH_UUID] ^= 1;
	}
	/* The last one may be on its way. */
	x->bytes[x->at[3] + EVT_SKIP_LEN + BH_UUID] ^= 1;
	store(x, x->bytes, x->at[BLOCKS]);
	load(x);
	has_blocks(x, 0x7);
	assert_int_equal(x->s.n_damaged, 0);
	assert_int_equal(x->s.walked, x->at[3]);
}

/* A valid block of another segment, tape or place is no block of this one. */
TEST(blocks_from_elsewhere)
{
	static const size_t fields[] = { BH_SEGMENT, BH_UUID, BH_FIRST_SEQ };
	struct fixture *x = *state;
	uint8_t *h = x->bytes + x->at[2] + EVT_SKIP_LEN;

	for (size_t i = 0; i < 3; i++) {
		uint32_t was = evt_get32(h + fields[i]);

		evt_put32(h + fields[i], 2);
		mend_sums(x->bytes + x->at[2], x->at[3] - x->at[2]);
		store(x, x->bytes, x->at[BLOCKS]);
		load(x);
		has_blocks(x, 0xb);
		assert_int_equal(x->s.n_damaged, 1);
		evt_put32(h + fields[i], was);
	}
}

/* It is refused, also after damage. */
TEST(a_block_of_a_later_version)
{
	struct fixture *x = *state;
	evt_error err;

	evt_put16(x->bytes + x->at[2] + EVT_SKIP_LEN + BH_VERSION, 2);
	mend_sums(x->bytes + x->at[2], x->at[3] - x->at[2]);
	store(x, x->bytes, x->at[BLOCKS]);
	assert_int_equal(evt_segment_load(&x->s, &err), EVT_ERR_VERSION);
	assert_non_null(strstr(err.text, "use a newer evtape"));
	x->bytes[x->at[1] + 20] ^= 1;
	store(x, x->bytes, x->at[BLOCKS]);
	assert_int_equal(evt_segment_load(&x->s, &err), EVT_ERR_VERSION);
}

TEST(a_file_that_grows)
{
	struct fixture *x = *state;
	char *path = x->s.path;
	unsigned bits = 0;
	evt_error err;
	bool begins;

	store(x, x->bytes, 0);
	for (size_t n = 0; n <= x->n; n++) {
		int fd = open(path, O_WRONLY | O_APPEND);

		if (n > 0)
			assert_int_equal(write(fd, x->bytes + n - 1, 1), 1);
		close(fd);
		for (unsigned i = 0; i < BLOCKS; i++) {
			if (n == x->at[i + 1])
				bits |= 1u << i;
		}
		load(x);
		assert_int_equal(x->s.sealed, n == x->n);
		assert_int_equal(x->s.n_blocks,
		    (size_t)__builtin_popcount(bits));
		assert_int_equal(x->s.n_damaged, 0);
		if (n > x->at[BLOCKS] + 16 && n < x->n) {
			ok(evt_segment_dir_begins(&x->s, &begins, &err), &err);
			assert_true(begins);
		}
	}
	has_blocks(x, 0xf);
}

/* fstat() that came before the rest of the file did: *ctx bytes were there. */
static int
fstat_early(void *ctx, int fd, struct stat *st)
{
	int r = fstat(fd, st);

	st->st_size = *(off_t *)ctx;
	return r;
}

/* A recorder appends a block and the next one while a walk is under way: the
 * walk, which saw the first in part, takes neither for damage nor the second
 * for the next. */
TEST(a_file_that_grows_while_it_is_walked)
{
	struct fixture *x = *state;
	off_t size;
	evt_io io = evt_io_posix;

	io.ctx = &size;
	io.fstat = fstat_early;
	for (size = (off_t)x->at[1]; size < (off_t)x->at[3]; size += 7) {
		size_t whole = size < (off_t)x->at[2] ? 1 : 2;

		store(x, x->bytes, x->at[BLOCKS]);
		x->s.io = &io;
		load(x);
		assert_int_equal(x->s.n_blocks, whole);
		assert_int_equal(x->s.n_damaged, 0);
		assert_int_equal(x->s.walked, x->at[whole]);
	}
}

TEST(not_a_segment)
{
	struct fixture *x = *state;
	uint8_t noise[5000];
	evt_error err;

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)(i * i >> 3 ^ i);
	store(x, noise, sizeof(noise));
	load(x);
	assert_int_equal(x->s.n_blocks, 0);
	assert_int_equal(evt_segment_end_seq(&x->s), 0);
	assert_int_equal(x->s.walked, 0);
	assert_int_equal(unlink(x->s.path), 0);
	forget(x);
	assert_int_equal(evt_segment_load(&x->s, &err), EVT_ERR_NOTFOUND);
}

/* ---- writing --------------------------------------------------------------------- */

TEST(created_only_once)
{
	struct fixture *x = *state;
	evt_segment_writer *w;
	evt_error err;

	assert_int_not_equal(evt_segment_create(&evt_io_posix, x->dir, uuid, 1,
	                         &w, &err),
	    EVT_OK);
	assert_non_null(strstr(err.text, "000001.ndjson.zst"));
}

/* Bytes after the last block are cut off, and writing continues there. */
TEST(writing_is_resumed)
{
	struct fixture *x = *state;
	evt_segment_writer *w;
	evt_buf block = { 0 };
	evt_error err;

	store(x, x->bytes, x->at[2] + 100);
	load(x);
	has_blocks(x, 0x3);
	ok(evt_segment_resume(&evt_io_posix, &x->s, uuid, &w, &err), &err);
	assert_null(x->s.blocks);
	for (uint32_t i = 2; i < BLOCKS; i++) {
		encode(1, i, 1 + i * PER_BLOCK, &block);
		ok(evt_segment_append(w, &block, &err), &err);
	}
	ok(evt_segment_sync(w, &err), &err);
	ok(evt_segment_seal(w, 7, &err), &err);
	evt_segment_close(w);
	evt_buf_free(&block);
	x->s.path = in_dir(x->dir, "000001.ndjson.zst");
	forget(x);
	load(x);
	assert_true(x->s.sealed);
	assert_int_equal(x->s.size, x->n);
	has_blocks(x, 0xf);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(names),
		T(listed_by_number),
		T(sealed_or_walked_it_is_the_same),
		T(a_damaged_directory_is_ignored),
		T(an_inconsistent_directory_is_ignored),
		T(a_block_that_is_not_the_directorys),
		T(a_walk_skips_damage),
		T(blocks_from_elsewhere),
		T(a_block_of_a_later_version),
		T(a_file_that_grows),
		T(a_file_that_grows_while_it_is_walked),
		T(not_a_segment),
		T(created_only_once),
		T(writing_is_resumed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
