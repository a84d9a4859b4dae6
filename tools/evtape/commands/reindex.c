/* reindex.c - evtape reindex: rebuild tape.db. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/evtape/tool.h"

static const cli_option table[] = { { .type = CLI_END } };

static const cli_command reindex = {
	.name = "evtape reindex",
	.usage = "TAPE",
	.summary = "rebuild a tape's index, tape.db, from its segments",
	.details = "The index holds nothing that the segments do not. Frames "
	           "that are\n"
	           "still in the journal get into it when the tape is next "
	           "recorded to.",
	.options = table,
	.examples = "  $ evtape reindex field.tape\n",
	.min_args = 1,
	.max_args = 1,
};

static int
reindex_run(int argc, char **argv)
{
	uint64_t damaged = 0;
	evt_error err;
	int n, code = cli_parse(&reindex, argc, argv, NULL, &n);

	if (code >= 0)
		return code;
	if (evt_tape_reindex(argv[1], &damaged, &err))
		return cli_fail(&reindex, "%s", err.text);
	if (damaged == 0)
		return CLI_DONE;
	cli_warn(&reindex,
	    "%s has %" PRIu64 " damaged places; the index is made of the rest",
	    argv[1], damaged);
	return CLI_LOSSES;
}

const tool_command command_reindex = { &reindex, reindex_run, NULL };
