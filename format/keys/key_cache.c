/* key_cache.c - see key_cache.h: the functions that are not needed for every key. */
#include "format/keys/key_cache.h"

evt_key_cache_key *
evt_key_cache_find_other(evt_key_cache_key *k, const uint8_t *p,
    const uint8_t *end, const void *level, uint64_t within)
{
	/* The shortest key is {"": and the first four bytes of most keys
	 * differ. */
	if (end - p < 4)
		return NULL;
	while (k != NULL &&
	    (memcmp(k->text, p, 4) != 0 ||
	        !evt_key_cache_fits(k, p, end, level, within)))
		k = k->other;
	return k;
}

/* Make a key of the text from p to `to`.  NULL: the cache is full. */
static evt_key_cache_key *
key_cache_make(evt_key_cache *m, const uint8_t *p, const uint8_t *to,
    bool string)
{
	evt_key_cache_key *k;
	size_t len = (size_t)(to - p) + string;

	if (m->n == EVT_KEY_CACHE_KEYS)
		return NULL;
	k = &m->keys[m->n++];
	memset(k, 0, sizeof(*k));
	memcpy(k->text, p, len);
	k->len = (uint8_t)len;
	k->mask = len < 32 ? (UINT32_C(1) << len) - 1 : UINT32_MAX;
	k->string = string;
	k->line_break =
	    memchr(p, '\n', len) != NULL || memchr(p, '\r', len) != NULL;
	return k;
}

evt_key_cache_key *
evt_key_cache_learn(evt_key_cache *m, evt_key_cache_key *place,
    const uint8_t *p, const uint8_t *to, const uint8_t *end,
    const evt_key_cache_fact *fact)
{
	evt_key_cache_key **link = *p == '{' ? &place->first : &place->next;
	evt_key_cache_key *k = NULL, *same = NULL;
	bool string = to < end && *to == '"';
	int choices = 0;

	if (!evt_key_cache_open(m, place))
		return place;
	/* Too long to store.  The next key is then stored after `place`. */
	if (to - p + string > EVT_KEY_CACHE_TEXT)
		return place;
	for (; *link != NULL; link = &(*link)->other, choices++) {
		k = *link;
		if (k->fact.level != fact->level ||
		    k->fact.within != fact->within ||
		    k->len - k->string != to - p ||
		    memcmp(k->text, p, (size_t)(to - p)) != 0)
			continue;
		/* It is stored; white space before the comma hid it. */
		if (k->string == string)
			return k->place;
		same = k->place;
	}
	k = choices < EVT_KEY_CACHE_CHOICES ? key_cache_make(m, p, to, string) :
	                                      NULL;
	if (k == NULL) {
		m->missed++;
		return same != NULL ? same : &m->keys[1];
	}
	k->fact = *fact;
	k->place = same != NULL ? same : k;
	*link = k;
	return k->place;
}
