/* tape_trackers.h - the platform's list of trackers, as a tape knew it. */
#ifndef EVT_FORMAT_READ_TAPE_TRACKERS_H
#define EVT_FORMAT_READ_TAPE_TRACKERS_H

#include <stdint.h>

#include "format/evtape.h"
#include "format/navixy/trackers.h"

/*
 * Load the list as it was known at `at_ns` (UTC): from the last trackers mark
 * at or before that time, or else from the first one after it.  A mark that is
 * damaged or holds no list is skipped in favour of the next best.  The caller
 * frees *ret_trackers with evt_trackers_free(); it may outlive the tape.
 * Errors: EVT_ERR_NOTFOUND if the tape has no list; those of reading.
 */
int evt_tape_trackers_load(evt_tape *tape, int64_t at_ns,
    evt_trackers **ret_trackers, evt_error *err);

#endif
