/* api_series.c - /api/series: numbers of frames over time.  Reading may take a
 * whole tape, so it is a job, which runs in slices between the frames that decks
 * play; so is writing, a line at a time. */
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/nearest.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/api_json.h"

#define POINTS 600
/* Most points of all lines together. */
#define CELLS_MAX 60000u

struct series_job {
	evt_http_request_job job;
	evt_site *site;
	evt_play_options play; /* the filter points into it */
	evt_filter filter;
	evt_series_cache_entry read;
	evt_cursor *cursor; /* NULL: all is read */
	uint64_t frames;
	bool cached;
	evt_buf out;
	evt_json_write json;
	size_t line; /* the next one to write */
};

/* ---- sources that are not there ------------------------------------------ */

/* EVT_ERR_NOTFOUND with the nearest ids if no tape has this source. */
static int
api_series_check_source(const evt_site *site, const char *id, evt_error *err)
{
	evt_nearest near = { .n = 0 };
	evt_buf names = { 0 };
	evt_info *info[2] = { NULL, NULL };
	int r = EVT_OK;

	/* The names of the first tape are enough to guess from. */
	for (size_t i = 0; i < site->tapes->n && r == EVT_OK; i++) {
		evt_info **at = &info[i > 0];

		evt_info_free(info[1]);
		info[1] = NULL;
		r = evt_tape_info_of(site->tapes->tape[i], EVT_INFO_SOURCES, at,
		    err);
		for (size_t k = 0; r == EVT_OK && k < (*at)->n_sources; k++) {
			const char *name = (*at)->sources[k].name;

			if (strcmp(name, id) == 0)
				goto done;
			if (i == 0)
				evt_nearest_add(&near, id, name);
		}
	}
	if (r == EVT_OK && !evt_nearest_write(&near, &names))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_err_set(err, EVT_ERR_NOTFOUND,
		    names.len > 0 ? "no source %.80s; nearest: %.*s" :
		                    "no source %.80s%.*s",
		    id, (int)names.len,
		    names.len > 0 ? (const char *)names.data : "");
done:
	evt_info_free(info[0]);
	evt_info_free(info[1]);
	evt_buf_free(&names);
	return r;
}

/* ---- the job ------------------------------------------------------------- */

/* All frames were read. */
static int
api_series_end_reading(struct series_job *j, evt_error *err)
{
	const evt_filter *f = &j->filter;
	int r = EVT_OK;

	evt_series_end(j->read.series);
	evt_cursor_close(j->cursor);
	j->cursor = NULL;
	for (size_t i = 0; j->frames == 0 && i < f->n_sources && r == EVT_OK;
	     i++)
		r = api_series_check_source(j->site, f->sources[i], err);
	return r;
}

static int
api_series_read(struct series_job *j, evt_error *err)
{
	evt_frame f;
	int r;

	do {
		r = evt_cursor_next(j->cursor, &f, err);
	} while (r == EVT_ERR_CORRUPT);
	if (r == EVT_AGAIN || r == EVT_END)
		return api_series_end_reading(j, err);
	if (r != EVT_OK)
		return r;
	j->frames += f.kind == EVT_KIND_RECEIVED;
	return evt_series_frame(j->read.series, &f, err);
}

/* EVT_END: all is written. */
static int
api_series_write(struct series_job *j)
{
	evt_json_write *w = &j->json;

	if (j->line == 0) {
		evt_json_write_object(w, NULL);
		evt_series_write_steps(j->read.series, w);
		evt_json_write_bool(w, "cached", j->cached);
		evt_json_write_array(w, "series");
	}
	if (j->line < evt_series_n_lines(j->read.series))
		evt_series_write_line(j->read.series, j->line++, w);
	if (j->line < evt_series_n_lines(j->read.series))
		return EVT_OK;
	evt_json_write_close(w);
	evt_json_write_close(w);
	return EVT_END;
}

static bool
api_series_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
{
	struct series_job *j = (struct series_job *)job;
	evt_error err;
	int r;

	do {
		r = j->cursor != NULL ? api_series_read(j, &err) :
		                        api_series_write(j);
	} while (r == EVT_OK && evt_clock_mono() < until_ns);
	if (r == EVT_OK)
		return false;
	evt_api_args_finish(x, r > 0 ? EVT_OK : r,
	    r > 0 && evt_json_write_end(&j->json), &j->out, &err);
	if (r > 0 && evt_series_is_kept(j->read.series))
		evt_series_cache_put(j->site->series, &j->read);
	return true;
}

static void
api_series_free(evt_http_request_job *job)
{
	struct series_job *j = (struct series_job *)job;

	evt_cursor_close(j->cursor);
	evt_series_cache_entry_free(&j->read);
	evt_play_options_free(&j->play);
	evt_buf_free(&j->out);
	free(j);
}

/* ---- what is asked ------------------------------------------------------- */

/* The tapes' contents as a number, which changes when frames are added or
 * removed. */
static int
api_series_stamp(const evt_site *site, uint64_t *ret, evt_error *err)
{
	*ret = 0;
	for (size_t i = 0; i < site->tapes->n; i++) {
		uint64_t is[3];
		evt_info *info;
		int r = evt_tape_info_of(site->tapes->tape[i], 0, &info, err);

		if (r != EVT_OK)
			return r;
		is[0] = *ret ^ XXH3_64bits(info->id, strlen(info->id));
		is[1] = info->first_seq;
		is[2] = info->last_seq;
		*ret = XXH3_64bits(is, sizeof(is));
		evt_info_free(info);
	}
	return EVT_OK;
}

/* Append a list to the key so that two keys are equal only if their lists are. */
static bool
api_series_add_key(evt_buf *key, const char *const *item, size_t n)
{
	bool ok = evt_buf_printf(key, "%zu:", n);

	for (size_t i = 0; i < n && ok; i++)
		ok = evt_buf_add(key, item[i], strlen(item[i]) + 1);
	return ok;
}

static int
api_series_key(struct series_job *j, const evt_series_options *o,
    evt_error *err)
{
	const evt_filter *f = &j->filter;
	evt_buf *key = &j->read.key;

	return api_series_add_key(key, o->fields, o->n_fields) &&
	        api_series_add_key(key, f->sources, f->n_sources) &&
	        api_series_add_key(key, f->events, f->n_events) &&
	        (f->n_sources == 0 ||
	            evt_buf_add(key, f->source_types, f->n_sources)) ?
	    EVT_OK :
	    evt_err_nomem(err);
}

/* The paths of the query. */
static int
api_series_fields(const evt_http_request *x, const char **ret_field,
    size_t *ret_n, evt_error *err)
{
	static const char name[] = "path=";
	const evt_strings *args = evt_http_request_args(x);

	*ret_n = 0;
	for (size_t i = 0; i < args->n; i++) {
		if (strncmp(args->item[i], name, sizeof(name) - 1) != 0)
			continue;
		if (*ret_n == EVT_SERIES_FIELDS_MAX)
			return evt_err_set(err, EVT_ERR_ARG,
			    "path: at most %u fields", EVT_SERIES_FIELDS_MAX);
		ret_field[(*ret_n)++] = args->item[i] + sizeof(name) - 1;
	}
	return *ret_n > 0 ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_ARG, "give a field: path=gps.speed");
}

/* Which frames are read. */
static int
api_series_filter(struct series_job *j, const evt_http_request *x,
    evt_error *err)
{
	static const char *const names[] = { "source", "event" };
	int r = EVT_OK;

	j->play.tapes = j->site->tapes;
	for (size_t i = 0; i < 2 && r == EVT_OK; i++) {
		const char *text = evt_http_request_arg(x, names[i]);

		if (text != NULL && *text != '\0')
			r = evt_play_options_set(&j->play, names[i], text, NULL,
			    err);
	}
	evt_play_options_filter(&j->play, &j->filter);
	return r;
}

/* Begin to read, unless the values are in the cache. */
static int
api_series_begin(struct series_job *j, evt_series_options *o, evt_error *err)
{
	evt_series_cache_entry *read = &j->read;
	evt_series_cache_entry had;
	int r;

	if (evt_series_cache_take(j->site->series, &read->key, read->stamp,
	        o->from_ns, o->to_ns, &had)) {
		evt_series_cache_entry_free(read);
		*read = had;
		j->cached = true;
		return evt_series_rebucket(read->series, o->from_ns, o->to_ns,
		    o->points, err);
	}
	read->from_ns = o->from_ns;
	read->to_ns = o->to_ns;
	r = evt_series_new(o, &read->series, err);
	if (r != EVT_OK)
		return r;
	evt_series_filter(read->series, &j->filter);
	j->filter.read_ahead = true;
	j->filter.snapshot = true;
	return evt_cursor_open(j->site->tapes->tape, j->site->tapes->n,
	    &j->filter, &j->cursor, err);
}

static int
api_series_open(struct series_job *j, const evt_http_request *x, evt_error *err)
{
	const char *field[EVT_SERIES_FIELDS_MAX];
	evt_series_options o = { .fields = field,
		.filter = &j->filter,
		.trackers = j->site->trackers,
		.n_tapes = j->site->tapes->n,
		.cells_max = CELLS_MAX,
		.kept_max = EVT_SERIES_CACHE_KEPT };
	int64_t points = 0;
	int r = api_series_fields(x, field, &o.n_fields, err);

	if (r == EVT_OK)
		r = evt_api_args_int(x, "points", EVT_SERIES_POINTS_MAX, POINTS,
		    &points, err);
	if (r == EVT_OK)
		r = evt_api_args_window(j->site, x, &o.from_ns, &o.to_ns, err);
	if (r == EVT_OK)
		r = api_series_filter(j, x, err);
	if (r == EVT_OK)
		r = api_series_stamp(j->site, &j->read.stamp, err);
	if (r == EVT_OK)
		r = api_series_key(j, &o, err);
	o.points = (unsigned)points;
	return r == EVT_OK ? api_series_begin(j, &o, err) : r;
}

void
evt_api_series(evt_site *site, evt_http_request *x)
{
	struct series_job *j = calloc(1, sizeof(*j));
	evt_error err;

	if (j == NULL) {
		evt_http_request_answer_error(x, 500, "out of memory");
		return;
	}
	j->job = (evt_http_request_job){ .work = api_series_work,
		.free = api_series_free };
	j->site = site;
	evt_play_options_init(&j->play);
	evt_json_write_begin(&j->json, &j->out);
	if (api_series_open(j, x, &err) == EVT_OK) {
		evt_http_request_set_job(x, &j->job);
		return;
	}
	api_series_free(&j->job);
	evt_http_request_answer_failed(x, &err);
}
