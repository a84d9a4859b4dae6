/*
 * test_powercut_ring.c - the power is cut at every change that a recording with
 * a ring makes to the disk. Frames that were synced and not dropped by the ring
 * are on the tape after the next opening, in order and once.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/write/ring_priv.h"
#include "format/read/tape.h"
#include "format/base/timetext.h"
#include "format/read/verify.h"
#include "format/write/writer_impl.h"
#include "tests/unit/lib/powercut.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/testvfs.h"
#include "tests/unit/lib/torture.h"

#define T0 INT64_C(1700000000000000000)
#define S EVT_NS_PER_S
#define SOURCES 5u
#define BATCH 10u
#define BATCHES 24u
#define STATES (BATCH * BATCHES)
#define NEVER SIZE_MAX

/* A state is promised from a cut after `from` changes on, up to one after
 * `to`. */
struct life {
	size_t from, to;
	bool moved, let_go;
};

struct run {
	struct powercut *cut;
	const char *vfs;
	evt_io clean, io;
	char *dir, *path;
	evt_writer *w;
	evt_ring *ring;
	struct life state[STATES];
	unsigned committed; /* states before it are */
	struct {
		size_t from, to;
	} whole[BATCHES *
	    4]; /* changes between which all frames were synced, or dropped */
	size_t n_whole;
	uint64_t let_go; /* as the ring said last */
	uint64_t tried, frames;
	char now[160];
};

static void
wrote(void *ctx, const evt_frame *f)
{
	struct run *r = ctx;

	if (f->kind == EVT_KIND_RECEIVED)
		r->state[(f->time_ns - T0) % S].moved = true;
}

static int
open_writer(struct run *r, const evt_io *io, int64_t sync_ns, evt_error *err)
{
	evt_writer_env env = *test_env();
	evt_writer_options o;

	env.io = io;
	evt_writer_options_init(&o);
	o.sync_ns = sync_ns;
	o.block_bytes = 2048;
	return evt_writer_open_env(r->path, &o, &env, &r->w, err);
}

/* ---- the recording ------------------------------------------------------- */

/* A call has dropped the oldest frames.  It may have begun after `before`
 * changes. */
static void
see_let_go(struct run *r, size_t before)
{
	evt_ring_stats st;

	evt_ring_get_stats(r->ring, &st);
	for (unsigned i = 0; i < STATES && r->let_go < st.let_go; i++) {
		struct life *s = &r->state[i];

		if (s->moved || s->let_go)
			continue;
		s->let_go = true;
		if (s->to > before)
			s->to = before;
		r->let_go++;
	}
	assert_int_equal(r->let_go, st.let_go);
}

static void
see_synced(struct run *r, size_t since)
{
	size_t at = powercut_changes(r->cut);

	if (r->ring->dirty)
		return;
	for (unsigned i = 0; i < r->committed; i++) {
		if (r->state[i].from == NEVER)
			r->state[i].from = at;
	}
	r->whole[r->n_whole].from = since;
	r->whole[r->n_whole++].to = at;
}

static void
put_mark(struct run *r, int64_t at_ns)
{
	static const char json[] = "{\"mark\":\"connected\"}";
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_CONNECTED,
		.time_ns = at_ns,
		.mono_ns = at_ns,
		.conn = 3,
		.payload = (const uint8_t *)json,
		.len = strlen(json) };
	evt_error err;

	ok(evt_ring_put(r->ring, &f, false, &err), &err);
}

/* The frame's number is in its time, so that a reader knows which one it is. */
static void
put_batch(struct run *r, unsigned batch)
{
	evt_error err;

	for (unsigned i = batch * BATCH; i < (batch + 1) * BATCH; i++) {
		evt_frame f = make_state(i, SOURCES);
		bool json, in_lines;

		f.time_ns = f.mono_ns = test_steady_ns + i;
		ok(evt_writer_scan(r->w, &f, &json, &in_lines, &err), &err);
		ok(evt_ring_put(r->ring, &f, in_lines, &err), &err);
		free((void *)(uintptr_t)f.payload);
	}
	r->committed = (batch + 1) * BATCH;
}

/* Fill the ring, with marks in between, so that old frames are dropped; move
 * all frames; move only the last seconds; fill it again. */
static void
record(struct run *r, int64_t sync_ns)
{
	evt_ring_options o = { .keep_ns = 5 * S,
		.keep_bytes = 1u << 30,
		.wrote = wrote,
		.ctx = r };
	evt_error err;

	test_steady_ns = test_wall_ns = T0;
	ok(open_writer(r, &r->io, sync_ns, &err), &err);
	ok(evt_ring_new(r->w, &o, &r->ring, &err), &err);
	for (unsigned k = 0; k < BATCHES; k++) {
		size_t before = powercut_changes(r->cut);
		bool synced = k > 0 && !r->ring->dirty;

		/* A pause, after which several files are removed at once. */
		test_steady_ns = test_wall_ns = T0 + (k < 9 ? k : k + 4) * S;
		ok(evt_ring_commit(r->ring, test_steady_ns, &err), &err);
		see_let_go(r, before);
		if (synced)
			see_synced(r, before);
		before = powercut_changes(r->cut);
		if (k % 5 == 1)
			put_mark(r, test_steady_ns);
		put_batch(r, k);
		ok(evt_ring_commit(r->ring, test_steady_ns, &err), &err);
		ok(evt_writer_commit(r->w, &err), &err);
		see_let_go(r, before);
		before = powercut_changes(r->cut);
		see_synced(r, before);
		synced = !r->ring->dirty;
		if (k == 12 || k == 17) {
			ok(evt_ring_move(r->ring,
			       k == 12 ? INT64_MIN : test_steady_ns - 3 * S,
			       &err),
			    &err);
			see_let_go(r, before);
			see_synced(r,
			    synced ? before : powercut_changes(r->cut));
		}
	}
	evt_ring_free(r->ring);
	r->ring = NULL;
	ok(evt_writer_close(r->w, &err), &err);
}

static void
begin(struct run *r, int64_t sync_ns)
{
	struct testvfs_hooks none = { 0 };

	r->dir = make_quick_dir();
	r->path = in_dir(r->dir, "r.tape");
	r->vfs = testvfs_begin(&none);
	r->clean = testvfs_quick_io(r->vfs);
	r->cut = powercut_new(r->dir);
	r->io = powercut_io(r->cut);
	for (unsigned i = 0; i < STATES; i++)
		r->state[i] = (struct life){ NEVER, NEVER, false, false };
	record(r, sync_ns);
	assert_int_equal(r->state[STATES - 1].from != NEVER, sync_ns == 0);
	assert_true(r->let_go > 50);
	free(r->path);
}

static void
end(struct run *r, const char *what)
{
	print_message("# %s: %zu changes, %llu cuts, %llu frames\n", what,
	    powercut_changes(r->cut), (unsigned long long)r->tried,
	    (unsigned long long)r->frames);
	torture_report(what, r->tried, r->frames, 0);
	powercut_free(r->cut);
	testvfs_end(r->vfs);
	remove_dir(r->dir);
	r->now[0] = '\0';
}

/* ---- after a cut --------------------------------------------------------- */

struct seen {
	bool has[STATES];
	unsigned gaps, rescues;
	char gap[200]; /* the last one's words */
	uint64_t seq;
};

static void
see(struct seen *seen, const evt_frame *f, unsigned *next)
{
	unsigned i = (unsigned)((f->time_ns - T0) % S);
	evt_frame want;

	/* Sequence numbers have no hole, whatever was lost. */
	assert_int_equal(f->seq, ++seen->seq);
	if (f->kind == EVT_KIND_MARK) {
		if (f->opcode == EVT_MARK_GAP)
			snprintf(seen->gap, sizeof(seen->gap), "%.*s",
			    (int)f->len, (const char *)f->payload);
		seen->gaps += f->opcode == EVT_MARK_GAP;
		seen->rescues += f->opcode == EVT_MARK_TRIGGER;
		return;
	}
	if (i < *next)
		fail_msg("state %u comes behind state %u", i, *next - 1);
	*next = i + 1;
	assert_true(i < STATES);
	want = make_state(i, SOURCES);
	assert_int_equal(f->len, want.len);
	assert_memory_equal(f->payload, want.payload, f->len);
	free((void *)(uintptr_t)want.payload);
	seen->has[i] = true;
}

static struct seen
read_tape(const struct run *r)
{
	struct seen seen = { .gaps = 0 };
	unsigned next = 0;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	int code;

	ok(evt_tape_open_io(r->path, &r->clean, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	while ((code = evt_cursor_next(cur, &f, &err)) == EVT_OK)
		see(&seen, &f, &next);
	assert_int_equal(code, EVT_END);
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return seen;
}

static void
on_fault(void *ctx, const evt_verify_fault *fault)
{
	(void)ctx;
	if (!fault->note)
		fail_msg("verify: %s: %s", fault->file, fault->what);
}

static void
is_whole(const struct run *r)
{
	evt_verify_options o = { .fault = on_fault };
	evt_verify_result got;
	evt_error err;

	ok(evt_verify_tape_io(r->path, &r->clean, &o, &got, &err), &err);
}

/* The next writer opens it; twice, for nothing comes twice. */
static void
look(struct run *r, size_t at, bool unsynced)
{
	struct seen seen;
	evt_error err;

	for (int i = 0; i < 2; i++) {
		ok(open_writer(r, &r->clean, S, &err), &err);
		ok(evt_writer_close(r->w, &err), &err);
		r->w = NULL;
		seen = read_tape(r);
		for (unsigned k = 0; k < STATES; k++) {
			const struct life *s = &r->state[k];

			if (s->from > at || at > s->to)
				continue;
			if (!seen.has[k])
				fail_msg("state %u is missing", k);
			r->frames += i == 0;
		}
		assert_true(seen.rescues <= 1);
		if (!unsynced && seen.gaps > 0)
			fail_msg("nothing was lost, and there is %s", seen.gap);
	}
	is_whole(r);
	r->tried++;
}

static bool
is_all_synced(const struct run *r, size_t at)
{
	for (size_t i = 0; i < r->n_whole; i++) {
		if (r->whole[i].from <= at && at <= r->whole[i].to)
			return true;
	}
	return false;
}

static void
cut_at(struct run *r, const struct powercut *p, size_t at, size_t promised_at,
    enum cut cut, unsigned seed)
{
	char *dir = make_quick_dir();

	snprintf(r->now, sizeof(r->now),
	    "behind change %zu, promises of %zu, unsynced %s, seed %u", at,
	    promised_at, powercut_name(cut), seed);
	powercut_make(p, at, cut, seed, dir);
	r->path = in_dir(dir, "r.tape");
	look(r, promised_at, !is_all_synced(r, promised_at));
	free(r->path);
	remove_dir(dir);
}

static int
setup(void **state)
{
	*state = calloc(1, sizeof(struct run));
	return *state != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	struct run *r = *state;

	if (r->now[0] != '\0')
		print_error("the cut: %s\n", r->now);
	free(r);
	return 0;
}

static void
cut_everywhere(struct run *r, int64_t sync_ns, const char *what)
{
	unsigned seeds = torture_full() ? 2 : 1;
	size_t step = torture_full() ? 1 : 5;

	begin(r, sync_ns);
	for (size_t at = 0; at <= powercut_changes(r->cut); at += step) {
		for (enum cut cut = CUT_KEPT; cut < CUTS; cut++) {
			for (unsigned s = 0; s < (cut > CUT_LOST ? seeds : 1);
			     s++)
				cut_at(r, r->cut, at, at, cut, s);
		}
	}
	/* Dropped frames may be back, without a mark. */
	for (size_t i = 0; i < r->n_whole; i++) {
		for (size_t at = r->whole[i].from; at < r->whole[i].to; at++) {
			for (unsigned s = 0; s < 2; s++)
				cut_at(r, r->cut, at, at, CUT_RANDOM, s);
		}
	}
	end(r, what);
}

TEST(each_batch_synced)
{
	cut_everywhere(*state, 0,
	    "power cut at every file operation of a ring, each batch synced; "
	    "unsynced writes kept, lost, at random, torn");
}

TEST(synced_now_and_then)
{
	cut_everywhere(*state, 3 * S,
	    "power cut at every file operation of a ring, synced now and then; "
	    "unsynced writes kept, lost, at random, torn");
}

/* The power is cut, and again while the ring's frames are moved onto the
 * tape. */
static void
cut_again(struct run *r, size_t at, enum cut cut, unsigned seed, size_t step)
{
	char *dir = make_quick_dir();
	struct powercut *again;
	evt_error err;
	evt_io io;

	powercut_make(r->cut, at, cut, seed, dir);
	again = powercut_new(dir);
	io = powercut_io(again);
	r->path = in_dir(dir, "r.tape");
	ok(open_writer(r, &io, S, &err), &err);
	ok(evt_writer_close(r->w, &err), &err);
	free(r->path);
	for (size_t k = seed % step; k <= powercut_changes(again); k += step) {
		for (enum cut how = CUT_LOST; how < CUTS; how++)
			cut_at(r, again, k, at, how, seed);
	}
	powercut_free(again);
	remove_dir(dir);
}

TEST(the_rescue_is_cut_too)
{
	struct run *r = *state;
	size_t step = torture_full() ? 13 : 61;

	begin(r, 3 * S);
	for (size_t at = 5; at <= powercut_changes(r->cut); at += step)
		cut_again(r, at, at % 2 ? CUT_TORN : CUT_KEPT, (unsigned)at,
		    torture_full() ? 3 : 13);
	end(r,
	    "power cut at every file operation of a ring, and again while it "
	    "is put onto the tape; unsynced writes lost, at random, torn");
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_batch_synced),
		T(synced_now_and_then),
		T(the_rescue_is_cut_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
