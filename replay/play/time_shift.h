/*
 * time_shift.h - moves the times of frames, so that a recording of last year
 * plays as if it happened now.
 *
 * Receive times move by a whole number of seconds.  The stamps in payloads (see
 * stamp_rewrite.h) move by the same, so that all intervals stay as they are.
 */
#ifndef EVT_REPLAY_PLAY_TIME_SHIFT_H
#define EVT_REPLAY_PLAY_TIME_SHIFT_H

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct evt_time_shift evt_time_shift;

/* Move frames received at from_ns to to_ns, to within a second.
 * Errors: EVT_ERR_NOMEM. */
int evt_time_shift_new(int64_t from_ns, int64_t to_ns,
    evt_time_shift **ret_shift, evt_error *err);
void evt_time_shift_free(evt_time_shift *shift);

/* The number of ns that is added to times. */
int64_t evt_time_shift_ns(const evt_time_shift *shift);

/*
 * Change the frame's times, and the stamps in its payload if that is JSON: the
 * payload then belongs to the shift, and is valid until the next call.  shift
 * NULL: change nothing.  Errors: EVT_ERR_NOMEM.
 */
int evt_time_shift_frame(evt_time_shift *shift, evt_frame *frame,
    evt_error *err);

#endif
