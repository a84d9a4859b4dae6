/* nearest.c - the few names that are most like another one. */
#include "format/base/nearest.h"

#include <assert.h>
#include <string.h>

#define COMPARED 48

/* The edit distance of two names: how many bytes to insert, remove or replace. */
static unsigned
nearest_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, COMPARED), m = strnlen(b, COMPARED);
	unsigned row[COMPARED + 1];

	for (size_t k = 0; k <= m; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= n; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= m; k++) {
			unsigned best = diagonal + (a[i - 1] != b[k - 1]);

			diagonal = row[k];
			best = row[k] + 1 < best ? row[k] + 1 : best;
			row[k] = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
		}
	}
	return row[m];
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
