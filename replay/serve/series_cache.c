/* series_cache.c - see series_cache.h. */
#include "replay/serve/series_cache.h"

#include <assert.h>
#include <string.h>

void
evt_series_cache_entry_free(evt_series_cache_entry *e)
{
	evt_series_free(e->series);
	evt_buf_free(&e->key);
	*e = (evt_series_cache_entry){ .series = NULL };
}

void
evt_series_cache_clear(evt_series_cache *c)
{
	for (size_t i = 0; i < EVT_SERIES_CACHE_ENTRIES; i++)
		evt_series_cache_entry_free(&c->entry[i]);
}

/* Close the hole at i; the last one is then empty. */
static void
series_cache_remove(evt_series_cache *c, size_t i)
{
	memmove(&c->entry[i], &c->entry[i + 1],
	    (EVT_SERIES_CACHE_ENTRIES - 1 - i) * sizeof(c->entry[0]));
	c->entry[EVT_SERIES_CACHE_ENTRIES - 1] =
	    (evt_series_cache_entry){ .series = NULL };
}

bool
evt_series_cache_take(evt_series_cache *c, const evt_buf *key, uint64_t stamp,
    int64_t from_ns, int64_t to_ns, evt_series_cache_entry *ret)
{
	for (size_t i = EVT_SERIES_CACHE_ENTRIES; i-- > 0;) {
		evt_series_cache_entry *e = &c->entry[i];

		if (e->series == NULL || e->stamp == stamp)
			continue;
		evt_series_cache_entry_free(e);
		series_cache_remove(c, i);
	}
	for (size_t i = 0; i < EVT_SERIES_CACHE_ENTRIES; i++) {
		const evt_series_cache_entry *e = &c->entry[i];

		if (e->series == NULL || e->from_ns > from_ns ||
		    e->to_ns < to_ns || e->key.len != key->len ||
		    memcmp(e->key.data, key->data, key->len) != 0)
			continue;
		*ret = *e;
		series_cache_remove(c, i);
		return true;
	}
	return false;
}

void
evt_series_cache_put(evt_series_cache *c, evt_series_cache_entry *entry)
{
	evt_series_cache_entry *last = &c->entry[EVT_SERIES_CACHE_ENTRIES - 1];
	size_t values = 0;

	assert(entry->series != NULL && evt_series_is_kept(entry->series));
	evt_series_cache_entry_free(last);
	memmove(&c->entry[1], &c->entry[0],
	    (EVT_SERIES_CACHE_ENTRIES - 1) * sizeof(c->entry[0]));
	c->entry[0] = *entry;
	*entry = (evt_series_cache_entry){ .series = NULL };
	for (size_t i = 0; i < EVT_SERIES_CACHE_ENTRIES; i++) {
		if (c->entry[i].series == NULL)
			break;
		values += evt_series_n_kept(c->entry[i].series);
		if (values > EVT_SERIES_CACHE_VALUES)
			evt_series_cache_entry_free(&c->entry[i]);
	}
}
