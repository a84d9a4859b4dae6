/*
 * test_bitflips_index.c - every byte of a tape.db is flipped, and the file is
 * cut off. It may then hide frames from a search, but must not add or alter
 * any. If any answer changes, `verify` names tape.db.
 *
 * Bytes that may be flipped unnoticed: those that change no answer (SQLite's free
 * space and counters).
 */
#include "tests/unit/lib/bitflip.h"
#include "tests/unit/lib/test.h"

#include <string.h>

#include <xxhash.h>

#include "tests/unit/lib/torture.h"

static uint64_t
add_sum(uint64_t sum, const void *p, size_t n)
{
	return n > 0 ? XXH64(p, n, sum) : sum + 1;
}

static uint64_t
add_number(uint64_t sum, uint64_t n)
{
	return XXH64(&n, sizeof(n), sum);
}

static uint64_t
add_keys(uint64_t sum, const evt_info_key *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		sum = add_sum(sum, k[i].name, strlen(k[i].name));
		sum = add_number(sum, k[i].frames + k[i].is_int);
		sum = add_number(sum, (uint64_t)(k[i].first_ns ^ k[i].last_ns));
	}
	return sum;
}

/* Everything that `evtape info` shows, except for the index itself. */
static uint64_t
info_sum(evt_tape *tape)
{
	evt_info *i;
	evt_error err;
	uint64_t sum;

	/* A damaged index costs time, and no answer. */
	ok(evt_tape_info(tape, &i, &err), &err);
	sum = add_number(i->frames, i->received * 3 + i->sent);
	sum = add_number(sum, i->marks + i->payload_bytes);
	sum = add_number(sum, i->first_seq ^ i->last_seq << 20);
	sum = add_number(sum, (uint64_t)(i->first_ns ^ i->last_ns));
	sum = add_keys(sum, i->events, i->n_events);
	sum = add_keys(sum, i->sources, i->n_sources);
	for (size_t k = 0; k < i->n_conns; k++)
		sum = add_number(sum, i->conns[k].frames + i->conns[k].bytes);
	for (size_t k = 0; k < i->n_marks; k++)
		sum = add_sum(sum, i->mark[k].json, strlen(i->mark[k].json));
	evt_info_free(i);
	return sum;
}

static int
add_last(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	uint64_t *sum = ctx;

	(void)err; /* no order is promised */
	*sum += add_sum(f->seq, source->text, source->len);
	return EVT_OK;
}

static uint64_t
last_sum(evt_tape *tape)
{
	uint64_t sum = 0;
	evt_timeline t;
	evt_frame f;

	if (evt_tape_each_last(tape, "state", INT64_MAX, add_last, &sum, NULL))
		sum = 2;
	if (evt_tape_last_before(tape, "10003", NULL, T0 + 30 * STEP, &f,
	        NULL) == EVT_OK)
		sum = add_number(sum, f.seq);
	if (evt_tape_timeline(tape, T0, T0 + 60 * STEP, 6, &t, NULL) != EVT_OK)
		return add_number(sum, 3);
	for (size_t i = 0; i < t.n_events; i++)
		sum = add_sum(sum, t.events[i].count, 6 * sizeof(uint64_t));
	evt_timeline_free(&t);
	return sum;
}

/* Every answer that the index has a part in, as one number.  Frames among them
 * are checked as any. */
static uint64_t
answers(struct fixture *x)
{
	static const char *const sources[] = { "10001", "10004", "ten" };
	static const char *const events[] = { "state", "state_batch" };
	uint64_t sum;
	evt_tape *tape;
	evt_error err;

	ok(evt_tape_open(x->path, &tape, &err), &err);
	sum = add_number(info_sum(tape), last_sum(tape));
	evt_tape_close(tape);
	for (size_t i = 0; i < 6; i++) {
		evt_filter f = { .sources = sources,
			.n_sources = 1,
			.events = events,
			.n_events = i % 2 };

		f.sources = &sources[i / 2];
		f.with_marks = i == 0;
		flips_read(x, &f);
		sum = add_sum(sum, x->seen, x->n * sizeof(*x->seen));
	}
	return sum;
}

/* Damage to it alone costs no frame, and hidden frames are reported. */
static void
check_index(struct fixture *x, uint64_t good)
{
	uint64_t now = answers(x);

	flips_read(x, NULL);
	flips_check_saved(x, NULL);
	flips_verify(x, SIZE_MAX);
	if (now != good && x->named == 0)
		FAIL(x, "a search finds something else, and verify says:\n%s",
		    x->said);
}

static const struct file *
index_of(const struct fixture *x)
{
	for (size_t i = 0; i < x->n_files; i++) {
		if (strcmp(x->file[i].name, "tape.db") == 0)
			return &x->file[i];
	}
	fail_msg("there is no tape.db");
	return NULL;
}

TEST(flips_in_the_index)
{
	struct fixture *x = *state;
	const struct file *f = index_of(x);
	uint64_t good;

	x->hit = f;
	good = answers(x);
	for (size_t at = 0; at < f->n; at += torture_full() ? 5 : 127) {
		/* Pages that were never written to hold no data. */
		flips_flip(x, f, at, (uint8_t)(1u << at % 8));
		check_index(x, good);
		flips_restore(x);
	}
	flips_report(x, "a flipped byte of the index, each fifth");
}

TEST(the_index_cut_off)
{
	struct fixture *x = *state;
	const struct file *f = index_of(x);
	uint64_t good;

	x->hit = f;
	good = answers(x);
	/* A database that is cut off within a page is one cut off before it. */
	for (size_t at = 0; at < f->n; at += torture_full() ? 31 : 1021) {
		flips_cut_off(x, f, at);
		check_index(x, good);
		flips_restore(x);
	}
	flips_report(x, "the index cut off");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(flips_in_the_index, flips_closed, flips_teardown),
		RUN_WITH(the_index_cut_off, flips_closed, flips_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
