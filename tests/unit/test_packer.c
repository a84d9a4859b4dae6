/* test_packer.c - a packed block is what the builder alone makes of it. */
#include "tests/unit/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/packer.h"

#define T0 INT64_C(1700000000000000000)

static const uint8_t uuid[16] = "a tape's uuid..";

/* Frames n, n + 1, … of number first and on. */
static void
fill(evt_builder *b, unsigned n, unsigned frames)
{
	evt_error err;

	for (unsigned i = n; i < n + frames; i++) {
		evt_frame f = make_state(i, 3);
		void *payload = (void *)(uintptr_t)f.payload;

		f.seq = 1 + i;
		f.time_ns = T0 + i;
		ok(evt_builder_add(b, &f, true, &err), &err);
		free(payload);
	}
}

static void
blocks_come_out_one_after_the_other(void **state)
{
	evt_builder *open, *alone;
	evt_packed *packed;
	evt_packer *p;
	evt_buf want = { 0 };
	evt_summary sum = { 0 };
	uint64_t total = 0;
	evt_error err;

	(void)state;
	ok(evt_builder_new(2, &open, &err), &err);
	ok(evt_builder_new(2, &alone, &err), &err);
	ok(evt_packer_new(2, &p, &err), &err);
	for (unsigned n = 0; n < 20; n++) {
		assert_int_equal(evt_packer_frames(p), 0);
		fill(open, n * 100, 1 + n * 5);
		evt_packer_start(p, open);
		assert_int_equal(evt_builder_frames(open), 0);
		assert_int_equal(evt_packer_frames(p), 1 + n * 5);
		/* The next block fills meanwhile. */
		fill(open, 7, 1);
		ok(evt_packer_wait(p, &packed, &err), &err);
		ok(evt_packer_wait(p, &packed, &err), &err);
		assert_int_equal(packed->first_seq, n * 100 + 1);
		assert_int_equal(packed->frames, 1 + n * 5);
		evt_block_move(packed->bytes.data, uuid, 3, n, packed->first_seq);
		fill(alone, n * 100, 1 + n * 5);
		ok(evt_builder_encode(alone, uuid, 3, n, &want, NULL, &err), &err);
		assert_int_equal(packed->bytes.len, want.len);
		assert_memory_equal(packed->bytes.data, want.data, want.len);
		evt_builder_clear(alone);
		evt_packer_done(p, &sum, n);
		total += 1 + n * 5;
		/* Now, or with the next block. */
		if (n % 3 == 0) {
			assert_true(evt_packer_summed(p));
			assert_int_equal(sum.frames, total);
		}
		evt_builder_clear(open);
	}
	assert_true(evt_packer_summed(p));
	assert_int_equal(sum.frames, total);
	assert_int_equal(sum.last_seq, 1900 + 96);
	evt_packer_free(p);
	evt_summary_free(&sum);
	evt_builder_free(open);
	evt_builder_free(alone);
	evt_buf_free(&want);
}

static void
what_it_holds_goes_with_it(void **state)
{
	evt_builder *open;
	evt_packer *p;
	evt_error err;

	(void)state;
	ok(evt_builder_new(2, &open, &err), &err);
	ok(evt_packer_new(2, &p, &err), &err);
	fill(open, 0, 500);
	evt_packer_start(p, open);
	evt_packer_free(p);
	evt_builder_free(open);
	evt_packer_free(NULL);
	assert_int_equal(evt_packer_new(99, &p, &err), EVT_ERR_ARG);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_come_out_one_after_the_other),
		cmocka_unit_test(what_it_holds_goes_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
