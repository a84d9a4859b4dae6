/*
 * rows.h - records of frames as rows: CSV (RFC 4180), and GeoJSON Features one
 * a line (RFC 8142 without the record separator).
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_ROWS_H
#define EVT_TOOLS_EVTAPE_LIB_ROWS_H

#include "format/base/buf.h"
#include "format/keys/json_scan.h"
#include "tools/evtape/lib/columns.h"

/* The line of column names. */
bool rows_csv_head(const columns *columns, evt_buf *out);
/* A line for each record of the frame. */
int rows_csv(const columns *columns, evt_json_scanner *scanner,
    const evt_frame *f, evt_buf *out, evt_error *err);

/* A Feature for each record that says where its source is; *ret_n: how many. */
int rows_geojson(evt_json_scanner *scanner, const evt_frame *f, evt_buf *out,
    size_t *ret_n, evt_error *err);
/* The members of a Feature's properties that name the source. */
bool rows_add_source(const evt_key *source, evt_buf *out);

#endif
