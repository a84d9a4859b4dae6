/* formats.h - the formats of evtape export and evtape import. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FORMATS_H
#define EVT_TOOLS_EVTAPE_LIB_FORMATS_H

#include "tools/evtape/tool.h"

extern const tool_command command_export_csv;
extern const tool_command command_export_envelopes;
extern const tool_command command_export_geojson;
extern const tool_command command_export_gpx;
extern const tool_command command_export_kml;
extern const tool_command command_export_lines;
extern const tool_command command_export_mcap;
extern const tool_command command_export_sqlite;
extern const tool_command command_import_har;
extern const tool_command command_import_log;
extern const tool_command command_import_mcap;
extern const tool_command command_import_ndjson;

#endif
