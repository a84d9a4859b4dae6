/* find_text.c - see find_text.h. */
#include "format/find/find_text.h"

#include <assert.h>

#include "format/base/utf8.h"

/* The small letter of a capital. */
static unsigned
find_text_small(unsigned c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) ||    /* À to Þ */
	    (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || /* Greek */
	    (c >= 0x410 && c <= 0x42f))                 /* Cyrillic */
		return c + 32;
	if (c >= 0x400 && c <= 0x40f)
		return c + 80;
	if (c == 0x178)
		return 0xff;
	/* In pairs: the capital is even, or odd where a single one is between. */
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c + (c & 1);
	if ((c >= 0x100 && c <= 0x177 && c != 0x130 && c != 0x131 &&
	        c != 0x138 && c != 0x149) ||
	    (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) ||
	    (c >= 0x4d0 && c <= 0x52f) || (c >= 0x1e00 && c <= 0x1e95) ||
	    (c >= 0x1ea0 && c <= 0x1eff))
		return c | 1;
	return c;
}

static unsigned
find_text_decode(const uint8_t *p, size_t len)
{
	unsigned c = len == 1 ? p[0] : p[0] & (0xffu >> (len + 1));

	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

bool
evt_find_text_fold(evt_buf *out, const void *text, size_t n)
{
	const uint8_t *p = text, *end;

	assert(out != NULL && (text != NULL || n == 0));
	/* No small letter is longer than its capital. */
	if (n == 0 || !evt_buf_reserve(out, n))
		return n == 0;
	end = p + n;
	while (p < end) {
		size_t len = evt_utf8_len(p, end);

		if (len == 0) {
			out->data[out->len++] = *p++;
			continue;
		}
		out->len += evt_utf8_put(out->data + out->len,
		    find_text_small(find_text_decode(p, len)));
		p += len;
	}
	return true;
}
