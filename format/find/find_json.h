/* find_json.h - a hit of a search as JSON; docs/find.md lists the members. */
#ifndef EVT_FORMAT_FIND_FIND_JSON_H
#define EVT_FORMAT_FIND_FIND_JSON_H

#include "format/base/json_write.h"
#include "format/find/find.h"

/* Write the hit as an object: a whole text, or an element of an array. */
void evt_find_json_write(evt_json_write *w, const evt_find_hit *hit);

#endif
