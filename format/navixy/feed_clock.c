/* feed_clock.c - see feed_clock.h. */
#include "format/navixy/feed_clock.h"

#include <assert.h>

#include "format/base/clock.h"
#include "format/navixy/stamp_rewrite.h"

#define QUARTER_S 900
/* The zones of the world: from -12:00 to +14:00. */
#define LEAST_S (-12 * 3600)
#define GREATEST_S (14 * 3600)
/* Events agree if their differences do within this. */
#define ALIKE_S 30
/* So many that agree, over so long a time, are no accident. */
#define ENOUGH 3
#define LONG_ENOUGH_NS (60 * EVT_NS_PER_S)

int
evt_feed_clock_round(int64_t ahead_s)
{
	assert(ahead_s > -86400 && ahead_s < 86400);
	return (int)((ahead_s +
	                 (ahead_s < 0 ? -QUARTER_S / 2 : QUARTER_S / 2)) /
	           QUARTER_S) *
	    QUARTER_S;
}

bool
evt_feed_clock_ahead(evt_json_view v, int64_t time_ns, int64_t *ret_s,
    bool *ret_exact)
{
	int64_t s, ahead;
	bool iso;
	int offset_s;

	assert(ret_s != NULL && ret_exact != NULL);
	if (!evt_stamp_rewrite_read(v, &s, &iso, &offset_s))
		return false;
	ahead = iso ? offset_s :
	              s - evt_clock_floor(time_ns, EVT_NS_PER_S) / EVT_NS_PER_S;
	if (ahead < LEAST_S - QUARTER_S / 2 ||
	    ahead > GREATEST_S + QUARTER_S / 2)
		return false;
	*ret_s = ahead;
	*ret_exact = iso;
	return true;
}

/* When an event was sent, by the feed's clock, in UTC. */
static int64_t
feed_clock_sent(int64_t ahead_s, int64_t time_ns)
{
	return evt_clock_add(time_ns,
	    (ahead_s - evt_feed_clock_round(ahead_s)) * EVT_NS_PER_S);
}

/* Count an event into a run.  One that is further ahead begins another run, since
 * those before it were late; and one that is less far ahead is late. */
static void
feed_clock_count(struct evt_feed_clock_run *run, int64_t ahead_s,
    int64_t time_ns)
{
	if (run->n == 0 || ahead_s > run->ahead_s + ALIKE_S)
		*run = (struct evt_feed_clock_run){ .ahead_s = ahead_s,
			.first_ns = time_ns,
			.first_sent_ns = feed_clock_sent(ahead_s, time_ns) };
	if (ahead_s >= run->ahead_s - ALIKE_S) {
		run->last_ns = time_ns;
		run->n++;
	}
}

static bool
feed_clock_is_enough(const struct evt_feed_clock_run *run)
{
	return run->n >= ENOUGH &&
	    evt_clock_sub(run->last_ns, run->first_ns) >= LONG_ENOUGH_NS;
}

bool
evt_feed_clock_is_sure(const evt_feed_clock *clock)
{
	return clock->n > 1 || feed_clock_is_enough(&clock->now);
}

/* The clocks were changed after the last event so far, and not after `first_ns`, when
 * the first event after it was sent: at a quarter of an hour, if there is one. */
static void
feed_clock_change(evt_feed_clock *clock, int offset_s, int64_t first_ns)
{
	int64_t quarter = evt_clock_floor(first_ns, QUARTER_S * EVT_NS_PER_S);

	if (clock->n < EVT_FEED_CLOCK_MAX)
		clock->n++;
	clock->change[clock->n - 1].at_ns =
	    quarter > clock->sent_ns ? quarter : first_ns;
	clock->change[clock->n - 1].offset_s = offset_s;
}

void
evt_feed_clock_see(evt_feed_clock *clock, int64_t ahead_s, int64_t time_ns)
{
	int offset_s = evt_feed_clock_round(ahead_s), known_s;
	int64_t sent_ns = feed_clock_sent(ahead_s, time_ns);

	assert(clock != NULL);
	if (clock->n == 0) {
		clock->n = 1;
		clock->change[0].at_ns = time_ns;
		clock->change[0].offset_s = offset_s;
		clock->sent_ns = sent_ns;
	}
	known_s = clock->change[clock->n - 1].offset_s;
	if (offset_s < known_s) {
		feed_clock_count(&clock->smaller, ahead_s, time_ns);
		if (!feed_clock_is_enough(&clock->smaller))
			return;
		feed_clock_change(clock,
		    evt_feed_clock_round(clock->smaller.ahead_s),
		    clock->smaller.first_sent_ns);
		clock->now = clock->smaller;
	} else if (offset_s > known_s && feed_clock_is_enough(&clock->now)) {
		feed_clock_change(clock, offset_s, sent_ns);
		clock->now.n = 0;
	} else if (offset_s > known_s) {
		/* The events before were late, or the first after a change. */
		clock->change[clock->n - 1].offset_s = offset_s;
		clock->now.n = 0;
		clock->sent_ns = sent_ns;
	}
	clock->smaller.n = 0;
	if (sent_ns > clock->sent_ns)
		clock->sent_ns = sent_ns;
	if (offset_s >= known_s)
		feed_clock_count(&clock->now, ahead_s, time_ns);
}
