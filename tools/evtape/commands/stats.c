/* stats.c - evtape stats: count frames over time, by event and source, and how
 * late they were. */
#include "tools/evtape/stats/stats.h"

#include <stddef.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/find/find_expr.h"
#include "format/series/series.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/feed_zones.h"

static const cli_option table[] = {
	CLI_FILTER_OPTIONS(stats_options, filter),
	{ .type = CLI_DURATION,
	    .name = "bucket",
	    .arg = "TIME",
	    .offset = offsetof(stats_options, bucket_ns),
	    .help =
	        "count frames and bytes in steps of TIME (1/120 of the span)" },
	{ .type = CLI_DURATION,
	    .name = "silence",
	    .arg = "TIME",
	    .offset = offsetof(stats_options, silence_ns),
	    .help = "count intervals longer than TIME as silences (5m)" },
	{ .type = CLI_INT,
	    .name = "top",
	    .arg = "N",
	    .offset = offsetof(stats_options, top),
	    .min = 0,
	    .max = 10000,
	    .help = "sources to show, most frames first (20)" },
	FEED_ZONES_OPTION(stats_options, feed_zone),
	{ .type = CLI_STRING,
	    .name = "plot",
	    .arg = "FILE",
	    .offset = offsetof(stats_options, plot),
	    .help = "also draw a picture: SVG" },
	{ .type = CLI_FLAG,
	    .name = "force",
	    .offset = offsetof(stats_options, force),
	    .help = "replace the picture if it exists",
	    .needs = "plot" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(stats_options, json),
	    .help = "print everything as one JSON object" },
	{ .type = CLI_REPEAT,
	    .name = "series",
	    .arg = "FIELD",
	    .offset = offsetof(stats_options, series),
	    .help = "instead, show the numbers in FIELD over time, for each\n"
	            "source; repeatable; written as in evtape find:\n"
	            "gps.speed, /data/gps/speed",
	    .excludes = "bucket,silence,top,plot,feed-zone" },
	{ .type = CLI_INT,
	    .name = "points",
	    .arg = "N",
	    .offset = offsetof(stats_options, points),
	    .min = 1,
	    .max = EVT_SERIES_POINTS_MAX,
	    .help = "with --series: show at most N steps (60)",
	    .needs = "series" },
	{ .type = CLI_FLAG,
	    .name = "csv",
	    .offset = offsetof(stats_options, csv),
	    .help = "with --series: print CSV, with a header line",
	    .excludes = "json",
	    .needs = "series" },
	{ .type = CLI_END },
};

static const cli_command stats_cli = {
	.name = "evtape stats",
	.usage = "[options] TAPE...",
	.summary = "count frames over time, by event and source",
	.details =
	    "For each event and source: frames, bytes, frames a second, "
	    "intervals\n"
	    "between frames (median, 99th percentile, maximum), and "
	    "staleness of\n"
	    "states: receive time minus last_update, gps/updated or "
	    "user_time.\n"
	    "Local times of the feed are converted to UTC (--feed-zone). "
	    "Percentiles are accurate to 9 %. "
	    "States in a\n"
	    "batch count for their own sources. Gaps come from the gap "
	    "marks.\n\n"
	    "With --series, each step has how many values there are, the "
	    "smallest,\n"
	    "the largest and the last one; a step without a value is a gap. "
	    "true is\n"
	    "1, false is 0; a text that is a number counts, other values do "
	    "not.\n\n" CLI_TIME_HELP,
	.options = table,
	.examples =
	    "  $ evtape stats field.tape\n"
	    "  $ evtape stats --plot field.svg --top 40 field.tape\n"
	    "  $ evtape stats --json --bucket 1m field.tape | jq .buckets\n"
	    "  $ evtape stats --series gps.speed --source 10001 field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

/* Write the output's buffer and close it; `ok`: the buffer is complete. */
static int
stats_finish(output_file *out, bool ok, evt_error *err)
{
	int r = ok ? output_file_finish(out, err) : evt_err_nomem(err);

	output_file_close(out);
	return r;
}

static int
stats_report(const stats *s, const char *title, evt_error *err)
{
	const stats_options *o = s->o;
	output_file *out;
	int r = EVT_OK;

	if (o->plot != NULL)
		r = output_file_open(o->plot, o->force, &out, err);
	if (o->plot != NULL && r == EVT_OK)
		r = stats_finish(out,
		    stats_plot(s, title, output_file_buf(out)), err);
	if (r == EVT_OK)
		r = o->json ? output_file_open(NULL, false, &out, err) :
		              output_file_open_text(&out, err);
	if (r != EVT_OK)
		return r;
	return stats_finish(out,
	    (o->json ? stats_json : stats_text)(s, output_file_buf(out)), err);
}

/* Fields are looked at before the tapes are. */
static int
stats_check(tool_context *c, evt_error *err)
{
	const stats_options *o = c->options;
	evt_find_expr *fields;
	int r;

	if (o->series.n == 0)
		return feed_zones_check(o->feed_zone, err);
	if (o->series.n > EVT_SERIES_FIELDS_MAX)
		return evt_err_set(err, EVT_ERR_ARG,
		    "--series: at most %u fields", EVT_SERIES_FIELDS_MAX);
	r = evt_find_expr_exists((const char *const *)o->series.item,
	    o->series.n, &fields, err);
	if (r == EVT_OK)
		evt_find_expr_free(fields);
	return r;
}

static int
stats_run(tool_context *c, evt_error *err)
{
	stats *s = c->work;
	int code, r = EVT_OK;

	s->o = c->options;
	if (s->o->series.n > 0)
		return stats_series_run(c, err);
	c->filter.kinds = 1u << EVT_KIND_RECEIVED;
	c->filter.with_marks = true;
	code = stats_gather(s, c->cli, &c->tapes, &c->filter);
	if (tool_is_done(code))
		r = stats_report(s, c->args[0], err);
	return r < 0 ? r : code;
}

static void
stats_free_work(tool_context *c)
{
	stats_free(c->work);
}

const tool_command command_stats = {
	.cli = &stats_cli,
	.options_size = sizeof(stats_options),
	.defaults = &(stats_options){ .top = 20,
	    .silence_ns = 300 * EVT_NS_PER_S,
	    .points = 60 },
	.tapes = TOOL_TAPES_ALL,
	.has_filter = true,
	.filter_offset = offsetof(stats_options, filter),
	.work_size = sizeof(stats),
	.check = stats_check,
	.run = stats_run,
	.free = stats_free_work,
};
