/* find_print.h - the hits of a search as text for people, JSON, or CSV. */
#ifndef EVT_TOOLS_EVTAPE_FIND_FIND_PRINT_H
#define EVT_TOOLS_EVTAPE_FIND_FIND_PRINT_H

#include "format/base/buf.h"
#include "format/find/find.h"

enum find_print_form { FIND_PRINT_TEXT, FIND_PRINT_JSON, FIND_PRINT_CSV };

/* The caller sets `form` and `labels`, and frees `cell`. */
typedef struct find_print {
	enum find_print_form form;
	bool labels;  /* text has a column of labels */
	evt_buf cell; /* for the work */
} find_print;

/* Append what comes before the first hit, and a hit.  false: out of memory. */
bool find_print_head(find_print *print, evt_buf *out);
bool find_print_hit(find_print *print, const evt_find_hit *hit, evt_buf *out);

#endif
