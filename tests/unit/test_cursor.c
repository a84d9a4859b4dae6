/*
 * test_cursor.c - cursors against a list in memory: random tapes and filters,
 * a recorder that writes meanwhile, damage, retention.
 */
#include "tests/unit/lib/tapes.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/store/segment.h"
#include "format/read/tape.h"
#include "format/write/writer.h"
#include "format/write/writer_ext.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

/* xorshift: the same tapes each time. */
static uint64_t rng = 88172645463325252u;

static unsigned
random_below(unsigned n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (unsigned)(rng % n);
}

struct made {
	int64_t time_ns;
	unsigned kind;
	char event[8];
	unsigned n_sources;
	char source[3][8];
};

static const char *const event_names[] = { "", "state", "block", "x" };

/* Put a frame with its own keys; `m` remembers it. */
static void
put_random(evt_writer *w, struct made *m, int64_t t)
{
	char payload[64];
	evt_key keys[3];
	evt_frame f = { .time_ns = t + (int64_t)random_below(2000) - 1000,
		.opcode = EVT_OP_TEXT,
		.conn = random_below(3) };
	const char *event = event_names[random_below(4)];
	evt_error err;

	f.kind = (uint8_t)(random_below(10) ? 0 : 1 + random_below(2));
	f.mono_ns = f.time_ns;
	f.len = random_below(60);
	memset(payload, 'p', sizeof(payload));
	f.payload = (uint8_t *)payload;
	if (f.kind != EVT_KIND_MARK && event[0] != '\0') {
		f.event = event;
		f.event_len = strlen(event);
	}
	f.n_sources = f.kind == EVT_KIND_MARK ? 0 : random_below(4);
	for (size_t i = 0; i < f.n_sources; i++) {
		snprintf(m->source[i], sizeof(m->source[i]), "%u",
		    random_below(20) + (i > 0 ? 20u * (unsigned)i : 0));
		keys[i] = (evt_key){ m->source[i],
			(uint32_t)strlen(m->source[i]), random_below(2) };
	}
	f.sources = keys;
	m->time_ns = f.time_ns;
	m->kind = f.kind;
	m->n_sources = (unsigned)f.n_sources;
	snprintf(m->event, sizeof(m->event), "%s",
	    f.event != NULL ? event : "");
	ok(evt_writer_put(w, &f, &err), &err);
}

static bool
is_among(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(text, list[i]) == 0)
			return true;
	}
	return false;
}

static bool
passes(const struct made *m, uint64_t seq, const evt_filter *f)
{
	bool source = f->n_sources == 0;

	if ((f->has_from && m->time_ns < f->from_ns) ||
	    (f->has_to && m->time_ns >= f->to_ns) || seq < f->from_seq ||
	    (f->kinds != 0 && !(f->kinds & 1u << m->kind)))
		return false;
	if (f->n_events > 0 &&
	    !(m->event[0] != '\0' &&
	        is_among(m->event, f->events, f->n_events)))
		return false;
	for (unsigned i = 0; i < m->n_sources; i++)
		source |= is_among(m->source[i], f->sources, f->n_sources);
	return source;
}

static void
check_filter(evt_tape *tape, const struct made *m, unsigned n,
    const evt_filter *f)
{
	evt_cursor *cur;
	evt_error err;
	evt_frame got;
	int r;

	ok(evt_cursor_open(&tape, 1, f, &cur, &err), &err);
	for (unsigned i = 0; i < n; i++) {
		if (!passes(&m[i], i + 1, f))
			continue;
		ok(evt_cursor_next(cur, &got, &err), &err);
		assert_int_equal(got.seq, i + 1);
		assert_int_equal(got.time_ns, m[i].time_ns);
		assert_int_equal(got.kind, m[i].kind);
	}
	r = evt_cursor_next(cur, &got, &err);
	assert_true(r == EVT_END || r == EVT_AGAIN);
	evt_cursor_close(cur);
}

static void
check_random_filters(const char *path, const struct made *m, unsigned n)
{
	static const char *const sources[] = { "3", "27", "44" };
	static const char *const events[] = { "state", "x" };
	evt_tape *tape;
	evt_error err;

	ok(evt_tape_open(path, &tape, &err), &err);
	for (unsigned k = 0; k < 150; k++) {
		evt_filter f = {
			.has_from = random_below(2),
			.from_ns = T0 + random_below(n) * 100,
			.has_to = random_below(2),
			.to_ns = T0 + random_below(n) * 100,
			.sources = sources,
			.n_sources = random_below(4),
			.events = events,
			.n_events = random_below(3),
			.kinds = random_below(8),
			.from_seq = random_below(2) ? random_below(n) : 0,
			.read_ahead = random_below(2),
		};

		check_filter(tape, m, n, &f);
	}
	evt_tape_close(tape);
}

/* The last frame of a source before a time, by looking at all. */
static void
check_last_before(const char *path, const struct made *m, unsigned n)
{
	evt_tape *tape;
	evt_error err;

	ok(evt_tape_open(path, &tape, &err), &err);
	for (unsigned k = 0; k < 60; k++) {
		int64_t t = T0 + random_below(n) * 100;
		char source[8];
		unsigned want = 0;
		evt_frame f;
		int r;

		snprintf(source, sizeof(source), "%u", random_below(60));
		for (unsigned i = 0; i < n; i++) {
			for (unsigned s = 0; s < m[i].n_sources; s++) {
				if (m[i].time_ns < t &&
				    strcmp(m[i].source[s], source) == 0)
					want = i + 1;
			}
		}
		r = evt_tape_last_before(tape, source, NULL, t, &f, &err);
		assert_int_equal(r, want > 0 ? EVT_OK : EVT_ERR_NOTFOUND);
		if (want > 0)
			assert_int_equal(f.seq, want);
	}
	evt_tape_close(tape);
}

TEST(filters_agree_with_a_list)
{
	enum { N = 6000 };
	struct made *m = calloc(N, sizeof(*m));

	assert_non_null(m);
	for (unsigned round = 0; round < 4; round++) {
		char *dir = make_dir(), *path = in_dir(dir, "c.tape");
		evt_writer_options o;
		evt_writer *w;
		evt_error err;

		evt_writer_options_init(&o);
		o.block_bytes = 2048u << round;
		o.segment_bytes = 20000;
		ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
		for (unsigned i = 0; i < N; i++)
			put_random(w, &m[i], T0 + i * 100);
		ok(evt_writer_commit(w, &err), &err);
		check_random_filters(path, m, N);
		check_last_before(path, m, N);
		ok(evt_writer_close(w, &err), &err);
		check_random_filters(path, m, N);
		check_last_before(path, m, N);
		free(path);
		remove_dir(dir);
	}
	free(m);
}

/* ---- a recorder that writes meanwhile ------------------------------------------- */

#define LIVE_FRAMES 60000u

static void *
write_live(void *arg)
{
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.block_bytes = 8192;
	o.segment_bytes = 60000;
	o.sync_ns = EVT_SYNC_OFF;
	ok(evt_writer_open_env(arg, &o, test_env(), &w, &err), &err);
	for (unsigned i = 0; i < LIVE_FRAMES; i += 25) {
		put_states(w, i, 25, 7, T0 + i, 1);
		ok(evt_writer_commit(w, &err), &err);
	}
	ok(evt_writer_close(w, &err), &err);
	return NULL;
}

/* Follow until the recorder has left; each frame must come once, in order. */
static void
follow(const char *path, bool read_ahead)
{
	evt_filter filter = { .read_ahead = read_ahead };
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned seen = 0;
	int r;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (seen < LIVE_FRAMES) {
		evt_frame want;

		r = evt_cursor_next(cur, &f, &err);
		if (r == EVT_AGAIN || r == EVT_END)
			continue;
		ok(r, &err);
		assert_int_equal(f.seq, seen + 1);
		want = make_state(seen++, 7);
		assert_int_equal(f.len, want.len);
		assert_memory_equal(f.payload, want.payload, f.len);
		free((void *)(uintptr_t)want.payload);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

TEST(follows_a_recorder)
{
	for (int ahead = 0; ahead < 2; ahead++) {
		char *dir = make_dir(), *path = in_dir(dir, "live.tape");
		evt_writer *w;
		evt_error err;
		pthread_t thread;

		/* So that there is a tape to open. */
		ok(evt_writer_open_env(path, NULL, test_env(), &w, &err), &err);
		ok(evt_writer_close(w, &err), &err);
		assert_int_equal(pthread_create(&thread, NULL, write_live,
		                     path),
		    0);
		follow(path, ahead);
		assert_int_equal(pthread_join(thread, NULL), 0);
		free(path);
		remove_dir(dir);
	}
}

/* A recorder that writes more than is read meanwhile: a snapshot ends all the
 * same, with the frames that were there when it was opened.  Some of these are
 * in segments and some in the journal, and all get into segments. */
static void
read_snapshot(evt_tape *tape, evt_writer *w, const char *const *sources,
    size_t n_sources)
{
	const evt_filter filter = { .snapshot = true,
		.sources = sources,
		.n_sources = n_sources };
	unsigned got = 0, put = 155;
	evt_cursor *cursor;
	evt_error err;
	evt_frame f;
	int r;

	ok(evt_cursor_open(&tape, 1, &filter, &cursor, &err), &err);
	while ((r = evt_cursor_next(cursor, &f, &err)) == EVT_OK) {
		assert_true(f.seq <= 155);
		got++;
		put_states(w, put, 40, 3, T0 + put, 1);
		put += 40;
		ok(evt_writer_commit(w, &err), &err);
	}
	assert_true(r == EVT_END || r == EVT_AGAIN);
	if (n_sources == 0)
		assert_int_equal(got, 155);
	else
		assert_true(got > 40 && got < 60);
	evt_cursor_close(cursor);
}

TEST(a_snapshot_ends_though_the_tape_grows)
{
	static const char *const one[] = { "10003" };
	evt_profile *profile = navixy_profile();

	for (size_t n_sources = 0; n_sources < 2; n_sources++) {
		char *dir = make_dir(), *path = in_dir(dir, "snapshot.tape");
		evt_writer_options o;
		evt_writer *w;
		evt_tape *tape;
		evt_error err;

		evt_writer_options_init(&o);
		o.block_bytes = 1500;
		o.segment_bytes = 3000;
		o.profile = profile;
		ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
		put_states(w, 0, 155, 3, T0, 1);
		ok(evt_writer_commit(w, &err), &err);
		ok(evt_tape_open(path, &tape, &err), &err);
		read_snapshot(tape, w, one, n_sources);
		evt_tape_close(tape);
		ok(evt_writer_close(w, &err), &err);
		free(path);
		remove_dir(dir);
	}
	evt_profile_free(profile);
}

/* A recorder that continues whenever a reader lists the journal files. */
struct busy {
	evt_writer *w;
	bool armed;
};

static int
list_late(void *ctx, const char *path, evt_io_name *name, void *arg)
{
	struct busy *x = ctx;
	evt_error err;

	if (x->armed && strstr(path, "/journal") != NULL) {
		x->armed = false;
		put_states(x->w, 3, 70, 3, T0 + 3, 1);
		ok(evt_writer_commit(x->w, &err), &err);
	}
	return evt_io_posix.list(evt_io_posix.ctx, path, name, arg);
}

/* The reader saw the end of a journal file.  Before it looks for another one,
 * the file gets its last frames, and the next one is begun: the block is not in
 * a segment yet, for it is being compressed. */
TEST(the_end_of_a_journal_file_is_not_missed)
{
	char *dir = make_dir(), *path = in_dir(dir, "late.tape");
	struct busy busy = { 0 };
	evt_io io = evt_io_posix;
	evt_writer_options o;
	evt_cursor *cursor;
	evt_tape *tape;
	evt_error err;
	evt_frame f;

	io.ctx = &busy;
	io.list = list_late;
	evt_writer_options_init(&o);
	o.block_bytes = 8192;
	ok(evt_writer_open_env(path, &o, test_env(), &busy.w, &err), &err);
	put_states(busy.w, 0, 3, 3, T0, 1);
	ok(evt_writer_commit(busy.w, &err), &err);
	ok(evt_tape_open_io(path, &io, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cursor, &err), &err);
	for (unsigned seq = 1; seq <= 73; seq++) {
		ok(evt_cursor_next(cursor, &f, &err), &err);
		assert_int_equal(f.seq, seq);
		busy.armed = seq == 3;
	}
	assert_int_equal(evt_writer_settle(busy.w, &err), EVT_OK);
	evt_cursor_close(cursor);
	evt_tape_close(tape);
	ok(evt_writer_close(busy.w, &err), &err);
	free(path);
	remove_dir(dir);
}

/* ---- damage and retention --------------------------------------------------------- */

TEST(a_bad_block_is_reported_once)
{
	char *dir = make_dir(), *path = in_dir(dir, "d.tape");
	char *file = in_dir(path, "000001.ndjson.zst");
	evt_segment s = { .io = &evt_io_posix,
		.no = 1,
		.path = file,
		.name = "000001.ndjson.zst" };
	evt_writer_options o;
	evt_cursor_stats stats;
	evt_cursor *cur;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned n = 0, bad = 0;
	int fd, r;

	evt_writer_options_init(&o);
	o.block_bytes = 8192;
	ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 1000, 7, T0, 1);
	ok(evt_writer_close(w, &err), &err);
	ok(evt_segment_load(&s, &err), &err);
	fd = open(file, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "damage", 6,
	                     (off_t)(s.blocks[3].offset + 200)),
	    6);
	close(fd);
	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while ((r = evt_cursor_next(cur, &f, &err)) != EVT_END) {
		if (r == EVT_ERR_CORRUPT) {
			assert_non_null(strstr(err.text, "000001.ndjson.zst"));
			bad++;
			continue;
		}
		ok(r, &err);
		n++;
	}
	assert_int_equal(bad, 1);
	assert_int_equal(n, 1000 - s.blocks[3].frames);
	evt_cursor_get_stats(cur, &stats);
	assert_int_equal(stats.blocks_bad, 1);
	assert_int_equal(stats.frames_lost, s.blocks[3].frames);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	s.path = NULL;
	evt_segment_free(&s);
	free(file);
	free(path);
	remove_dir(dir);
}

TEST(retention_while_reading)
{
	char *dir = make_dir(), *path = in_dir(dir, "k.tape");
	evt_writer_options o;
	evt_cursor *cur;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	uint64_t before = 0;
	unsigned n = 0;

	evt_writer_options_init(&o);
	o.block_bytes = 8192;
	o.segment_bytes = 10000;
	o.keep_bytes = 40000;
	ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 1000, 7, T0, 1);
	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	ok(evt_cursor_next(cur, &f, &err), &err);
	put_states(w, 1000, 20000, 7, T0, 1);
	ok(evt_writer_close(w, &err), &err);
	/* Dropped segments are skipped without an error; all other frames are
	 * read. */
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_true(f.seq > before);
		before = f.seq;
		n++;
	}
	assert_int_equal(before, 21000);
	assert_true(n > 500 && n < 20000);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	free(path);
	remove_dir(dir);
}

/* Descriptors of files that were removed. */
static unsigned
removed_but_held(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char to[600];
		ssize_t len = readlinkat(dirfd(d), e->d_name, to, sizeof(to));

		n += len > 10 && memcmp(to + len - 10, " (deleted)", 10) == 0;
	}
	closedir(d);
	return n;
}

/* A reader that moved on from the journal to the segments keeps no removed
 * journal file open. */
TEST(no_removed_journal_is_held)
{
	char *dir = make_dir(), *path = in_dir(dir, "held.tape");
	evt_writer_options o;
	evt_cursor *cursor;
	evt_tape *tape;
	evt_writer *w;
	evt_frame f;
	evt_error err;

	evt_writer_options_init(&o);
	ok(evt_writer_open_env(path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 10, 3, T0, 1);
	ok(evt_writer_commit(w, &err), &err);
	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cursor, &err), &err);
	for (unsigned i = 0; i < 5; i++)
		ok(evt_cursor_next(cursor, &f, &err), &err);
	put_states(w, 10, 10, 3, T0 + 10, 1);
	ok(evt_writer_rotate(w, &err), &err);
	put_states(w, 20, 10, 3, T0 + 20, 1);
	ok(evt_writer_rotate(w, &err), &err);
	for (unsigned i = 5; i < 25; i++)
		ok(evt_cursor_next(cursor, &f, &err), &err);
	assert_int_equal(f.seq, 25);
	assert_int_equal(removed_but_held(), 0);
	evt_cursor_close(cursor);
	evt_tape_close(tape);
	ok(evt_writer_close(w, &err), &err);
	free(path);
	remove_dir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN(filters_agree_with_a_list),
		RUN(follows_a_recorder),
		RUN(a_snapshot_ends_though_the_tape_grows),
		RUN(the_end_of_a_journal_file_is_not_missed),
		RUN(a_bad_block_is_reported_once),
		RUN(retention_while_reading),
		RUN(no_removed_journal_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
