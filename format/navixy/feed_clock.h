/*
 * feed_clock.h - find the offset from UTC of the local times that a feed writes.
 *
 * The platform writes times on the user's clock, without an offset.  The
 * `user_time` of an event is the time of its sending on that clock, so that it is
 * ahead of the receive time by the offset, less the delay.  Offsets are multiples
 * of a quarter of an hour, and a delay only makes the difference smaller:
 *   - A greater offset than before counts at once: the clocks went forward, or the
 *     events before it were late.
 *   - A smaller one counts when a few events over a minute are equally far ahead:
 *     the clocks went back.  Events that were held up by an outage come in a burst,
 *     or catch up, and are not.
 * Both count from the quarter of an hour on at which the clocks were changed.
 */
#ifndef EVT_FORMAT_NAVIXY_FEED_CLOCK_H
#define EVT_FORMAT_NAVIXY_FEED_CLOCK_H

#include "format/base/json_view.h"

#define EVT_FEED_CLOCK_MAX 8

/* Events that are equally far ahead of their receive times. */
struct evt_feed_clock_run {
	int64_t ahead_s;
	int64_t first_ns, last_ns; /* receive times */
	int64_t first_sent_ns;     /* by the feed's clock */
	unsigned n;
};

/* All zero is valid: no event was seen. */
typedef struct evt_feed_clock {
	/* The offsets found, and from when on; the first holds for all times before
	 * the second, whatever its time is. */
	struct evt_feed_clock_change {
		int64_t at_ns;
		int offset_s;
	} change[EVT_FEED_CLOCK_MAX];
	size_t n;
	struct evt_feed_clock_run now, smaller;
	int64_t sent_ns; /* the newest event that was not held up */
} evt_feed_clock;

/* How many seconds a stamp is ahead of time_ns; *ret_exact: it names its offset,
 * which this is.  false: v is not a stamp, or too far away for any time zone. */
bool evt_feed_clock_ahead(evt_json_view v, int64_t time_ns, int64_t *ret_s,
    bool *ret_exact);

/* Note an event that was received at time_ns (UTC) with a stamp that is `ahead_s`
 * ahead, less than a day.  Events come in the order of their receipt. */
void evt_feed_clock_see(evt_feed_clock *clock, int64_t ahead_s,
    int64_t time_ns);

/* Whether a few events over a minute agreed on an offset. */
bool evt_feed_clock_is_sure(const evt_feed_clock *clock);

/* Round a difference of less than a day to an offset. */
int evt_feed_clock_round(int64_t ahead_s);

#endif
