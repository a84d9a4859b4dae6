/* nearest.h - the few names that are most like another one, for "no such name"
 * messages. */
#ifndef EVT_FORMAT_BASE_NEAREST_H
#define EVT_FORMAT_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

#include "format/base/buf.h"

#define EVT_NEAREST_MAX 3

/* Zero-initialised is a valid empty list. */
typedef struct evt_nearest {
	const char *name[EVT_NEAREST_MAX]; /* the nearest first */
	unsigned distance[EVT_NEAREST_MAX];
	size_t n;
} evt_nearest;

/* Compare `name` with `wanted`, and keep it if it is one of the nearest so far;
 * of equally near names the first is kept.  `name` must outlive the list.  Only
 * the first 48 bytes of both are compared. */
void evt_nearest_add(evt_nearest *list, const char *wanted, const char *name);

/* Append the names, with ", " between them.  false: out of memory. */
bool evt_nearest_write(const evt_nearest *list, evt_buf *out);

#endif
