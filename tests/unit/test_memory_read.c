/*
 * test_memory_read.c - memory runs out at each allocation, SQLite's too, and
 * each read of a file fails, in all calls that read a tape: returned frames are
 * those of the tape, "done" means that nothing is missing, and nothing leaks.
 */
#include "tests/unit/lib/tapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/read/envelope.h"
#include "format/base/io.h"
#include "format/read/feed_zone.h"
#include "format/read/tape_trackers.h"
#include "format/read/verify.h"
#include "format/write/writer.h"
#include "tests/unit/lib/fail_alloc.h"
#include "tests/unit/lib/test.h"
#include "tests/unit/lib/torture.h"

#define T0 INT64_C(1700000000000000000)
#define N_FRAMES 60u
#define SOURCES 5u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TRACKERS                                                       \
	"{\"mark\":\"trackers\",\"success\":true,\"list\":[{\"id\":1," \
	"\"label\":\"T\\u0061\",\"source\":{\"id\":10001}},{\"id\":2," \
	"\"label\":\"b\",\"source\":{\"id\":10003}}]}"

/* A tape as a recorder that died leaves it, and how it is looked at. */
struct look {
	char *dir, *path;
	char *tmp; /* $TMPDIR as it was */
	evt_profile *profile;
	uint64_t payload[N_FRAMES]; /* the hash of each */
	/* A function that reads the open tape, and the hash of its result when
	 * nothing failed. */
	int (*with)(struct look *x, evt_tape *tape, evt_error *err);
	uint64_t sum, want;
	bool known;
};

static void
add(struct look *x, const void *p, size_t n)
{
	x->sum = XXH64(p, n, x->sum);
}

static void
add_number(struct look *x, int64_t number)
{
	add(x, &number, sizeof(number));
}

static void
put_trackers(evt_writer *w)
{
	evt_frame f = { .kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_TRACKERS,
		.time_ns = T0 + 20,
		.mono_ns = T0 + 20,
		.payload = (const uint8_t *)TRACKERS,
		.len = sizeof(TRACKERS) - 1 };
	evt_error err;

	ok(evt_writer_put(w, &f, &err), &err);
}

/* A sealed segment, an open one with blocks, and frames in the journal. */
static void
write_and_die(void *arg)
{
	struct look *x = arg;
	evt_writer_options o;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.profile = x->profile;
	o.block_bytes = 2000;
	o.sync_ns = EVT_SYNC_OFF;
	ok(evt_writer_open_env(x->path, &o, test_env(), &w, &err), &err);
	put_states(w, 0, 20, SOURCES, T0, 1);
	put_trackers(w);
	put_states(w, 20, 10, SOURCES, T0 + 20, 1);
	ok(evt_writer_rotate(w, &err), &err);
	put_states(w, 30, 30, SOURCES, T0 + 30, 1);
	ok(evt_writer_commit(w, &err), &err);
}

static int
set_up(void **state)
{
	struct look *x = calloc(1, sizeof(*x));
	const char *tmp;
	evt_error err;
	bool queued;

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "l.tape");
	/* A temporary folder that verify leaves is noticed. */
	tmp = getenv("TMPDIR");
	x->tmp = tmp != NULL ? strdup(tmp) : NULL;
	assert_int_equal(setenv("TMPDIR", x->dir, 1), 0);
	x->profile = navixy_profile();
	die_after(write_and_die, x);
	ok(evt_bookmark_add(x->path, "here", T0 + 33, &queued, &err), &err);
	for (unsigned i = 0; i < N_FRAMES; i++) {
		evt_frame f = make_state(i, SOURCES);

		x->payload[i] = XXH64(f.payload, f.len, 0);
		free((void *)(uintptr_t)f.payload);
	}
	*state = x;
	return 0;
}

static int
tear_down(void **state)
{
	struct look *x = *state;

	if (x->tmp != NULL)
		setenv("TMPDIR", x->tmp, 1);
	else
		unsetenv("TMPDIR");
	free(x->tmp);
	evt_profile_free(x->profile);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* ---- the ways to look at it ------------------------------------------------ */

/* It is one that was put, with its own time. */
static void
is_genuine(const struct look *x, const evt_frame *f)
{
	int64_t i = f->time_ns - T0;

	if (f->kind == EVT_KIND_MARK)
		return;
	assert_in_range(i, 0, N_FRAMES - 1);
	assert_true(XXH64(f->payload, f->len, 0) == x->payload[i]);
}

static int
read_all(struct look *x, evt_cursor *c, evt_error *err)
{
	evt_frame f;
	int r;

	while ((r = evt_cursor_next(c, &f, err)) == EVT_OK) {
		is_genuine(x, &f);
		add_number(x, (int64_t)f.seq);
		add(x, f.payload, f.len);
		for (size_t i = 0; i < f.n_sources; i++)
			add(x, f.sources[i].text, f.sources[i].len);
	}
	return r == EVT_END || r == EVT_AGAIN ? EVT_OK : r;
}

/* Twice, the second time from the middle on. */
static int
cursor(struct look *x, evt_tape *const *tapes, size_t n,
    const evt_filter *filter, evt_error *err)
{
	evt_cursor *c;
	int r = evt_cursor_open(tapes, n, filter, &c, err);

	if (r != EVT_OK)
		return r;
	if ((r = read_all(x, c, err)) == EVT_OK &&
	    (r = evt_cursor_seek(c, T0 + 25, err)) == EVT_OK)
		r = read_all(x, c, err);
	evt_cursor_close(c);
	return r;
}

static int
look_at_all(struct look *x, evt_tape *tape, evt_error *err)
{
	return cursor(x, &tape, 1, NULL, err);
}

static int
look_ahead(struct look *x, evt_tape *tape, evt_error *err)
{
	static const char *const sources[] = { "10001", "10004", "none" },
	                         *const events[] = { "state" };
	evt_filter f = { .has_from = true,
		.from_ns = T0 + 3,
		.has_to = true,
		.to_ns = T0 + 55,
		.sources = sources,
		.n_sources = 3,
		.events = events,
		.n_events = 1,
		.with_marks = true,
		.read_ahead = true };

	return cursor(x, &tape, 1, &f, err);
}

static int
look_at_two(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_tape *both[] = { tape, NULL };
	int r = evt_tape_open(x->path, &both[1], err);

	if (r != EVT_OK)
		return r;
	r = cursor(x, both, 2, NULL, err);
	evt_tape_close(both[1]);
	return r;
}

static int
look_at_info(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_info *info;
	int64_t first, last;
	int r = evt_tape_span(tape, &first, &last, err);

	if (r != EVT_OK || (r = evt_tape_info(tape, &info, err)) != EVT_OK)
		return r;
	add_number(x, first);
	add_number(x, last);
	add_number(x, (int64_t)info->frames);
	for (size_t i = 0; i < info->n_sources; i++)
		add(x, info->sources[i].name, strlen(info->sources[i].name));
	for (size_t i = 0; i < info->n_marks; i++)
		add(x, info->mark[i].json, strlen(info->mark[i].json));
	for (size_t i = 0; i < info->n_segments; i++)
		add_number(x, (int64_t)info->segments[i].frames);
	evt_info_free(info);
	return EVT_OK;
}

static int
look_at_timeline(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_timeline t;
	int r = evt_tape_timeline(tape, T0, T0 + 60, 6, &t, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < t.n_events; i++)
		add(x, t.events[i].count, 6 * sizeof(*t.events[i].count));
	evt_timeline_free(&t);
	return EVT_OK;
}

static int
take_last(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	struct look *x = ctx;

	(void)err;
	is_genuine(x, f);
	/* They come in no particular order. */
	x->sum += XXH64(source->text, source->len, f->seq);
	return EVT_OK;
}

static int
look_at_states(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_frame f;
	int r;

	for (int64_t at = T0 + 10; at <= T0 + 60; at += 10) {
		r = evt_tape_each_last(tape, "state", at, take_last, x, err);
		if (r != EVT_OK ||
		    (r = evt_tape_last_before(tape, "10002", "state", at, &f,
		         err)) != EVT_OK)
			return r;
		is_genuine(x, &f);
		add_number(x, (int64_t)f.seq);
	}
	return EVT_OK;
}

static int
look_at_notes(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_bookmark *notes;
	size_t n;
	int64_t at;
	int r = evt_tape_bookmarks(tape, &notes, &n, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < n; i++)
		add(x, notes[i].text, strlen(notes[i].text));
	evt_bookmarks_free(notes, n);
	if ((r = evt_tape_find_bookmark(tape, "here", &at, err)) == EVT_OK)
		add_number(x, at);
	return r;
}

static int
look_at_trackers(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_trackers *t;
	int r = evt_tape_trackers_load(tape, T0 + 40, &t, err);

	if (r != EVT_OK)
		return r;
	for (size_t i = 0; i < evt_trackers_count(t); i++)
		add(x, evt_trackers_at(t, i)->label,
		    evt_trackers_at(t, i)->label_len);
	add_number(x, evt_trackers_by_source(t, "10003", 5)->id);
	evt_trackers_free(t);
	return EVT_OK;
}

static int
look_at_envelopes(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_envelope *e = NULL;
	evt_cursor *c = NULL;
	evt_buf out = { 0 };
	evt_frame f;
	int r = evt_envelope_new(true, &e, err);

	if (r == EVT_OK)
		r = evt_cursor_open(&tape, 1, NULL, &c, err);
	while (r == EVT_OK && (r = evt_cursor_next(c, &f, err)) == EVT_OK)
		r = evt_envelope_write(e, &f, &out, err);
	if (r == EVT_END || r == EVT_AGAIN) {
		add(x, out.data, out.len);
		r = EVT_OK;
	}
	evt_buf_free(&out);
	evt_cursor_close(c);
	evt_envelope_free(e);
	return r;
}

/* These frames have no local times, and all of them are looked at. */
static int
look_for_zone(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_feed_zone *z;
	const evt_zone *zone = NULL;
	int r = evt_feed_zone_new(tape, NULL, &z, err);

	if (r != EVT_OK)
		return r;
	r = evt_feed_zone_at(z, T0 + 30, &zone, err);
	if (r == EVT_OK)
		add_number(x, evt_feed_zone_get_basis(z));
	assert_null(zone);
	evt_feed_zone_free(z);
	return r;
}

/* A file that cannot be read is not reported as damage. */
static void
no_fault(void *ctx, const evt_verify_fault *f)
{
	if (!f->note && strstr(f->what, "the index is missing") == NULL)
		fail_msg("%s: %s", f->file, f->what);
	(void)ctx;
}

/* The folder of the index to compare with was removed. */
static bool
nothing_left(void *arg, const char *name, bool is_file)
{
	(void)arg;
	(void)is_file;
	if (strncmp(name, "evtape-verify-", 14) == 0)
		fail_msg("%s was left", name);
	return true;
}

static int
look_for_faults(struct look *x, evt_tape *tape, evt_error *err)
{
	evt_verify_options o = { no_fault, NULL, x };
	evt_verify_result got;
	int r = evt_verify_tape(x->path, &o, &got, err);

	(void)tape;
	if (r == EVT_OK)
		add_number(x, (int64_t)got.frames);
	return r;
}

/* ---- each of them, with each call failing ---------------------------------- */

static int
look_once(void *arg)
{
	struct look *x = arg;
	evt_tape *tape;
	evt_error err;
	int r;

	x->sum = 0;
	if (x->known)
		failing_start();
	r = evt_tape_open(x->path, &tape, &err);
	if (r == EVT_OK) {
		r = x->with(x, tape, &err);
		evt_tape_close(tape);
	}
	failing_stop();
	assert_int_equal(evt_io_posix.list(NULL, x->dir, nothing_left, NULL),
	    0);
	if (!x->known)
		ok(r, &err);
	if (r == EVT_OK && x->known)
		assert_true(x->sum == x->want);
	if (!x->known)
		x->want = x->sum;
	x->known = true;
	return r;
}

static uint64_t
each_look(struct look *x, enum failing kind, unsigned step)
{
	static const struct {
		const char *name;
		int (*with)(struct look *x, evt_tape *tape, evt_error *err);
	} looks[] = { { "all", look_at_all }, { "ahead", look_ahead },
		{ "two", look_at_two }, { "info", look_at_info },
		{ "timeline", look_at_timeline }, { "states", look_at_states },
		{ "notes", look_at_notes }, { "trackers", look_at_trackers },
		{ "envelopes", look_at_envelopes }, { "zone", look_for_zone },
		{ "verify", look_for_faults } };
	uint64_t calls = 0;

	for (size_t i = 0; i < COUNT(looks); i++) {
		unsigned n;

		print_message("%s\n", looks[i].name);
		x->with = looks[i].with;
		x->known = false;
		/* A run in which nothing fails gives the expected result. */
		look_once(x);
		n = failing_each(kind, step, look_once, x);
		assert_true(n > 0);
		calls += n;
	}
	return calls;
}

TEST(memory)
{
	uint64_t calls = each_look(*state, FAILING_MEMORY, 1);

	torture_report("memory runs out while reading", calls, calls * N_FRAMES,
	    0);
}

TEST(memory_of_sqlite)
{
	uint64_t calls =
	    each_look(*state, FAILING_DATABASE, torture_full() ? 5 : 23);

	torture_report("SQLite's memory runs out while reading", calls,
	    calls * N_FRAMES, 0);
}

TEST(reads)
{
	uint64_t calls = each_look(*state, FAILING_READS, 1);

	torture_report("a read fails while reading", calls, calls * N_FRAMES,
	    0);
}

/* A tape without an index is walked. */
TEST(without_index)
{
	struct look *x = *state;
	char *index = in_dir(x->path, "tape.db");

	assert_int_equal(unlink(index), 0);
	free(index);
	each_look(x, FAILING_MEMORY, 1);
	each_look(x, FAILING_READS, 1);
}

#define LOOKS(test) RUN_WITH(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LOOKS(memory),
		LOOKS(memory_of_sqlite),
		LOOKS(reads),
		LOOKS(without_index),
	};

	failing_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
