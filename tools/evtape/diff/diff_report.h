/*
 * diff_report.h - print the differences of two tapes, and their totals, for
 * `evtape diff`.
 *
 * The pairs come from a diff_store.  The frames of a pair that differs are
 * fetched again from the tapes, to print the fields that changed.
 */
#ifndef EVT_TOOLS_EVTAPE_DIFF_DIFF_REPORT_H
#define EVT_TOOLS_EVTAPE_DIFF_DIFF_REPORT_H

#include "format/base/json_view.h"
#include "format/base/strings.h"
#include "format/keys/json_scan.h"
#include "format/navixy/frame_items.h"
#include "tools/evtape/diff/diff_store.h"

typedef struct diff_report_options {
	bool json;     /* JSON lines in place of text */
	bool summary;  /* only the totals */
	int64_t limit; /* at most this many differences */
	/* Fields that are ignored: pointers into a frame, and into a state of a
	 * batch. */
	const evt_strings *in_frame, *in_batch;
} diff_report_options;

typedef struct diff_report diff_report;

/* The value of a record that is compared: a state of a batch, or the whole
 * frame. */
evt_json_view diff_report_value(const evt_frame_items *records,
    const evt_frame_item *record);

/* Prints to stdout.  Everything given must outlive the report.  Errors:
 * EVT_ERR_NOMEM. */
int diff_report_new(evt_tape *const tapes[2], diff_store *store,
    evt_json_scanner *scanner, const diff_report_options *options,
    diff_report **ret_report, evt_error *err);

/* Print the differences of the aligned store, then the totals.  EVT_END: the
 * reader of stdout went away.  Errors: EVT_ERR_IO, _NOMEM, _NOTFOUND (retention
 * removed a frame), and those of evt_cursor_next(). */
int diff_report_print(diff_report *report, const diff_totals *totals,
    evt_error *err);

/* `report` may be NULL. */
void diff_report_free(diff_report *report);

#endif
