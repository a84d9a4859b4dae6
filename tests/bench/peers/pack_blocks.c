/*
 * pack_blocks.c - the upper bound of a recording's speed: only encoding the
 * blocks.
 *
 *     pack_blocks FILE
 *
 * Lines go into blocks of 1 MiB as a writer makes them, with one source that
 * never changes; nothing is scanned, written or indexed.  Prints the seconds
 * that were spent to encode them.
 */
#include <errno.h>
#include <stdio.h>

#include "format/store/block.h"
#include "tests/bench/peers/lib/peer.h"

#define BLOCK_BYTES (1u << 20)

struct packing {
	evt_block_builder *builder;
	evt_buf out;
	uint32_t blocks;
	int64_t ns;
	evt_error err;
};

static void
encode(struct packing *k)
{
	static const uint8_t uuid[16];
	int64_t began = peer_clock(CLOCK_MONOTONIC);

	if (evt_block_builder_encode(k->builder, uuid, 1, k->blocks++, &k->out,
	        NULL, &k->err) != EVT_OK)
		peer_die(k->err.text);
	k->ns += peer_clock(CLOCK_MONOTONIC) - began;
	evt_block_builder_clear(k->builder);
}

int
main(int argc, char **argv)
{
	static evt_key source = { "10001", 5, true };
	struct packing k = { 0 };
	const uint8_t *p, *end, *next;
	evt_buf file = { 0 };
	uint64_t seq = 0;

	if (argc != 2) {
		errno = 0;
		peer_die("usage: pack_blocks FILE");
	}
	peer_load(argv[1], &file);
	if (evt_block_builder_new(EVT_BLOCK_LEVEL_DEFAULT, &k.builder,
	        &k.err) != EVT_OK)
		peer_die(k.err.text);
	end = file.data + file.len;
	for (p = file.data; p < end; p = next) {
		size_t n = peer_line(p, end, &next);
		evt_frame f = { .seq = ++seq,
			.kind = EVT_KIND_RECEIVED,
			.opcode = EVT_OP_TEXT,
			.event = "state",
			.event_len = 5,
			.sources = &source,
			.n_sources = 1,
			.payload = p,
			.len = n };

		if (!evt_block_builder_fits(k.builder, n, BLOCK_BYTES))
			encode(&k);
		if (evt_block_builder_add(k.builder, &f, true, &k.err) !=
		    EVT_OK)
			peer_die(k.err.text);
	}
	if (evt_block_builder_frames(k.builder) > 0)
		encode(&k);
	printf("%.6f\n", (double)k.ns / 1e9);
	evt_block_builder_free(k.builder);
	evt_buf_free(&k.out);
	evt_buf_free(&file);
	return fflush(stdout) == 0 ? 0 : 1;
}
