/*
 * grow.h - make room in an array that grows.
 *
 *     struct point *p = NULL;
 *     size_t n = 0, cap = 0;
 *
 *     if (!evt_grow(&p, &cap, n + 1))
 *             return evt_err_nomem(err);
 *     p[n++] = point;
 *
 * The capacity at least doubles, so that n additions cost O(n) copies.
 */
#ifndef EVT_FORMAT_BASE_GROW_H
#define EVT_FORMAT_BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make *array (a pointer to elements, NULL at first) hold at least `need`
 * elements.  `cap` (size_t *) holds its capacity.  New elements are not
 * initialised.  false: out of memory, or the size would overflow; array and
 * capacity are unchanged.
 */
#define evt_grow(array, cap, need) \
	evt_grow_if_full((array), (cap), (need), sizeof(**(array)))

/* The same for an element of `size` bytes; `array` points to the pointer. */
bool evt_grow_array(void *array, size_t *cap, size_t need, size_t size);

/* Inline: arrays that are used for every frame have nearly always room. */
static inline bool
evt_grow_if_full(void *array, size_t *cap, size_t need, size_t size)
{
	return need <= *cap || evt_grow_array(array, cap, need, size);
}

#endif
