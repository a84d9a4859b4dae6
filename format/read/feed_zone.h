/*
 * feed_zone.h - the time zone of the local times on a tape.
 *
 * It is found from the tape's frames (feed_clock.h): from user_time, or in feeds
 * without it from the newest last_update and gps/updated.  A few frames are read at
 * the ends of each week, and more where the offset changes between them.  The
 * answer for a time hangs on the tape alone and not on what else was read of it, so
 * that a window has the times that the whole tape has there.
 */
#ifndef EVT_FORMAT_READ_FEED_ZONE_H
#define EVT_FORMAT_READ_FEED_ZONE_H

#include "format/base/zone.h"

typedef struct evt_feed_zone evt_feed_zone;

/* `tape` must outlive it.  `set`: the zone, if it is known and must not be looked
 * for, which must outlive it too; else NULL.  Errors: EVT_ERR_NOMEM. */
int evt_feed_zone_new(evt_tape *tape, const evt_zone *set, evt_feed_zone **ret,
    evt_error *err);
void evt_feed_zone_free(evt_feed_zone *z);

/* The zone of the local times in a frame that was received at time_ns.  *ret_zone
 * is valid until the next call; NULL: it is not known.  Errors: those of reading. */
int evt_feed_zone_at(evt_feed_zone *z, int64_t time_ns,
    const evt_zone **ret_zone, evt_error *err);

/* What the last answer was found from. */
enum evt_feed_zone_basis {
	EVT_FEED_ZONE_NO_TIMES, /* no local time was seen, and no zone found */
	EVT_FEED_ZONE_UNKNOWN, /* there are local times, but no zone was found */
	EVT_FEED_ZONE_USER_TIME, /* the times of sending */
	EVT_FEED_ZONE_STATES,    /* the own times of new states */
	EVT_FEED_ZONE_SET        /* it was given */
};
enum evt_feed_zone_basis evt_feed_zone_get_basis(const evt_feed_zone *z);

#endif
