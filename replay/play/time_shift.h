/*
 * rebase.h - frames with other times: so that what was recorded last year
 * happens now.
 *
 * Receive times move by a whole number of seconds, the event's own stamps (see
 * restamp.h) by the same, so that all that lies between them stays.
 */
#ifndef EVT_REPLAY_PLAY_TIME_SHIFT_H
#define EVT_REPLAY_PLAY_TIME_SHIFT_H

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct evt_time_shift evt_time_shift;

/* Move what was received at from_ns to to_ns, within a second.  Errors:
 * EVT_ERR_NOMEM. */
int evt_time_shift_new(int64_t from_ns, int64_t to_ns,
    evt_time_shift **ret_rebase, evt_error *err);
void evt_time_shift_free(evt_time_shift *rebase);

/* What is added to times, ns. */
int64_t evt_time_shift_ns(const evt_time_shift *rebase);

/*
 * Change the frame's times, and the stamps in its payload where that is JSON;
 * it then points into the rebase until the next call.  rebase NULL: nothing is
 * changed.  Errors: EVT_ERR_NOMEM.
 */
int evt_time_shift_frame(evt_time_shift *rebase, evt_frame *frame,
    evt_error *err);

#endif
