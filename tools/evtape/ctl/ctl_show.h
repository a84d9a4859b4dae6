/*
 * ctl_show.h - print the answers of an evtape-replay as text.
 *
 * `v` is the whole answer, well-formed JSON.  Members of an unexpected type are
 * left out.  All functions append lines to *out; false: out of memory.
 */
#ifndef EVT_TOOLS_EVTAPE_CTL_CTL_SHOW_H
#define EVT_TOOLS_EVTAPE_CTL_CTL_SHOW_H

#include "format/base/json_view.h"

/* The position and state of the deck, on one line. */
bool ctl_show_deck(evt_json_view v, evt_buf *out);
/* Paths, then times and counts, then events. */
bool ctl_show_tape(evt_json_view v, evt_buf *out);
/* One line each. */
bool ctl_show_gaps(evt_json_view v, evt_buf *out);
bool ctl_show_marks(evt_json_view v, evt_buf *out);
bool ctl_show_sources(evt_json_view v, evt_buf *out);

#endif
