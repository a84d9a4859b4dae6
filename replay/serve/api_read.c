/*
 * api_read.c - answers that are read from the frames: the way of a source, and
 * frames themselves.
 *
 * Either may have to read a whole tape.  So they are jobs, worked on a slice at a
 * time between what decks have to play.
 */
#include "replay/serve/api.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/navixy/frame_items.h"

#define TRACK_MAX 100000
#define FRAMES_MAX 1000
/* An answer with frames ends beyond this. */
#define FRAMES_BYTES (8u << 20)

/* What both kinds of job have. */
struct reading {
	struct job job;
	evt_cursor *cursor;
	evt_buf out;
};

static void
api_read_reading_end(struct reading *r)
{
	evt_cursor_close(r->cursor);
	evt_buf_free(&r->out);
}

/* The next frame; damage is passed over. */
static int
api_read_reading_next(struct reading *r, evt_frame *f, evt_error *err)
{
	int code;

	do {
		code = evt_cursor_next(r->cursor, f, err);
	} while (code == EVT_ERR_CORRUPT);
	return code;
}

/* ---- tracks -------------------------------------------------------------- */

struct point {
	double lat, lng;
	int64_t time_ns;
};

struct track {
	struct point *p, last;
	size_t n, cap;
	uint64_t seen; /* points, of which every step-th was kept */
	uint64_t step;
	size_t max;
};

/* Keep a point; when there are twice as many as are wanted, every other one
 * goes, so that memory is bounded however long the way is. */
static bool
api_read_add_point(struct track *t, struct point p)
{
	t->last = p;
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

struct track_job {
	struct reading r;
	char *id;
	bool id_is_int; /* in the frames */
	evt_json_scanner *scanner;
	struct track track;
};

static int
api_read_track_frame(struct track_job *j, const evt_frame *f, evt_error *err)
{
	evt_frame_items items;
	evt_frame_item item;
	evt_frame_items_place place;
	size_t n = strlen(j->id);
	int r = evt_frame_items_begin(&items, f, j->scanner, err);

	while (r == EVT_OK && evt_frame_items_next(&items, &item)) {
		if (item.source.text == NULL || n != item.source.len ||
		    memcmp(j->id, item.source.text, n) != 0)
			continue;
		j->id_is_int = item.source.is_int;
		if (!evt_frame_item_place(&item, &place))
			continue;
		if (!api_read_add_point(&j->track,
		        (struct point){ place.lat, place.lng, f->time_ns }))
			r = evt_err_nomem(err);
	}
	return r;
}

/* The point at i of those that are shown, every step-th; the way ends where it
 * ends, however it is thinned. */
static const struct point *
api_read_shown(const struct track *t, size_t i, size_t step)
{
	return i + step >= t->n ? &t->last : &t->p[i];
}

static bool
api_read_add_line(const struct track *t, size_t step, evt_buf *out)
{
	bool ok =
	    evt_buf_add_str(out, "{\"type\":\"LineString\",\"coordinates\":[");

	for (size_t i = 0; i < t->n && ok; i += step) {
		const struct point *p = api_read_shown(t, i, step);

		ok = evt_buf_printf(out, "%s[%.15g,%.15g]", i > 0 ? "," : "",
		    p->lng, p->lat);
	}
	/* A line has two points. */
	if (t->n == 1)
		ok = ok &&
		    evt_buf_printf(out, ",[%.15g,%.15g]", t->last.lng,
		        t->last.lat);
	return ok && evt_buf_add_str(out, "]}");
}

static bool
api_read_add_track(const struct track_job *j, evt_buf *out)
{
	const struct track *t = &j->track;
	size_t step = t->n > t->max ? (t->n - 1) / t->max + 1 : 1;
	bool ok = evt_buf_add_str(out, "{\"type\":\"Feature\",\"geometry\":") &&
	    (t->n > 0 ? api_read_add_line(t, step, out) :
	                evt_buf_add_str(out, "null")) &&
	    evt_buf_add_str(out, ",\"properties\":{\"id\":") &&
	    (j->id_is_int ? evt_buf_add_str(out, j->id) :
	                    evt_api_string(j->id, out)) &&
	    evt_buf_printf(out, ",\"points\":%" PRIu64 ",\"times_ns\":[",
	        t->seen);

	for (size_t i = 0; i < t->n && ok; i += step)
		ok = evt_buf_printf(out, "%s%" PRId64, i > 0 ? "," : "",
		    api_read_shown(t, i, step)->time_ns);
	if (t->n == 1)
		ok = ok && evt_buf_printf(out, ",%" PRId64, t->last.time_ns);
	return ok && evt_buf_add_str(out, "]}}");
}

static bool
api_read_track_work(struct job *job, struct exchange *x, int64_t until_ns)
{
	struct track_job *j = (struct track_job *)job;
	evt_frame f;
	evt_error err;
	int r;
	bool ok;

	do {
		r = api_read_reading_next(&j->r, &f, &err);
		if (r == EVT_OK)
			r = api_read_track_frame(j, &f, &err);
	} while (r == EVT_OK && evt_waker_now() < until_ns);
	if (r == EVT_OK)
		return false;
	ok = r > 0 && api_read_add_track(j, &j->r.out);
	evt_api_finish(x, r > 0 ? EVT_OK : r, ok, &j->r.out, &err);
	return true;
}

static void
api_read_track_free(struct job *job)
{
	struct track_job *j = (struct track_job *)job;

	api_read_reading_end(&j->r);
	evt_json_scanner_free(j->scanner);
	free(j->track.p);
	free(j->id);
	free(j);
}

static int
api_read_track_open(struct track_job *j, const evt_tape_set *reel, int64_t from,
    int64_t to, evt_error *err)
{
	const char *id = j->id;
	const evt_filter filter = { .has_from = true,
		.has_to = true,
		.from_ns = from,
		.to_ns = to,
		.sources = &id,
		.n_sources = 1,
		.kinds = 1u << EVT_KIND_RECEIVED };
	int r = evt_json_scanner_new(NULL, &j->scanner, err);

	return r != EVT_OK ?
	    r :
	    evt_cursor_open(reel->tape, reel->n, &filter, &j->r.cursor, err);
}

void
evt_api_track(struct exchange *x, const char *id)
{
	struct track_job *j = calloc(1, sizeof(*j));
	int64_t from, to, max;
	evt_error err;
	int r;

	if (j == NULL || (j->id = strdup(id)) == NULL) {
		free(j);
		evt_http_answer_error(x, 500, "out of memory");
		return;
	}
	j->r.job = (struct job){ api_read_track_work, api_read_track_free };
	r = evt_api_arg_window(x, &from, &to, &err);
	if (r == EVT_OK)
		r = evt_api_arg_int(x, "max", TRACK_MAX, 2000, &max, &err);
	if (r == EVT_OK) {
		j->track.step = 1;
		/* Its first and its last. */
		j->track.max = max < 2 ? 2 : (size_t)max;
		r = api_read_track_open(j, x->server->o.reel, from, to, &err);
	}
	if (r == EVT_OK) {
		evt_http_request_work(x, &j->r.job);
		return;
	}
	api_read_track_free(&j->r.job);
	evt_http_answer_failed(x, &err);
}

/* ---- frames -------------------------------------------------------------- */

struct frames_job {
	struct reading r;
	evt_play_options play; /* the filter points into it */
	evt_envelope *envelope;
	int64_t n, limit;
};

static int
api_read_frames_add(struct frames_job *j, const evt_frame *f, evt_error *err)
{
	evt_buf *out = &j->r.out;

	if (j->n++ > 0)
		out->data[out->len - 1] = ','; /* its newline */
	return evt_envelope_write(j->envelope, f, out, err);
}

static bool
api_read_frames_work(struct job *job, struct exchange *x, int64_t until_ns)
{
	struct frames_job *j = (struct frames_job *)job;
	evt_buf *out = &j->r.out;
	evt_frame f;
	evt_error err;
	int r = EVT_OK;
	bool full = false, ok;

	while (r == EVT_OK && !full) {
		r = api_read_reading_next(&j->r, &f, &err);
		/* One that has no room tells that there are more. */
		full = j->n == j->limit || out->len >= FRAMES_BYTES;
		if (r == EVT_OK && !full)
			r = api_read_frames_add(j, &f, &err);
		if (r == EVT_OK && !full && evt_waker_now() >= until_ns)
			return false;
	}
	if (r >= 0 && j->n > 0)
		out->len--;
	ok = evt_buf_printf(out, "],\"more\":%s}",
	    r == EVT_OK ? "true" : "false");
	evt_api_finish(x, r > 0 ? EVT_OK : r, ok, out, &err);
	return true;
}

static void
api_read_frames_free(struct job *job)
{
	struct frames_job *j = (struct frames_job *)job;

	api_read_reading_end(&j->r);
	evt_envelope_free(j->envelope);
	evt_play_options_free(&j->play);
	free(j);
}

static int
api_read_frames_play(struct exchange *x, evt_play_options *play, evt_error *err)
{
	static const char *const names[] = { "source", "event" };
	struct stage *st;
	int r = evt_api_arg_time(x, "from", &play->from_ns, err);

	play->has_from = true;
	if (r == EVT_END) {
		r = evt_playback_shared(x->server, &st, err);
		if (r == EVT_OK)
			play->from_ns = evt_playback_time(st, evt_waker_now());
	}
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_http_args_get(&x->args, names[i]);

		if (text != NULL && *text != '\0')
			r = evt_play_options_set(play, names[i], text, NULL,
			    err);
	}
	if (r == EVT_OK) {
		r = evt_api_arg_time(x, "to", &play->to_ns, err);
		play->has_to = r == EVT_OK;
	}
	if (r == EVT_OK && play->from_ns > play->to_ns)
		return evt_err_set(err, EVT_ERR_ARG, "from is behind to");
	return r == EVT_END ? EVT_OK : r;
}

static int
api_read_frames_open(struct frames_job *j, struct exchange *x, evt_error *err)
{
	const evt_tape_set *reel = x->server->o.reel;
	evt_filter filter;
	int r = evt_api_arg_int(x, "limit", FRAMES_MAX, 100, &j->limit, err);

	if (r == EVT_OK)
		r = api_read_frames_play(x, &j->play, err);
	if (r == EVT_OK)
		r = evt_envelope_new(reel->n > 1, &j->envelope, err);
	if (r == EVT_OK && !evt_buf_add_str(&j->r.out, "{\"frames\":["))
		r = evt_err_nomem(err);
	if (r != EVT_OK)
		return r;
	evt_play_options_filter(&j->play, &filter);
	filter.read_ahead = false;
	return evt_cursor_open(reel->tape, reel->n, &filter, &j->r.cursor, err);
}

void
evt_api_frames(struct exchange *x)
{
	struct frames_job *j = calloc(1, sizeof(*j));
	evt_error err;

	if (j == NULL) {
		evt_http_answer_error(x, 500, "out of memory");
		return;
	}
	j->r.job = (struct job){ api_read_frames_work, api_read_frames_free };
	evt_play_options_init(&j->play);
	j->play.kinds = 0; /* all */
	if (api_read_frames_open(j, x, &err) == EVT_OK) {
		evt_http_request_work(x, &j->r.job);
		return;
	}
	api_read_frames_free(&j->r.job);
	evt_http_answer_failed(x, &err);
}
