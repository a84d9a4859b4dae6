/*
 * find_paths.h - look up several paths of a JSON text in one pass.
 *
 * evt_json_view_at() walks over the text once for each component of each path.
 * This walk follows all paths at once, and passes over everything else without
 * looking into it.  On well-formed JSON both find the same.
 */
#ifndef EVT_FORMAT_FIND_FIND_PATHS_H
#define EVT_FORMAT_FIND_FIND_PATHS_H

#include "format/base/json_view.h"
#include "format/find/find_expr.h"

#define EVT_FIND_PATHS_MAX 64u

/* Zero-initialised is a valid empty set. */
typedef struct evt_find_paths {
	unsigned n;
	struct evt_find_paths_path {
		const char *before; /* a component before the others, or NULL */
		const struct evt_find_expr_part *part;
		unsigned n_parts;
	} path[EVT_FIND_PATHS_MAX];
	/* By depth: bit (length % 64) of each component there, and which paths
	 * have one that is an index. */
	uint64_t lengths[EVT_FIND_EXPR_PARTS + 1];
	uint64_t indexes[EVT_FIND_EXPR_PARTS + 1];
	unsigned depth; /* components of the longest path */
} evt_find_paths;

/* Add the path of `n` components, with `before` as its first one unless that is
 * NULL; returns its number.  All texts must outlive the set. */
unsigned evt_find_paths_add(evt_find_paths *paths, const char *before,
    const struct evt_find_expr_part *part, unsigned n);

/*
 * Find the paths in the JSON value that begins at p, which is no space, and set
 * value[0] to value[paths->n - 1]; EVT_JSON_VIEW_NONE: there is no such value.
 * Returns the end of the value; NULL: it was not well-formed, as far as it was
 * looked at, and all values are EVT_JSON_VIEW_NONE.
 */
const uint8_t *evt_find_paths_walk(const evt_find_paths *paths,
    const uint8_t *p, const uint8_t *end, evt_json_view *value);

#endif
