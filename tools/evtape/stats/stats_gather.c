/* stats_gather.c - evtape stats: count the frames, sources and gaps of tapes. */
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/timetext.h"
#include "format/navixy/frame_items.h"
#include "tools/evtape/lib/feed_zones.h"
#include "tools/evtape/stats/stats.h"

struct work {
	stats *s;
	evt_json_scanner *scanner;
	feed_zones *zones;
};

/* ---- series -------------------------------------------------------------- */

/* The series of a key; NULL: out of memory. */
static stats_series *
stats_gather_series_of(evt_key_table *d, stats_series **list, size_t *cap,
    const char *text, size_t len, bool is_int)
{
	size_t had = *cap;
	uint32_t i;

	if (!evt_key_table_reserve(d, 1))
		return NULL;
	i = evt_key_table_add(d, text, (uint32_t)len, is_int);
	if (!evt_grow(list, cap, (size_t)i + 1))
		return NULL;
	if (*cap > had)
		memset(*list + had, 0, (*cap - had) * sizeof(**list));
	return &(*list)[i];
}

static uint32_t
stats_gather_bucket_of(const stats *s, int64_t time_ns)
{
	int64_t i = evt_clock_sub(time_ns, s->from_ns) / s->bucket_ns;

	return i < 0 ? 0 : i >= s->n_buckets ? s->n_buckets - 1 : (uint32_t)i;
}

static bool
stats_gather_count(stats *s, stats_series *x, int64_t time_ns, size_t bytes)
{
	bool ok = true;

	if (x->frames > 0) {
		int64_t gap = evt_clock_sub(time_ns, x->last_ns);

		ok = hist_add(&x->between, gap);
		x->silences += gap > s->o->silence_ns;
	}
	if (x->frames == 0 || time_ns < x->first_ns)
		x->first_ns = time_ns;
	if (x->frames == 0 || time_ns > x->last_ns)
		x->last_ns = time_ns;
	x->frames++;
	x->bytes += bytes;
	if (x->bucket != NULL)
		x->bucket[stats_gather_bucket_of(s, time_ns)]++;
	return ok;
}

/* ---- frames -------------------------------------------------------------- */

/* Count a record of a source, or a frame that has no records of its sources;
 * *ret_x: the source's series. */
static int
stats_gather_count_source(stats *s, const evt_key *source, int64_t time_ns,
    size_t bytes, stats_series **ret_x, evt_error *err)
{
	stats_series *x = stats_gather_series_of(&s->sources, &s->source,
	    &s->cap_source, source->text, source->len, source->is_int);

	if (x == NULL || !stats_gather_count(s, x, time_ns, bytes))
		return evt_err_nomem(err);
	*ret_x = x;
	return EVT_OK;
}

static int
stats_gather_count_records(struct work *w, const evt_frame *f, evt_error *err)
{
	stats *s = w->s;
	evt_frame_items records;
	evt_frame_item record;
	stats_series *x;
	const evt_zone *zone;
	bool any = false;
	int r = feed_zones_at(w->zones, f, &zone, err);

	if (r == EVT_OK)
		r = evt_frame_items_begin(&records, f, w->scanner, err);
	while (r == EVT_OK && evt_frame_items_next(&records, &record)) {
		int64_t own_ns;

		if (record.source.text == NULL)
			continue;
		any = true;
		r = stats_gather_count_source(s, &record.source, f->time_ns,
		    record.of_batch ? record.value.n : f->len, &x, err);
		if (r == EVT_OK &&
		    evt_frame_item_time(&records, &record, zone, &own_ns) &&
		    !hist_add(&x->stale, evt_clock_sub(f->time_ns, own_ns)))
			return evt_err_nomem(err);
	}
	/* Items that name trackers do not say whose they are; the frame does. */
	for (size_t i = 0; !any && i < f->n_sources && r == EVT_OK; i++)
		r = stats_gather_count_source(s, &f->sources[i], f->time_ns,
		    f->len / f->n_sources, &x, err);
	return r;
}

static bool
stats_gather_parse_mark_time(const cJSON *v, int64_t *ret_ns)
{
	const char *text = cJSON_GetStringValue(v);

	return text != NULL &&
	    evt_timetext_parse(text, NULL, ret_ns, NULL) == EVT_OK;
}

static int
stats_gather_add_gap(stats *s, const evt_frame *f, evt_error *err)
{
	cJSON *json = cJSON_ParseWithLength((const char *)f->payload, f->len);
	const cJSON *v;
	const char *why;
	stats_gap *g;

	if (!evt_grow(&s->gap, &s->cap_gaps, s->n_gaps + 1)) {
		cJSON_Delete(json);
		return evt_err_nomem(err);
	}
	g = &s->gap[s->n_gaps];
	*g = (stats_gap){ f->time_ns, f->time_ns, -1, -1, NULL };
	if (!stats_gather_parse_mark_time(cJSON_GetObjectItemCaseSensitive(json,
	                                      "from"),
	        &g->from_ns) ||
	    !stats_gather_parse_mark_time(cJSON_GetObjectItemCaseSensitive(json,
	                                      "to"),
	        &g->to_ns))
		g->from_ns = g->to_ns = f->time_ns;
	v = cJSON_GetObjectItemCaseSensitive(json, "seconds");
	if (cJSON_IsNumber(v))
		g->seconds = v->valuedouble;
	v = cJSON_GetObjectItemCaseSensitive(json, "frames");
	if (cJSON_IsNumber(v))
		g->frames = (int64_t)v->valuedouble;
	why = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(json, "reason"));
	g->reason = strdup(why != NULL ? why : "");
	cJSON_Delete(json);
	if (g->reason == NULL)
		return evt_err_nomem(err);
	s->n_gaps++;
	return EVT_OK;
}

static int
stats_gather_take_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;
	stats *s = w->s;
	stats_series *x;
	uint32_t i;

	if (f->kind == EVT_KIND_MARK)
		return f->opcode == EVT_MARK_GAP ?
		    stats_gather_add_gap(s, f, err) :
		    EVT_OK;
	if (f->kind != EVT_KIND_RECEIVED)
		return EVT_OK;
	i = stats_gather_bucket_of(s, f->time_ns);
	s->frames[i]++;
	s->bytes[i] += f->len;
	s->all_frames++;
	s->all_bytes += f->len;
	x = stats_gather_series_of(&s->events, &s->event, &s->cap_event,
	    f->event != NULL ? f->event : "", f->event_len, f->event == NULL);
	if (x == NULL || !stats_gather_count(s, x, f->time_ns, f->len))
		return evt_err_nomem(err);
	return stats_gather_count_records(w, f, err);
}

/* ---- before and after ---------------------------------------------------- */

static int
stats_gather_set_span(stats *s, const cli_tapes *tapes, const evt_filter *f,
    evt_error *err)
{
	int64_t first, last, want, span;
	int r;

	for (size_t i = 0; i < tapes->n; i++) {
		r = evt_tape_span(tapes->tape[i], &first, &last, err);
		if (r == EVT_ERR_NOTFOUND)
			continue;
		if (r != EVT_OK)
			return r;
		if (!s->has_span || first < s->from_ns)
			s->from_ns = first;
		if (!s->has_span || last > s->to_ns)
			s->to_ns = last;
		s->has_span = true;
	}
	if (f->has_from && f->from_ns > s->from_ns)
		s->from_ns = f->from_ns;
	if (f->has_to && f->to_ns < s->to_ns)
		s->to_ns = f->to_ns;
	if (s->to_ns < s->from_ns) {
		s->has_span = false;
		s->to_ns = s->from_ns;
	}
	span = evt_clock_sub(s->to_ns, s->from_ns);
	want = s->o->bucket_ns;
	if (want == 0)
		want = span / STATS_BUCKETS + 1;
	if (span / want >= STATS_MAX_BUCKETS)
		return evt_err_set(err, EVT_ERR_ARG,
		    "that makes more than %u buckets: give a larger --bucket",
		    STATS_MAX_BUCKETS);
	s->bucket_ns = want;
	s->n_buckets = (uint32_t)(span / want) + 1;
	s->frames = calloc(s->n_buckets, sizeof(*s->frames));
	s->bytes = calloc(s->n_buckets, sizeof(*s->bytes));
	return s->frames != NULL && s->bytes != NULL ? EVT_OK :
	                                               evt_err_nomem(err);
}

/* The picture shows timelines of the sources with the most frames, as the index
 * has them. */
static int
stats_gather_choose_timelines(stats *s, evt_tape *tape, evt_error *err)
{
	evt_info *info;
	int r = evt_tape_info_of(tape, EVT_INFO_SOURCES, &info, err);

	for (size_t i = 0;
	     r == EVT_OK && i < info->n_sources && (int64_t)i < s->o->top;
	     i++) {
		const evt_info_key *k = &info->sources[i];
		stats_series *x =
		    stats_gather_series_of(&s->sources, &s->source,
		        &s->cap_source, k->name, strlen(k->name), k->is_int);

		if (x != NULL && x->bucket == NULL)
			x->bucket = calloc(s->n_buckets, sizeof(*x->bucket));
		if (x == NULL || x->bucket == NULL)
			r = evt_err_nomem(err);
	}
	if (r == EVT_OK || r == EVT_ERR_NOMEM)
		evt_info_free(info);
	return r;
}

static int
stats_gather_prepare(stats *s, const cli_tapes *tapes, const evt_filter *filter,
    evt_error *err)
{
	int r = stats_gather_set_span(s, tapes, filter, err);

	if (r == EVT_OK && tapes->n > 0)
		r = evt_tape_bookmarks(tapes->tape[0], &s->bookmark,
		    &s->n_bookmarks, err);
	for (size_t i = 0; r == EVT_OK && s->o->plot != NULL && i < tapes->n;
	     i++)
		r = stats_gather_choose_timelines(s, tapes->tape[i], err);
	return r;
}

struct ranked {
	uint64_t frames;
	uint32_t number;
};

static int
stats_gather_compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->frames != y->frames)
		return x->frames > y->frames ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static int
stats_gather_rank(stats *s, evt_error *err)
{
	struct ranked *list = calloc((size_t)s->sources.n + 1, sizeof(*list));

	s->order = calloc((size_t)s->sources.n + 1, sizeof(*s->order));
	if (list == NULL || s->order == NULL) {
		free(list);
		return evt_err_nomem(err);
	}
	for (uint32_t i = 0; i < s->sources.n; i++)
		list[i] = (struct ranked){ s->source[i].frames, i };
	qsort(list, s->sources.n, sizeof(*list), stats_gather_compare);
	for (uint32_t i = 0; i < s->sources.n; i++)
		s->order[i] = list[i].number;
	free(list);
	return EVT_OK;
}

size_t
stats_shown(const stats *s)
{
	size_t n = 0;

	while (n < s->sources.n && (int64_t)n < s->o->top &&
	    s->source[s->order[n]].frames > 0)
		n++;
	return n;
}

int
stats_gather(stats *s, const cli_command *cmd, const cli_tapes *tapes,
    const evt_filter *filter)
{
	struct work w = { .s = s };
	frame_loop loop = { .cmd = cmd,
		.tapes = tapes->tape,
		.n_tapes = tapes->n,
		.filter = filter,
		.frame = stats_gather_take_frame,
		.ctx = &w };
	evt_error err;
	int code, r = stats_gather_prepare(s, tapes, filter, &err);

	if (r == EVT_ERR_ARG)
		return cli_usage(cmd, "%s", err.text);
	if (r == EVT_OK)
		r = evt_json_scanner_new(NULL, &w.scanner, &err);
	if (r == EVT_OK)
		r = feed_zones_new(tapes, s->o->feed_zone, &w.zones, &err);
	code =
	    r == EVT_OK ? frame_loop_run(&loop) : cli_fail(cmd, "%s", err.text);
	if ((code == CLI_DONE || code == CLI_LOSSES) &&
	    stats_gather_rank(s, &err))
		code = cli_fail(cmd, "%s", err.text);
	evt_json_scanner_free(w.scanner);
	feed_zones_free(w.zones);
	return code;
}

static void
stats_gather_free_series(stats_series *x, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		hist_free(&x[i].between);
		hist_free(&x[i].stale);
		free(x[i].bucket);
	}
	free(x);
}

void
stats_free(stats *s)
{
	stats_gather_free_series(s->source, s->sources.n);
	stats_gather_free_series(s->event, s->events.n);
	evt_key_table_free(&s->sources);
	evt_key_table_free(&s->events);
	for (size_t i = 0; i < s->n_gaps; i++)
		free(s->gap[i].reason);
	free(s->gap);
	free(s->order);
	free(s->frames);
	free(s->bytes);
	evt_bookmarks_free(s->bookmark, s->n_bookmarks);
}
