/*
 * test_tape_sink.c - frames on their way into a tape that fails for a while: they
 * wait, it is said once, and only at the very end are they given up and
 * counted.
 */
#include "tests/unit/lib/sinks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "format/write/writer_ext.h"
#include "tests/unit/lib/test.h"

TEST(reports_committed_frames)
{
	struct sinks x = { 0 };
	evt_queue_item sent = { .time_ns = 9000,
		.mono_ns = 9000,
		.payload = (const uint8_t *)"X",
		.len = 1,
		.conn = 1,
		.kind = EVT_KIND_SENT,
		.opcode = EVT_OP_TEXT };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	sinks_put_mark(&x);
	evt_tape_sink_put(x.sink, &sent);
	assert_int_equal(x.status.figures.frames, 0);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.status.figures.frames, 10);
	assert_int_equal(x.status.figures.marks, 1);
	assert_int_equal(x.status.figures.sent, 1);
	assert_int_equal(x.status.figures.last_seq, 12);
	assert_int_equal(x.status.figures.last_frame_ns, 1009);
	assert_true(x.status.figures.bytes > 1000);
	assert_true(x.status.figures.stored_bytes > 0);
	evt_tape_sink_rotate(x.sink);
	assert_int_equal(x.status.figures.segment, 2);
	evt_tape_sink_tick(x.sink);
	assert_null(evt_tape_sink_done(x.sink));
	assert_int_equal(x.errors + x.mended + x.pauses, 0);
	sinks_end(&x);
}

TEST(stops_at_its_limits)
{
	struct sinks x = { 0 }, y = { 0 };

	sinks_begin(&x, 7, 0);
	sinks_put(&x, 0, 7);
	assert_string_equal(evt_tape_sink_done(x.sink), "frames");
	sinks_put(&x, 7, 20);
	sinks_put_mark(
	    &x); /* marks are still written: the end must be recorded */
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.status.figures.frames, 7);
	assert_int_equal(x.status.figures.marks, 1);
	assert_int_equal(evt_tape_sink_lost(x.sink, false), 0);
	sinks_end(&x);

	sinks_begin(&y, 0, 1000);
	sinks_put(&y, 0, 10);
	assert_null(
	    evt_tape_sink_done(y.sink)); /* only committed frames are counted */
	evt_tape_sink_commit(y.sink);
	assert_string_equal(evt_tape_sink_done(y.sink), "max-size");
	sinks_end(&y);
}

/* A full disk is waited for, and said once. */
TEST(waits_for_a_failing_tape)
{
	struct sinks x = { .mend_after = 30 };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.pauses, 30);
	assert_int_equal(x.errors, 1);
	assert_int_equal(x.mended, 1);
	assert_string_equal(x.said, "the tape can be written to again");
	assert_false(x.status.figures.failing);
	sinks_put(&x, 10, 20);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.status.figures.frames, 20);
	assert_int_equal(evt_tape_sink_lost(x.sink, false), 0);
	assert_int_equal(check_states(x.path, 0, 3), 20);
	sinks_end(&x);
}

/* When the recording is being ended it is tried a few times more. */
TEST(gives_up_at_the_end_and_counts)
{
	struct sinks x = { .ending = true };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	sinks_put(&x, 10, 20);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.pauses, 3);
	assert_int_equal(x.errors, 1);
	assert_non_null(strstr(x.said, "free some space, or repair the disk"));
	assert_true(x.status.figures.failing);
	assert_int_equal(x.status.figures.frames, 10);
	sinks_put(&x, 20, 25); /* nothing more is tried */
	evt_tape_sink_tick(x.sink);
	assert_int_equal(x.pauses, 3);
	assert_int_equal(evt_tape_sink_lost(x.sink, false), 5);
	sinks_end(&x);
}

/* Frames that were put but not committed are lost, too, unless closing the tape
 * can write them.  A mark says what is missing. */
TEST(counts_what_is_in_memory)
{
	struct sinks x = { .ending = true };
	evt_receive_clock_time now = { .time_ns = 7000, .mono_ns = 7000 };

	sinks_begin(&x, 0, 0);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	sinks_put(&x, 10, 13);
	sinks_put_mark(&x); /* no data */
	assert_int_equal(evt_tape_sink_lost(x.sink, false), 3);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 13);
	x.pauses = 0;
	evt_tape_sink_last_try(x.sink, &now);
	evt_tape_sink_commit(x.sink);
	assert_true(x.pauses <= 1);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 13);
	x.fault.kind = NONE; /* room at the last moment */
	evt_tape_sink_last_try(x.sink, &now);
	sinks_put_mark(&x);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 3);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	sinks_end(&x);
}

/* The payload of the only mark of this kind, and its time; free() it. */
static char *
only_mark(const char *path, enum evt_mark mark, int64_t *time_ns)
{
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	char *json = NULL;
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;
	evt_error err;

	ok(evt_tape_open(path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		if (f.opcode != mark)
			continue;
		assert_null(json);
		json = strndup((const char *)f.payload, f.len);
		*time_ns = f.time_ns;
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	assert_non_null(json);
	return json;
}

/* Frames that are still queued when the end is overdue are discarded, and a gap
 * says so; marks are written. */
TEST(discards_when_the_end_is_overdue)
{
	struct sinks x = { .ending = true };
	evt_receive_clock_time now = { .time_ns = 7000, .mono_ns = 7000 };
	int64_t time_ns;
	char *json;

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	x.overdue = true;
	sinks_put(&x, 10, 20); /* the batch at hand is still written */
	evt_tape_sink_commit(x.sink);
	sinks_put(&x, 20, 25);
	sinks_put_mark(&x);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.status.figures.frames, 20);
	assert_int_equal(x.status.figures.marks, 1);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 5);
	evt_tape_sink_last_try(x.sink, &now);
	evt_tape_sink_commit(x.sink);
	assert_non_null(strstr(x.said, "discarded 5 frames ("));
	assert_int_equal(x.errors + x.pauses, 0);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 5);
	assert_int_equal(x.status.figures.marks, 2);
	sinks_close(&x);
	json = only_mark(x.path, EVT_MARK_GAP, &time_ns);
	assert_int_equal(time_ns, 7000);
	assert_non_null(strstr(json, "\"frames\":5,"));
	assert_non_null(strstr(json, "was ended before the tape could"));
	assert_non_null(
	    strstr(json, "\"from\":\"1970-01-01T00:00:00.000001020Z\""));
	free(json);
	free(x.path);
	remove_dir(x.dir);
}

/* Space becomes free after the last attempt: closing the tape writes the
 * uncommitted frames, and the final figures count them. */
TEST(counts_what_closing_writes)
{
	struct sinks x = { .ending = true };
	evt_error err;

	sinks_begin(&x, 0, 0);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	evt_tape_sink_rotate(x.sink);
	assert_int_equal(x.status.figures.frames, 0);
	x.fault.kind = NONE;
	ok(evt_writer_close(x.writer, &err), &err);
	x.writer = NULL;
	evt_tape_sink_closed(x.sink);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 0);
	assert_int_equal(x.status.figures.frames, 10);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	sinks_end(&x);
}

/* A full disk that is watched is not waited for for ever. */
TEST(ends_if_the_disk_stays_full)
{
	struct sinks x = { 0 };

	x.disk_space = sinks_make_disk_space(&x);
	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, true };
	sinks_put(&x, 10, 20);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.stops, 1);
	assert_string_equal(x.reason, EVT_SUPERVISOR_DISK_FULL);
	assert_non_null(strstr(x.said, "no space was freed in 30 seconds"));
	assert_int_equal(x.pauses, EVT_TAPE_SINK_PATIENCE + 3);
	assert_int_equal(evt_tape_sink_lost(x.sink, true), 10);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	sinks_end(&x);
}

/* The disk may be full of journal files whose blocks are in the segment.  They
 * are removed, and no frame has to wait. */
TEST(waiting_files_are_given_to_a_full_disk)
{
	struct sinks x = { 0 };

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 12000); /* more than a block */
	evt_tape_sink_commit(x.sink);
	sinks_put(&x, 12000, 12010);
	x.fault = (struct faulty){ 0, 0, FAIL_FULL, false };
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.pauses + x.errors, 0);
	assert_false(evt_writer_reclaim(x.writer)); /* there is no more */
	sinks_put(&x, 12010, 24000);
	assert_true(evt_writer_reclaim(x.writer));
	evt_tape_sink_commit(x.sink);
	assert_int_equal(check_states(x.path, 0, 3), 24000);
	sinks_end(&x);
}

/* Another fault may be mended at any time. */
TEST(waits_for_ever_for_a_disk_that_fails)
{
	struct sinks x = { .mend_after = 500 };

	x.disk_space = sinks_make_disk_space(&x);
	sinks_begin(&x, 0, 0);
	x.fault = (struct faulty){ 0, 0, FAIL_IO, true };
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	assert_int_equal(x.pauses, 500);
	assert_int_equal(x.stops, 0);
	assert_int_equal(check_states(x.path, 0, 3), 10);
	sinks_end(&x);
}

TEST(ends_if_the_tape_was_removed)
{
	struct sinks x = { 0 };
	char *away;
	evt_error err;

	sinks_begin(&x, 0, 0);
	sinks_put(&x, 0, 10);
	evt_tape_sink_commit(x.sink);
	away = in_dir(x.dir, "away.tape");
	assert_int_equal(rename(x.path, away), 0);
	evt_tape_sink_tick(x.sink);
	assert_int_equal(x.stops, 1);
	assert_string_equal(x.reason, EVT_SUPERVISOR_TAPE_GONE);
	assert_non_null(strstr(x.said, "and did not come back"));
	assert_int_equal(x.pauses, EVT_TAPE_SINK_PATIENCE + 3);
	assert_int_equal(check_states(away, 0, 3), 10);
	evt_tape_sink_free(x.sink);
	assert_int_equal(evt_writer_close(x.writer, &err), EVT_ERR_NOTATAPE);
	evt_status_destroy(&x.status);
	free(away);
	free(x.path);
	remove_dir(x.dir);
}

/* How many marks with a list of trackers are on the tape when its segments
 * were dropped again and again. */
static unsigned
count_lists(struct sinks *x)
{
	static const char list[] =
	    "{\"mark\":\"trackers\",\"list\":[{\"id\":7}]}";
	evt_queue_item item = { .time_ns = 500,
		.mono_ns = 500,
		.payload = (const uint8_t *)list,
		.len = strlen(list),
		.kind = EVT_KIND_MARK,
		.opcode = EVT_MARK_TRACKERS };
	evt_filter filter = { .kinds = 1u << EVT_KIND_MARK };
	evt_cursor *cur;
	evt_tape *tape;
	evt_frame f;
	evt_error err;
	unsigned n = 0;

	sinks_begin(x, 0, 0);
	evt_tape_sink_put(x->sink, &item);
	for (unsigned i = 0; i < 50; i += 10) {
		sinks_put(x, i, i + 10);
		evt_tape_sink_rotate(x->sink);
		evt_tape_sink_tick(x->sink);
	}
	ok(evt_tape_open(x->path, &tape, &err), &err);
	ok(evt_cursor_open(&tape, 1, &filter, &cur, &err), &err);
	while (evt_cursor_next(cur, &f, &err) == EVT_OK) {
		assert_int_equal(f.opcode, EVT_MARK_TRACKERS);
		assert_int_equal(f.len, strlen(list));
		assert_memory_equal(f.payload, list, f.len);
		n++;
	}
	evt_cursor_close(cur);
	evt_tape_close(tape);
	sinks_end(x);
	return n;
}

TEST(a_list_outlives_its_segment)
{
	struct sinks all = { 0 }, dropping = { .dropping = true };

	assert_int_equal(count_lists(&all), 1);
	assert_int_equal(count_lists(&dropping), 1);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(reports_committed_frames),
		RUN(stops_at_its_limits),
		RUN(waits_for_a_failing_tape),
		RUN(gives_up_at_the_end_and_counts),
		RUN(counts_what_is_in_memory),
		RUN(discards_when_the_end_is_overdue),
		RUN(counts_what_closing_writes),
		RUN(ends_if_the_disk_stays_full),
		RUN(waiting_files_are_given_to_a_full_disk),
		RUN(waits_for_ever_for_a_disk_that_fails),
		RUN(ends_if_the_tape_was_removed),
		RUN(a_list_outlives_its_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
