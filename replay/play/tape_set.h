/* tape_set.h - the tapes that are played together, merged by time. */
#ifndef EVT_REPLAY_PLAY_TAPE_SET_H
#define EVT_REPLAY_PLAY_TAPE_SET_H

#include "format/base/zone.h"
#include "replay/play/play_options.h"

typedef struct evt_tape_set {
	evt_tape *const *tape; /* the caller's */
	size_t n;
	/* Of a single tape: the sequence numbers, ascending, at which its
	 * recorder runs begin.  NULL for several tapes. */
	uint64_t *runs;
	size_t n_runs;
	/* The zone of the feed's local times, which must outlive the set; NULL: it
	 * is found on each tape.  evt_tape_set_open() sets NULL. */
	const evt_zone *feed_zone;
} evt_tape_set;

/*
 * Make a set of n open tapes, 1 or more.  The array and the tapes stay the
 * caller's and must outlive the set.  Errors: EVT_ERR_NOMEM.
 */
int evt_tape_set_open(evt_tape *const *tapes, size_t n, evt_tape_set *ret_set,
    evt_error *err);
/* The tapes stay open.  Does nothing to a set that is all zero. */
void evt_tape_set_close(evt_tape_set *set);

/*
 * The receive time, in ns, at which the window of the options begins: their
 * `from`, or else the first frame of all tapes.  Now, if they hold no frame yet.
 * Errors: those of evt_tape_span().
 */
int evt_tape_set_start(const evt_tape_set *set, const evt_play_options *play,
    int64_t *ret_ns, evt_error *err);

#endif
