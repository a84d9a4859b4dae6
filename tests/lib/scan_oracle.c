/* scan_oracle.c - see scan_oracle.h. */
#include "tests/lib/scan_oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

/* cJSON 1.7.15 gives up on numbers of more bytes than this. */
#define CJSON_NUMBER_MAX 63

/* ---- the validator ------------------------------------------------------ */

/* A number or a string (names of members too), in document order. */
struct token {
	const char *text; /* as in the text; strings without their quotes */
	size_t len;
	bool is_string;
	bool nul; /* a string that holds \u0000 */
};

struct tokens {
	struct token *list;
	size_t n, cap;
};

struct reader {
	const uint8_t *p, *end;
	struct tokens *tokens; /* NULL: not wanted */
};

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

static void
note(struct reader *r, const uint8_t *from, const uint8_t *to, bool is_string,
    bool nul)
{
	struct tokens *t = r->tokens;

	if (t == NULL)
		return;
	if (t->n == t->cap) {
		t->cap = t->cap * 2 + 16;
		t->list = must(realloc(t->list, t->cap * sizeof(*t->list)));
	}
	t->list[t->n++] = (struct token){ .text = (const char *)from,
		.len = (size_t)(to - from),
		.is_string = is_string,
		.nul = nul };
}

static bool
take(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return false;
	r->p += n;
	return true;
}

static bool
take_any(struct reader *r, const char *set)
{
	if (r->p == r->end || *r->p == '\0' || strchr(set, *r->p) == NULL)
		return false;
	r->p++;
	return true;
}

static void
space(struct reader *r)
{
	while (take_any(r, " \t\r\n"))
		continue;
}

static bool
digits(struct reader *r)
{
	if (!take_any(r, "0123456789"))
		return false;
	while (take_any(r, "0123456789"))
		continue;
	return true;
}

static bool
number(struct reader *r)
{
	const uint8_t *from = r->p;

	(void)take(r, "-");
	if (!take(r, "0") && !digits(r))
		return false;
	if (take(r, ".") && !digits(r))
		return false;
	if (take_any(r, "eE")) {
		(void)take_any(r, "+-");
		if (!digits(r))
			return false;
	}
	note(r, from, r->p, false, false);
	return true;
}

/* The four digits of a \u escape; false if they are not there. */
static bool
unit(struct reader *r, unsigned long *ret)
{
	char text[5] = "";

	for (int i = 0; i < 4; i++) {
		if (!take_any(r, "0123456789abcdefABCDEF"))
			return false;
		text[i] = (char)r->p[-1];
	}
	*ret = strtoul(text, NULL, 16);
	return true;
}

static bool
escape(struct reader *r, bool *nul)
{
	unsigned long high, low;

	if (take_any(r, "\"\\/bfnrt"))
		return true;
	if (!take(r, "u") || !unit(r, &high))
		return false;
	*nul |= high == 0;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	return high < 0xdc00 && take(r, "\\u") && unit(r, &low) &&
	    low >= 0xdc00 && low <= 0xdfff;
}

/* A character past ASCII: decode it and see whether that was its shortest
 * form and it is a scalar value. */
static bool
multibyte(struct reader *r)
{
	static const unsigned long least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned c = *r->p++, n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	unsigned long v = c & (0x7fu >> n);

	if (c < 0xc0 || c >= 0xf8)
		return false;
	for (unsigned i = 1; i < n; i++) {
		if (r->p == r->end || (*r->p & 0xc0) != 0x80)
			return false;
		v = v << 6 | (*r->p++ & 0x3f);
	}
	return v >= least[n] && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
}

static bool
string(struct reader *r)
{
	const uint8_t *from;
	bool nul = false;

	if (!take(r, "\""))
		return false;
	for (from = r->p; r->p < r->end;) {
		if (take(r, "\"")) {
			note(r, from, r->p - 1, true, nul);
			return true;
		}
		if (take(r, "\\")) {
			if (!escape(r, &nul))
				return false;
		} else if (*r->p >= 0x80) {
			if (!multibyte(r))
				return false;
		} else if (*r->p++ < 0x20) {
			return false;
		}
	}
	return false;
}

static bool
value(struct reader *r, int depth)
{
	bool object = take(r, "{");

	if (!object && !take(r, "[")) {
		if (r->p < r->end && *r->p == '"')
			return string(r);
		return take(r, "true") || take(r, "false") || take(r, "null") ||
		    number(r);
	}
	if (depth == EVT_JSON_SCAN_DEPTH)
		return false;
	space(r);
	if (take(r, object ? "}" : "]"))
		return true;
	do {
		space(r);
		if (object) {
			if (!string(r))
				return false;
			space(r);
			if (!take(r, ":"))
				return false;
			space(r);
		}
		if (!value(r, depth + 1))
			return false;
		space(r);
	} while (take(r, ","));
	return take(r, object ? "}" : "]");
}

static bool
frame(const uint8_t *p, size_t n, struct tokens *tokens)
{
	struct reader r = { .p = p, .end = p + n, .tokens = tokens };

	space(&r);
	if (!value(&r, 0))
		return false;
	space(&r);
	return r.p == r.end;
}

bool
oracle_is_json(const uint8_t *p, size_t n)
{
	return n > 0 && frame(p, n, NULL);
}

/* ---- the walk over cJSON's tree ------------------------------------------ */

struct found {
	char *text;
	bool is_int;
};

struct walk {
	const oracle_profile *profile;
	const struct token *token;                  /* the next one */
	const char *where[EVT_JSON_SCAN_DEPTH + 1]; /* names; NULL: an index */
	size_t index[EVT_JSON_SCAN_DEPTH + 1];
	size_t depth;
	struct found *sources;
	size_t n_sources;
	struct found event;
	size_t event_path;
};

/* Whether the component of n bytes (still encoded) is the name or the index at
 * depth d. */
static bool
component_is(const struct walk *w, size_t d, const char *component, size_t n)
{
	const char *end = component + n, *want = w->where[d];
	char index[24];

	if (n == 1 && *component == '*')
		return true;
	if (want == NULL) {
		snprintf(index, sizeof(index), "%zu", w->index[d]);
		want = index;
	}
	for (; component < end; component++, want++) {
		char c = *component;

		if (c == '~')
			c = *++component == '0' ? '~' : '/';
		if (c != *want)
			return false;
	}
	return *want == '\0';
}

static bool
path_leads_here(const struct walk *w, const char *path)
{
	for (size_t d = 0; d < w->depth; d++) {
		size_t n;

		if (*path != '/')
			return false;
		n = strcspn(++path, "/");
		if (!component_is(w, d, path, n))
			return false;
		path += n;
	}
	return *path == '\0';
}

static void
found(struct walk *w, const char *text, bool is_int)
{
	const oracle_profile *pr = w->profile;

	for (size_t i = 0; i < pr->n_events && i < w->event_path; i++) {
		if (path_leads_here(w, pr->events[i])) {
			free(w->event.text);
			w->event.text = must(strdup(text));
			w->event_path = i;
		}
	}
	for (size_t i = 0; i < pr->n_sources; i++) {
		if (path_leads_here(w, pr->sources[i])) {
			w->sources = must(realloc(w->sources,
			    (w->n_sources + 1) * sizeof(*w->sources)));
			w->sources[w->n_sources++] =
			    (struct found){ .text = must(strdup(text)),
				    .is_int = is_int };
			break;
		}
	}
}

static const struct token *
next_token(struct walk *w)
{
	if (w->token == NULL)
		abort(); /* cJSON found a token that the validator did not find */
	return w->token++;
}

static void
walk_number(struct walk *w)
{
	char text[EVT_KEY_MAX + 1], back[24];
	const struct token *t = next_token(w);
	long long v;

	if (t->len > EVT_KEY_MAX)
		return;
	memcpy(text, t->text, t->len);
	text[t->len] = '\0';
	if (strpbrk(text, ".eE") != NULL)
		return;
	errno = 0;
	v = strtoll(text, NULL, 10);
	snprintf(back, sizeof(back), "%lld", v);
	found(w, errno == 0 ? back : text, errno == 0);
}

static void
walk_value(struct walk *w, const cJSON *item)
{
	size_t i = 0;

	if (cJSON_IsString(item)) {
		size_t len = strlen(item->valuestring);

		if (!next_token(w)->nul && len > 0 && len <= EVT_KEY_MAX)
			found(w, item->valuestring, false);
	} else if (cJSON_IsNumber(item)) {
		walk_number(w);
	}
	if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
		return;
	w->depth++;
	for (const cJSON *c = item->child; c != NULL; c = c->next, i++) {
		w->where[w->depth - 1] = NULL;
		w->index[w->depth - 1] = i;
		if (cJSON_IsObject(item)) {
			/* A name with U+0000, or with invalid UTF-8, equals no
			 * component. */
			w->where[w->depth - 1] =
			    next_token(w)->nul ? "\xff" : c->string;
		}
		walk_value(w, c);
	}
	w->depth--;
}

/* ---- the comparison ------------------------------------------------------ */

static bool
same(const struct found *f, const char *text, size_t len)
{
	return strlen(f->text) == len && memcmp(f->text, text, len) == 0;
}

static const char *
compare(const struct walk *w, const evt_json_scan_result *r)
{
	static char words[200];

	if ((w->event.text != NULL) != (r->event != NULL))
		return r->event != NULL ? "an event that is none" :
		                          "no event where there is one";
	if (r->event != NULL && !same(&w->event, r->event, r->event_len))
		return "another event";
	if (r->n_sources != w->n_sources) {
		snprintf(words, sizeof(words), "%zu sources and not %zu",
		    r->n_sources, w->n_sources);
		return words;
	}
	for (size_t i = 0; i < r->n_sources; i++) {
		const evt_key *k = &r->sources[i];

		if (!same(&w->sources[i], k->text, k->len) ||
		    w->sources[i].is_int != k->is_int) {
			snprintf(words, sizeof(words),
			    "source %zu is %.*s and not %.60s", i,
			    (int)(k->len < 60 ? k->len : 60), k->text,
			    w->sources[i].text);
			return words;
		}
	}
	return NULL;
}

static bool
beyond_cjson(const struct tokens *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (!t->list[i].is_string && t->list[i].len > CJSON_NUMBER_MAX)
			return true;
	}
	return false;
}

static const char *
keys_differ(const oracle_profile *profile, const uint8_t *p, size_t n,
    const struct tokens *t, const evt_json_scan_result *result)
{
	struct walk w = { .profile = profile,
		.token = t->list,
		.event_path = SIZE_MAX };
	char *copy = must(malloc(n + 1));
	const char *differ = "cJSON does not take it";
	cJSON *tree;

	memcpy(copy, p, n);
	copy[n] = '\0';
	tree = cJSON_ParseWithLengthOpts(copy, n + 1, NULL, 1);
	if (tree != NULL) {
		walk_value(&w, tree);
		differ = compare(&w, result);
	}
	cJSON_Delete(tree);
	free(copy);
	for (size_t i = 0; i < w.n_sources; i++)
		free(w.sources[i].text);
	free(w.sources);
	free(w.event.text);
	return differ;
}

const char *
oracle_differs(const oracle_profile *profile, const uint8_t *p, size_t n,
    const evt_json_scan_result *result)
{
	struct tokens t = { 0 };
	bool json = n > 0 && frame(p, n, &t);
	bool lines =
	    json && (memchr(p, '\n', n) != NULL || memchr(p, '\r', n) != NULL);
	const char *differ = NULL;

	if (json != result->json)
		differ = json ? "JSON, but refused" : "no JSON, but taken";
	else if (lines != result->line_break)
		differ = "the line break";
	else if (!json && (result->event != NULL || result->n_sources != 0))
		differ = "keys of what is no JSON";
	else if (json && !beyond_cjson(&t))
		differ = keys_differ(profile, p, n, &t, result);
	free(t.list);
	return differ;
}
