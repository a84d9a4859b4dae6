/* bitset.h - a set of small numbers, such as the sources that a client wants. */
#ifndef EVT_FORMAT_BASE_BITSET_H
#define EVT_FORMAT_BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; free it with evt_bitset_free(). */
typedef struct evt_bitset {
	bool all;       /* every number, also those that come into use later */
	uint64_t *word; /* a bit for each number; ignored if `all` is set */
	size_t words;
} evt_bitset;

void evt_bitset_free(evt_bitset *set);

bool evt_bitset_has(const evt_bitset *set, size_t no);
bool evt_bitset_empty(const evt_bitset *set);
/* Make the set empty; the memory is kept. */
void evt_bitset_clear(evt_bitset *set);
/* Add the number or remove it; `all` must not be set.  false: out of memory. */
bool evt_bitset_put(evt_bitset *set, size_t no, bool in);
/* Replace `all` by the numbers below n, so that some can be removed.  false: out
 * of memory. */
bool evt_bitset_spell(evt_bitset *set, size_t n);

#endif
