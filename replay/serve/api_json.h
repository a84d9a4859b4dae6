/* api_json.h - pieces of JSON that several answers of the API have. */
#ifndef EVT_REPLAY_SERVE_API_JSON_H
#define EVT_REPLAY_SERVE_API_JSON_H

#include "format/base/json_write.h"
#include "replay/standin/state_table.h"

/* The two members of a time: "NAME":"2026-...Z","NAME_ns":N.  name: at most 15
 * bytes. */
void evt_api_json_time(evt_json_write *w, const char *name, int64_t ns);
/* The same without a time: "NAME":null,"NAME_ns":null. */
void evt_api_json_no_time(evt_json_write *w, const char *name);

/* What is known of a source, as an element of an array or, with a `name`, as a
 * member.  with_state: with the whole last state. */
void evt_api_json_source(evt_json_write *w, const char *name,
    const evt_state_source *source, bool with_state);

/* A member with a value of other JSON, as it is there, if it is of that kind;
 * else null. */
void evt_api_json_value(evt_json_write *w, const char *name, evt_json_view v,
    enum evt_json_view_kind kind);

#endif
