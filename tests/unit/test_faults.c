/*
 * test_faults.c - every file operation of the writer fails once, or for ever
 * from some call on: what was committed is on the tape all the same, in order,
 * once, and unaltered.
 */
#include "tests/unit/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/writer.h"
#include "tests/unit/faulty.h"

#define T0 INT64_C(1700000000000000000)
#define N_FRAMES 120u

static void
count_notice(void *ctx, const char *text)
{
	(void)text;
	++*(unsigned *)ctx;
}

/* ---- one recording ------------------------------------------------------------ */

static int
put_one(evt_writer *w, unsigned i)
{
	evt_frame f = make_state(i, 7);
	uint8_t *payload = (uint8_t *)(uintptr_t)f.payload;
	evt_error err;
	int r;

	f.time_ns = f.mono_ns = T0 + i;
	r = evt_writer_put(w, &f, &err);
	free(payload);
	return r;
}

/*
 * Record frames from `from` to N_FRAMES as a recorder does: what fails is
 * tried again (a few times), and the tape is closed in any case.  Returns the
 * number behind the last frame that was committed.
 */
static unsigned
record(evt_writer *w, unsigned from)
{
	unsigned committed = from, failures = 0;
	evt_error err;

	for (unsigned i = from; i < N_FRAMES && failures < 4;) {
		if (put_one(w, i) != EVT_OK) {
			failures++;
			continue;
		}
		i++;
		if (i % 10 == 0 || i == N_FRAMES) {
			while (failures < 4 &&
			    evt_writer_commit(w, &err) != EVT_OK)
				failures++;
			if (failures < 4)
				committed = i;
		}
		if (i % 50 == 0 && evt_writer_rotate(w, &err) != EVT_OK)
			failures++;
	}
	evt_writer_close(w, &err); /* may fail: then the journal has it */
	return committed;
}

static evt_writer_options
small_blocks(unsigned *notices)
{
	evt_writer_options o;

	evt_writer_options_init(&o);
	o.block_bytes = 4096;
	o.sync_ns = 0;
	o.notice = count_notice;
	o.notice_ctx = notices;
	return o;
}

/* Record with a fault, then look; the number of calls that were made. */
static unsigned
record_with(enum fault kind, unsigned at, bool dead)
{
	struct faulty f = { at, 0, kind, dead };
	evt_io io = faulty_io(&f);
	evt_writer_env env = *test_env();
	char *dir = make_dir(), *path = in_dir(dir, "f.tape");
	unsigned committed = 0, notices = 0, seen;
	evt_writer_options o = small_blocks(&notices);
	evt_writer *w;
	evt_error err;

	env.io = &io;
	if (evt_writer_open_env(path, &o, &env, &w, &err) == EVT_OK)
		committed = record(w, 0);
	f.kind = NONE;
	if (access(path, F_OK) == 0) {
		/* As it lies, and after recovery by the next recording. */
		seen = committed > 0 ? check_states(path, 0, 7) : 0;
		if (seen < committed)
			fail_msg("fault %d at call %u: %u frames of %u", kind, at,
			    seen, committed);
		ok(evt_writer_open_env(path, &o, &env, &w, &err), &err);
		ok(evt_writer_close(w, &err), &err);
		assert_true(check_states(path, 0, 7) >= committed);
	}
	free(path);
	remove_dir(dir);
	return f.calls;
}

static void
each_call_fails_once(void **state)
{
	unsigned calls = record_with(NONE, 0, false);

	(void)state;
	assert_true(calls > 50);
	for (unsigned at = 0; at < calls; at++) {
		record_with(FAIL_IO, at, false);
		record_with(FAIL_SHORT, at, false);
		if (at % 3 == 0)
			record_with(FAIL_INTERRUPTED, at, false);
	}
}

static void
the_disk_dies_at_each_call(void **state)
{
	unsigned calls = record_with(NONE, 0, false);

	(void)state;
	for (unsigned at = 0; at < calls; at++) {
		record_with(FAIL_FULL, at, true);
		record_with(FAIL_SHORT, at, true);
	}
}

/* ---- recovery ------------------------------------------------------------------ */

struct victim {
	const char *path;
	unsigned from, to;
};

static void
write_and_die(void *arg)
{
	struct victim *v = arg;
	unsigned notices = 0;
	evt_writer_options o = small_blocks(&notices);
	evt_writer *w;
	evt_error err;

	ok(evt_writer_open_env(v->path, &o, test_env(), &w, &err), &err);
	for (unsigned i = v->from; i < v->to; i++)
		ok(put_one(w, i), &err);
	ok(evt_writer_commit(w, &err), &err);
}

/* Recovery is cut off at the at-th call; the next one completes it. */
static bool
recover_with(unsigned at)
{
	struct faulty f = { at, 0, FAIL_IO, true };
	evt_io io = faulty_io(&f);
	evt_writer_env env = *test_env();
	char *dir = make_dir(), *path = in_dir(dir, "r.tape");
	struct victim v = { path, 0, 50 };
	unsigned notices = 0;
	evt_writer_options o = small_blocks(&notices);
	evt_writer *w;
	evt_error err;
	bool hit;

	die_after(write_and_die, &v);
	env.io = &io;
	if (evt_writer_open_env(path, &o, &env, &w, &err) == EVT_OK)
		evt_writer_close(w, &err);
	hit = f.calls > at;
	f.kind = NONE;
	assert_int_equal(check_states(path, 0, 7), 50);
	ok(evt_writer_open_env(path, &o, &env, &w, &err), &err);
	for (unsigned i = 50; i < 60; i++)
		ok(put_one(w, i), &err);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(check_states(path, 0, 7), 60);
	free(path);
	remove_dir(dir);
	return hit;
}

static void
recovery_can_be_cut_off_anywhere(void **state)
{
	unsigned at = 0;

	(void)state;
	while (recover_with(at))
		at++;
	assert_true(at > 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_call_fails_once),
		cmocka_unit_test(the_disk_dies_at_each_call),
		cmocka_unit_test(recovery_can_be_cut_off_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
