/* test_packer.c - a packed block equals the block that the builder alone
 * encodes. */
#include "tests/unit/lib/tapes.h"

#include <stdlib.h>
#include <string.h>

#include "format/write/packer.h"
#include "tests/unit/lib/test.h"

#define T0 INT64_C(1700000000000000000)

static const uint8_t uuid[16] = "a tape's uuid..";

/* Frames n, n + 1, … of number first and on. */
static void
fill(evt_block_builder *b, unsigned n, unsigned frames)
{
	evt_error err;

	for (unsigned i = n; i < n + frames; i++) {
		evt_frame f = make_state(i, 3);
		void *payload = (void *)(uintptr_t)f.payload;

		f.seq = 1 + i;
		f.time_ns = T0 + i;
		ok(evt_block_builder_add(b, &f, true, &err), &err);
		free(payload);
	}
}

/* Take the n-th block and compare. */
static void
take(evt_packer *p, evt_block_builder *alone, unsigned n)
{
	evt_packer_result *packed, *again;
	evt_buf want = { 0 };
	evt_error err;

	ok(evt_packer_wait(p, &packed, &err), &err);
	ok(evt_packer_wait(p, &again, &err), &err);
	assert_ptr_equal(packed, again);
	assert_int_equal(packed->first_seq, n * 100 + 1);
	assert_int_equal(packed->decoded, EVT_OK);
	assert_int_equal(packed->block.n, 1 + n * 5);
	evt_block_move(packed->bytes.data, uuid, 3, n, packed->first_seq);
	fill(alone, n * 100, 1 + n * 5);
	ok(evt_block_builder_encode(alone, uuid, 3, n, &want, NULL, &err),
	    &err);
	assert_int_equal(packed->bytes.len, want.len);
	assert_memory_equal(packed->bytes.data, want.data, want.len);
	evt_block_builder_clear(alone);
	evt_buf_free(&want);
	evt_packer_done(p);
}

/* As many as it takes, or one at a time. */
static void
check_order(size_t most)
{
	evt_block_builder *open, *alone;
	evt_packer *p;
	evt_error err;
	unsigned taken = 0;

	ok(evt_block_builder_new(2, &open, &err), &err);
	ok(evt_block_builder_new(2, &alone, &err), &err);
	ok(evt_packer_new(2, &p, &err), &err);
	for (unsigned n = 0; n < 40; n++) {
		if (!evt_packer_has_room(p) || evt_packer_blocks(p) == most)
			take(p, alone, taken++);
		fill(open, n * 100, 1 + n * 5);
		evt_packer_start(p, open);
		assert_int_equal(evt_block_builder_frames(open), 0);
		assert_int_equal(evt_packer_blocks(p), n + 1 - taken);
	}
	while (evt_packer_blocks(p) > 0)
		take(p, alone, taken++);
	assert_int_equal(taken, 40);
	evt_packer_free(p);
	evt_block_builder_free(open);
	evt_block_builder_free(alone);
}

TEST(blocks_come_out_one_after_the_other)
{
	check_order(1);
	check_order(2);
	check_order(SIZE_MAX);
}

TEST(freed_with_its_blocks)
{
	evt_block_builder *open;
	evt_packer *p;
	evt_error err;

	ok(evt_block_builder_new(2, &open, &err), &err);
	ok(evt_packer_new(2, &p, &err), &err);
	while (evt_packer_has_room(p)) {
		fill(open, 0, 500);
		evt_packer_start(p, open);
	}
	evt_packer_free(p);
	evt_block_builder_free(open);
	evt_packer_free(NULL);
	assert_int_equal(evt_packer_new(99, &p, &err), EVT_ERR_ARG);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		RUN(blocks_come_out_one_after_the_other),
		RUN(freed_with_its_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
