/* import.c - evtape import: the formats, by table. */
#include <stddef.h>

#include "tools/evtape/tool.h"
#include "tools/evtape/lib/formats.h"

static const tool_command *const formats[] = {
	&command_import_ndjson,
	&command_import_log,
	&command_import_har,
	&command_import_mcap,
	NULL,
};

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command import_cli = {
	.name = "evtape import",
	.usage = "FORMAT [options] FILE -o TAPE",
	.summary = "make a tape from what another program recorded",
	.details =
	    "Formats:\n"
	    "  ndjson  lines, each a frame, or envelopes\n"
	    "  log     lines with a stamp, as wscat and websocat give them\n"
	    "  har     WebSocket messages of a HAR file of a browser or proxy\n"
	    "  mcap    messages of an MCAP file\n\n"
	    "'evtape import FORMAT --help' tells about each.",
	.options = no_options,
	.examples = "  $ evtape import mcap field.mcap -o field.tape\n",
	.min_args = 1,
	.max_args = -1,
};

static int
import_run(int argc, char **argv)
{
	return tool_dispatch(&command_import, argc, argv);
}

const tool_command command_import = { &import_cli, import_run, formats };
