/* export.c - evtape export: the formats, by table. */
#include "tools/evtape/tool.h"
#include "tools/evtape/lib/formats.h"

static const tool_command *const formats[] = {
	&command_export_lines,
	&command_export_envelopes,
	&command_export_csv,
	&command_export_geojson,
	&command_export_gpx,
	&command_export_kml,
	&command_export_mcap,
	&command_export_sqlite,
	NULL,
};

static const cli_option no_options[] = { { .type = CLI_END } };

static const cli_command export_cli = {
	.name = "evtape export",
	.usage = "FORMAT [options] TAPE...",
	.summary = "convert a tape into another format",
	.details = "Formats:\n"
	           "  lines      the payloads, one a line\n"
	           "  envelopes  all that is known of each frame, as NDJSON\n"
	           "  csv        chosen fields as a table\n"
	           "  geojson    tracks of sources\n"
	           "  gpx        tracks of sources\n"
	           "  kml        tracks of sources\n"
	           "  mcap       all frames, for robotics tools\n"
	           "  sqlite     all frames, a row each\n\n"
	           "'evtape export FORMAT --help' tells about each.",
	.options = no_options,
	.examples = "  $ evtape export lines field.tape -o field.ndjson\n",
	.min_args = 1,
	.max_args = -1,
};

static int
export_run(int argc, char **argv)
{
	return tool_dispatch(&command_export, argc, argv);
}

const tool_command command_export = { &export_cli, export_run, formats };
