/*
 * scan.c - see scan.h.
 *
 * Every frame that is recorded goes through here once, so this is the hot
 * path.  What makes it fast:
 *  - It builds nothing.  A value is checked and passed; only a string or an
 *    integer at a path of the profile is looked at again.
 *  - Strings are passed 16 (SSE2) or 8 bytes at a time up to the next byte
 *    that is no plain ASCII character.
 *  - What is alive is one word of bits a level (see profile.h); in a container
 *    where it is 0, keys and elements cost nothing but their check.
 *
 * The walk is a loop over values with a stack of levels, not a recursion, so
 * that no frame can exhaust the thread's stack.  The passing functions take a
 * pointer and give back the one behind what they passed, NULL if it is not
 * well-formed; the pointer so stays in a register.
 */
#include "format/scan.h"

#include <stdlib.h>
#include <string.h>
/* The tests also build the portable form where there is SSE2. */
#if defined(__SSE2__) && !defined(EVT_SCAN_PORTABLE)
#include <emmintrin.h>
#define USE_SSE2 1
#else
#define USE_SSE2 0
#endif

#include "format/err.h"
#include "format/profile.h"
#include "format/utf8.h"

/* An open container. */
struct level {
	uint64_t alive;  /* paths that may go on in it */
	uint64_t index;  /* number of the present element of an array */
	uint8_t closer;  /* '}' or ']' */
};

struct evt_scanner {
	const evt_profile *profile; /* NULL: no keys */
	evt_key *sources;
	size_t n_sources, cap_sources;
	const char *event;
	size_t event_len;
	unsigned event_path;  /* which path gave the event */
	bool line_break, nomem;
	/* Decoded strings.  Grown to the size of the frame at its first escape
	 * that matters, since all its strings decoded are no longer than it;
	 * so it never moves while keys point into it. */
	char *decoded;
	size_t n_decoded, cap_decoded;
	size_t frame_len;
	/* levels[d] is the container that is open at depth d, from 1. */
	struct level levels[EVT_SCAN_DEPTH + 1];
};

int
evt_scanner_new(const evt_profile *profile, evt_scanner **ret_scanner,
    evt_error *err)
{
	evt_scanner *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return evt_err_nomem(err);
	s->profile = profile;
	*ret_scanner = s;
	return EVT_OK;
}

void
evt_scanner_free(evt_scanner *scanner)
{
	if (scanner == NULL)
		return;
	free(scanner->sources);
	free(scanner->decoded);
	free(scanner);
}

/* ---- passing: white space, strings, numbers, words ---------------------- */

static __attribute__((noinline)) const uint8_t *
pass_space_run(evt_scanner *s, const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p++) {
		if (*p == '\n' || *p == '\r')
			s->line_break = true;
		else if (*p != ' ' && *p != '\t')
			break;
	}
	return p;
}

static inline const uint8_t *
pass_space(evt_scanner *s, const uint8_t *p, const uint8_t *end)
{
	if (p < end && *p <= ' ')
		return pass_space_run(s, p, end);
	return p;
}

/* The first byte from p that is '"', '\', a control character, or no ASCII. */
static inline const uint8_t *
pass_plain(const uint8_t *p, const uint8_t *end)
{
#if USE_SSE2
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	const __m128i space = _mm_set1_epi8(' ');

	for (; end - p >= 16; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
		/* As signed bytes, those past ASCII are below the space too. */
		__m128i odd = _mm_or_si128(_mm_cmplt_epi8(v, space),
		    _mm_or_si128(_mm_cmpeq_epi8(v, quote),
		    _mm_cmpeq_epi8(v, slash)));
		unsigned bits = (unsigned)_mm_movemask_epi8(odd);

		if (bits != 0)
			return p + __builtin_ctz(bits);
	}
#else
	const uint64_t ones = UINT64_C(0x0101010101010101);

	for (; end - p >= 8; p += 8) {
		uint64_t v, q, b;

		memcpy(&v, p, 8);
		q = v ^ ones * '"';
		b = v ^ ones * '\\';
		/* The top bit of a byte is set where a subtraction borrowed:
		 * at the first odd byte, and perhaps falsely behind it. */
		if (((q - ones) | (b - ones) | (v - ones * ' ') | v) &
		    ones * 0x80)
			break;
	}
#endif
	while (p < end && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return p;
}

/* Four hexadecimal digits; -1 if they are not there. */
static int
hex4(const uint8_t *p, const uint8_t *end)
{
	int v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int c = p[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			v = v * 16 + (low - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static const uint8_t *
pass_escape(const uint8_t *p, const uint8_t *end)
{
	int unit;

	if (end - p < 2)
		return NULL;
	switch (p[1]) {
	case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r':
	case 't':
		return p + 2;
	case 'u':
		break;
	default:
		return NULL;
	}
	unit = hex4(p + 2, end);
	if (unit < 0 || (unit >= 0xdc00 && unit <= 0xdfff))
		return NULL;
	if (unit < 0xd800 || unit > 0xdbff)
		return p + 6;
	/* A high surrogate: a low one must follow. */
	if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return NULL;
	unit = hex4(p + 8, end);
	return unit >= 0xdc00 && unit <= 0xdfff ? p + 12 : NULL;
}

/* An escape, or a run of characters past ASCII. */
static __attribute__((noinline)) const uint8_t *
pass_odd(const uint8_t *p, const uint8_t *end)
{
	if (*p == '\\')
		return pass_escape(p, end);
	if (*p < 0x80)
		return NULL; /* a control character */
	do {
		size_t n = evt_utf8_len(p, end);

		if (n == 0)
			return NULL;
		p += n;
	} while (p < end && *p >= 0x80);
	return p;
}

/* A string, from behind its opening quote to behind its closing one. */
static inline const uint8_t *
pass_string(const uint8_t *p, const uint8_t *end, bool *ret_escapes)
{
	*ret_escapes = false;
	for (;;) {
		p = pass_plain(p, end);
		if (p == end)
			return NULL;
		if (*p == '"')
			return p + 1;
		*ret_escapes |= *p == '\\';
		p = pass_odd(p, end);
		if (p == NULL)
			return NULL;
	}
}

static inline bool
is_digit(uint8_t c)
{
	return (uint8_t)(c - '0') < 10;
}

/* At least one digit. */
static inline const uint8_t *
pass_digits(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

	while (p < end && is_digit(*p))
		p++;
	return p == from ? NULL : p;
}

static inline const uint8_t *
pass_number(const uint8_t *p, const uint8_t *end, bool *ret_integer)
{
	*ret_integer = true;
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if ((p = pass_digits(p, end)) == NULL)
		return NULL;
	if (p < end && *p == '.') {
		*ret_integer = false;
		p = pass_digits(p + 1, end);
		if (p == NULL)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		*ret_integer = false;
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = pass_digits(p, end);
	}
	return p;
}

static inline const uint8_t *
pass_word(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 4)
		return NULL;
	if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
		return p + 4;
	if (end - p > 4 && memcmp(p, "false", 5) == 0)
		return p + 5;
	return NULL;
}

/* ---- keys --------------------------------------------------------------- */

/* Decode the escape at *p, which was checked, and step behind it. */
static unsigned
escape_value(const uint8_t **p, const uint8_t *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	uint8_t c = (*p)[1];
	const char *hit;
	unsigned v, low;

	*p += 2;
	if (c != 'u') {
		hit = strchr(from, c);
		return hit != NULL ? (unsigned char)to[hit - from] : c;
	}
	v = (unsigned)hex4(*p, end);
	*p += 4;
	if (v < 0xd800 || v > 0xdbff)
		return v;
	low = (unsigned)hex4(*p + 2, end);
	*p += 6;
	return 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
}

/* Decode a checked string behind what is decoded already.  Only if the caller
 * adds the length to n_decoded it stays. */
static const char *
decode(evt_scanner *s, const uint8_t *p, const uint8_t *end, size_t *ret_len)
{
	char *out, *q;

	if (s->cap_decoded < s->frame_len) {
		/* n_decoded is 0 here: see the comment at the field. */
		char *grown = realloc(s->decoded, s->frame_len);

		if (grown == NULL) {
			s->nomem = true;
			return NULL;
		}
		s->decoded = grown;
		s->cap_decoded = s->frame_len;
	}
	out = q = s->decoded + s->n_decoded;
	while (p < end) {
		if (*p == '\\')
			q += evt_utf8_put((uint8_t *)q,
			    escape_value(&p, end));
		else
			*q++ = (char)*p++;
	}
	*ret_len = (size_t)(q - out);
	return out;
}

static bool
add_source(evt_scanner *s, const char *text, size_t len, bool is_int)
{
	if (s->n_sources == s->cap_sources) {
		size_t cap = s->cap_sources > 0 ? s->cap_sources * 2 : 16;
		evt_key *grown = realloc(s->sources, cap * sizeof(*grown));

		if (grown == NULL) {
			s->nomem = true;
			return false;
		}
		s->sources = grown;
		s->cap_sources = cap;
	}
	s->sources[s->n_sources++] = (evt_key){ .text = text,
		.len = (uint32_t)len, .is_int = is_int };
	return true;
}

/* A key stands at the paths `hit`. */
static bool
add_key(evt_scanner *s, uint64_t hit, const char *text, size_t len, bool is_int)
{
	uint64_t events = hit & s->profile->events;

	if (events != 0 && (unsigned)__builtin_ctzll(events) < s->event_path) {
		s->event_path = (unsigned)__builtin_ctzll(events);
		s->event = text;
		s->event_len = len;
	}
	return (hit & s->profile->sources) == 0 ||
	    add_source(s, text, len, is_int);
}

/* The string from p to end (without quotes) stands at the paths `hit`. */
static __attribute__((noinline)) bool
add_string(evt_scanner *s, uint64_t hit, const uint8_t *p, const uint8_t *end,
    bool escapes)
{
	const char *text = (const char *)p;
	size_t len = (size_t)(end - p);

	if (escapes) {
		/* No escape is longer than six bytes for one. */
		if (len > 6 * (size_t)EVT_KEY_MAX)
			return true;
		text = decode(s, p, end, &len);
		if (text == NULL)
			return false;
		if (memchr(text, '\0', len) != NULL)
			return true;
	}
	if (len == 0 || len > EVT_KEY_MAX)
		return true;
	if (escapes)
		s->n_decoded += len;
	return add_key(s, hit, text, len, false);
}

/* The integer from p to end stands at the paths `hit`. */
static __attribute__((noinline)) bool
add_integer(evt_scanner *s, uint64_t hit, const uint8_t *p, const uint8_t *end)
{
	size_t minus = *p == '-', len = (size_t)(end - p), digits = len - minus;
	const char *last = minus ? "9223372036854775808" : "9223372036854775807";
	bool fits = digits < 19 ||
	    (digits == 19 && memcmp(p + minus, last, 19) <= 0);

	if (len > EVT_KEY_MAX)
		return true;
	/* JSON allows no leading zeros, so "-0" alone is not canonical. */
	if (len == 2 && minus && p[1] == '0') {
		p++;
		len--;
	}
	return add_key(s, hit, (const char *)p, len, fits);
}

/* Which of the paths `alive` go on under this name. */
static inline uint64_t
follow_name(const evt_profile_level *level, uint64_t alive, const char *name,
    size_t len)
{
	uint64_t on = level->any;

	if (level->lengths >> (len % 64) & 1) {
		for (size_t i = 0; i < level->n_names; i++) {
			const evt_profile_name *n = &level->names[i];

			if (n->len == len && memcmp(n->text, name, len) == 0)
				on |= n->paths;
		}
	}
	return on & alive;
}

static inline uint64_t
follow_index(const evt_profile_level *level, uint64_t alive, uint64_t index)
{
	uint64_t on = level->any;

	if ((level->elements & ~level->any) != 0) {
		for (size_t i = 0; i < level->n_names; i++) {
			const evt_profile_name *n = &level->names[i];

			if (n->is_index && n->index == index)
				on |= n->paths;
		}
	}
	return on & alive;
}

/* ---- the walk ----------------------------------------------------------- */

/* The key of a member, from its opening quote to the value behind the colon.
 * *ret_alive: the paths that go on in the value. */
static inline const uint8_t *
pass_key(evt_scanner *s, size_t depth, const uint8_t *p, const uint8_t *end,
    uint64_t *ret_alive)
{
	uint64_t alive = s->levels[depth].alive;
	const uint8_t *from = p + 1;
	bool escapes;

	if (p == end || *p != '"')
		return NULL;
	p = pass_string(from, end, &escapes);
	if (p == NULL)
		return NULL;
	if (alive != 0) {
		const char *name = (const char *)from;
		size_t len = (size_t)(p - 1 - from);

		if (escapes)
			name = decode(s, from, p - 1, &len);
		if (name == NULL)
			return NULL;
		alive = follow_name(&s->profile->levels[depth - 1], alive, name,
		    len);
	}
	*ret_alive = alive;
	p = pass_space(s, p, end);
	if (p == end || *p != ':')
		return NULL;
	return pass_space(s, p + 1, end);
}

/* A value that is no container.  hit: the paths that name it. */
static inline const uint8_t *
pass_scalar(evt_scanner *s, const uint8_t *p, const uint8_t *end, uint64_t hit)
{
	const uint8_t *from = p;
	bool flag;

	if (*p == '"') {
		p = pass_string(p + 1, end, &flag);
		if (p != NULL && hit != 0 &&
		    !add_string(s, hit, from + 1, p - 1, flag))
			return NULL;
	} else if (*p == '-' || is_digit(*p)) {
		p = pass_number(p, end, &flag);
		if (p != NULL && hit != 0 && flag &&
		    !add_integer(s, hit, from, p))
			return NULL;
	} else {
		p = pass_word(p, end);
	}
	return p;
}

/* Open the container at p, to which the paths `alive` lead. */
static inline void
open_level(evt_scanner *s, size_t depth, uint8_t opener, uint64_t alive)
{
	struct level *l = &s->levels[depth];

	l->closer = (uint8_t)(opener + 2); /* '{' and '}', '[' and ']' */
	l->index = 0;
	if (alive != 0)
		alive &= opener == '{' ?
		    s->profile->levels[depth - 1].members :
		    s->profile->levels[depth - 1].elements;
	l->alive = alive;
}

/* What comes first in a container, or behind a comma: pass a member's key;
 * tell which paths go on in the value that p then stands at. */
static inline const uint8_t *
enter_value(evt_scanner *s, size_t depth, const uint8_t *p, const uint8_t *end,
    uint64_t *ret_alive)
{
	struct level *l = &s->levels[depth];

	if (l->closer == '}')
		return pass_key(s, depth, p, end, ret_alive);
	*ret_alive = l->alive == 0 ? 0 : follow_index(
	    &s->profile->levels[depth - 1], l->alive, l->index++);
	return p;
}

/* The value at p, to its end; NULL if it is not well-formed. */
static const uint8_t *
pass_value(evt_scanner *s, const uint8_t *p, const uint8_t *end, uint64_t alive)
{
	size_t depth = 0;

	for (;;) {
		if (p == end)
			return NULL;
		if (*p == '{' || *p == '[') {
			if (depth == EVT_SCAN_DEPTH)
				return NULL;
			open_level(s, ++depth, *p, alive);
			p = pass_space(s, p + 1, end);
			if (p == end)
				return NULL;
			if (*p != s->levels[depth].closer) {
				p = enter_value(s, depth, p, end, &alive);
				if (p == NULL)
					return NULL;
				continue;
			}
		} else {
			if (alive != 0)
				alive &= s->profile->levels[depth].ends;
			p = pass_scalar(s, p, end, alive);
			if (p == NULL)
				return NULL;
		}
		/* Behind a value, or at the end of an empty container. */
		for (;; depth--) {
			if (depth == 0)
				return p;
			p = pass_space(s, p, end);
			if (p == end)
				return NULL;
			if (*p != s->levels[depth].closer)
				break;
			p++;
		}
		if (*p != ',')
			return NULL;
		p = pass_space(s, p + 1, end);
		p = enter_value(s, depth, p, end, &alive);
		if (p == NULL)
			return NULL;
	}
}

/* Make ready for a frame of n bytes. */
static void
reset(evt_scanner *s, size_t n)
{
	s->n_sources = 0;
	s->event = NULL;
	s->event_len = 0;
	s->event_path = EVT_PROFILE_PATHS;
	s->n_decoded = 0;
	s->frame_len = n;
	s->line_break = false;
	s->nomem = false;
}

int
evt_scan(evt_scanner *scanner, const uint8_t *p, size_t n,
    evt_scan_result *ret_result, evt_error *err)
{
	evt_scanner *s = scanner;
	evt_scan_result result = { 0 };
	uint64_t alive = 0;

	reset(s, n);
	if (s->profile != NULL)
		alive = s->profile->events | s->profile->sources;
	if (n > 0) {
		const uint8_t *end = p + n;

		p = pass_space(s, p, end);
		p = pass_value(s, p, end, alive);
		if (s->nomem)
			return evt_err_nomem(err);
		result.json = p != NULL && pass_space(s, p, end) == end;
	}
	if (result.json) {
		result.line_break = s->line_break;
		result.event = s->event;
		result.event_len = s->event_len;
		result.sources = s->sources;
		result.n_sources = s->n_sources;
	}
	*ret_result = result;
	return EVT_OK;
}
