/*
 * json_view.h - look into JSON text without building a tree.
 *
 * A view is a slice of text that is one JSON value.  Nothing is copied and no
 * number is converted, so the view shows exactly what the frame says.  The text
 * must be well-formed: check it with evt_json_scan() first.  On other text the
 * functions read only within the text, but their results are meaningless.
 */
#ifndef EVT_FORMAT_BASE_JSON_VIEW_H
#define EVT_FORMAT_BASE_JSON_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

enum evt_json_view_kind {
	EVT_JSON_VIEW_NONE, /* there is no such value */
	EVT_JSON_VIEW_NULL,
	EVT_JSON_VIEW_BOOL,
	EVT_JSON_VIEW_NUMBER,
	EVT_JSON_VIEW_STRING,
	EVT_JSON_VIEW_ARRAY,
	EVT_JSON_VIEW_OBJECT
};

typedef struct evt_json_view {
	const uint8_t *p; /* NULL: EVT_JSON_VIEW_NONE */
	size_t n;         /* no white space around it */
} evt_json_view;

/* The view of a text of n bytes, which is one value. */
evt_json_view evt_json_view_make(const uint8_t *p, size_t n);

enum evt_json_view_kind evt_json_view_kind(evt_json_view v);

/* Walk over the members of an object or the elements of an array. */
typedef struct evt_json_view_walk {
	const uint8_t *p, *end;
	bool object;
} evt_json_view_walk;

evt_json_view_walk evt_json_view_walk_begin(evt_json_view container);
/* Get the next value; *ret_name is the name of an object's member, a string with
 * its quotes.  false: there are no more. */
bool evt_json_view_walk_next(evt_json_view_walk *walk, evt_json_view *ret_name,
    evt_json_view *ret_value);

/* The member with that (decoded) name, the last one of several;
 * EVT_JSON_VIEW_NONE if there is none, or v is not an object. */
evt_json_view evt_json_view_member(evt_json_view v, const char *name,
    size_t len);
/* The same for a name that is a string literal. */
#define EVT_JSON_VIEW_MEMBER(v, name) \
	evt_json_view_member((v), (name), sizeof(name) - 1)
evt_json_view evt_json_view_element(evt_json_view v, size_t index);

/* The value at a JSON pointer (RFC 6901): "" is v itself, "/a/0/b~1c". */
evt_json_view evt_json_view_at(evt_json_view v, const char *pointer);
/* Check the form of a JSON pointer.  Errors: EVT_ERR_ARG. */
int evt_json_view_check_pointer(const char *pointer, evt_error *err);

/* Whether v is a string that decodes to these `len` bytes. */
bool evt_json_view_is(evt_json_view v, const char *text, size_t len);
/* Append the string decoded, as UTF-8; append other kinds as they are.  false:
 * out of memory. */
bool evt_json_view_text(evt_json_view v, evt_buf *out);

/* Convert the number v.  false: v is not a number, or out of range, or (int) not
 * an integer. */
bool evt_json_view_double(evt_json_view v, double *ret);
bool evt_json_view_int(evt_json_view v, int64_t *ret);

#endif
