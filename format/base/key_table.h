/* key_table.h - a set of keys, numbered from 0 in the order of arrival. */
#ifndef EVT_FORMAT_BASE_KEY_TABLE_H
#define EVT_FORMAT_BASE_KEY_TABLE_H

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct evt_key_table_entry {
	uint32_t at; /* offset of the text in `text` */
	uint32_t len;
	uint32_t hash;
	uint32_t mark; /* for the caller; 0 for a new key */
	bool is_int;
} evt_key_table_entry;

/* Zero-initialised is a valid empty table. */
typedef struct evt_key_table {
	evt_key_table_entry *entry;
	uint32_t n, cap;
	evt_buf text;
	uint32_t *slot; /* 1 + number of the entry; 0: free */
	uint32_t n_slots;
	uint64_t secret[2]; /* of the hash; drawn with the first slots */
} evt_key_table;

/* Make room for n more keys of up to EVT_KEY_MAX bytes, so that adding them
 * cannot fail.  false: out of memory. */
bool evt_key_table_reserve(evt_key_table *d, size_t n);

/* Find the key, or add it, and return its number.  Two keys are equal if text and
 * is_int are.  Room must have been reserved. */
uint32_t evt_key_table_add(evt_key_table *d, const char *text, uint32_t len,
    bool is_int);

/* The number of the key, or UINT32_MAX. */
uint32_t evt_key_table_find(const evt_key_table *d, const char *text,
    uint32_t len, bool is_int);

/* The i-th key; its text moves when a key is added. */
evt_key evt_key_table_key(const evt_key_table *d, uint32_t i);

void evt_key_table_clear(evt_key_table *d);
void evt_key_table_free(evt_key_table *d);

#endif
