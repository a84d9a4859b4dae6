/* utf8.h - UTF-8 as RFC 3629 defines it, in one piece or in several. */
#ifndef EVT_FORMAT_BASE_UTF8_H
#define EVT_FORMAT_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at p (1 to 4); 0 if there is no valid character before
 * `end`.  Overlong forms, surrogates and values above U+10FFFF are invalid. */
static inline size_t
evt_utf8_len(const uint8_t *p, const uint8_t *end)
{
	size_t left = (size_t)(end - p);

	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || left < 2 || (p[1] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xe0)
		return 2;
	if (left < 3 || (p[2] & 0xc0) != 0x80)
		return 0;
	if (p[0] < 0xf0) {
		if ((p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] > 0xf4 || left < 4 || (p[3] & 0xc0) != 0x80)
		return 0;
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return 4;
}

/* Write the character c (up to 0x1fffff) to q; returns its bytes, 1 to 4. */
static inline size_t
evt_utf8_put(uint8_t *q, unsigned c)
{
	if (c < 0x80) {
		q[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		q[0] = (uint8_t)(0xc0 | c >> 6);
		q[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		q[0] = (uint8_t)(0xe0 | c >> 12);
		q[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		q[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	q[0] = (uint8_t)(0xf0 | c >> 18);
	q[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	q[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	q[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* Check of a text that comes in pieces.  Zero-initialised, it is at the beginning
 * of a text. */
typedef struct evt_utf8_check {
	uint8_t need;   /* bytes of the character that are still to come */
	uint8_t lo, hi; /* the least and the greatest that may be next */
} evt_utf8_check;

/* Add a byte.  false: no valid text begins like this. */
static inline bool
evt_utf8_check_byte(evt_utf8_check *u, uint8_t c)
{
	if (u->need > 0) {
		if (c < u->lo || c > u->hi)
			return false;
		u->need--;
	} else if (c < 0x80) {
		return true;
	} else if (c < 0xc2 || c > 0xf4) {
		return false;
	} else {
		u->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		u->lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		u->hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		return true;
	}
	u->lo = 0x80;
	u->hi = 0xbf;
	return true;
}

/* Add the n bytes at p.  false: no valid text begins like this.  At the end of the
 * text, evt_utf8_check_whole() must be true as well. */
static inline bool
evt_utf8_check_add(evt_utf8_check *u, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!evt_utf8_check_byte(u, p[i]))
			return false;
	}
	return true;
}

/* Whether no character is cut off where the text ends now. */
static inline bool
evt_utf8_check_whole(const evt_utf8_check *u)
{
	return u->need == 0;
}

#endif
