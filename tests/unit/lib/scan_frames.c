/* scan_frames.c - see scan_frames.h. */
#include "tests/unit/lib/scan_frames.h"
#include "tests/unit/lib/test.h"

#include <inttypes.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

uint64_t
roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % sides;
}

static void
put(evt_buf *b, const char *text)
{
	assert_true(evt_buf_add_str(b, text));
}

#define PUT_ONE_OF(d, b, list) put(b, (list)[roll(d, COUNT(list))])

static void
put_space(struct dice *d, evt_buf *b)
{
	static const char *const spaces[] = { " ", "  ", "\t", "\n", "\r\n" };

	if (roll(d, 8) == 0)
		PUT_ONE_OF(d, b, spaces);
}

static void
put_number(struct dice *d, evt_buf *b)
{
	static const char *const odd[] = { "0", "-0", "-0.0", "1.0", "1e3",
		"0e0", "-1E-2", "9223372036854775807", "9223372036854775808",
		"-9223372036854775808", "-9223372036854775809",
		"18446744073709551616", "0.1", "1e400", "999999999999999999",
		"1000000000000000000",
		"12345678901234567890123456789012345678" };

	if (roll(d, 400) == 0) {
		put(b, "1");
		for (uint64_t n = roll(d, 300); n > 0; n--)
			put(b, "7");
	} else if (roll(d, 3) == 0) {
		PUT_ONE_OF(d, b, odd);
	} else {
		assert_true(evt_buf_printf(b, "%" PRId64,
		    (int64_t)roll(d, 200000) - 100000));
	}
}

static void
put_string(struct dice *d, evt_buf *b)
{
	static const char *const bits[] = { "a", "source_id", " ", "/", "~",
		"\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\u20AC",
		"\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\\u0000", "\x7f", "{", "]", ":", ",",
		"0123456789abcdef" };
	uint64_t n = roll(d, 8);

	if (roll(d, 60) == 0)
		n = roll(d, 300);
	put(b, "\"");
	for (; n > 0; n--)
		PUT_ONE_OF(d, b, bits);
	put(b, "\"");
}

/* The name of a member, mostly one that a profile knows, at times with one of
 * its characters escaped. */
static void
put_name(struct dice *d, evt_buf *b)
{
	static const char *const names[] = { "event", "data", "source_id",
		"state", "stream", "0", "1", "", "a/b", "~", "\xc3\xa9", "type",
		"datA", "source_ie", "sourceid", "*",
		/* Their beginnings are alike, to each side of the 32 and 64
		 * bytes that are compared at a time. */
		"dat", "data0", "a_rather_long_name_of_29bytes",
		"a_rather_long_name_of_28byte",
		"a_rather_long_name_of_30_bytes",
		"a_name_that_is_so_long_that_it_is_remembered_just_so_________",
		"a_name_that_is_so_long_that_it_is_remembered_just_so________",
		"a_name_that_is_so_long_that_it_is_remembered_just_so_______" };
	const char *name = names[roll(d, COUNT(names))];
	uint64_t escaped = roll(d, 10);

	if (roll(d, 12) == 0) {
		put_string(d, b);
		return;
	}
	put(b, "\"");
	for (uint64_t i = 0; *name != '\0'; i++, name++) {
		if (i == escaped && (uint8_t)*name < 0x80)
			assert_true(evt_buf_printf(b, "\\u%04x", *name));
		else
			assert_true(evt_buf_add_byte(b, (uint8_t)*name));
	}
	put(b, "\"");
}

static void
put_value(struct dice *d, evt_buf *b, unsigned depth)
{
	static const char *const words[] = { "true", "false", "null", "[]",
		"{}" };
	uint64_t kind =
	    depth == 0 ? 3 + roll(d, 7) : roll(d, depth < 7 ? 10 : 5);

	put_space(d, b);
	if (kind < 2) {
		put_number(d, b);
	} else if (kind < 4) {
		put_string(d, b);
	} else if (kind == 4) {
		PUT_ONE_OF(d, b, words);
	} else {
		bool object = kind < 8;

		put(b, object ? "{" : "[");
		for (uint64_t n = roll(d, 6); n > 0; n--) {
			put_space(d, b);
			if (object) {
				put_name(d, b);
				put_space(d, b);
				put(b, ":");
			}
			put_value(d, b, depth + 1);
			put(b, n > 1 ? "," : "");
		}
		put_space(d, b);
		put(b, object ? "}" : "]");
	}
	put_space(d, b);
}

void
made_up_frame(struct dice *d, evt_buf *b)
{
	put_value(d, b, 0);
}

void
mutate(struct dice *d, evt_buf *b)
{
	static const char bytes[] =
	    "{}[]\",:\\/ \t\n019-+.eEutfn\x1f\x80\xc3\xed"
	    "\xf4\xff";
	uint64_t n = 1 + roll(d, 3);

	for (; n > 0 && b->len > 1; n--) {
		size_t at = (size_t)roll(d, b->len);
		size_t to = (size_t)roll(d, b->len);
		uint8_t c = roll(d, 3) == 0 ?
		    (uint8_t)roll(d, 256) :
		    (uint8_t)bytes[roll(d, sizeof(bytes) - 1)];

		switch (roll(d, 6)) {
		case 0:
			b->len = at + 1;
			break;
		case 1:
			memmove(b->data + at, b->data + at + 1,
			    b->len - at - 1);
			b->len--;
			break;
		case 2:
			assert_true(evt_buf_add_byte(b, c));
			memmove(b->data + at + 1, b->data + at,
			    b->len - at - 1);
			b->data[at] = c;
			break;
		case 3:
			b->data[at] = b->data[to];
			break;
		default:
			b->data[at] = c;
			break;
		}
	}
}
