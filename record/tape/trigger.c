/* trigger.c - see trigger.h. */
#include "record/tape/trigger.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/base/json_view.h"

struct step {
	const char *name; /* NULL: every element or member */
	size_t len;
	bool is_index;
	size_t index;
};

struct trigger {
	const char *text;  /* PATH=VALUE */
	const char *value; /* within it */
	char *names;       /* of the steps, decoded */
	struct step *steps;
	size_t n_steps;
};

struct evt_triggers {
	struct trigger *t;
	size_t n;
};

void
evt_triggers_free(evt_triggers *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->t[i].names);
		free(t->t[i].steps);
	}
	free(t->t);
	free(t);
}

/* Parse an index: "0", "17", but not "017". */
static bool
trigger_as_index(const struct step *s, size_t *ret)
{
	size_t v = 0;

	if (s->len == 0 || (s->len > 1 && s->name[0] == '0'))
		return false;
	for (size_t i = 0; i < s->len; i++) {
		unsigned digit = (unsigned)(s->name[i] - '0');

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	*ret = v;
	return true;
}

/* Decode one component, which ends at the next '/', into *to. */
static const char *
trigger_add_step(struct trigger *t, const char *p, char **to)
{
	struct step *s = &t->steps[t->n_steps++];

	if (p[0] == '*' && (p[1] == '/' || p[1] == '\0'))
		return p + 1;
	s->name = *to;
	for (; *p != '/' && *p != '\0'; p++) {
		if (*p == '~')
			*(*to)++ = *++p == '0' ? '~' : '/';
		else
			*(*to)++ = *p;
	}
	s->len = (size_t)(*to - s->name);
	s->is_index = trigger_as_index(s, &s->index);
	return p;
}

/* Compile a valid path.  On failure the caller frees what was allocated. */
static bool
trigger_compile(struct trigger *t, const char *path)
{
	char *to = malloc(strlen(path) + 1);
	size_t n = 0;

	for (const char *p = path; *p != '\0'; p++)
		n += *p == '/';
	t->names = to;
	t->steps = calloc(n + 1, sizeof(*t->steps));
	if (to == NULL || t->steps == NULL)
		return false;
	while (*path == '/')
		path = trigger_add_step(t, path + 1, &to);
	return true;
}

static int
trigger_add(struct trigger *t, const char *text, evt_error *err)
{
	const char *end = strchr(text, '=');
	evt_error why;
	char *path;
	int r;

	if (end == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a trigger is PATH=VALUE, like /event=alarm, not '%.80s'",
		    text);
	path = strndup(text, (size_t)(end - text));
	if (path == NULL)
		return evt_err_nomem(err);
	t->text = text;
	t->value = end + 1;
	r = evt_json_view_check_pointer(path, &why);
	if (r != EVT_OK)
		r = evt_err_set(err, EVT_ERR_ARG, "trigger '%.80s': %.300s",
		    text, why.text);
	else if (!trigger_compile(t, path))
		r = evt_err_nomem(err);
	else if (t->n_steps > EVT_JSON_SCAN_DEPTH)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "trigger '%.80s': the path is deeper than any frame may be",
		    text);
	free(path);
	return r;
}

int
evt_triggers_new(const char *const *texts, size_t n,
    evt_triggers **ret_triggers, evt_error *err)
{
	evt_triggers *t = calloc(1, sizeof(*t));
	int r = EVT_OK;

	assert((texts != NULL || n == 0) && ret_triggers != NULL);
	if (t == NULL)
		return evt_err_nomem(err);
	t->t = calloc(n + 1, sizeof(*t->t));
	if (t->t == NULL)
		r = evt_err_nomem(err);
	while (r == EVT_OK && t->n < n) {
		r = trigger_add(&t->t[t->n], texts[t->n], err);
		t->n++;
	}
	if (r != EVT_OK) {
		evt_triggers_free(t);
		return r;
	}
	*ret_triggers = t;
	return EVT_OK;
}

/* ---- matching ------------------------------------------------------------ */

static bool
trigger_is_value(evt_json_view v, const char *value)
{
	size_t n = strlen(value);

	switch (evt_json_view_kind(v)) {
	case EVT_JSON_VIEW_STRING:
		return evt_json_view_is(v, value, n);
	case EVT_JSON_VIEW_NULL:
	case EVT_JSON_VIEW_BOOL:
	case EVT_JSON_VIEW_NUMBER:
		return v.n == n && memcmp(v.p, value, n) == 0;
	default:
		return false;
	}
}

/* Whether `v` matches from this step on.  The path bounds the recursion. */
static bool
trigger_matches(const struct trigger *t, size_t step, evt_json_view v)
{
	const struct step *s = &t->steps[step];
	evt_json_view name, value;
	evt_json_view_walk walk;

	if (step == t->n_steps)
		return trigger_is_value(v, t->value);
	switch (evt_json_view_kind(v)) {
	case EVT_JSON_VIEW_OBJECT:
		if (s->name == NULL)
			break;
		value = evt_json_view_member(v, s->name, s->len);
		return value.p != NULL && trigger_matches(t, step + 1, value);
	case EVT_JSON_VIEW_ARRAY:
		if (s->name == NULL)
			break;
		if (!s->is_index)
			return false;
		value = evt_json_view_element(v, s->index);
		return value.p != NULL && trigger_matches(t, step + 1, value);
	default:
		return false;
	}
	walk = evt_json_view_walk_begin(v);
	while (evt_json_view_walk_next(&walk, &name, &value)) {
		if (trigger_matches(t, step + 1, value))
			return true;
	}
	return false;
}

const char *
evt_triggers_match(const evt_triggers *t, const uint8_t *p, size_t n)
{
	assert(t != NULL && p != NULL);
	for (size_t i = 0; i < t->n; i++) {
		if (trigger_matches(&t->t[i], 0, evt_json_view_make(p, n)))
			return t->t[i].text;
	}
	return NULL;
}
