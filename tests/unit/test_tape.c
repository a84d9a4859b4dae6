/* test_tape.c - frames onto a tape and off it again. */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

struct fixture {
	char *dir, *path;
	evt_profile *profile;
	evt_writer_options opt;
};

static int
setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->dir = make_dir();
	x->path = in_dir(x->dir, "a.tape");
	x->profile = navixy_profile();
	evt_writer_options_init(&x->opt);
	x->opt.profile = x->profile;
	*state = x;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *x = *state;

	evt_profile_free(x->profile);
	free(x->path);
	remove_dir(x->dir);
	free(x);
	return 0;
}

static evt_writer *
open_writer(struct fixture *x)
{
	evt_writer *w;
	evt_error err;

	ok(evt_writer_open_env(x->path, &x->opt, test_env(), &w, &err), &err);
	return w;
}

static void
close_writer(evt_writer *w)
{
	evt_error err;

	ok(evt_writer_close(w, &err), &err);
}

static unsigned
count(const char *path, const evt_filter *filter, uint64_t *ret_blocks)
{
	evt_cursor_stats stats;
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	uint64_t before = 0;
	unsigned n = 0;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_true(f.seq > before);
		before = f.seq;
		n++;
	}
	evt_cursor_get_stats(cur, &stats);
	if (ret_blocks != NULL)
		*ret_blocks = stats.blocks_read;
	evt_cursor_close(cur);
	evt_tape_close(tape);
	return n;
}

TEST(keeps_frames_to_the_byte)
{
	struct fixture *x = *state;
	evt_writer *w = open_writer(x);

	put_states(w, 0, 20000, 50, T0, EVT_NS_PER_MS);
	close_writer(w);
	assert_int_equal(check_states(x->path, 0, 50), 20000);
}

TEST(shows_frames_before_they_are_in_a_block)
{
	struct fixture *x = *state;
	evt_writer *w = open_writer(x);
	evt_error err;

	put_states(w, 0, 10, 3, T0, EVT_NS_PER_MS);
	assert_int_equal(check_states(x->path, 0, 3), 0);
	ok(evt_writer_commit(w, &err), &err);
	assert_int_equal(check_states(x->path, 0, 3), 10);
	put_states(w, 10, 9000, 3, T0, EVT_NS_PER_MS);
	ok(evt_writer_commit(w, &err), &err);
	assert_int_equal(check_states(x->path, 0, 3), 9010);
	close_writer(w);
	assert_int_equal(check_states(x->path, 0, 3), 9010);
}

TEST(live_end_is_not_the_end)
{
	struct fixture *x = *state;
	evt_writer *w = open_writer(x);
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;
	unsigned seen = 0;

	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, NULL, &cur, &err), &err);
	assert_int_equal(evt_cursor_next(cur, &f, &err), EVT_AGAIN);
	for (unsigned round = 0; round < 40; round++) {
		put_states(w, round * 500, 500, 7, T0, EVT_NS_PER_MS);
		ok(evt_writer_commit(w, &err), &err);
		if (round % 3 == 2)
			continue; /* let the reader fall behind */
		while (evt_cursor_next(cur, &f, &err) == EVT_OK)
			assert_int_equal(f.seq, ++seen);
		assert_int_equal(seen, (round + 1) * 500);
		assert_int_equal(evt_cursor_next(cur, &f, &err), EVT_AGAIN);
	}
	close_writer(w);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK)
		assert_int_equal(f.seq, ++seen);
	assert_int_equal(seen, 20000);
	assert_int_equal(evt_cursor_next(cur, &f, &err), EVT_END);
	evt_cursor_close(cur);
	evt_tape_close(tape);
}

TEST(filters_by_window_source_event_and_kind)
{
	struct fixture *x = *state;
	const char *sources[] = { "10003", "10005" };
	const char *state_event[] = { "state" }, *none[] = { "lifecycle" };
	evt_filter f = { 0 };
	evt_writer *w;

	x->opt.block_bytes = 8192;
	w = open_writer(x);
	put_states(w, 0, 5000, 10, T0, EVT_NS_PER_S);
	close_writer(w);
	f.sources = sources;
	f.n_sources = 2;
	assert_int_equal(count(x->path, &f, NULL), 1000);
	f.events = state_event;
	f.n_events = 1;
	f.read_ahead = true;
	assert_int_equal(count(x->path, &f, NULL), 1000);
	f.has_from = f.has_to = true;
	f.from_ns = T0 + 100 * EVT_NS_PER_S;
	f.to_ns = T0 + 200 * EVT_NS_PER_S;
	assert_int_equal(count(x->path, &f, NULL), 20);
	f.n_sources = 0;
	assert_int_equal(count(x->path, &f, NULL), 100);
	f.events = none;
	assert_int_equal(count(x->path, &f, NULL), 0);
	f.n_events = 0;
	f.kinds = 1u << EVT_KIND_SENT;
	assert_int_equal(count(x->path, &f, NULL), 0);
	f = (evt_filter){ .from_seq = 4991 };
	assert_int_equal(count(x->path, &f, NULL), 10);
}

/* A source that is on a few blocks costs these blocks. */
TEST(index_names_the_blocks_to_read)
{
	struct fixture *x = *state;
	const char *rare[] = { "77" };
	evt_filter f = { .sources = rare, .n_sources = 1 };
	const char text[] = "{\"event\":\"state\",\"data\":{\"source_id\":77}}";
	evt_frame one = { .time_ns = T0,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.payload = (const uint8_t *)text,
		.len = sizeof(text) - 1 };
	uint64_t blocks;
	evt_writer *w;
	evt_error err;

	x->opt.block_bytes = 8192;
	w = open_writer(x);
	put_states(w, 0, 3000, 10, T0, 1);
	ok(evt_writer_put(w, &one, &err), &err);
	put_states(w, 3000, 3000, 10, T0, 1);
	close_writer(w);
	assert_int_equal(count(x->path, &f, &blocks), 1);
	assert_int_equal(blocks, 1);
	rare[0] = "78";
	assert_int_equal(count(x->path, &f, &blocks), 0);
	assert_int_equal(blocks, 0);
}

struct crash {
	struct fixture *x;
	unsigned from, n, commit_each;
};

static void
write_and_die(void *arg)
{
	struct crash *c = arg;
	evt_writer *w = open_writer(c->x);
	evt_error err;

	for (unsigned i = 0; i < c->n; i += c->commit_each) {
		put_states(w, c->from + i, c->commit_each, 5, T0, 1);
		ok(evt_writer_commit(w, &err), &err);
	}
	put_states(w, c->from + c->n, 3, 5, T0, 1); /* never committed */
}

TEST(death_loses_nothing_committed)
{
	struct fixture *x = *state;
	unsigned sizes[] = { 10, 5000, 10, 23000, 1000, 1000 }, total = 0;
	evt_writer *w;

	x->opt.segment_bytes = 100000;
	for (unsigned i = 0; i < 6; i++) {
		struct crash c = { x, total, sizes[i], sizes[i] / 10 };

		die_after(write_and_die, &c);
		total += sizes[i];
		assert_int_equal(check_states(x->path, 0, 5), total);
	}
	w = open_writer(x);
	assert_true(evt_writer_next_conn(w) == 2);
	put_states(w, total, 7, 5, T0, 1);
	close_writer(w);
	assert_int_equal(check_states(x->path, 0, 5), total + 7);
}

TEST(one_writer_a_tape)
{
	struct fixture *x = *state;
	evt_writer *w = open_writer(x), *second;
	evt_tape *tape;
	evt_error err;

	assert_int_equal(evt_writer_open(x->path, NULL, &second, &err),
	    EVT_ERR_LOCKED);
	assert_non_null(strstr(err.text, "being recorded to by process"));
	ok(evt_tape_open(x->path, &tape, &err), &err);
	assert_true(evt_tape_live(tape));
	close_writer(w);
	assert_false(evt_tape_live(tape));
	evt_tape_close(tape);
}

TEST(rotates_by_size_age_and_demand)
{
	struct fixture *x = *state;
	evt_writer_stats stats;
	evt_writer *w;
	evt_error err;

	x->opt.segment_age_ns = 60 * EVT_NS_PER_S;
	w = open_writer(x);
	put_states(w, 0, 10, 5, T0, 1);
	ok(evt_writer_tick(w, &err), &err);
	evt_writer_get_stats(w, &stats);
	assert_int_equal(stats.segment, 1);
	test_steady_ns += 61 * EVT_NS_PER_S;
	ok(evt_writer_tick(w, &err), &err);
	evt_writer_get_stats(w, &stats);
	assert_int_equal(stats.segment, 2);
	/* Nothing came since: no empty segments, however long it lasts. */
	test_steady_ns += 3600 * EVT_NS_PER_S;
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_writer_rotate(w, &err), &err);
	evt_writer_get_stats(w, &stats);
	assert_int_equal(stats.segment, 2);
	put_states(w, 10, 5, 5, T0, 1);
	ok(evt_writer_rotate(w, &err), &err);
	evt_writer_get_stats(w, &stats);
	assert_int_equal(stats.segment, 3);
	close_writer(w);
	assert_int_equal(check_states(x->path, 0, 5), 15);
}

TEST(retention_drops_the_oldest)
{
	struct fixture *x = *state;
	evt_info *info;
	evt_tape *tape;
	evt_error err;
	evt_writer *w;

	x->opt.block_bytes = 65536;
	x->opt.segment_bytes = 30000;
	x->opt.keep_bytes = 150000;
	w = open_writer(x);
	put_states(w, 0, 40000, 5, T0, 1);
	close_writer(w);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_info(tape, &info, &err), &err);
	assert_true(info->segments[0].no > 1);
	assert_true(info->stored_bytes - info->index_bytes < 190000);
	assert_int_equal(info->last_seq, 40000);
	assert_int_equal(info->frames, 40000 - info->first_seq + 1);
	assert_string_equal(info->index, "ok");
	evt_info_free(info);
	evt_tape_close(tape);
}

TEST(last_before_finds_the_state_at_a_time)
{
	struct fixture *x = *state;
	evt_writer *w;
	evt_tape *tape;
	evt_error err;
	evt_frame f;

	x->opt.block_bytes = 8192;
	w = open_writer(x);
	put_states(w, 0, 3000, 10, T0, EVT_NS_PER_S);
	ok(evt_writer_commit(w, &err), &err);
	for (int closed = 0; closed < 2; closed++) {
		ok(evt_tape_open(x->path, &tape, &err), &err);
		ok(evt_tape_last_before(tape, "10004", NULL,
		       T0 + 1004 * EVT_NS_PER_S, &f, &err),
		    &err);
		assert_int_equal(f.seq, 1004);
		ok(evt_tape_last_before(tape, "10004", "state",
		       T0 + 1003 * EVT_NS_PER_S, &f, &err),
		    &err);
		assert_int_equal(f.seq, 994);
		ok(evt_tape_last_before(tape, "10010", NULL, INT64_MAX, &f,
		       &err),
		    &err);
		assert_int_equal(f.seq, 3000);
		assert_int_equal(f.n_sources, 1);
		assert_memory_equal(f.sources[0].text, "10010", 5);
		assert_int_equal(evt_tape_last_before(tape, "10010", NULL, T0,
		                     &f, &err),
		    EVT_ERR_NOTFOUND);
		assert_int_equal(evt_tape_last_before(tape, "5", NULL,
		                     INT64_MAX, &f, &err),
		    EVT_ERR_NOTFOUND);
		evt_tape_close(tape);
		if (!closed)
			close_writer(w);
	}
}

TEST(info_adds_up)
{
	struct fixture *x = *state;
	const char mark[] = "{\"mark\":\"started\"}";
	evt_frame m = { .time_ns = T0,
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_STARTED,
		.payload = (const uint8_t *)mark,
		.len = sizeof(mark) - 1 };
	evt_info *info;
	evt_tape *tape;
	evt_error err;
	evt_writer *w = open_writer(x);

	ok(evt_writer_put(w, &m, &err), &err);
	put_states(w, 0, 100, 4, T0 + 5, EVT_NS_PER_S);
	ok(evt_writer_commit(w, &err), &err);
	for (int closed = 0; closed < 2; closed++) {
		ok(evt_tape_open(x->path, &tape, &err), &err);
		ok(evt_tape_info(tape, &info, &err), &err);
		assert_int_equal(info->frames, 101);
		assert_int_equal(info->received, 100);
		assert_int_equal(info->marks, 1);
		assert_int_equal(info->first_seq, 1);
		assert_int_equal(info->last_seq, 101);
		assert_int_equal(info->first_ns, T0);
		assert_int_equal(info->last_ns, T0 + 5 + 99 * EVT_NS_PER_S);
		assert_int_equal(info->n_events, 1);
		assert_string_equal(info->events[0].name, "state");
		assert_int_equal(info->events[0].frames, 100);
		assert_int_equal(info->n_sources, 4);
		assert_int_equal(info->sources[0].frames, 25);
		assert_true(info->sources[0].is_int);
		assert_int_equal(info->n_conns, 1);
		assert_int_equal(info->conns[0].frames, 100);
		assert_int_equal(info->n_marks, 1);
		assert_string_equal(info->mark[0].json, mark);
		assert_int_equal(info->live, !closed);
		assert_false(info->unclosed);
		evt_info_free(info);
		evt_tape_close(tape);
		if (!closed)
			close_writer(w);
	}
}

/* By the index, by the blocks and by the journal. */
TEST(info_has_the_lists_that_were_asked_for)
{
	struct fixture *x = *state;
	evt_info *info, *all;
	evt_tape *tape;
	evt_error err;
	evt_writer *w;

	x->opt.block_bytes = 8192;
	w = open_writer(x);
	put_states(w, 0, 500, 4, T0, 1);
	ok(evt_writer_rotate(w, &err), &err);
	put_states(w, 500, 500, 4, T0 + 500, 1);
	ok(evt_writer_commit(w, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_info(tape, &all, &err), &err);
	for (unsigned lists = 0; lists <= EVT_INFO_ALL; lists++) {
		ok(evt_tape_info_of(tape, lists, &info, &err), &err);
		assert_int_equal(info->frames, all->frames);
		assert_int_equal(info->payload_bytes, all->payload_bytes);
		assert_int_equal(info->last_ns, all->last_ns);
		assert_int_equal(info->n_segments, all->n_segments);
		assert_int_equal(info->n_events,
		    lists & EVT_INFO_EVENTS ? 1 : 0);
		assert_int_equal(info->n_sources,
		    lists & EVT_INFO_SOURCES ? 4 : 0);
		assert_int_equal(info->n_conns, lists & EVT_INFO_CONNS ? 1 : 0);
		assert_int_equal(info->n_marks,
		    lists & EVT_INFO_MARKS ? all->n_marks : 0);
		if (info->n_events > 0)
			assert_int_equal(info->events[0].frames, 1000);
		if (info->n_sources > 0)
			assert_int_equal(info->sources[3].frames, 250);
		evt_info_free(info);
	}
	assert_int_equal(all->frames, 1000);
	evt_info_free(all);
	evt_tape_close(tape);
	close_writer(w);
}

TEST(bookmarks_reach_a_live_tape)
{
	struct fixture *x = *state;
	evt_writer *w = open_writer(x);
	int64_t at = 0;
	evt_tape *tape;
	evt_error err;
	bool queued = false;

	put_states(w, 0, 5, 5, T0, 1);
	ok(evt_bookmark_add(x->path, "tracker 7 \"jumps\"", T0 + 3, &queued,
	       &err),
	    &err);
	assert_true(queued);
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_find_bookmark(tape, "tracker 7 \"jumps\"", &at, &err),
	    &err);
	assert_int_equal(at, T0 + 3);
	assert_int_equal(evt_tape_find_bookmark(tape, "other", &at, &err),
	    EVT_ERR_NOTFOUND);
	close_writer(w);
	ok(evt_bookmark_add(x->path, "later", T0 + 9, &queued, &err), &err);
	assert_false(queued);
	ok(evt_tape_find_bookmark(tape, "later", &at, &err), &err);
	assert_int_equal(at, T0 + 9);
	evt_tape_close(tape);
	assert_int_equal(check_states(x->path, 0, 5), 5);
}

/* A bookmark may be set at any time: it is found, and the span is that of the
 * frames. */
TEST(bookmarks_do_not_widen_the_span)
{
	struct fixture *x = *state;
	const int64_t hour = 3600 * EVT_NS_PER_S;
	evt_writer *w = open_writer(x);
	int64_t at = 0, first = 0, last = 0;
	bool queued;
	evt_tape *tape;
	evt_info *info;
	evt_error err;

	put_states(w, 0, 5, 5, T0, 1);
	ok(evt_bookmark_add(x->path, "while recording", T0 - hour, &queued,
	       &err),
	    &err);
	ok(evt_writer_tick(w, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	for (int i = 0; i < 4; i++) {
		ok(evt_tape_span(tape, &first, &last, &err), &err);
		assert_int_equal(first, T0);
		assert_int_equal(last, T0 + 4);
		ok(evt_tape_info(tape, &info, &err), &err);
		assert_int_equal(info->first_ns, T0);
		assert_int_equal(info->last_ns, T0 + 4);
		assert_int_equal(info->n_marks, 1 + i);
		evt_info_free(info);
		if (i == 0)
			close_writer(w);
		if (i < 3)
			ok(evt_bookmark_add(x->path, i == 1 ? "early" : "late",
			       i == 1 ? T0 - 2 * hour : T0 + hour + i, &queued,
			       &err),
			    &err);
	}
	ok(evt_tape_find_bookmark(tape, "early", &at, &err), &err);
	assert_int_equal(at, T0 - 2 * hour);
	evt_tape_close(tape);
}

/* On a tape that has nothing but bookmarks, they are the span. */
TEST(span_of_bookmarks_alone)
{
	struct fixture *x = *state;
	int64_t first = 0, last = 0;
	evt_writer *w = open_writer(x);
	evt_tape *tape;
	evt_error err;
	bool queued;

	close_writer(w);
	ok(evt_bookmark_add(x->path, "a", T0 + 7, &queued, &err), &err);
	ok(evt_bookmark_add(x->path, "b", T0 + 5, &queued, &err), &err);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_tape_span(tape, &first, &last, &err), &err);
	assert_int_equal(first, T0 + 5);
	assert_int_equal(last, T0 + 7);
	evt_tape_close(tape);
}

TEST(merges_tapes_by_time)
{
	struct fixture *x = *state;
	char *other = in_dir(x->dir, "b.tape"), *first = x->path;
	evt_tape *tapes[2];
	evt_cursor *cur;
	evt_error err;
	evt_frame f;
	int64_t before = 0;
	unsigned n = 0, from_b = 0, ties = 0;
	evt_writer *w = open_writer(x);

	put_states(w, 0, 1000, 5, T0, 10);
	close_writer(w);
	x->path = other;
	w = open_writer(x);
	put_states(w, 0, 1000, 5, T0, 15);
	close_writer(w);
	ok(evt_tape_open(first, &tapes[0], &err), &err);
	ok(evt_tape_open(other, &tapes[1], &err), &err);
	ok(evt_cursor_open(tapes, 2, NULL, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_true(f.time_ns >= before);
		if (f.time_ns == before && n > 0) {
			assert_int_equal(f.tape, 1); /* ties: tape order */
			ties++;
		}
		before = f.time_ns;
		from_b += f.tape;
		n++;
	}
	assert_int_equal(n, 2000);
	assert_int_equal(from_b, 1000);
	assert_int_equal(ties, 334);
	evt_cursor_close(cur);
	evt_tape_close(tapes[0]);
	evt_tape_close(tapes[1]);
	x->path = first;
	free(other);
}

TEST(seek_and_reset_keep_the_window)
{
	struct fixture *x = *state;
	evt_filter filter = { .has_from = true, .from_ns = T0 + 100 };
	evt_writer *w = open_writer(x);
	evt_cursor *cur;
	evt_tape *tape;
	evt_error err;
	evt_frame f;

	put_states(w, 0, 20000, 5, T0, 1);
	close_writer(w);
	ok(evt_tape_open(x->path, &tape, &err), &err);
	for (int ahead = 0; ahead < 2; ahead++) {
		filter.read_ahead = ahead;
		ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
		ok(evt_cursor_next(cur, &f, &err), &err);
		assert_int_equal(f.seq, 101);
		ok(evt_cursor_seek(cur, T0 + 15000, &err), &err);
		ok(evt_cursor_next(cur, &f, &err), &err);
		assert_int_equal(f.seq, 15001);
		ok(evt_cursor_seek(cur, T0, &err), &err);
		ok(evt_cursor_next(cur, &f, &err), &err);
		assert_int_equal(f.seq, 101);
		ok(evt_cursor_seek(cur, T0 + 19999, &err), &err);
		ok(evt_cursor_reset(cur, &err), &err);
		ok(evt_cursor_next(cur, &f, &err), &err);
		assert_int_equal(f.seq, 101);
		evt_cursor_close(cur);
	}
	evt_tape_close(tape);
}

TEST(refuses_folders_that_are_not_tapes)
{
	struct fixture *x = *state;
	char *file = in_dir(x->dir, "file");
	evt_writer *w;
	evt_tape *tape;
	evt_error err;
	FILE *fp = fopen(file, "w");

	assert_non_null(fp);
	assert_int_equal(fclose(fp), 0);
	assert_int_equal(evt_tape_open(x->path, &tape, &err), EVT_ERR_NOTATAPE);
	assert_int_equal(evt_tape_open(x->dir, &tape, &err), EVT_ERR_NOTATAPE);
	assert_int_equal(evt_tape_open(file, &tape, &err), EVT_ERR_NOTATAPE);
	/* The folder holds a file that is not ours: nothing is put there. */
	assert_int_equal(evt_writer_open(x->dir, NULL, &w, &err),
	    EVT_ERR_NOTATAPE);
	assert_int_equal(evt_writer_open(file, NULL, &w, &err),
	    EVT_ERR_NOTATAPE);
	x->opt.existing = true;
	assert_int_equal(evt_writer_open(x->path, &x->opt, &w, &err),
	    EVT_ERR_NOTATAPE);
	free(file);
}

/* Frames that are invalid on every tape are refused, and the tape continues. */
TEST(invalid_frames)
{
	static const evt_key long_key = { .text = "x", .len = EVT_KEY_MAX + 1 };
	static const evt_frame bad[] = {
		{ .kind = EVT_KIND_MARK + 1 },
		{ .kind = EVT_KIND_RECEIVED, .opcode = 32 },
		{ .opcode = EVT_OP_BINARY, .len = (size_t)EVT_PAYLOAD_MAX + 1 },
		{ .opcode = EVT_OP_BINARY,
		    .event = "x",
		    .event_len = EVT_KEY_MAX + 1 },
		{ .opcode = EVT_OP_BINARY,
		    .sources = &long_key,
		    .n_sources = 1 },
	};
	char *dir = make_dir(), *path = in_dir(dir, "n.tape");
	evt_writer_options o;
	evt_cursor *c;
	evt_writer *w;
	evt_error err;

	evt_writer_options_init(&o);
	o.block_bytes = 1023;
	assert_int_equal(evt_writer_open(path, &o, &w, &err), EVT_ERR_ARG);
	evt_writer_options_init(&o);
	o.level = 23;
	assert_int_equal(evt_writer_open(path, &o, &w, &err), EVT_ERR_ARG);
	ok(evt_writer_open(path, NULL, &w, &err), &err);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		evt_frame f = bad[i];

		assert_int_equal(evt_writer_put(w, &f, &err), EVT_ERR_ARG);
		assert_true(strlen(err.text) > 0);
	}
	put_states(w, 0, 3, 1, 1000, 1);
	ok(evt_writer_close(w, &err), &err);
	assert_int_equal(check_states(path, 0, 1), 3);
	assert_int_equal(evt_cursor_open(NULL, 0, NULL, &c, &err), EVT_ERR_ARG);
	free(path);
	remove_dir(dir);
}

int
main(void)
{
#define T(f) RUN_WITH(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(keeps_frames_to_the_byte),
		T(shows_frames_before_they_are_in_a_block),
		T(live_end_is_not_the_end),
		T(filters_by_window_source_event_and_kind),
		T(index_names_the_blocks_to_read),
		T(death_loses_nothing_committed),
		T(one_writer_a_tape),
		T(rotates_by_size_age_and_demand),
		T(retention_drops_the_oldest),
		T(last_before_finds_the_state_at_a_time),
		T(info_adds_up),
		T(info_has_the_lists_that_were_asked_for),
		T(bookmarks_reach_a_live_tape),
		T(bookmarks_do_not_widen_the_span),
		T(span_of_bookmarks_alone),
		T(merges_tapes_by_time),
		T(seek_and_reset_keep_the_window),
		T(refuses_folders_that_are_not_tapes),
		RUN(invalid_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
