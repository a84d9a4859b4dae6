/*
 * json_scan.c - see json_scan.h.
 *
 * Every frame that is recorded goes through here once, so this is the hot
 * path.  What makes it fast:
 *  - It builds nothing.  A value is checked and passed; only a string or an
 *    integer at a path of the profile is looked at again.
 *  - A key that was at the same place in an earlier frame is passed with one
 *    comparison (see key_cache.h), strings and digits 16 or 8 bytes at a time
 *    (see json_lex.h).
 *  - The paths that are alive are one word of bits per level (see profile.h); in a container
 *    where it is 0, keys and elements cost nothing but their check.
 *
 * The walk is a loop over values with a stack of levels, not a recursion, so
 * that no frame can exhaust the thread's stack.
 */
#include "format/keys/json_scan.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_lex.h"
#include "format/keys/profile.h"
#include "format/keys/key_cache.h"

/* The compiler puts the code for ordinary frames in one straight line. */
#define likely(x) __builtin_expect(x, 1)

/* An open container. */
struct level {
	/* The profile's paths at this depth; never NULL. */
	const evt_profile_level *paths;
	uint64_t alive; /* paths that may continue in it */
	uint64_t index; /* number of the current element of an array */
	/* The place in this container, while a container within it is open. */
	evt_key_cache_key *place;
	int closer; /* '}' or ']'; -1: the level around the whole value */
};

struct evt_json_scanner {
	const evt_profile *profile;
	evt_key *sources;
	size_t n_sources, cap_sources;
	const char *event;
	size_t event_len;
	unsigned event_path; /* which path gave the event */
	bool line_break, nomem;
	/* Decoded strings.  At the first escape in a key or a name of a frame,
	 * it grows to the size of the frame.  All decoded strings together are
	 * not longer than that, so it never moves while keys point into it. */
	char *decoded;
	size_t n_decoded, cap_decoded;
	size_t frame_len;
	/* levels[d] is the container that is open at depth d, from 1. */
	struct level levels[EVT_JSON_SCAN_DEPTH + 1];
	evt_key_cache cache;
};

int
evt_json_scanner_new(const evt_profile *profile, evt_json_scanner **ret_scanner,
    evt_error *err)
{
	static const evt_profile no_profile;
	static const evt_profile_level no_paths;
	evt_json_scanner *s;

	assert(ret_scanner != NULL);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return evt_err_nomem(err);
	s->profile = profile != NULL ? profile : &no_profile;
	s->levels[0].closer = -1;
	for (size_t i = 0; i <= EVT_JSON_SCAN_DEPTH; i++)
		s->levels[i].paths = i < s->profile->n_levels ?
		    &s->profile->levels[i] :
		    &no_paths;
	*ret_scanner = s;
	return EVT_OK;
}

void
evt_json_scanner_free(evt_json_scanner *scanner)
{
	if (scanner == NULL)
		return;
	free(scanner->sources);
	free(scanner->decoded);
	free(scanner);
}

/* ---- keys --------------------------------------------------------------- */

/* Decode the escape at *p, which is known to be valid, and move *p past it. */
static unsigned
json_scan_escape_value(const uint8_t **p, const uint8_t *end)
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

/* Decode a valid string, and put it after the strings decoded so far.  The next
 * call overwrites it unless the caller adds its length to n_decoded. */
static const char *
json_scan_decode(evt_json_scanner *s, const uint8_t *p, const uint8_t *end,
    size_t *ret_len)
{
	char *out, *q;

	/* It grows only while n_decoded is 0: see the comment at the field. */
	if (!evt_grow(&s->decoded, &s->cap_decoded, s->frame_len)) {
		s->nomem = true;
		return NULL;
	}
	out = q = s->decoded + s->n_decoded;
	while (p < end) {
		if (*p == '\\')
			q += evt_utf8_put((uint8_t *)q,
			    json_scan_escape_value(&p, end));
		else
			*q++ = (char)*p++;
	}
	*ret_len = (size_t)(q - out);
	return out;
}

static bool
json_scan_add_source(evt_json_scanner *s, const char *text, size_t len,
    bool is_int)
{
	if (!evt_grow(&s->sources, &s->cap_sources, s->n_sources + 1)) {
		s->nomem = true;
		return false;
	}
	s->sources[s->n_sources++] =
	    (evt_key){ .text = text, .len = (uint32_t)len, .is_int = is_int };
	return true;
}

/* Add a key that the paths `hit` name. */
static bool
json_scan_add_key(evt_json_scanner *s, uint64_t hit, const char *text,
    size_t len, bool is_int)
{
	uint64_t events = hit & s->profile->events;

	if (events != 0 && (unsigned)__builtin_ctzll(events) < s->event_path) {
		s->event_path = (unsigned)__builtin_ctzll(events);
		s->event = text;
		s->event_len = len;
	}
	return (hit & s->profile->sources) == 0 ||
	    json_scan_add_source(s, text, len, is_int);
}

/* Add the string from p to end (without quotes), which the paths `hit` name. */
static __attribute__((noinline)) bool
json_scan_add_string(evt_json_scanner *s, uint64_t hit, const uint8_t *p,
    const uint8_t *end)
{
	const char *text = (const char *)p;
	size_t len = (size_t)(end - p);
	bool escapes = memchr(p, '\\', len) != NULL;

	if (escapes) {
		/* An escape has at most six bytes for a decoded one. */
		if (len > 6 * (size_t)EVT_KEY_MAX)
			return true;
		text = json_scan_decode(s, p, end, &len);
		if (text == NULL)
			return false;
		if (memchr(text, '\0', len) != NULL)
			return true;
	}
	if (len == 0 || len > EVT_KEY_MAX)
		return true;
	if (escapes)
		s->n_decoded += len;
	return json_scan_add_key(s, hit, text, len, false);
}

/* Add the number from p to end, which the paths `hit` name. */
static bool
json_scan_add_number(evt_json_scanner *s, uint64_t hit, const uint8_t *p,
    const uint8_t *end)
{
	size_t minus = *p == '-', len = (size_t)(end - p), digits = len - minus;
	const char *last =
	    minus ? "9223372036854775808" : "9223372036854775807";
	bool fits =
	    digits < 19 || (digits == 19 && memcmp(p + minus, last, 19) <= 0);

	if (len > EVT_KEY_MAX || evt_pass_digits(p + minus, end) != end)
		return true;
	/* JSON allows no leading zeros, so only "-0" is not canonical. */
	if (len == 2 && minus && p[1] == '0') {
		p++;
		len--;
	}
	return json_scan_add_key(s, hit, (const char *)p, len, fits);
}

/* Add the scalar from p to end, which the paths `hit` name. */
static __attribute__((noinline)) bool
json_scan_add_scalar(evt_json_scanner *s, uint64_t hit, const uint8_t *p,
    const uint8_t *end)
{
	if (*p == '"')
		return json_scan_add_string(s, hit, p + 1, end - 1);
	if (*p == '-' || is_digit(*p))
		return json_scan_add_number(s, hit, p, end);
	return true;
}

/* Which of the paths `alive` continue under this name. */
static inline uint64_t
json_scan_follow_name(const evt_profile_level *level, uint64_t alive,
    const char *name, size_t len)
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
json_scan_follow_index(const evt_profile_level *level, uint64_t alive,
    uint64_t index)
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

/* The result of passing a key or a comma. */
struct passed {
	const uint8_t *p; /* the value; NULL: not well-formed */
	uint64_t alive;   /* the paths that continue in it */
};

/* Pass any key of a member, from its opening quote to the value after the colon.
 * `plain`: the end of its first plain characters. */
static __attribute__((noinline)) struct passed
json_scan_pass_any_key(evt_json_scanner *s, const struct level *l,
    const uint8_t *p, const uint8_t *plain, const uint8_t *end)
{
	const char *name = (const char *)p + 1;
	struct passed none = { NULL, 0 }, to = none;
	size_t len;

	p = evt_pass_odd_string(plain, end);
	if (p == NULL)
		return none;
	if (l->alive != 0) {
		len = (size_t)(p - 1 - (const uint8_t *)name);
		if (p - 1 != plain)
			name = json_scan_decode(s, (const uint8_t *)name, p - 1,
			    &len);
		if (name == NULL)
			return none;
		to.alive =
		    json_scan_follow_name((l - 1)->paths, l->alive, name, len);
	}
	p = evt_pass_space(&s->line_break, p, end);
	if (p == end || *p != ':')
		return none;
	to.p = evt_pass_space(&s->line_break, p + 1, end);
	return to;
}

/* The same.  Fast for most keys: all characters are plain, and no space
 * follows. */
static inline struct passed
json_scan_pass_key(evt_json_scanner *s, const struct level *l, const uint8_t *p,
    const uint8_t *end)
{
	const uint8_t *to;
	uint64_t alive = l->alive;

	if (p == end || *p != '"')
		return (struct passed){ NULL, 0 };
	to = evt_pass_plain(p + 1, end);
	if (end - to <= 2 || to[0] != '"' || to[1] != ':' || to[2] <= ' ')
		return json_scan_pass_any_key(s, l, p, to, end);
	if (alive != 0)
		alive = json_scan_follow_name((l - 1)->paths, alive,
		    (const char *)p + 1, (size_t)(to - p - 1));
	return (struct passed){ to + 2, alive };
}

/* Store this key, which began with the '{' or ',' at p, in the cache.  Returns its
 * place. */
static __attribute__((noinline)) evt_key_cache_key *
json_scan_learn_key(evt_json_scanner *s, const struct level *l,
    evt_key_cache_key *place, const uint8_t *p, const uint8_t *end,
    struct passed to)
{
	evt_key_cache_fact fact = { .level = l,
		.within = l->alive,
		.alive = to.alive };

	if (to.alive != 0)
		fact.hit = to.alive & l->paths->ends;
	return evt_key_cache_learn(&s->cache, place, p, to.p, end, &fact);
}

/* Open the container at p, to which the paths `alive` lead. */
static inline void
json_scan_open_level(struct level *l, uint8_t opener, uint64_t alive)
{
	l->closer = opener + 2; /* '{' and '}', '[' and ']' */
	l->index = 0;
	if (alive != 0)
		alive &= opener == '{' ? (l - 1)->paths->members :
		                         (l - 1)->paths->elements;
	l->alive = alive;
}

/* Pass the key of a member, or begin an element, at p.  `from`: the '{', '[' or ','
 * before it.  *place: its place in the cache. */
static inline struct passed
json_scan_enter(evt_json_scanner *s, struct level *l, const uint8_t *from,
    const uint8_t *p, const uint8_t *end, evt_key_cache_key **place)
{
	struct passed to = { p, 0 };

	if (l->closer == '}') {
		to = json_scan_pass_key(s, l, p, end);
		if (to.p != NULL && evt_key_cache_open(&s->cache, *place))
			*place =
			    json_scan_learn_key(s, l, *place, from, end, to);
	} else if (l->alive != 0) {
		to.alive = json_scan_follow_index((l - 1)->paths, l->alive,
		    l->index++);
	}
	return to;
}

/* Pass a scalar at p, to which the paths `alive` lead.  In an array to which no
 * path leads, pass the scalars after it, too. */
static inline const uint8_t *
json_scan_pass_scalars_at(evt_json_scanner *s, const struct level *l,
    uint64_t alive, const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

	if (l->closer == ']' && l->alive == 0)
		return evt_pass_scalars(p, end);
	p = evt_pass_scalar(p, end);
	if (p != NULL && alive != 0 && (alive & l->paths->ends) != 0 &&
	    !json_scan_add_scalar(s, alive & l->paths->ends, from, p))
		return NULL;
	return p;
}

/* Pass the string value of a key from the cache, from after its opening quote. */
static inline const uint8_t *
json_scan_pass_known_string(evt_json_scanner *s, const evt_key_cache_key *known,
    const uint8_t *p, const uint8_t *end)
{
	const uint8_t *from = p;

	p = evt_pass_string_inline(p, end);
	if (p != NULL && known->fact.hit != 0 &&
	    !json_scan_add_string(s, known->fact.hit, from, p - 1))
		return NULL;
	return p;
}

/* Pass the value at p, and return its end; NULL: it is not well-formed. */
static const uint8_t *
json_scan_pass_value(evt_json_scanner *s, const uint8_t *p, const uint8_t *end,
    uint64_t alive)
{
	evt_key_cache_key *place = evt_key_cache_begin(&s->cache), *known;
	struct level *l = s->levels;
	const uint8_t *from;
	struct passed to;

	for (;;) {
		if (p == end)
			return NULL;
		from = p;
		if (*p == '{' || *p == '[') {
			if (l == &s->levels[EVT_JSON_SCAN_DEPTH])
				return NULL;
			l->place = place;
			json_scan_open_level(++l, *p, alive);
			known = *p == '{' ? evt_key_cache_find(place->first, p,
			                        end, l, l->alive) :
			                    NULL;
			if (likely(known != NULL))
				goto known;
			p = evt_pass_space(&s->line_break, p + 1, end);
			if (p == end)
				return NULL;
			if (*p != l->closer)
				goto enter;
			p++;
			place = (--l)->place;
		} else {
			p = json_scan_pass_scalars_at(s, l, alive, p, end);
			if (p == NULL)
				return NULL;
		}
	after: /* a value */
		known = l->closer == '}' ?
		    evt_key_cache_find(place->next, p, end, l, l->alive) :
		    NULL;
		if (likely(known != NULL))
			goto known;
		p = evt_pass_space(&s->line_break, p, end);
		if (p < end && *p == l->closer) {
			p++;
			place = (--l)->place;
			goto after;
		}
		if (l == s->levels)
			return p;
		if (p == end || *p != ',')
			return NULL;
		from = p;
		p = evt_pass_space(&s->line_break, p + 1, end);
	enter: /* a member or an element */
		to = json_scan_enter(s, l, from, p, end, &place);
		alive = to.alive;
		p = to.p;
		if (p == NULL)
			return NULL;
		continue;
	known: /* a member's key, at p */
		p += known->len;
		place = known->place;
		alive = known->fact.alive;
		if (known->line_break)
			s->line_break = true;
		if (known->string) {
			p = json_scan_pass_known_string(s, known, p, end);
			if (p == NULL)
				return NULL;
			goto after;
		}
		/* There may be more space than when it was stored. */
		p = evt_pass_space(&s->line_break, p, end);
	}
}

/* Prepare for a frame of n bytes. */
static void
json_scan_reset(evt_json_scanner *s, size_t n)
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
evt_json_scan(evt_json_scanner *scanner, const uint8_t *p, size_t n,
    evt_json_scan_result *ret_result, evt_error *err)
{
	evt_json_scanner *s = scanner;
	evt_json_scan_result result = { 0 };

	assert(s != NULL && (p != NULL || n == 0) && ret_result != NULL);
	json_scan_reset(s, n);
	if (n > 0) {
		const uint8_t *end = p + n;

		p = evt_pass_space(&s->line_break, p, end);
		p = json_scan_pass_value(s, p, end,
		    s->profile->events | s->profile->sources);
		if (s->nomem)
			return evt_err_nomem(err);
		result.json =
		    p != NULL && evt_pass_space(&s->line_break, p, end) == end;
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
