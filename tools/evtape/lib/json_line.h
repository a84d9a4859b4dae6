/*
 * json_line.h - print one JSON object on a line of stdout, as commands do for
 * --json.
 *
 *     json_line line;
 *     evt_json_write *w = json_line_begin(&line);
 *
 *     evt_json_write_uint(w, "frames", frames);
 *     return json_line_print(&line, err);
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_JSON_LINE_H
#define EVT_TOOLS_EVTAPE_LIB_JSON_LINE_H

#include "format/base/json_write.h"
#include "format/evtape.h"

typedef struct json_line {
	evt_json_write writer;
	evt_buf text;
} json_line;

/* Begin the object; returns the writer for its members. */
evt_json_write *json_line_begin(json_line *line);

/* Close the object, print it, and free everything.  Errors: EVT_ERR_NOMEM; an
 * error of stdout is left to its next fflush(). */
int json_line_print(json_line *line, evt_error *err);

#endif
