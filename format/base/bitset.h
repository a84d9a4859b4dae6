/* set.h - a set of small numbers: which sources of a board somebody wants. */
#ifndef EVT_SET_H
#define EVT_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised it is empty; free it with evt_set_free(). */
typedef struct evt_set {
	bool all;       /* everything, also what comes to the board later */
	uint64_t *word; /* a bit each; of no meaning where all is set */
	size_t words;
} evt_set;

void evt_set_free(evt_set *set);

bool evt_set_has(const evt_set *set, size_t no);
bool evt_set_empty(const evt_set *set);
/* Take everything out; the memory is kept. */
void evt_set_clear(evt_set *set);
/* Put a number in, or take it out; not where all is set.  false: out of
 * memory. */
bool evt_set_put(evt_set *set, size_t no, bool in);
/* Write an "all" out as the numbers below n, so that some can be taken from it.
 * false: out of memory. */
bool evt_set_spell(evt_set *set, size_t n);

#endif
