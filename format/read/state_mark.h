/* state_mark.h - the frames after a mark "state": they are older than the tape that
 * begins with them, and the mark has the times at which they were received. */
#ifndef EVT_FORMAT_READ_STATE_MARK_H
#define EVT_FORMAT_READ_STATE_MARK_H

#include "format/evtape.h"

/* Zero-initialised is a valid empty one. */
typedef struct evt_state_mark {
	uint64_t first,
	    end;     /* numbers of the frames: from first on, below end */
	int64_t *ns; /* their receive times, UTC; n of them */
	size_t n, cap;
	int64_t otherwise_ns; /* of those without a time: that of the mark */
} evt_state_mark;

/* Take what the frame, which is such a mark, says; what was taken before is
 * replaced.  A mark that names no frame is an empty one.  Errors: EVT_ERR_NOMEM. */
int evt_state_mark_take(evt_state_mark *s, const evt_frame *mark,
    evt_error *err);
/* Whether the frame with this number is one of them; then *ret_ns is when it was
 * received. */
bool evt_state_mark_has(const evt_state_mark *s, uint64_t seq, int64_t *ret_ns);
void evt_state_mark_free(evt_state_mark *s);

#endif
