/*
 * fuzz_index.c - a hostile tape.db may hide frames from a search.  It must not
 * alter or add frames, nor hide any from a reader of the whole tape; and a
 * writer must be able to continue.
 *
 * The tape is the golden one, so that an index of the golden tape belongs to
 * it.
 *
 * fuzz-max-len: 40000
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "format/read/verify.h"
#include "tests/fuzz/lib/scratch.h"

#define T0 INT64_C(1700000000000000000)
#define SECOND INT64_C(1000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each frame as it was read without an index; its place is its number less
 * one. */
static uint64_t want[1000];
static unsigned n_want;

static uint64_t
sum_of(const evt_frame *f)
{
	return XXH64(f->payload, f->len, f->kind) + (uint64_t)f->time_ns;
}

static void
check_frame(const evt_frame *f)
{
	must(f->seq >= 1 && f->seq <= n_want);
	must(sum_of(f) == want[f->seq - 1]);
}

/* Each frame that comes must be the one of that number; how many. */
static unsigned
read_tape(evt_tape *tape, const evt_filter *filter)
{
	uint64_t last = 0;
	evt_cursor *cur;
	evt_frame f;
	unsigned n = 0;

	must(evt_cursor_open(&tape, 1, filter, &cur, NULL) == EVT_OK);
	while (evt_cursor_next(cur, &f, NULL) == EVT_OK) {
		must(f.seq > last);
		check_frame(&f);
		last = f.seq;
		n++;
	}
	evt_cursor_close(cur);
	return n;
}

static void
learn(const char *path)
{
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;

	must(evt_tape_open(path, &tape, NULL) == EVT_OK);
	must(evt_cursor_open(&tape, 1, NULL, &cur, NULL) == EVT_OK);
	while (evt_cursor_next(cur, &f, NULL) == EVT_OK) {
		must(f.seq == n_want + 1 && n_want < 1000);
		want[n_want++] = sum_of(&f);
	}
	must(n_want > 100);
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

static int
each(void *ctx, const evt_key *source, const evt_frame *f, evt_error *err)
{
	(void)ctx;
	(void)err;
	must(source->len <= EVT_KEY_MAX);
	check_frame(f);
	return EVT_OK;
}

static void
ask(evt_tape *tape)
{
	static const char *const sources[] = { "1", "10003", "two" };
	static const char *const events[] = { "state" };
	evt_filter filter = { .sources = sources,
		.n_sources = 3,
		.with_marks = true };
	evt_timeline timeline;
	evt_bookmark *notes;
	evt_info *info;
	evt_frame f;
	size_t n;

	must(read_tape(tape, NULL) == n_want);
	read_tape(tape, &filter);
	filter.events = events;
	filter.n_events = 1;
	read_tape(tape, &filter);
	if (evt_tape_last_before(tape, "10002", NULL, T0 + 30 * SECOND, &f,
	        NULL) == EVT_OK)
		check_frame(&f);
	(void)evt_tape_each_last(tape, "state", INT64_MAX, each, NULL, NULL);
	/* Data that the index cannot give is read from the segments. */
	must(evt_tape_info(tape, &info, NULL) == EVT_OK);
	evt_info_free(info);
	must(evt_tape_bookmarks(tape, &notes, &n, NULL) == EVT_OK);
	evt_bookmarks_free(notes, n);
	if (evt_tape_timeline(tape, T0, T0 + 60 * SECOND, 4, &timeline, NULL) ==
	    EVT_OK)
		evt_timeline_free(&timeline);
}

static void
fault(void *ctx, const evt_verify_fault *f)
{
	(void)ctx;
	must(f->what[0] != '\0');
}

/* A recorder opens it, rows of a segment go in, and it is whole again. */
static void
write_on(const char *path)
{
	evt_writer *w;
	evt_tape *tape;

	must(evt_tape_reindex(path, NULL, NULL) == EVT_OK);
	must(evt_writer_open(path, NULL, &w, NULL) == EVT_OK);
	must(evt_writer_close(w, NULL) == EVT_OK);
	must(evt_tape_open(path, &tape, NULL) == EVT_OK);
	must(read_tape(tape, NULL) == n_want);
	evt_tape_close(tape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char db[320], wal[330], shm[330];
	static const char *path;
	evt_verify_options o = { .fault = fault };
	evt_verify_result got;
	uint64_t how;
	evt_writer *w;
	evt_tape *tape;

	if (path == NULL) {
		path = scratch_golden("index.tape");
		snprintf(db, sizeof(db), "%s/tape.db", path);
		snprintf(wal, sizeof(wal), "%s-wal", db);
		snprintf(shm, sizeof(shm), "%s-shm", db);
		learn(path);
	}
	/* Files that belonged to the old index do not belong to the new one. */
	unlink(wal);
	unlink(shm);
	scratch_write(db, data, size);
	must(evt_tape_open(path, &tape, NULL) == EVT_OK);
	ask(tape);
	evt_tape_close(tape);
	/* These take longer: some inputs go through each. */
	how = XXH64(data, size, 0);
	if (how % 4 == 0) {
		must(evt_verify_tape(path, &o, &got, NULL) == EVT_OK);
		must(got.frames == n_want);
	}
	/* Its failures are notices to a recorder. */
	if (how % 4 == 1) {
		must(evt_writer_open(path, NULL, &w, NULL) == EVT_OK);
		must(evt_writer_close(w, NULL) == EVT_OK);
	}
	if (how % 16 == 2)
		write_on(path);
	return 0;
}
