/*
 * test_ring.c - frames held for a trigger: frames that are too old or too many
 * are dropped; moved frames are on the tape once and in order, at whichever
 * call the process dies.
 */
#include "tests/unit/lib/tapes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/store/tape_dir.h"
#include "format/write/ring.h"
#include "format/base/timetext.h"
#include "format/read/verify.h"
#include "format/write/writer_impl.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/torture.h"

#define T0 INT64_C(1700000000000000000)
#define S EVT_NS_PER_S
#define MS EVT_NS_PER_MS
#define SOURCES 5

struct fixture {
	char *dir, *path;
	struct faulty fault;
	evt_io io;
	evt_writer *w;
	evt_ring *ring;
	unsigned wrote; /* received frames that the ring put onto the tape */
	char said[700];
};

static void
wrote(void *ctx, const evt_frame *f)
{
	struct fixture *x = ctx;

	x->wrote += f->kind == EVT_KIND_RECEIVED;
}

static void
hear(void *ctx, const char *text)
{
	struct fixture *x = ctx;

	snprintf(x->said, sizeof(x->said), "%s", text);
}

static int
open_writer(struct fixture *x, int64_t sync_ns, evt_error *err)
{
	evt_writer_env env = *test_env();
	evt_writer_options o;

	x->io = faulty_io(&x->fault);
	env.io = &x->io;
	evt_writer_options_init(&o);
	o.sync_ns = sync_ns;
	o.block_bytes = 4096; /* several in each test */
	o.notice = hear;
	o.notice_ctx = x;
	return evt_writer_open_env(x->path, &o, &env, &x->w, err);
}

static int
open_ring(struct fixture *x, int64_t keep_ns, uint64_t keep_bytes,
    evt_error *err)
{
	evt_ring_options o = { .keep_ns = keep_ns,
		.keep_bytes = keep_bytes,
		.wrote = wrote,
		.ctx = x };

	return evt_ring_new(x->w, &o, &x->ring, err);
}

static void
begin(struct fixture *x, int64_t keep_ns, uint64_t keep_bytes)
{
	evt_error err;

	test_steady_ns = test_wall_ns = T0;
	x->dir = make_dir();
	x->path = in_dir(x->dir, "r.tape");
	ok(open_writer(x, S, &err), &err);
	ok(open_ring(x, keep_ns, keep_bytes, &err), &err);
}

static void
end(struct fixture *x)
{
	free(x->path);
	remove_dir(x->dir);
}

/* Leave the tape as a process that was killed does. */
static void
die(struct fixture *x)
{
	x->fault = (struct faulty){ 0, 0, FAIL_IO, true };
	evt_ring_free(x->ring);
	(void)evt_writer_close(x->w, NULL); /* can write nothing */
	x->fault = (struct faulty){ 0 };
	x->ring = NULL;
	x->w = NULL;
}

static void
close_writer(struct fixture *x)
{
	evt_error err;

	evt_ring_free(x->ring);
	x->ring = NULL;
	ok(evt_writer_close(x->w, &err), &err);
	x->w = NULL;
}

static int
put_one(struct fixture *x, unsigned i, int64_t at_ns, evt_error *err)
{
	evt_frame f = make_state(i, SOURCES);
	bool json, in_lines;
	int r;

	f.time_ns = f.mono_ns = at_ns;
	r = evt_writer_scan(x->w, &f, &json, &in_lines, err);
	if (r == EVT_OK)
		r = evt_ring_put(x->ring, &f, in_lines, err);
	free((void *)(uintptr_t)f.payload);
	return r;
}

static int
put_mark(struct fixture *x, int64_t at_ns, evt_error *err)
{
	static const char json[] = "{\"mark\":\"connected\"}";
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_CONNECTED,
		.time_ns = at_ns,
		.mono_ns = at_ns,
		.conn = 3,
		.payload = (const uint8_t *)json,
		.len = strlen(json) };

	return evt_ring_put(x->ring, &f, false, err);
}

static void
put(struct fixture *x, unsigned from, unsigned to, int64_t step_ns)
{
	evt_error err;

	for (unsigned i = from; i < to; i++) {
		test_steady_ns = test_wall_ns = T0 + (int64_t)i * step_ns;
		ok(put_one(x, i, test_steady_ns, &err), &err);
	}
	ok(evt_ring_commit(x->ring, test_steady_ns, &err), &err);
}

/* Open as any writer does, and close. */
static void
reopen(struct fixture *x)
{
	evt_error err;

	ok(open_writer(x, S, &err), &err);
	close_writer(x);
}

/* Marks of an opcode on the tape; *ret_seq: of the last one. */
static unsigned
count_marks(const char *path, unsigned opcode, uint64_t *ret_seq,
    char said[300])
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned n = 0;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		if (f.opcode != opcode)
			continue;
		n++;
		*ret_seq = f.seq;
		snprintf(said, 300, "%.*s", (int)f.len,
		    (const char *)f.payload);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return n;
}

static void
tell_fault(void *ctx, const evt_verify_fault *fault)
{
	(void)ctx;
	print_error("verify: %s: %s\n", fault->file, fault->what);
}

static void
assert_sound(const char *path)
{
	evt_verify_options o = { .fault = tell_fault };
	evt_verify_result v;
	evt_error err;

	ok(evt_verify_tape(path, &o, &v, &err), &err);
	assert_int_equal(v.faults, 0);
}

/* ---- the tests ----------------------------------------------------------- */

TEST(moves_the_last_seconds_and_no_more)
{
	struct fixture x = { 0 };
	evt_ring_stats st;
	evt_error err;

	begin(&x, 3 * S, 1u << 30);
	put(&x, 0, 100, 100 * MS);
	evt_ring_get_stats(x.ring, &st);
	/* Frames older than 3 s and the slack of 2 s were dropped, by whole
	 * chunks. */
	assert_in_range(st.frames, 50, 62);
	assert_int_equal(st.frames + st.let_go, 100);
	assert_int_equal(st.moved, 0);
	ok(evt_ring_move(x.ring, T0 + 9900 * MS - 3 * S, &err), &err);
	assert_int_equal(x.wrote, 31); /* 69 to 99 */
	evt_ring_get_stats(x.ring, &st);
	assert_int_equal(st.frames, 0);
	assert_int_equal(st.bytes, 0);
	assert_int_equal(st.let_go, 69);
	assert_int_equal(st.moved, 31);
	/* The ring is filled again after that. */
	put(&x, 100, 110, 100 * MS);
	ok(evt_ring_move(x.ring, INT64_MIN, &err), &err);
	ok(evt_ring_drop(x.ring, &err), &err);
	assert_false(evt_ring_armed(&evt_io_posix, x.path));
	close_writer(&x);
	assert_int_equal(check_states(x.path, 69, SOURCES), 41);
	assert_sound(x.path);
	end(&x);
}

TEST(is_bounded_in_bytes)
{
	struct fixture x = { 0 };
	evt_ring_stats st = { 0 };
	uint64_t files, bytes;
	char *journal;

	begin(&x, 3600 * S, EVT_RING_BYTES_MIN);
	journal = in_dir(x.path, "journal");
	for (unsigned i = 0; i < 20000; i += 500) {
		put(&x, i, i + 500, MS);
		evt_ring_get_stats(x.ring, &st);
		assert_true(st.bytes <= EVT_RING_BYTES_MIN);
		evt_tape_dir_ring(&evt_io_posix, journal, &files, &bytes);
		assert_int_equal(bytes, st.bytes);
		assert_true(files <= 64 + 2);
	}
	assert_true(st.full);
	assert_true(st.bytes > EVT_RING_BYTES_MIN * 3 / 4);
	assert_int_equal(st.frames + st.let_go, 20000);
	free(journal);
	die(&x);
	end(&x);
}

/* The disk takes no new file.  Old frames are dropped nevertheless, which may
 * free space. */
TEST(makes_room_on_a_full_disk)
{
	struct fixture x = { 0 };
	evt_ring_stats st;
	evt_error err;

	begin(&x, S, 1u << 30);
	put(&x, 0, 20, 100 * MS);
	ok(put_one(&x, 20, T0 + 3 * S, &err), &err); /* a new chunk */
	/* Two files can be removed and synced, but no file can be created. */
	x.fault = (struct faulty){ 8, 0, FAIL_FULL, true };
	assert_int_equal(evt_ring_commit(x.ring, T0 + 5 * S, &err),
	    EVT_ERR_FULL);
	evt_ring_get_stats(x.ring, &st);
	assert_int_equal(st.let_go, 20);
	assert_int_equal(st.frames, 1);
	x.fault = (struct faulty){ 0 };
	ok(evt_ring_commit(x.ring, T0 + 5 * S, &err), &err);
	die(&x);
	end(&x);
}

TEST(keeps_every_mark)
{
	struct fixture x = { 0 };
	evt_ring_stats st;
	char said[300];
	uint64_t seq;
	evt_error err;

	begin(&x, 1 * S, 1u << 30);
	ok(put_mark(&x, T0, &err), &err);
	put(&x, 0, 100, 100 * MS);
	evt_ring_get_stats(x.ring, &st);
	assert_true(st.let_go > 0);
	ok(evt_writer_commit(x.w, &err), &err);
	assert_int_equal(count_marks(x.path, EVT_MARK_CONNECTED, &seq, said),
	    1);
	assert_int_equal(seq, 1);
	/* One among frames that the trigger does not want either. */
	ok(put_mark(&x, test_steady_ns, &err), &err);
	ok(evt_ring_move(x.ring, INT64_MAX, &err), &err);
	assert_int_equal(count_marks(x.path, EVT_MARK_CONNECTED, &seq, said),
	    2);
	assert_int_equal(seq, 2);
	assert_int_equal(x.wrote, 0);
	ok(put_mark(&x, test_steady_ns, &err), &err);
	ok(evt_ring_drop(x.ring, &err), &err);
	assert_int_equal(count_marks(x.path, EVT_MARK_CONNECTED, &seq, said),
	    3);
	close_writer(&x);
	end(&x);
}

/* Any next writer, also one without a profile, puts the frames that a dead
 * recorder held onto the tape. */
TEST(is_rescued_by_the_next_writer)
{
	struct fixture x = { 0 };
	char said[300] = "";
	uint64_t seq = 0;
	evt_error err;

	begin(&x, 60 * S, 1u << 30);
	put(&x, 0, 100, 10 * MS);
	ok(put_one(&x, 100, test_steady_ns, &err), &err); /* not committed */
	assert_true(evt_ring_armed(&evt_io_posix, x.path));
	die(&x);
	assert_true(evt_ring_armed(&evt_io_posix, x.path));
	ok(open_writer(&x, S, &err), &err);
	assert_non_null(
	    strstr(x.said, "the 100 frames that it held are on the tape now"));
	assert_false(evt_ring_armed(&evt_io_posix, x.path));
	close_writer(&x);
	assert_int_equal(check_states(x.path, 0, SOURCES), 100);
	assert_int_equal(count_marks(x.path, EVT_MARK_TRIGGER, &seq, said), 1);
	assert_int_equal(seq, 101);
	assert_string_equal(said,
	    "{\"mark\":\"trigger\",\"cause\":\"recovered\",\"what\":null,"
	    "\"frames\":100,\"let_go\":null}");
	assert_sound(x.path);
	/* And once. */
	reopen(&x);
	assert_int_equal(check_states(x.path, 0, SOURCES), 100);
	assert_int_equal(count_marks(x.path, EVT_MARK_TRIGGER, &seq, said), 1);
	end(&x);
}

/* Keys come from the ring: the writer that rescues has no profile. */
TEST(keeps_the_keys)
{
	struct fixture x = { 0 };
	evt_profile *profile = navixy_profile();
	const char *const names[] = { "10003" };
	evt_filter filter = { .sources = names, .n_sources = 1 };
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;
	evt_error err;
	unsigned n = 0;

	begin(&x, 60 * S, 1u << 30);
	x.w->opt.profile = profile;
	evt_json_scanner_free(x.w->scanner);
	ok(evt_json_scanner_new(profile, &x.w->scanner, &err), &err);
	put(&x, 0, 50, MS);
	die(&x);
	evt_profile_free(profile);
	reopen(&x);
	ok(evt_tape_open(x.path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_int_equal(f.event_len, 5);
		assert_memory_equal(f.event, "state", 5);
		n++;
	}
	assert_int_equal(n, 50 / SOURCES);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	end(&x);
}

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x40;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

/* Damage costs the rest of its chunk, and is reported with their number. */
TEST(reports_damage)
{
	struct fixture x = { 0 };
	evt_ring_stats st;
	char said[300] = "", name[64], *first, *bad;
	uint64_t seq = 0;
	evt_error err;

	begin(&x, 60 * S, 1u << 30);
	put(&x, 0, 100, 100 * MS); /* chunks of 3.75 s: 38 frames */
	snprintf(name, sizeof(name), "journal/ring/%020u.evj", 1);
	first = in_dir(x.path, name);
	snprintf(name, sizeof(name), "journal/ring-%020u.evj.bad", 1);
	bad = in_dir(x.path, name);
	flip(first, 64); /* the length of the first record */
	flip(first, 67);
	ok(evt_ring_move(x.ring, INT64_MIN, &err), &err);
	evt_ring_get_stats(x.ring, &st);
	assert_int_equal(st.moved, 62);
	assert_non_null(strstr(x.said, "is damaged; the file is kept as"));
	assert_int_equal(access(bad, F_OK), 0);
	ok(evt_ring_drop(x.ring, &err), &err);
	close_writer(&x);
	assert_int_equal(check_states(x.path, 38, SOURCES), 62);
	assert_int_equal(count_marks(x.path, EVT_MARK_GAP, &seq, said), 1);
	assert_int_equal(seq, 1);
	assert_non_null(strstr(said, "\"frames\":38,"));
	free(first);
	free(bad);
	end(&x);
}

/* ---- faults -------------------------------------------------------------- */

#define BATCH 10
#define BATCHES 12

/*
 * Fill the ring over three chunks, with a mark in the second one, move the
 * frames, and fill it again.  With keep_ns below 20 s, frames are dropped
 * meanwhile.  Each call is repeated while it fails, up to `tries` times.
 * Returns how many frames were committed.
 */
static unsigned
cycle(struct fixture *x, int64_t sync_ns, int64_t keep_ns, unsigned tries)
{
	unsigned committed = 0;
	evt_error err;
	int r;

#define INSIST(call)                                 \
	do {                                         \
		unsigned left = tries;               \
		do {                                 \
			r = (call);                  \
		} while (r != EVT_OK && left-- > 0); \
		if (r != EVT_OK)                     \
			return committed;            \
	} while (0)

	test_steady_ns = test_wall_ns = T0;
	INSIST(open_writer(x, sync_ns, &err));
	INSIST(open_ring(x, keep_ns, 1u << 30, &err));
	for (unsigned k = 0; k < BATCHES; k++) {
		test_steady_ns = test_wall_ns = T0 + k * 2 * S;
		for (unsigned i = 0; i < BATCH; i++)
			INSIST(put_one(x, k * BATCH + i, test_steady_ns, &err));
		if (k == 4)
			INSIST(put_mark(x, test_steady_ns, &err));
		INSIST(evt_ring_commit(x->ring, test_steady_ns, &err));
		committed += BATCH;
		if (k == 9)
			INSIST(evt_ring_move(x->ring, INT64_MIN, &err));
	}
	return committed;
#undef INSIST
}

/* The number of the first state on the tape, 0 if it has no state. */
static unsigned
first_state(const char *path)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_RECEIVED };
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned n = 0;
	bool found;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	found = evt_cursor_next(cur, &f, &err) != EVT_OK;
	while (!found) {
		evt_frame want = make_state(n, SOURCES);

		found = want.len == f.len &&
		    memcmp(want.payload, f.payload, f.len) == 0;
		free((void *)(uintptr_t)want.payload);
		n += !found;
		assert_true(n < BATCH * BATCHES);
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return n;
}

/* Committed frames that are not older than keep_ns must be on the tape, once
 * and in order.  Frames that were put but not committed may be.  Returns how
 * many had to be there. */
static unsigned
check_after(struct fixture *x, unsigned committed, int64_t keep_ns)
{
	/* Two seconds a batch. */
	unsigned kept = (unsigned)(keep_ns / (2 * S)) * BATCH;
	uint64_t seq = 0;
	char said[300];
	unsigned n, first;

	reopen(x);
	first = first_state(x->path);
	n = first + check_states(x->path, first, SOURCES);
	assert_in_range(n, committed, committed + BATCH);
	assert_in_range(first, 0, committed > kept ? committed - kept : 0);
	if (n > 5 * BATCH)
		assert_int_equal(count_marks(x->path, EVT_MARK_CONNECTED, &seq,
		                     said),
		    1);
	assert_sound(x->path);
	return committed - first;
}

static void
each_call_may_be_the_last_of(int64_t keep, const char *fault)
{
	static const enum fault kinds[] = { FAIL_IO, FAIL_SHORT };
	static const int64_t syncs[] = { 0, S, EVT_SYNC_OFF };
	uint64_t frames = 0, tried = 0;
	/* CI takes a share of the calls. */
	unsigned step = torture_full() ? 1 : 24;

	for (size_t s = 0; s < 3; s++) {
		for (unsigned at = (unsigned)s;; at += step) {
			struct fixture x = { 0 };
			unsigned committed;
			bool hit;

			x.dir = make_dir();
			x.path = in_dir(x.dir, "r.tape");
			x.fault = (struct faulty){ at, 0, kinds[at % 2], true };
			committed = cycle(&x, syncs[s], keep, 0);
			hit = x.fault.calls > at;
			die(&x);
			frames += check_after(&x, committed, keep);
			tried++;
			end(&x);
			if (!hit)
				break;
		}
	}
	assert_true(tried > (torture_full() ? 200 : 10));
	torture_report(fault, tried, frames, 0);
}

TEST(each_call_may_be_the_last)
{
	each_call_may_be_the_last_of(100 * S,
	    "the disk dies at each call while a ring is filled and moved");
}

/* The same when frames are dropped, but their mark is kept. */
TEST(also_while_frames_are_dropped)
{
	each_call_may_be_the_last_of(4 * S,
	    "the disk dies at each call while a ring lets frames go");
}

TEST(each_call_may_fail_once)
{
	static const enum fault kinds[] = { FAIL_IO, FAIL_FULL, FAIL_SHORT,
		FAIL_INTERRUPTED };
	uint64_t frames = 0, tried = 0;
	unsigned step = torture_full() ? 1 : 16;

	for (unsigned at = 0;; at += step) {
		struct fixture x = { 0 };
		evt_error err;
		bool hit;

		x.dir = make_dir();
		x.path = in_dir(x.dir, "r.tape");
		x.fault = (struct faulty){ at, 0, kinds[at / step % 4], false };
		assert_int_equal(cycle(&x, 0, 100 * S, 1), BATCH * BATCHES);
		hit = x.fault.calls > at;
		x.fault = (struct faulty){ 0 };
		ok(evt_ring_move(x.ring, INT64_MIN, &err), &err);
		ok(evt_ring_drop(x.ring, &err), &err);
		close_writer(&x);
		assert_int_equal(check_states(x.path, 0, SOURCES),
		    BATCH * BATCHES);
		assert_sound(x.path);
		frames += BATCH * BATCHES;
		tried++;
		end(&x);
		if (!hit)
			break;
	}
	assert_true(tried > (torture_full() ? 100 : 7));
	torture_report("a call fails once while a ring is filled and moved",
	    tried, frames, 0);
}

TEST(the_rescue_may_be_cut_off_anywhere)
{
	uint64_t frames = 0, tried = 0;
	unsigned step = torture_full() ? 1 : 7;

	for (unsigned at = 0;; at += step) {
		struct fixture x = { 0 };
		unsigned committed;
		evt_error err;
		int r;

		x.dir = make_dir();
		x.path = in_dir(x.dir, "r.tape");
		committed = cycle(&x, S, 100 * S, 0);
		die(&x);
		x.fault = (struct faulty){ at, 0, FAIL_IO, true };
		r = open_writer(&x, S, &err);
		if (r == EVT_OK)
			die(&x);
		x.fault = (struct faulty){ 0 };
		x.w = NULL;
		assert_int_equal(committed, BATCH * BATCHES);
		frames += check_after(&x, committed, 100 * S);
		tried++;
		end(&x);
		if (r == EVT_OK)
			break;
	}
	assert_true(tried > (torture_full() ? 30 : 4));
	torture_report("a crash while the ring of a dead recorder is rescued",
	    tried, frames, 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(moves_the_last_seconds_and_no_more),
		RUN(is_bounded_in_bytes),
		RUN(makes_room_on_a_full_disk),
		RUN(keeps_every_mark),
		RUN(is_rescued_by_the_next_writer),
		RUN(keeps_the_keys),
		RUN(reports_damage),
		RUN(each_call_may_be_the_last),
		RUN(also_while_frames_are_dropped),
		RUN(each_call_may_fail_once),
		RUN(the_rescue_may_be_cut_off_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
