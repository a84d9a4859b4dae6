/*
 * test_faults.c - every file operation fails once, or for ever from some call
 * on, also reading and SQLite's own calls.
 *
 * While a tape is written: the committed frames are on it, in order, once, and
 * unaltered, and the next recorder continues.  While a tape is read: the
 * returned frames are right, or there is an error.
 */
#include "tests/unit/lib/cycle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/store/tape_dir.h"
#include "format/read/tape.h"
#include "format/read/verify.h"
#include "tests/unit/lib/fail_io.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/torture.h"

static const struct kind {
	enum fault fault;
	bool dead;
	const char *words;
} kinds[] = {
	{ FAIL_IO, false, "EIO, once" },
	{ FAIL_FULL, false, "ENOSPC, once" },
	{ FAIL_INTERRUPTED, false, "EINTR, once" },
	{ FAIL_SHORT, false, "a short write or read, once" },
	{ FAIL_IO, true, "EIO, for ever after" },
	{ FAIL_FULL, true, "ENOSPC, for ever after" },
	{ FAIL_INTERRUPTED, true, "EINTR, every other call from then on" },
	{ FAIL_SHORT, true, "a short write, then a full disk" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct run {
	struct faulty fault;
	evt_io faulty, clean;
	const char *vfs, *quick;
	uint64_t tried, frames;
	char now[100]; /* the current fault, for the message of a failure */
};

static int
setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));
	struct testvfs_hooks none = { 0 }, hooks;

	if (r == NULL)
		return -1;
	hooks = faulty_hooks(&r->fault);
	r->vfs = testvfs_begin(&hooks);
	r->quick = testvfs_begin(&none);
	r->faulty = faulty_io(&r->fault);
	r->faulty.vfs = r->vfs;
	r->clean = testvfs_quick_io(r->quick);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct run *r = *state;

	if (r->now[0] != '\0')
		print_error("the fault: %s\n", r->now);
	testvfs_end(r->vfs);
	testvfs_end(r->quick);
	free(r);
	return 0;
}

static void
arm(struct run *r, const struct kind *k, unsigned at)
{
	r->fault = (struct faulty){ at, 0, k->fault, k->dead };
	snprintf(r->now, sizeof(r->now), "%s, at call %u", k->words, at);
}

static void
end(struct run *r, const char *what)
{
	print_message("# %s: %llu faults, %llu frames\n", what,
	    (unsigned long long)r->tried, (unsigned long long)r->frames);
	torture_report(what, r->tried, r->frames, 0);
	r->now[0] = '\0';
}

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct cycle
cycle_of(struct run *r, const char *path)
{
	struct cycle c = { .path = path,
		.env = *test_env(),
		.clean = &r->clean };

	c.env.io = &r->faulty;
	return c;
}

/* ---- writing ------------------------------------------------------------- */

/* Read the tape as it is, and after the next recorder. */
static void
look(struct run *r, struct cycle *c)
{
	struct cycle before = *c, lies = *c;
	struct cycle_held held;

	/* Bookmarks may yet wait for the next recorder. */
	memset(lies.note, 0, sizeof(lies.note));
	if (c->committed > 0)
		cycle_check(&lies, c->committed, false);
	c->env.io = &r->clean;
	assert_true(cycle_record(c, 7, 0));
	cycle_check(&before, before.committed, false);
	held = cycle_check(c, c->next, false);
	assert_int_equal(held.end, c->next);
	cycle_verify(c, &held);
	r->tried++;
	r->frames +=
	    before.committed > c->first ? before.committed - c->first : 0;
}

/* A whole cycle with a fault; the number of calls that were made. */
static unsigned
write_with(struct run *r, const struct kind *k, unsigned at)
{
	char *dir = make_quick_dir(), *path = in_dir(dir, "f.tape");
	struct cycle c = cycle_of(r, path);
	unsigned files = open_files(), calls;

	arm(r, k, at);
	cycle_run(&c);
	calls = r->fault.calls;
	assert_int_equal(open_files(), files);
	r->fault.kind = NONE;
	look(r, &c);
	free(path);
	remove_dir(dir);
	return calls;
}

TEST(each_call_of_a_recording_fails)
{
	static const struct kind none = { NONE, false, "none" };
	struct run *r = *state;
	unsigned calls = write_with(r, &none, 0);
	unsigned step = torture_full() ? 1 : 67;

	assert_true(calls > 500);
	r->tried = r->frames = 0;
	for (unsigned i = 0; i < KINDS; i++) {
		for (unsigned at = i % step; at < calls; at += step)
			write_with(r, &kinds[i], at);
	}
	end(r,
	    "every file operation of recording, rotation, retention, "
	    "bookmarks, compacting and reindexing failed, once and for ever");
}

/* ---- recovery ------------------------------------------------------------ */

/* A recorder that was killed. */
static void
write_and_die(void *arg)
{
	struct cycle *c = arg;
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.block_bytes = 2048;
	o.profile = navixy_profile();
	ok(evt_writer_open_env(c->path, &o, &c->env, &w, &err), &err);
	put_states(w, c->next, 50, 7, INT64_C(1700000000000000000) + c->next,
	    1);
	ok(evt_writer_commit(w, &err), &err);
}

static bool
recover_with(struct run *r, const struct kind *k, unsigned at)
{
	char *dir = make_quick_dir(), *path = in_dir(dir, "r.tape");
	struct cycle c = cycle_of(r, path);
	bool hit;

	c.env.io = &r->clean;
	die_after(write_and_die, &c);
	c.next = c.committed = 50;
	c.env.io = &r->faulty;
	arm(r, k, at);
	cycle_record(&c, 0, 0);
	hit = r->fault.calls > at;
	r->fault.kind = NONE;
	look(r, &c);
	free(path);
	remove_dir(dir);
	return hit;
}

TEST(each_call_of_a_recovery_fails)
{
	struct run *r = *state;
	unsigned step = torture_full() ? 1 : 7, at;

	for (unsigned i = 0; i < KINDS; i++) {
		at = i % step;
		while (recover_with(r, &kinds[i], at))
			at += step;
		assert_true(at > 20);
	}
	end(r, "every file operation of a recovery failed, once and for ever");
}

/* ---- reading ------------------------------------------------------------- */

/* The result of a reader: all frames are right, or there was an error. */
struct seen {
	unsigned states, verified, info, last;
	bool error;
};

/* The cursor; frames come in order, and all of them unless it fails. */
static void
read_all(struct seen *seen, evt_tape *tape)
{
	static const char *const source[] = { "10003" };
	const evt_filter with_source = { .sources = source, .n_sources = 1 };
	evt_cursor *cur;
	evt_error err;
	evt_frame f;
	int r = EVT_OK;

	for (int i = 0; i < 2; i++) {
		uint64_t last = 0;

		if (evt_cursor_open(&tape, 1, i ? &with_source : NULL, &cur,
		        &err) != EVT_OK) {
			seen->error = true;
			return;
		}
		while ((r = evt_cursor_next(cur, &f, &err)) == EVT_OK) {
			unsigned no = (unsigned)(f.time_ns % 1000000000);
			evt_frame want = make_state(no, 7);

			assert_true(f.seq > last);
			last = f.seq;
			seen->states += f.kind == EVT_KIND_RECEIVED;
			if (f.kind == EVT_KIND_RECEIVED) {
				assert_int_equal(f.len, want.len);
				assert_memory_equal(f.payload, want.payload,
				    f.len);
			}
			free((void *)(uintptr_t)want.payload);
		}
		evt_cursor_close(cur);
		seen->error = seen->error || r != EVT_END;
		/* A disk that does not answer is no damage. */
		assert_int_not_equal(r, EVT_ERR_CORRUPT);
	}
}

static void
on_fault(void *ctx, const evt_verify_fault *fault)
{
	(void)ctx;
	/* An index that cannot be read may be called damaged; frames not. */
	if (!fault->note && strcmp(fault->file, "tape.db") != 0)
		fail_msg("verify: %s: %s", fault->file, fault->what);
}

static int
count_last(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	(void)source;
	(void)err;
	*(uint64_t *)ctx += (uint64_t)f->time_ns % 1000000000;
	return EVT_OK;
}

static void
ask(struct seen *seen, evt_tape *tape)
{
	static const int64_t end = INT64_C(1700000001000000000);
	uint64_t last = 0, counted = 0;
	evt_timeline line = { 0 };
	evt_info *info;
	evt_error err;
	evt_frame f;

	if (evt_tape_info(tape, &info, &err) == EVT_OK) {
		seen->info += (unsigned)info->frames;
		assert_int_equal(info->n_damaged, 0);
		evt_info_free(info);
	} else {
		seen->error = true;
	}
	if (evt_tape_last_before(tape, "10003", "state", end, &f, &err) ==
	    EVT_OK)
		seen->last += (unsigned)f.seq;
	else
		seen->error = true;
	if (evt_tape_each_last(tape, "state", end, count_last, &last, &err) ==
	    EVT_OK)
		seen->last += (unsigned)last;
	else
		seen->error = true;
	if (evt_tape_timeline(tape, end - 1000000000, end, 3, &line, &err) ==
	    EVT_OK) {
		for (size_t i = 0; i < line.n_events; i++) {
			for (size_t k = 0; k < line.n_buckets; k++)
				counted += line.events[i].count[k];
		}
		seen->last += (unsigned)counted;
		evt_timeline_free(&line);
	} else {
		seen->error = true;
	}
}

static struct seen
read_with(struct run *r, const struct kind *k, unsigned at, const char *path)
{
	evt_verify_options o = { .fault = on_fault };
	unsigned files = open_files();
	struct seen seen = { 0 };
	evt_verify_result got;
	evt_tape *tape;
	evt_error err;

	arm(r, k, at);
	if (evt_tape_open_io(path, &r->faulty, &tape, &err) == EVT_OK) {
		read_all(&seen, tape);
		ask(&seen, tape);
		evt_tape_close(tape);
	} else {
		seen.error = true;
	}
	if (evt_verify_tape_io(path, &r->faulty, &o, &got, &err) == EVT_OK)
		seen.verified = (unsigned)got.frames;
	else
		seen.error = true;
	assert_int_equal(open_files(), files);
	return seen;
}

TEST(each_call_of_a_reader_fails)
{
	static const struct kind none = { NONE, false, "none" };
	struct run *r = *state;
	char *dir = make_quick_dir(), *path = in_dir(dir, "r.tape");
	struct cycle c = cycle_of(r, path);
	unsigned step = torture_full() ? 1 : 5, calls;
	struct seen want, got;

	/* Closed ones, and a journal of a recorder that was killed. */
	c.env.io = &r->clean;
	die_after(write_and_die, &c);
	assert_true(cycle_record(&c, 30, 0));
	die_after(write_and_die, &c);
	want = read_with(r, &none, 0, path);
	calls = r->fault.calls;
	assert_false(want.error);
	assert_true(want.states > 80 && want.verified >= 80 && calls > 50);
	for (unsigned i = 0; i < KINDS; i++) {
		for (unsigned at = i % step; at < calls; at += step) {
			got = read_with(r, &kinds[i], at, path);
			if (!got.error)
				assert_memory_equal(&got, &want, sizeof(got));
			assert_true(got.states <= want.states);
			r->tried++;
			r->frames += want.verified;
		}
	}
	end(r,
	    "every file operation of reading, searching and verifying failed: "
	    "the right frames, or an error");
	free(path);
	remove_dir(dir);
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		T(each_call_of_a_recording_fails),
		T(each_call_of_a_recovery_fails),
		T(each_call_of_a_reader_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
