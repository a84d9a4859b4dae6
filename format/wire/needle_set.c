/*
 * needle_set.c - see needle_set.h.
 *
 * The text is searched as by Wu and Manber: two bytes of it say how far the search
 * may skip, since no needle has them in its first bytes further on.  Where it may
 * not skip, the next eight bytes are looked up among the heads of the needles.  Only
 * then the bytes that follow are hashed, and the hash is looked up at each length
 * that a needle has.  Hashes are seeded: no text can be made for collisions.
 */
#include "format/wire/needle_set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/grow.h"

#define PAIRS 65536u
/* The most bytes of a needle that skips take into account. */
#define WINDOW_MAX 32u

struct needle {
	uint8_t *data;
	uint64_t hash;
	uint32_t len;
	unsigned tags;
	uint32_t next; /* with the same slot, plus 1; 0: none */
};

/* The first eight bytes of needles. */
struct head {
	uint64_t bytes;
	uint32_t longest; /* of the needles that begin so; 0: a free slot */
};

struct evt_needle_set {
	struct needle *item;
	size_t n, cap;
	uint32_t *slot; /* needles by hash: an index plus 1 */
	struct head *head;
	size_t slots;  /* of both tables; a power of two */
	uint64_t seed; /* odd */
	size_t window; /* of the shortest needle, at most WINDOW_MAX */
	bool has_len[EVT_NEEDLE_SET_MAX + 1];
	uint8_t skip[PAIRS];
};

static uint64_t
needle_set_load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static size_t
needle_set_pair(const uint8_t *p)
{
	return (size_t)p[0] | (size_t)p[1] << 8;
}

/* The hash of a text that is one byte longer. */
static uint64_t
needle_set_step(uint64_t h, uint8_t c, uint64_t seed)
{
	h = (h + c + 1) * seed;
	return h ^ h >> 29;
}

static size_t
needle_set_slot(const evt_needle_set *set, uint64_t h)
{
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h ^ h >> 32) & (set->slots - 1);
}

/* The head with these bytes, or the free slot for it. */
static struct head *
needle_set_head(const evt_needle_set *set, uint64_t bytes)
{
	size_t i = needle_set_slot(set, (bytes ^ bytes >> 31) * set->seed);

	while (set->head[i].longest > 0 && set->head[i].bytes != bytes)
		i = (i + 1) & (set->slots - 1);
	return &set->head[i];
}

static void
needle_set_put_skips(evt_needle_set *set, const struct needle *nd)
{
	for (size_t i = 0; i + 2 <= set->window; i++) {
		uint8_t *skip = &set->skip[needle_set_pair(nd->data + i)];
		size_t left = set->window - 2 - i;

		if (*skip > left)
			*skip = (uint8_t)left;
	}
}

/* Enter the needle of that index into the tables. */
static void
needle_set_enter(evt_needle_set *set, size_t i)
{
	struct needle *nd = &set->item[i];
	uint64_t bytes = needle_set_load(nd->data);
	struct head *head = needle_set_head(set, bytes);
	size_t at = needle_set_slot(set, nd->hash);

	nd->next = set->slot[at];
	set->slot[at] = (uint32_t)i + 1;
	head->bytes = bytes;
	if (head->longest < nd->len)
		head->longest = nd->len;
}

static void
needle_set_free_tables(evt_needle_set *set)
{
	if (set->head != NULL)
		explicit_bzero(set->head, set->slots * sizeof(*set->head));
	free(set->head);
	free(set->slot);
}

/* Make tables of that many slots for the needles. */
static bool
needle_set_resize(evt_needle_set *set, size_t slots)
{
	uint32_t *slot = calloc(slots, sizeof(*slot));
	struct head *head = calloc(slots, sizeof(*head));

	if (slot == NULL || head == NULL) {
		free(slot);
		free(head);
		return false;
	}
	needle_set_free_tables(set);
	set->slot = slot;
	set->head = head;
	set->slots = slots;
	for (size_t i = 0; i < set->n; i++)
		needle_set_enter(set, i);
	return true;
}

evt_needle_set *
evt_needle_set_new(void)
{
	evt_needle_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	if (getentropy(&set->seed, sizeof(set->seed)) != 0)
		set->seed = (uint64_t)(uintptr_t)set; /* an old kernel */
	set->seed |= 1;
	if (!needle_set_resize(set, 64)) {
		free(set);
		return NULL;
	}
	return set;
}

void
evt_needle_set_free(evt_needle_set *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++) {
		explicit_bzero(set->item[i].data, set->item[i].len);
		free(set->item[i].data);
	}
	free(set->item);
	needle_set_free_tables(set);
	free(set);
}

/* The needle that is these n bytes; NULL: there is none. */
static struct needle *
needle_set_get(const evt_needle_set *set, uint64_t hash, const uint8_t *p,
    size_t n)
{
	uint32_t i = set->slot[needle_set_slot(set, hash)];

	for (; i > 0; i = set->item[i - 1].next) {
		struct needle *nd = &set->item[i - 1];

		if (nd->hash == hash && nd->len == n &&
		    memcmp(nd->data, p, n) == 0)
			return nd;
	}
	return NULL;
}

/* Narrow the window to needles of n bytes. */
static void
needle_set_narrow(evt_needle_set *set, size_t n)
{
	set->window = n < WINDOW_MAX ? n : WINDOW_MAX;
	memset(set->skip, (int)(set->window - 1), sizeof(set->skip));
	for (size_t i = 0; i < set->n; i++)
		needle_set_put_skips(set, &set->item[i]);
}

bool
evt_needle_set_add(evt_needle_set *set, const void *p, size_t n, unsigned tags)
{
	const uint8_t *bytes = p;
	uint64_t hash;
	struct needle *same;
	uint8_t *copy;

	assert(set != NULL && p != NULL);
	assert(n >= EVT_NEEDLE_SET_MIN && n <= EVT_NEEDLE_SET_MAX);
	hash = set->seed;
	for (size_t i = 0; i < n; i++)
		hash = needle_set_step(hash, bytes[i], set->seed);
	same = needle_set_get(set, hash, bytes, n);
	if (same != NULL) {
		same->tags |= tags;
		return true;
	}
	if (!evt_grow(&set->item, &set->cap, set->n + 1) ||
	    (set->n * 2 >= set->slots &&
	        !needle_set_resize(set, set->slots * 2)))
		return false;
	copy = malloc(n);
	if (copy == NULL)
		return false;
	memcpy(copy, bytes, n);
	set->item[set->n] = (struct needle){ .data = copy,
		.hash = hash,
		.len = (uint32_t)n,
		.tags = tags };
	needle_set_enter(set, set->n++);
	set->has_len[n] = true;
	if (set->n == 1 || n < set->window)
		needle_set_narrow(set, n);
	else
		needle_set_put_skips(set, &set->item[set->n - 1]);
	return true;
}

size_t
evt_needle_set_count(const evt_needle_set *set)
{
	return set->n;
}

/* The longest needle at the beginning of these n bytes; NULL: there is none. */
static const struct needle *
needle_set_match(const evt_needle_set *set, const uint8_t *p, size_t n)
{
	const struct needle *found = NULL, *nd;
	uint32_t longest = needle_set_head(set, needle_set_load(p))->longest;
	uint64_t hash = set->seed;

	if (n > longest)
		n = longest;
	for (size_t i = 0; i < n; i++) {
		hash = needle_set_step(hash, p[i], set->seed);
		if (!set->has_len[i + 1])
			continue;
		nd = needle_set_get(set, hash, p, i + 1);
		if (nd != NULL)
			found = nd;
	}
	return found;
}

size_t
evt_needle_set_find(const evt_needle_set *set, const uint8_t *text, size_t n,
    size_t from, size_t *ret_at, unsigned *ret_tags)
{
	size_t i, skip;

	if (set->n == 0)
		return 0;
	for (i = from + set->window - 2; i + 2 <= n; i += skip) {
		size_t at = i + 2 - set->window;
		const struct needle *nd;

		skip = set->skip[needle_set_pair(text + i)];
		if (skip > 0)
			continue;
		skip = 1;
		nd = needle_set_match(set, text + at, n - at);
		if (nd == NULL)
			continue;
		*ret_at = at;
		*ret_tags = nd->tags;
		return nd->len;
	}
	return 0;
}
