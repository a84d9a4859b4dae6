/* find_paths.c - see find_paths.h. */
#include "format/find/find_paths.h"

#include <assert.h>
#include <string.h>

#include "format/keys/json_lex.h"

struct walk {
	const evt_find_paths *paths;
	const uint8_t *end;
	evt_json_view *value;
};

/* The component of a path at a depth.  false: the path ends before it. */
static inline bool
find_paths_part(const struct evt_find_paths_path *path, unsigned depth,
    struct evt_find_expr_part *ret)
{
	if (path->before != NULL) {
		if (depth == 0) {
			*ret = (struct evt_find_expr_part){
				.text = (char *)(uintptr_t)path->before,
				.len = strlen(path->before),
				.index = UINT32_MAX
			};
			return true;
		}
		depth--;
	}
	if (depth >= path->n_parts)
		return false;
	*ret = path->part[depth];
	return true;
}

unsigned
evt_find_paths_add(evt_find_paths *paths, const char *before,
    const struct evt_find_expr_part *part, unsigned n)
{
	struct evt_find_paths_path *path = &paths->path[paths->n];
	struct evt_find_expr_part at;
	unsigned depth = 0;

	assert(paths->n < EVT_FIND_PATHS_MAX && n <= EVT_FIND_EXPR_PARTS);
	*path = (struct evt_find_paths_path){ before, part, n };
	for (; find_paths_part(path, depth, &at); depth++) {
		paths->lengths[depth] |= UINT64_C(1) << (at.len % 64);
		if (at.index != UINT32_MAX)
			paths->indexes[depth] |= UINT64_C(1) << paths->n;
	}
	if (depth > paths->depth)
		paths->depth = depth;
	return paths->n++;
}

/* ---- the walk ------------------------------------------------------------ */

static inline const uint8_t *
find_paths_pass_space(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p <= ' ')
		p++;
	return p;
}

/* Pass a container without looking for anything. */
static const uint8_t *
find_paths_pass_container(const uint8_t *p, const uint8_t *end)
{
	size_t depth = 0;

	while (p < end) {
		uint8_t c = *p++;

		if (c == '"') {
			p = evt_pass_string_inline(p, end);
			if (p == NULL)
				return NULL;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if ((c == '}' || c == ']') && --depth == 0) {
			return p;
		}
	}
	return NULL;
}

static inline const uint8_t *
find_paths_pass(const uint8_t *p, const uint8_t *end)
{
	if (p == end)
		return NULL;
	if (*p == '"')
		return evt_pass_string_inline(p + 1, end);
	if (*p == '{' || *p == '[')
		return find_paths_pass_container(p, end);
	while (p < end && *p != ',' && *p != '}' && *p != ']' && *p > ' ')
		p++;
	return p;
}

/* Which of the paths `alive` go on with the name from p to after its closing
 * quote; without the quote at its beginning. */
static uint64_t
find_paths_follow_name(const evt_find_paths *paths, uint64_t alive,
    unsigned depth, const uint8_t *p, const uint8_t *after)
{
	size_t len = (size_t)(after - 1 - p);
	bool escaped = memchr(p, '\\', len) != NULL;
	uint64_t on = 0;

	if (!escaped && (paths->lengths[depth] >> (len % 64) & 1) == 0)
		return 0;
	for (uint64_t left = alive; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		struct evt_find_expr_part at;

		if (!find_paths_part(&paths->path[i], depth, &at))
			continue;
		if (escaped ?
		        evt_json_view_is((evt_json_view){ p - 1, len + 2 },
		            at.text, at.len) :
		        at.len == len && memcmp(at.text, p, len) == 0)
			on |= UINT64_C(1) << i;
	}
	return on;
}

static uint64_t
find_paths_follow_index(const evt_find_paths *paths, uint64_t alive,
    unsigned depth, uint32_t index)
{
	uint64_t on = 0;

	for (uint64_t left = alive & paths->indexes[depth]; left != 0;
	     left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		struct evt_find_expr_part at;

		if (find_paths_part(&paths->path[i], depth, &at) &&
		    at.index == index)
			on |= UINT64_C(1) << i;
	}
	return on;
}

static const uint8_t *find_paths_enter(const struct walk *w, const uint8_t *p,
    uint64_t alive, unsigned depth);

/* Pass the value at p, to which the paths `alive` lead; `depth`: components so
 * far. */
static const uint8_t *
find_paths_value(const struct walk *w, const uint8_t *p, uint64_t alive,
    unsigned depth)
{
	const uint8_t *from = p;
	uint64_t on = 0;

	if (alive == 0)
		return find_paths_pass(p, w->end);
	/* Of members with one name the last one counts. */
	for (uint64_t left = alive; left != 0; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);
		const struct evt_find_paths_path *path = &w->paths->path[i];

		w->value[i] = (evt_json_view){ NULL, 0 };
		if (path->n_parts + (path->before != NULL) > depth)
			on |= UINT64_C(1) << i;
	}
	p = on != 0 && p < w->end && (*p == '{' || *p == '[') ?
	    find_paths_enter(w, p, on, depth) :
	    find_paths_pass(p, w->end);
	if (p == NULL)
		return NULL;
	for (uint64_t left = alive & ~on; left != 0; left &= left - 1)
		w->value[__builtin_ctzll(left)] =
		    (evt_json_view){ from, (size_t)(p - from) };
	return p;
}

/* Walk over the container at p.  The recursion is as deep as the longest path. */
static const uint8_t *
find_paths_enter(const struct walk *w, const uint8_t *p, uint64_t alive,
    unsigned depth)
{
	bool object = *p == '{';
	uint8_t closer = object ? '}' : ']';
	uint32_t index = 0;
	uint64_t on;

	if (!object && (alive & w->paths->indexes[depth]) == 0)
		return find_paths_pass_container(p, w->end);
	p = find_paths_pass_space(p + 1, w->end);
	if (p < w->end && *p == closer)
		return p + 1;
	while (p < w->end) {
		if (object) {
			const uint8_t *name = p + 1;

			if (*p != '"')
				return NULL;
			p = evt_pass_string_inline(name, w->end);
			if (p == NULL)
				return NULL;
			on = find_paths_follow_name(w->paths, alive, depth,
			    name, p);
			p = find_paths_pass_space(p, w->end);
			if (p == w->end || *p != ':')
				return NULL;
			p = find_paths_pass_space(p + 1, w->end);
		} else {
			on = find_paths_follow_index(w->paths, alive, depth,
			    index++);
		}
		p = find_paths_value(w, p, on, depth + 1);
		if (p == NULL)
			return NULL;
		p = find_paths_pass_space(p, w->end);
		if (p == w->end)
			return NULL;
		if (*p == closer)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = find_paths_pass_space(p + 1, w->end);
	}
	return NULL;
}

const uint8_t *
evt_find_paths_walk(const evt_find_paths *paths, const uint8_t *p,
    const uint8_t *end, evt_json_view *value)
{
	struct walk w = { paths, end, value };
	uint64_t all =
	    paths->n == 64 ? UINT64_MAX : (UINT64_C(1) << paths->n) - 1;

	assert(p != NULL && p <= end);
	for (unsigned i = 0; i < paths->n; i++)
		value[i] = (evt_json_view){ NULL, 0 };
	p = find_paths_value(&w, p, all, 0);
	for (unsigned i = 0; p == NULL && i < paths->n; i++)
		value[i] = (evt_json_view){ NULL, 0 };
	return p;
}
