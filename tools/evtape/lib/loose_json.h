/*
 * loose_json.h - JSON of other programs, with lone surrogates.
 *
 * Programs that cut a JavaScript string between the halves of a pair write an
 * escape such as \ud83d alone.  No UTF-8 text is the value of such a string, so
 * evt_json_scan() refuses the whole text.  Here only the string itself is not
 * usable: whatever else the text says is sound.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_LOOSE_JSON_H
#define EVT_TOOLS_EVTAPE_LIB_LOOSE_JSON_H

#include "format/base/json_view.h"
#include "format/keys/json_scan.h"

/* Whether n bytes are one JSON value, lone surrogates aside.  `scratch` is used
 * for a copy if there are any.  Errors: EVT_ERR_NOMEM. */
int loose_json_scan(evt_json_scanner *scanner, const uint8_t *p, size_t n,
    evt_buf *scratch, bool *ret_json, evt_error *err);

/* Whether the value has a lone surrogate. */
bool loose_json_is_lone(evt_json_view v);

#endif
