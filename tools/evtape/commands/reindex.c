/* reindex.c - evtape reindex: rebuild the index of a tape. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/evtape/command.h"

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

static int
reindex_run(tool_context *c, evt_error *err)
{
	uint64_t damaged = 0;
	int r = evt_tape_reindex(c->args[0], &damaged, err);

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
