/* profile.c - see profile.h: from paths to masks. */
#include "format/keys/profile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_scan.h"
#include "format/base/utf8.h"

static const char *
profile_path_fault(const char *path)
{
	const uint8_t *p = (const uint8_t *)path, *end = p + strlen(path);
	size_t depth = 0;

	if (*p != '\0' && *p != '/')
		return "it must begin with '/' (or be empty, for the whole "
		       "value)";
	while (p < end) {
		size_t n = evt_utf8_len(p, end);

		if (n == 0)
			return "it is not UTF-8";
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return "write ~0 for '~' and ~1 for '/'";
		depth += *p == '/';
		p += n;
	}
	if (depth > EVT_JSON_SCAN_DEPTH)
		return "it is deeper than a frame can be";
	return NULL;
}

/* Allocate the decoded component of n bytes at p. */
static char *
profile_component(const char *p, size_t n)
{
	char *out = malloc(n + 1), *q = out;

	if (out == NULL)
		return NULL;
	for (const char *end = p + n; p < end; p++) {
		if (*p == '~')
			*q++ = *++p == '0' ? '~' : '/';
		else
			*q++ = *p;
	}
	*q = '\0';
	return out;
}

/* Whether a name is also an array index: "0" and "17", but not "017". */
static bool
profile_as_index(const char *text, uint64_t *ret)
{
	uint64_t v = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*text - '0'), &v))
			return false;
	}
	*ret = v;
	return *text == '\0';
}

/* Record that `path` (a bit) continues with the component of n bytes at p. */
static bool
profile_add_component(evt_profile_level *level, uint64_t path, const char *p,
    size_t n)
{
	evt_profile_name *name = NULL;
	char *text;

	level->members |= path;
	if (n == 1 && *p == '*') {
		level->any |= path;
		level->elements |= path;
		return true;
	}
	text = profile_component(p, n);
	if (text == NULL)
		return false;
	for (size_t i = 0; i < level->n_names; i++) {
		if (strcmp(level->names[i].text, text) == 0)
			name = &level->names[i];
	}
	if (name != NULL) {
		free(text);
	} else {
		if (!evt_grow(&level->names, &level->cap_names,
		        level->n_names + 1)) {
			free(text);
			return false;
		}
		name = &level->names[level->n_names++];
		*name = (evt_profile_name){ .text = text, .len = strlen(text) };
		name->is_index = profile_as_index(text, &name->index);
		level->lengths |= UINT64_C(1) << (name->len % 64);
	}
	name->paths |= path;
	if (name->is_index)
		level->elements |= path;
	return true;
}

static evt_profile_level *
profile_level_at(evt_profile *profile, size_t depth)
{
	if (!evt_grow(&profile->levels, &profile->cap_levels, depth + 1))
		return NULL;
	while (profile->n_levels <= depth)
		profile->levels[profile->n_levels++] = (evt_profile_level){ 0 };
	return &profile->levels[depth];
}

static bool
profile_add_path(evt_profile *profile, uint64_t bit, const char *path)
{
	size_t depth = 0;
	evt_profile_level *level = profile_level_at(profile, 0);

	while (level != NULL && *path == '/') {
		size_t n = strcspn(path + 1, "/");

		if (!profile_add_component(level, bit, path + 1, n))
			return false;
		path += n + 1;
		level = profile_level_at(profile, ++depth);
	}
	if (level == NULL)
		return false;
	level->ends |= bit;
	return true;
}

static int
profile_add_paths(evt_profile *profile, const char *const *paths, size_t n,
    size_t first_bit, uint64_t *ret_mask, evt_error *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t bit = UINT64_C(1) << (first_bit + i);
		const char *fault = profile_path_fault(paths[i]);

		if (fault != NULL)
			return evt_err_set(err, EVT_ERR_ARG,
			    "bad path '%.80s': %s; write /event or /data/*/id",
			    paths[i], fault);
		if (!profile_add_path(profile, bit, paths[i]))
			return evt_err_nomem(err);
		*ret_mask |= bit;
	}
	return EVT_OK;
}

int
evt_profile_new(const char *const *event_paths, size_t n_events,
    const char *const *source_paths, size_t n_sources,
    evt_profile **ret_profile, evt_error *err)
{
	evt_profile *profile;
	int r;

	if (n_events > EVT_PROFILE_PATHS ||
	    n_sources > EVT_PROFILE_PATHS - n_events)
		return evt_err_set(err, EVT_ERR_ARG,
		    "%zu event paths and %zu source paths are too many: at "
		    "most %d together",
		    n_events, n_sources, EVT_PROFILE_PATHS);
	profile = calloc(1, sizeof(*profile));
	if (profile == NULL || profile_level_at(profile, 0) == NULL) {
		evt_profile_free(profile);
		return evt_err_nomem(err);
	}
	r = profile_add_paths(profile, event_paths, n_events, 0,
	    &profile->events, err);
	if (r == EVT_OK)
		r = profile_add_paths(profile, source_paths, n_sources,
		    n_events, &profile->sources, err);
	if (r != EVT_OK) {
		evt_profile_free(profile);
		return r;
	}
	*ret_profile = profile;
	return EVT_OK;
}

void
evt_profile_free(evt_profile *profile)
{
	if (profile == NULL)
		return;
	assert(profile->n_levels == 0 || profile->levels != NULL);
	for (size_t i = 0; i < profile->n_levels; i++) {
		evt_profile_level *level = &profile->levels[i];

		for (size_t k = 0; k < level->n_names; k++)
			free(level->names[k].text);
		free(level->names);
	}
	free(profile->levels);
	free(profile);
}
