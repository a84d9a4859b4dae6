/* siphash.c - SipHash-2-4. */
#include "tools/evtape/scrub/siphash.h"

#include <string.h>

#include "format/base/le.h"

static uint64_t
siphash_rotate(uint64_t v, unsigned by)
{
	return v << by | v >> (64 - by);
}

static void
siphash_rounds(uint64_t v[4], int n)
{
	while (n-- > 0) {
		v[0] += v[1];
		v[1] = siphash_rotate(v[1], 13) ^ v[0];
		v[0] = siphash_rotate(v[0], 32);
		v[2] += v[3];
		v[3] = siphash_rotate(v[3], 16) ^ v[2];
		v[0] += v[3];
		v[3] = siphash_rotate(v[3], 21) ^ v[0];
		v[2] += v[1];
		v[1] = siphash_rotate(v[1], 17) ^ v[2];
		v[2] = siphash_rotate(v[2], 32);
	}
}

static void
siphash_take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	siphash_rounds(v, 2);
	v[0] ^= word;
}

uint64_t
siphash(const uint64_t key[2], const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint8_t last[8] = { 0 };
	uint64_t v[4] = {
		key[0] ^ UINT64_C(0x736f6d6570736575),
		key[1] ^ UINT64_C(0x646f72616e646f6d),
		key[0] ^ UINT64_C(0x6c7967656e657261),
		key[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t at = 0;

	for (; n - at >= 8; at += 8)
		siphash_take(v, evt_get64(p + at));
	if (n > at)
		memcpy(last, p + at, n - at);
	last[7] = (uint8_t)n;
	siphash_take(v, evt_get64(last));
	v[2] ^= 0xff;
	siphash_rounds(v, 4);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
