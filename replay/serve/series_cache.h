/*
 * series_cache.h - the values of the series that were asked for last, so that a
 * chart that is zoomed or moved is drawn without reading the tape again.
 *
 * A request takes its series out, shows another window of it, and puts it back.
 * Memory is bounded by the number of values.
 */
#ifndef EVT_REPLAY_SERVE_SERIES_CACHE_H
#define EVT_REPLAY_SERVE_SERIES_CACHE_H

#include "format/series/series.h"

#define EVT_SERIES_CACHE_ENTRIES 8u
/* Most values of all entries together, and of one. */
#define EVT_SERIES_CACHE_VALUES 500000u
#define EVT_SERIES_CACHE_KEPT 200000u

/* What was read. */
typedef struct evt_series_cache_entry {
	evt_series *series;     /* NULL: the entry is empty */
	evt_buf key;            /* fields, sources and events */
	uint64_t stamp;         /* of the tapes' contents at that time */
	int64_t from_ns, to_ns; /* the window that was read */
} evt_series_cache_entry;

/* Zero-initialised is a valid empty cache. */
typedef struct evt_series_cache {
	/* The one that was used last comes first. */
	evt_series_cache_entry entry[EVT_SERIES_CACHE_ENTRIES];
} evt_series_cache;

/*
 * Take the entry out that has this key and stamp, and whose window has that from
 * from_ns to to_ns in it.  false: there is none.  Entries of another stamp are
 * freed.
 */
bool evt_series_cache_take(evt_series_cache *cache, const evt_buf *key,
    uint64_t stamp, int64_t from_ns, int64_t to_ns,
    evt_series_cache_entry *ret_entry);

/* Put the entry in, which is taken over, and free others if there are too many. */
void evt_series_cache_put(evt_series_cache *cache,
    evt_series_cache_entry *entry);

void evt_series_cache_entry_free(evt_series_cache_entry *entry);
void evt_series_cache_clear(evt_series_cache *cache);

#endif
