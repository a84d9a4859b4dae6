/* api_tape.c - what is on the tapes: all in all, over time, gaps and marks. */
#include "replay/serve/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/key_table.h"
#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"

#define BUCKETS_MAX 4000

/* ---- the tapes ----------------------------------------------------------- */

/* What several tapes hold together. */
struct sums {
	uint64_t frames, received, bytes;
	evt_key_table sources;
	int64_t first, last;
	bool live;
	evt_info_key *event;
	size_t n_events;
};

static int
api_tape_add_event(struct sums *s, const evt_info_key *k, evt_error *err)
{
	evt_info_key *event;

	for (size_t i = 0; i < s->n_events; i++) {
		if (strcmp(s->event[i].name, k->name) == 0) {
			s->event[i].frames += k->frames;
			return EVT_OK;
		}
	}
	event = realloc(s->event, (s->n_events + 1) * sizeof(*event));
	if (event == NULL)
		return evt_err_nomem(err);
	s->event = event;
	event[s->n_events] =
	    (evt_info_key){ .name = strdup(k->name), .frames = k->frames };
	if (event[s->n_events].name == NULL)
		return evt_err_nomem(err);
	s->n_events++;
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
	/* The timeline counts marks so, too. */
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
api_tape_add_tape(struct exchange *x, size_t i, struct sums *sums, evt_buf *out,
    evt_error *err)
{
	evt_tape *t = x->server->o.reel->tape[i];
	evt_info *info;
	int r =
	    evt_tape_info_of(t, EVT_INFO_EVENTS | EVT_INFO_SOURCES, &info, err);

	if (r != EVT_OK)
		return r;
	r = api_tape_add_info(sums, info, err);
	if (r == EVT_OK &&
	    !(evt_buf_add_str(out, i > 0 ? "," : "") &&
	        evt_buf_add_str(out, "{\"path\":") &&
	        evt_api_string(evt_tape_path(t), out) &&
	        evt_buf_printf(out, ",\"id\":\"%s\",\"live\":%s}", info->id,
	            info->live ? "true" : "false")))
		r = evt_err_nomem(err);
	evt_info_free(info);
	return r;
}

static bool
api_tape_add_sums(const evt_server *s, const struct sums *sums, evt_buf *out)
{
	bool ok = evt_buf_printf(out,
	    "],\"frames\":%" PRIu64 ",\"received\":%" PRIu64
	    ",\"payload_bytes\":%" PRIu64 ",\"sources\":%" PRIu32
	    ",\"live\":%s,",
	    sums->frames, sums->received, sums->bytes, sums->sources.n,
	    sums->live ? "true" : "false");

	if (sums->frames > 0)
		ok = ok && evt_api_time_json("first", sums->first, out) &&
		    evt_buf_add_byte(out, ',') &&
		    evt_api_time_json("last", sums->last, out) &&
		    evt_buf_add_byte(out, ',');
	else
		ok = ok &&
		    evt_buf_add_str(out,
		        "\"first\":null,\"first_ns\":null,\"last\":null,\"last_"
		        "ns\":null,");
	ok = ok && evt_buf_add_str(out, "\"events\":[");
	for (size_t i = 0; i < sums->n_events && ok; i++) {
		const evt_info_key *e = &sums->event[i];

		ok = evt_buf_add_str(out,
		         i > 0 ? ",{\"name\":" : "{\"name\":") &&
		    evt_api_string(*e->name != '\0' ? e->name : NULL, out) &&
		    evt_buf_printf(out, ",\"frames\":%" PRIu64 "}", e->frames);
	}
	return ok && evt_buf_add_str(out, "],\"tiles\":") &&
	    evt_api_string(s->o.tiles, out) &&
	    evt_buf_add_str(out, ",\"version\":\"" EVT_VERSION "\"}");
}

void
evt_api_tape(struct exchange *x)
{
	struct sums sums = { 0 };
	evt_buf out = { 0 };
	evt_error err;
	bool ok = evt_buf_add_str(&out, "{\"tapes\":[");
	int r = EVT_OK;

	for (size_t i = 0; i < x->server->o.reel->n && r == EVT_OK; i++)
		r = api_tape_add_tape(x, i, &sums, &out, &err);
	ok = ok && r == EVT_OK && api_tape_add_sums(x->server, &sums, &out);
	for (size_t i = 0; i < sums.n_events; i++)
		free(sums.event[i].name);
	free(sums.event);
	evt_key_table_free(&sums.sources);
	evt_api_finish(x, r, ok, &out, &err);
}

/* ---- timeline ------------------------------------------------------------ */

/* Add the counts of one to the other, which has the same buckets. */
static int
api_tape_merge_timeline(evt_timeline *to, evt_timeline *from, evt_error *err)
{
	to->exact &= from->exact;
	for (size_t i = 0; i < from->n_events; i++) {
		evt_timeline_event *e = &from->events[i], *list;
		size_t j = 0;

		while (j < to->n_events &&
		    (e->name == NULL ? to->events[j].name != NULL :
		                       to->events[j].name == NULL ||
		                strcmp(e->name, to->events[j].name) != 0))
			j++;
		for (size_t k = 0; j < to->n_events && k < to->n_buckets; k++)
			to->events[j].count[k] += e->count[k];
		if (j < to->n_events)
			continue;
		list = realloc(to->events, (j + 1) * sizeof(*list));
		if (list == NULL)
			return evt_err_nomem(err);
		to->events = list;
		list[to->n_events++] = *e;
		*e = (evt_timeline_event){ NULL, NULL };
	}
	return EVT_OK;
}

static bool
api_tape_add_timeline(const evt_timeline *t, int64_t to, evt_buf *out)
{
	bool ok = evt_buf_printf(out,
	    "{\"from_ns\":%" PRId64 ",\"to_ns\":%" PRId64
	    ",\"bucket_ns\":%" PRId64 ",\"exact\":%s,\"events\":[",
	    t->from_ns, to, t->bucket_ns, t->exact ? "true" : "false");

	for (size_t i = 0; i < t->n_events && ok; i++) {
		ok = evt_buf_add_str(out,
		         i > 0 ? ",{\"name\":" : "{\"name\":") &&
		    evt_api_string(t->events[i].name, out) &&
		    evt_buf_add_str(out, ",\"counts\":[");
		for (size_t j = 0; j < t->n_buckets && ok; j++)
			ok = evt_buf_printf(out,
			    j > 0 ? ",%" PRIu64 : "%" PRIu64,
			    t->events[i].count[j]);
		ok = ok && evt_buf_add_str(out, "]}");
	}
	return ok && evt_buf_add_str(out, "]}");
}

void
evt_api_timeline(struct exchange *x)
{
	const evt_tape_set *reel = x->server->o.reel;
	evt_timeline sum = { 0 }, t;
	int64_t from = 0, to = 0, n = 0;
	evt_buf out = { 0 };
	evt_error err;
	int r = evt_api_arg_window(x, &from, &to, &err);
	bool ok;

	if (r == EVT_OK)
		r = evt_api_arg_int(x, "buckets", BUCKETS_MAX, 600, &n, &err);
	if (r == EVT_OK)
		r = evt_tape_timeline(reel->tape[0], from, to, (size_t)n, &sum,
		    &err);
	for (size_t i = 1; i < reel->n && r == EVT_OK; i++) {
		r = evt_tape_timeline(reel->tape[i], from, to, (size_t)n, &t,
		    &err);
		if (r != EVT_OK)
			break;
		r = api_tape_merge_timeline(&sum, &t, &err);
		evt_timeline_free(&t);
	}
	ok = r == EVT_OK && api_tape_add_timeline(&sum, to, &out);
	evt_timeline_free(&sum);
	evt_api_finish(x, r, ok, &out, &err);
}

/* ---- gaps and marks ------------------------------------------------------ */

static bool
api_tape_add_number(const char *name, evt_json_view v, evt_buf *out)
{
	bool number = evt_json_view_kind(v) == EVT_JSON_VIEW_NUMBER;

	return evt_buf_printf(out, ",\"%s\":", name) &&
	    (number ? evt_buf_add(out, v.p, v.n) :
	              evt_buf_add_str(out, "null"));
}

/* A time in a mark, which stands there as text. */
static int64_t
api_tape_mark_time(evt_json_view v, int64_t otherwise)
{
	evt_buf text = { 0 };
	int64_t ns = otherwise;

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_STRING &&
	    evt_json_view_text(v, &text) && evt_buf_add_byte(&text, '\0') &&
	    evt_timetext_parse((char *)text.data, NULL, &ns, NULL) != EVT_OK)
		ns = otherwise;
	evt_buf_free(&text);
	return ns;
}

static bool
api_tape_add_gap(const evt_info_mark *m, evt_json_view v, evt_buf *out)
{
	evt_json_view reason = EVT_JSON_VIEW_MEMBER(v, "reason");

	return evt_buf_printf(out,
	           "{\"from_ns\":%" PRId64 ",\"to_ns\":%" PRId64,
	           api_tape_mark_time(EVT_JSON_VIEW_MEMBER(v, "from"),
	               m->time_ns),
	           api_tape_mark_time(EVT_JSON_VIEW_MEMBER(v, "to"),
	               m->time_ns)) &&
	    api_tape_add_number("frames", EVT_JSON_VIEW_MEMBER(v, "frames"),
	        out) &&
	    api_tape_add_number("bytes", EVT_JSON_VIEW_MEMBER(v, "bytes"),
	        out) &&
	    evt_buf_add_str(out, ",\"reason\":") &&
	    (evt_json_view_kind(reason) == EVT_JSON_VIEW_STRING ?
	            evt_buf_add(out, reason.p, reason.n) :
	            evt_buf_add_str(out, "null")) &&
	    evt_buf_add_byte(out, '}');
}

/* The members of the payload beside the mark's place; lists of trackers are too
 * long for it. */
static bool
api_tape_add_mark(const evt_info_mark *m, evt_json_view v, evt_buf *out)
{
	evt_json_view_walk walk = evt_json_view_walk_begin(v);
	evt_json_view name, value;
	bool ok = evt_buf_printf(out, "{\"seq\":%" PRIu64 ",", m->seq) &&
	    evt_api_time_json("time", m->time_ns, out);

	while (ok && evt_json_view_walk_next(&walk, &name, &value)) {
		if (evt_json_view_is(name, "list", 4) ||
		    evt_json_view_is(name, "seq", 3) ||
		    evt_json_view_is(name, "time", 4) ||
		    evt_json_view_is(name, "time_ns", 7))
			continue;
		ok = evt_buf_add_byte(out, ',') &&
		    evt_buf_add(out, name.p, name.n) &&
		    evt_buf_add_byte(out, ':') &&
		    evt_buf_add(out, value.p, value.n);
	}
	return ok && evt_buf_add_byte(out, '}');
}

/* Whether the note was not taken back, and where it is put. */
static bool
api_tape_find_note(const evt_bookmark *notes, size_t n, evt_info_mark *m)
{
	for (size_t i = 0; i < n; i++) {
		if (notes[i].seq == m->seq) {
			m->time_ns = notes[i].time_ns;
			return true;
		}
	}
	return false;
}

/* The payload of a mark; nothing, where a damaged tape has no JSON there. */
static evt_json_view
api_tape_payload_of(const evt_info_mark *m, evt_json_scanner *scanner)
{
	const uint8_t *p = (const uint8_t *)m->json;
	evt_json_scan_result got = { .json = false };

	if (evt_json_scan(scanner, p, strlen(m->json), &got, NULL) != EVT_OK ||
	    !got.json)
		return (evt_json_view){ NULL, 0 };
	return evt_json_view_make(p, strlen(m->json));
}

/* The marks of all tapes, by time. */
struct marks {
	bool gaps; /* these alone */
	evt_json_scanner *scanner;
	evt_info **info;
	struct placed {
		evt_info_mark mark; /* belongs to info */
		size_t no;          /* in the order of tapes and numbers */
	} * placed;
	size_t n, cap;
};

static int
api_tape_by_time(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->mark.time_ns != y->mark.time_ns)
		return x->mark.time_ns < y->mark.time_ns ? -1 : 1;
	return x->no < y->no ? -1 : x->no > y->no;
}

static bool
api_tape_place(struct marks *to, const evt_info_mark *m)
{
	if (to->n == to->cap) {
		size_t cap = to->cap > 0 ? to->cap * 2 : 64;
		struct placed *all = realloc(to->placed, cap * sizeof(*all));

		if (all == NULL)
			return false;
		to->placed = all;
		to->cap = cap;
	}
	to->placed[to->n] = (struct placed){ *m, to->n };
	to->n++;
	return true;
}

static int
api_tape_place_all(struct marks *to, evt_tape *t, evt_info **ret_info,
    evt_error *err)
{
	evt_bookmark *notes = NULL;
	size_t n = 0;
	bool ok = true;
	int r = evt_tape_info_of(t, EVT_INFO_MARKS, ret_info, err);

	if (r == EVT_OK && !to->gaps)
		r = evt_tape_bookmarks(t, &notes, &n, err);
	for (size_t i = 0; r == EVT_OK && ok && i < (*ret_info)->n_marks; i++) {
		evt_info_mark m = (*ret_info)->mark[i];

		if (to->gaps ? m.opcode == EVT_MARK_GAP :
		               m.opcode != EVT_MARK_BOOKMARK ||
		            api_tape_find_note(notes, n, &m))
			ok = api_tape_place(to, &m);
	}
	evt_bookmarks_free(notes, n);
	return r == EVT_OK && !ok ? evt_err_nomem(err) : r;
}

static bool
api_tape_add_marks(const struct marks *from, evt_buf *out)
{
	bool ok =
	    evt_buf_add_str(out, from->gaps ? "{\"gaps\":[" : "{\"marks\":[");

	for (size_t i = 0; ok && i < from->n; i++) {
		const evt_info_mark *m = &from->placed[i].mark;
		evt_json_view v = api_tape_payload_of(m, from->scanner);

		ok = (i == 0 || evt_buf_add_byte(out, ',')) &&
		    (from->gaps ? api_tape_add_gap(m, v, out) :
		                  api_tape_add_mark(m, v, out));
	}
	return ok && evt_buf_add_str(out, "]}");
}

static void
api_tape_answer_marks(struct exchange *x, bool gaps)
{
	const evt_tape_set *reel = x->server->o.reel;
	struct marks m = { .gaps = gaps,
		.info = calloc(reel->n, sizeof(*m.info)) };
	evt_buf out = { 0 };
	evt_error err;
	int r = evt_json_scanner_new(NULL, &m.scanner, &err);
	bool ok;

	if (m.info == NULL)
		r = evt_err_nomem(&err);
	for (size_t i = 0; i < reel->n && r == EVT_OK; i++)
		r = api_tape_place_all(&m, reel->tape[i], &m.info[i], &err);
	if (r == EVT_OK && m.n > 0)
		qsort(m.placed, m.n, sizeof(*m.placed), api_tape_by_time);
	ok = r == EVT_OK && api_tape_add_marks(&m, &out);
	evt_api_finish(x, r, ok, &out, &err);
	for (size_t i = 0; i < reel->n && m.info != NULL; i++)
		evt_info_free(m.info[i]);
	free(m.info);
	free(m.placed);
	evt_json_scanner_free(m.scanner);
}

void
evt_api_gaps(struct exchange *x)
{
	api_tape_answer_marks(x, true);
}

void
evt_api_marks(struct exchange *x)
{
	api_tape_answer_marks(x, false);
}
