/* feed_clock.c - see feed_clock.h. */
#include "format/navixy/feed_clock.h"

#include <assert.h>

#include "format/base/clock.h"
#include "format/navixy/stamp_rewrite.h"

#define HOUR_S 3600
/* The zones of the world: from -12:00 to +14:00. */
#define LEAST_S (-12 * HOUR_S)
#define GREATEST_S (14 * HOUR_S)

void
evt_feed_clock_see(evt_feed_clock *clock, evt_json_view user_time,
    int64_t time_ns)
{
	int64_t hour = evt_clock_floor(time_ns, HOUR_S * EVT_NS_PER_S) /
	    (HOUR_S * EVT_NS_PER_S);
	int offset_s;

	assert(clock != NULL);
	if (!evt_stamp_rewrite_offset(user_time, time_ns, &offset_s) ||
	    offset_s < LEAST_S || offset_s > GREATEST_S)
		return;
	if (hour != clock->hour) {
		/* After a longer silence, what was known still is the best. */
		if (clock->now.known)
			clock->before = clock->now;
		clock->now.known = false;
		clock->hour = hour;
	}
	if (!clock->now.known || offset_s > clock->now.offset_s) {
		clock->now.known = true;
		clock->now.offset_s = offset_s;
	}
}

int
evt_feed_clock_offset_s(const evt_feed_clock *clock)
{
	if (!clock->now.known)
		return 0;
	return clock->before.known &&
	        clock->before.offset_s > clock->now.offset_s ?
	    clock->before.offset_s :
	    clock->now.offset_s;
}
