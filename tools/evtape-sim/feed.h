/*
 * feed.h - the source of what is sent: moving trackers, a trace, or lines.
 *
 * A feed is a list of items, each with a time.  The server asks for the time
 * of the next one, waits until it is due, and plays it; sim_play then says
 * what the item did to the world, or what to send to the clients.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_FEED_H
#define EVT_TOOLS_EVTAPE_SIM_FEED_H

#include "tools/evtape-sim/options.h"
#include "tools/evtape-sim/world.h"

/* The result of playing an item. */
typedef struct sim_play {
	bool is_state; /* tracker `no` has a new state; else send `text` */
	size_t no;
	const char *text; /* valid until the next call */
	size_t len;
} sim_play;

typedef struct sim_feed sim_feed;

typedef struct sim_feed_ops {
	/*
	 * When the next item is due, in ns from the first one, at speed 1.
	 * EVT_END: no item is left.  EVT_AGAIN: not known yet, call again
	 * later.  Else an error.  Without play() the answer stays the same.
	 */
	int (*next)(sim_feed *feed, int64_t *ret_at_ns, evt_error *err);
	/* Play the item that next() announced. */
	void (*play)(sim_feed *feed, sim_world *world, sim_play *ret_play);
	void (*free)(sim_feed *feed);
} sim_feed_ops;

struct sim_feed {
	const sim_feed_ops *ops;
};

static inline void
sim_feed_free(sim_feed *feed)
{
	if (feed != NULL)
		feed->ops->free(feed);
}

/*
 * Trackers that move at random: each in turn, in an order that is drawn once.
 * `rate`: changes a second over all trackers, in millionths.  `rate_max`: all
 * items are due at once; the world's clock still goes by `rate`.  `frames`: the
 * number of items (0: no end).  `live`: the caller sets the world's clock; else
 * it starts at world->now_ns and moves with the items.
 */
int sim_walk_new(const sim_world *world, int64_t rate, bool rate_max,
    int64_t frames, bool live, sim_feed **ret_feed, evt_error *err);

/*
 * A trace of vehicles from the CSV file `path`, sorted by time.  Makes the
 * world too: one tracker a vehicle, in the order of their ids.
 * Errors: EVT_ERR_IO, EVT_ERR_ARG (names file and line), EVT_ERR_NOMEM.
 */
int sim_trace_new(const char *path, uint64_t seed, sim_feed **ret_feed,
    sim_world **ret_world, evt_error *err);

/*
 * Lines of `<ns> <frame>` from the file `path` ("-": stdin).  They are read as
 * they are needed; one line is in memory at a time.  Errors as above, from
 * next() too.
 */
int sim_lines_new(const char *path, sim_feed **ret_feed, evt_error *err);

#endif
