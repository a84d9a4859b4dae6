/*
 * world.h - the trackers and how they move.
 *
 * The world is a pure function of its seed and of the times at which its
 * trackers are stepped: integers only, so that it is the same on every
 * machine and with every compiler.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_WORLD_H
#define EVT_TOOLS_EVTAPE_SIM_WORLD_H

#include "format/evtape.h"
#include "tools/evtape-sim/rng.h"

/* source_id = SIM_SOURCE_BASE + tracker id, unless a trace says otherwise:
 * a source id is not a tracker id. */
#define SIM_SOURCE_BASE 10000

enum sim_movement { SIM_PARKED, SIM_STOPPED, SIM_MOVING };

typedef struct sim_tracker {
	int64_t id;        /* as clients subscribe to it: from 1 */
	int64_t source_id; /* as events name it */
	int64_t lat;       /* 10^-15 degrees */
	int64_t lng;       /* 10^-14 degrees */
	int64_t home_lat, home_lng;
	int64_t stepped_ns;     /* when it was last moved; world time */
	int64_t phase_until_ns; /* when it stops, parks or drives off */
	/* Times that a state shows; epoch seconds. */
	int64_t gps_s, update_s, battery_s, gsm_s, inputs_s, outputs_s, track_s;
	sim_rng rng;
	int32_t alt;           /* m */
	int16_t heading;       /* degrees, 0 to 359 */
	int16_t speed, cruise; /* km/h */
	int8_t gps_signal;     /* percent */
	int8_t gsm_signal;     /* percent; -1: reports no network */
	int8_t battery;        /* percent; -1: the tracker has no battery */
	uint8_t operator_no;
	uint8_t inputs, outputs; /* bit i: line i + 1 is on */
	enum sim_movement movement;
	bool known; /* has a state */
	bool blocked;
	bool corrupt;    /* removed: sends nothing from then on */
	bool disallowed; /* this session may not subscribe to it */
} sim_tracker;

typedef struct sim_world {
	sim_tracker *tracker;
	size_t n;
	int64_t now_ns; /* what the users' clocks show; ns since the epoch */
	int utc_offset; /* of the user's time zone, seconds east */
	uint64_t seed;
} sim_world;

/* n trackers (1 or more) with ids from 1.  `known`: they are scattered around a
 * town, with a state as of now_ns; else each waits for sim_world_place().
 * Errors: EVT_ERR_NOMEM. */
int sim_world_new(size_t n, uint64_t seed, int64_t now_ns, bool known,
    sim_world **ret_world, evt_error *err);
void sim_world_free(sim_world *world);

/* The tracker with that id; NULL: no such tracker. */
sim_tracker *sim_world_find(const sim_world *world, int64_t id);

/* Move tracker `no` (from 0) on to world->now_ns. */
void sim_world_step(sim_world *world, size_t no);

/* Put tracker `no` somewhere at world->now_ns: 10^-15 and 10^-14 degrees,
 * km/h.  Its heading is the way from where it was. */
void sim_world_place(sim_world *world, size_t no, int64_t lat, int64_t lng,
    int speed);

#endif
