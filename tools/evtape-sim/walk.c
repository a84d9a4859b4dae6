/* walk.c - the feed of trackers that move at random; see feed.h. */
#include <assert.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/base/timetext.h"
#include "tools/evtape-sim/feed.h"

struct walk {
	sim_feed base;
	int64_t rate;
	bool unpaced, live;
	uint64_t left; /* items */
	uint64_t k;    /* items played */
	int64_t start_ns;
	uint32_t *order;
	size_t n, at;
};

/* Item k is due at k / rate: computed from k, so that no error adds up. */
static int64_t
sim_walk_item_ns(const struct walk *w)
{
	return (int64_t)((unsigned __int128)w->k * EVT_NS_PER_S * SIM_MICRO /
	    (uint64_t)w->rate);
}

static int
sim_walk_next(sim_feed *feed, int64_t *ret_at_ns, evt_error *err)
{
	struct walk *w = (struct walk *)feed;

	(void)err;
	if (w->left == 0)
		return EVT_END;
	*ret_at_ns = w->unpaced ? 0 : sim_walk_item_ns(w);
	return EVT_OK;
}

static void
sim_walk_play(sim_feed *feed, sim_world *world, sim_play *ret_play)
{
	struct walk *w = (struct walk *)feed;
	size_t no = w->order[w->at];

	if (!w->live)
		world->now_ns = w->start_ns + sim_walk_item_ns(w);
	w->k++;
	w->left--;
	w->at = w->at + 1 < w->n ? w->at + 1 : 0;
	if (!world->tracker[no].corrupt)
		sim_world_step(world, no);
	*ret_play = (sim_play){ .is_state = true, .no = no };
}

static void
sim_walk_free(sim_feed *feed)
{
	free(((struct walk *)feed)->order);
	free(feed);
}

static const sim_feed_ops walk_ops = { sim_walk_next, sim_walk_play,
	sim_walk_free };

int
sim_walk_new(const sim_world *world, int64_t rate, bool rate_max,
    int64_t frames, bool live, sim_feed **ret_feed, evt_error *err)
{
	struct walk *w = calloc(1, sizeof(*w));
	sim_rng rng = sim_rng_stream(world->seed, 0);

	assert(world != NULL && world->n > 0 && ret_feed != NULL);
	if (w == NULL)
		return evt_err_nomem(err);
	w->order = calloc(world->n, sizeof(*w->order));
	if (w->order == NULL) {
		free(w);
		return evt_err_nomem(err);
	}
	w->base.ops = &walk_ops;
	w->rate = rate;
	w->unpaced = rate_max;
	w->live = live;
	w->left = frames > 0 ? (uint64_t)frames : UINT64_MAX;
	w->start_ns = world->now_ns;
	w->n = world->n;
	/* Fisher and Yates, inside out. */
	for (size_t i = 0; i < w->n; i++) {
		size_t j = (size_t)sim_rng_below(&rng, i + 1);

		w->order[i] = w->order[j];
		w->order[j] = (uint32_t)i;
	}
	*ret_feed = &w->base;
	return EVT_OK;
}
