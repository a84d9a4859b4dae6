/* loose_json.c - JSON of other programs, with lone surrogates. */
#include "tools/evtape/lib/loose_json.h"

#include <string.h>

#include "format/base/err.h"

#define ESCAPE_LEN 6 /* of \ud83d */

enum half { HALF_NONE, HALF_HIGH, HALF_LOW };

/* Which half of a pair is escaped at p. */
static enum half
loose_json_half(const uint8_t *p, const uint8_t *end)
{
	if (end - p < ESCAPE_LEN || p[0] != '\\' || p[1] != 'u' ||
	    (p[2] | 0x20) != 'd')
		return HALF_NONE;
	switch (p[3] | 0x20) {
	case '8' | 0x20:
	case '9' | 0x20:
	case 'a':
	case 'b':
		return HALF_HIGH;
	case 'c':
	case 'd':
	case 'e':
	case 'f':
		return HALF_LOW;
	default:
		return HALF_NONE;
	}
}

/* The next lone surrogate from p on; NULL: there are no more. */
static const uint8_t *
loose_json_next_lone(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		enum half half;

		p = memchr(p, '\\', (size_t)(end - p));
		if (p == NULL)
			return NULL;
		half = loose_json_half(p, end);
		if (half == HALF_NONE)
			p += 2;
		else if (half == HALF_HIGH &&
		    loose_json_half(p + ESCAPE_LEN, end) == HALF_LOW)
			p += (ptrdiff_t)(2 * ESCAPE_LEN);
		else
			return p;
	}
	return NULL;
}

bool
loose_json_is_lone(evt_json_view v)
{
	return v.p != NULL && loose_json_next_lone(v.p, v.p + v.n) != NULL;
}

int
loose_json_scan(evt_json_scanner *scanner, const uint8_t *p, size_t n,
    evt_buf *scratch, bool *ret_json, evt_error *err)
{
	evt_json_scan_result got;
	const uint8_t *lone;
	int r = evt_json_scan(scanner, p, n, &got, err);

	*ret_json = r == EVT_OK && got.json;
	if (r != EVT_OK || got.json || n == 0 ||
	    loose_json_next_lone(p, p + n) == NULL)
		return r;
	scratch->len = 0;
	if (!evt_buf_add(scratch, p, n))
		return evt_err_nomem(err);
	lone = scratch->data;
	for (;;) {
		lone = loose_json_next_lone(lone, scratch->data + n);
		if (lone == NULL)
			break;
		/* As long as the escape that it replaces. */
		memcpy(scratch->data + (lone - scratch->data), "\\ufffd",
		    ESCAPE_LEN);
	}
	r = evt_json_scan(scanner, scratch->data, n, &got, err);
	*ret_json = r == EVT_OK && got.json;
	return r;
}
