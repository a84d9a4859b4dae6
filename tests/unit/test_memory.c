/*
 * test_memory.c - memory runs out at each allocation, SQLite's too, and each
 * read of a file fails, in all calls that change a tape: committed frames stay,
 * no wrong frame is returned as right, nothing leaks.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/read/envelope.h"
#include "format/navixy/trackers.h"
#include "format/write/maintain.h"
#include "format/read/verify.h"
#include "format/write/writer.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/torture.h"

#define T0 INT64_C(1700000000000000000)
#define N_FRAMES 60u
#define SOURCES 5u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- a recording ----------------------------------------------------------- */

/* All is made before calls begin to fail. */
struct recording {
	evt_frame frame[N_FRAMES];
	evt_profile *profile;
	char *dir, *path;
	unsigned looked, notices;
	uint64_t lost; /* frames that had been committed */
};

static int
set_up(void **state)
{
	struct recording *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->profile = navixy_profile();
	for (unsigned i = 0; i < N_FRAMES; i++) {
		x->frame[i] = make_state(i, SOURCES);
		x->frame[i].time_ns = x->frame[i].mono_ns = T0 + i;
	}
	*state = x;
	return 0;
}

static int
tear_down(void **state)
{
	struct recording *x = *state;

	for (unsigned i = 0; i < N_FRAMES; i++)
		free((void *)(uintptr_t)x->frame[i].payload);
	evt_profile_free(x->profile);
	free(x);
	return 0;
}

static void
begin(struct recording *x)
{
	x->dir = make_dir();
	x->path = in_dir(x->dir, "m.tape");
}

static void
end(struct recording *x)
{
	free(x->path);
	remove_dir(x->dir);
}

static void
count_notice(void *ctx, const char *text)
{
	assert_true(strlen(text) > 0);
	++*(unsigned *)ctx;
}

static evt_writer_options
options_of(struct recording *x)
{
	evt_writer_options o;

	evt_writer_options_init(&o);
	o.profile = x->profile;
	o.block_bytes = 2000;
	o.sync_ns = EVT_SYNC_OFF;
	o.notice = count_notice;
	o.notice_ctx = &x->notices;
	return o;
}

static int
worse(int a, int b)
{
	return a != EVT_OK ? a : b;
}

/*
 * Record frames from..to as a recorder does: calls that failed are made again.
 * *ret_done: the number of frames that were committed.
 */
static int
record(struct recording *x, unsigned from, unsigned to, unsigned *ret_done)
{
	evt_writer_options o = options_of(x);
	evt_writer *w;
	evt_error err;
	int r = evt_writer_open_env(x->path, &o, test_env(), &w, &err), again;

	*ret_done = from;
	if (r != EVT_OK)
		return r;
	for (unsigned i = from; i < to; i++) {
		evt_frame f = x->frame[i]; /* it gets keys of the writer's */

		if ((again = evt_writer_put(w, &f, &err)) != EVT_OK) {
			r = worse(r, again);
			ok(evt_writer_put(w, &f, &err), &err);
		}
		if (i % 8 != 7 && i + 1 != to)
			continue;
		if ((again = evt_writer_commit(w, &err)) != EVT_OK) {
			r = worse(r, again);
			ok(evt_writer_commit(w, &err), &err);
		}
		*ret_done = i + 1;
		if (i == from + (to - from) / 2)
			r = worse(r, evt_writer_rotate(w, &err));
	}
	return worse(r, evt_writer_close(w, &err));
}

static void
is_sound(const struct recording *x)
{
	static const evt_verify_options quiet = { NULL, NULL, NULL };
	evt_verify_result got;
	evt_error err;

	ok(evt_verify_tape(x->path, &quiet, &got, &err), &err);
	assert_int_equal(got.faults, 0);
}

/* Read the tape as it lies, and once more after the next recording. */
static void
holds(struct recording *x, unsigned done)
{
	unsigned again, seen = 0;

	if (access(x->path, F_OK) != 0) {
		assert_int_equal(done, 0);
		return;
	}
	if (done > 0)
		seen = check_states(x->path, 0, SOURCES);
	x->lost += seen < done ? done - seen : 0;
	assert_true(seen >= done);
	/* The rest takes SQLite its time: not after each. */
	if (x->looked++ % 8 != 0 && !torture_full())
		return;
	assert_int_equal(record(x, 0, 0, &again), EVT_OK);
	assert_true(check_states(x->path, 0, SOURCES) >= done);
	is_sound(x);
}

static int
record_once(void *arg)
{
	struct recording *x = arg;
	unsigned done;
	int r;

	begin(x);
	failing_start();
	r = record(x, 0, N_FRAMES, &done);
	failing_stop();
	holds(x, done);
	end(x);
	return r;
}

/* The recorder of the first half died. */
static void
write_and_die(void *arg)
{
	struct recording *x = arg;
	evt_writer_options o = options_of(x);
	evt_writer *w;
	evt_error err;

	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	for (unsigned i = 0; i < N_FRAMES / 2; i++) {
		evt_frame f = x->frame[i];

		ok(evt_writer_put(w, &f, &err), &err);
	}
	ok(evt_writer_commit(w, &err), &err);
}

static int
recover_once(void *arg)
{
	struct recording *x = arg;
	unsigned done;
	int r;

	begin(x);
	die_after(write_and_die, x);
	failing_start();
	r = record(x, N_FRAMES / 2, N_FRAMES / 2 + 4, &done);
	failing_stop();
	holds(x, done);
	end(x);
	return r;
}

/* ---- maintenance of a tape that is not being recorded ---------------------- */

static void
closed_tape(struct recording *x)
{
	unsigned done;

	begin(x);
	assert_int_equal(record(x, 0, N_FRAMES, &done), EVT_OK);
}

static int
note_once(void *arg)
{
	struct recording *x = arg;
	evt_error err;
	bool queued;
	int r;

	closed_tape(x);
	failing_start();
	r = evt_bookmark_add(x->path, "here", T0 + 5, &queued, &err);
	if (r == EVT_OK)
		r = evt_bookmark_remove(x->path, N_FRAMES + 5, &queued, &err);
	/* Which marks are on it does not matter here. */
	if (r == EVT_ERR_NOTFOUND)
		r = EVT_OK;
	failing_stop();
	holds(x, N_FRAMES);
	end(x);
	return r;
}

/* A bookmark that was left for the recorder: it takes it, or lets it lie. */
static int
take_note_once(void *arg)
{
	struct recording *x = arg;
	evt_writer_options o = options_of(x);
	evt_tape *tape;
	evt_writer *w;
	evt_bookmark *notes;
	evt_error err;
	bool queued;
	size_t n;
	int r;

	begin(x);
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	ok(evt_bookmark_add(x->path, "left", T0, &queued, &err), &err);
	assert_true(queued);
	failing_start();
	r = evt_writer_tick(w, &err);
	failing_stop();
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_bookmarks(tape, &notes, &n, &err), &err);
	assert_true(n > 0); /* twice, where it could not be looked for */
	assert_string_equal(notes[0].text, "left");
	evt_bookmarks_free(notes, n);
	evt_tape_close(tape);
	end(x);
	return r;
}

static int
compact_once(void *arg)
{
	struct recording *x = arg;
	evt_maintain_compact_options how = { .level = 5,
		.block_bytes = 1 << 20 };
	evt_maintain_compact_result got;
	evt_error err;
	int r;

	closed_tape(x);
	failing_start();
	r = evt_maintain_compact(x->path, &how, &got, &err);
	failing_stop();
	holds(x, N_FRAMES);
	end(x);
	return r;
}

static int
gc_once(void *arg)
{
	struct recording *x = arg;
	evt_maintain_gc_options what = { .keep_bytes = 1,
		.before_ns = INT64_MIN };
	evt_maintain_gc_result got;
	evt_error err;
	int r;

	closed_tape(x);
	failing_start();
	r = evt_maintain_gc(x->path, &what, &got, &err);
	failing_stop();
	/* Whole segments are dropped; the others are unchanged. */
	is_sound(x);
	end(x);
	return r;
}

static int
reindex_once(void *arg)
{
	struct recording *x = arg;
	evt_error err;
	int r;

	closed_tape(x);
	failing_start();
	r = evt_tape_reindex(x->path, NULL, &err);
	failing_stop();
	holds(x, N_FRAMES);
	end(x);
	return r;
}

TEST(each_call_of_a_writer)
{
	static int (*const runs[])(void *) = { record_once, recover_once,
		note_once, take_note_once, compact_once, gc_once,
		reindex_once };
	static const char *const what[] = { "memory runs out while recording",
		"SQLite's memory runs out while recording",
		"a read fails while recording" };
	struct recording *x = *state;

	for (enum failing kind = FAILING_MEMORY; kind <= FAILING_READS;
	     kind++) {
		/* SQLite allocates thousands of times. */
		unsigned calls = 0,
		         step = kind != FAILING_DATABASE ? 1 :
		    torture_full()                       ? 7 :
		                                           41;

		x->notices = 0;
		for (size_t i = 0; i < COUNT(runs); i++)
			calls += failing_each(kind, step, runs[i], x);
		assert_true(calls > 20);
		/* An index that cannot be written is reported. */
		assert_true(kind != FAILING_DATABASE || x->notices > 0);
		torture_report(what[kind], calls, (uint64_t)calls * N_FRAMES,
		    x->lost);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(each_call_of_a_writer, set_up, tear_down),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
