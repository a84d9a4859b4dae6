/* reindex.c - evtape reindex: rebuild the index of a tape. */
#include <inttypes.h>
#include <stdio.h>

#include "format/write/writer.h"
#include "tools/evtape/command.h"
#include "tools/evtape/lib/progress.h"

static const cli_option table[] = { { .type = CLI_END } };

static const cli_command reindex_cli = {
	.name = "evtape reindex",
	.usage = "TAPE",
	.summary = "rebuild a tape's index, tape.db, from its segments",
	.details = "The index holds nothing that the segments do not. Frames "
	           "still in\n"
	           "the journal are indexed when the tape is next recorded to.",
	.options = table,
	.examples = "  $ evtape reindex field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

static void
reindex_progress(void *ctx, uint64_t done, uint64_t total)
{
	progress_at(ctx, &reindex_cli, (double)done / (double)total);
}

static int
reindex_run(tool_context *c, evt_error *err)
{
	progress shown = progress_begin(false);
	const evt_writer_reindex_watch watch = { reindex_progress, &shown };
	uint64_t damaged = 0;
	int r = evt_writer_reindex_io(c->args[0], &evt_io_posix, &watch,
	    &damaged, err);

	progress_end(&shown);
	if (r != EVT_OK || damaged == 0)
		return r;
	cli_warn(c->cli,
	    "%s has %" PRIu64 " damaged place%s; the index covers the rest",
	    c->args[0], damaged, damaged == 1 ? "" : "s");
	return CLI_LOSSES;
}

const tool_command command_reindex = {
	.cli = &reindex_cli,
	.run = reindex_run,
};
