/* set.h - a set of small numbers: which sources of a board somebody wants. */
#ifndef EVT_FORMAT_BASE_BITSET_H
#define EVT_FORMAT_BASE_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; free it with evt_bitset_free(). */
typedef struct evt_bitset {
	bool all;       /* everything, also what comes to the board later */
	uint64_t *word; /* a bit each; of no meaning where all is set */
	size_t words;
} evt_bitset;

void evt_bitset_free(evt_bitset *set);

bool evt_bitset_has(const evt_bitset *set, size_t no);
bool evt_bitset_empty(const evt_bitset *set);
/* Take everything out; the memory is kept. */
void evt_bitset_clear(evt_bitset *set);
/* Put a number in, or take it out; not where all is set.  false: out of
 * memory. */
bool evt_bitset_put(evt_bitset *set, size_t no, bool in);
/* Write an "all" out as the numbers below n, so that some can be taken from it.
 * false: out of memory. */
bool evt_bitset_spell(evt_bitset *set, size_t n);

#endif
