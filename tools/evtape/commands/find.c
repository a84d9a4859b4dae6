/* find.c - evtape find: the items of a tape that an expression describes. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/json_view.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "format/find/find.h"
#include "format/read/tape_trackers.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/evtape/lib/rows.h"
#include "tools/not_found.h"
#include "tools/print.h"

struct options {
	cli_filter filter;
	bool json, csv;
};

static const cli_option table[] = {
	CLI_FILTER_OPTIONS(struct options, filter),
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print a JSON object a line",
	    .excludes = "csv" },
	{ .type = CLI_FLAG,
	    .name = "csv",
	    .offset = offsetof(struct options, csv),
	    .help = "print CSV, with a header line" },
	{ .type = CLI_END },
};

static const cli_command find_cli = {
	.name = "evtape find",
	.usage = "[options] TAPE EXPRESSION",
	.summary = "find values, jumps and silences on a tape",
	.details =
	    "Prints for each hit: time, source, label, what was found, and "
	    "what it was\n"
	    "before. docs/find.md describes expressions in full.\n\n"
	    "Values:    gps.speed > 100     in a state, and in each state of "
	    "a batch\n"
	    "           /data/gps/speed > 100   JSON pointer, from the "
	    "frame's top\n"
	    "           = != < <= > >= ~ (contains), exists FIELD\n"
	    "           source, label, event, kind: those of the frame\n"
	    "Over time: jump > 500 m            implied_speed > 200 km/h\n"
	    "           silent > 10 m           stuck 30 m, while moving\n"
	    "           late > 60 s             changed FIELD\n"
	    "           out_of_order, duplicate, gap\n"
	    "Joined by: and, or, not, brackets. A text is in quotes.\n"
	    "Units:     m, km; km/h, m/s; s, m or min, h, d.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  $ evtape find field.tape 'gps.speed > 100'\n"
	    "  $ evtape find --from 14:00 --to 15:00 field.tape 'jump > 500 m "
	    "or silent > 10 m'\n"
	    "  $ evtape find --json field.tape 'changed movement_status and "
	    "label ~ \"van\"'\n",
	.min_args = 2,
	.max_args = 2,
};

/* How long hits may wait in the buffer. */
#define FLUSH_NS (EVT_NS_PER_S / 4)

struct work {
	const struct options *o;
	const evt_filter *filter;
	evt_find_expr *expr; /* NULL: it is wrong, as the two below say */
	evt_error wrong;
	size_t wrong_at;
	evt_find *find;
	evt_trackers *trackers;
	output_file *out;
	uint64_t hits, frames;
	int64_t flushed_ns;
	evt_buf cell;
};

/* ---- the expression ------------------------------------------------------ */

/* Print the expression, and a caret below the place. */
static void
find_show_place(const char *text, size_t offset)
{
	evt_buf before = { 0 }, line = { 0 };
	size_t width = 0;

	if (evt_shown_add(&before, text, offset, 0) &&
	    evt_shown_add(&line, text, strlen(text), 0) &&
	    evt_buf_add_byte(&line, '\0')) {
		for (size_t i = 0; i < before.len; i++)
			width += (before.data[i] & 0xc0) != 0x80;
		print_line(stderr, "  %s", (const char *)line.data);
		print_line(stderr, "  %*s^", (int)width, "");
	}
	evt_buf_free(&before);
	evt_buf_free(&line);
}

static int
find_check(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	int r;

	w->o = c->options;
	r = evt_find_expr_parse(c->args[1], &w->expr, &w->wrong_at, err);
	if (r != EVT_ERR_ARG)
		return r;
	/* find_run() reports it, with its place. */
	w->wrong = *err;
	c->open = TOOL_TAPES_NONE;
	return EVT_OK;
}

/* ---- hits ---------------------------------------------------------------- */

/* Append a JSON value as text for people: a string without its quotes. */
static bool
find_add_text(evt_buf *out, const char *json, size_t n)
{
	evt_json_view v = evt_json_view_make((const uint8_t *)json, n);

	return json == NULL || evt_json_view_text(v, out);
}

/* The text of a value in w->cell: with its unit, a time as a duration. */
static bool
find_cell(struct work *w, const evt_find_reason *why)
{
	evt_json_view v =
	    evt_json_view_make((const uint8_t *)why->value, why->value_len);
	char text[EVT_TIMETEXT_MAX];
	double s;

	w->cell.len = 0;
	if (why->unit != NULL && strcmp(why->unit, "s") == 0 &&
	    evt_json_view_double(v, &s))
		return evt_buf_add_str(&w->cell,
		    evt_timetext_duration_format((int64_t)(s * EVT_NS_PER_S),
		        text));
	return find_add_text(&w->cell, why->value, why->value_len) &&
	    (why->unit == NULL || evt_buf_printf(&w->cell, " %s", why->unit));
}

/* Append " (was 80 at TIME)"; where the value before is that time, " (since
 * TIME)". */
static bool
find_add_before(struct work *w, const evt_find_reason *why, evt_buf *out)
{
	char time[EVT_TIMETEXT_MAX] = "";
	evt_buf *cell = &w->cell;
	bool ok, is_time;

	if (why->before == NULL)
		return true;
	if (why->has_before_ns)
		evt_timetext_format(why->before_ns, 3, time);
	cell->len = 0;
	ok = find_add_text(cell, why->before, why->before_len);
	is_time = ok && cell->len == strlen(time) &&
	    memcmp(cell->data, time, cell->len) == 0;
	if (ok && !is_time && why->has_before_ns)
		ok = evt_buf_printf(cell, " at %s", time);
	return ok && evt_buf_add_str(out, is_time ? " (since " : " (was ") &&
	    evt_shown_add(out, (const char *)cell->data, cell->len, 0) &&
	    evt_buf_add_byte(out, ')');
}

static bool
find_print_text(struct work *w, const evt_find_hit *h, evt_buf *out)
{
	char time[EVT_TIMETEXT_MAX];
	const char *source = h->source.text != NULL ? h->source.text : "-";
	bool ok = evt_buf_printf(out, "%s  ",
	              evt_timetext_format(h->time_ns, 3, time)) &&
	    evt_shown_add(out, source,
	        h->source.text != NULL ? h->source.len : 1, 10) &&
	    evt_buf_add_str(out, "  ");

	if (ok && w->trackers != NULL)
		ok = evt_shown_add(out, h->label != NULL ? h->label : "-",
		         h->label != NULL ? h->label_len : 1, 16) &&
		    evt_buf_add_str(out, "  ");
	for (unsigned i = 0; i < h->n_reasons && ok; i++) {
		const evt_find_reason *why = &h->reason[i];

		ok = (i == 0 || evt_buf_add_str(out, ", ")) &&
		    evt_shown_add(out, why->name, strlen(why->name), 0) &&
		    evt_buf_add_byte(out, ' ') && find_cell(w, why) &&
		    evt_shown_add(out, (const char *)w->cell.data, w->cell.len,
		        0) &&
		    find_add_before(w, why, out);
	}
	if (ok && h->n_reasons == 0 && h->event != NULL)
		ok = evt_shown_add(out, h->event, h->event_len, 0);
	if (ok && h->open)
		ok = evt_buf_add_str(out, ", until the end");
	return ok && evt_buf_add_byte(out, '\n');
}

static void
find_write_reason(const evt_find_reason *why, evt_json_write *w)
{
	evt_json_write_str(w, "name", why->name);
	if (why->value != NULL)
		evt_json_write_raw(w, "value", why->value, why->value_len);
	else
		evt_json_write_null(w, "value");
	if (why->unit != NULL)
		evt_json_write_str(w, "unit", why->unit);
	if (why->before != NULL)
		evt_json_write_raw(w, "before", why->before, why->before_len);
	else
		evt_json_write_null(w, "before");
	if (why->has_before_ns)
		evt_json_write_time(w, "before_time", why->before_ns, 9);
}

static bool
find_print_json(const evt_find_hit *h, evt_buf *out)
{
	static const evt_find_reason none = { .name = NULL };
	evt_json_write w;

	evt_json_write_begin(&w, out);
	evt_json_write_object(&w, NULL);
	evt_json_write_time(&w, "time", h->time_ns, 9);
	evt_json_write_int(&w, "time_ns", h->time_ns);
	evt_json_write_uint(&w, "seq", h->seq);
	if (h->source.text == NULL)
		evt_json_write_null(&w, "source");
	else if (h->source.is_int)
		evt_json_write_raw(&w, "source", h->source.text, h->source.len);
	else
		evt_json_write_text(&w, "source", h->source.text,
		    h->source.len);
	if (h->label != NULL)
		evt_json_write_text(&w, "label", h->label, h->label_len);
	else
		evt_json_write_null(&w, "label");
	if (h->event != NULL)
		evt_json_write_text(&w, "event", h->event, h->event_len);
	find_write_reason(h->n_reasons > 0 ? &h->reason[0] : &none, &w);
	if (h->open)
		evt_json_write_bool(&w, "open", true);
	if (h->n_reasons > 1) {
		evt_json_write_array(&w, "also");
		for (unsigned i = 1; i < h->n_reasons; i++) {
			evt_json_write_object(&w, NULL);
			find_write_reason(&h->reason[i], &w);
			evt_json_write_close(&w);
		}
		evt_json_write_close(&w);
	}
	evt_json_write_close(&w);
	return evt_json_write_end(&w) && evt_buf_add_byte(out, '\n');
}

/* A line of CSV: of the first reason. */
static bool
find_print_csv(struct work *w, const evt_find_hit *h, evt_buf *out)
{
	static const evt_find_reason none = { .name = "" };
	const evt_find_reason *why = h->n_reasons > 0 ? &h->reason[0] : &none;
	char time[EVT_TIMETEXT_MAX];
	bool ok;

	w->cell.len = 0;
	ok = evt_buf_printf(out, "%s,",
	         evt_timetext_format(h->time_ns, 9, time)) &&
	    (h->source.text == NULL ||
	        rows_add_field(out, h->source.text, h->source.len, false)) &&
	    evt_buf_add_byte(out, ',') &&
	    (h->label == NULL ||
	        rows_add_field(out, h->label, h->label_len, false)) &&
	    evt_buf_add_byte(out, ',') &&
	    (h->event == NULL ||
	        rows_add_field(out, h->event, h->event_len, false)) &&
	    evt_buf_printf(out, ",%" PRIu64 ",", h->seq) &&
	    rows_add_field(out, why->name, strlen(why->name), false) &&
	    evt_buf_add_byte(out, ',') &&
	    find_add_text(&w->cell, why->value, why->value_len) &&
	    rows_add_field(out, w->cell.data, w->cell.len, false) &&
	    evt_buf_printf(out, ",%s,", why->unit != NULL ? why->unit : "");
	w->cell.len = 0;
	ok = ok && find_add_text(&w->cell, why->before, why->before_len) &&
	    rows_add_field(out, w->cell.data, w->cell.len, false) &&
	    evt_buf_add_byte(out, ',');
	if (ok && why->has_before_ns)
		ok = evt_buf_add_str(out,
		    evt_timetext_format(why->before_ns, 9, time));
	return ok && evt_buf_add_str(out, "\r\n");
}

static int
find_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	struct work *w = ctx;
	evt_buf *out = output_file_buf(w->out);
	int64_t now = evt_clock_mono();
	bool ok;

	if (w->o->json)
		ok = find_print_json(hit, out);
	else if (w->o->csv)
		ok = find_print_csv(w, hit, out);
	else
		ok = find_print_text(w, hit, out);
	if (!ok)
		return evt_err_nomem(err);
	w->hits++;
	if (now - w->flushed_ns < FLUSH_NS)
		return output_file_flush_some(w->out, err);
	w->flushed_ns = now;
	return output_file_flush(w->out, err);
}

static int
find_frame(void *ctx, const evt_frame *f, evt_error *err)
{
	struct work *w = ctx;

	w->frames += not_found_counts(w->filter, f);
	return evt_find_frame(w->find, f, err);
}

/* ---- the search ---------------------------------------------------------- */

static int
find_prepare(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	evt_find_options options = { .filter = &c->filter,
		.hit = find_hit,
		.ctx = w };
	int r = evt_tape_trackers_load(c->tapes.tape[0], INT64_MAX,
	    &w->trackers, err);

	if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
		return r;
	options.trackers = w->trackers;
	w->filter = &c->filter;
	evt_find_filter(w->expr, &c->filter);
	r = w->o->json || w->o->csv ?
	    output_file_open(NULL, false, &w->out, err) :
	    output_file_open_text(&w->out, err);
	if (r == EVT_OK && w->o->csv &&
	    !evt_buf_add_str(output_file_buf(w->out),
	        "time,source,label,event,seq,name,value,unit,before,"
	        "before_time\r\n"))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_find_new(w->expr, &options, &w->find, err);
	if (r == EVT_OK)
		r = evt_find_seed(w->find, c->tapes.tape[0], &c->filter, err);
	return r;
}

/* The window as it was searched. */
static void
find_window(tool_context *c, int64_t *ret_from_ns, int64_t *ret_to_ns)
{
	const evt_filter *f = &c->filter;

	*ret_from_ns = *ret_to_ns = 0;
	if (evt_tape_span(c->tapes.tape[0], ret_from_ns, ret_to_ns, NULL) !=
	    EVT_OK)
		return;
	if (f->has_from && f->from_ns > *ret_from_ns)
		*ret_from_ns = f->from_ns;
	if (f->has_to && f->to_ns < *ret_to_ns)
		*ret_to_ns = f->to_ns;
}

/* Report how many hits there are, and in what. */
static void
find_report(tool_context *c, bool stopped, int64_t from_ns, int64_t to_ns)
{
	struct work *w = c->work;
	char from[EVT_TIMETEXT_MAX], to[EVT_TIMETEXT_MAX], hits[40] = "nothing";

	evt_timetext_format(from_ns, 3, from);
	evt_timetext_format(to_ns, 3, to);
	if (w->hits > 0)
		snprintf(hits, sizeof(hits), "%" PRIu64 " hit%s", w->hits,
		    w->hits == 1 ? "" : "s");
	if (stopped)
		cli_note(c->cli, "stopped; %s found so far", hits);
	else if (w->hits > 0)
		cli_note(c->cli,
		    "%s in %" PRIu64 " frame%s received from %s to %s", hits,
		    w->frames, w->frames == 1 ? "" : "s", from, to);
	else if (w->frames > 0)
		cli_note_always(c->cli,
		    "nothing found in %" PRIu64 " frame%s received from %s to "
		    "%s",
		    w->frames, w->frames == 1 ? "" : "s", from, to);
}

static int
find_run(tool_context *c, evt_error *err)
{
	struct work *w = c->work;
	frame_loop loop = { .cmd = c->cli,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n,
		.filter = &c->filter,
		.prints = true,
		.frame = find_frame,
		.ctx = w };
	int64_t from_ns, to_ns;
	int code, r;

	if (w->expr == NULL) {
		code = cli_usage(c->cli, "%s", w->wrong.text);
		find_show_place(c->args[1], w->wrong_at);
		return code;
	}
	r = find_prepare(c, err);
	if (r != EVT_OK)
		return r;
	stop_catch_signals();
	code = frame_loop_run(&loop);
	find_window(c, &from_ns, &to_ns);
	if (tool_is_done(code))
		r = evt_find_end(w->find, to_ns, err);
	if (r == EVT_OK)
		r = output_file_flush(w->out, err);
	if (r == EVT_OK && code != CLI_FAILED)
		find_report(c, !tool_is_done(code), from_ns, to_ns);
	return r < 0 ? r : code;
}

static void
find_free(tool_context *c)
{
	struct work *w = c->work;

	output_file_close(w->out);
	evt_find_free(w->find);
	evt_find_expr_free(w->expr);
	evt_trackers_free(w->trackers);
	evt_buf_free(&w->cell);
}

const tool_command command_find = {
	.cli = &find_cli,
	.options_size = sizeof(struct options),
	.tapes = TOOL_TAPES_FIRST,
	.has_filter = true,
	.filter_offset = offsetof(struct options, filter),
	.work_size = sizeof(struct work),
	.check = find_check,
	.run = find_run,
	.free = find_free,
};
