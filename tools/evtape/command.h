/*
 * command.h - the table of commands.
 *
 * Each X(name) is a `const tool_command command_<name>` in some file below
 * tools/evtape/.  Help, man pages, completion and dispatch follow this order;
 * no other list of commands exists.
 */
#ifndef EVT_TOOLS_EVTAPE_COMMAND_H
#define EVT_TOOLS_EVTAPE_COMMAND_H

#include "tools/evtape/tool.h"

#define COMMANDS(X) \
	X(info)     \
	X(ls)       \
	X(cat)      \
	X(stats)    \
	X(cut)      \
	X(merge)    \
	X(split)    \
	X(diff)     \
	X(find)     \
	X(scrub)    \
	X(export)   \
	X(import)   \
	X(mark)     \
	X(verify)   \
	X(recover)  \
	X(reindex)  \
	X(compact)  \
	X(gc)       \
	X(ctl)

/* Formats of `evtape export`. */
#define COMMANDS_EXPORT(X)  \
	X(export_lines)     \
	X(export_envelopes) \
	X(export_csv)       \
	X(export_geojson)   \
	X(export_gpx)       \
	X(export_kml)       \
	X(export_mcap)      \
	X(export_sqlite)

/* Formats of `evtape import`. */
#define COMMANDS_IMPORT(X) \
	X(import_ndjson)   \
	X(import_log)      \
	X(import_har)      \
	X(import_mcap)

#define COMMANDS_DECLARE(name) extern const tool_command command_##name;
COMMANDS(COMMANDS_DECLARE)
COMMANDS_EXPORT(COMMANDS_DECLARE)
COMMANDS_IMPORT(COMMANDS_DECLARE)

/* An element of an array of pointers to commands. */
#define COMMANDS_ROW(name) &command_##name,

#endif
