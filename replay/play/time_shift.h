/*
 * rebase.h - frames with other times: so that what was recorded last year
 * happens now.
 *
 * Receive times move by a whole number of seconds, the event's own stamps (see
 * restamp.h) by the same, so that all that lies between them stays.
 */
#ifndef EVT_REBASE_H
#define EVT_REBASE_H

#include "format/base/buf.h"
#include "format/evtape.h"

typedef struct evt_rebase evt_rebase;

/* Move what was received at from_ns to to_ns, within a second.  Errors:
 * EVT_ERR_NOMEM. */
int evt_rebase_new(int64_t from_ns, int64_t to_ns, evt_rebase **ret_rebase,
    evt_error *err);
void evt_rebase_free(evt_rebase *rebase);

/* What is added to times, ns. */
int64_t evt_rebase_shift(const evt_rebase *rebase);

/*
 * Change the frame's times, and the stamps in its payload where that is JSON;
 * it then points into the rebase until the next call.  rebase NULL: nothing is
 * changed.  Errors: EVT_ERR_NOMEM.
 */
int evt_rebase_frame(evt_rebase *rebase, evt_frame *frame, evt_error *err);

#endif
