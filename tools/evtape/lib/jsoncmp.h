/*
 * jsoncmp.h - whether two JSON values say the same, and where they do not.
 *
 * The order of an object's members does not count, nor how a string is
 * escaped, nor whether a number is written 1 or 1.0.
 */
#ifndef EVT_TOOLS_EVTAPE_LIB_JSONCMP_H
#define EVT_TOOLS_EVTAPE_LIB_JSONCMP_H

#include "tools/cli.h"
#include "format/base/json_view.h"

/* JSON pointers to what is left out; NULL: nothing is. */
typedef const evt_strings *jsoncmp_ignore;

/* A number that is the same for values that say the same.  *ret_nomem is set
 * where memory ran out; the number is then of no use. */
uint64_t jsoncmp_hash(evt_json_view v, jsoncmp_ignore ignore, bool *ret_nomem);

/* Told of a value that differs: its pointer, and both; EVT_JSON_VIEW_NONE where one has
 * none.  EVT_OK: go on. */
typedef int (*jsoncmp_fn)(void *ctx, const char *pointer, evt_json_view a,
    evt_json_view b, evt_error *err);

/* Find all differences.  Arrays are compared element by element.  Errors:
 * EVT_ERR_NOMEM, and what fn returns. */
int jsoncmp_find(evt_json_view a, evt_json_view b, jsoncmp_ignore ignore,
    jsoncmp_fn fn, void *ctx, evt_error *err);

#endif
