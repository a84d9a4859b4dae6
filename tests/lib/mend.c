/* mend.c - see mend.h. */
#include "tests/lib/mend.h"

#include <string.h>

#include <xxhash.h>

#include "format/store/layout.h"
#include "format/base/le.h"

void
mend_sums(uint8_t *p, size_t n)
{
	uint8_t *h = p + EVT_SKIP_LEN;
	size_t there = n - EVT_SKIP_LEN - BH_LEN;
	uint64_t contents = (uint64_t)evt_get32(h + BH_META_STORED) +
	    evt_get32(h + BH_LINES_STORED);

	if (contents <= there)
		evt_put64(h + BH_CONTENTS_SUM,
		    XXH64(h + BH_LEN, (size_t)contents, 0));
	evt_put32(p + 4, BH_LEN + evt_get32(h + BH_META_STORED));
	evt_put64(h + BH_HEADER_SUM, XXH64(h, BH_HEADER_SUM, 0));
}

bool
mend_block(uint8_t *p, size_t n)
{
	uint8_t *h = p + EVT_SKIP_LEN;

	if (n < EVT_SKIP_LEN + BH_LEN)
		return false;
	evt_put32(p, EVT_SKIP_MAGIC);
	memcpy(h + BH_MAGIC, EVT_BLOCK_MAGIC, 8);
	evt_put16(h + BH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(h + BH_SIZE, BH_LEN);
	evt_put32(h + BH_INCOMPAT, 0);
	evt_put16(h + BH_ENCODING, EVT_ENCODING_LINES);
	mend_sums(p, n);
	return true;
}

static void
sum_directory(uint8_t *p, size_t n)
{
	uint32_t size;
	uint8_t *d;

	if (n < EVT_SKIP_LEN + DH_LEN + DT_LEN ||
	    memcmp(p + n - 4, EVT_DIR_END, 4) != 0)
		return;
	size = evt_get32(p + n - DT_LEN + DT_SIZE);
	if (size < DH_LEN + DT_LEN || size > n - EVT_SKIP_LEN)
		return;
	d = p + n - size;
	evt_put32(d - 4, size);
	evt_put64(p + n - DT_LEN, XXH64(d, size - DT_LEN, 0));
}

void
mend_segment(uint8_t *p, size_t n)
{
	/* From the end, so that the sums of containers are computed last. */
	for (size_t at = n; at-- > 0;) {
		size_t left = n - at;

		if (left >= EVT_SKIP_LEN + BH_LEN &&
		    evt_get32(p + at) == EVT_SKIP_MAGIC &&
		    memcmp(p + at + EVT_SKIP_LEN, EVT_BLOCK_MAGIC, 8) == 0)
			mend_sums(p + at, left);
	}
	sum_directory(p, n);
}

void
mend_journal(uint8_t *p, size_t n, uint64_t first_seq)
{
	size_t at = JH_LEN;

	if (n < JH_LEN)
		return;
	memcpy(p + JH_MAGIC, EVT_JOURNAL_MAGIC, 8);
	evt_put16(p + JH_VERSION, EVT_FORMAT_VERSION);
	evt_put16(p + JH_SIZE, JH_LEN);
	evt_put32(p + JH_INCOMPAT, 0);
	evt_put64(p + JH_FIRST_SEQ, first_seq);
	evt_put64(p + JH_SUM, XXH64(p, JH_SUM, 0));
	for (uint64_t seq = first_seq; n - at >= JR_HEAD; seq++) {
		uint32_t len = evt_get32(p + at + JR_BODY);

		if (len > n - at - JR_HEAD)
			return;
		evt_put64(p + at + JR_SUM, XXH64(p + at + JR_HEAD, len, seq));
		at += JR_HEAD + (size_t)len;
	}
}
