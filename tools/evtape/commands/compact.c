/* compact.c - evtape compact: the same frames in less room. */
#include <inttypes.h>
#include <stddef.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "format/write/maintain.h"
#include "tools/evtape/lib/frame_loop.h"
#include "tools/evtape/commands.h"

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
	    .help = "of zstd, 1 to 19 (12)" },
	{ .type = CLI_SIZE,
	    .name = "block-size",
	    .arg = "SIZE",
	    .offset = offsetof(struct options, block_size),
	    .help = "payload of a block (1MiB): larger ones are smaller on\n"
	            "disk and slower to read a part of" },
	{ .type = CLI_FLAG,
	    .name = "json",
	    .offset = offsetof(struct options, json),
	    .help = "print the sizes as a JSON object" },
	{ .type = CLI_END },
};

static const cli_command compact_cli = {
	.name = "evtape compact",
	.usage = "[options] TAPE",
	.summary = "compress a tape anew, in full blocks and at a higher level",
	.details =
	    "Frames, numbers and times stay the same. Each segment is made\n"
	    "beside, read back, compared, and takes the old one's place at "
	    "once,\n"
	    "so that an interruption costs nothing. Readers are not disturbed; "
	    "a\n"
	    "tape that is being recorded is refused. A segment that would not\n"
	    "get smaller, or is damaged, stays as it is.",
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

static void
compact_report(const evt_maintain_compact_result *got, bool json)
{
	char a[EVT_TIMETEXT_MAX], b[EVT_TIMETEXT_MAX];

	if (json)
		printf("{\"compacted\":%" PRIu64 ",\"left\":%" PRIu64
		       ",\"damaged\":%" PRIu64 ",\"bytes_before\":%" PRIu64
		       ",\"bytes_after\":%" PRIu64 "}\n",
		    got->segments, got->left, got->damaged, got->before,
		    got->after);
	else
		printf("%" PRIu64 " segments compacted, %" PRIu64
		       " left: %s before, %s after\n",
		    got->segments, got->left,
		    evt_timetext_size_format(got->before, a),
		    evt_timetext_size_format(got->after, b));
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
	progress shown = progress_begin();
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
	compact_report(&got, o->json);
	return got.damaged > 0 ? CLI_LOSSES : CLI_DONE;
}

const tool_command command_compact = {
	.cli = &compact_cli,
	.options_size = sizeof(struct options),
	.defaults = &(struct options){ .level = 12, .block_size = 1 << 20 },
	.check = compact_check,
	.run = compact_run,
};
