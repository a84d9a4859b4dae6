/* api_tape.c - what is on the tapes: in total, and over time. */
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/base/key_table.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

#define BUCKETS_MAX 4000

/* ---- the tapes ----------------------------------------------------------- */

/* What several tapes hold together. */
struct sums {
	uint64_t frames, received, bytes;
	evt_key_table sources;
	int64_t first, last;
	bool live;
	evt_info_key *event;
	size_t n_events, cap_events;
};

static int
api_tape_add_event(struct sums *s, const evt_info_key *k, evt_error *err)
{
	char *name;

	for (size_t i = 0; i < s->n_events; i++) {
		if (strcmp(s->event[i].name, k->name) == 0) {
			s->event[i].frames += k->frames;
			return EVT_OK;
		}
	}
	if (!evt_grow(&s->event, &s->cap_events, s->n_events + 1))
		return evt_err_nomem(err);
	name = strdup(k->name);
	if (name == NULL)
		return evt_err_nomem(err);
	s->event[s->n_events++] =
	    (evt_info_key){ .name = name, .frames = k->frames };
	return EVT_OK;
}

/* A source that is on several tapes is one. */
static int
api_tape_add_sources(struct sums *s, const evt_info *info, evt_error *err)
{
	if (!evt_key_table_reserve(&s->sources, info->n_sources))
		return evt_err_nomem(err);
	for (size_t i = 0; i < info->n_sources; i++)
		(void)evt_key_table_add(&s->sources, info->sources[i].name,
		    (uint32_t)strlen(info->sources[i].name),
		    info->sources[i].is_int);
	return EVT_OK;
}

static int
api_tape_add_info(struct sums *s, const evt_info *info, evt_error *err)
{
	/* The timeline counts marks like that, too. */
	const evt_info_key marks = { .name = (char *)(uintptr_t) "",
		.frames = info->marks };
	int r = api_tape_add_sources(s, info, err);

	if (info->frames > 0 && (s->frames == 0 || info->first_ns < s->first))
		s->first = info->first_ns;
	if (info->frames > 0 && (s->frames == 0 || info->last_ns > s->last))
		s->last = info->last_ns;
	s->frames += info->frames;
	s->received += info->received;
	s->bytes += info->payload_bytes;
	s->live |= info->live;
	for (size_t i = 0; i < info->n_events && r == EVT_OK; i++)
		r = api_tape_add_event(s, &info->events[i], err);
	return r == EVT_OK && info->marks > 0 ?
	    api_tape_add_event(s, &marks, err) :
	    r;
}

static int
api_tape_add_tape(evt_tape *t, struct sums *sums, evt_json_write *w,
    evt_error *err)
{
	evt_info *info;
	int r =
	    evt_tape_info_of(t, EVT_INFO_EVENTS | EVT_INFO_SOURCES, &info, err);

	if (r != EVT_OK)
		return r;
	r = api_tape_add_info(sums, info, err);
	evt_json_write_object(w, NULL);
	evt_json_write_str(w, "path", evt_tape_path(t));
	evt_json_write_str(w, "id", info->id);
	evt_json_write_bool(w, "live", info->live);
	evt_json_write_close(w);
	evt_info_free(info);
	return r;
}

static void
api_tape_write_sums(evt_json_write *w, const struct sums *sums)
{
	evt_json_write_uint(w, "frames", sums->frames);
	evt_json_write_uint(w, "received", sums->received);
	evt_json_write_uint(w, "payload_bytes", sums->bytes);
	evt_json_write_uint(w, "sources", sums->sources.n);
	evt_json_write_bool(w, "live", sums->live);
	if (sums->frames > 0) {
		evt_api_json_time(w, "first", sums->first);
		evt_api_json_time(w, "last", sums->last);
	} else {
		evt_api_json_no_time(w, "first");
		evt_api_json_no_time(w, "last");
	}
	evt_json_write_array(w, "events");
	for (size_t i = 0; i < sums->n_events; i++) {
		const evt_info_key *e = &sums->event[i];

		evt_json_write_object(w, NULL);
		evt_json_write_str(w, "name",
		    *e->name != '\0' ? e->name : NULL);
		evt_json_write_uint(w, "frames", e->frames);
		evt_json_write_close(w);
	}
	evt_json_write_close(w);
}

/* What is compared with the played tapes. */
static void
api_tape_write_compared(evt_json_write *w, const evt_site *site)
{
	const evt_site *other = site->comparison.other;

	if (other == NULL) {
		evt_json_write_null(w, "compared");
		return;
	}
	evt_json_write_object(w, "compared");
	evt_json_write_str(w, "path", evt_tape_path(other->tapes->tape[0]));
	evt_json_write_int(w, "offset_ns", other->comparison.offset_ns);
	evt_json_write_close(w);
}

void
evt_api_tape(evt_site *site, evt_http_request *x)
{
	struct sums sums = { 0 };
	evt_buf out = { 0 };
	evt_json_write w;
	evt_error err;
	int r = EVT_OK;

	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	evt_json_write_array(&w, "tapes");
	for (size_t i = 0; i < site->tapes->n && r == EVT_OK; i++)
		r = api_tape_add_tape(site->tapes->tape[i], &sums, &w, &err);
	evt_json_write_close(&w);
	api_tape_write_sums(&w, &sums);
	evt_json_write_str(&w, "tiles", site->tiles);
	evt_json_write_str(&w, "zone",
	    site->ref.zone != NULL ? evt_zone_name(site->ref.zone) : "UTC");
	evt_json_write_str(&w, "open", site->folder.open_name);
	api_tape_write_compared(&w, site);
	evt_json_write_str(&w, "version", EVT_VERSION);
	evt_json_write_close(&w);
	for (size_t i = 0; i < sums.n_events; i++)
		free(sums.event[i].name);
	free(sums.event);
	evt_key_table_free(&sums.sources);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
}

/* ---- timeline ------------------------------------------------------------ */

/* Both are without a name, or have the same. */
static bool
api_tape_same_name(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Add the counts of `from` to `to`, which has the same buckets. */
static int
api_tape_merge_timeline(evt_timeline *to, evt_timeline *from, evt_error *err)
{
	size_t cap = to->n_events; /* at least */

	to->exact &= from->exact;
	for (size_t i = 0; i < from->n_events; i++) {
		evt_timeline_event *e = &from->events[i];
		size_t j = 0;

		while (j < to->n_events &&
		    !api_tape_same_name(e->name, to->events[j].name))
			j++;
		for (size_t k = 0; j < to->n_events && k < to->n_buckets; k++)
			to->events[j].count[k] += e->count[k];
		if (j < to->n_events)
			continue;
		if (!evt_grow(&to->events, &cap, j + 1))
			return evt_err_nomem(err);
		to->events[to->n_events++] = *e;
		*e = (evt_timeline_event){ NULL, NULL };
	}
	return EVT_OK;
}

static bool
api_tape_write_timeline(const evt_timeline *t, int64_t to, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_int(&w, "from_ns", t->from_ns);
	evt_json_write_int(&w, "to_ns", to);
	evt_json_write_int(&w, "bucket_ns", t->bucket_ns);
	evt_json_write_bool(&w, "exact", t->exact);
	evt_json_write_array(&w, "events");
	for (size_t i = 0; i < t->n_events; i++) {
		evt_json_write_object(&w, NULL);
		evt_json_write_str(&w, "name", t->events[i].name);
		evt_json_write_array(&w, "counts");
		for (size_t j = 0; j < t->n_buckets; j++)
			evt_json_write_uint(&w, NULL, t->events[i].count[j]);
		evt_json_write_close(&w);
		evt_json_write_close(&w);
	}
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

void
evt_api_timeline(evt_site *site, evt_http_request *x)
{
	const evt_tape_set *tapes = site->tapes;
	evt_timeline sum = { 0 }, t;
	int64_t from = 0, to = 0, n = 0;
	evt_buf out = { 0 };
	evt_error err;
	int r = evt_api_args_window(site, x, &from, &to, &err);
	bool ok;

	if (r == EVT_OK)
		r = evt_api_args_int(x, "buckets", BUCKETS_MAX, 600, &n, &err);
	if (r == EVT_OK)
		r = evt_tape_timeline(tapes->tape[0], from, to, (size_t)n, &sum,
		    &err);
	for (size_t i = 1; i < tapes->n && r == EVT_OK; i++) {
		r = evt_tape_timeline(tapes->tape[i], from, to, (size_t)n, &t,
		    &err);
		if (r != EVT_OK)
			break;
		r = api_tape_merge_timeline(&sum, &t, &err);
		evt_timeline_free(&t);
	}
	ok = r == EVT_OK && api_tape_write_timeline(&sum, to, &out);
	evt_timeline_free(&sum);
	evt_api_args_finish(x, r, ok, &out, &err);
}
