/*
 * test_powercut.c - the power is cut at every change that a recording makes to
 * the disk. Synced frames are on the tape nevertheless.
 *
 * The recording runs once, and its changes are logged. The files that each cut
 * may leave are made from the log. Then the tape is opened as the next recorder
 * would.
 */
#include "tests/unit/lib/cycle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/store/tape_dir.h"
#include "format/read/verify.h"
#include "tests/unit/lib/powercut.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/testvfs.h"
#include "tests/unit/lib/torture.h"

struct promise {
	size_t at; /* after this many changes */
	struct cycle what;
};

struct run {
	struct powercut *cut;
	struct promise *promises;
	size_t n, cap;
	const char *vfs;
	evt_io clean;
	bool torn; /* an earlier cut has torn its writes */
	/* Counters. */
	uint64_t tried, frames;
	char now[160]; /* the current cut, for the message of a failure */
};

static void
told(void *ctx, const struct cycle *c)
{
	struct run *r = ctx;

	if (r->n == r->cap) {
		r->cap = r->cap * 2 + 64;
		r->promises =
		    realloc(r->promises, r->cap * sizeof(*r->promises));
		assert_non_null(r->promises);
	}
	r->promises[r->n++] = (struct promise){ powercut_changes(r->cut), *c };
}

/* At a cut the last promise before it holds, except for segments that retention
 * may have begun to remove. */
static struct cycle
promised(const struct run *r, size_t at)
{
	struct cycle c = { 0 };
	size_t i = 0;

	while (i < r->n && r->promises[i].at <= at)
		c = r->promises[i++].what;
	if (i < r->n)
		c.first = r->promises[i].what.first;
	c.told = NULL;
	return c;
}

/* Check a tape after a cut, as the next recorder finds it. */
static struct cycle
found(struct run *r, const struct cycle *promised, char *path)
{
	struct cycle c = *promised;

	c.path = path;
	c.clean = &r->clean;
	c.env = *test_env();
	c.env.io = &r->clean;
	c.sync_ns = 0;
	c.told = NULL;
	return c;
}

static void
on_fault(void *ctx, const evt_verify_fault *fault)
{
	(void)ctx;
	if (!fault->note && strncmp(fault->file, "journal", 7) == 0)
		fail_msg("verify: %s: %s", fault->file, fault->what);
}

/* Where writes arrive in order, the journal ends somewhere, and that is no
 * damage. */
static void
verify_journal(const struct run *r, const char *path)
{
	evt_verify_options o = { .fault = on_fault };
	evt_verify_result got;
	evt_error err;

	ok(evt_verify_tape_io(path, &r->clean, &o, &got, &err), &err);
}

/* The next recorder opens the tape after a cut, and continues. */
static void
look(struct run *r, const struct cycle *promised, const char *dir, enum cut cut)
{
	char *path = in_dir(dir, "c.tape");
	struct cycle c = found(r, promised, path), before = c;
	struct cycle_held held;

	if (evt_tape_dir_check(&r->clean, path, NULL) == EVT_OK)
		cycle_read(path, &r->clean, true); /* not all, but right */
	else
		assert_int_equal(c.synced, 0);
	if (cut <= CUT_ORDER && !r->torn &&
	    evt_tape_dir_check(&r->clean, path, NULL) == EVT_OK)
		verify_journal(r, path);
	assert_true(cycle_record(&c, 7, 0));
	held = cycle_check(&before, before.synced, true);
	assert_int_equal(held.end, c.next);
	for (unsigned i = c.resumed; i < c.next; i++)
		assert_true(held.has[i]);
	cycle_verify(&c, &held);
	r->tried++;
	r->frames += before.synced > c.first ? before.synced - c.first : 0;
	free(path);
}

static void
cut_at(struct run *r, const struct powercut *p, size_t at,
    const struct cycle *c, enum cut cut, unsigned seed)
{
	char *dir = make_quick_dir();

	snprintf(r->now, sizeof(r->now),
	    "behind change %zu, unsynced %s, seed %u", at, powercut_name(cut),
	    seed);
	powercut_make(p, at, cut, seed, dir);
	look(r, c, dir, cut);
	remove_dir(dir);
}

static void
prepare(struct run *r, struct cycle *c, const char *dir, evt_io *io)
{
	struct testvfs_hooks none = { 0 };

	r->vfs = testvfs_begin(&none);
	r->clean = testvfs_quick_io(r->vfs);
	r->cut = powercut_new(dir);
	*io = powercut_io(r->cut);
	c->env = *test_env();
	c->env.io = io;
	c->clean = &r->clean;
	c->told = told;
	c->ctx = r;
}

static void
begin(struct run *r, int64_t sync_ns, char **ret_dir)
{
	char *dir = make_quick_dir(), *path = in_dir(dir, "c.tape");
	struct cycle c = { .path = path, .sync_ns = sync_ns };
	evt_io io;

	prepare(r, &c, dir, &io);
	cycle_run(&c);
	assert_int_equal(c.committed, 142);
	assert_true(c.first > 40);
	free(path);
	*ret_dir = dir;
}

static void
end(struct run *r, char *dir, const char *what)
{
	print_message("# %s: %zu changes, %llu cuts, %llu synced frames\n",
	    what, powercut_changes(r->cut), (unsigned long long)r->tried,
	    (unsigned long long)r->frames);
	torture_report(what, r->tried, r->frames, 0);
	powercut_free(r->cut);
	testvfs_end(r->vfs);
	free(r->promises);
	r->promises = NULL;
	r->now[0] = '\0';
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

/* ---- cuts ---------------------------------------------------------------- */

static void
cut_everywhere(struct run *r, int64_t sync_ns, const char *what)
{
	unsigned seeds = torture_full() ? 2 : 1;
	size_t step = torture_full() ? 1 : 13;
	char *dir;

	begin(r, sync_ns, &dir);
	for (size_t at = 0; at <= powercut_changes(r->cut); at += step) {
		struct cycle c = promised(r, at);

		for (enum cut cut = CUT_KEPT; cut < CUTS; cut++) {
			for (unsigned s = 0; s < (cut > CUT_LOST ? seeds : 1);
			     s++)
				cut_at(r, r->cut, at, &c, cut, s);
		}
	}
	end(r, dir, what);
}

/*
 * The power is cut, and again while the next recorder recovers the tape and
 * continues.
 */
static void
cut_again(struct run *r, size_t at, enum cut cut, unsigned seed, size_t step)
{
	struct run again = { .clean = r->clean, .torn = cut > CUT_ORDER };
	struct cycle c = promised(r, at), next;
	char *dir = make_quick_dir(), *path = in_dir(dir, "c.tape");
	evt_io io;

	powercut_make(r->cut, at, cut, seed, dir);
	again.cut = powercut_new(dir);
	io = powercut_io(again.cut);
	next = found(r, &c, path);
	next.env.io = &io;
	next.lost = next.synced;
	next.told = told;
	next.ctx = &again;
	told(&again, &next);
	assert_true(cycle_record(&next, 7, 0));
	for (size_t k = seed % step; k <= powercut_changes(again.cut);
	     k += step) {
		c = promised(&again, k);
		for (enum cut how = CUT_LOST; how < CUTS; how++) {
			cut_at(&again, again.cut, k, &c, how, seed);
			snprintf(r->now, sizeof(r->now),
			    "behind change %zu, and again %.60s", at,
			    again.now);
		}
	}
	r->tried += again.tried;
	r->frames += again.frames;
	powercut_free(again.cut);
	free(again.promises);
	free(path);
	remove_dir(dir);
}

TEST(recovery_is_cut_too)
{
	struct run *r = *state;
	size_t step = torture_full() ? 7 : 97;
	char *dir;

	begin(r, 1000000000, &dir);
	for (size_t at = 5; at <= powercut_changes(r->cut); at += step)
		cut_again(r, at, at % 2 ? CUT_TORN : CUT_KEPT, (unsigned)at,
		    torture_full() ? 3 : 17);
	end(r, dir,
	    "power cut at every file operation, and again at those of the "
	    "recovery; unsynced writes lost, at random, torn");
}

/* The first minutes of a tape, at every change and with many seeds: a cut may
 * leave a directory and not the block that it names. */
TEST(a_new_tape)
{
	static const char what[] =
	    "power cut at every file operation of a new tape; unsynced writes "
	    "there at random, torn";
	struct run *r = *state;
	unsigned seeds = torture_full() ? 10 : 4;
	char *dir = make_quick_dir(), *path = in_dir(dir, "c.tape");
	struct cycle c = { .path = path, .sync_ns = 1000000000 };
	evt_io io;

	prepare(r, &c, dir, &io);
	assert_true(cycle_record(&c, 23, 0));
	for (size_t at = 0; at <= powercut_changes(r->cut); at++) {
		c = promised(r, at);
		for (unsigned s = 0; s < seeds; s++)
			cut_at(r, r->cut, at, &c, s % 2 ? CUT_TORN : CUT_RANDOM,
			    s);
	}
	free(path);
	end(r, dir, what);
}

TEST(each_batch_synced)
{
	cut_everywhere(*state, 0,
	    "power cut at every file operation, each batch synced; unsynced "
	    "writes kept, lost, at random, torn");
}

TEST(synced_now_and_then)
{
	cut_everywhere(*state, 1000000000,
	    "power cut at every file operation, synced each second; unsynced "
	    "writes kept, lost, at random, torn");
}

#define T(f) RUN_WITH(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_new_tape),
		T(each_batch_synced),
		T(synced_now_and_then),
		T(recovery_is_cut_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
