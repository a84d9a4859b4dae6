/* api_read.c - answers that are read from frames: the track of a source, and
 * frames themselves.  Either may have to read a whole tape, so they are
 * jobs, which run in slices between the frames that decks play. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/grow.h"
#include "format/keys/json_scan.h"
#include "format/navixy/frame_items.h"
#include "format/read/envelope.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

#define TRACK_MAX 100000
#define FRAMES_MAX 1000
/* An answer with frames ends after so many bytes. */
#define FRAMES_BYTES (8u << 20)

/* What both kinds of job have. */
struct reading {
	evt_http_request_job job;
	evt_cursor *cursor;
	evt_buf out;
};

static void
api_read_reading_end(struct reading *r)
{
	evt_cursor_close(r->cursor);
	evt_buf_free(&r->out);
}

/* Read the next frame; damaged blocks are skipped. */
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
	uint64_t seen; /* points of the source; every step-th was kept */
	uint64_t step;
	size_t max;
};

/* Add a point.  When there are twice as many as wanted, every other one is
 * dropped, so that memory is bounded however long the track is. */
static bool
api_read_add_point(struct track *t, struct point p)
{
	t->last = p;
	if (t->seen++ % t->step != 0)
		return true;
	if (!evt_grow(&t->p, &t->cap, t->n + 1))
		return false;
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
	evt_source_select
	    ids;        /* the id as it is, and as source_id.h reads it */
	char *id;       /* as the frames have it */
	bool id_is_int; /* it is a number in the frames */
	evt_json_scanner *scanner;
	struct track track;
};

/* The answer names the id that the frames have. */
static bool
api_read_set_id(struct track_job *j, const evt_key *key)
{
	if (strlen(j->id) == key->len &&
	    memcmp(j->id, key->text, key->len) == 0)
		return true;
	free(j->id);
	j->id = strndup(key->text, key->len);
	return j->id != NULL;
}

static int
api_read_track_frame(struct track_job *j, const evt_frame *f, evt_error *err)
{
	evt_frame_items items;
	evt_frame_item item;
	evt_frame_items_place place;
	int r = evt_frame_items_begin(&items, f, j->scanner, err);

	while (r == EVT_OK && evt_frame_items_next(&items, &item)) {
		if (item.source.text == NULL ||
		    !evt_strings_has(&j->ids.ids, item.source.text,
		        item.source.len))
			continue;
		if (!api_read_set_id(j, &item.source))
			return evt_err_nomem(err);
		j->id_is_int = item.source.is_int;
		if (!evt_frame_item_place(&item, &place))
			continue;
		if (!api_read_add_point(&j->track,
		        (struct point){ place.lat, place.lng, f->time_ns }))
			r = evt_err_nomem(err);
	}
	return r;
}

/* The point at i of every step-th one; the last one shown is always the last
 * point of the track. */
static const struct point *
api_read_shown(const struct track *t, size_t i, size_t step)
{
	return i + step >= t->n ? &t->last : &t->p[i];
}

static void
api_read_write_place(evt_json_write *w, const struct point *p)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "[%.15g,%.15g]", p->lng, p->lat);

	evt_json_write_raw(w, NULL, text, (size_t)n);
}

/* The track as a GeoJSON line; null without a point. */
static void
api_read_write_line(evt_json_write *w, const struct track *t, size_t step)
{
	if (t->n == 0) {
		evt_json_write_null(w, "geometry");
		return;
	}
	evt_json_write_object(w, "geometry");
	evt_json_write_str(w, "type", "LineString");
	evt_json_write_array(w, "coordinates");
	for (size_t i = 0; i < t->n; i += step)
		api_read_write_place(w, api_read_shown(t, i, step));
	/* A line needs two points. */
	if (t->n == 1)
		api_read_write_place(w, &t->last);
	evt_json_write_close(w);
	evt_json_write_close(w);
}

static bool
api_read_write_track(const struct track_job *j, evt_buf *out)
{
	const struct track *t = &j->track;
	size_t step = t->n > t->max ? (t->n - 1) / t->max + 1 : 1;
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "type", "Feature");
	api_read_write_line(&w, t, step);
	evt_json_write_object(&w, "properties");
	if (j->id_is_int)
		evt_json_write_raw(&w, "id", j->id, strlen(j->id));
	else
		evt_json_write_str(&w, "id", j->id);
	evt_json_write_uint(&w, "points", t->seen);
	evt_json_write_array(&w, "times_ns");
	for (size_t i = 0; i < t->n; i += step)
		evt_json_write_int(&w, NULL,
		    api_read_shown(t, i, step)->time_ns);
	if (t->n == 1)
		evt_json_write_int(&w, NULL, t->last.time_ns);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static bool
api_read_track_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
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
	} while (r == EVT_OK && evt_clock_mono() < until_ns);
	if (r == EVT_OK)
		return false;
	ok = r > 0 && api_read_write_track(j, &j->r.out);
	evt_api_args_finish(x, r > 0 ? EVT_OK : r, ok, &j->r.out, &err);
	return true;
}

static void
api_read_track_free(evt_http_request_job *job)
{
	struct track_job *j = (struct track_job *)job;

	api_read_reading_end(&j->r);
	evt_json_scanner_free(j->scanner);
	free(j->track.p);
	free(j->id);
	evt_source_select_free(&j->ids);
	free(j);
}

static int
api_read_track_open(struct track_job *j, const evt_tape_set *tapes,
    int64_t from, int64_t to, evt_error *err)
{
	evt_filter filter = { .has_from = true,
		.has_to = true,
		.from_ns = from,
		.to_ns = to,
		.kinds = 1u << EVT_KIND_RECEIVED };
	int r = evt_json_scanner_new(NULL, &j->scanner, err);

	if (r == EVT_OK &&
	    !evt_source_select_add_id(&j->ids, j->id, strlen(j->id),
	        EVT_SOURCE_ANY))
		r = evt_err_nomem(err);
	/* If it is not in the written form, it is the id as it is. */
	if (r == EVT_OK && strpbrk(j->id, "\\\":") != NULL)
		(void)evt_source_select_add(&j->ids, j->id, tapes->tape,
		    tapes->n, NULL);
	evt_source_select_filter(&j->ids, &filter);

	return r != EVT_OK ?
	    r :
	    evt_cursor_open(tapes->tape, tapes->n, &filter, &j->r.cursor, err);
}

void
evt_api_track(evt_site *site, evt_http_request *x, const char *id)
{
	struct track_job *j = calloc(1, sizeof(*j));
	int64_t from, to, max;
	evt_error err;
	int r;

	if (j != NULL)
		j->id = strdup(id);
	if (j == NULL || j->id == NULL) {
		free(j);
		evt_http_request_answer_error(x, 500, "out of memory");
		return;
	}
	j->r.job = (evt_http_request_job){ .work = api_read_track_work,
		.free = api_read_track_free };
	r = evt_api_args_window(site, x, &from, &to, &err);
	if (r == EVT_OK)
		r = evt_api_args_int(x, "max", TRACK_MAX, 2000, &max, &err);
	if (r == EVT_OK) {
		j->track.step = 1;
		/* The first point and the last one. */
		j->track.max = max < 2 ? 2 : (size_t)max;
		r = api_read_track_open(j, site->tapes, from, to, &err);
	}
	if (r == EVT_OK) {
		evt_http_request_set_job(x, &j->r.job);
		return;
	}
	api_read_track_free(&j->r.job);
	evt_http_request_answer_failed(x, &err);
}

/* ---- frames -------------------------------------------------------------- */

struct frames_job {
	struct reading r;
	evt_play_options play; /* the cursor's filter points into it */
	evt_envelope *envelope;
	int64_t n, limit;
};

static int
api_read_frames_add(struct frames_job *j, const evt_frame *f, evt_error *err)
{
	evt_buf *out = &j->r.out;

	if (j->n++ > 0)
		out->data[out->len - 1] = ','; /* its line feed */
	return evt_envelope_write(j->envelope, f, out, err);
}

static bool
api_read_frames_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
{
	struct frames_job *j = (struct frames_job *)job;
	evt_buf *out = &j->r.out;
	evt_frame f;
	evt_error err;
	int r = EVT_OK;
	bool full = false, ok;

	while (r == EVT_OK && !full) {
		r = api_read_reading_next(&j->r, &f, &err);
		/* A frame that does not fit shows that there are more. */
		full = j->n == j->limit || out->len >= FRAMES_BYTES;
		if (r == EVT_OK && !full)
			r = api_read_frames_add(j, &f, &err);
		if (r == EVT_OK && !full && evt_clock_mono() >= until_ns)
			return false;
	}
	if (r >= 0 && j->n > 0)
		out->len--;
	ok = evt_buf_printf(out, "],\"more\":%s}",
	    r == EVT_OK ? "true" : "false");
	evt_api_args_finish(x, r > 0 ? EVT_OK : r, ok, out, &err);
	return true;
}

static void
api_read_frames_free(evt_http_request_job *job)
{
	struct frames_job *j = (struct frames_job *)job;

	api_read_reading_end(&j->r);
	evt_envelope_free(j->envelope);
	evt_play_options_free(&j->play);
	free(j);
}

static int
api_read_frames_play(evt_site *site, const evt_http_request *x,
    evt_play_options *play, evt_error *err)
{
	static const char *const names[] = { "source", "event" };
	evt_channel *ch;
	int r = evt_api_args_time(site, x, "from", &play->from_ns, err);

	play->tapes = site->tapes;
	play->has_from = true;
	if (r == EVT_END) {
		r = evt_channels_shared(site->channels, &ch, err);
		if (r == EVT_OK)
			play->from_ns = evt_clock_add(
			    evt_playback_time(evt_channel_playback(ch),
			        evt_clock_mono()),
			    site->comparison.offset_ns);
	}
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_http_request_arg(x, names[i]);

		if (text != NULL && *text != '\0')
			r = evt_play_options_set(play, names[i], text, NULL,
			    err);
	}
	if (r == EVT_OK) {
		r = evt_api_args_time(site, x, "to", &play->to_ns, err);
		play->has_to = r == EVT_OK;
	}
	if (r == EVT_OK && play->from_ns > play->to_ns)
		return evt_err_set(err, EVT_ERR_ARG,
		    "from must not be after to");
	return r == EVT_END ? EVT_OK : r;
}

static int
api_read_frames_open(struct frames_job *j, evt_site *site,
    const evt_http_request *x, evt_error *err)
{
	const evt_tape_set *tapes = site->tapes;
	evt_filter filter;
	int r = evt_api_args_int(x, "limit", FRAMES_MAX, 100, &j->limit, err);

	if (r == EVT_OK)
		r = api_read_frames_play(site, x, &j->play, err);
	if (r == EVT_OK)
		r = evt_envelope_new(tapes->n > 1, &j->envelope, err);
	if (r == EVT_OK && !evt_buf_add_str(&j->r.out, "{\"frames\":["))
		r = evt_err_nomem(err);
	if (r != EVT_OK)
		return r;
	evt_play_options_filter(&j->play, &filter);
	filter.read_ahead = false;
	return evt_cursor_open(tapes->tape, tapes->n, &filter, &j->r.cursor,
	    err);
}

void
evt_api_frames(evt_site *site, evt_http_request *x)
{
	struct frames_job *j = calloc(1, sizeof(*j));
	evt_error err;

	if (j == NULL) {
		evt_http_request_answer_error(x, 500, "out of memory");
		return;
	}
	j->r.job = (evt_http_request_job){ .work = api_read_frames_work,
		.free = api_read_frames_free };
	evt_play_options_init(&j->play);
	j->play.kinds = 0; /* all kinds */
	if (api_read_frames_open(j, site, x, &err) == EVT_OK) {
		evt_http_request_set_job(x, &j->r.job);
		return;
	}
	api_read_frames_free(&j->r.job);
	evt_http_request_answer_failed(x, &err);
}
