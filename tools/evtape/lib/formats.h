/* formats.h - the formats of evtape export and evtape import. */
#ifndef EVT_TOOLS_EVTAPE_LIB_FORMATS_H
#define EVT_TOOLS_EVTAPE_LIB_FORMATS_H

#include "tools/evtape/tool.h"

extern const tool_command export_csv;
extern const tool_command export_envelopes;
extern const tool_command export_geojson;
extern const tool_command export_gpx;
extern const tool_command export_kml;
extern const tool_command export_lines;
extern const tool_command export_mcap;
extern const tool_command export_sqlite;
extern const tool_command import_har;
extern const tool_command import_log;
extern const tool_command import_mcap;
extern const tool_command import_ndjson;

#endif
