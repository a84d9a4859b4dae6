/*
 * scan_memo.h - the keys that a scanner has passed before, for it alone.
 *
 * A feed says the same keys in the same order, frame after frame.  So each key
 * is remembered with what stood around it, from the '{' or ',' in front of it
 * to its value (into it, if that is a string), and with what came next: the key
 * behind its value, and the first key in its value.  Where the same bytes stand
 * again one comparison passes them all.
 *
 * What comes next is a guess; what is remembered of a key is a fact: in an
 * object at this depth in which these paths are alive, these bytes are
 * well-formed and those paths go on in the value.  Depth and paths are compared
 * with the bytes, so that a wrong guess costs time and never changes an answer.
 *
 * The memory is part of the scanner, and bounded.  What input without any order
 * can cost is bounded, too: in one place at most SCAN_MEMO_CHOICES keys are
 * tried, and behind a key that found no room nothing is.  When many keys found
 * no room, all is forgotten and learned anew, as the feed may have changed.
 */
#ifndef EVT_SCAN_MEMO_H
#define EVT_SCAN_MEMO_H

#include "format/json_pass.h"

#define SCAN_MEMO_KEYS 256
#define SCAN_MEMO_TEXT 64
#define SCAN_MEMO_CHOICES 4
/* So many keys without room make it worth to learn anew: what that costs,
 * SCAN_MEMO_KEYS times some keys' time, is then a small part of the work. */
#define SCAN_MEMO_PATIENCE 8192

typedef struct scan_memo_key {
	_Alignas(16) uint8_t text[SCAN_MEMO_TEXT];
	const void *level; /* of the object: tells its depth */
	uint64_t within;   /* the paths that are alive in the object */
	uint64_t alive;    /* those that go on in the value */
	uint64_t hit;      /* those that name it */
	struct scan_memo_key *other; /* was met in the same place */
	/* The links to what came next are those of this key: of itself, or of
	 * the same key with another kind of value. */
	struct scan_memo_key *place;
	struct scan_memo_key *next;  /* behind its value */
	struct scan_memo_key *first; /* in its value */
	uint32_t mask;   /* a bit for each of the first 32 bytes of the text */
	uint8_t len;     /* of the text */
	bool string;     /* the text ends with a string's opening quote */
	bool line_break; /* stands in it */
} scan_memo_key;

typedef struct scan_memo {
	/* Zero-initialised is valid.  Key 0 stands for the whole value, and key
	 * 1 for each key that is not here: nothing is remembered behind it. */
	scan_memo_key keys[SCAN_MEMO_KEYS];
	size_t n;
	size_t missed; /* keys that found no room */
} scan_memo;

/* Begin a frame: where the whole value stands.  Here alone all is forgotten:
 * within a frame the walk holds places. */
static inline scan_memo_key *
scan_memo_begin(scan_memo *m)
{
	if (m->n == 0 || m->missed >= SCAN_MEMO_PATIENCE) {
		m->keys[0].first = NULL;
		m->n = 2;
		m->missed = 0;
	}
	return &m->keys[0];
}

/* The bytes of the key stand at p. */
static inline bool
scan_memo_stands(const scan_memo_key *k, const uint8_t *p, const uint8_t *end)
{
#if EVT_PASS_SSE2
	if (end - p >= 32) {
		const __m128i *a = (const __m128i *)(const void *)p;
		const __m128i *b = (const __m128i *)(const void *)k->text;
		unsigned same = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
		    _mm_loadu_si128(a), _mm_load_si128(b)));

		same |= (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(
		    _mm_loadu_si128(a + 1), _mm_load_si128(b + 1))) << 16;
		return (~same & k->mask) == 0 && (k->len <= 32 ||
		    (end - p >= k->len &&
		    memcmp(p + 32, k->text + 32, k->len - 32u) == 0));
	}
#endif
	return end - p >= k->len && memcmp(p, k->text, k->len) == 0;
}

static inline bool
scan_memo_fits(const scan_memo_key *k, const uint8_t *p, const uint8_t *end,
    const void *level, uint64_t within)
{
	return k->level == level && k->within == within &&
	    scan_memo_stands(k, p, end);
}

static __attribute__((noinline)) scan_memo_key *
scan_memo_find_other(scan_memo_key *k, const uint8_t *p, const uint8_t *end,
    const void *level, uint64_t within)
{
	while (k != NULL && !scan_memo_fits(k, p, end, level, within))
		k = k->other;
	return k;
}

/* The key among k and the others of its place that stands at p, in an object
 * at this level in which the paths `within` are alive; NULL: none. */
static inline scan_memo_key *
scan_memo_find(scan_memo_key *k, const uint8_t *p, const uint8_t *end,
    const void *level, uint64_t within)
{
	if (k == NULL || scan_memo_fits(k, p, end, level, within))
		return k;
	return k->other == NULL ? NULL :
	    scan_memo_find_other(k->other, p, end, level, within);
}

/* A new key for what stands from p to `to`; NULL: no room. */
static inline scan_memo_key *
scan_memo_make(scan_memo *m, const uint8_t *p, const uint8_t *to, bool string)
{
	scan_memo_key *k;
	size_t len = (size_t)(to - p) + string;

	if (m->n == SCAN_MEMO_KEYS)
		return NULL;
	k = &m->keys[m->n++];
	memset(k, 0, sizeof(*k));
	memcpy(k->text, p, len);
	k->len = (uint8_t)len;
	k->mask = len < 32 ? (UINT32_C(1) << len) - 1 : UINT32_MAX;
	k->string = string;
	k->line_break = memchr(p, '\n', len) != NULL ||
	    memchr(p, '\r', len) != NULL;
	return k;
}

/*
 * A key was passed, from p to the value at `to` (which may be the end), that
 * scan_memo_find() did not find behind `place`.  Remember it.  Where it stands.
 */
static __attribute__((noinline)) scan_memo_key *
scan_memo_learn(scan_memo *m, scan_memo_key *place, const uint8_t *p,
    const uint8_t *to, const uint8_t *end, const void *level, uint64_t within,
    uint64_t alive, uint64_t hit)
{
	scan_memo_key **link = *p == '{' ? &place->first : &place->next;
	scan_memo_key *k = NULL, *same = NULL;
	bool string = to < end && *to == '"';
	int choices = 0;

	if (place == &m->keys[1]) {
		m->missed++;
		return place;
	}
	/* Too long: the next key still finds what came behind this one. */
	if (to - p + string > SCAN_MEMO_TEXT)
		return place;
	for (; *link != NULL; link = &(*link)->other, choices++) {
		k = *link;
		if (k->level != level || k->within != within ||
		    k->len - k->string != to - p ||
		    memcmp(k->text, p, (size_t)(to - p)) != 0)
			continue;
		/* White space in front of the comma hid it. */
		if (k->string == string)
			return k->place;
		same = k->place;
	}
	k = choices < SCAN_MEMO_CHOICES ? scan_memo_make(m, p, to, string) :
	    NULL;
	if (k == NULL) {
		m->missed++;
		return same != NULL ? same : &m->keys[1];
	}
	k->level = level;
	k->within = within;
	k->alive = alive;
	k->hit = hit;
	k->place = same != NULL ? same : k;
	*link = k;
	return k->place;
}

#endif
