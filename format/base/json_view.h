/*
 * view.h - look into JSON text without building a tree of it.
 *
 * A view is a slice of text that is one JSON value.  Nothing is copied and no
 * number is converted, so that what is shown is what the frame says.  The
 * text must be well-formed, as evt_scan() tells (it must say so first): on
 * other text the functions stay within it, and what they give is of no use.
 */
#ifndef EVT_VIEW_H
#define EVT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

enum evt_view_kind {
	EVT_VIEW_NONE, /* there is no such value */
	EVT_VIEW_NULL,
	EVT_VIEW_BOOL,
	EVT_VIEW_NUMBER,
	EVT_VIEW_STRING,
	EVT_VIEW_ARRAY,
	EVT_VIEW_OBJECT
};

typedef struct evt_view {
	const uint8_t *p; /* NULL: EVT_VIEW_NONE */
	size_t n;         /* no white space around it */
} evt_view;

/* The value that n bytes of text are. */
evt_view evt_view_of(const uint8_t *p, size_t n);

enum evt_view_kind evt_view_kind(evt_view v);

/* Walk over the members of an object or the elements of an array. */
typedef struct evt_view_walk {
	const uint8_t *p, *end;
	bool object;
} evt_view_walk;

evt_view_walk evt_view_walk_begin(evt_view container);
/* The next one; *ret_name is the member's name as a string with its quotes
 * (of no use in an array).  false: there is none. */
bool evt_view_walk_next(evt_view_walk *walk, evt_view *ret_name,
    evt_view *ret_value);

/* The member of that name (decoded), the last of several; EVT_VIEW_NONE if there
 * is none or v is no object. */
evt_view evt_view_member(evt_view v, const char *name, size_t len);
/* The member of a name that is a literal. */
#define EVT_MEMBER(v, name) evt_view_member((v), (name), sizeof(name) - 1)
evt_view evt_view_element(evt_view v, size_t index);

/* The value at a JSON pointer (RFC 6901): "" is v itself, "/a/0/b~1c". */
evt_view evt_view_at(evt_view v, const char *pointer);
/* Whether it is a JSON pointer.  Errors: EVT_ERR_ARG with words. */
int evt_view_check_pointer(const char *pointer, evt_error *err);

/* Whether the string v is, decoded, these bytes. */
bool evt_view_is(evt_view v, const char *text, size_t len);
/* Append the string decoded, as UTF-8; of other kinds the text as it stands.
 * false: out of memory. */
bool evt_view_text(evt_view v, evt_buf *out);

/* The number v.  false: it is none, or (int) no integer within int64_t. */
bool evt_view_double(evt_view v, double *ret);
bool evt_view_int(evt_view v, int64_t *ret);

#endif
