/* xml.c - write text and numbers for XML. */
#include "tools/evtape/lib/xml.h"

#include <string.h>

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

/* XML 1.0 cannot hold control characters, U+FFFE and U+FFFF, even escaped.
 * Returns the bytes of such a character; 0: it is allowed. */
static size_t
xml_forbidden(const char *text, size_t n)
{
	if ((unsigned char)text[0] < ' ')
		return 1;
	return n >= 3 &&
	        (memcmp(text, "\xef\xbf\xbe", 3) == 0 ||
	            memcmp(text, "\xef\xbf\xbf", 3) == 0) ?
	    3 :
	    0;
}

bool
xml_add_text(evt_buf *out, const char *text, size_t n)
{
	bool ok = true;
	size_t skip;

	for (size_t i = 0; i < n && ok; i++) {
		char c = text[i];

		skip = xml_forbidden(text + i, n - i);
		if (skip > 0) {
			ok = evt_buf_add_str(out, "\xef\xbf\xbd");
			i += skip - 1;
		} else if (c == '<')
			ok = evt_buf_add_str(out, "&lt;");
		else if (c == '&')
			ok = evt_buf_add_str(out, "&amp;");
		else if (c == '>')
			ok = evt_buf_add_str(out, "&gt;");
		else if (c == '"')
			ok = evt_buf_add_str(out, "&quot;");
		else
			ok = evt_buf_add_byte(out, (uint8_t)c);
	}
	return ok;
}
