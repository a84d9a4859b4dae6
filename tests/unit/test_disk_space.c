/*
 * test_disk_space.c - a disk that fills up: the warnings and their times, when
 * a recording ends, and how --ring drops its oldest segments.
 */
#include "tests/unit/lib/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/timetext.h"
#include "format/write/writer.h"
#include "record/tape/disk_space.h"
#include "tests/unit/lib/test.h"

#define MIB (UINT64_C(1) << 20)

static int64_t steady_ns;

struct fixture {
	evt_disk_space_figures space;
	bool unknown;
	uint64_t closing;
	unsigned looks, notices, warnings, errors, stops;
	char said[900], reason[32];
	evt_status status;
	evt_supervisor supervisor;
	char *dir, *path;
	evt_writer *writer;
	evt_disk_space *disk_space;
};

static bool
space(void *ctx, const char *path, evt_disk_space_figures *ret)
{
	struct fixture *x = ctx;

	assert_string_equal(path, x->path);
	x->looks++;
	*ret = x->space;
	return !x->unknown;
}

static int64_t
steady(void)
{
	return steady_ns;
}

static void
say(void *ctx, enum evt_status_event event, const char *text)
{
	struct fixture *x = ctx;

	*(event == EVT_STATUS_NOTICE        ? &x->notices :
	        event == EVT_STATUS_WARNING ? &x->warnings :
	                                      &x->errors) += 1;
	snprintf(x->said, sizeof(x->said), "%s", text);
}

static void
stop(void *ctx, const char *reason)
{
	struct fixture *x = ctx;

	x->stops++;
	assert_int_equal(x->errors, x->stops);
	snprintf(x->reason, sizeof(x->reason), "%s", reason);
}

static uint64_t
closing(void *ctx)
{
	return ((struct fixture *)ctx)->closing;
}

static void
begin(struct fixture *x, evt_disk_space_limit limit, bool ring)
{
	evt_disk_space_options o = { .limit = limit,
		.ring = ring,
		.closing = closing,
		.closing_ctx = x,
		.supervisor = &x->supervisor,
		.query = space,
		.query_ctx = x,
		.steady = steady };
	evt_writer_options wo;
	evt_error err;

	evt_status_init(&x->status);
	x->supervisor = (evt_supervisor){ .say = say,
		.end = stop,
		.ctx = x,
		.status = &x->status };
	x->dir = make_dir();
	x->path = in_dir(x->dir, "r.tape");
	evt_writer_options_init(&wo);
	wo.block_bytes = 4096;
	ok(evt_writer_open_env(x->path, &wo, test_env(), &x->writer, &err),
	    &err);
	o.path = x->path;
	x->disk_space = evt_disk_space_new(&o);
	assert_non_null(x->disk_space);
}

static void
end(struct fixture *x)
{
	evt_error err;

	evt_disk_space_free(x->disk_space);
	ok(evt_writer_close(x->writer, &err), &err);
	evt_status_destroy(&x->status);
	free(x->path);
	remove_dir(x->dir);
}

static void
look(struct fixture *x, uint64_t free_mib)
{
	x->space.free = free_mib * MIB;
	evt_disk_space_look(x->disk_space, x->writer);
}

/* Sealed segments, each of about the same size. */
static void
segments(struct fixture *x, unsigned n)
{
	evt_error err;

	for (unsigned i = 0; i < n; i++) {
		put_states(x->writer, i * 100, 100, 5, 1000, 1);
		ok(evt_writer_rotate(x->writer, &err), &err);
	}
}

TEST(limits_as_people_write_them)
{
	static const char *const bad[] = { "", "%", "x%", "100%", "2.%", "1.%5",
		"-1%", "2 %%", "1000%", "much", "-5" };
	evt_disk_space_limit l = { 7, 7 };
	evt_error err;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(evt_disk_space_parse(bad[i], &l, &err),
		    EVT_ERR_ARG);
		assert_true(l.bytes == 7 && l.parts == 7);
	}
	ok(evt_disk_space_parse("0", &l, &err), &err);
	assert_true(l.bytes == 0 && l.parts == 0);
	ok(evt_disk_space_parse("3MiB", &l, &err), &err);
	assert_true(l.bytes == 3 * MIB && l.parts == 0);
	ok(evt_disk_space_parse("2%", &l, &err), &err);
	assert_true(l.bytes == 0 && l.parts == 200);
	ok(evt_disk_space_parse("0.5%", &l, &err), &err);
	assert_int_equal(l.parts, 50);
	ok(evt_disk_space_parse("99.99%", &l, &err), &err);
	assert_int_equal(l.parts, 9999);
}

TEST(warns_once_until_there_is_room_again)
{
	struct fixture x = { .space.size = 1000 * MIB };

	begin(&x, (evt_disk_space_limit){ 100 * MIB, 0 }, false);
	look(&x, 500);
	look(&x, 100);
	assert_int_equal(x.warnings + x.notices + x.stops, 0);
	assert_true(x.status.figures.disk_known);
	assert_int_equal(x.status.figures.disk_free, 100 * MIB);
	look(&x, 99);
	look(&x, 25);
	assert_int_equal(x.warnings, 1);
	assert_non_null(strstr(x.said, "only 99.0 MiB free"));
	assert_non_null(strstr(x.said, "ends below 25.0 MiB"));
	assert_true(x.status.figures.disk_low);
	look(&x, 100);
	assert_int_equal(x.notices, 1);
	assert_false(x.status.figures.disk_low);
	look(&x, 80);
	assert_int_equal(x.warnings, 2);
	assert_int_equal(x.stops, 0);
	end(&x);
}

TEST(stops_below_a_quarter)
{
	struct fixture x = { .space.size = 1000 * MIB };

	begin(&x, (evt_disk_space_limit){ 100 * MIB, 0 }, false);
	look(&x, 24);
	assert_int_equal(x.stops, 1);
	assert_string_equal(x.reason, EVT_SUPERVISOR_DISK_FULL);
	assert_non_null(strstr(x.said, "free some space and start again"));
	assert_true(x.status.figures.disk_low);
	look(&x, 10); /* it is being ended */
	assert_int_equal(x.stops, 1);
	assert_int_equal(x.warnings, 0);
	end(&x);
}

/* The space that closing needs is kept free, whatever the options are. */
TEST(keeps_the_space_for_closing)
{
	struct fixture x = { .space.size = 1000 * MIB, .closing = 50 * MIB };

	begin(&x, (evt_disk_space_limit){ MIB, 0 }, false);
	look(&x, 51);
	look(&x, 50);
	assert_int_equal(x.stops + x.warnings, 0);
	x.closing = 60 * MIB; /* the queue has grown */
	look(&x, 59);
	assert_int_equal(x.stops, 1);
	end(&x);
}

TEST(the_smaller_limit_counts)
{
	struct fixture x = { .space.size = 1000 * MIB };
	struct fixture y = { .space.size = 1000 * 1024 * MIB };
	struct fixture off = { .space.size = 1000 * MIB };

	begin(&x, evt_disk_space_default, false); /* 2 %: 20 MiB */
	look(&x, 20);
	assert_int_equal(x.warnings, 0);
	look(&x, 19);
	assert_int_equal(x.warnings, 1);
	look(&x, 4);
	assert_int_equal(x.stops, 1);
	end(&x);
	begin(&y, evt_disk_space_default, false); /* 1 GiB */
	look(&y, 1024);
	assert_int_equal(y.warnings, 0);
	look(&y, 1023);
	assert_int_equal(y.warnings, 1);
	end(&y);
	begin(&off, (evt_disk_space_limit){ 0, 0 }, false);
	look(&off, 0);
	assert_int_equal(off.warnings + off.stops, 0);
	assert_false(evt_disk_space_ends(off.disk_space));
	end(&off);
}

/* The faster it fills, the oftener it is looked at; also where no room is left
 * to the byte. */
TEST(checks_by_the_bytes_put)
{
	struct fixture x = { .space.size = 1000 * MIB };

	begin(&x, (evt_disk_space_limit){ 100 * MIB, 0 }, false);
	look(&x, 425);
	assert_int_equal(x.looks, 1);
	evt_disk_space_put(x.disk_space, x.writer, 99 * MIB);
	assert_int_equal(x.looks, 1);
	x.space.free = 225 * MIB;
	evt_disk_space_put(x.disk_space, x.writer, 100 * MIB);
	assert_int_equal(x.looks, 2);
	evt_disk_space_put(x.disk_space, x.writer, 149 * MIB);
	assert_int_equal(x.looks, 2);
	x.space.free = 25 * MIB;
	evt_disk_space_put(x.disk_space, x.writer, 150 * MIB);
	assert_int_equal(x.looks, 3);
	evt_disk_space_put(x.disk_space, x.writer, 150 * MIB + 1);
	assert_int_equal(x.looks, 4);
	assert_int_equal(x.stops, 0);
	end(&x);
}

TEST(an_unknown_space_ends_nothing)
{
	struct fixture x = { .unknown = true };
	evt_error err;

	begin(&x, evt_disk_space_default, false);
	ok(evt_disk_space_admit(x.disk_space, &err), &err);
	look(&x, 0);
	assert_int_equal(x.warnings + x.stops, 0);
	assert_false(x.status.figures.disk_known);
	end(&x);
}

TEST(is_refused_at_the_start)
{
	struct fixture x = { .space = { 1000 * MIB, 24 * MIB } };
	struct fixture y = { .space = { 1000 * MIB, 24 * MIB } };
	evt_error err;

	begin(&x, (evt_disk_space_limit){ 100 * MIB, 0 }, false);
	assert_int_equal(evt_disk_space_admit(x.disk_space, &err),
	    EVT_ERR_FULL);
	assert_non_null(strstr(err.text, "lower the minimum of free space"));
	x.space.free = 25 * MIB;
	ok(evt_disk_space_admit(x.disk_space, &err), &err);
	assert_int_equal(x.warnings, 1);
	look(&x, 50); /* said */
	assert_int_equal(x.warnings, 1);
	end(&x);
	begin(&y, (evt_disk_space_limit){ 100 * MIB, 0 },
	    true); /* its tape is there */
	ok(evt_disk_space_admit(y.disk_space, &err), &err);
	end(&y);
}

TEST(a_ring_drops_its_oldest)
{
	struct fixture x = { .space.size = 1000 * MIB };
	evt_writer_stats w;

	begin(&x, (evt_disk_space_limit){ 100 * MIB, 0 }, true);
	segments(&x, 6);
	/* As many as it takes, by their size: here one. */
	x.space.free = 100 * MIB - 1;
	evt_disk_space_look(x.disk_space, x.writer);
	assert_int_equal(x.notices, 1);
	assert_non_null(strstr(x.said, "dropping the oldest segments of"));
	assert_int_equal(x.status.figures.dropped_segments, 1);
	assert_true(x.status.figures.dropped_bytes > 1000);
	evt_writer_get_stats(x.writer, &w);
	assert_int_equal(w.first_segment, 2);
	evt_disk_space_look(x.disk_space, x.writer);
	assert_int_equal(x.status.figures.dropped_segments, 2);
	assert_int_equal(x.notices, 1);
	steady_ns += 3600 * EVT_NS_PER_S; /* news again */
	evt_disk_space_look(x.disk_space, x.writer);
	assert_int_equal(x.notices, 2);
	/* All but the newest, and that is not enough: now it is low. */
	look(&x, 50);
	assert_int_equal(x.status.figures.dropped_segments, 5);
	assert_int_equal(x.warnings + x.stops, 0);
	look(&x, 50);
	assert_int_equal(x.warnings, 1);
	assert_non_null(strstr(x.said, "no older segment to drop"));
	look(&x, 24);
	assert_int_equal(x.stops, 1);
	evt_writer_get_stats(x.writer, &w);
	assert_int_equal(w.first_segment, 6);
	end(&x);
}

/* A disk that is full already: one segment at a time, a second apart, so that
 * a file system that is slow to give room back does not cost them all. */
TEST(a_ring_makes_room)
{
	struct fixture x = { .space.size = 1000 * MIB };
	struct fixture line = { .space.size = 1000 * MIB };

	begin(&x, (evt_disk_space_limit){ 0, 0 }, true);
	segments(&x, 3);
	assert_true(evt_disk_space_drop_oldest(x.disk_space, x.writer));
	assert_false(evt_disk_space_drop_oldest(x.disk_space, x.writer));
	steady_ns += EVT_NS_PER_S;
	assert_true(evt_disk_space_drop_oldest(x.disk_space, x.writer));
	steady_ns += EVT_NS_PER_S;
	assert_false(evt_disk_space_drop_oldest(x.disk_space,
	    x.writer)); /* the newest stays */
	assert_int_equal(x.status.figures.dropped_segments, 2);
	assert_int_equal(x.notices, 1);
	end(&x);
	begin(&line, evt_disk_space_default, false);
	segments(&line, 3);
	assert_false(evt_disk_space_drop_oldest(line.disk_space, line.writer));
	end(&line);
}

TEST(the_space_of_a_real_disk)
{
	char *dir = make_dir(), *deep = in_dir(dir, "no/such");
	char *next = in_dir(dir, "new.tape"), *slashes = in_dir(dir, "new///");
	evt_disk_space_figures s = { 0, 0 };

	assert_true(evt_disk_space_query(NULL, dir, &s));
	assert_true(s.size > 0 && s.free <= s.size);
	assert_true(evt_disk_space_query(NULL, next, &s));
	assert_true(evt_disk_space_query(NULL, slashes, &s));
	assert_true(evt_disk_space_query(NULL, "no-such-tape", &s));
	assert_true(evt_disk_space_query(NULL, "/no-such-tape", &s));
	assert_false(evt_disk_space_query(NULL, deep, &s));
	free(deep);
	free(next);
	free(slashes);
	remove_dir(dir);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(limits_as_people_write_them),
		RUN(warns_once_until_there_is_room_again),
		RUN(stops_below_a_quarter),
		RUN(keeps_the_space_for_closing),
		RUN(the_smaller_limit_counts),
		RUN(checks_by_the_bytes_put),
		RUN(an_unknown_space_ends_nothing),
		RUN(is_refused_at_the_start),
		RUN(a_ring_drops_its_oldest),
		RUN(a_ring_makes_room),
		RUN(the_space_of_a_real_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
