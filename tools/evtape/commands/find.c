/* find.c - evtape find: the items of a tape that an expression describes. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/shown.h"
#include "format/base/timetext.h"
#include "format/find/find.h"
#include "format/read/tape_trackers.h"
#include "tools/evtape/command.h"
#include "tools/evtape/find/find_marks.h"
#include "tools/evtape/find/find_print.h"
#include "tools/evtape/lib/feed_zones.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/lib/output_file.h"
#include "tools/not_found.h"
#include "tools/print.h"
#include "tools/shown_time.h"

struct options {
	cli_filter filter;
	bool json, csv, mark;
	const char *text; /* of the bookmarks; NULL: the expression */
	const char *feed_zone;
};

static int
find_set_mark(void *options, const char *arg, evt_error *err)
{
	struct options *o = options;

	(void)err;
	o->mark = true;
	o->text = arg;
	return EVT_OK;
}

static const cli_option table[] = {
	CLI_FILTER_OPTIONS(struct options, filter),
	FEED_ZONES_OPTION(struct options, feed_zone),
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print a JSON object a line",
	    .excludes = "csv" },
	{ .type = CLI_FLAG,
	    .name = "csv",
	    .offset = offsetof(struct options, csv),
	    .help = "print CSV, with a header line" },
	{ .type = CLI_CALL,
	    .name = "mark",
	    .arg = "[TEXT]",
	    .help =
	        "set a bookmark at the hits: TEXT (the expression) and the\n"
	        "source; one for hits less than 10 s apart, 100 at most",
	    .set = find_set_mark },
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
	    "  $ evtape find --mark=jump field.tape 'jump > 5 km'\n"
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
	evt_zone *zone;      /* given for local times; NULL: none was */
	evt_find_expr *expr; /* NULL: it is wrong, as the two below say */
	evt_error wrong;
	size_t wrong_at;
	evt_find *find;
	evt_find_seeding seeding;
	evt_trackers *trackers;
	output_file *out;
	uint64_t hits, frames;
	int64_t flushed_ns;
	find_print print;
	find_marks marks;
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
	r = feed_zones_check(w->o->feed_zone, err);
	if (r != EVT_OK)
		return r;
	r = evt_find_expr_parse(c->args[1], &w->expr, &w->wrong_at, err);
	if (r != EVT_ERR_ARG)
		return r;
	/* find_run() reports it, with its place. */
	w->wrong = *err;
	c->open = TOOL_TAPES_NONE;
	return EVT_OK;
}

/* ---- hits ---------------------------------------------------------------- */

static int
find_hit(void *ctx, const evt_find_hit *hit, evt_error *err)
{
	struct work *w = ctx;
	int64_t now = evt_clock_mono();

	if (!find_print_hit(&w->print, hit, output_file_buf(w->out)))
		return evt_err_nomem(err);
	w->hits++;
	if (w->o->mark && find_marks_take(&w->marks, hit, err) != EVT_OK)
		return EVT_ERR_NOMEM;
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
		.ctx = w,
		.tapes = c->tapes.tape,
		.n_tapes = c->tapes.n };
	int r = evt_tape_trackers_load(c->tapes.tape[0], INT64_MAX,
	    &w->trackers, err);

	if (r != EVT_OK && r != EVT_ERR_NOTFOUND)
		return r;
	if (w->o->feed_zone != NULL) {
		r = evt_zone_open(w->o->feed_zone, &w->zone, err);
		if (r != EVT_OK)
			return r;
	}
	options.zone = w->zone;
	options.trackers = w->trackers;
	w->filter = &c->filter;
	evt_find_filter(w->expr, &c->filter);
	r = w->o->json || w->o->csv ?
	    output_file_open(NULL, false, &w->out, err) :
	    output_file_open_text(&w->out, err);
	w->print.labels = w->trackers != NULL;
	w->print.form = w->o->json ? FIND_PRINT_JSON :
	    w->o->csv              ? FIND_PRINT_CSV :
	                             FIND_PRINT_TEXT;
	if (r == EVT_OK && !find_print_head(&w->print, output_file_buf(w->out)))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_find_new(w->expr, &options, &w->find, err);
	while (r == EVT_OK)
		r = evt_find_seed(w->find, c->tapes.tape[0], &c->filter,
		    &w->seeding, err);
	return r == EVT_END ? EVT_OK : r;
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

	shown_time(from_ns, 3, from);
	shown_time(to_ns, 3, to);
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

/* Set the bookmarks, and report how many; returns an exit code. */
static int
find_mark(tool_context *c, int code, evt_error *err)
{
	struct work *w = c->work;
	find_marks *m = &w->marks;
	size_t n;
	int r = find_marks_set(m, c->args[0],
	    w->o->text != NULL ? w->o->text : c->args[1], &n, err);

	if (r == EVT_END)
		code = stop_requested();
	if (r >= 0 && m->n > 0)
		cli_note(c->cli, "%s %zu bookmark%s %s %s",
		    m->queued > 0 ? "queued" : "set", n, n == 1 ? "" : "s",
		    m->queued > 0 ? "for the recorder of" : "on", c->args[0]);
	if (r == EVT_OK && m->left_out > 0)
		cli_warn(c->cli,
		    "%" PRIu64 " more hit%s no bookmark: a search sets %u at "
		    "most",
		    m->left_out, m->left_out == 1 ? " has" : "s have",
		    FIND_MARKS_MAX);
	return r < 0 ? r : code;
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
	if (r == EVT_OK && tool_is_done(code) && w->o->mark)
		return find_mark(c, code, err);
	return r < 0 ? r : code;
}

static void
find_free(tool_context *c)
{
	struct work *w = c->work;

	output_file_close(w->out);
	evt_find_seeding_free(&w->seeding);
	evt_find_free(w->find);
	evt_zone_free(w->zone);
	evt_find_expr_free(w->expr);
	evt_trackers_free(w->trackers);
	evt_buf_free(&w->print.cell);
	find_marks_free(&w->marks);
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
