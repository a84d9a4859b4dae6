/* shown.c - see shown.h. */
#include "format/base/shown.h"

#include <stdint.h>
#include <string.h>

#include "format/base/utf8.h"

/* The number of bytes of the character at p, and the character; 0: not UTF-8. */
static size_t
shown_decode(const uint8_t *p, size_t n, uint32_t *ret)
{
	evt_utf8_check check = { 0 };
	size_t i = 0;

	do {
		if (i == n || !evt_utf8_check_add(&check, p + i, 1))
			return 0;
		i++;
	} while (!evt_utf8_check_whole(&check));
	*ret = i == 1 ? p[0] : p[0] & (0x7fu >> i);
	for (size_t k = 1; k < i; k++)
		*ret = *ret << 6 | (p[k] & 0x3f);
	return i;
}

static bool
shown_is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c ||
	    c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

size_t
evt_shown_length(const char *p, size_t n)
{
	uint32_t c = 0;
	size_t len = shown_decode((const uint8_t *)p, n, &c);

	return shown_is_control(c) ? 0 : len;
}

/* `kept`: control characters that stay. */
static bool
shown_add(evt_buf *out, const char *text, size_t n, const char *kept)
{
	const uint8_t *p = (const uint8_t *)text;
	bool ok = true;

	for (size_t i = 0; i < n && ok;) {
		uint32_t c = 0;
		size_t len = shown_decode(p + i, n - i, &c);

		if (len == 0)
			ok = evt_buf_printf(out, "\\x%02x", (unsigned)p[i]);
		else if (shown_is_control(c) &&
		    (c == 0 || c > 0x7f || strchr(kept, (int)c) == NULL))
			ok = evt_buf_printf(out, "\\u%04x", (unsigned)c);
		else
			ok = evt_buf_add(out, p + i, len);
		i += len > 0 ? len : 1;
	}
	return ok;
}

bool
evt_shown_add_lines(evt_buf *out, const char *text, size_t n)
{
	return shown_add(out, text, n, "\n\t");
}

bool
evt_shown_add(evt_buf *out, const char *text, size_t n, size_t width)
{
	size_t from = out->len;
	bool ok = shown_add(out, text, n, "");

	while (ok && out->len - from < width)
		ok = evt_buf_add_byte(out, ' ');
	return ok;
}
