/*
 * source_select.h - which sources a user asks for, of what tapes know.
 *
 * It takes lists of ids in the written form of source_id.h, and makes what a
 * filter needs: texts, and whether each is an integer's.  Labels are looked up
 * in the tapes' tracker lists.
 */
#ifndef EVT_FORMAT_READ_SOURCE_SELECT_H
#define EVT_FORMAT_READ_SOURCE_SELECT_H

#include "format/base/strings.h"
#include "format/evtape.h"

/* Zero-initialised is a valid empty list. */
typedef struct evt_source_select {
	evt_strings ids;
	uint8_t *type; /* of each, enum evt_source_type */
	size_t cap;
} evt_source_select;

/*
 * Add the ids of `list`.  `tapes` (n of them) are asked for labels and for which
 * integers there are; with n == 0 a label is an error.
 * Errors: EVT_ERR_ARG (an empty list, a bad escape, a label that no tracker
 * has), EVT_ERR_NOMEM, and those of reading.
 */
int evt_source_select_add(evt_source_select *select, const char *list,
    evt_tape *const *tapes, size_t n, evt_error *err);

/* Add one id as it is.  false: out of memory. */
bool evt_source_select_add_id(evt_source_select *select, const char *id,
    size_t len, enum evt_source_type type);

/* Append all of `from`.  false: out of memory. */
bool evt_source_select_add_all(evt_source_select *select,
    const evt_source_select *from);

/* Point the filter's sources at the list, which must outlive it. */
void evt_source_select_filter(const evt_source_select *select,
    evt_filter *filter);

void evt_source_select_free(evt_source_select *select);

#endif
