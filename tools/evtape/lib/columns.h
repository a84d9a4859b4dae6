/*
 * columns.h - chosen fields of frames, as columns.
 *
 * A column is a property of the frame: seq, time, time_ns, mono_ns, tape,
 * connection, kind, opcode, event, source, own_time, payload; or a JSON pointer into
 * the payload (/data/gps/speed); or, with a leading dot, a pointer into the record
 * (./gps/speed; see frame_items.h), so that a state in a batch gives the same
 * columns as a single state.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_COLUMNS_H
#define EVT_TOOLS_EVTAPE_LIB_COLUMNS_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "tools/cli.h"
#include "tools/filter.h"
#include "format/navixy/frame_items.h"

#define COLUMNS_HELP                                                           \
	"COLUMN is seq, time, time_ns, mono_ns, connection, kind, opcode,\n"   \
	"event, source, own_time (the state's own time, in UTC) or payload,\n" \
	"a JSON pointer into the payload\n"                                    \
	"(/data/gps/speed), or, with a leading dot, a pointer into the "       \
	"record\n"                                                             \
	"of a source (./gps/speed), which finds the field in a single state\n" \
	"and in each state of a batch."

typedef struct columns columns;

/* `names`: the chosen columns; empty: time, source, event, and the place, speed,
 * heading and statuses of a state.  Errors: EVT_ERR_ARG for an unknown column,
 * EVT_ERR_NOMEM. */
int columns_new(const evt_strings *names, columns **ret_columns,
    evt_error *err);
void columns_free(columns *c);

/* Check the zone of the feed's local times; NULL: it was not given.  Errors:
 * EVT_ERR_ARG: there is no such zone, or no column own_time. */
int columns_check_zone(const columns *c, const char *zone, evt_error *err);
/* Prepare for the frames of these tapes, which must outlive the columns: own_time
 * looks there for the zone, unless it is given.  Errors: EVT_ERR_NOMEM. */
int columns_open_zones(columns *c, const cli_tapes *tapes, const char *zone,
    evt_error *err);

size_t columns_n(const columns *c);
const char *columns_name(const columns *c, size_t i);

/* The kind of a column's value. */
enum columns_value_kind {
	COLUMNS_NONE,   /* no value: nothing was appended */
	COLUMNS_NUMBER, /* JSON number, true or false */
	COLUMNS_TEXT,   /* plain text */
	COLUMNS_JSON,   /* JSON object or array */
	COLUMNS_BYTES,  /* a payload that is not UTF-8 text */
	COLUMNS_NOMEM   /* out of memory */
};
/* Append the value of column `i` for one record to *out; returns its kind. */
enum columns_value_kind columns_value(const columns *c, size_t i,
    const evt_frame_items *records, const evt_frame_item *record, evt_buf *out);

#endif
