/*
 * unescape.c - see unescape.h.
 *
 * An escape is undone as soon as its last byte is there.  What it stands for is
 * added like any byte, and may itself be the last byte of an escape.
 */
#include "format/wire/unescape.h"

#include <assert.h>
#include <string.h>

#include "format/base/utf8.h"

/* "&NewLine;" or "&#x0000026;" */
#define ENTITY_MAX 12u

/* The value of a digit; 16: not one. */
static unsigned
unescape_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

/* The value of the last `digits` hexadecimal digits; false: they are not there. */
static bool
unescape_hex(const evt_unescape *u, size_t digits, unsigned *ret)
{
	*ret = 0;
	for (size_t i = u->n - digits; i < u->n; i++) {
		unsigned v = unescape_digit(u->text[i]);

		if (v > 15)
			return false;
		*ret = *ret * 16 + v;
	}
	return true;
}

/* Add a byte as it is. */
static void
unescape_put(evt_unescape *u, uint8_t c, size_t at)
{
	static const char letters[] = "b\bf\fn\nr\rt\t";

	for (size_t i = 0; c < 0x20 && letters[i] != '\0'; i += 2) {
		if (c == (uint8_t)letters[i + 1])
			c = (uint8_t)letters[i];
	}
	u->text[u->n] = c;
	u->from[u->n] = u->slash != EVT_UNESCAPE_NONE ? u->slash_from : at;
	u->escaped[u->n++] = (uint8_t)u->slash;
	u->slash = EVT_UNESCAPE_NONE;
}

/* Put bytes in place of the text from `at` on. */
static void
unescape_replace(evt_unescape *u, size_t at, const uint8_t *p, size_t n)
{
	size_t from = u->from[at];
	bool own = u->text[at] != '%' && u->text[at] != '&';

	/* A backslash that is no part of the escape stays. */
	u->slash = (enum evt_unescape_slash)u->escaped[at];
	if (own)
		u->slash = u->slash == EVT_UNESCAPE_BOTH ?
		    EVT_UNESCAPE_DECODED :
		    EVT_UNESCAPE_NONE;
	u->slash_from = from;
	u->n = at;
	if (n == 1 && *p == '\\') {
		u->slash = EVT_UNESCAPE_DECODED;
		return;
	}
	for (size_t i = 0; i < n; i++)
		unescape_put(u, p[i], from);
}

/* Put a character in place of the text from `at` on. */
static void
unescape_replace_char(evt_unescape *u, size_t at, unsigned c)
{
	const uint8_t *high = at >= 3 ? u->text + at - 3 : NULL;
	uint8_t bytes[4];
	size_t n;

	/* The second half of a surrogate pair. */
	if (c >= 0xdc00 && c < 0xe000 && high != NULL && high[0] == 0xed &&
	    high[1] >= 0xa0 && high[1] < 0xb0) {
		at -= 3;
		c = 0x10000 + ((high[1] & 0x0fu) << 16) +
		    ((high[2] & 0x3fu) << 10) + (c - 0xdc00);
	}
	n = evt_utf8_put(bytes, c);
	unescape_replace(u, at, bytes, n);
}

/* Put a byte in place of the text from `at` on. */
static void
unescape_replace_byte(evt_unescape *u, size_t at, unsigned c)
{
	uint8_t byte = (uint8_t)c;

	unescape_replace(u, at, &byte, 1);
}

/* Undo an escape that ends with a hexadecimal digit.  false: there is none. */
static bool
unescape_undo_hex(evt_unescape *u)
{
	size_t n = u->n;
	unsigned c;

	if (n >= 3 &&
	    (u->text[n - 3] == '%' ||
	        (u->text[n - 3] == 'x' &&
	            u->escaped[n - 3] != EVT_UNESCAPE_NONE)) &&
	    unescape_hex(u, 2, &c)) {
		unescape_replace_byte(u, n - 3, c);
		return true;
	}
	if (n >= 5 && u->text[n - 5] == 'u' &&
	    u->escaped[n - 5] != EVT_UNESCAPE_NONE && unescape_hex(u, 4, &c)) {
		unescape_replace_char(u, n - 5, c);
		return true;
	}
	return false;
}

/* The character of the entity with this name of n bytes; false: none. */
static bool
unescape_entity(const uint8_t *p, size_t n, unsigned *ret)
{
	static const struct {
		const char *name;
		uint8_t is;
	} names[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' },
		{ "quot", '"' }, { "apos", '\'' }, { "AMP", '&' },
		{ "LT", '<' }, { "GT", '>' }, { "QUOT", '"' }, { "excl", '!' },
		{ "num", '#' }, { "dollar", '$' }, { "percnt", '%' },
		{ "lpar", '(' }, { "rpar", ')' }, { "ast", '*' },
		{ "midast", '*' }, { "plus", '+' }, { "comma", ',' },
		{ "period", '.' }, { "sol", '/' }, { "colon", ':' },
		{ "semi", ';' }, { "equals", '=' }, { "quest", '?' },
		{ "commat", '@' }, { "lsqb", '[' }, { "lbrack", '[' },
		{ "bsol", '\\' }, { "rsqb", ']' }, { "rbrack", ']' },
		{ "Hat", '^' }, { "lowbar", '_' }, { "UnderBar", '_' },
		{ "grave", '`' }, { "lcub", '{' }, { "lbrace", '{' },
		{ "verbar", '|' }, { "vert", '|' }, { "rcub", '}' },
		{ "rbrace", '}' }, { "Tab", '\t' }, { "NewLine", '\n' } };
	unsigned base, c = 0;
	size_t i = 1;

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
		if (strlen(names[k].name) == n &&
		    memcmp(p, names[k].name, n) == 0) {
			*ret = names[k].is;
			return true;
		}
	}
	if (n < 2 || p[0] != '#')
		return false;
	base = (p[1] | 0x20) == 'x' ? 16 : 10;
	i += base == 16;
	if (i == n)
		return false;
	for (; i < n; i++) {
		if (unescape_digit(p[i]) >= base || c >= 0x110000)
			return false;
		c = c * base + unescape_digit(p[i]);
	}
	*ret = c;
	return c < 0x110000;
}

/* Undo an entity, which ends with the last byte, ';'.  false: it is not one. */
static bool
unescape_undo_entity(evt_unescape *u)
{
	size_t name = u->n - 1;
	unsigned c;

	while (name > 0 && u->n - name < ENTITY_MAX && u->text[name - 1] != '&')
		name--;
	if (name == 0 || u->text[name - 1] != '&' ||
	    !unescape_entity(u->text + name, u->n - 1 - name, &c))
		return false;
	unescape_replace_char(u, name - 1, c);
	return true;
}

void
evt_unescape_add(evt_unescape *u, uint8_t c, size_t at)
{
	_Static_assert(ENTITY_MAX < EVT_UNESCAPE_LAST, "an entity has room");
	bool undone;

	assert(u->n + EVT_UNESCAPE_STEP <= EVT_UNESCAPE_ROOM);
	if (c == '\\') {
		if (u->slash == EVT_UNESCAPE_NONE)
			u->slash_from = at;
		u->slash = u->slash == EVT_UNESCAPE_DECODED ||
		        u->slash == EVT_UNESCAPE_BOTH ?
		    EVT_UNESCAPE_BOTH :
		    EVT_UNESCAPE_RAW;
		return;
	}
	unescape_put(u, c, at);
	do {
		c = u->text[u->n - 1];
		undone = c == ';' ?
		    unescape_undo_entity(u) :
		    unescape_digit(c) < 16 && unescape_undo_hex(u);
	} while (undone && u->slash == EVT_UNESCAPE_NONE && u->n > 0);
}

void
evt_unescape_end(evt_unescape *u, size_t at)
{
	u->from[u->n] = u->slash != EVT_UNESCAPE_NONE ? u->slash_from : at;
}

void
evt_unescape_keep(evt_unescape *u, size_t keep)
{
	size_t gone;

	if (keep >= u->n)
		return;
	gone = u->n - keep;
	memmove(u->text, u->text + gone, keep);
	memmove(u->escaped, u->escaped + gone, keep * sizeof(*u->escaped));
	memmove(u->from, u->from + gone, keep * sizeof(*u->from));
	u->n = keep;
}
