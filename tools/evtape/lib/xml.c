/* xml.c - write text and numbers for XML. */
#include "tools/evtape/lib/xml.h"

#include <string.h>

#include "format/base/utf8.h"

bool
xml_add_decimal(evt_buf *out, double value, int digits)
{
	size_t at = out->len;

	if (!evt_buf_printf(out, "%.*g", digits, value))
		return false;
	if (memchr(out->data + at, 'e', out->len - at) == NULL)
		return true;
	out->len = at;
	if (!evt_buf_printf(out, "%.*f", digits, value))
		return false;
	while (out->data[out->len - 1] == '0')
		out->len--;
	out->len -= out->data[out->len - 1] == '.';
	return true;
}

/* How the character of n bytes at p is written; NULL: as it is. */
static const char *
xml_escape(const uint8_t *p, size_t n)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

	switch (p[0]) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		break;
	}
	/* Control characters, U+FFFE and U+FFFF are not allowed, even
	 * escaped. */
	if (n == 0 || p[0] < ' ' ||
	    (n == 3 && p[0] == 0xef && p[1] == 0xbf && p[2] >= 0xbe))
		return replacement;
	return NULL;
}

bool
xml_add_text(evt_buf *out, const char *text, size_t n)
{
	const uint8_t *p = (const uint8_t *)text, *end = p + n;
	bool ok = true;

	while (p < end && ok) {
		size_t len = evt_utf8_len(p, end);
		const char *escape = xml_escape(p, len);

		ok = escape != NULL ? evt_buf_add_str(out, escape) :
		                      evt_buf_add(out, p, len);
		p += len > 0 ? len : 1;
	}
	return ok;
}
