/* test_time_shift.c - frames with other times. */
#include "tests/unit/lib/tapes.h"

#include <string.h>

#include "replay/play/time_shift.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1539780715250000000) /* 2018-10-17 12:51:55.25 UTC */
#define SEC INT64_C(1000000000)

static evt_time_shift *
from_to(int64_t from_ns, int64_t to_ns)
{
	evt_time_shift *r;
	evt_error err;

	ok(evt_time_shift_new(from_ns, to_ns, &r, &err), &err);
	return r;
}

static evt_frame
frame_of(const char *text)
{
	return (evt_frame){ .seq = 7,
		.time_ns = T0,
		.mono_ns = T0 + 5,
		.kind = EVT_KIND_RECEIVED,
		.opcode = EVT_OP_TEXT,
		.conn = 3,
		.payload = (const uint8_t *)text,
		.len = strlen(text) };
}

static void
is_text(const evt_frame *f, const char *want)
{
	assert_int_equal(f->len, strlen(want));
	if (f->len > 0)
		assert_memory_equal(f->payload, want, f->len);
}

TEST(whole_seconds)
{
	static const struct {
		int64_t from, to, shift;
	} row[] = {
		{ T0, T0, 0 },
		{ T0, T0 + SEC, SEC },
		{ T0, T0 - 10 * SEC, -10 * SEC },
		{ T0, T0 + SEC / 2, 0 },
		{ T0, T0 + SEC * 3 / 4, SEC },
		{ INT64_MIN / 4, INT64_MAX / 4, 0 },
		{ 0, 86400 * SEC, 86400 * SEC },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		evt_time_shift *r = from_to(row[i].from, row[i].to);
		int64_t shift = evt_time_shift_ns(r);

		assert_int_equal(shift % SEC, 0);
		assert_in_range(row[i].to - (row[i].from + shift) + SEC, 1,
		    2 * SEC - 1);
		if (row[i].from != INT64_MIN / 4)
			assert_int_equal(shift, row[i].shift);
		evt_time_shift_free(r);
	}
}

/* The receive time and the event's own stamps move by the same. */
TEST(stamps_and_times)
{
	evt_frame f = frame_of(
	    "{\"event\":\"state\",\"user_time\":\"2018-10-17 12:51:55\", "
	    "\"data\":{\"gps\":{\"updated\":\"2018-10-17T06:51:43-06:00\"},"
	    "\"label\":\"2018-10-17 12:51:55\",\"msg_time\":\"2018-10-17 "
	    "12:51:46.125\",\"n\":1.50}}");
	evt_time_shift *r = from_to(T0, T0 + 14 * 86400 * SEC);
	evt_error err;

	ok(evt_time_shift_frame(r, &f, &err), &err);
	assert_int_equal(f.time_ns, T0 + 14 * 86400 * SEC);
	assert_int_equal(f.mono_ns, T0 + 5 + 14 * 86400 * SEC);
	assert_int_equal(f.seq, 7);
	assert_int_equal(f.conn, 3);
	is_text(&f,
	    "{\"event\":\"state\",\"user_time\":\"2018-10-31 12:51:55\", "
	    "\"data\":{\"gps\":{\"updated\":\"2018-10-31T06:51:43-06:00\"},"
	    "\"label\":\"2018-10-17 12:51:55\",\"msg_time\":\"2018-10-31 "
	    "12:51:46.125\",\"n\":1.50}}");
	evt_time_shift_free(r);
}

/* A frame that is not JSON text keeps its bytes, but not its time. */
TEST(other_frames)
{
	static const char stamp[] = "{\"updated\":\"2018-10-17 12:51:55\"}";
	static const char *const texts[] = { "X", "",
		"{\"updated\":\"2018-10-17 12:51:55\"",
		"{\"updated\":\"2018-10-17 12:51:55\"} x" };
	evt_time_shift *r = from_to(T0, T0 + 86400 * SEC);
	evt_frame f;
	evt_error err;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		f = frame_of(texts[i]);
		ok(evt_time_shift_frame(r, &f, &err), &err);
		is_text(&f, texts[i]);
		assert_int_equal(f.time_ns, T0 + 86400 * SEC);
	}
	f = frame_of(stamp);
	f.opcode = EVT_OP_BINARY;
	ok(evt_time_shift_frame(r, &f, &err), &err);
	is_text(&f, stamp);
	assert_int_equal(f.time_ns, T0 + 86400 * SEC);
	f = frame_of(stamp);
	f.kind = EVT_KIND_MARK;
	f.opcode = EVT_MARK_BOOKMARK;
	ok(evt_time_shift_frame(r, &f, &err), &err);
	is_text(&f, stamp);
	assert_int_equal(f.time_ns, T0 + 86400 * SEC);
	f = frame_of(stamp);
	f.kind = EVT_KIND_SENT;
	ok(evt_time_shift_frame(r, &f, &err), &err);
	is_text(&f, "{\"updated\":\"2018-10-18 12:51:55\"}");
	evt_time_shift_free(r);
}

TEST(no_shift)
{
	static const char stamp[] = "{\"updated\":\"2018-10-17 12:51:55\"}";
	evt_frame f = frame_of(stamp);
	evt_error err;

	ok(evt_time_shift_frame(NULL, &f, &err), &err);
	assert_ptr_equal(f.payload, stamp);
	assert_int_equal(f.time_ns, T0);
	assert_int_equal(f.mono_ns, T0 + 5);
	evt_time_shift_free(NULL);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(whole_seconds),
		RUN(stamps_and_times),
		RUN(other_frames),
		RUN(no_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
