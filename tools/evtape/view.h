/*
 * view.h - look into JSON text without building a tree of it.
 *
 * A view is a slice of text that is one JSON value.  Nothing is copied and no
 * number is converted, so that what is shown is what the frame says.  The
 * text must be well-formed, as evt_scan() tells (it must say so first): on
 * other text the functions stay within it, and what they give is of no use.
 */
#ifndef EVT_TOOL_VIEW_H
#define EVT_TOOL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/buf.h"
#include "format/evtape.h"

enum view_kind {
	VIEW_NONE, /* there is no such value */
	VIEW_NULL,
	VIEW_BOOL,
	VIEW_NUMBER,
	VIEW_STRING,
	VIEW_ARRAY,
	VIEW_OBJECT
};

typedef struct view {
	const uint8_t *p; /* NULL: VIEW_NONE */
	size_t n;         /* no white space around it */
} view;

/* The value that n bytes of text are. */
view view_of(const uint8_t *p, size_t n);

enum view_kind view_kind(view v);

/* Walk over the members of an object or the elements of an array. */
typedef struct view_walk {
	const uint8_t *p, *end;
	bool object;
} view_walk;

view_walk view_walk_begin(view container);
/* The next one; *ret_name is the member's name as a string with its quotes
 * (of no use in an array).  false: there is none. */
bool view_walk_next(view_walk *walk, view *ret_name, view *ret_value);

/* The member of that name (decoded), the last of several; VIEW_NONE if there
 * is none or v is no object. */
view view_member(view v, const char *name, size_t len);
view view_element(view v, size_t index);

/* The value at a JSON pointer (RFC 6901): "" is v itself, "/a/0/b~1c". */
view view_at(view v, const char *pointer);
/* Whether it is a JSON pointer.  Errors: EVT_ERR_ARG with words. */
int view_check_pointer(const char *pointer, evt_error *err);

/* Whether the string v is, decoded, these bytes. */
bool view_is(view v, const char *text, size_t len);
/* Append the string decoded, as UTF-8; of other kinds the text as it stands.
 * false: out of memory. */
bool view_text(view v, evt_buf *out);

/* The number v.  false: it is none, or (int) no integer within int64_t. */
bool view_double(view v, double *ret);
bool view_int(view v, int64_t *ret);

#endif
