/*
 * key_table.c - see key_table.h.  Open addressing, at most half full.
 *
 * The keys come from a feed, whose sender must not be able to choose many keys
 * that fall into one slot.  So each table draws a random secret for its hash.
 * Most keys are ids and names of up to 16 bytes.  These are hashed and compared
 * as two words: one multiplication is enough.
 */
#include "format/base/key_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__extension__ typedef unsigned __int128 wide;

static inline uint64_t
key_table_load(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* Up to 16 bytes as two words, which may overlap.  They differ from the words of
 * any other text of the same length. */
struct words {
	uint64_t a, b;
};

static inline struct words
key_table_as_words(const uint8_t *p, size_t len)
{
	if (len >= 8)
		return (struct words){ key_table_load(p, 8),
			key_table_load(p + len - 8, 8) };
	if (len >= 4)
		return (struct words){ key_table_load(p, 4),
			key_table_load(p + len - 4, 4) };
	if (len == 0)
		return (struct words){ 0, 0 };
	return (struct words){ p[0], (uint64_t)p[len / 2] << 8 | p[len - 1] };
}

/* Both halves of the product: each bit depends on all bits of a and b. */
static inline uint64_t
key_table_fold(uint64_t a, uint64_t b)
{
	wide product = (wide)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint32_t
key_table_hash_key(const evt_key_table *d, const char *text, uint32_t len,
    bool is_int)
{
	const uint8_t *p = (const uint8_t *)text;
	uint64_t h = d->secret[0];
	size_t left = len;
	struct words w;

	for (; left > 16; p += 16, left -= 16)
		h = key_table_fold(key_table_load(p, 8) ^ h,
		    key_table_load(p + 8, 8) ^ d->secret[1]);
	w = key_table_as_words(p, left);
	h = key_table_fold(w.a ^ h, w.b ^ d->secret[1]);
	/* The words do not contain these. */
	return (uint32_t)h + (len * 2 + is_int) * UINT32_C(0x9e3779b1);
}

static inline bool
key_table_same_text(const uint8_t *p, const uint8_t *q, uint32_t len)
{
	struct words v, w;

	if (len > 16)
		return memcmp(p, q, len) == 0;
	v = key_table_as_words(p, len);
	w = key_table_as_words(q, len);
	return v.a == w.a && v.b == w.b;
}

/* The slot that holds the key, or the free one where it belongs. */
static inline uint32_t
key_table_find_slot(const evt_key_table *d, const char *text, uint32_t len,
    bool is_int, uint32_t hash)
{
	uint32_t i = hash & (d->n_slots - 1);

	while (d->slot[i] != 0) {
		const evt_key_table_entry *e = &d->entry[d->slot[i] - 1];

		if (e->hash == hash && e->len == len && e->is_int == is_int &&
		    key_table_same_text(d->text.data + e->at,
		        (const uint8_t *)text, len))
			break;
		i = (i + 1) & (d->n_slots - 1);
	}
	return i;
}

static void
key_table_draw_secret(evt_key_table *d)
{
	if (getentropy(d->secret, sizeof(d->secret)) == 0)
		return;
	/* The kernel lacks it.  At least the feed does not know the table's
	 * address. */
	d->secret[0] = (uintptr_t)d * UINT64_C(0x9e3779b97f4a7c15);
	d->secret[1] =
	    key_table_fold(d->secret[0], UINT64_C(0xd6e8feb86659fd93)) | 1;
}

static bool
key_table_grow_slots(evt_key_table *d, size_t want)
{
	size_t n = d->n_slots > 0 ? d->n_slots : 64;
	uint32_t *slot;

	while (n / 2 < want)
		n *= 2;
	if (n > UINT32_MAX / 2)
		return false;
	if (n == d->n_slots)
		return true;
	slot = calloc(n, sizeof(*slot));
	if (slot == NULL)
		return false;
	if (d->n_slots == 0)
		key_table_draw_secret(d);
	free(d->slot);
	d->slot = slot;
	d->n_slots = (uint32_t)n;
	for (uint32_t k = 0; k < d->n; k++) {
		uint32_t i = d->entry[k].hash & (d->n_slots - 1);

		while (slot[i] != 0)
			i = (i + 1) & (d->n_slots - 1);
		slot[i] = k + 1;
	}
	return true;
}

static __attribute__((noinline)) bool
key_table_make_room(evt_key_table *d, size_t n)
{
	size_t want = d->n + n;

	if (n > UINT32_MAX / 8 || d->text.len + n * EVT_KEY_MAX > UINT32_MAX)
		return false;
	if (want > d->cap) {
		size_t cap = want + want / 2;
		evt_key_table_entry *entry =
		    realloc(d->entry, cap * sizeof(*entry));

		if (entry == NULL)
			return false;
		d->entry = entry;
		d->cap = (uint32_t)cap;
	}
	return key_table_grow_slots(d, want) &&
	    evt_buf_reserve(&d->text, n * EVT_KEY_MAX);
}

bool
evt_key_table_reserve(evt_key_table *d, size_t n)
{
	/* The fast path: there is room already. */
	if (n <= d->cap - d->n && n <= d->n_slots / 2 - d->n &&
	    n * (uint64_t)EVT_KEY_MAX <= d->text.cap - d->text.len &&
	    d->text.cap <= UINT32_MAX)
		return true;
	return key_table_make_room(d, n);
}

/* Add a new key, which belongs into this slot. */
static __attribute__((noinline)) uint32_t
key_table_add_new(evt_key_table *d, const char *text, uint32_t len, bool is_int,
    uint32_t hash, uint32_t slot)
{
	assert(d->n < d->cap && len <= d->text.cap - d->text.len);
	d->entry[d->n] = (evt_key_table_entry){ .at = (uint32_t)d->text.len,
		.len = len,
		.hash = hash,
		.is_int = is_int };
	/* The space was reserved, so that nothing can fail. */
	if (len > 0)
		memcpy(d->text.data + d->text.len, text, len);
	d->text.len += len;
	d->slot[slot] = ++d->n;
	return d->n - 1;
}

uint32_t
evt_key_table_add(evt_key_table *d, const char *text, uint32_t len, bool is_int)
{
	uint32_t hash, i;

	assert(d->n_slots > 0); /* reserved */
	hash = key_table_hash_key(d, text, len, is_int);
	i = key_table_find_slot(d, text, len, is_int, hash);
	return d->slot[i] != 0 ?
	    d->slot[i] - 1 :
	    key_table_add_new(d, text, len, is_int, hash, i);
}

uint32_t
evt_key_table_find(const evt_key_table *d, const char *text, uint32_t len,
    bool is_int)
{
	uint32_t i;

	if (d->n_slots == 0)
		return UINT32_MAX;
	i = key_table_find_slot(d, text, len, is_int,
	    key_table_hash_key(d, text, len, is_int));
	return d->slot[i] != 0 ? d->slot[i] - 1 : UINT32_MAX;
}

evt_key
evt_key_table_key(const evt_key_table *d, uint32_t i)
{
	const evt_key_table_entry *e = &d->entry[i];

	assert(i < d->n);
	return (
	    evt_key){ (const char *)d->text.data + e->at, e->len, e->is_int };
}

void
evt_key_table_clear(evt_key_table *d)
{
	if (d->n > 0)
		memset(d->slot, 0, d->n_slots * sizeof(*d->slot));
	d->n = 0;
	d->text.len = 0;
}

void
evt_key_table_free(evt_key_table *d)
{
	free(d->entry);
	free(d->slot);
	evt_buf_free(&d->text);
	memset(d, 0, sizeof(*d));
}
