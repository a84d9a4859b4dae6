/*
 * fuzz_block.c - a block with any bytes is read or refused.
 *
 * fuzz-seeds: tests/golden/v1.tape/000001.ndjson.zst tests/golden/v1.tape/000002.ndjson.zst
 *
 * Each input is tried as it is, and once more with correct checksums. The
 * mutator of the inputs knows the block: it decompresses the metadata, alters
 * them or the header, and compresses them again.
 */
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "format/store/block.h"
#include "format/base/buf.h"
#include "format/store/layout.h"
#include "format/base/le.h"
#include "tests/fuzz/lib/scratch.h"
#include "tests/lib/mend.h"

#define HEAD (EVT_SKIP_LEN + BH_LEN)
#define RAW_MAX 65536 /* metadata that is altered when opened */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed);

/* Look at each byte, so that the sanitizer does. */
static uint64_t
touch(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint64_t sum = n;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + b[i];
	return sum;
}

static uint64_t
touch_frame(const evt_block_head *head, uint32_t i, const evt_frame *f)
{
	uint64_t sum = touch(f->payload, f->len);

	must(f->seq == head->first_seq + i && f->kind <= EVT_KIND_MARK);
	must(f->len <= EVT_PAYLOAD_MAX && f->event_len <= EVT_KEY_MAX);
	must(f->event != NULL || f->event_len == 0);
	sum += touch(f->event, f->event_len);
	for (size_t k = 0; k < f->n_sources; k++) {
		must(f->sources[k].len <= EVT_KEY_MAX);
		sum += touch(f->sources[k].text, f->sources[k].len);
	}
	return sum;
}

/* Read all frames; a checksum of their contents. */
static uint64_t
touch_frames(evt_block *b, uint32_t n)
{
	uint64_t sum = 0;
	evt_frame f;

	must(b->n == b->head.frames);
	for (uint32_t i = 0; i < n; i++) {
		must(evt_block_frame(b, i, &f, NULL) == EVT_OK);
		sum = sum * 31 + touch_frame(&b->head, i, &f);
	}
	return sum;
}

static void
refused(int code, const evt_error *err)
{
	must(code == EVT_ERR_CORRUPT || code == EVT_ERR_VERSION);
	must(err->code == code && err->text[0] != '\0');
	must(strchr(err->text, '\n') == NULL);
}

static void
check(const uint8_t *p, size_t n)
{
	evt_block_head head;
	evt_block b = { 0 };
	evt_error err;
	uint64_t whole;
	int r = evt_block_head_read(p, n, "it", &head, &err);

	if (r != EVT_OK) {
		refused(r, &err);
		return;
	}
	must(head.stored >= HEAD && head.frames > 0);
	if (head.stored > n)
		return;
	r = evt_block_load(&b, &head, p, true, "it", &err);
	if (r != EVT_OK) {
		refused(r, &err);
	} else {
		/* The lines later, into memory that is used: the same. */
		whole = touch_frames(&b, b.n);
		must(evt_block_load(&b, &head, p, false, "it", &err) == EVT_OK);
		must(evt_block_load_lines(&b, p, b.n, "it", &err) == EVT_OK);
		must(touch_frames(&b, b.n) == whole);
		/* And as far as a frame in the middle. */
		must(
		    evt_block_load_lines(&b, p, b.n / 2, "it", &err) == EVT_OK);
		(void)touch_frames(&b, b.n / 2);
	}
	evt_block_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	check(data, size);
	/* A copy of its exact size, so that reading past it is seen. */
	copy = malloc(size > 0 ? size : 1);
	must(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	if (mend_block(copy, size))
		check(copy, size);
	free(copy);
	return 0;
}

/* ---- inputs ---------------------------------------------------------------------- */

/* The block at p with other metadata, in at most `max` bytes; 0: no room. */
static size_t
put_meta(uint8_t *p, size_t max, const uint8_t *raw, size_t n)
{
	uint8_t *h = p + EVT_SKIP_LEN;
	uint32_t meta = evt_get32(h + BH_META_STORED);
	uint32_t lines = evt_get32(h + BH_LINES_STORED);
	size_t bound = ZSTD_compressBound(n), len;
	uint8_t *packed = malloc(bound);
	size_t size = 0;

	must(packed != NULL);
	len = ZSTD_compress(packed, bound, raw, n, 1);
	must(!ZSTD_isError(len));
	if (HEAD + len + lines <= max) {
		memmove(p + HEAD + len, p + HEAD + meta, lines);
		memcpy(p + HEAD, packed, len);
		evt_put32(h + BH_META_STORED, (uint32_t)len);
		evt_put32(h + BH_META_RAW, (uint32_t)n);
		size = HEAD + len + lines;
	}
	free(packed);
	return size;
}

/* Alter the metadata within their compression; 0: the block has none. */
static size_t
alter_meta(uint8_t *p, size_t size, size_t max)
{
	uint8_t *h = p + EVT_SKIP_LEN, *raw;
	size_t meta, lines, n;

	if (size < HEAD)
		return 0;
	meta = evt_get32(h + BH_META_STORED);
	lines = evt_get32(h + BH_LINES_STORED);
	if (meta > size - HEAD || lines > size - HEAD - meta)
		return 0;
	raw = malloc(RAW_MAX);
	must(raw != NULL);
	n = ZSTD_decompress(raw, RAW_MAX, p + HEAD, meta);
	size = 0;
	if (!ZSTD_isError(n)) {
		n = LLVMFuzzerMutate(raw, n, RAW_MAX);
		size = put_meta(p, max, raw, n);
	}
	free(raw);
	return size;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
    unsigned seed)
{
	size_t n = 0;

	if (seed % 8 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	if (seed % 4 == 1 && size >= HEAD) {
		/* The numbers of the header; its identity is of no matter. */
		LLVMFuzzerMutate(data + EVT_SKIP_LEN + BH_FIRST_SEQ,
		    BH_CONTENTS_SUM - BH_FIRST_SEQ,
		    BH_CONTENTS_SUM - BH_FIRST_SEQ);
		n = size;
	} else {
		n = alter_meta(data, size, max_size);
	}
	if (n == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	mend_block(data, n);
	return n;
}
