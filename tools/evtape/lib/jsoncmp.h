/*
 * jsoncmp.h - whether two JSON values are equal, and where they differ.
 *
 * The order of an object's members, the escapes of a string, and the form of a
 * number (1 or 1.0) do not matter.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_JSONCMP_H
#define EVT_TOOLS_EVTAPE_LIB_JSONCMP_H

#include "tools/cli.h"
#include "format/base/json_view.h"

/* JSON pointers to values that are ignored; NULL: none. */
typedef const evt_strings *jsoncmp_ignore;

/* A hash that is the same for equal values.  *ret_nomem is set if memory ran out;
 * the hash is then invalid. */
uint64_t jsoncmp_hash(evt_json_view v, jsoncmp_ignore ignore, bool *ret_nomem);

/* Called for each value that differs, with its pointer and both values;
 * EVT_JSON_VIEW_NONE if one side has no such value.  Returns EVT_OK to
 * continue. */
typedef int (*jsoncmp_fn)(void *ctx, const char *pointer, evt_json_view a,
    evt_json_view b, evt_error *err);

/* Find all differences. Arrays are compared element by element. Errors:
 * EVT_ERR_NOMEM, and those of fn. */
int jsoncmp_find(evt_json_view a, evt_json_view b, jsoncmp_ignore ignore,
    jsoncmp_fn fn, void *ctx, evt_error *err);

#endif
