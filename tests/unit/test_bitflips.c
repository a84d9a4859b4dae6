/*
 * test_bitflips.c - every byte of a small tape flipped, one at a time, and
 * every file of it cut off at every length.
 *
 * Two tapes are made: one that was closed, and one whose recorder died, with a
 * segment that is not sealed and a journal.  What the test put on them it keeps
 * in memory; nothing is believed of what was read that is not that.  For each
 * damage:
 *
 *   - a cursor yields no frame that is not the one with that number, and all
 *     frames outside the block (or the rest of the journal) that was hit;
 *   - `verify` names the file and the place: where the block, the directory or
 *     the record begins;
 *   - `recover` saves the very frames that the cursor yielded, in order.
 *
 * The index has a test of its own.
 *
 * Bytes that may be flipped unnoticed: none in segments and journal; those of
 * journal/lock, which holds a process number for people to read.
 */
#include "tests/unit/lib/bitflip.h"

#include <inttypes.h>
#include <string.h>

#include "format/store/layout.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/torture.h"

/* ---- segments and journal ------------------------------------------------------- */

static bool
ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), k = strlen(end);

	return n >= k && strcmp(name + n - k, end) == 0;
}

/* One byte with one value: read, verify, and, if asked for, recover. */
static void
one_flip(struct fixture *x, const struct file *f, size_t at, uint8_t with,
    bool recover)
{
	const struct part *part;

	flips_flip(x, f, at, with);
	part = flips_part_hit(x);
	flips_read(x, NULL);
	flips_check_saved(x, part);
	flips_check_named(x, part->from);
	if (recover) {
		flips_check_recover(x);
		flips_check_in_place(x);
	}
	flips_overwrite(x, f->bytes + at, at, 1, f->n);
}

/* All bytes of the files with that ending. */
static void
flip_all(struct fixture *x, const char *end, size_t step, size_t recover_step)
{
	size_t count = 0;

	for (size_t i = 0; i < x->n_files; i++) {
		const struct file *f = &x->file[i];

		if (!ends_in(f->name, end))
			continue;
		for (size_t at = 0; at < f->n; at += step) {
			unsigned bit = (unsigned)(at / step % 8);
			bool recover = count++ % recover_step == 0;

			one_flip(x, f, at, (uint8_t)(1u << bit), recover);
			if (torture_full())
				one_flip(x, f, at, 0xff, false);
		}
	}
	assert_true(count > 0);
}

TEST(sound)
{
	struct fixture *x = *state;

	x->hit = &x->file[0];
	x->what = "untouched";
	flips_read(x, NULL);
	assert_int_equal(x->n_seen, x->n);
	flips_verify(x, SIZE_MAX);
	assert_string_equal(x->said, "");
	assert_int_equal(x->n, N_FRAMES);
	flips_check_recover(x);
	flips_check_in_place(x);
}

TEST(flips_in_sealed_segments)
{
	struct fixture *x = *state;

	flip_all(x, ".zst", flips_stride(9), flips_stride(9));
	flips_report(x, "a flipped byte of a segment");
}

TEST(flips_in_an_open_segment_and_the_journal)
{
	struct fixture *x = *state;

	flip_all(x, "000003.ndjson.zst", flips_stride(7), flips_stride(9));
	flips_report(x, "a flipped byte of a segment that is not sealed");
	flip_all(x, ".evj", flips_stride(3), flips_stride(9));
	flips_report(x, "a flipped byte of the journal");
	/* It holds the number of the process, and its lock is the kernel's. */
	for (size_t i = 0; i < x->n_files; i++) {
		const struct file *f = &x->file[i];

		for (size_t at = 0; ends_in(f->name, "lock") && at < f->n;
		     at++) {
			flips_flip(x, f, at, 0xff);
			flips_read(x, NULL);
			flips_check_saved(x, NULL);
			assert_int_equal(flips_verify(x, SIZE_MAX).faults, 0);
			flips_restore(x);
		}
	}
}

/* ---- cut off ---------------------------------------------------------------------- */

/* The part of the file that a cut at x->at removes. */
static struct part
part_cut(const struct fixture *x)
{
	struct part all = { 0 };

	for (size_t i = 0; i < x->hit->n_parts; i++) {
		const struct part *p = &x->hit->part[i];

		if (x->at >= p->to || (all.journal && p->journal))
			continue;
		if (all.first_seq == 0)
			all.first_seq = p->first_seq;
		all.frames += p->frames;
		all.journal = p->journal;
	}
	return all;
}

static void
cut_off_all(struct fixture *x, const char *end, size_t step,
    void (*check)(struct fixture *x))
{
	size_t count = 0;

	for (size_t i = 0; i < x->n_files; i++) {
		const struct file *f = &x->file[i];

		if (!ends_in(f->name, end))
			continue;
		/* From both ends, so that each boundary is met in CI too. */
		for (size_t k = 0; k < f->n; k++) {
			bool edge = false;
			struct part lost;

			for (size_t p = 0; p < f->n_parts; p++)
				edge = edge || k + 1 == f->part[p].to ||
				    k == f->part[p].to || k == f->part[p].from;
			if (k % step != 0 && !edge)
				continue;
			flips_cut_off(x, f, k);
			lost = part_cut(x);
			flips_read(x, NULL);
			flips_check_saved(x, &lost);
			check(x);
			if (edge || count % flips_stride(20) == 0) {
				flips_check_recover(x);
				flips_check_in_place(x);
			}
			count++;
			flips_restore(x);
		}
	}
	assert_true(count > 0);
}

static void
cut_is_named(struct fixture *x)
{
	flips_check_named(x, SIZE_MAX);
}

TEST(segments_cut_off)
{
	struct fixture *x = *state;

	cut_off_all(x, ".zst", flips_stride(23), cut_is_named);
	flips_report(x, "a segment cut off");
}

/* A cut between two records looks like a recorder that died a little earlier; a
 * cut within a record, like an interrupted write. */
static void
journal_cut_is_told(struct fixture *x)
{
	bool edge = x->at < JH_LEN;
	evt_verify_result got = flips_verify(x, SIZE_MAX);

	for (size_t i = 0; i < x->hit->n_parts; i++)
		edge = edge || x->at == x->hit->part[i].to;
	assert_int_equal(got.frames, x->n_seen);
	if (got.faults > 0 ||
	    (!edge && strstr(x->said, "no whole record") == NULL))
		FAIL(x, "verify says:\n%s", x->said);
}

/* The frames of the block that is cut off are missing before the journal, which
 * has those after it. */
static void
open_segment_cut_is_named(struct fixture *x)
{
	evt_verify_result got = flips_verify(x, SIZE_MAX);

	assert_int_equal(got.frames, x->n_seen);
	if (got.faults == 0)
		FAIL(x, "verify says nothing");
}

TEST(open_segment_and_journal_cut_off)
{
	struct fixture *x = *state;

	cut_off_all(x, "000003.ndjson.zst", flips_stride(23),
	    open_segment_cut_is_named);
	flips_report(x, "a segment that is not sealed cut off");
	cut_off_all(x, ".evj", flips_stride(3), journal_cut_is_told);
	flips_report(x, "the journal cut off");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(sound, flips_closed, flips_teardown),
		RUN_WITH(flips_in_sealed_segments, flips_closed,
		    flips_teardown),
		RUN_WITH(flips_in_an_open_segment_and_the_journal, flips_killed,
		    flips_teardown),
		RUN_WITH(segments_cut_off, flips_closed, flips_teardown),
		RUN_WITH(open_segment_and_journal_cut_off, flips_killed,
		    flips_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
