/* compact.c - evtape compact: recompress a tape so that it takes less disk. */
#include <inttypes.h>
#include <stddef.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/write/maintain.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/json_line.h"
#include "tools/print.h"

struct options {
	int64_t level;
	uint64_t block_size;
	bool json;
};

static const cli_option table[] = {
	{ .type = CLI_INT,
	    .name = "level",
	    .arg = "N",
	    .offset = offsetof(struct options, level),
	    .min = 1,
	    .max = 19,
	    .help = "zstd level, 1 to 19 (12)" },
	{ .type = CLI_SIZE,
	    .name = "block-size",
	    .arg = "SIZE",
	    .offset = offsetof(struct options, block_size),
	    .help = "payload bytes in a block (1MiB): larger blocks take less\n"
	            "disk, but reading a part of the tape takes longer" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print the sizes as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command compact_cli = {
	.name = "evtape compact",
	.usage = "[options] TAPE",
	.summary = "recompress a tape in full blocks and at a higher level",
	.details =
	    "Frames, sequence numbers and times stay the same. Each new "
	    "segment\n"
	    "is written beside the old one, read back and compared before it\n"
	    "replaces it, so an interruption loses nothing. Readers are not\n"
	    "disturbed. A tape that is being recorded is refused. A segment "
	    "that\n"
	    "is damaged or would not shrink stays as it is.",
	.options = table,
	.examples = "  $ evtape compact --level 19 field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

static bool
compact_progress(void *ctx, uint64_t done, uint64_t total)
{
	progress_at(ctx, &compact_cli, (double)done / (double)total);
	return stop_requested() != 0;
}

static void
compact_notice(void *ctx, const char *text)
{
	progress_end(ctx);
	cli_warn(&compact_cli, "%s", text);
}

static int
compact_report(const evt_maintain_compact_result *got, bool json,
    evt_error *err)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];
	json_line line;
	evt_json_write *w;

	if (json) {
		w = json_line_begin(&line);
		evt_json_write_uint(w, "compacted", got->segments);
		evt_json_write_uint(w, "left", got->left);
		evt_json_write_uint(w, "damaged", got->damaged);
		evt_json_write_uint(w, "bytes_before", got->before);
		evt_json_write_uint(w, "bytes_after", got->after);
		return json_line_print(&line, err);
	}
	if (cli_is_quiet())
		return EVT_OK;
	print_line(stdout,
	    "%" PRIu64 " segment%s compacted, %" PRIu64
	    " unchanged: %s before, %s after",
	    got->segments, got->segments == 1 ? "" : "s", got->left,
	    evt_timetext_size_format(got->before, a),
	    evt_timetext_size_format(got->after, b));
	return EVT_OK;
}

static int
compact_check(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;

	return o->block_size >= 1024 && o->block_size <= 16u << 20 ?
	    EVT_OK :
	    evt_err_set(err, EVT_ERR_ARG,
	        "option --block-size: it must be 1KiB to 16MiB");
}

static int
compact_run(tool_context *c, evt_error *err)
{
	const struct options *o = c->options;
	progress shown = progress_begin(false);
	evt_maintain_compact_options compact = {
		.level = (int)o->level,
		.block_bytes = (uint32_t)o->block_size,
		.progress = compact_progress,
		.notice = compact_notice,
		.ctx = &shown,
	};
	evt_maintain_compact_result got;
	int r;

	stop_catch_signals();
	r = evt_maintain_compact(c->args[0], &compact, &got, err);
	progress_end(&shown);
	if (r == EVT_END)
		return stop_requested();
	if (r != EVT_OK)
		return r;
	r = compact_report(&got, o->json, err);
	if (r != EVT_OK)
		return r;
	return got.damaged > 0 ? CLI_LOSSES : CLI_DONE;
}

const tool_command command_compact = {
	.cli = &compact_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .level = 12, .block_size = 1 << 20 },
	.check = compact_check,
	.run = compact_run,
};
