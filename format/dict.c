/* dict.c - see dict.h.  Open addressing, at most half full. */
#include "format/dict.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

static uint32_t
hash_key(const char *text, uint32_t len, bool is_int)
{
	return (uint32_t)XXH64(text, len, is_int);
}

/* The slot that holds the key, or the free one where it belongs. */
static uint32_t
find_slot(const evt_dict *d, const char *text, uint32_t len, bool is_int,
    uint32_t hash)
{
	uint32_t i = hash & (d->n_slots - 1);

	while (d->slot[i] != 0) {
		const evt_dict_entry *e = &d->entry[d->slot[i] - 1];

		if (e->hash == hash && e->len == len && e->is_int == is_int &&
		    memcmp(d->text.data + e->at, text, len) == 0)
			break;
		i = (i + 1) & (d->n_slots - 1);
	}
	return i;
}

static bool
grow_slots(evt_dict *d, size_t want)
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

bool
evt_dict_reserve(evt_dict *d, size_t n)
{
	size_t want = d->n + n;

	if (n > UINT32_MAX / 8 || d->text.len + n * EVT_KEY_MAX > UINT32_MAX)
		return false;
	if (want > d->cap) {
		size_t cap = want + want / 2;
		evt_dict_entry *entry = realloc(d->entry, cap * sizeof(*entry));

		if (entry == NULL)
			return false;
		d->entry = entry;
		d->cap = (uint32_t)cap;
	}
	return grow_slots(d, want) &&
	    evt_buf_reserve(&d->text, n * EVT_KEY_MAX);
}

uint32_t
evt_dict_add(evt_dict *d, const char *text, uint32_t len, bool is_int)
{
	uint32_t hash = hash_key(text, len, is_int);
	uint32_t i = find_slot(d, text, len, is_int, hash);
	evt_dict_entry *e;

	if (d->slot[i] != 0)
		return d->slot[i] - 1;
	e = &d->entry[d->n];
	e->at = (uint32_t)d->text.len;
	e->len = len;
	e->hash = hash;
	e->mark = 0;
	e->is_int = is_int;
	/* Reserved: cannot fail. */
	if (len > 0)
		memcpy(d->text.data + d->text.len, text, len);
	d->text.len += len;
	d->slot[i] = ++d->n;
	return d->n - 1;
}

uint32_t
evt_dict_find(const evt_dict *d, const char *text, uint32_t len, bool is_int)
{
	uint32_t i;

	if (d->n_slots == 0)
		return UINT32_MAX;
	i = find_slot(d, text, len, is_int, hash_key(text, len, is_int));
	return d->slot[i] != 0 ? d->slot[i] - 1 : UINT32_MAX;
}

evt_key
evt_dict_key(const evt_dict *d, uint32_t i)
{
	const evt_dict_entry *e = &d->entry[i];

	return (evt_key){ (const char *)d->text.data + e->at, e->len,
		e->is_int };
}

void
evt_dict_clear(evt_dict *d)
{
	if (d->n > 0)
		memset(d->slot, 0, d->n_slots * sizeof(*d->slot));
	d->n = 0;
	d->text.len = 0;
}

void
evt_dict_free(evt_dict *d)
{
	free(d->entry);
	free(d->slot);
	evt_buf_free(&d->text);
	memset(d, 0, sizeof(*d));
}
