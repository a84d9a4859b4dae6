/* trackers.c - see trackers.h. */
#include "format/navixy/trackers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_scan.h"
#include "format/base/json_view.h"

struct evt_trackers {
	uint8_t *json;      /* a copy of the text; the items are slices of it */
	evt_json_view list; /* the array in json */
	evt_buf text;       /* labels and source ids, decoded; does not move */
	evt_tracker *item;  /* in the order of the list */
	size_t n, cap;
	const evt_tracker **by_id;
	const evt_tracker **by_source; /* the trackers that have a source */
	size_t n_sourced;
};

/* ---- the list in the text ------------------------------------------------ */

static int
trackers_check_json(const uint8_t *p, size_t n, evt_error *err)
{
	evt_json_scanner *scanner;
	evt_json_scan_result got = { .json = false };
	int r = evt_json_scanner_new(NULL, &scanner, err);

	if (r != EVT_OK)
		return r;
	r = evt_json_scan(scanner, p, n, &got, err);
	evt_json_scanner_free(scanner);
	if (r == EVT_OK && !got.json)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the tracker list is not JSON");
	return r;
}

/* The platform refused: report its description. */
static int
trackers_refused(evt_json_view answer, evt_error *err)
{
	evt_json_view words =
	    EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(answer, "status"),
	        "description");
	evt_buf b = { 0 };
	int r;

	if (evt_json_view_kind(words) != EVT_JSON_VIEW_STRING)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the platform refuses the tracker list, and does not say "
		    "why");
	if (!evt_json_view_text(words, &b) || !evt_buf_add_byte(&b, '\0'))
		r = evt_err_nomem(err);
	else
		r = evt_err_set(err, EVT_ERR_ARG,
		    "the platform refuses the tracker list: %.300s",
		    (const char *)b.data);
	evt_buf_free(&b);
	return r;
}

/* Find the list in the text, which may have any of three forms. */
static int
trackers_find_list(evt_json_view v, evt_json_view *ret_list, evt_error *err)
{
	evt_json_view success = EVT_JSON_VIEW_MEMBER(v, "success");

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_OBJECT) {
		if (evt_json_view_kind(success) == EVT_JSON_VIEW_BOOL &&
		    *success.p == 'f')
			return trackers_refused(v, err);
		v = EVT_JSON_VIEW_MEMBER(v, "list");
	}
	if (evt_json_view_kind(v) != EVT_JSON_VIEW_ARRAY)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the text has no list of trackers: it is neither an array "
		    "nor an object with the array \"list\"");
	*ret_list = v;
	return EVT_OK;
}

/* ---- items --------------------------------------------------------------- */

/* Append a value's text and a NUL; return the text, and its length in *ret_len.
 * Space was reserved, so texts that were appended before do not move. */
static const char *
trackers_add_text(evt_trackers *t, evt_json_view v, size_t *ret_len)
{
	size_t at = t->text.len;

	if (!evt_json_view_text(v, &t->text) ||
	    !evt_buf_add_byte(&t->text, '\0'))
		return NULL;
	*ret_len = t->text.len - 1 - at;
	return (const char *)t->text.data + at;
}

static bool
trackers_is_integer(evt_json_view v)
{
	size_t i = v.p[0] == '-';

	while (i < v.n && v.p[i] >= '0' && v.p[i] <= '9')
		i++;
	return i == v.n;
}

/* Make a key of a source id, as the scanner makes keys from frames. */
static bool
trackers_add_source(evt_trackers *t, evt_json_view v, evt_key *ret)
{
	char number[24];
	int64_t id;
	size_t len;
	const char *text;

	if (evt_json_view_int(v, &id)) {
		/* Canonical, which is never longer: -0 is 0. */
		int n = snprintf(number, sizeof(number), "%" PRId64, id);

		v = (evt_json_view){ (const uint8_t *)number, (size_t)n };
		ret->is_int = true;
	} else if (evt_json_view_kind(v) != EVT_JSON_VIEW_STRING &&
	    !(evt_json_view_kind(v) == EVT_JSON_VIEW_NUMBER &&
	        trackers_is_integer(v))) {
		return true;
	}
	text = trackers_add_text(t, v, &len);
	if (text == NULL)
		return false;
	if (len == 0 || len > EVT_KEY_MAX || memchr(text, '\0', len) != NULL) {
		ret->is_int = false;
		return true;
	}
	ret->text = text;
	ret->len = (uint32_t)len;
	return true;
}

static bool
trackers_add_item(evt_trackers *t, evt_json_view v)
{
	evt_json_view label = EVT_JSON_VIEW_MEMBER(v, "label");
	evt_tracker item = { .label = "", .json = v.p, .json_len = v.n };

	if (!evt_json_view_int(EVT_JSON_VIEW_MEMBER(v, "id"), &item.id))
		return true;
	if (!trackers_add_source(t,
	        EVT_JSON_VIEW_MEMBER(EVT_JSON_VIEW_MEMBER(v, "source"), "id"),
	        &item.source))
		return false;
	if (evt_json_view_kind(label) == EVT_JSON_VIEW_STRING) {
		item.label = trackers_add_text(t, label, &item.label_len);
		if (item.label == NULL)
			return false;
	}
	if (!evt_grow(&t->item, &t->cap, t->n + 1))
		return false;
	t->item[t->n++] = item;
	return true;
}

/* ---- order --------------------------------------------------------------- */

static int
trackers_compare_keys(const evt_key *a, const char *text, size_t len)
{
	size_t n = a->len < len ? a->len : len;
	int c = memcmp(a->text, text, n);

	return c != 0 ? c : a->len < len ? -1 : a->len > len;
}

/* Equal trackers keep the order of the list. */
static int
trackers_compare_places(const evt_tracker *a, const evt_tracker *b)
{
	return a < b ? -1 : a > b;
}

static int
trackers_compare_ids(const void *a, const void *b)
{
	const evt_tracker *x = *(const evt_tracker *const *)a;
	const evt_tracker *y = *(const evt_tracker *const *)b;

	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return trackers_compare_places(x, y);
}

static int
trackers_compare_sources(const void *a, const void *b)
{
	const evt_tracker *x = *(const evt_tracker *const *)a;
	const evt_tracker *y = *(const evt_tracker *const *)b;
	int c =
	    trackers_compare_keys(&x->source, y->source.text, y->source.len);

	return c != 0 ? c : trackers_compare_places(x, y);
}

static bool
trackers_sort(evt_trackers *t)
{
	t->by_id = calloc(t->n + 1, sizeof(*t->by_id));
	t->by_source = calloc(t->n + 1, sizeof(*t->by_source));
	if (t->by_id == NULL || t->by_source == NULL)
		return false;
	for (size_t i = 0; i < t->n; i++) {
		t->by_id[i] = &t->item[i];
		if (t->item[i].source.text != NULL)
			t->by_source[t->n_sourced++] = &t->item[i];
	}
	qsort(t->by_id, t->n, sizeof(*t->by_id), trackers_compare_ids);
	qsort(t->by_source, t->n_sourced, sizeof(*t->by_source),
	    trackers_compare_sources);
	return true;
}

/* ---- the interface ------------------------------------------------------- */

static int
trackers_take_list(evt_trackers *t, size_t n, evt_error *err)
{
	evt_json_view name, value;
	evt_json_view_walk walk;
	bool room = true;
	int r =
	    trackers_find_list(evt_json_view_make(t->json, n), &t->list, err);

	if (r != EVT_OK)
		return r;
	/* A decoded string and its NUL are never longer than the string with
	 * its quotes.  A number's NUL takes the place of the comma or bracket
	 * after it.  16 more bytes are what evt_json_view_text() reserves in
	 * advance. */
	if (!evt_buf_reserve(&t->text, t->list.n + 16))
		return evt_err_nomem(err);
	walk = evt_json_view_walk_begin(t->list);
	while (room && evt_json_view_walk_next(&walk, &name, &value))
		room = trackers_add_item(t, value);
	return room && trackers_sort(t) ? EVT_OK : evt_err_nomem(err);
}

int
evt_trackers_parse(const uint8_t *p, size_t n, evt_trackers **ret_trackers,
    evt_error *err)
{
	evt_trackers *t;
	int r;

	assert((p != NULL || n == 0) && ret_trackers != NULL);
	r = trackers_check_json(p, n, err);
	if (r != EVT_OK)
		return r;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return evt_err_nomem(err);
	t->json = malloc(n);
	if (t->json == NULL) {
		free(t);
		return evt_err_nomem(err);
	}
	memcpy(t->json, p, n);
	r = trackers_take_list(t, n, err);
	if (r != EVT_OK) {
		evt_trackers_free(t);
		return r;
	}
	*ret_trackers = t;
	return EVT_OK;
}

void
evt_trackers_free(evt_trackers *t)
{
	if (t == NULL)
		return;
	free(t->by_id);
	free(t->by_source);
	free(t->item);
	evt_buf_free(&t->text);
	free(t->json);
	free(t);
}

size_t
evt_trackers_count(const evt_trackers *t)
{
	return t->n;
}

const evt_tracker *
evt_trackers_at(const evt_trackers *t, size_t i)
{
	return i < t->n ? &t->item[i] : NULL;
}

const uint8_t *
evt_trackers_json(const evt_trackers *t, size_t *ret_len)
{
	*ret_len = t->list.n;
	return t->list.p;
}

const evt_tracker *
evt_trackers_by_id(const evt_trackers *t, int64_t id)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (t->by_id[mid]->id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n && t->by_id[low]->id == id ? t->by_id[low] : NULL;
}

const evt_tracker *
evt_trackers_by_source(const evt_trackers *t, const char *text, size_t len)
{
	size_t low = 0, high = t->n_sourced;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (trackers_compare_keys(&t->by_source[mid]->source, text,
		        len) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < t->n_sourced &&
	        trackers_compare_keys(&t->by_source[low]->source, text, len) ==
	            0 ?
	    t->by_source[low] :
	    NULL;
}
