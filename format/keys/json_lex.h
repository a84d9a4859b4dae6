/*
 * json_lex.h - the lexer of the key scanner.
 *
 * Each function gets the beginning of a token and the end of the text, and
 * returns the byte after the token, or NULL if the token is not well-formed.  So
 * the position stays in a register.  No byte at or after the end is read.
 *
 * Plain characters and digits are passed 16 (SSE2) or 8 bytes at a time.
 */
#ifndef EVT_FORMAT_KEYS_JSON_LEX_H
#define EVT_FORMAT_KEYS_JSON_LEX_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "format/base/sse2.h"
#include "format/base/utf8.h"

static __attribute__((noinline)) const uint8_t *
evt_pass_space_run(bool *line_break, const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p++) {
		if (*p == '\n' || *p == '\r')
			*line_break = true;
		else if (*p != ' ' && *p != '\t')
			break;
	}
	return p;
}

static inline const uint8_t *
evt_pass_space(bool *line_break, const uint8_t *p, const uint8_t *end)
{
	if (p < end && *p <= ' ')
		return evt_pass_space_run(line_break, p, end);
	return p;
}

/* The first byte from p that is '"', '\', a control character or not ASCII. */
static inline const uint8_t *
evt_pass_plain(const uint8_t *p, const uint8_t *end)
{
#if EVT_SSE2
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* Signed bytes: those past ASCII are negative, and those below
		 * the space become so. */
		__m128i odd = _mm_or_si128(_mm_subs_epi8(v, _mm_set1_epi8(' ')),
		    _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
		        _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))));
		unsigned bits = (unsigned)_mm_movemask_epi8(odd);

		if (bits != 0)
			return p + __builtin_ctz(bits);
	}
#else
	const uint64_t ones = UINT64_C(0x0101010101010101);

	for (; end - p >= 8; p += 8) {
		uint64_t v, q, b;

		memcpy(&v, p, 8);
		q = v ^ ones * '"';
		b = v ^ ones * '\\';
		/* The top bit of a byte is set where a subtraction borrowed:
		 * at the first odd byte, and perhaps falsely after it. */
		if (((q - ones) | (b - ones) | (v - ones * ' ') | v) &
		    ones * 0x80)
			break;
	}
#endif
	while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* The value of four hexadecimal digits; -1 if they are not four digits. */
static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v * 16 + (low - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static const uint8_t *
pass_escape(const uint8_t *p, const uint8_t *end)
{
	int unit;

	if (end - p < 2)
		return NULL;
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return NULL;
	}
	unit = hex4(p + 2, end);
	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return NULL;
	if (unit < 0xd800 || unit > 0xdbff)
		return p + 6;
	/* A high surrogate: a low one must follow. */
	if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return NULL;
	unit = hex4(p + 8, end);
	return unit >= 0xdc00 && unit <= 0xdfff ? p + 12 : NULL;
}

/* An escape, or a run of characters past ASCII. */
static __attribute__((noinline)) const uint8_t *
evt_pass_odd(const uint8_t *p, const uint8_t *end)
{
	if (*p == '\\')
		return pass_escape(p, end);
	if (*p < 0x80)
		return NULL; /* a control character */
	do {
		size_t n = evt_utf8_len(p, end);

		if (n == 0)
			return NULL;
		p += n;
	} while (p < end && *p >= 0x80);
	return p;
}

/* The rest of a string, from its first byte that is not plain. */
static __attribute__((noinline)) const uint8_t *
evt_pass_odd_string(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != '"') {
		p = evt_pass_odd(p, end);
		if (p == NULL)
			return NULL;
		p = evt_pass_plain(p, end);
	}
	return p < end ? p + 1 : NULL;
}

/* A string, from after its opening quote to after its closing one. */
static inline const uint8_t *
evt_pass_string_inline(const uint8_t *p, const uint8_t *end)
{
	p = evt_pass_plain(p, end);
	if (p < end && *p == '"')
		return p + 1;
	return evt_pass_odd_string(p, end);
}

static __attribute__((noinline)) const uint8_t *
evt_pass_string(const uint8_t *p, const uint8_t *end)
{
	return evt_pass_string_inline(p, end);
}

static inline bool
is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

/* At least one digit. */
static inline const uint8_t *
evt_pass_digits(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

#if EVT_SSE2
	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* As many above '0' as 10 or more: up to 128 and more. */
		__m128i other =
		    _mm_adds_epu8(_mm_sub_epi8(v, _mm_set1_epi8('0')),
		        _mm_set1_epi8(128 - 10));
		unsigned bits = (unsigned)_mm_movemask_epi8(other);

		if (bits != 0) {
			p += __builtin_ctz(bits);
			return p == from ? NULL : p;
		}
	}
#endif
	while (p < end && is_digit(*p))
		p++;
	return p == from ? NULL : p;
}

/* A number, from after its minus sign. */
static __attribute__((noinline)) const uint8_t *
evt_pass_number(const uint8_t *p, const uint8_t *end)
{
	if (p < end && *p == '0') {
		p++;
	} else {
		p = evt_pass_digits(p, end);
		if (p == NULL)
			return NULL;
	}
	if (p < end && *p == '.') {
		p = evt_pass_digits(p + 1, end);
		if (p == NULL)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = evt_pass_digits(p, end);
	}
	return p;
}

static inline const uint8_t *
evt_pass_word(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 4)
		return NULL;
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	if (end - p > 4 && memcmp(p, "false", 5) == 0)
		return p + 5;
	return NULL;
}

/* A value that is not a container, at p before the end. */
static inline const uint8_t *
evt_pass_scalar(const uint8_t *p, const uint8_t *end)
{
	if (*p == '"')
		return evt_pass_string(p + 1, end);
	/* Two calls, so that the digits do not depend on the sign. */
	if (is_digit(*p))
		return evt_pass_number(p, end);
	if (*p == '-')
		return evt_pass_number(p + 1, end);
	return evt_pass_word(p, end);
}

/* Several such values, with nothing but commas between. */
static __attribute__((noinline, unused)) const uint8_t *
evt_pass_scalars(const uint8_t *p, const uint8_t *end)
{
	for (;;) {
		p = evt_pass_scalar(p, end);
		if (p == NULL)
			return NULL;
		/* The inputs and outputs of a device are mostly these. */
		while (end - p >= 6 && memcmp(p, ",fal", 4) == 0 &&
		    memcmp(p + 4, "se", 2) == 0)
			p += 6;
		if (end - p < 2 || *p != ',' || p[1] <= ' ' || p[1] == '{' ||
		    p[1] == '[')
			return p;
		p++;
	}
}

#endif
