/* nearest.c - the few names that are most like another one. */
#include "format/base/nearest.h"

#include <assert.h>
#include <string.h>

#define COMPARED 48

/* The edit distance of two names: how many bytes to insert, remove or replace, or
 * neighbours to swap. */
static unsigned
nearest_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, COMPARED), m = strnlen(b, COMPARED);
	unsigned row[3][COMPARED + 1]; /* of i, i - 1 and i - 2, in turn */

	for (size_t k = 0; k <= m; k++)
		row[0][k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3];
		const unsigned *before = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t k = 1; k <= m; k++) {
			unsigned best = last[k - 1] + (a[i - 1] != b[k - 1]);

			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1] && before[k - 2] + 1 < best)
				best = before[k - 2] + 1;
			best = last[k] + 1 < best ? last[k] + 1 : best;
			now[k] = now[k - 1] + 1 < best ? now[k - 1] + 1 : best;
		}
	}
	return row[n % 3][m];
}

void
evt_nearest_add(evt_nearest *list, const char *wanted, const char *name)
{
	unsigned distance = nearest_distance(wanted, name);
	size_t at = list->n;

	assert(list->n <= EVT_NEAREST_MAX);
	while (at > 0 && distance < list->distance[at - 1])
		at--;
	if (at == EVT_NEAREST_MAX)
		return;
	if (list->n < EVT_NEAREST_MAX)
		list->n++;
	for (size_t i = list->n - 1; i > at; i--) {
		list->name[i] = list->name[i - 1];
		list->distance[i] = list->distance[i - 1];
	}
	list->name[at] = name;
	list->distance[at] = distance;
}

bool
evt_nearest_write(const evt_nearest *list, evt_buf *out)
{
	for (size_t i = 0; i < list->n; i++) {
		if (!evt_buf_printf(out, "%s%s", i > 0 ? ", " : "",
		        list->name[i]))
			return false;
	}
	return true;
}
