/* json_view.c - see json_view.h. */
#include "format/base/json_view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/utf8.h"

static const uint8_t *
json_view_skip_space(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* Skip a string from its opening quote to after its closing one. */
static const uint8_t *
json_view_skip_string(const uint8_t *p, const uint8_t *end)
{
	for (p++; p < end; p++) {
		p = memchr(p, '"', (size_t)(end - p));
		if (p == NULL)
			return end;
		/* A quote after an odd number of backslashes is escaped. */
		size_t n = 0;

		while (p[-1 - (ptrdiff_t)n] == '\\')
			n++;
		if (n % 2 == 0)
			return p + 1;
	}
	return end;
}

/* A container: strings hide brackets, else they balance. */
static const uint8_t *
json_view_skip_container(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;

	while (p < end) {
		if (*p == '"') {
			p = json_view_skip_string(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
		p++;
	}
	return end;
}

static const uint8_t *
json_view_skip_value(const uint8_t *p, const uint8_t *end)
{
	if (p == end)
		return end;
	if (*p == '"')
		return json_view_skip_string(p, end);
	if (*p == '{' || *p == '[')
		return json_view_skip_container(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p > ' ')
		p++;
	return p;
}

evt_json_view
evt_json_view_make(const uint8_t *p, size_t n)
{
	const uint8_t *end, *from;

	assert(p != NULL || n == 0);
	if (n == 0)
		return (evt_json_view){ NULL, 0 };
	end = p + n;
	from = json_view_skip_space(p, end);
	return from == end ?
	    (evt_json_view){ NULL, 0 } :
	    (evt_json_view){ from,
		    (size_t)(json_view_skip_value(from, end) - from) };
}

enum evt_json_view_kind
evt_json_view_kind(evt_json_view v)
{
	if (v.p == NULL || v.n == 0)
		return EVT_JSON_VIEW_NONE;
	switch (*v.p) {
	case '{':
		return EVT_JSON_VIEW_OBJECT;
	case '[':
		return EVT_JSON_VIEW_ARRAY;
	case '"':
		return EVT_JSON_VIEW_STRING;
	case 't':
	case 'f':
		return EVT_JSON_VIEW_BOOL;
	case 'n':
		return EVT_JSON_VIEW_NULL;
	default:
		return EVT_JSON_VIEW_NUMBER;
	}
}

evt_json_view_walk
evt_json_view_walk_begin(evt_json_view v)
{
	enum evt_json_view_kind kind = evt_json_view_kind(v);

	if (v.n < 2 ||
	    (kind != EVT_JSON_VIEW_OBJECT && kind != EVT_JSON_VIEW_ARRAY))
		return (evt_json_view_walk){ NULL, NULL, false };
	return (evt_json_view_walk){ v.p + 1, v.p + v.n - 1,
		kind == EVT_JSON_VIEW_OBJECT };
}

static evt_json_view
json_view_take(evt_json_view_walk *w)
{
	const uint8_t *from = json_view_skip_space(w->p, w->end);

	w->p = json_view_skip_value(from, w->end);
	return (evt_json_view){ from, (size_t)(w->p - from) };
}

bool
evt_json_view_walk_next(evt_json_view_walk *w, evt_json_view *ret_name,
    evt_json_view *ret_value)
{
	w->p = json_view_skip_space(w->p, w->end);
	if (w->p < w->end && *w->p == ',')
		w->p++;
	w->p = json_view_skip_space(w->p, w->end);
	if (w->p == w->end)
		return false;
	*ret_name = (evt_json_view){ NULL, 0 };
	if (w->object) {
		*ret_name = json_view_take(w);
		w->p = json_view_skip_space(w->p, w->end);
		if (w->p < w->end && *w->p == ':')
			w->p++;
	}
	*ret_value = json_view_take(w);
	return ret_value->n > 0;
}

/* ---- strings ------------------------------------------------------------- */

static unsigned
json_view_hex4(const uint8_t *p)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = p[i] | 0x20u;

		v = v << 4 | (c >= 'a' ? c - 'a' + 10 : c - '0');
	}
	return v;
}

/* Decode the character at *p (an escape or a byte) into q[4]. */
static size_t
json_view_decode_one(const uint8_t **p, const uint8_t *end, uint8_t *q)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const uint8_t *s = *p;
	const char *at;
	unsigned c;

	if (*s != '\\' || end - s < 2) {
		*p = s + 1;
		q[0] = *s;
		return 1;
	}
	if (s[1] != 'u' || end - s < 6) {
		at = memchr(from, s[1], sizeof(from) - 1);
		*p = s + 2;
		q[0] = at != NULL ? (uint8_t)to[at - from] : s[1];
		return 1;
	}
	c = json_view_hex4(s + 2);
	*p = s + 6;
	if (c >= 0xd800 && c < 0xdc00 && end - s >= 12 && s[6] == '\\' &&
	    s[7] == 'u' && (json_view_hex4(s + 8) & 0xfc00) == 0xdc00) {
		c = 0x10000 + ((c - 0xd800) << 10) +
		    (json_view_hex4(s + 8) & 0x3ff);
		*p = s + 12;
	} else if (c >= 0xd800 && c < 0xe000) {
		c = 0xfffd; /* half a pair; well-formed text has none */
	}
	return evt_utf8_put(q, c & 0x1fffff);
}

bool
evt_json_view_is(evt_json_view v, const char *text, size_t len)
{
	const uint8_t *p, *end;
	size_t at = 0;

	if (evt_json_view_kind(v) != EVT_JSON_VIEW_STRING || v.n < 2)
		return false;
	p = v.p + 1;
	end = v.p + v.n - 1;
	if (memchr(p, '\\', (size_t)(end - p)) == NULL)
		return (size_t)(end - p) == len &&
		    (len == 0 || memcmp(p, text, len) == 0);
	while (p < end) {
		uint8_t q[4];
		size_t n = json_view_decode_one(&p, end, q);

		if (n > len - at || memcmp(q, text + at, n) != 0)
			return false;
		at += n;
	}
	return at == len;
}

bool
evt_json_view_text(evt_json_view v, evt_buf *out)
{
	const uint8_t *p = v.p, *end = v.p + v.n;

	assert(out != NULL);
	if (evt_json_view_kind(v) == EVT_JSON_VIEW_NONE)
		return true;
	if (evt_json_view_kind(v) != EVT_JSON_VIEW_STRING || v.n < 2)
		return evt_buf_add(out, v.p, v.n);
	p++;
	end--;
	if (memchr(p, '\\', (size_t)(end - p)) == NULL)
		return evt_buf_add(out, p, (size_t)(end - p));
	/* No character is longer decoded than it is escaped. */
	if (!evt_buf_reserve(out, (size_t)(end - p) + 4))
		return false;
	while (p < end)
		out->len += json_view_decode_one(&p, end, out->data + out->len);
	return true;
}

/* ---- looking up ---------------------------------------------------------- */

evt_json_view
evt_json_view_member(evt_json_view v, const char *name, size_t len)
{
	evt_json_view_walk w = evt_json_view_walk_begin(v);
	evt_json_view found = { NULL, 0 }, key, value;

	while (w.object && evt_json_view_walk_next(&w, &key, &value)) {
		if (evt_json_view_is(key, name, len))
			found = value;
	}
	return found;
}

evt_json_view
evt_json_view_element(evt_json_view v, size_t index)
{
	evt_json_view_walk w = evt_json_view_walk_begin(v);
	evt_json_view name, value;

	while (!w.object && evt_json_view_walk_next(&w, &name, &value)) {
		if (index-- == 0)
			return value;
	}
	return (evt_json_view){ NULL, 0 };
}

/* A component that is an array index (RFC 6901, section 4). */
static bool
json_view_parse_index(const char *s, size_t n, size_t *ret)
{
	size_t v = 0;

	if (n == 0 || n > 9 || (n > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		v = v * 10 + (size_t)(s[i] - '0');
	}
	*ret = v;
	return true;
}

/* The member named by a component with its ~0 and ~1. */
static evt_json_view
json_view_member_escaped(evt_json_view v, const char *s, size_t n)
{
	char *name = malloc(n);
	evt_json_view found = { NULL, 0 };
	size_t len = 0;

	if (name == NULL)
		return found;
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '~' && i + 1 < n)
			name[len++] = s[++i] == '1' ? '/' : '~';
		else
			name[len++] = s[i];
	}
	found = evt_json_view_member(v, name, len);
	free(name);
	return found;
}

evt_json_view
evt_json_view_at(evt_json_view v, const char *pointer)
{
	assert(pointer != NULL);
	while (*pointer == '/' && v.p != NULL) {
		const char *part = pointer + 1;
		size_t n = strcspn(part, "/"), index;

		if (evt_json_view_kind(v) == EVT_JSON_VIEW_ARRAY)
			v = json_view_parse_index(part, n, &index) ?
			    evt_json_view_element(v, index) :
			    (evt_json_view){ NULL, 0 };
		else if (memchr(part, '~', n) != NULL)
			v = json_view_member_escaped(v, part, n);
		else
			v = evt_json_view_member(v, part, n);
		pointer = part + n;
	}
	return v;
}

int
evt_json_view_check_pointer(const char *pointer, evt_error *err)
{
	assert(pointer != NULL);
	if (*pointer != '\0' && *pointer != '/')
		return evt_err_set(err, EVT_ERR_ARG,
		    "'%s' is not a JSON pointer: begin it with a slash, as "
		    "in /data/gps/speed",
		    pointer);
	for (const char *p = pointer; *p != '\0'; p++) {
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return evt_err_set(err, EVT_ERR_ARG,
			    "'%s' is not a JSON pointer: write ~0 for ~ and ~1 "
			    "for /",
			    pointer);
	}
	return EVT_OK;
}

/* ---- numbers ------------------------------------------------------------- */

/* Copy the text of a number with a NUL; false: it is not a number. */
static bool
json_view_number_text(evt_json_view v, char *out, size_t size)
{
	if (evt_json_view_kind(v) != EVT_JSON_VIEW_NUMBER || v.n >= size)
		return false;
	memcpy(out, v.p, v.n);
	out[v.n] = '\0';
	return true;
}

bool
evt_json_view_double(evt_json_view v, double *ret)
{
	char text[400], *end;
	double d;

	if (!json_view_number_text(v, text, sizeof(text)))
		return false;
	errno = 0;
	d = strtod(text, &end);
	if (*end != '\0' || end == text ||
	    (errno == ERANGE && d != 0 && (d > 1 || d < -1)))
		return false;
	*ret = d;
	return true;
}

bool
evt_json_view_int(evt_json_view v, int64_t *ret)
{
	char text[24], *end;
	long long n;

	if (!json_view_number_text(v, text, sizeof(text)))
		return false;
	errno = 0;
	n = strtoll(text, &end, 10);
	if (*end != '\0' || end == text || errno != 0)
		return false;
	*ret = n;
	return true;
}
