/*
 * columns.h - chosen fields of frames, as columns.
 *
 * A column is one of the frame's own: seq, time, time_ns, mono_ns, tape,
 * connection, kind, opcode, event, source, payload; or a JSON pointer into the
 * payload (/data/gps/speed); or one into the record, which begins with a dot
 * (./gps/speed; see record.h), so that states in batches come out as those
 * that stand alone.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_COLUMNS_H
#define EVT_TOOLS_EVTAPE_LIB_COLUMNS_H

#include "format/base/buf.h"
#include "format/evtape.h"
#include "tools/cli.h"
#include "format/navixy/frame_items.h"

#define TOOL_COLUMNS_HELP                                                    \
	"COLUMN is seq, time, time_ns, mono_ns, connection, kind, opcode,\n" \
	"event, source or payload, a JSON pointer into the payload\n"        \
	"(/data/gps/speed), or one into the record of a source, which "      \
	"begins\n"                                                           \
	"with a dot (./gps/speed): that finds a field in a state and in "    \
	"each\n"                                                             \
	"state of a batch alike."

typedef struct tool_columns tool_columns;

/* names: those chosen; none: time, source, event, and the place, speed,
 * heading and statuses of a state.  Errors: EVT_ERR_ARG for a name that is no
 * column, EVT_ERR_NOMEM. */
int tool_columns_new(const evt_strings *names, tool_columns **ret_columns,
    evt_error *err);
void tool_columns_free(tool_columns *c);

size_t tool_columns_n(const tool_columns *c);
const char *tool_columns_name(const tool_columns *c, size_t i);

/* The value of a column for one record: text appended to *out, and how to
 * take it. */
enum tool_value {
	TOOL_VALUE_NONE,   /* there is none: nothing was appended */
	TOOL_VALUE_NUMBER, /* JSON number, true or false, as it stands */
	TOOL_VALUE_TEXT,   /* plain text */
	TOOL_VALUE_JSON,   /* an object or array, as it stands */
	TOOL_VALUE_BYTES,  /* a payload that is not UTF-8 text */
	TOOL_VALUE_NOMEM   /* out of memory */
};
enum tool_value tool_columns_value(const tool_columns *c, size_t i,
    const evt_frame_items *records, const evt_frame_item *record, evt_buf *out);

#endif
