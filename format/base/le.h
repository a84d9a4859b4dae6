/* le.h - little-endian integers and varints in byte buffers. */
#ifndef EVT_FORMAT_BASE_LE_H
#define EVT_FORMAT_BASE_LE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline void
evt_put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
}

static inline void
evt_put32(uint8_t *p, uint32_t v)
{
	evt_put16(p, (uint16_t)v);
	evt_put16(p + 2, (uint16_t)(v >> 16));
}

static inline void
evt_put64(uint8_t *p, uint64_t v)
{
	evt_put32(p, (uint32_t)v);
	evt_put32(p + 4, (uint32_t)(v >> 32));
}

static inline uint16_t
evt_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t
evt_get32(const uint8_t *p)
{
	return evt_get16(p) | (uint32_t)evt_get16(p + 2) << 16;
}

static inline uint64_t
evt_get64(const uint8_t *p)
{
	return evt_get32(p) | (uint64_t)evt_get32(p + 4) << 32;
}

/* Longest varint: 64 bits in groups of 7. */
#define EVT_VARINT_MAX 10

/* Unsigned LEB128; returns the bytes written. */
static inline size_t
evt_put_varint(uint8_t *p, uint64_t v)
{
	size_t n = 0;

	while (v >= 0x80) {
		p[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	p[n++] = (uint8_t)v;
	return n;
}

/* Read a varint at *p and step over it.  false: it is cut off by `end` or
 * does not fit 64 bits. */
static inline bool
evt_get_varint(const uint8_t **p, const uint8_t *end, uint64_t *ret_v)
{
	const uint8_t *q = *p;
	uint64_t v = 0;
	unsigned shift = 0;

	for (;;) {
		if (q == end || shift > 63 || (shift == 63 && *q > 1))
			return false;
		v |= (uint64_t)(*q & 0x7f) << shift;
		if (*q++ < 0x80)
			break;
		shift += 7;
	}
	*p = q;
	*ret_v = v;
	return true;
}

/* Signed values as unsigned ones, small when the value is near zero.  The
 * arithmetic wraps, so that any difference of two int64_t survives. */
static inline uint64_t
evt_zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static inline uint64_t
evt_unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

#endif
