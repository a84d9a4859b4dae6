/* bitset.c - see bitset.h. */
#include "format/base/bitset.h"
#include "format/base/grow.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define BITS 64u

bool
evt_bitset_has(const evt_bitset *s, size_t no)
{
	return s->all ||
	    (no / BITS < s->words &&
	        (s->word[no / BITS] >> no % BITS & 1) != 0);
}

bool
evt_bitset_put(evt_bitset *s, size_t no, bool in)
{
	uint64_t bit = UINT64_C(1) << no % BITS;

	assert(!s->all);
	if (no / BITS >= s->words) {
		size_t old = s->words;

		if (!evt_grow(&s->word, &s->words, no / BITS + 1))
			return false;
		memset(s->word + old, 0, (s->words - old) * sizeof(*s->word));
	}
	if (in)
		s->word[no / BITS] |= bit;
	else
		s->word[no / BITS] &= ~bit;
	return true;
}

bool
evt_bitset_empty(const evt_bitset *s)
{
	for (size_t i = 0; i < s->words; i++) {
		if (s->word[i] != 0)
			return false;
	}
	return !s->all;
}

bool
evt_bitset_spell(evt_bitset *s, size_t n)
{
	if (!s->all)
		return true;
	s->all = false;
	for (size_t i = 0; i < n; i++) {
		if (!evt_bitset_put(s, i, true)) {
			s->all = true;
			return false;
		}
	}
	return true;
}

void
evt_bitset_clear(evt_bitset *s)
{
	if (s->words > 0)
		memset(s->word, 0, s->words * sizeof(*s->word));
	s->all = false;
}

void
evt_bitset_free(evt_bitset *s)
{
	free(s->word);
	*s = (evt_bitset){ .all = false };
}
