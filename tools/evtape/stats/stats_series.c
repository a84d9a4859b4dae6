/* stats_series.c - evtape stats --series: numbers of frames over time. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "format/read/tape_trackers.h"
#include "format/series/series.h"
#include "tools/evtape/lib/rows.h"
#include "tools/evtape/stats/stats.h"
#include "tools/not_found.h"
#include "tools/shown_time.h"

/* Most steps of all lines together: 64 MiB. */
#define CELLS_MAX (2u << 20)

struct work {
	evt_series *series;
	const evt_filter *filter;
	uint64_t frames;
};

static int
stats_series_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;

	w->frames += not_found_counts(w->filter, f);
	return evt_series_frame(w->series, f, err);
}

/* ---- output -------------------------------------------------------------- */

static bool
stats_series_json(const evt_series *s, evt_buf *out)
{
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_series_write_steps(s, &w);
	evt_json_write_array(&w, "series");
	for (size_t i = 0; i < evt_series_n_lines(s); i++)
		evt_series_write_line(s, i, &w);
	evt_json_write_close(&w);
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(out, '\n');
}

/* Numbers as JSON has them, which any program reads. */
static bool
stats_series_csv_number(evt_buf *out, double value)
{
	evt_json_write w;

	if (!evt_buf_add_byte(out, ','))
		return false;
	evt_json_write_begin(&w, out);
	evt_json_write_double(&w, NULL, value);
	return evt_json_write_end(&w);
}

static bool
stats_series_csv_line(const evt_series *s, const evt_series_line *l,
    evt_buf *out)
{
	int64_t from_ns, bucket_ns;
	size_t n = evt_series_steps(s, &from_ns, &bucket_ns);
	char time[EVT_TIMETEXT_MAX];
	bool ok = true;

	for (size_t i = 0; i < n && ok; i++) {
		const evt_series_bucket *b =
		    l->bucket != NULL ? &l->bucket[i] : NULL;

		evt_timetext_format(from_ns + (int64_t)i * bucket_ns, 9, time);
		ok = evt_buf_printf(out, "%s,", time) &&
		    (l->source.text == NULL ||
		        rows_add_field(out, l->source.text, l->source.len,
		            false)) &&
		    evt_buf_add_byte(out, ',') &&
		    (l->label == NULL ||
		        rows_add_field(out, l->label, strlen(l->label),
		            false)) &&
		    evt_buf_add_byte(out, ',') &&
		    rows_add_field(out, l->field, strlen(l->field), false);
		if (ok && (b == NULL || b->count == 0))
			ok = evt_buf_add_str(out, ",0,,,\r\n");
		else if (ok)
			ok = evt_buf_printf(out, ",%" PRIu64, b->count) &&
			    stats_series_csv_number(out, b->min) &&
			    stats_series_csv_number(out, b->max) &&
			    stats_series_csv_number(out, b->last) &&
			    evt_buf_add_str(out, "\r\n");
	}
	return ok;
}

static bool
stats_series_csv(const evt_series *s, evt_buf *out)
{
	evt_series_line l;
	bool ok = evt_buf_add_str(out,
	    "time,source,label,field,values,min,max,last\r\n");

	for (size_t i = 0; i < evt_series_n_lines(s) && ok; i++)
		ok = !evt_series_get(s, i, &l) ||
		    stats_series_csv_line(s, &l, out);
	return ok;
}

/* A step; or, if there is nothing in it, that step and those after it up to the
 * next one with a value.  *i moves to the last of them. */
static bool
stats_series_text_step(const evt_series_line *l, int64_t from_ns,
    int64_t bucket_ns, size_t n, size_t *i, evt_buf *out)
{
	const evt_series_bucket *b = &l->bucket[*i];
	char time[EVT_TIMETEXT_MAX], length[EVT_TIMETEXT_MAX];
	size_t empty = 0;

	shown_time(from_ns + (int64_t)*i * bucket_ns, 3, time);
	if (b->count > 0)
		return evt_buf_printf(out,
		    "  %s  %9" PRIu64 " %14.10g %14.10g %14.10g\n", time,
		    b->count, b->min, b->max, b->last);
	while (*i + empty < n && l->bucket[*i + empty].count == 0)
		empty++;
	*i += empty - 1;
	return evt_buf_printf(out, "  %s  no value for %s\n", time,
	    evt_timetext_duration_format((int64_t)empty * bucket_ns, length));
}

static bool
stats_series_text_line(const evt_series *s, const evt_series_line *l,
    evt_buf *out)
{
	int64_t from_ns, bucket_ns;
	size_t n = evt_series_steps(s, &from_ns, &bucket_ns);
	const char *source = l->source.text != NULL ? l->source.text : "-";
	char step[EVT_TIMETEXT_MAX];
	bool ok = evt_shown_add(out, l->field, strlen(l->field), 0) &&
	    evt_buf_add_str(out, " of ") &&
	    evt_shown_add(out, source,
	        l->source.text != NULL ? l->source.len : 1, 0);

	if (ok && l->label != NULL)
		ok = evt_buf_add_str(out, " (") &&
		    evt_shown_add(out, l->label, strlen(l->label), 0) &&
		    evt_buf_add_byte(out, ')');
	ok = ok &&
	    evt_buf_printf(out, ": %" PRIu64 " value%s, in %zu step%s of %s",
	        l->count, l->count == 1 ? "" : "s", n, n == 1 ? "" : "s",
	        evt_timetext_duration_format(bucket_ns, step));
	if (ok && l->others > 0)
		ok = evt_buf_printf(out, "; %" PRIu64 " not a number",
		    l->others);
	ok = ok && evt_buf_add_byte(out, '\n');
	if (!ok || l->bucket == NULL)
		return ok;
	ok = evt_buf_printf(out, "  %-24s  %9s %14s %14s %14s\n", "from",
	    "values", "min", "max", "last");
	for (size_t i = 0; i < n && ok; i++)
		ok = stats_series_text_step(l, from_ns, bucket_ns, n, &i, out);
	return ok;
}

static bool
stats_series_text(const evt_series *s, evt_buf *out)
{
	evt_series_line l;
	bool ok = true, first = true;

	for (size_t i = 0; i < evt_series_n_lines(s) && ok; i++) {
		if (!evt_series_get(s, i, &l))
			continue;
		ok = (first || evt_buf_add_byte(out, '\n')) &&
		    stats_series_text_line(s, &l, out);
		first = false;
	}
	return ok;
}

static int
stats_series_print(const evt_series *s, const stats_options *o, evt_error *err)
{
	output_file *out;
	evt_buf *buf;
	bool ok;
	int r = o->json || o->csv ? output_file_open(NULL, false, &out, err) :
	                            output_file_open_text(&out, err);

	if (r != EVT_OK)
		return r;
	buf = output_file_buf(out);
	if (o->json)
		ok = stats_series_json(s, buf);
	else
		ok = o->csv ? stats_series_csv(s, buf) :
		              stats_series_text(s, buf);
	r = ok ? output_file_finish(out, err) : evt_err_nomem(err);
	output_file_close(out);
	return r;
}

/* ---- the run ------------------------------------------------------------- */

/* The window: that of the filter, and what it leaves open from the tapes.  EVT_END:
 * there is none. */
static int
stats_series_window(tool_context *c, int64_t *ret_from_ns, int64_t *ret_to_ns,
    evt_error *err)
{
	const evt_filter *f = &c->filter;
	evt_timetext_ref ref;
	int r = cli_tapes_ref(&c->tapes, &ref, err);

	if (r != EVT_OK)
		return r;
	*ret_from_ns = f->has_from ? f->from_ns : ref.first_ns;
	*ret_to_ns = f->has_to ? f->to_ns : evt_clock_add(ref.last_ns, 1);
	return (ref.has_span || (f->has_from && f->has_to)) &&
	        *ret_from_ns < *ret_to_ns ?
	    EVT_OK :
	    EVT_END;
}

/* Report that there is no value, or no frame. */
static void
stats_series_report(tool_context *c, const struct work *w)
{
	const stats_options *o = c->options;
	evt_series_line l;
	uint64_t values = 0, others = 0;

	for (size_t i = 0; i < evt_series_n_lines(w->series); i++) {
		if (!evt_series_get(w->series, i, &l))
			continue;
		values += l.count;
		others += l.others;
	}
	if (values > 0)
		return;
	if (w->frames == 0)
		not_found_report(c->cli, c->tapes.tape, c->tapes.n, &c->filter);
	else if (others > 0)
		cli_note_always(c->cli,
		    "no number in %s: %" PRIu64 " other value%s in %" PRIu64
		    " frame%s",
		    o->series.item[0], others, others == 1 ? "" : "s",
		    w->frames, w->frames == 1 ? "" : "s");
	else
		cli_note_always(c->cli,
		    "no %s in %" PRIu64 " frame%s of the window; evtape cat "
		    "shows frames with their fields",
		    o->series.item[0], w->frames, w->frames == 1 ? "" : "s");
}

int
stats_series_run(tool_context *c, evt_error *err)
{
	const stats_options *o = c->options;
	evt_filter filter = c->filter; /* and what a series needs */
	struct work w = { .filter = &filter };
	evt_series_options options = { .fields =
		                           (const char *const *)o->series.item,
		.n_fields = o->series.n,
		.filter = &c->filter,
		.n_tapes = c->tapes.n,
		.points = (unsigned)o->points,
		.cells_max = CELLS_MAX };
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &filter,
		.may_be_empty = true,
		.frame = stats_series_frame,
		.ctx = &w };
	evt_trackers *trackers = NULL;
	int code = CLI_DONE;
	int r = stats_series_window(c, &options.from_ns, &options.to_ns, err);

	if (r == EVT_END) {
		not_found_report(c->cli, c->tapes.tape, c->tapes.n, &c->filter);
		return CLI_DONE;
	}
	if (r == EVT_OK)
		r = evt_tape_trackers_load(c->tapes.tape[0], INT64_MAX,
		    &trackers, err);
	if (r == EVT_ERR_NOTFOUND)
		r = EVT_OK;
	options.trackers = trackers;
	if (r == EVT_OK)
		r = evt_series_new(&options, &w.series, err);
	if (r == EVT_OK) {
		evt_series_filter(w.series, &filter);
		code = frame_loop_run(&loop);
		if (tool_is_done(code)) {
			r = stats_series_print(w.series, o, err);
			stats_series_report(c, &w);
		}
	}
	evt_series_free(w.series);
	evt_trackers_free(trackers);
	return r < 0 ? r : code;
}
