/*
 * api.c - /api/: look at the tapes, and move the house deck; see
 * docs/control.md.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "format/err.h"
#include "format/units.h"
#include "replay/items.h"
#include "replay/server_impl.h"

#define BUCKETS_MAX 4000
#define TRACK_MAX 100000
#define FRAMES_MAX 1000
/* An answer with frames ends beyond this. */
#define FRAMES_BYTES (8u << 20)

/* ---- what was asked for ------------------------------------------------------------- */

/* A time among the arguments.  EVT_ERR_NOTFOUND: it is not there. */
static int
arg_time(const struct exchange *x, const char *name, int64_t *ret_ns,
    evt_error *err)
{
	const char *text = evt_args_get(&x->args, name);
	char plus[64];

	if (text == NULL || *text == '\0')
		return EVT_ERR_NOTFOUND;
	if (*text == ' ' && strlen(text) < sizeof(plus)) {
		/* A plus that a form encoder reads as a space. */
		memcpy(plus, text, strlen(text) + 1);
		plus[0] = '+';
		text = plus;
	}
	return evt_time_parse(text, &x->server->o.ref, ret_ns, err);
}

static int
arg_int(const struct exchange *x, const char *name, int64_t max,
    int64_t otherwise, int64_t *ret, evt_error *err)
{
	const char *text = evt_args_get(&x->args, name);

	*ret = otherwise;
	return text == NULL ? EVT_OK :
	    evt_int_parse(text, name, 1, max, ret, err);
}

/* From the first frame of all tapes to behind the last. */
static int
whole_span(const evt_server *s, int64_t *ret_first, int64_t *ret_last,
    evt_error *err)
{
	int64_t first, last;
	bool any = false;

	for (size_t i = 0; i < s->o.reel->n; i++) {
		int r = evt_tape_span(s->o.reel->tape[i], &first, &last, err);

		if (r == EVT_ERR_NOTFOUND)
			continue;
		if (r != EVT_OK)
			return r;
		if (!any || first < *ret_first)
			*ret_first = first;
		if (!any || last > *ret_last)
			*ret_last = last;
		any = true;
	}
	if (any)
		return EVT_OK;
	return evt_err_set(err, EVT_ERR_NOTFOUND, "the tape is empty");
}

/* from and to, or the whole. */
static int
arg_window(const struct exchange *x, int64_t *ret_from, int64_t *ret_to,
    evt_error *err)
{
	int64_t last;
	int from = arg_time(x, "from", ret_from, err), to, r;

	if (from != EVT_OK && from != EVT_ERR_NOTFOUND)
		return from;
	to = arg_time(x, "to", ret_to, err);
	if (to == EVT_OK && from == EVT_OK)
		return EVT_OK;
	if (to != EVT_OK && to != EVT_ERR_NOTFOUND)
		return to;
	if (from == EVT_OK) {
		int64_t first;

		r = whole_span(x->server, &first, &last, err);
	} else if (to == EVT_OK) {
		r = whole_span(x->server, ret_from, &last, err);
	} else {
		r = whole_span(x->server, ret_from, &last, err);
	}
	if (r == EVT_OK && to != EVT_OK)
		*ret_to = last + 1;
	return r;
}

/* Answer with a body, which is freed, or the error. */
static void
finish(struct exchange *x, int r, bool ok, evt_buf *body, evt_error *err)
{
	if (r == EVT_OK && !ok)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		evt_answer_json(x, 200, body);
	else
		evt_answer_failed(x, err);
	evt_buf_free(body);
}

static bool
add_string(const char *text, evt_buf *out)
{
	return text != NULL ? evt_buf_add_json(out, text, strlen(text)) :
	    evt_buf_add_str(out, "null");
}

/* ---- the tapes ------------------------------------------------------------------------ */

/* What several tapes hold together. */
struct sums {
	uint64_t frames, received, bytes, sources;
	int64_t first, last;
	bool live;
	evt_info_key *event;
	size_t n_events;
};

static int
add_event(struct sums *s, const evt_info_key *k, evt_error *err)
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
	event[s->n_events] = (evt_info_key){ .name = strdup(k->name),
		.frames = k->frames };
	if (event[s->n_events].name == NULL)
		return evt_err_nomem(err);
	s->n_events++;
	return EVT_OK;
}

static int
add_info(struct sums *s, const evt_info *info, evt_error *err)
{
	int r = EVT_OK;

	if (info->frames > 0 && (s->frames == 0 || info->first_ns < s->first))
		s->first = info->first_ns;
	if (info->frames > 0 && (s->frames == 0 || info->last_ns > s->last))
		s->last = info->last_ns;
	s->frames += info->frames;
	s->received += info->received;
	s->bytes += info->payload_bytes;
	s->sources += info->n_sources;
	s->live |= info->live;
	for (size_t i = 0; i < info->n_events && r == EVT_OK; i++)
		r = add_event(s, &info->events[i], err);
	return r;
}

static int
add_tape(struct exchange *x, size_t i, struct sums *sums, evt_buf *out,
    evt_error *err)
{
	evt_tape *t = x->server->o.reel->tape[i];
	evt_info *info;
	int r = evt_tape_info(t, &info, err);

	if (r != EVT_OK)
		return r;
	r = add_info(sums, info, err);
	if (r == EVT_OK && !(evt_buf_add_str(out, i > 0 ? "," : "") &&
	    evt_buf_add_str(out, "{\"path\":") &&
	    add_string(evt_tape_path(t), out) &&
	    evt_buf_printf(out, ",\"id\":\"%s\",\"live\":%s}", info->id,
	    info->live ? "true" : "false")))
		r = evt_err_nomem(err);
	evt_info_free(info);
	return r;
}

static bool
add_sums(const evt_server *s, const struct sums *sums, evt_buf *out)
{
	bool ok = evt_buf_printf(out, "],\"frames\":%" PRIu64 ",\"received\":%"
	    PRIu64 ",\"payload_bytes\":%" PRIu64 ",\"sources\":%" PRIu64
	    ",\"live\":%s,", sums->frames, sums->received, sums->bytes,
	    sums->sources, sums->live ? "true" : "false");

	if (sums->frames > 0)
		ok = ok && evt_time_json("first", sums->first, out) &&
		    evt_buf_add_byte(out, ',') &&
		    evt_time_json("last", sums->last, out) &&
		    evt_buf_add_byte(out, ',');
	else
		ok = ok && evt_buf_add_str(out, "\"first\":null,\"first_ns\":"
		    "null,\"last\":null,\"last_ns\":null,");
	ok = ok && evt_buf_add_str(out, "\"events\":[");
	for (size_t i = 0; i < sums->n_events && ok; i++) {
		const evt_info_key *e = &sums->event[i];

		ok = evt_buf_add_str(out, i > 0 ? ",{\"name\":" :
		    "{\"name\":") &&
		    add_string(*e->name != '\0' ? e->name : NULL, out) &&
		    evt_buf_printf(out, ",\"frames\":%" PRIu64 "}", e->frames);
	}
	return ok && evt_buf_add_str(out, "],\"tiles\":") &&
	    add_string(s->o.tiles, out) &&
	    evt_buf_add_str(out, ",\"version\":\"" EVT_VERSION "\"}");
}

static void
api_tape(struct exchange *x)
{
	struct sums sums = { 0 };
	evt_buf out = { 0 };
	evt_error err;
	bool ok = evt_buf_add_str(&out, "{\"tapes\":[");
	int r = EVT_OK;

	for (size_t i = 0; i < x->server->o.reel->n && r == EVT_OK; i++)
		r = add_tape(x, i, &sums, &out, &err);
	ok = ok && r == EVT_OK && add_sums(x->server, &sums, &out);
	for (size_t i = 0; i < sums.n_events; i++)
		free(sums.event[i].name);
	free(sums.event);
	finish(x, r, ok, &out, &err);
}

/* ---- timeline -------------------------------------------------------------------------- */

/* Add the counts of one to the other, which has the same buckets. */
static int
merge_timeline(evt_timeline *to, evt_timeline *from, evt_error *err)
{
	to->exact &= from->exact;
	for (size_t i = 0; i < from->n_events; i++) {
		evt_timeline_event *e = &from->events[i], *list;
		size_t j = 0;

		while (j < to->n_events && (e->name == NULL ?
		    to->events[j].name != NULL : to->events[j].name == NULL ||
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
add_timeline(const evt_timeline *t, int64_t to, evt_buf *out)
{
	bool ok = evt_buf_printf(out, "{\"from_ns\":%" PRId64 ",\"to_ns\":%"
	    PRId64 ",\"bucket_ns\":%" PRId64 ",\"exact\":%s,\"events\":[",
	    t->from_ns, to, t->bucket_ns, t->exact ? "true" : "false");

	for (size_t i = 0; i < t->n_events && ok; i++) {
		ok = evt_buf_add_str(out, i > 0 ? ",{\"name\":" :
		    "{\"name\":") && add_string(t->events[i].name, out) &&
		    evt_buf_add_str(out, ",\"counts\":[");
		for (size_t j = 0; j < t->n_buckets && ok; j++)
			ok = evt_buf_printf(out, j > 0 ? ",%" PRIu64 :
			    "%" PRIu64, t->events[i].count[j]);
		ok = ok && evt_buf_add_str(out, "]}");
	}
	return ok && evt_buf_add_str(out, "]}");
}

static void
api_timeline(struct exchange *x)
{
	const evt_reel *reel = x->server->o.reel;
	evt_timeline sum = { 0 }, t;
	int64_t from = 0, to = 0, n;
	evt_buf out = { 0 };
	evt_error err;
	int r = arg_window(x, &from, &to, &err);
	bool ok;

	if (r == EVT_OK)
		r = arg_int(x, "buckets", BUCKETS_MAX, 600, &n, &err);
	if (r == EVT_OK)
		r = evt_tape_timeline(reel->tape[0], from, to, (size_t)n, &sum,
		    &err);
	for (size_t i = 1; i < reel->n && r == EVT_OK; i++) {
		r = evt_tape_timeline(reel->tape[i], from, to, (size_t)n, &t,
		    &err);
		if (r != EVT_OK)
			break;
		r = merge_timeline(&sum, &t, &err);
		evt_timeline_free(&t);
	}
	ok = r == EVT_OK && add_timeline(&sum, to, &out);
	evt_timeline_free(&sum);
	finish(x, r, ok, &out, &err);
}

/* ---- sources ------------------------------------------------------------------------------ */

/* The board at the time that was asked for, or that of the deck. */
static int
board_at(struct exchange *x, evt_board **ret_board, int64_t *ret_ns,
    evt_error *err)
{
	evt_server *s = x->server;
	struct stage *st;
	int r = arg_time(x, "at", ret_ns, err);

	if (r == EVT_ERR_NOTFOUND) {
		r = evt_house(s, &st, err);
		if (r != EVT_OK)
			return r;
		*ret_ns = evt_stage_time(st, evt_waker_now());
		return evt_stage_board(st, ret_board, err);
	}
	if (r == EVT_OK && s->asked == NULL)
		r = evt_server_board(s, NULL, &s->asked, err);
	if (r == EVT_OK)
		r = evt_board_load(s->asked, *ret_ns, err);
	*ret_board = s->asked;
	return r;
}

static void
api_sources(struct exchange *x)
{
	evt_board *b = NULL;
	evt_buf out = { 0 };
	evt_error err;
	int64_t at;
	int r = board_at(x, &b, &at, &err);
	bool any = false, ok = r == EVT_OK && evt_buf_add_byte(&out, '{') &&
	    evt_time_json("at", at, &out) &&
	    evt_buf_add_str(&out, ",\"sources\":[");

	for (size_t i = 0; ok && i < evt_board_n(b); i++) {
		const evt_source *s = evt_board_at(b, i);

		if (!s->known || s->corrupt)
			continue;
		ok = (!any || evt_buf_add_byte(&out, ',')) &&
		    evt_source_json(s, false, &out);
		any = true;
	}
	ok = ok && evt_buf_add_str(&out, "]}");
	finish(x, r, ok, &out, &err);
}

static void
api_source(struct exchange *x, const char *id)
{
	evt_board *b = NULL;
	evt_source *s;
	evt_buf out = { 0 };
	evt_error err;
	int64_t at;
	int r = board_at(x, &b, &at, &err);
	bool ok = false;

	if (r == EVT_OK) {
		s = evt_board_by_text(b, id);
		if (s == NULL)
			r = evt_err_set(&err, EVT_ERR_NOTFOUND, "there is no "
			    "source %.80s on the tape", id);
		else
			ok = evt_source_json(s, true, &out);
	}
	finish(x, r, ok, &out, &err);
}

/* ---- tracks -------------------------------------------------------------------------------- */

struct point {
	double lat, lng;
	int64_t time_ns;
};

struct track {
	struct point *p;
	size_t n, cap;
	uint64_t seen;  /* points, of which every step-th was kept */
	uint64_t step;
	size_t max;
};

/* Keep a point; when there are twice as many as are wanted, every other one
 * goes, so that memory is bounded however long the way is. */
static bool
add_point(struct track *t, struct point p)
{
	if (t->seen++ % t->step != 0)
		return true;
	if (t->n == t->cap) {
		size_t cap = t->cap > 0 ? t->cap * 2 : 256;
		struct point *all = realloc(t->p, cap * sizeof(*all));

		if (all == NULL)
			return false;
		t->p = all;
		t->cap = cap;
	}
	t->p[t->n++] = p;
	if (t->n >= t->max * 2) {
		for (size_t i = 0; i < t->n / 2; i++)
			t->p[i] = t->p[i * 2];
		t->n /= 2;
		t->step *= 2;
	}
	return true;
}

static int
track_frame(struct track *t, const evt_frame *f, const char *id,
    evt_scanner *scanner, evt_error *err)
{
	evt_items items;
	evt_item item;
	evt_place place;
	int r = evt_items_begin(&items, f, scanner, err);

	while (r == EVT_OK && evt_items_next(&items, &item)) {
		if (item.source.text == NULL || strlen(id) != item.source.len ||
		    memcmp(id, item.source.text, item.source.len) != 0 ||
		    !evt_item_place(&item, &place))
			continue;
		if (!add_point(t, (struct point){ place.lat, place.lng,
		    f->time_ns }))
			r = evt_err_nomem(err);
	}
	return r;
}

static int
read_track(struct exchange *x, const char *id, int64_t from, int64_t to,
    struct track *t, evt_error *err)
{
	const evt_reel *reel = x->server->o.reel;
	const evt_filter filter = { .has_from = true, .has_to = true,
		.from_ns = from, .to_ns = to, .sources = &id, .n_sources = 1,
		.kinds = 1u << EVT_KIND_RECEIVED };
	evt_scanner *scanner = NULL;
	evt_cursor *cursor = NULL;
	evt_frame f;
	int r = evt_scanner_new(NULL, &scanner, err);

	if (r == EVT_OK)
		r = evt_cursor_open(reel->tape, reel->n, &filter, &cursor, err);
	while (r == EVT_OK) {
		r = evt_cursor_next(cursor, &f, err);
		if (r == EVT_OK)
			r = track_frame(t, &f, id, scanner, err);
		else if (r == EVT_ERR_CORRUPT)
			r = EVT_OK;
	}
	evt_cursor_close(cursor);
	evt_scanner_free(scanner);
	return r > 0 ? EVT_OK : r;
}

static bool
add_track(const struct track *t, const char *id, evt_buf *out)
{
	size_t step = t->n > t->max ? (t->n - 1) / t->max + 1 : 1;
	bool ok = evt_buf_add_str(out, t->n > 0 ? "{\"type\":\"Feature\","
	    "\"geometry\":{\"type\":\"LineString\",\"coordinates\":[" :
	    "{\"type\":\"Feature\",\"geometry\":null");

	for (size_t i = 0; i < t->n && ok; i += step)
		ok = evt_buf_printf(out, "%s[%.7g,%.7g]", i > 0 ? "," : "",
		    t->p[i].lng, t->p[i].lat);
	/* A line of one point is drawn as one to itself. */
	if (t->n == 1)
		ok = ok && evt_buf_printf(out, ",[%.7g,%.7g]", t->p[0].lng,
		    t->p[0].lat);
	ok = ok && evt_buf_printf(out, "%s,\"properties\":{\"id\":",
	    t->n > 0 ? "]}" : "") && add_string(id, out) &&
	    evt_buf_printf(out, ",\"points\":%" PRIu64 ",\"times_ns\":[",
	    t->seen);
	for (size_t i = 0; i < t->n && ok; i += step)
		ok = evt_buf_printf(out, "%s%" PRId64, i > 0 ? "," : "",
		    t->p[i].time_ns);
	return ok && evt_buf_add_str(out, "]}}");
}

static void
api_track(struct exchange *x, const char *id)
{
	struct track t = { .step = 1 };
	int64_t from = 0, to = 0, max;
	evt_buf out = { 0 };
	evt_error err;
	int r = arg_window(x, &from, &to, &err);
	bool ok;

	if (r == EVT_OK)
		r = arg_int(x, "max", TRACK_MAX, 2000, &max, &err);
	if (r == EVT_OK) {
		t.max = (size_t)max;
		r = read_track(x, id, from, to, &t, &err);
	}
	ok = r == EVT_OK && add_track(&t, id, &out);
	free(t.p);
	finish(x, r, ok, &out, &err);
}

/* ---- frames --------------------------------------------------------------------------------- */

static int
read_frames(struct exchange *x, const evt_play *play, int64_t limit,
    evt_buf *out, evt_error *err)
{
	const evt_reel *reel = x->server->o.reel;
	evt_envelope *envelope = NULL;
	evt_cursor *cursor = NULL;
	evt_filter filter;
	evt_frame f;
	int64_t n = 0;
	int r = evt_envelope_new(reel->n > 1, &envelope, err);

	evt_play_filter(play, &filter);
	filter.read_ahead = false;
	if (r == EVT_OK)
		r = evt_cursor_open(reel->tape, reel->n, &filter, &cursor, err);
	while (r == EVT_OK && n < limit && out->len < FRAMES_BYTES) {
		r = evt_cursor_next(cursor, &f, err);
		if (r == EVT_ERR_CORRUPT)
			r = EVT_OK;
		else if (r == EVT_OK) {
			if (n++ > 0)
				out->data[out->len - 1] = ','; /* its newline */
			r = evt_envelope_write(envelope, &f, out, err);
		}
	}
	if (r >= 0 && n > 0)
		out->len--;
	if (r >= 0 && !evt_buf_printf(out, "],\"more\":%s}",
	    r == EVT_OK ? "true" : "false"))
		r = evt_err_nomem(err);
	evt_cursor_close(cursor);
	evt_envelope_free(envelope);
	return r > 0 ? EVT_OK : r;
}

static int
frames_play(struct exchange *x, evt_play *play, evt_error *err)
{
	static const char *const names[] = { "source", "event" };
	struct stage *st;
	int r = arg_time(x, "from", &play->from_ns, err);

	play->has_from = true;
	if (r == EVT_ERR_NOTFOUND) {
		r = evt_house(x->server, &st, err);
		if (r == EVT_OK)
			play->from_ns = evt_stage_time(st, evt_waker_now());
	}
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_args_get(&x->args, names[i]);

		if (text != NULL && *text != '\0')
			r = evt_play_set(play, names[i], text, NULL, err);
	}
	if (r == EVT_OK) {
		r = arg_time(x, "to", &play->to_ns, err);
		play->has_to = r == EVT_OK;
	}
	return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
}

static void
api_frames(struct exchange *x)
{
	evt_play play;
	evt_buf out = { 0 };
	evt_error err;
	int64_t limit;
	bool ok = evt_buf_add_str(&out, "{\"frames\":[");
	int r = arg_int(x, "limit", FRAMES_MAX, 100, &limit, &err);

	evt_play_init(&play);
	play.kinds = 0; /* all */
	if (r == EVT_OK)
		r = frames_play(x, &play, &err);
	if (r == EVT_OK && ok)
		r = read_frames(x, &play, limit, &out, &err);
	evt_play_free(&play);
	finish(x, r, ok, &out, &err);
}

/* ---- gaps and marks ----------------------------------------------------------------------------- */

static bool
add_number(const char *name, evt_view v, evt_buf *out)
{
	bool number = evt_view_kind(v) == EVT_VIEW_NUMBER;

	return evt_buf_printf(out, ",\"%s\":", name) && (number ?
	    evt_buf_add(out, v.p, v.n) : evt_buf_add_str(out, "null"));
}

/* A time in a mark, which stands there as text or in ns. */
static int64_t
mark_time(evt_view v, int64_t otherwise)
{
	evt_buf text = { 0 };
	int64_t ns = otherwise;

	if (evt_view_kind(v) == EVT_VIEW_STRING && evt_view_text(v, &text) &&
	    evt_buf_add_byte(&text, '\0') &&
	    evt_time_parse((char *)text.data, NULL, &ns, NULL) != EVT_OK)
		ns = otherwise;
	evt_buf_free(&text);
	return ns;
}

static bool
add_gap(const evt_info_mark *m, evt_buf *out)
{
	evt_view v = evt_view_of((const uint8_t *)m->json, strlen(m->json));
	evt_view reason = EVT_MEMBER(v, "reason");

	return evt_buf_printf(out, "{\"from_ns\":%" PRId64 ",\"to_ns\":%" PRId64,
	    mark_time(EVT_MEMBER(v, "from"), m->time_ns),
	    mark_time(EVT_MEMBER(v, "to"), m->time_ns)) &&
	    add_number("frames", EVT_MEMBER(v, "frames"), out) &&
	    add_number("bytes", EVT_MEMBER(v, "bytes"), out) &&
	    evt_buf_add_str(out, ",\"reason\":") &&
	    (evt_view_kind(reason) == EVT_VIEW_STRING ?
	    evt_buf_add(out, reason.p, reason.n) :
	    evt_buf_add_str(out, "null")) && evt_buf_add_byte(out, '}');
}

/* The members of the payload beside the mark's place; lists of trackers are too
 * long for it. */
static bool
add_mark(const evt_info_mark *m, evt_buf *out)
{
	evt_view v = evt_view_of((const uint8_t *)m->json, strlen(m->json));
	evt_view_walk walk = evt_view_walk_begin(v);
	evt_view name, value;
	bool ok = evt_buf_printf(out, "{\"seq\":%" PRIu64 ",", m->seq) &&
	    evt_time_json("time", m->time_ns, out);

	while (ok && evt_view_walk_next(&walk, &name, &value)) {
		if (evt_view_is(name, "list", 4) || evt_view_is(name, "seq", 3) ||
		    evt_view_is(name, "time", 4) ||
		    evt_view_is(name, "time_ns", 7))
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
find_note(const evt_note *notes, size_t n, evt_info_mark *m)
{
	for (size_t i = 0; i < n; i++) {
		if (notes[i].seq == m->seq) {
			m->time_ns = notes[i].time_ns;
			return true;
		}
	}
	return false;
}

/* Append the marks of a tape; gaps: these alone. */
static int
add_marks(evt_tape *t, bool gaps, bool *any, evt_buf *out, evt_error *err)
{
	evt_note *notes = NULL;
	evt_info *info = NULL;
	size_t n = 0;
	bool ok = true;
	int r = evt_tape_info(t, &info, err);

	if (r == EVT_OK && !gaps)
		r = evt_tape_notes(t, &notes, &n, err);
	for (size_t i = 0; r == EVT_OK && ok && i < info->n_marks; i++) {
		evt_info_mark m = info->mark[i];

		if (gaps ? m.opcode != EVT_MARK_GAP : m.opcode ==
		    EVT_MARK_NOTE && !find_note(notes, n, &m))
			continue;
		ok = (!*any || evt_buf_add_byte(out, ',')) &&
		    (gaps ? add_gap(&m, out) : add_mark(&m, out));
		*any = true;
	}
	evt_info_free(info);
	evt_notes_free(notes, n);
	return r == EVT_OK && !ok ? evt_err_nomem(err) : r;
}

static void
api_marks(struct exchange *x, bool gaps)
{
	const evt_reel *reel = x->server->o.reel;
	evt_buf out = { 0 };
	evt_error err;
	bool any = false, ok = evt_buf_add_str(&out, gaps ? "{\"gaps\":[" :
	    "{\"marks\":[");
	int r = EVT_OK;

	for (size_t i = 0; i < reel->n && r == EVT_OK; i++)
		r = add_marks(reel->tape[i], gaps, &any, &out, &err);
	ok = ok && evt_buf_add_str(&out, "]}");
	finish(x, r, ok, &out, &err);
}

/* ---- the deck ------------------------------------------------------------------------------------- */

static void
answer_deck(struct exchange *x, struct stage *st)
{
	evt_buf out = { 0 };
	evt_error err;
	bool ok = evt_stage_json(st, &out);

	finish(x, EVT_OK, ok, &out, &err);
}

/* Take the members of the body, which is a JSON object, for arguments; several
 * of an array are joined by commas. */
static int
read_body(struct exchange *x, evt_error *err)
{
	cJSON *root = cJSON_ParseWithLength((const char *)x->body.data,
	    x->body.len), *v, *e;
	evt_buf text = { 0 };
	bool ok = true;

	if (x->body.len == 0)
		return EVT_OK;
	if (!cJSON_IsObject(root)) {
		cJSON_Delete(root);
		return evt_err_set(err, EVT_ERR_ARG,
		    "the body must be a JSON object");
	}
	cJSON_ArrayForEach(v, root) {
		text.len = 0;
		ok = ok && evt_buf_add_str(&text, v->string) &&
		    evt_buf_add_byte(&text, '=');
		if (cJSON_IsString(v))
			ok = ok && evt_buf_add_str(&text, v->valuestring);
		else if (cJSON_IsNumber(v))
			ok = ok && evt_buf_printf(&text, "%.15g",
			    v->valuedouble);
		for (e = cJSON_IsArray(v) ? v->child : NULL; e != NULL;
		    e = e->next) {
			if (e != v->child)
				ok = ok && evt_buf_add_byte(&text, ',');
			if (cJSON_IsString(e))
				ok = ok && evt_buf_add_str(&text,
				    e->valuestring);
			else if (cJSON_IsNumber(e))
				ok = ok && evt_buf_printf(&text, "%.17g",
				    e->valuedouble);
		}
		ok = ok && evt_args_add(&x->args, (char *)text.data, text.len);
	}
	evt_buf_free(&text);
	cJSON_Delete(root);
	return ok ? EVT_OK : evt_err_nomem(err);
}

static int
deck_play(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_play_on(st);
	return EVT_OK;
}

static int
deck_pause(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_pause(st);
	return EVT_OK;
}

static int
deck_step(struct exchange *x, struct stage *st, evt_error *err)
{
	(void)x;
	(void)err;
	evt_stage_step(st);
	return EVT_OK;
}

static int
deck_seek(struct exchange *x, struct stage *st, evt_error *err)
{
	int64_t to;
	int r = arg_time(x, "to", &to, err);

	if (r == EVT_ERR_NOTFOUND)
		return evt_err_set(err, EVT_ERR_ARG, "seek needs a time: to");
	return r == EVT_OK ? evt_stage_seek(st, to, err) : r;
}

static int
deck_speed(struct exchange *x, struct stage *st, evt_error *err)
{
	const char *text = evt_args_get(&x->args, "speed");
	uint32_t speed;
	int r;

	if (text == NULL)
		return evt_err_set(err, EVT_ERR_ARG,
		    "speed needs a number or max: speed");
	r = evt_speed_parse(text, &speed, err);
	if (r == EVT_OK)
		evt_stage_set_speed(st, speed);
	return r;
}

/* from and to, of which *ret_from and *ret_to say whether they are there. */
static int
deck_span(const struct exchange *x, bool *ret_has_from, int64_t *ret_from,
    bool *ret_has_to, int64_t *ret_to, evt_error *err)
{
	int from = arg_time(x, "from", ret_from, err), to;

	*ret_has_from = from == EVT_OK;
	*ret_has_to = false;
	if (from != EVT_OK && from != EVT_ERR_NOTFOUND)
		return from;
	to = arg_time(x, "to", ret_to, err);
	*ret_has_to = to == EVT_OK;
	if (to != EVT_OK && to != EVT_ERR_NOTFOUND)
		return to;
	if (*ret_has_from && *ret_has_to && *ret_from >= *ret_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "nothing lies between from and to");
	return EVT_OK;
}

static int
deck_loop(struct exchange *x, struct stage *st, evt_error *err)
{
	int64_t from, to;
	bool has_from, has_to;
	int r = deck_span(x, &has_from, &from, &has_to, &to, err);

	if (r != EVT_OK)
		return r;
	if (has_from != has_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "a loop needs both from and to, or none to end it");
	evt_stage_set_loop(st, has_from, has_from ? from : 0, has_to ? to : 0);
	return EVT_OK;
}

/* The deck's settings, to be changed. */
static int
deck_window(struct exchange *x, struct stage *st, evt_error *err)
{
	evt_play play;
	int r = evt_play_copy(&st->play, &play, err);

	if (r != EVT_OK)
		return r;
	r = deck_span(x, &play.has_from, &play.from_ns, &play.has_to,
	    &play.to_ns, err);
	if (r != EVT_OK) {
		evt_play_free(&play);
		return r;
	}
	return evt_stage_replace(st, &play, err);
}

static int
deck_filter(struct exchange *x, struct stage *st, evt_error *err)
{
	static const char *const names[][2] = { { "sources", "source" },
		{ "events", "event" } };
	evt_play play, copy = st->play;
	int r;

	copy.sources = copy.events = (evt_names){ NULL, 0 };
	r = evt_play_copy(&copy, &play, err);
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_args_get(&x->args, names[i][0]);

		if (text != NULL && *text != '\0')
			r = evt_play_set(&play, names[i][1], text, NULL, err);
		if (r != EVT_OK)
			evt_play_free(&play);
	}
	return r == EVT_OK ? evt_stage_replace(st, &play, err) : r;
}

static const struct {
	const char *name;
	int (*fn)(struct exchange *x, struct stage *st, evt_error *err);
} deck_calls[] = {
	{ "play", deck_play }, { "pause", deck_pause }, { "step", deck_step },
	{ "seek", deck_seek }, { "speed", deck_speed }, { "loop", deck_loop },
	{ "window", deck_window }, { "filter", deck_filter },
};

/* Change the deck: what a page of another server must not have a browser do. */
static void
deck_call(struct exchange *x, const char *name)
{
	size_t i = 0, n = sizeof(deck_calls) / sizeof(deck_calls[0]);
	struct stage *st;
	evt_error err;
	int r;

	while (i < n && strcmp(deck_calls[i].name, name) != 0)
		i++;
	if (i == n) {
		evt_answer_error(x, 404, "there is no such call here");
		return;
	}
	if (x->method != METHOD_POST) {
		evt_answer_error(x, 405, "it takes a POST to change the deck");
		return;
	}
	if (!x->same_origin && !x->has_token) {
		evt_answer_error(x, 403, "a page of another server may not "
		    "change the deck without the token");
		return;
	}
	r = read_body(x, &err);
	if (r == EVT_OK)
		r = evt_house(x->server, &st, &err);
	if (r == EVT_OK)
		r = deck_calls[i].fn(x, st, &err);
	if (r == EVT_OK)
		answer_deck(x, st);
	else
		evt_answer_failed(x, &err);
}

static void
api_deck(struct exchange *x)
{
	struct stage *st;
	evt_error err;

	if (evt_house(x->server, &st, &err) == EVT_OK)
		answer_deck(x, st);
	else
		evt_answer_failed(x, &err);
}

/* ---- which call ------------------------------------------------------------------------------------ */

static void
api_gaps(struct exchange *x)
{
	api_marks(x, true);
}

static void
api_all_marks(struct exchange *x)
{
	api_marks(x, false);
}

static const struct {
	const char *path;
	void (*fn)(struct exchange *x);
} calls[] = {
	{ "/api/tape", api_tape }, { "/api/timeline", api_timeline },
	{ "/api/sources", api_sources }, { "/api/frames", api_frames },
	{ "/api/gaps", api_gaps }, { "/api/marks", api_all_marks },
	{ "/api/deck", api_deck },
};

/* "/api/sources/ID" and what may follow. */
static void
source_call(struct exchange *x, const char *rest)
{
	static const char track[] = "/track";
	size_t n = strlen(rest), m = sizeof(track) - 1;
	char *id;

	if (n <= m || strcmp(rest + n - m, track) != 0) {
		api_source(x, rest);
		return;
	}
	id = strndup(rest, n - m);
	if (id == NULL)
		evt_answer_error(x, 500, "out of memory");
	else
		api_track(x, id);
	free(id);
}

void
evt_api(struct exchange *x)
{
	static const char deck[] = "/api/deck/", source[] = "/api/sources/";

	if (strncmp(x->path, deck, sizeof(deck) - 1) == 0) {
		deck_call(x, x->path + sizeof(deck) - 1);
		return;
	}
	if (x->method == METHOD_POST) {
		evt_answer_error(x, 405, "this is only to be looked at: GET");
		return;
	}
	if (strncmp(x->path, source, sizeof(source) - 1) == 0) {
		source_call(x, x->path + sizeof(source) - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].path, x->path) == 0) {
			calls[i].fn(x);
			return;
		}
	}
	evt_answer_error(x, 404, "there is no such call here");
}
