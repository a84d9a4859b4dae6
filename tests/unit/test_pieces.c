/* test_pieces.c - lines out of a stream, messages out of fragments, stamps. */
#include "tests/unit/tapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/units.h"
#include "record/assembly.h"
#include "record/lines.h"
#include "record/stamps.h"

/* Feed text in pieces of n bytes; what comes out is joined with '|', a line
 * that is too long stands as its length. */
static void
split(const char *text, size_t len, size_t n, char *out)
{
	evt_lines l = { .max = 10 };
	uint8_t *line;
	uint64_t size;
	int what;

	*out = '\0';
	for (size_t at = 0; at <= len; at += n) {
		size_t room, k = len - at < n ? len - at : n;
		uint8_t *to = evt_lines_room(&l, &room);

		assert_non_null(to);
		assert_true(room >= k);
		memcpy(to, text + at, k);
		evt_lines_added(&l, k);
		while ((what = evt_lines_next(&l, &line, &size)) !=
		    EVT_LINES_MORE) {
			if (what == EVT_LINES_SKIPPED) {
				out += snprintf(out, 24, "<%u>",
				    (unsigned)size);
			} else {
				memcpy(out, line, size);
				out += size;
			}
			*out++ = '|';
		}
	}
	what = evt_lines_last(&l, &line, &size);
	if (what == EVT_LINES_LINE) {
		memcpy(out, line, size);
		out += size;
	}
	*out = '\0';
	evt_lines_free(&l);
}

static void
lines_in_any_pieces(void **state)
{
	static const char text[] = "a\n\nbc\r\n0123456789\n0123456789A\nend";
	char out[100];

	(void)state;
	for (size_t n = 1; n < sizeof(text) + 3; n++) {
		split(text, sizeof(text) - 1, n, out);
		assert_string_equal(out, "a||bc\r|0123456789|<11>|end");
	}
}

static void
messages_from_fragments(void **state)
{
	evt_assembly a = { .max = 8 };
	uint8_t one[] = "whole", two[] = "abc", three[] = "defgh",
	    more[] = "x", *got;
	uint64_t n;

	(void)state;
	assert_int_equal(evt_assembly_add(&a, one, 5, true, &got, &n),
	    EVT_ASSEMBLY_DONE);
	assert_ptr_equal(got, one); /* no copy */
	assert_int_equal(evt_assembly_add(&a, two, 3, false, &got, &n),
	    EVT_ASSEMBLY_MORE);
	assert_int_equal(evt_assembly_add(&a, three, 5, true, &got, &n),
	    EVT_ASSEMBLY_DONE);
	assert_int_equal(n, 8);
	assert_memory_equal(got, "abcdefgh", 8);
	/* One byte more than fits: skipped to its end, the next is whole. */
	assert_int_equal(evt_assembly_add(&a, two, 3, false, &got, &n),
	    EVT_ASSEMBLY_MORE);
	assert_int_equal(evt_assembly_add(&a, three, 5, false, &got, &n),
	    EVT_ASSEMBLY_MORE);
	assert_int_equal(evt_assembly_add(&a, more, 1, false, &got, &n),
	    EVT_ASSEMBLY_MORE);
	assert_int_equal(evt_assembly_add(&a, more, 1, true, &got, &n),
	    EVT_ASSEMBLY_SKIPPED);
	assert_int_equal(n, 10);
	assert_int_equal(evt_assembly_add(&a, one, 0, true, &got, &n),
	    EVT_ASSEMBLY_DONE);
	assert_int_equal(n, 0);
	assert_int_equal(evt_assembly_add(&a, two, 3, false, &got, &n),
	    EVT_ASSEMBLY_MORE);
	assert_int_equal(evt_assembly_reset(&a), 3);
	evt_buf_free(&a.buf);
}

/* ---- stamps --------------------------------------------------------------------- */

static int64_t wall, boot;

static int64_t
get_wall(void)
{
	return wall;
}

static int64_t
get_boot(void)
{
	return boot;
}

static void
a_step_of_the_clock_is_seen_once(void **state)
{
	evt_stamps s;
	evt_moment m;

	(void)state;
	wall = 1000 * EVT_NS_PER_S;
	boot = 5 * EVT_NS_PER_S;
	evt_stamps_start(&s);
	s.real = get_wall;
	s.boot = get_boot;
	s.start_real = wall;
	s.start_boot = boot;
	wall += EVT_NS_PER_S;
	boot += EVT_NS_PER_S;
	m = evt_stamps_now(&s);
	assert_int_equal(m.time_ns, wall);
	assert_int_equal(m.mono_ns, wall);
	assert_int_equal(m.step_ns, 0);
	wall -= 3600 * EVT_NS_PER_S; /* set back by an hour */
	boot += EVT_NS_PER_S;
	wall += EVT_NS_PER_S;
	m = evt_stamps_now(&s);
	assert_int_equal(m.step_ns, -3600 * EVT_NS_PER_S);
	assert_int_equal(m.mono_ns, 1002 * EVT_NS_PER_S);
	boot += EVT_NS_PER_S;
	wall += EVT_NS_PER_S;
	m = evt_stamps_now(&s);
	assert_int_equal(m.step_ns, 0);
	assert_int_equal(m.mono_ns, 1003 * EVT_NS_PER_S);
	/* Slewing is no step. */
	for (int i = 0; i < 1000; i++) {
		boot += EVT_NS_PER_S;
		wall += EVT_NS_PER_S + 500 * EVT_NS_PER_US;
		assert_int_equal(evt_stamps_now(&s).step_ns, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_in_any_pieces),
		cmocka_unit_test(messages_from_fragments),
		cmocka_unit_test(a_step_of_the_clock_is_seen_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
