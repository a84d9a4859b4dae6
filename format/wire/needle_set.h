/*
 * needle_set.h - find many byte strings in a text in one pass.
 *
 * The time is in proportion to the text, however many needles there are.
 */
#ifndef EVT_FORMAT_WIRE_NEEDLE_SET_H
#define EVT_FORMAT_WIRE_NEEDLE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a needle. */
#define EVT_NEEDLE_SET_MIN 8u
#define EVT_NEEDLE_SET_MAX 512u

typedef struct evt_needle_set evt_needle_set;

/* NULL: out of memory. */
evt_needle_set *evt_needle_set_new(void);
/* Overwrite all needles and free them.  `set` may be NULL. */
void evt_needle_set_free(evt_needle_set *set);

/*
 * Add the n bytes at p (EVT_NEEDLE_SET_MIN to EVT_NEEDLE_SET_MAX), unless the set
 * has them.  `tags`: bits that evt_needle_set_find() returns with the needle, beside
 * those that it has.  false: out of memory; the set is unchanged.
 */
bool evt_needle_set_add(evt_needle_set *set, const void *p, size_t n,
    unsigned tags);

/* How many needles the set has. */
size_t evt_needle_set_count(const evt_needle_set *set);

/*
 * Find the first place at or after `from` where a needle begins, and the longest
 * needle that begins there.  Returns its length; 0: there is none.
 */
size_t evt_needle_set_find(const evt_needle_set *set, const uint8_t *text,
    size_t n, size_t from, size_t *ret_at, unsigned *ret_tags);

#endif
