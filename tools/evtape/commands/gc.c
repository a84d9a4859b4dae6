/* gc.c - evtape gc: remove the oldest segments of a tape. */
#include <inttypes.h>
#include <stddef.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/write/maintain.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/print.h"

struct options {
	uint64_t keep_size;
	int64_t keep_age;
	bool dry_run, json;
};

static const cli_option table[] = {
	{ .type = CLI_SIZE,
	    .name = "keep-size",
	    .arg = "SIZE",
	    .offset = offsetof(struct options, keep_size),
	    .help = "keep the newest segments, at most SIZE in total" },
	{ .type = CLI_DURATION,
	    .name = "keep-age",
	    .arg = "TIME",
	    .offset = offsetof(struct options, keep_age),
	    .help = "keep segments with frames younger than TIME" },
	{ .type = CLI_FLAG,
	    .letter = 'n',
	    .name = "dry-run",
	    .offset = offsetof(struct options, dry_run),
	    .help = "only report what would be removed" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print what was removed as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command gc_cli = {
	.name = "evtape gc",
	.usage = "--keep-size SIZE | --keep-age TIME [options] TAPE",
	.summary = "remove the oldest segments of a tape",
	.details =
	    "Whole segments are removed, oldest first; the newest always "
	    "stays.\n"
	    "A recorder does this by itself if it is given the same options.",
	.options = table,
	.examples = "  $ evtape gc --keep-age 30d --dry-run field.tape\n"
	            "  $ evtape gc --keep-size 10GiB field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

static int
gc_report(const evt_maintain_gc_result *got, const struct options *o,
    evt_error *err)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	json_line line;
	evt_json_write *w;

	if (o->json) {
		w = json_line_begin(&line);
		evt_json_write_uint(w, "removed_segments", got->segments);
		evt_json_write_uint(w, "removed_bytes", got->bytes);
		evt_json_write_uint(w, "kept_segments", got->kept);
		evt_json_write_uint(w, "kept_bytes", got->kept_bytes);
		evt_json_write_bool(w, "dry_run", o->dry_run);
		return json_line_print(&line, err);
	}
	if (cli_is_quiet())
		return EVT_OK;
	print_line(stdout, "%s %" PRIu64 " segment%s (%s), %s %" PRIu64 " (%s)",
	    o->dry_run ? "would remove" : "removed", got->segments,
	    got->segments == 1 ? "" : "s",
	    evt_timetext_size_format(got->bytes, a),
	    o->dry_run ? "keep" : "kept", got->kept,
	    evt_timetext_size_format(got->kept_bytes, b));
	return EVT_OK;
}

static int
gc_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	return o->keep_size > 0 || o->keep_age > 0 ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_ARG,
	        "say what to keep: --keep-size or --keep-age");
}

static int
gc_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	evt_maintain_gc_options gc = { .keep_bytes = o->keep_size,
		.before_ns = o->keep_age > 0 ? evt_clock_real() - o->keep_age :
		                               INT64_MIN,
		.dry_run = o->dry_run };
	evt_maintain_gc_result got;
	int r = evt_maintain_gc(c->args[0], &gc, &got, err);

	if (r == EVT_OK)
		r = gc_report(&got, o, err);
	return r;
}

const tool_command command_gc = {
	.cli = &gc_cli,
	.options_size = sizeof(struct options),
	.check = gc_check,
	.run = gc_run,
};
