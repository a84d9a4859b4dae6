/*
 * jsoncmp.c - compare two JSON values.
 *
 * The recursion is as deep as the value, which evt_json_scan() has limited.
 */
#include "tools/evtape/lib/jsoncmp.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/err.h"

struct walk {
	jsoncmp_ignore ignore;
	evt_buf path; /* pointer to the value at hand */
	evt_buf text; /* scratch */
	bool nomem;
	jsoncmp_fn fn;
	void *ctx;
	evt_error *err;
};

static void
jsoncmp_free_walk(struct walk *w)
{
	evt_buf_free(&w->path);
	evt_buf_free(&w->text);
}

/* ---- pointers ------------------------------------------------------------ */

static bool
jsoncmp_is_ignored(const struct walk *w)
{
	for (size_t i = 0; w->ignore != NULL && i < w->ignore->n; i++) {
		size_t n = strlen(w->ignore->item[i]);

		if (n == w->path.len &&
		    (n == 0 ||
		        memcmp(w->ignore->item[i], w->path.data, n) == 0))
			return true;
	}
	return false;
}

/* Add a member's name to the pointer.  Returns the previous length, to remove it
 * again. */
static size_t
jsoncmp_enter_member(struct walk *w, evt_json_view name)
{
	size_t was = w->path.len;

	w->text.len = 0;
	w->nomem |= !evt_json_view_text(name, &w->text) ||
	    !evt_buf_add_byte(&w->path, '/');
	for (size_t i = 0; i < w->text.len; i++) {
		char c = (char)w->text.data[i];

		w->nomem |= !(c == '~' ? evt_buf_add_str(&w->path, "~0") :
		        c == '/'       ? evt_buf_add_str(&w->path, "~1") :
		                         evt_buf_add_byte(&w->path, (uint8_t)c));
	}
	return was;
}

static size_t
jsoncmp_enter_element(struct walk *w, size_t i)
{
	size_t was = w->path.len;

	w->nomem |= !evt_buf_printf(&w->path, "/%zu", i);
	return was;
}

/* ---- hashing ------------------------------------------------------------- */

static uint64_t
jsoncmp_hash_number(evt_json_view v)
{
	int64_t n;
	double d;

	if (evt_json_view_int(v, &n))
		return XXH64(&n, sizeof(n), EVT_JSON_VIEW_NUMBER);
	if (!evt_json_view_double(v, &d))
		return XXH64(v.p, v.n, EVT_JSON_VIEW_NUMBER);
	/* 1.0 equals 1, as far as a double is exact. */
	if (d > -9e15 && d < 9e15 && !(d > (double)(int64_t)d) &&
	    !(d < (double)(int64_t)d)) {
		n = (int64_t)d;
		return XXH64(&n, sizeof(n), EVT_JSON_VIEW_NUMBER);
	}
	return XXH64(&d, sizeof(d), EVT_JSON_VIEW_NUMBER + 100);
}

static uint64_t
jsoncmp_hash_text(struct walk *w, evt_json_view v)
{
	w->text.len = 0;
	w->nomem |= !evt_json_view_text(v, &w->text);
	return XXH64(w->text.data, w->text.len, EVT_JSON_VIEW_STRING);
}

static uint64_t
jsoncmp_hash_value(struct walk *w, evt_json_view v)
{
	enum evt_json_view_kind kind = evt_json_view_kind(v);
	evt_json_view_walk members = evt_json_view_walk_begin(v);
	uint64_t sum = (uint64_t)kind, pair[2];
	evt_json_view name, value;
	size_t n = 0, was;

	if (kind == EVT_JSON_VIEW_NUMBER)
		return jsoncmp_hash_number(v);
	if (kind == EVT_JSON_VIEW_STRING)
		return jsoncmp_hash_text(w, v);
	if (kind != EVT_JSON_VIEW_ARRAY && kind != EVT_JSON_VIEW_OBJECT)
		return XXH64(v.p, v.n, kind);
	while (evt_json_view_walk_next(&members, &name, &value)) {
		/* Where nothing is ignored the pointer is of no use. */
		was = w->ignore == NULL || w->ignore->n == 0 ? 0 :
		    members.object ? jsoncmp_enter_member(w, name) :
		                     jsoncmp_enter_element(w, n);
		if (!jsoncmp_is_ignored(w)) {
			pair[0] =
			    members.object ? jsoncmp_hash_text(w, name) : n;
			pair[1] = jsoncmp_hash_value(w, value);
			/* A sum: the order of members does not count. */
			sum += XXH64(pair, sizeof(pair), (uint64_t)kind);
		}
		w->path.len = was;
		n++;
	}
	return sum;
}

uint64_t
jsoncmp_hash(evt_json_view v, jsoncmp_ignore ignore, bool *ret_nomem)
{
	struct walk w = { .ignore = ignore };
	uint64_t sum = jsoncmp_hash_value(&w, v);

	*ret_nomem = w.nomem;
	jsoncmp_free_walk(&w);
	return sum;
}

/* ---- finding ------------------------------------------------------------- */

static int jsoncmp_find_value(struct walk *w, evt_json_view a, evt_json_view b);

static int
jsoncmp_report(struct walk *w, evt_json_view a, evt_json_view b)
{
	if (w->nomem || !evt_buf_add_byte(&w->path, '\0'))
		return evt_err_nomem(w->err);
	w->path.len--;
	return w->fn(w->ctx, (char *)w->path.data, a, b, w->err);
}

/* The member of `in` with the name `name`. */
static evt_json_view
jsoncmp_same_member(struct walk *w, evt_json_view in, evt_json_view name)
{
	w->text.len = 0;
	w->nomem |= !evt_json_view_text(name, &w->text);
	return evt_json_view_member(in, (char *)w->text.data, w->text.len);
}

static int
jsoncmp_find_members(struct walk *w, evt_json_view a, evt_json_view b)
{
	evt_json_view_walk members = evt_json_view_walk_begin(a);
	evt_json_view name, value;
	int r = EVT_OK;

	while (
	    r == EVT_OK && evt_json_view_walk_next(&members, &name, &value)) {
		evt_json_view other = jsoncmp_same_member(w, b, name);
		size_t was = jsoncmp_enter_member(w, name);

		r = jsoncmp_find_value(w, value, other);
		w->path.len = was;
	}
	members = evt_json_view_walk_begin(b);
	while (
	    r == EVT_OK && evt_json_view_walk_next(&members, &name, &value)) {
		size_t was;

		if (evt_json_view_kind(jsoncmp_same_member(w, a, name)) !=
		    EVT_JSON_VIEW_NONE)
			continue;
		was = jsoncmp_enter_member(w, name);
		r = jsoncmp_find_value(w, (evt_json_view){ NULL, 0 }, value);
		w->path.len = was;
	}
	return r;
}

static int
jsoncmp_find_elements(struct walk *w, evt_json_view a, evt_json_view b)
{
	evt_json_view_walk x = evt_json_view_walk_begin(a),
	                   y = evt_json_view_walk_begin(b);
	int r = EVT_OK;

	for (size_t i = 0; r == EVT_OK; i++) {
		evt_json_view name, va = { NULL, 0 }, vb = { NULL, 0 };
		bool has_a = evt_json_view_walk_next(&x, &name, &va);
		bool has_b = evt_json_view_walk_next(&y, &name, &vb);
		size_t was;

		if (!has_a && !has_b)
			break;
		was = jsoncmp_enter_element(w, i);
		r = jsoncmp_find_value(w,
		    has_a ? va : (evt_json_view){ NULL, 0 },
		    has_b ? vb : (evt_json_view){ NULL, 0 });
		w->path.len = was;
	}
	return r;
}

static int
jsoncmp_find_value(struct walk *w, evt_json_view a, evt_json_view b)
{
	bool nomem = false;

	if (w->nomem)
		return evt_err_nomem(w->err);
	if (jsoncmp_is_ignored(w))
		return EVT_OK;
	if (evt_json_view_kind(a) == evt_json_view_kind(b) &&
	    evt_json_view_kind(a) == EVT_JSON_VIEW_OBJECT)
		return jsoncmp_find_members(w, a, b);
	if (evt_json_view_kind(a) == evt_json_view_kind(b) &&
	    evt_json_view_kind(a) == EVT_JSON_VIEW_ARRAY)
		return jsoncmp_find_elements(w, a, b);
	if (evt_json_view_kind(a) == evt_json_view_kind(b) &&
	    jsoncmp_hash(a, NULL, &nomem) == jsoncmp_hash(b, NULL, &nomem) &&
	    !nomem)
		return EVT_OK;
	return nomem ? evt_err_nomem(w->err) : jsoncmp_report(w, a, b);
}

int
jsoncmp_find(evt_json_view a, evt_json_view b, jsoncmp_ignore ignore,
    jsoncmp_fn fn, void *ctx, evt_error *err)
{
	struct walk w = { .ignore = ignore, .fn = fn, .ctx = ctx, .err = err };
	int r = jsoncmp_find_value(&w, a, b);

	jsoncmp_free_walk(&w);
	return r;
}
