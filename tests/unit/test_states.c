/* test_states.c - the last frame of every source at a time, and frames over
 * time, against a count of all frames. */
#include "tests/unit/lib/tapes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)
#define FRAMES 3000u
#define SOURCES 40u

struct fixture {
	char *dir, *path;
	evt_profile *profile;
	evt_writer *writer;
};

/* The contents of the tape, in memory. */
struct made {
	int64_t time_ns;
	unsigned source; /* SOURCES: no source */
	bool lifecycle;
};
static struct made made[FRAMES];

static unsigned
next_random(unsigned *x)
{
	*x = *x * 1103515245u + 12345u;
	return *x >> 16;
}

/* Small blocks and segments; a quarter of the sources is heard of only at the
 * beginning; receive times step back now and then. */
static void
put_all(evt_writer *w)
{
	unsigned x = 7;
	int64_t t = T0;

	for (unsigned i = 0; i < FRAMES; i++) {
		char json[200];
		struct made *m = &made[i];
		evt_frame f = { .kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT,
			.conn = 1 };
		evt_error err;

		t += next_random(&x) % 100 == 0 ? -50000000 : 10000000;
		m->time_ns = f.time_ns = f.mono_ns = t;
		m->source =
		    next_random(&x) % (i < 300 ? SOURCES : SOURCES * 3 / 4);
		m->lifecycle = next_random(&x) % 20 == 0;
		if (next_random(&x) % 30 == 0)
			m->source = SOURCES;
		if (m->source == SOURCES)
			snprintf(json, sizeof(json), "{\"n\":%u}", i);
		else
			snprintf(json, sizeof(json),
			    "{\"event\":\"%s\",\"n\":%u,\"data\":{\"source_"
			    "id\":%u}}",
			    m->lifecycle ? "lifecycle" : "state", i, m->source);
		f.payload = (const uint8_t *)json;
		f.len = strlen(json);
		ok(evt_writer_put(w, &f, &err), &err);
		ok(evt_writer_commit(w, &err), &err);
		if (i % 700 == 699)
			ok(evt_writer_rotate(w, &err), &err);
	}
}

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	evt_writer_options opt;
	evt_error err;

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "a.tape");
	x->profile = navixy_profile();
	evt_writer_options_init(&opt);
	opt.profile = x->profile;
	opt.block_bytes = 2048; /* more in a segment than are looked through */
	ok(evt_writer_open_env(x->path, &opt, test_env(), &x->writer, &err),
	    &err);
	put_all(x->writer);
	*state = x;
	return 0;
}

static void
close_writer(struct fixture *x)
{
	evt_error err;

	if (x->writer != NULL)
		ok(evt_writer_close(x->writer, &err), &err);
	x->writer = NULL;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	close_writer(x);
	evt_profile_free(x->profile);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

/* ---- last frames --------------------------------------------------------- */

struct seen {
	bool lifecycle;
	unsigned frame[SOURCES]; /* 1 + number of the last one; 0: no frame */
};

static int
see(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	struct seen *s = ctx;
	char text[16];
	const char *n;
	unsigned id;

	(void)err;
	assert_true(source->is_int && source->len < sizeof(text));
	memcpy(text, source->text, source->len);
	text[source->len] = '\0';
	id = (unsigned)strtoul(text, NULL, 10);
	assert_in_range(id, 0, SOURCES - 1);
	assert_int_equal(s->frame[id], 0); /* reported once */
	n = memmem(f->payload, f->len, "\"n\":", 4);
	assert_non_null(n);
	s->frame[id] = 1 + (unsigned)strtoul(n + 4, NULL, 10);
	assert_int_equal(f->time_ns, made[s->frame[id] - 1].time_ns);
	return EVT_OK;
}

static void
check_at(evt_tape *t, int64_t at, bool lifecycle)
{
	struct seen got = { .lifecycle = lifecycle };
	unsigned want[SOURCES] = { 0 };
	evt_error err;

	for (unsigned i = 0; i < FRAMES; i++) {
		if (made[i].source < SOURCES && made[i].time_ns < at &&
		    made[i].lifecycle == lifecycle)
			want[made[i].source] = i + 1;
	}
	ok(evt_tape_each_last(t, lifecycle ? "lifecycle" : "state", at, see,
	       &got, &err),
	    &err);
	assert_memory_equal(got.frame, want, sizeof(want));
}

static void
check_everywhere(struct fixture *x)
{
	evt_tape *t;
	evt_error err;

	ok(evt_tape_open(x->path, &t, &err), &err);
	for (int i = -1; i <= 30; i++) {
		int64_t at = T0 + i * INT64_C(1000000000) + 5;

		check_at(t, at, false);
		check_at(t, at, true);
	}
	check_at(t, INT64_MAX, false);
	evt_tape_close(t);
}

TEST(last_while_recording)
{
	check_everywhere(*state);
}

TEST(last_indexed)
{
	close_writer(*state);
	check_everywhere(*state);
}

TEST(last_without_index)
{
	struct fixture *x = *state;
	char *db = in_dir(x->path, "tape.db");

	close_writer(x);
	assert_int_equal(unlink(db), 0);
	check_everywhere(x);
	free(db);
}

static int
refuse(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	(void)source;
	(void)f;
	(void)err;
	++*(int *)ctx;
	return EVT_END;
}

TEST(stop)
{
	struct fixture *x = *state;
	evt_tape *t;
	evt_error err;
	int calls = 0;

	ok(evt_tape_open(x->path, &t, &err), &err);
	assert_int_equal(evt_tape_each_last(t, "state", INT64_MAX, refuse,
	                     &calls, &err),
	    EVT_END);
	assert_int_equal(calls, 1);
	ok(evt_tape_each_last(t, "no such event", INT64_MAX, refuse, &calls,
	       &err),
	    &err);
	assert_int_equal(calls, 1);
	evt_tape_close(t);
}

/* ---- sources in different places ----------------------------------------- */

enum place { OLD, SEGMENT, BLOCK, JOURNAL, PLACES };

static void
put_text(evt_writer *w, const char *text)
{
	static int64_t t = T0;
	evt_frame f = { .kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.conn = 1,
		.payload = (const uint8_t *)text,
		.len = strlen(text) };
	evt_error err;

	f.time_ns = f.mono_ns = t += 1000;
	ok(evt_writer_put(w, &f, &err), &err);
}

/* Write the frames of one place, and a frame without a source. */
static void
put_place(evt_writer *w, enum place at, const enum place *of, unsigned sources)
{
	char text[5000];
	evt_error err;

	for (unsigned i = 0; i < sources; i++) {
		snprintf(text, sizeof(text),
		    "{\"event\":\"state\",\"data\":{\"source_id\":%u}}", i);
		if (of[i] == at)
			put_text(w, text);
	}
	memset(text, 'x', sizeof(text));
	text[at == JOURNAL ? 10 : sizeof(text) - 1] = '\0'; /* ends a block */
	put_text(w, text);
	if (at < BLOCK)
		ok(evt_writer_rotate(w, &err), &err);
	else
		ok(evt_writer_commit(w, &err), &err);
}

static int
count_seen(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	unsigned *seen = ctx;

	(void)f;
	(void)err;
	assert_int_equal(source->len, 1);
	assert_in_range(source->text[0], '0', '9');
	seen[source->text[0] - '0']++;
	return EVT_OK;
}

static void
check_places(const struct fixture *x, const enum place *of, unsigned sources)
{
	char *path = in_dir(x->dir, "places.tape");
	unsigned seen[10] = { 0 };
	evt_writer_options opt;
	evt_writer *w;
	evt_tape *t;
	evt_error err;

	evt_writer_options_init(&opt);
	opt.profile = x->profile;
	opt.block_bytes = 2048; /* more in a segment than are looked through */
	opt.sync_ns = EVT_SYNC_OFF;
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	for (int at = OLD; at < PLACES; at++)
		put_place(w, (enum place)at, of, sources);
	ok(evt_tape_open(path, &t, &err), &err);
	ok(evt_tape_each_last(t, "state", INT64_MAX, count_seen, seen, &err),
	    &err);
	for (unsigned i = 0; i < sources; i++)
		assert_int_equal(seen[i], 1);
	evt_tape_close(t);
	ok(evt_writer_close(w, &err), &err);
	remove_dir(path);
}

/* Each source is in one place only: the journal, a block of the open segment,
 * or one of two sealed segments. */
TEST(last_in_places)
{
	for (unsigned which = 1; which < 1u << PLACES; which++) {
		enum place of[PLACES];
		unsigned n = 0;

		for (unsigned at = OLD; at < PLACES; at++) {
			if (which >> at & 1)
				of[n++] = (enum place)at;
		}
		check_places(*state, of, n);
	}
}

/* ---- timeline ------------------------------------------------------------ */

static const evt_timeline_event *
find_event(const evt_timeline *t, const char *name)
{
	for (size_t i = 0; i < t->n_events; i++) {
		const char *has = t->events[i].name;

		if (name == NULL ? has == NULL :
		                   has != NULL && strcmp(has, name) == 0)
			return &t->events[i];
	}
	return NULL;
}

static void
check_counts(const evt_timeline *t, const char *name, int64_t from, int64_t to)
{
	const evt_timeline_event *e = find_event(t, name);
	uint64_t *want = calloc(t->n_buckets, sizeof(*want));

	assert_non_null(e);
	assert_non_null(want);
	for (unsigned i = 0; i < FRAMES; i++) {
		const struct made *m = &made[i];
		const char *event = m->source == SOURCES ? NULL :
		    m->lifecycle                         ? "lifecycle" :
		                                           "state";

		if (m->time_ns < from || m->time_ns >= to ||
		    (event == NULL) != (name == NULL) ||
		    (event != NULL && strcmp(event, name)))
			continue;
		want[(m->time_ns - from) / t->bucket_ns]++;
	}
	assert_memory_equal(e->count, want, t->n_buckets * sizeof(*want));
	free(want);
}

static void
check_window(evt_tape *t, int64_t from, int64_t to, size_t n)
{
	evt_timeline line;
	evt_error err;

	ok(evt_tape_timeline(t, from, to, n, &line, &err), &err);
	assert_true(line.exact);
	assert_int_equal(line.n_buckets, n);
	check_counts(&line, "state", from, to);
	check_counts(&line, "lifecycle", from, to);
	check_counts(&line, NULL, from, to);
	evt_timeline_free(&line);
}

TEST(timeline)
{
	struct fixture *x = *state;
	evt_tape *t;
	evt_error err;

	for (int closed = 0; closed < 2; closed++) {
		if (closed)
			close_writer(x);
		ok(evt_tape_open(x->path, &t, &err), &err);
		check_window(t, T0, T0 + INT64_C(40000000000), 400);
		check_window(t, T0 + 3000000001, T0 + INT64_C(20000000000), 7);
		check_window(t, T0 - 1, T0 + INT64_C(1000000000000), 1);
		check_window(t, T0, T0 + INT64_C(30000000000), 4000);
		evt_tape_close(t);
	}
}

/* However many buckets, the frames are 12000. */
static void
check_sum(evt_tape *t, size_t n)
{
	evt_timeline line;
	evt_error err;
	uint64_t sum = 0;

	ok(evt_tape_timeline(t, T0, T0 + INT64_C(120000000000), n, &line, &err),
	    &err);
	assert_int_equal(line.n_buckets, n);
	for (size_t i = 0; i < n; i++)
		sum += find_event(&line, "state")->count[i];
	assert_int_equal(sum, 12000);
	evt_timeline_free(&line);
}

/* More blocks than are read: the counts are spread, their sum stays. */
TEST(timeline_of_many_blocks)
{
	struct fixture *x = *state;
	char *path = in_dir(x->dir, "many.tape");
	evt_writer_options opt;
	evt_writer *w;
	evt_tape *t;
	evt_timeline line;
	evt_error err;
	uint64_t sum = 0;

	evt_writer_options_init(&opt);
	opt.profile = x->profile;
	opt.block_bytes = 2048; /* more in a segment than are looked through */
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	put_states(w, 0, 12000, 10, T0, 10000000);
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(path, &t, &err), &err);
	ok(evt_tape_timeline(t, T0, T0 + INT64_C(120000000000), 100, &line,
	       &err),
	    &err);
	assert_false(line.exact);
	assert_non_null(find_event(&line, "state"));
	for (size_t i = 0; i < line.n_buckets; i++) {
		uint64_t n = find_event(&line, "state")->count[i];

		assert_in_range(n, 118, 122); /* 120 in each */
		sum += n;
	}
	assert_int_equal(sum, 12000);
	evt_timeline_free(&line);
	check_sum(t, 1);
	check_sum(t, 4000);
	assert_int_equal(evt_tape_timeline(t, T0, T0, 1, &line, &err),
	    EVT_ERR_ARG);
	assert_int_equal(evt_tape_timeline(t, T0, T0 + 1, 0, &line, &err),
	    EVT_ERR_ARG);
	evt_tape_close(t);
	free(path);
}

/* A feed may make up a name for each frame: so much is not counted. */
TEST(timeline_of_many_events)
{
	enum { EVENTS = 2200 };
	struct fixture *x = *state;
	char *path = in_dir(x->dir, "events.tape");
	evt_timeline line = { .n_events = 0 };
	evt_writer_options opt;
	evt_writer *w;
	evt_tape *t;
	evt_error err;

	evt_writer_options_init(&opt);
	opt.profile = x->profile;
	ok(evt_writer_open_env(path, &opt, test_env(), &w, &err), &err);
	for (unsigned i = 0; i < EVENTS; i++) {
		char text[40];

		snprintf(text, sizeof(text), "{\"event\":\"e%u\"}", i);
		put_text(w, text);
	}
	ok(evt_writer_close(w, &err), &err);
	ok(evt_tape_open(path, &t, &err), &err);
	ok(evt_tape_timeline(t, T0, INT64_MAX, 1000, &line, &err), &err);
	for (unsigned i = 0; i < EVENTS; i++) {
		char name[12];

		snprintf(name, sizeof(name), "e%u", i);
		assert_non_null(find_event(&line, name));
		assert_int_equal(find_event(&line, name)->count[0], 1);
	}
	evt_timeline_free(&line);
	assert_int_equal(evt_tape_timeline(t, T0, INT64_MAX, 4000, &line, &err),
	    EVT_ERR_ARG);
	assert_int_equal(line.n_events, 0);
	assert_non_null(strstr(err.text, "4000 buckets"));
	assert_int_equal(evt_tape_timeline(t, T0, INT64_MAX, SIZE_MAX, &line,
	                     &err),
	    EVT_ERR_ARG);
	evt_tape_close(t);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_WITH(last_while_recording, setup, teardown),
		RUN_WITH(last_indexed, setup, teardown),
		RUN_WITH(last_without_index, setup, teardown),
		RUN_WITH(stop, setup, teardown),
		RUN_WITH(last_in_places, setup, teardown),
		RUN_WITH(timeline_of_many_events, setup, teardown),
		RUN_WITH(timeline, setup, teardown),
		RUN_WITH(timeline_of_many_blocks, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
