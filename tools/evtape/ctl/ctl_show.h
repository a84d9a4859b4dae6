/*
 * ctl_show.h - what a replayer answered, for people.
 *
 * v is the whole answer, which is well-formed; members that are not what they
 * should be are left out.  All append lines to *out; false: out of memory.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_CTL_SHOW_H
#define EVT_TOOLS_EVTAPE_CTL_CTL_SHOW_H

#include "format/base/json_view.h"

/* Where the deck is and what it does, on one line. */
bool ctl_show_deck(evt_json_view v, evt_buf *out);
/* Paths, then times and counts, then events. */
bool ctl_show_tape(evt_json_view v, evt_buf *out);
/* A line each. */
bool ctl_show_gaps(evt_json_view v, evt_buf *out);
bool ctl_show_marks(evt_json_view v, evt_buf *out);
bool ctl_show_sources(evt_json_view v, evt_buf *out);

#endif
