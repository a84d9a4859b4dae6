/* source_id.c - source ids as people write and read them. */
#include "format/keys/source_id.h"

#include <assert.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/shown.h"

static const char label[] = "label:";

/* ---- writing ------------------------------------------------------------- */

bool
evt_source_id_is_number(const char *text, size_t len)
{
	size_t at = len > 0 && text[0] == '-';

	/* At most 19 digits, and no leading zero. */
	if (len == at || len - at > 19 || (text[at] == '0' && len > 1))
		return false;
	for (; at < len; at++) {
		if (text[at] < '0' || text[at] > '9')
			return false;
	}
	return true;
}

static bool
source_id_write_byte(evt_buf *out, char c, bool shown)
{
	switch (c) {
	case '\n':
		return evt_buf_add_str(out, "\\n");
	case '\r':
		return evt_buf_add_str(out, "\\r");
	case '\t':
		return evt_buf_add_str(out, "\\t");
	case ',':
	case '\\':
		return evt_buf_printf(out, "\\%c", c);
	default:
		if (!shown)
			return evt_buf_printf(out, "\\x%02x", (unsigned char)c);
		return evt_buf_add_byte(out, (uint8_t)c);
	}
}

bool
evt_source_id_write(evt_buf *out, const evt_key *key)
{
	const size_t n = sizeof(label) - 1;
	bool ok = true;

	assert(
	    out != NULL && key != NULL && (key->text != NULL || key->len == 0));
	if (!key->is_int && evt_source_id_is_number(key->text, key->len))
		return evt_buf_printf(out, "\"%.*s\"", (int)key->len,
		    key->text);
	if ((key->len > 0 && key->text[0] == '"') ||
	    (key->len >= n && memcmp(key->text, label, n) == 0))
		ok = evt_buf_add_byte(out, '\\');
	for (uint32_t i = 0; i < key->len && ok;) {
		size_t len = evt_shown_length(key->text + i, key->len - i);

		ok = len > 1 ? evt_buf_add(out, key->text + i, len) :
		               source_id_write_byte(out, key->text[i], len > 0);
		i += len > 0 ? (uint32_t)len : 1;
	}
	return ok;
}

/* ---- reading ------------------------------------------------------------- */

static int
source_id_hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Read the character at *p, after a backslash; -1: it is not valid there. */
static int
source_id_unescape(const char **p)
{
	const char *at = *p;
	int high, low;

	*p = at + (*at != '\0');
	switch (*at) {
	case '\0':
		return -1;
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'x':
		high = source_id_hex(at[1]);
		low = high >= 0 ? source_id_hex(at[2]) : -1;
		*p = low >= 0 ? at + 3 : at + 1;
		return low >= 0 && high + low > 0 ? high << 4 | low : -1;
	default:
		return (unsigned char)*at;
	}
}

/* Read up to the end of an element: a comma, or with `quoted` a quote. */
static int
source_id_read(const char **text, bool quoted, evt_buf *out, evt_error *err)
{
	const char *p = *text;
	char end = quoted ? '"' : ',';

	while (*p != '\0' && *p != end) {
		int c = (unsigned char)*p++;

		if (c == '\\')
			c = source_id_unescape(&p);
		if (c < 0)
			return evt_err_set(err, EVT_ERR_ARG,
			    "bad escape in '%.80s': write \\\\ for a backslash",
			    *text);
		if (!evt_buf_add_byte(out, (uint8_t)c))
			return evt_err_nomem(err);
	}
	if (quoted && (*p != '"' || (p[1] != ',' && p[1] != '\0')))
		return evt_err_set(err, EVT_ERR_ARG,
		    "no quote at the end of '%.80s': write \\\" for an id that "
		    "begins with a quote",
		    *text);
	*text = p + quoted;
	return EVT_OK;
}

int
evt_source_id_next(const char **text, evt_buf *out,
    enum evt_source_id_kind *ret_kind, evt_error *err)
{
	const char *p = *text;
	enum evt_source_id_kind kind = EVT_SOURCE_ID_ANY;
	int r;

	assert(p != NULL && out != NULL && ret_kind != NULL);
	p += strspn(p, ",");
	out->len = 0;
	if (*p == '\0')
		return EVT_END;
	if (*p == '"') {
		kind = EVT_SOURCE_ID_TEXT;
		p++;
	} else if (strncmp(p, label, sizeof(label) - 1) == 0) {
		kind = EVT_SOURCE_ID_LABEL;
		p += sizeof(label) - 1;
	}
	r = source_id_read(&p, kind == EVT_SOURCE_ID_TEXT, out, err);
	if (r != EVT_OK)
		return r;
	if (out->len > EVT_KEY_MAX && kind != EVT_SOURCE_ID_LABEL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a source id of %zu bytes is too long (at most %u)",
		    out->len, EVT_KEY_MAX);
	if (!evt_buf_add_byte(out, '\0'))
		return evt_err_nomem(err);
	*text = p;
	*ret_kind = kind;
	return EVT_OK;
}
