/*
 * rows.h - write the records of frames as rows: CSV (RFC 4180), and GeoJSON
 * Features one a line (RFC 8142 without the record separator).
 *
 * The record of a frame is its part about one source (frame_items.h).
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_ROWS_H
#define EVT_TOOLS_EVTAPE_LIB_ROWS_H

#include "format/base/json_write.h"
#include "format/keys/json_scan.h"
#include "tools/evtape/lib/columns.h"

/* Append a field of CSV, quoted if it must be (RFC 4180, 2.6 and 2.7).  `text`: it
 * begins with an apostrophe if it could be a formula.  false: out of memory. */
bool rows_add_field(evt_buf *out, const void *field, size_t n, bool text);

/* Append the line of column names.  `spreadsheet`, here and below: a text that
 * a spreadsheet would take for a formula begins with an apostrophe.  false: out of
 * memory. */
bool rows_csv_head(const columns *columns, bool spreadsheet, evt_buf *out);
/* Append a line for each record of the frame. */
int rows_csv(const columns *columns, bool spreadsheet,
    evt_json_scanner *scanner, const evt_frame *f, evt_buf *out,
    evt_error *err);

/* Append a Feature for each record that has a position; *ret_n: how many.  `zone`:
 * of the frame's local times; NULL: UTC. */
int rows_geojson(evt_json_scanner *scanner, const evt_zone *zone,
    const evt_frame *f, evt_buf *out, size_t *ret_n, evt_error *err);
/* The member "source_id" of a JSON object: appended as text, and written. */
bool rows_add_source(const evt_key *source, evt_buf *out);
void rows_write_source(const evt_key *source, evt_json_write *w);

#endif
