/*
 * not_found.h - what a program reports when a selection of frames is empty: the
 * times that the tapes span, and the ids and events nearest to the ones that no
 * tape has.
 */
#ifndef EVT_TOOLS_NOT_FOUND_H
#define EVT_TOOLS_NOT_FOUND_H

#include "format/evtape.h"
#include "tools/cli.h"

/* Whether a frame that passed `filter` was selected by it.  A mark that passes
 * only because of `with_marks` was not. */
bool not_found_counts(const evt_filter *filter, const evt_frame *frame);

/*
 * Report on stderr that no frame of the `n` tapes passed the filter.  The first
 * line names the tapes' span, and the window if there is one; further lines
 * explain each source and event that no tape has.  A fault of reading makes the
 * report shorter, nothing else.
 */
void not_found_report(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    const evt_filter *filter);

/* Look for the first frame that passes `filter`, and report as above if there is
 * none.  Nothing is reported if a recorder may still add one. */
void not_found_check(const cli_command *cmd, evt_tape *const *tapes, size_t n,
    const evt_filter *filter);

#endif
