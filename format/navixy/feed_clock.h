/*
 * feed_clock.h - the offset from UTC of the local times that a feed writes.
 *
 * The platform writes times on the user's clock, without an offset.  The
 * `user_time` of an event is the time of its sending on that clock, so that its
 * difference from the receive time is the offset, less the delay.  Offsets are
 * multiples of a quarter of an hour, and a delay only makes one smaller: the
 * greatest of this hour and of the one before counts, so that a change of
 * daylight saving time is followed.
 */
#ifndef EVT_FORMAT_NAVIXY_FEED_CLOCK_H
#define EVT_FORMAT_NAVIXY_FEED_CLOCK_H

#include "format/base/json_view.h"

/* All zero is valid: no event was seen. */
typedef struct evt_feed_clock {
	int64_t hour; /* of the receive time, since 1970 */
	struct evt_feed_clock_hour {
		bool known;
		int offset_s;
	} now, before; /* this hour's greatest offset, and the one before's */
} evt_feed_clock;

/* Note the `user_time` of an event that was received at time_ns (UTC).  What is no
 * stamp, or is further away than any time zone, is left out. */
void evt_feed_clock_see(evt_feed_clock *clock, evt_json_view user_time,
    int64_t time_ns);

/* Seconds to subtract from a local time of the feed; 0: none is known. */
int evt_feed_clock_offset_s(const evt_feed_clock *clock);

#endif
