/* scrub_paths.c - the current position in JSON text, and its rule. */
#include "tools/evtape/scrub/scrub_paths.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_scan.h"

/* A level that has been entered. */
struct level {
	size_t pointer_len; /* before it */
	size_t name_at, name_len;
	bool element;
	size_t index;
};

struct rule {
	enum scrub_rule what;
	enum evt_kind kind; /* of the frames that it is for */
	char **part;        /* decoded; NULL: any */
	size_t n, cap;
};

struct scrub_paths {
	struct rule *rule;
	size_t n_rules, cap_rules;
	struct level level[EVT_JSON_SCAN_DEPTH + 1];
	size_t depth;
	enum evt_kind kind; /* of the frame */
	evt_buf names;      /* of the levels, one after the other */
	evt_buf pointer;
};

/* ---- rules --------------------------------------------------------------- */

/* One component of a pointer, decoded.  NULL: out of memory. */
static char *
scrub_paths_decode_part(const char *p, size_t n)
{
	char *out = malloc(n + 1);
	size_t len = 0;

	for (size_t i = 0; out != NULL && i < n; i++) {
		if (p[i] == '~' && i + 1 < n)
			out[len++] = p[++i] == '1' ? '/' : '~';
		else
			out[len++] = p[i];
	}
	if (out != NULL)
		out[len] = '\0';
	return out;
}

static int
scrub_paths_add_part(struct rule *r, const char *p, size_t n, evt_error *err)
{
	if (!evt_grow(&r->part, &r->cap, r->n + 1))
		return evt_err_nomem(err);
	r->part[r->n] = NULL;
	if (n != 1 || *p != '*') {
		r->part[r->n] = scrub_paths_decode_part(p, n);
		if (r->part[r->n] == NULL)
			return evt_err_nomem(err);
	}
	r->n++;
	return EVT_OK;
}

static int
scrub_paths_add_pointer(struct rule *rule, const char *p, evt_error *err)
{
	int r = EVT_OK;

	while (*p == '/' && r == EVT_OK) {
		size_t n = strcspn(++p, "/");

		r = scrub_paths_add_part(rule, p, n, err);
		p += n;
	}
	return r;
}

/* Add a rule for the pointer within the record at `before`, in frames of that
 * kind. */
static int
scrub_paths_add_rule(scrub_paths *s, enum scrub_rule what, enum evt_kind kind,
    const char *before, const char *pointer, evt_error *err)
{
	struct rule *rule;
	int r;

	if (!evt_grow(&s->rule, &s->cap_rules, s->n_rules + 1))
		return evt_err_nomem(err);
	rule = &s->rule[s->n_rules];
	*rule = (struct rule){ .what = what, .kind = kind };
	r = scrub_paths_add_pointer(rule, before, err);
	if (r == EVT_OK)
		r = scrub_paths_add_pointer(rule, pointer, err);
	s->n_rules++;
	return r;
}

static const struct {
	const char *before; /* a pointer, in rules and in the report */
	enum evt_kind kind;
} kinds[] = { { "mark:", EVT_KIND_MARK }, { "sent:", EVT_KIND_SENT } };

/* Skip the pointer's prefix, and return the kind of frames that it names. */
static enum evt_kind
scrub_paths_kind(const char **pointer)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].before);

		if (strncmp(*pointer, kinds[i].before, n) == 0) {
			*pointer += n;
			return kinds[i].kind;
		}
	}
	return EVT_KIND_RECEIVED;
}

static int
scrub_paths_add_rules(scrub_paths *s, enum scrub_rule what,
    const evt_strings *list, evt_error *err)
{
	/* Where records are: see frame_items.h. */
	static const char *const records[] = { "/data", "/data/*",
		"/data/*/state" };
	int r = EVT_OK;

	for (size_t i = 0; i < list->n && r == EVT_OK; i++) {
		const char *pointer = list->item[i];
		enum evt_kind kind = scrub_paths_kind(&pointer);
		bool record = pointer[0] == '.' && kind != EVT_KIND_MARK;

		if (pointer[record] != '/')
			return evt_err_set(err, EVT_ERR_ARG,
			    "'%s' is not a pointer to a field: write "
			    "/data/label, ./label in the record of each "
			    "source, sent:/action or mark:/text",
			    list->item[i]);
		r = evt_json_view_check_pointer(pointer + record, err);
		for (size_t k = 0; k < (record ? 3 : 1) && r == EVT_OK; k++)
			r = scrub_paths_add_rule(s, what, kind,
			    record ? records[k] : "", pointer + record, err);
	}
	return r;
}

int
scrub_paths_new(const evt_strings *drop, const evt_strings *blot,
    const evt_strings *keep, scrub_paths **ret_paths, evt_error *err)
{
	scrub_paths *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return evt_err_nomem(err);
	r = scrub_paths_add_rules(s, SCRUB_RULE_DROP, drop, err);
	if (r == EVT_OK)
		r = scrub_paths_add_rules(s, SCRUB_RULE_BLOT, blot, err);
	if (r == EVT_OK)
		r = scrub_paths_add_rules(s, SCRUB_RULE_KEEP, keep, err);
	if (r != EVT_OK) {
		scrub_paths_free(s);
		return r;
	}
	*ret_paths = s;
	return EVT_OK;
}

void
scrub_paths_free(scrub_paths *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n_rules; i++) {
		for (size_t k = 0; k < s->rule[i].n; k++)
			free(s->rule[i].part[k]);
		free(s->rule[i].part);
	}
	free(s->rule);
	evt_buf_free(&s->names);
	evt_buf_free(&s->pointer);
	free(s);
}

/* ---- moving -------------------------------------------------------------- */

static bool
scrub_paths_add_name(evt_buf *out, const uint8_t *p, size_t n)
{
	bool ok = evt_buf_add_byte(out, '/');

	for (size_t i = 0; i < n && ok; i++)
		ok = p[i] == '~' ? evt_buf_add_str(out, "~0") :
		    p[i] == '/'  ? evt_buf_add_str(out, "~1") :
		                   evt_buf_add_byte(out, p[i]);
	return ok;
}

bool
scrub_paths_begin(scrub_paths *s, enum evt_kind kind)
{
	s->depth = 0;
	s->kind = kind;
	s->names.len = s->pointer.len = 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].kind == kind)
			return evt_buf_add_str(&s->pointer, kinds[i].before);
	}
	return true;
}

bool
scrub_paths_enter(scrub_paths *s, evt_json_view name, size_t index, bool data)
{
	/* Frames are nested EVT_JSON_SCAN_DEPTH deep at most: see json_scan.h. */
	struct level *l = &s->level[s->depth++];

	*l = (struct level){ .pointer_len = s->pointer.len,
		.name_at = s->names.len,
		.element = name.p == NULL,
		.index = index };
	if (l->element)
		return evt_buf_add_str(&s->pointer, "/*");
	if (!evt_buf_reserve(&s->names, 1) ||
	    !evt_json_view_text(name, &s->names))
		return false;
	l->name_len = s->names.len - l->name_at;
	/* A name that is replaced in the tape is not shown either. */
	if (data)
		return evt_buf_add_str(&s->pointer, "/*");
	return scrub_paths_add_name(&s->pointer, s->names.data + l->name_at,
	    l->name_len);
}

void
scrub_paths_leave(scrub_paths *s)
{
	const struct level *l = &s->level[--s->depth];

	s->pointer.len = l->pointer_len;
	s->names.len = l->name_at;
}

/* ---- asking -------------------------------------------------------------- */

static bool
scrub_paths_is_part(const scrub_paths *s, const struct level *l,
    const char *part)
{
	char text[24];

	if (part == NULL)
		return true;
	if (l->element) {
		snprintf(text, sizeof(text), "%zu", l->index);
		return strcmp(text, part) == 0;
	}
	return strlen(part) == l->name_len &&
	    (l->name_len == 0 ||
	        memcmp(part, s->names.data + l->name_at, l->name_len) == 0);
}

enum scrub_rule
scrub_paths_rule(const scrub_paths *s)
{
	enum scrub_rule found = SCRUB_RULE_NONE;

	for (size_t i = 0; i < s->n_rules; i++) {
		const struct rule *r = &s->rule[i];
		size_t k = 0;

		/* A rule for received frames is for sent ones, too. */
		if (r->n != s->depth || r->what <= found ||
		    (r->kind != s->kind &&
		        (r->kind != EVT_KIND_RECEIVED ||
		            s->kind != EVT_KIND_SENT)))
			continue;
		while (k < r->n &&
		    scrub_paths_is_part(s, &s->level[k], r->part[k]))
			k++;
		if (k == r->n)
			found = r->what;
	}
	return found;
}

const char *
scrub_paths_pointer(const scrub_paths *s, size_t *ret_n)
{
	*ret_n = s->pointer.len;
	return s->pointer.len > 0 ? (const char *)s->pointer.data : "";
}
