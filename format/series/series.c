/*
 * series.c - see series.h.
 *
 * A series is a search for items that have the fields: what a field is, where a
 * batch has it, and which frames at the start of a part of a tape are older than
 * it, is known in one place.
 */
#include "format/series/series.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/key_table.h"
#include "format/find/find.h"
#include "format/find/find_eval.h"

_Static_assert(EVT_SERIES_FIELDS_MAX == EVT_FIND_EXPR_FIELDS,
    "a search takes as many");

/* What is kept of a value, so that other buckets can be made. */
struct sample {
	int64_t time_ns;
	double value; /* NaN: not a number */
	uint32_t line;
};

struct line {
	bool seen; /* the source has the field */
	uint64_t count, others;
	evt_series_bucket *bucket;
};

struct evt_series {
	evt_find_expr *expr;
	evt_find *find;
	int64_t whole_from_ns, whole_to_ns; /* the window that is read */
	int64_t from_ns, to_ns, bucket_ns;
	size_t n_buckets, cells, cells_max;
	evt_key_table sources;
	char **label; /* of each source; NULL: none */
	size_t cap_labels;
	struct line *line; /* of each source: one for each field */
	size_t cap_lines, n_lines;
	struct sample *kept;
	size_t n_kept, cap_kept, kept_max;
	bool lost; /* there were more values than kept_max */
};

/* ---- making -------------------------------------------------------------- */

static void
series_set_window(evt_series *s, int64_t from_ns, int64_t to_ns,
    unsigned points)
{
	uint64_t span = (uint64_t)to_ns - (uint64_t)from_ns;

	assert(from_ns < to_ns);
	assert(points >= 1 && points <= EVT_SERIES_POINTS_MAX);
	/* Half of the range of times, since a bucket's length has a sign. */
	if (span > INT64_MAX)
		span = INT64_MAX;
	s->from_ns = from_ns;
	s->to_ns = to_ns;
	s->bucket_ns = (int64_t)(span / points + (span % points != 0));
	s->n_buckets = (size_t)(span / (uint64_t)s->bucket_ns +
	    (span % (uint64_t)s->bucket_ns != 0));
}

static int series_hit(void *ctx, const evt_find_hit *hit, evt_error *err);

int
evt_series_new(const evt_series_options *o, evt_series **ret_series,
    evt_error *err)
{
	evt_find_options search = { .filter = o->filter,
		.trackers = o->trackers,
		.hit = series_hit,
		.n_tapes = o->n_tapes };
	evt_series *s;
	int r;

	assert(o->n_fields >= 1 && o->n_fields <= EVT_SERIES_FIELDS_MAX);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return evt_err_nomem(err);
	s->cells_max = o->cells_max;
	s->kept_max = o->kept_max;
	s->whole_from_ns = o->from_ns;
	s->whole_to_ns = o->to_ns;
	series_set_window(s, o->from_ns, o->to_ns, o->points);
	search.ctx = s;
	r = evt_find_expr_exists(o->fields, o->n_fields, &s->expr, err);
	if (r == EVT_OK)
		r = evt_find_new(s->expr, &search, &s->find, err);
	if (r != EVT_OK) {
		evt_series_free(s);
		return r;
	}
	*ret_series = s;
	return EVT_OK;
}

void
evt_series_free(evt_series *s)
{
	if (s == NULL)
		return;
	evt_find_free(s->find);
	for (uint32_t i = 0; i < s->sources.n; i++)
		free(s->label[i]);
	for (size_t i = 0; i < s->n_lines; i++)
		free(s->line[i].bucket);
	free(s->label);
	free(s->line);
	free(s->kept);
	evt_key_table_free(&s->sources);
	evt_find_expr_free(s->expr);
	free(s);
}

void
evt_series_filter(const evt_series *s, evt_filter *filter)
{
	evt_find_filter(s->expr, filter);
	filter->has_from = filter->has_to = true;
	filter->from_ns = s->whole_from_ns;
	filter->to_ns = s->whole_to_ns;
}

/* ---- values -------------------------------------------------------------- */

/* Make room for the buckets of a line. */
static int
series_add_buckets(evt_series *s, struct line *l, evt_error *err)
{
	if (s->cells + s->n_buckets > s->cells_max)
		return evt_err_set(err, EVT_ERR_ARG,
		    "more than %zu values to show, %zu for each source and "
		    "field; choose fewer sources, fields or points",
		    s->cells_max, s->n_buckets);
	l->bucket = calloc(s->n_buckets, sizeof(*l->bucket));
	if (l->bucket == NULL)
		return evt_err_nomem(err);
	s->cells += s->n_buckets;
	return EVT_OK;
}

/* Count a value in its bucket; those outside of the window are left out. */
static int
series_count(evt_series *s, uint32_t line, int64_t time_ns, double value,
    evt_error *err)
{
	struct line *l = &s->line[line];
	evt_series_bucket *b;
	uint64_t at;
	int r;

	if (time_ns < s->from_ns || time_ns >= s->to_ns)
		return EVT_OK;
	l->seen = true;
	if (isnan(value)) {
		l->others++;
		return EVT_OK;
	}
	if (l->bucket == NULL) {
		r = series_add_buckets(s, l, err);
		if (r != EVT_OK)
			return r;
	}
	at =
	    ((uint64_t)time_ns - (uint64_t)s->from_ns) / (uint64_t)s->bucket_ns;
	b = &l->bucket[at < s->n_buckets ? at : s->n_buckets - 1];
	if (b->count == 0 || value < b->min)
		b->min = value;
	if (b->count == 0 || value > b->max)
		b->max = value;
	b->last = value;
	b->count++;
	l->count++;
	return EVT_OK;
}

static int
series_keep(evt_series *s, uint32_t line, int64_t time_ns, double value,
    evt_error *err)
{
	if (s->lost || s->kept_max == 0)
		return EVT_OK;
	if (s->n_kept == s->kept_max) {
		s->lost = true;
		free(s->kept);
		s->kept = NULL;
		s->n_kept = s->cap_kept = 0;
		return EVT_OK;
	}
	if (!evt_grow(&s->kept, &s->cap_kept, s->n_kept + 1))
		return evt_err_nomem(err);
	s->kept[s->n_kept++] = (struct sample){ time_ns, value, line };
	return EVT_OK;
}

/* The number of a source.  Without a key it is the one that no key has: an integer
 * without digits. */
static int
series_source(evt_series *s, const evt_find_hit *hit, uint32_t *ret,
    evt_error *err)
{
	const char *text = hit->source.text != NULL ? hit->source.text : "";
	bool is_int = hit->source.text == NULL || hit->source.is_int;
	uint32_t had = s->sources.n;

	if (!evt_key_table_reserve(&s->sources, 1) ||
	    !evt_grow(&s->label, &s->cap_labels, (size_t)had + 1) ||
	    !evt_grow(&s->line, &s->cap_lines,
	        ((size_t)had + 1) * s->expr->n_fields))
		return evt_err_nomem(err);
	*ret = evt_key_table_find(&s->sources, text, hit->source.len, is_int);
	if (*ret != UINT32_MAX)
		return EVT_OK;
	s->label[had] = NULL;
	if (hit->label != NULL) {
		s->label[had] = strndup(hit->label, hit->label_len);
		if (s->label[had] == NULL)
			return evt_err_nomem(err);
	}
	*ret = evt_key_table_add(&s->sources, text, hit->source.len, is_int);
	memset(&s->line[s->n_lines], 0, s->expr->n_fields * sizeof(*s->line));
	s->n_lines += s->expr->n_fields;
	return EVT_OK;
}

/* An item that has at least one of the fields. */
static int
series_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	evt_series *s = ctx;
	unsigned field = 0;
	uint32_t source;
	int r = series_source(s, hit, &source, err);

	/* The reasons have the order of the fields. */
	for (unsigned i = 0; i < hit->n_reasons && r == EVT_OK; i++) {
		const evt_find_reason *why = &hit->reason[i];
		evt_json_view v =
		    evt_json_view_make((const uint8_t *)why->value,
		        why->value_len);
		uint32_t line;
		double value;

		while (s->expr->field[field].name != why->name)
			field++;
		line = source * s->expr->n_fields + field;
		r = evt_find_eval_as_number(v, &value, err);
		if (r == EVT_OK)
			r = series_count(s, line, hit->time_ns, value, err);
		if (r == EVT_OK)
			r = series_keep(s, line, hit->time_ns, value, err);
	}
	return r;
}

int
evt_series_frame(evt_series *s, const evt_frame *frame, evt_error *err)
{
	assert(s != NULL && s->find != NULL && frame != NULL);
	return evt_find_frame(s->find, frame, err);
}

void
evt_series_end(evt_series *s)
{
	evt_find_free(s->find);
	s->find = NULL;
}

/* ---- other windows ------------------------------------------------------- */

bool
evt_series_is_kept(const evt_series *s)
{
	return s->kept_max > 0 && !s->lost;
}

size_t
evt_series_n_kept(const evt_series *s)
{
	return s->n_kept;
}

int
evt_series_rebucket(evt_series *s, int64_t from_ns, int64_t to_ns,
    unsigned points, evt_error *err)
{
	int r = EVT_OK;

	assert(evt_series_is_kept(s));
	assert(from_ns >= s->whole_from_ns && to_ns <= s->whole_to_ns);
	series_set_window(s, from_ns, to_ns, points);
	for (size_t i = 0; i < s->n_lines; i++) {
		free(s->line[i].bucket);
		s->line[i] = (struct line){ .seen = false };
	}
	s->cells = 0;
	for (size_t i = 0; i < s->n_kept && r == EVT_OK; i++)
		r = series_count(s, s->kept[i].line, s->kept[i].time_ns,
		    s->kept[i].value, err);
	return r;
}

/* ---- results ------------------------------------------------------------- */

size_t
evt_series_steps(const evt_series *s, int64_t *ret_from_ns,
    int64_t *ret_bucket_ns)
{
	*ret_from_ns = s->from_ns;
	*ret_bucket_ns = s->bucket_ns;
	return s->n_buckets;
}

size_t
evt_series_n_lines(const evt_series *s)
{
	return s->n_lines;
}

bool
evt_series_get(const evt_series *s, size_t i, evt_series_line *ret)
{
	size_t source = i / s->expr->n_fields;
	const struct line *l = &s->line[i];

	assert(i < s->n_lines);
	if (!l->seen)
		return false;
	*ret =
	    (evt_series_line){ .field =
		                   s->expr->field[i % s->expr->n_fields].name,
		    .source = evt_key_table_key(&s->sources, (uint32_t)source),
		    .label = s->label[source],
		    .count = l->count,
		    .others = l->others,
		    .bucket = l->bucket };
	if (ret->source.len == 0 && ret->source.is_int)
		ret->source.text = NULL;
	return true;
}

void
evt_series_write_steps(const evt_series *s, evt_json_write *w)
{
	evt_json_write_time(w, "from", s->from_ns, 9);
	evt_json_write_int(w, "from_ns", s->from_ns);
	evt_json_write_time(w, "to", s->to_ns, 9);
	evt_json_write_int(w, "to_ns", s->to_ns);
	evt_json_write_int(w, "bucket_ns", s->bucket_ns);
	evt_json_write_uint(w, "buckets", s->n_buckets);
}

/* A member with a value of each bucket, null without one: the double that is
 * `offset` bytes from the bucket's beginning. */
static void
series_write_values(const evt_series *s, const evt_series_line *l,
    const char *name, size_t offset, evt_json_write *w)
{
	evt_json_write_array(w, name);
	for (size_t i = 0; i < s->n_buckets; i++) {
		const evt_series_bucket *b =
		    l->bucket != NULL ? &l->bucket[i] : NULL;
		double value = NAN;

		if (b != NULL && b->count > 0)
			memcpy(&value, (const char *)b + offset, sizeof(value));
		evt_json_write_double(w, NULL, value);
	}
	evt_json_write_close(w);
}

void
evt_series_write_line(const evt_series *s, size_t i, evt_json_write *w)
{
	evt_series_line l;

	if (!evt_series_get(s, i, &l))
		return;
	evt_json_write_object(w, NULL);
	if (l.source.text == NULL)
		evt_json_write_null(w, "source");
	else if (l.source.is_int)
		evt_json_write_raw(w, "source", l.source.text, l.source.len);
	else
		evt_json_write_text(w, "source", l.source.text, l.source.len);
	evt_json_write_str(w, "label", l.label);
	evt_json_write_str(w, "field", l.field);
	evt_json_write_uint(w, "values", l.count);
	evt_json_write_uint(w, "others", l.others);
	evt_json_write_array(w, "count");
	for (size_t k = 0; k < s->n_buckets; k++)
		evt_json_write_uint(w, NULL,
		    l.bucket != NULL ? l.bucket[k].count : 0);
	evt_json_write_close(w);
	series_write_values(s, &l, "min", offsetof(evt_series_bucket, min), w);
	series_write_values(s, &l, "max", offsetof(evt_series_bucket, max), w);
	series_write_values(s, &l, "last", offsetof(evt_series_bucket, last),
	    w);
	evt_json_write_close(w);
}
