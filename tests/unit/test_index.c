/*
 * test_index.c - tape.db: it agrees with the segments, and if it is missing,
 * damaged, old or another tape's, no reader gets a wrong answer.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/index/index.h"
#include "format/read/verify.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define SOURCES 7u
#define FRAMES 400u

struct fixture {
	char *dir, *path, *db;
	evt_profile *profile;
	evt_segment *seg;
	size_t n;
};

/* ---- a tape of several segments, of several blocks each --------------------------- */

static evt_writer *
open_writer(struct fixture *x)
{
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.profile = x->profile;
	o.block_bytes = 4000;
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	return w;
}

/* Frames with no source, one that is a number or a word, and marks. */
static void
put_odd_ones(evt_writer *w)
{
	static const char *const payloads[] = {
		"{\"event\":\"state\",\"data\":{\"source_id\":5}}",
		"{\"event\":\"state\",\"data\":{\"source_id\":\"5\"}}",
		"{\"event\":\"state\",\"data\":{\"source_id\":-5}}",
		("{\"event\":\"\",\"data\":[{\"source_id\":5},"
		 "{\"source_id\":6}]}"),
		"{\"data\":{}}",
		"no json",
	};
	evt_error err;

	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		evt_frame f = { .time_ns = T0,
			.mono_ns = T0,
			.conn = 2,
			.opcode = EVT_OP_TEXT,
			.payload = (const uint8_t *)payloads[i],
			.len = strlen(payloads[i]) };

		ok(evt_writer_put(w, &f, &err), &err);
	}
}

static void
make_tape(struct fixture *x)
{
	evt_writer *w = open_writer(x);
	evt_error err;

	for (unsigned i = 0; i < 4; i++) {
		put_states(w, i * FRAMES / 4, FRAMES / 4, SOURCES - i, T0,
		    1000);
		if (i == 1)
			put_odd_ones(w);
		if (i < 3)
			ok(evt_writer_rotate(w, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
}

static void
load_segments(struct fixture *x)
{
	evt_error err;

	ok(evt_segment_list(&evt_io_posix, x->path, &x->seg, &x->n, &err),
	    &err);
	for (size_t i = 0; i < x->n; i++)
		ok(evt_segment_load(&x->seg[i], &err), &err);
}

static int
setup_named(void **state, const char *name)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, name);
	x->profile = navixy_profile();
	make_tape(x);
	x->db = in_dir(x->path, "tape.db");
	load_segments(x);
	assert_int_equal(x->n, 4);
	assert_true(x->seg[0].n_blocks > 2);
	*state = x;
	return 0;
}

static int
setup(void **state)
{
	return setup_named(state, "i.tape");
}

/* Characters that mean something in a file: URI. */
static int
setup_awkward(void **state)
{
	return setup_named(state, "a ?mode=memory&x#y%00%41'\".tape");
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	for (size_t i = 0; i < x->n; i++)
		evt_segment_free(&x->seg[i]);
	free(x->seg);
	evt_profile_free(x->profile);
	free(x->db);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static void
sql(struct fixture *x, const char *words)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(x->db, &db), SQLITE_OK);
	if (sqlite3_exec(db, words, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", words, why);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- cursors ----------------------------------------------------------------------- */

/* Frames of one source; *ret_blocks: how many blocks were read for it. */
static unsigned
frames_of(struct fixture *x, const char *id, uint64_t *ret_blocks)
{
	evt_filter filter = { .sources = &id, .n_sources = 1 };
	evt_cursor_stats stats;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned n = 0;
	int r;

	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) == EVT_OK)
		n++;
	assert_int_equal(r, EVT_END);
	evt_cursor_get_stats(cur, &stats);
	if (ret_blocks != NULL)
		*ret_blocks = stats.blocks_read;
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return n;
}

static void
check_finds(struct fixture *x)
{
	/* 100 states each over 7, 6, 5 and 4 sources. */
	assert_int_equal(frames_of(x, "10001", NULL), 15 + 17 + 20 + 25);
	assert_int_equal(frames_of(x, "10007", NULL), 14);
	assert_int_equal(frames_of(x, "5", NULL), 3); /* two 5 and a "5" */
	assert_int_equal(frames_of(x, "-5", NULL), 1);
	assert_int_equal(frames_of(x, "05", NULL), 0);
	assert_int_equal(frames_of(x, "nobody", NULL), 0);
}

TEST(blocks_are_skipped)
{
	struct fixture *x = *state;
	uint64_t blocks;

	check_finds(x);
	frames_of(x, "-5", &blocks);
	assert_int_equal(blocks, 1);
	frames_of(x, "10007", &blocks);
	assert_int_equal(blocks, x->seg[0].n_blocks);
	frames_of(x, "nobody", &blocks);
	assert_int_equal(blocks, 0);
}

/* ---- an index that cannot be used --------------------------------------------------- */

static void
is_no_index(struct fixture *x, enum evt_index_state want)
{
	enum evt_index_state got;

	assert_null(evt_index_open(&evt_io_posix, x->path, &got));
	assert_int_equal(got, want);
	check_finds(x);
}

TEST(missing)
{
	struct fixture *x = *state;

	assert_int_equal(unlink(x->db), 0);
	is_no_index(x, EVT_INDEX_MISSING);
	assert_int_not_equal(access(x->db, F_OK),
	    0); /* a reader creates no index */
}

TEST(of_another_version)
{
	struct fixture *x = *state;

	sql(x, "UPDATE meta SET value = '2' WHERE key = 'version'");
	is_no_index(x, EVT_INDEX_DAMAGED);
	sql(x, "DELETE FROM meta");
	is_no_index(x, EVT_INDEX_DAMAGED);
	sql(x, "DROP TABLE meta");
	is_no_index(x, EVT_INDEX_DAMAGED);
}

static uint8_t *
read_db(struct fixture *x, size_t *ret_n)
{
	int fd = open(x->db, O_RDONLY);
	uint8_t *bytes;
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret_n = (size_t)st.st_size;
	bytes = malloc(*ret_n);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, *ret_n), *ret_n);
	close(fd);
	return bytes;
}

TEST(cut_off)
{
	struct fixture *x = *state;
	struct stat st;

	assert_int_equal(stat(x->db, &st), 0);
	for (off_t n = st.st_size - 1; n > 0; n -= 997) {
		assert_int_equal(truncate(x->db, n), 0);
		check_finds(x);
	}
	assert_int_equal(truncate(x->db, 0), 0);
	check_finds(x);
}

/* SQLite has no checksums, so frames that altered rows hide are not noticed.
 * Altered rows never add or change a frame, and a rebuilt index shows all
 * frames. */
TEST(overwritten)
{
	struct fixture *x = *state;
	evt_error err;
	size_t n;
	uint8_t *bytes = read_db(x, &n);
	uint64_t damaged;

	for (size_t at = 0; at + 300 < n; at += 1999) {
		int fd = open(x->db, O_WRONLY | O_TRUNC);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, bytes, n), n);
		assert_int_equal(pwrite(fd, "noise noise noise", 17, (off_t)at),
		    17);
		close(fd);
		assert_true(frames_of(x, "10001", NULL) <= 15 + 17 + 20 + 25);
		assert_true(frames_of(x, "-5", NULL) <= 1);
		assert_int_equal(frames_of(x, "nobody", NULL), 0);
	}
	ok(evt_tape_reindex(x->path, &damaged, &err), &err);
	check_finds(x);
	free(bytes);
}

struct watched {
	uint64_t done, total, calls;
};

static void
watch_reindex(void *ctx, uint64_t done, uint64_t total)
{
	struct watched *w = ctx;

	assert_true(done > w->done && done <= total);
	assert_true(w->calls == 0 || total == w->total);
	*w = (struct watched){ done, total, w->calls + 1 };
}

/* A rebuild says how far it is: all bytes at the end. */
TEST(progress_of_a_rebuild)
{
	struct fixture *x = *state;
	struct watched w = { 0, 0, 0 };
	const evt_writer_reindex_watch watch = { watch_reindex, &w };
	evt_error err;

	ok(evt_writer_reindex_io(x->path, &evt_io_posix, &watch, NULL, &err),
	    &err);
	assert_true(w.calls > 1);
	assert_true(w.done == w.total);
	check_finds(x);
}

/* The rows of another tape, which has the same segments by size. */
TEST(of_another_tape)
{
	struct fixture *x = *state;

	sql(x,
	    "UPDATE meta SET value = '00112233445566778899aabbccddeeff' WHERE "
	    "key = 'tape'");
	check_finds(x);
	sql(x, "DELETE FROM source_span");
	check_finds(x);
}

/* Rows count only where they agree with the file. */
TEST(older_than_the_segments)
{
	static const char *const changes[] = {
		"UPDATE segment SET bytes = bytes + 1 WHERE no = 1",
		"UPDATE segment SET blocks = blocks - 1 WHERE no = 1",
		"UPDATE segment SET sealed = 0 WHERE no = 1",
		"DELETE FROM segment WHERE no = 1",
	};
	struct fixture *x = *state;

	sql(x, "DELETE FROM source_span WHERE segment = 1");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		sql(x, "DELETE FROM source_span WHERE segment = 1");
		sql(x, changes[i]);
		check_finds(x);
		/* The next writer of the tape notices, and rebuilds it. */
		ok(evt_writer_close(open_writer(x), NULL), &(evt_error){ 0 });
		check_finds(x);
	}
}

/* ---- rows --------------------------------------------------------------------------- */

/* The number that b has for the key that is number no in a; 0 stays 0. */
static uint32_t
same_key(const evt_key_table *a, const evt_key_table *b, uint32_t no)
{
	evt_key key;
	uint32_t i;

	if (no == 0)
		return 0;
	key = evt_key_table_key(a, no - 1);
	i = evt_key_table_find(b, key.text, key.len, key.is_int);
	assert_int_not_equal(i, UINT32_MAX);
	return i + 1;
}

static void
same_span(const evt_summary *a, evt_summary *b, uint32_t i)
{
	const evt_summary_span_row *s = &a->span[i], *t;
	uint32_t n = b->n_spans;

	t = evt_summary_span(b, same_key(&a->sources, &b->sources, s->source),
	    same_key(&a->events, &b->events, s->event));
	assert_non_null(t);
	assert_int_equal(b->n_spans, n); /* it was there */
	assert_int_equal(t->frames, s->frames);
	assert_int_equal(t->first_ns, s->first_ns);
	assert_int_equal(t->last_ns, s->last_ns);
}

TEST(rows_are_loaded_as_put)
{
	struct fixture *x = *state;
	enum evt_index_state how;
	evt_index *index = evt_index_open(&evt_io_posix, x->path, &how);
	evt_error err;

	assert_non_null(index);
	for (size_t i = 0; i < x->n; i++) {
		evt_summary want = { 0 }, got = { 0 };
		uint64_t damaged = 0;

		assert_true(evt_index_has(index, &x->seg[i]));
		ok(evt_summary_add_segment(&want, &x->seg[i], &damaged, &err),
		    &err);
		ok(evt_index_load(index, x->seg[i].no, EVT_INFO_ALL, &got,
		       &err),
		    &err);
		assert_int_equal(damaged, 0);
		assert_int_equal(got.frames, want.frames);
		assert_int_equal(got.payload, want.payload);
		assert_int_equal(got.first_seq, want.first_seq);
		assert_int_equal(got.last_seq, want.last_seq);
		assert_int_equal(got.n_spans, want.n_spans);
		assert_int_equal(got.n_conns, want.n_conns);
		assert_int_equal(got.n_marks, want.n_marks);
		for (uint32_t k = 0; k < want.n_spans; k++)
			same_span(&want, &got, k);
		evt_summary_free(&want);
		evt_summary_free(&got);
	}
	evt_index_close(index);
}

static sqlite3_int64
number(struct fixture *x, const char *query)
{
	sqlite3_stmt *st;
	sqlite3_int64 n;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(x->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, query, -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

TEST(numbers_and_words_are_two)
{
	struct fixture *x = *state;

	assert_int_equal(number(x,
	                     "SELECT count(*) FROM source WHERE source_id = 5 "
	                     "AND typeof(source_id) = 'integer'"),
	    1);
	assert_int_equal(number(x,
	                     "SELECT count(*) FROM source WHERE source_id = "
	                     "'5' AND typeof(source_id) = 'text'"),
	    1);
	assert_int_equal(number(x,
	                     "SELECT frames FROM sources WHERE source_id = 5"),
	    2);
}

/* Keys go with the last segment that had them. */
TEST(dropped_segments_take_their_keys)
{
	struct fixture *x = *state;
	evt_segment *s = x->seg;
	evt_index *index;
	evt_error err;
	bool fresh;

	assert_int_equal(number(x, "SELECT count(*) FROM source"), SOURCES + 4);
	ok(evt_index_create(&evt_io_posix, x->path, s[0].uuid, &index, &fresh,
	       &err),
	    &err);
	assert_false(fresh);
	ok(evt_index_drop(index, 2, &err), &err);
	assert_false(evt_index_has(index, &s[1]));
	assert_true(evt_index_has(index, &s[0]));
	assert_int_equal(number(x, "SELECT count(*) FROM source"), SOURCES);
	ok(evt_index_keep_only(index, &s[3], 1, &err), &err);
	assert_false(evt_index_has(index, &s[0]));
	assert_true(evt_index_has(index, &s[3]));
	assert_int_equal(number(x, "SELECT count(*) FROM source"), SOURCES - 3);
	assert_int_equal(number(x, "SELECT count(DISTINCT segment) FROM block"),
	    1);
	evt_index_close(index);
	check_finds(x); /* the segments are still there */
}

/* ---- sums over segments ------------------------------------------------------------ */

static bool
same_keys(const evt_info_key *a, const evt_info_key *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < n &&
		    (strcmp(a[i].name, b[k].name) != 0 ||
		        a[i].is_int != b[k].is_int))
			k++;
		if (k == n || a[i].frames != b[k].frames ||
		    a[i].first_ns != b[k].first_ns ||
		    a[i].last_ns != b[k].last_ns)
			return false;
	}
	return true;
}

/* The contents of the tape, by the index as it is, and without an index. */
static void
check_info(struct fixture *x)
{
	char *aside = in_dir(x->dir, "aside.db");
	evt_info *info[2];
	evt_tape *tape;
	evt_error err;

	for (int i = 0; i < 2; i++) {
		ok(evt_tape_open(x->path, &tape, &err), &err);
		ok(evt_tape_info(tape, &info[i], &err), &err);
		evt_tape_close(tape);
		assert_int_equal(i == 0 ? rename(x->db, aside) :
		                          rename(aside, x->db),
		    0);
	}
	assert_string_equal(info[1]->index, "missing");
	assert_int_equal(info[0]->n_sources, info[1]->n_sources);
	assert_int_equal(info[0]->n_events, info[1]->n_events);
	assert_true(
	    same_keys(info[0]->sources, info[1]->sources, info[0]->n_sources));
	assert_true(
	    same_keys(info[0]->events, info[1]->events, info[0]->n_events));
	evt_info_free(info[0]);
	evt_info_free(info[1]);
	free(aside);
}

static bool
sums_agree(struct fixture *x)
{
	enum evt_index_state how;
	evt_index *index = evt_index_open(&evt_io_posix, x->path, &how);
	bool agree;

	assert_non_null(index);
	agree = evt_index_sums_agree(index);
	evt_index_close(index);
	return agree;
}

/* Segments up to this number, then closed. */
static void
add_segments(struct fixture *x, unsigned to)
{
	evt_writer *w = open_writer(x);
	evt_error err;

	for (unsigned i = (unsigned)x->n; i < to; i++) {
		put_states(w, i * 10, 10, 3 + i, T0 - i, 1000);
		ok(evt_writer_rotate(w, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	x->n = to;
}

static void
hear(void *ctx, const evt_verify_fault *fault)
{
	*(unsigned *)ctx += strstr(fault->what, "source_sum") != NULL;
}

/* The index that is there loses the rows of a segment. */
static void
drop_segment(struct fixture *x, uint32_t no)
{
	evt_index *index;
	evt_error err;
	bool fresh;

	ok(evt_index_create(&evt_io_posix, x->path, x->seg[0].uuid, &index,
	       &fresh, &err),
	    &err);
	assert_false(fresh);
	ok(evt_index_drop(index, no, &err), &err);
	evt_index_close(index);
}

TEST(long_tapes_are_summed_up)
{
	struct fixture *x = *state;
	size_t n = x->n;
	evt_verify_result verified;
	unsigned heard = 0;
	evt_error err;

	assert_int_equal(
	    number(x,
	        "SELECT count(*) FROM sqlite_master WHERE name = 'source_sum'"),
	    0);
	for (unsigned to = 7; to <= 18; to++) {
		add_segments(x, to);
		assert_int_equal(
		    number(x,
		        "SELECT sum(value) FROM meta WHERE key = 'summed'"),
		    to < 8 ? 0 : to);
		check_info(x);
	}
	assert_true(sums_agree(x));
	/* They are read, and not the rows; else this would change nothing. */
	sql(x, "UPDATE source_span SET frames = frames + 1 WHERE segment = 3");
	assert_false(sums_agree(x));
	check_info(x);
	sql(x, "UPDATE source_span SET frames = frames - 1 WHERE segment = 3");
	sql(x, "DELETE FROM source_sum WHERE source = 2");
	assert_false(sums_agree(x));
	ok(evt_verify_tape(x->path,
	       &(evt_verify_options){ .fault = hear, .ctx = &heard }, &verified,
	       &err),
	    &err);
	assert_int_equal(verified.faults, 1);
	assert_int_equal(heard, 1);
	/* Not there, though it is said to be: read from the rows, and mended by
	 * the next segment. */
	sql(x, "DROP TABLE source_sum");
	check_info(x);
	drop_segment(x, 3);
	check_info(x);
	x->n = n; /* as many as are loaded */
}

/* A tape that drops its oldest segment with each new one. */
TEST(a_ring_is_not_summed_up)
{
	struct fixture *x = *state;
	size_t n = x->n;

	add_segments(x, 20);
	assert_int_equal(number(x,
	                     "SELECT value FROM meta WHERE key = 'summed'"),
	    20);
	for (unsigned to = 21; to <= 25; to++) {
		drop_segment(x, to - 20);
		add_segments(x, to);
		assert_int_equal(
		    number(x, "SELECT count(*) FROM meta WHERE key = 'summed'"),
		    0);
	}
	x->n = n;
}

TEST(sums_that_are_of_other_segments)
{
	struct fixture *x = *state;
	size_t n = x->n;

	add_segments(x, 10);
	assert_true(sums_agree(x));
	/* A row too many, as after a segment was removed; and a row whose
	 * segment grew. */
	sql(x, "UPDATE source_sum SET frames = 1000");
	sql(x,
	    "INSERT INTO segment SELECT 0, file, bytes, sealed, blocks, "
	    "first_seq, frames, received, sent, marks, payload, first_ns, "
	    "last_ns FROM segment WHERE no = 1");
	check_info(x);
	sql(x, "DELETE FROM segment WHERE no = 0");
	/* Dropped with a segment that is in them, and made at the next eighth. */
	drop_segment(x, 2);
	assert_int_equal(
	    number(x,
	        "SELECT count(*) FROM sqlite_master WHERE name = 'source_sum'"),
	    0);
	assert_int_equal(number(x,
	                     "SELECT count(*) FROM meta WHERE key = 'summed'"),
	    0);
	add_segments(x, 15);
	assert_int_equal(number(x,
	                     "SELECT count(*) FROM meta WHERE key = 'summed'"),
	    0);
	add_segments(x, 17);
	assert_int_equal(number(x,
	                     "SELECT value FROM meta WHERE key = 'summed'"),
	    17);
	assert_true(sums_agree(x));
	check_info(x);
	x->n = n;
}

TEST(another_tapes_is_replaced)
{
	static const uint8_t other[16] = "another tape's!";
	struct fixture *x = *state;
	evt_index *index;
	evt_error err;
	bool fresh;

	ok(evt_index_create(&evt_io_posix, x->path, other, &index, &fresh,
	       &err),
	    &err);
	assert_true(fresh);
	evt_index_close(index);
	assert_int_equal(number(x, "SELECT count(*) FROM segment"), 0);
	check_finds(x);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(blocks_are_skipped),
		T(missing),
		T(of_another_version),
		T(cut_off),
		T(overwritten),
		T(of_another_tape),
		T(progress_of_a_rebuild),
		T(older_than_the_segments),
		T(rows_are_loaded_as_put),
		T(numbers_and_words_are_two),
		T(dropped_segments_take_their_keys),
		T(long_tapes_are_summed_up),
		T(a_ring_is_not_summed_up),
		T(sums_that_are_of_other_segments),
		T(another_tapes_is_replaced),
		{ "in a folder of an awkward name", test_blocks_are_skipped,
		    setup_awkward, teardown, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
