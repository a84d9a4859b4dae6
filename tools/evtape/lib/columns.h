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

#define COLUMNS_HELP                                                         \
	"COLUMN is seq, time, time_ns, mono_ns, connection, kind, opcode,\n" \
	"event, source or payload, a JSON pointer into the payload\n"        \
	"(/data/gps/speed), or one into the record of a source, which "      \
	"begins\n"                                                           \
	"with a dot (./gps/speed): that finds a field in a state and in "    \
	"each\n"                                                             \
	"state of a batch alike."

typedef struct columns columns;

/* names: those chosen; none: time, source, event, and the place, speed,
 * heading and statuses of a state.  Errors: EVT_ERR_ARG for a name that is no
 * column, EVT_ERR_NOMEM. */
int columns_new(const evt_strings *names, columns **ret_columns,
    evt_error *err);
void columns_free(columns *c);

size_t columns_n(const columns *c);
const char *columns_name(const columns *c, size_t i);

/* The value of a column for one record: text appended to *out, and how to
 * take it. */
enum columns_value_kind {
	COLUMNS_NONE,   /* there is none: nothing was appended */
	COLUMNS_NUMBER, /* JSON number, true or false, as it stands */
	COLUMNS_TEXT,   /* plain text */
	COLUMNS_JSON,   /* an object or array, as it stands */
	COLUMNS_BYTES,  /* a payload that is not UTF-8 text */
	COLUMNS_NOMEM   /* out of memory */
};
enum columns_value_kind columns_value(const columns *c, size_t i,
    const evt_frame_items *records, const evt_frame_item *record, evt_buf *out);

#endif
