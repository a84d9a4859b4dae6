/*
 * key_cache.h - the keys that the key scanner has seen before, for it alone.
 *
 * Frames of a feed have the same keys in the same order.  So each key is stored
 * with the text around it: from the '{' or ',' before it to its value (into the
 * value, if that is a string).  It is also stored what came next: the key after
 * its value, and the first key in its value.  If the same bytes come again, one
 * comparison passes them all.
 *
 * What comes next is a guess; the rest of an entry is a fact: in an object at
 * this depth in which the paths `within` are alive, these bytes are well-formed,
 * and the paths `alive` continue in the value.  Depth and paths are compared along with
 * the bytes, so a wrong guess costs time but never changes a result.
 *
 * The cache is part of the scanner and bounded (36 KiB).  The cost of input
 * without any order is bounded, too: at most EVT_KEY_CACHE_CHOICES keys are tried
 * at one place, and nothing is stored after a key that was not stored.  When many
 * keys were not stored, the cache starts from scratch: the feed may have changed.
 */
#ifndef EVT_FORMAT_KEYS_KEY_CACHE_H
#define EVT_FORMAT_KEYS_KEY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "format/base/sse2.h"

#define EVT_KEY_CACHE_KEYS 256
#define EVT_KEY_CACHE_TEXT 64
#define EVT_KEY_CACHE_CHOICES 4
/* After this many keys that were not stored, the cache starts from scratch.
 * Filling it again is then a small part of the work. */
#define EVT_KEY_CACHE_PATIENCE 32768

typedef struct evt_key_cache_fact {
	const void *level; /* of the object, one for each depth */
	uint64_t within;   /* the paths that are alive in the object */
	uint64_t alive;    /* the paths that continue in the key's value */
	uint64_t hit;      /* the paths that name the key's value */
} evt_key_cache_fact;

typedef struct evt_key_cache_key {
	_Alignas(16) uint8_t text[EVT_KEY_CACHE_TEXT];
	evt_key_cache_fact fact;
	struct evt_key_cache_key
	    *other; /* another key that came at this place */
	/* The place whose `next` and `first` are used: this key, or the same
	 * key with another kind of value. */
	struct evt_key_cache_key *place;
	struct evt_key_cache_key *next;  /* the key that came after its value */
	struct evt_key_cache_key *first; /* the first key in its value */
	uint32_t mask;   /* a bit for each of the first 32 bytes of the text */
	uint8_t len;     /* of the text */
	bool string;     /* the text ends with a string's opening quote */
	bool line_break; /* the text has one */
} evt_key_cache_key;

typedef struct evt_key_cache {
	/* Zero-initialised is valid.  Key 0 represents the whole value, and key
	 * 1 every key that is not stored: nothing is stored after it. */
	evt_key_cache_key keys[EVT_KEY_CACHE_KEYS];
	size_t n;
	size_t missed; /* keys that were not stored, for lack of space */
} evt_key_cache;

/* Begin a frame, and return the place of the whole value.  The cache is cleared
 * only here, since the walk over a frame holds places. */
static inline evt_key_cache_key *
evt_key_cache_begin(evt_key_cache *m)
{
	if (m->n == 0 || m->missed >= EVT_KEY_CACHE_PATIENCE) {
		m->keys[0].first = NULL;
		m->n = 2;
		m->missed = 0;
	}
	return &m->keys[0];
}

/* Whether a key can be stored after this place; if not, count it as missed. */
static inline bool
evt_key_cache_open(evt_key_cache *m, const evt_key_cache_key *place)
{
	bool open = place != &m->keys[1];

	m->missed += !open;
	return open;
}

/* Whether the bytes of the key are at p. */
static inline bool
evt_key_cache_is_at(const evt_key_cache_key *k, const uint8_t *p,
    const uint8_t *end)
{
#if EVT_SSE2
	if (end - p >= 32) {
		const __m128i *a = (const __m128i *)(const void *)p;
		const __m128i *b = (const __m128i *)(const void *)k->text;
		unsigned same = (unsigned)_mm_movemask_epi8(
		    _mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_load_si128(b)));

		same |= (unsigned)_mm_movemask_epi8(
		            _mm_cmpeq_epi8(_mm_loadu_si128(a + 1),
		                _mm_load_si128(b + 1)))
		    << 16;
		return (~same & k->mask) == 0 &&
		    (k->len <= 32 ||
		        (end - p >= k->len &&
		            memcmp(p + 32, k->text + 32, k->len - 32u) == 0));
	}
#endif
	return end - p >= k->len && memcmp(p, k->text, k->len) == 0;
}

static inline bool
evt_key_cache_fits(const evt_key_cache_key *k, const uint8_t *p,
    const uint8_t *end, const void *level, uint64_t within)
{
	return k->fact.level == level && k->fact.within == within &&
	    evt_key_cache_is_at(k, p, end);
}

/* evt_key_cache_find() for the keys after the first. */
evt_key_cache_key *evt_key_cache_find_other(evt_key_cache_key *k,
    const uint8_t *p, const uint8_t *end, const void *level, uint64_t within);

/* Find the key at p among k and the other keys of its place, in an object at this
 * level in which the paths `within` are alive.  NULL: no stored key is there. */
static inline evt_key_cache_key *
evt_key_cache_find(evt_key_cache_key *k, const uint8_t *p, const uint8_t *end,
    const void *level, uint64_t within)
{
	if (k == NULL || evt_key_cache_fits(k, p, end, level, within))
		return k;
	return k->other == NULL ?
	    NULL :
	    evt_key_cache_find_other(k->other, p, end, level, within);
}

/*
 * Store the key from p to its value at `to` (which may be the end), which
 * evt_key_cache_find() did not find after `place`.  Returns the key's place.
 */
evt_key_cache_key *evt_key_cache_learn(evt_key_cache *m,
    evt_key_cache_key *place, const uint8_t *p, const uint8_t *to,
    const uint8_t *end, const evt_key_cache_fact *fact);

#endif
