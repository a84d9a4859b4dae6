/* buf.c - see buf.h. */
#include "format/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/utf8.h"

bool
evt_buf_reserve(evt_buf *b, size_t n)
{
	size_t want, cap;
	uint8_t *data;

	if (n <= b->cap - b->len)
		return true;
	if (n > SIZE_MAX / 2 - b->len)
		return false;
	want = b->len + n;
	cap = b->cap + b->cap / 2;
	if (cap < want)
		cap = want;
	if (cap < 64)
		cap = 64;
	data = realloc(b->data, cap);
	if (data == NULL)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

bool
evt_buf_add(evt_buf *b, const void *p, size_t n)
{
	if (!evt_buf_reserve(b, n))
		return false;
	if (n > 0)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return true;
}

bool
evt_buf_add_str(evt_buf *b, const char *s)
{
	return evt_buf_add(b, s, strlen(s));
}

bool
evt_buf_add_byte(evt_buf *b, uint8_t c)
{
	return evt_buf_add(b, &c, 1);
}

bool
evt_buf_printf(evt_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !evt_buf_reserve(b, (size_t)n + 1))
		return false;
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
	return true;
}

static bool
buf_add_json_char(evt_buf *b, uint8_t c)
{
	switch (c) {
	case '"':
		return evt_buf_add(b, "\\\"", 2);
	case '\\':
		return evt_buf_add(b, "\\\\", 2);
	case '\n':
		return evt_buf_add(b, "\\n", 2);
	case '\r':
		return evt_buf_add(b, "\\r", 2);
	case '\t':
		return evt_buf_add(b, "\\t", 2);
	default:
		return c < 0x20 ? evt_buf_printf(b, "\\u%04x", c) :
		                  evt_buf_add_byte(b, c);
	}
}

bool
evt_buf_add_json(evt_buf *b, const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s, *end = p + n;
	bool ok = evt_buf_add_byte(b, '"');

	while (ok && p < end) {
		size_t k = evt_utf8_len(p, end);

		if (k == 1)
			ok = buf_add_json_char(b, *p);
		else if (k > 1)
			ok = evt_buf_add(b, p, k);
		else
			ok = evt_buf_add(b, "\xef\xbf\xbd", 3);
		p += k > 0 ? k : 1;
	}
	return ok && evt_buf_add_byte(b, '"');
}

static const uint8_t base64[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool
evt_buf_add_base64(evt_buf *b, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint8_t *o;

	if (!evt_buf_reserve(b, (n + 2) / 3 * 4))
		return false;
	o = b->data + b->len;
	for (; n > 0; p += 3, o += 4) {
		uint32_t v = (uint32_t)p[0] << 16 |
		    (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0u);

		o[0] = base64[v >> 18];
		o[1] = base64[v >> 12 & 63];
		o[2] = n > 1 ? base64[v >> 6 & 63] : '=';
		o[3] = n > 2 ? base64[v & 63] : '=';
		n -= n < 3 ? n : 3;
	}
	b->len = (size_t)(o - b->data);
	return true;
}

bool
evt_buf_add_unbase64(evt_buf *b, const void *text, size_t n, bool *ret_valid)
{
	const uint8_t *p = text;
	size_t was = b->len, pad = 0;
	uint32_t v = 0;

	*ret_valid = n % 4 == 0;
	if (!*ret_valid)
		return true;
	if (!evt_buf_reserve(b, n / 4 * 3))
		return false;
	for (size_t i = 0; i < n; i++) {
		const uint8_t *at = p[i] != '\0' ?
		    memchr(base64, p[i], sizeof(base64) - 1) :
		    NULL;

		if (p[i] == '=' && i + 2 >= n)
			pad++;
		else if (at == NULL || pad > 0) {
			*ret_valid = false;
			b->len = was;
			return true;
		}
		v = v << 6 | (at != NULL ? (uint32_t)(at - base64) : 0);
		if (i % 4 == 3) {
			b->data[b->len++] = (uint8_t)(v >> 16);
			b->data[b->len++] = (uint8_t)(v >> 8);
			b->data[b->len++] = (uint8_t)v;
			v = 0;
		}
	}
	b->len -= pad;
	return true;
}

void
evt_buf_free(evt_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
