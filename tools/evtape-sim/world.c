/*
 * world.c - trackers that drive, stop and park, in integers.
 *
 * A degree of latitude is 111.32 km, so a micrometre is 8983 units of 10^-15
 * degrees.  Sine and cosine come from Bhaskara's rational formula, good to
 * 0.2 %, which no libm can round differently.
 */
#include "tools/evtape-sim/world.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

#define DEG15 INT64_C(1000000000000000)
#define DEG14 INT64_C(100000000000000)
#define ONE 65536 /* of sines */
/* Longest time that one step moves over: a tracker that was silent longer is
 * found that much further on. */
#define STEP_MAX_US INT64_C(60000000)

/* sin(deg) * ONE, for 0 <= deg <= 180. */
static int64_t
sim_world_half_sine(int deg)
{
	int64_t a = (int64_t)deg * (180 - deg);

	return 4 * a * ONE / (40500 - a);
}

static int64_t
sim_world_sine(int deg)
{
	deg = (deg % 360 + 360) % 360;
	return deg <= 180 ? sim_world_half_sine(deg) :
	                    -sim_world_half_sine(deg - 180);
}

static void
sim_world_settle(sim_tracker *t, size_t no, uint64_t seed, int64_t now_ns)
{
	sim_rng *r = &t->rng;
	int64_t now_s = now_ns / EVT_NS_PER_S;

	*r = sim_rng_stream(seed, no + 1);
	t->id = (int64_t)no + 1;
	t->source_id = SIM_SOURCE_BASE + t->id;
	t->lat = 14 * DEG15 + sim_rng_between(r, 0, 999999999) * 666667;
	t->lng = -90 * DEG14 - sim_rng_between(r, 0, 999999999) * 99991;
	t->alt = (int32_t)sim_rng_between(r, 5, 1500);
	t->heading = (int16_t)sim_rng_below(r, 360);
	t->cruise = (int16_t)sim_rng_between(r, 30, 110);
	t->gps_signal = (int8_t)sim_rng_between(r, 60, 100);
	t->gsm_signal =
	    sim_rng_below(r, 2) == 0 ? -1 : (int8_t)sim_rng_between(r, 30, 100);
	t->battery =
	    sim_rng_below(r, 2) == 0 ? -1 : (int8_t)sim_rng_between(r, 20, 100);
	t->operator_no = (uint8_t)sim_rng_below(r, 4);
	t->movement = sim_rng_below(r, 10) < 7 ? SIM_MOVING : SIM_PARKED;
	t->speed = t->movement == SIM_MOVING ? t->cruise / 2 : 0;
	t->inputs = t->movement == SIM_MOVING;
	t->home_lat = t->lat;
	t->home_lng = t->lng;
	t->stepped_ns = now_ns;
	t->phase_until_ns = now_ns + sim_rng_between(r, 5, 300) * EVT_NS_PER_S;
	t->update_s = now_s - sim_rng_between(r, 0, 9);
	t->gps_s = t->update_s - sim_rng_between(r, 0, 3);
	t->battery_s = t->gsm_s = t->gps_s;
	t->inputs_s = now_s - sim_rng_between(r, 60, 7200);
	t->outputs_s = now_s - sim_rng_between(r, 3600, 86400);
	t->track_s = now_s - sim_rng_between(r, 60, 1200000);
}

int
sim_world_new(size_t n, uint64_t seed, int64_t now_ns, bool known,
    sim_world **ret_world, evt_error *err)
{
	sim_world *w = calloc(1, sizeof(*w));

	assert(n >= 1 && ret_world != NULL);
	if (w == NULL)
		return evt_err_nomem(err);
	w->tracker = calloc(n, sizeof(*w->tracker));
	if (w->tracker == NULL) {
		free(w);
		return evt_err_nomem(err);
	}
	w->n = n;
	w->seed = seed;
	w->now_ns = now_ns;
	for (size_t i = 0; i < n; i++) {
		sim_world_settle(&w->tracker[i], i, seed, now_ns);
		w->tracker[i].known = known;
	}
	*ret_world = w;
	return EVT_OK;
}

void
sim_world_free(sim_world *world)
{
	if (world == NULL)
		return;
	free(world->tracker);
	free(world);
}

sim_tracker *
sim_world_find(const sim_world *world, int64_t id)
{
	if (id < 1 || (uint64_t)id > world->n || world->tracker[id - 1].corrupt)
		return NULL;
	return &world->tracker[id - 1];
}

static int
sim_world_clamp(int64_t v, int lo, int hi)
{
	return v < lo ? lo : v > hi ? hi : (int)v;
}

static void
sim_world_move(sim_tracker *t, int64_t us)
{
	int64_t um = (us > STEP_MAX_US ? STEP_MAX_US : us) * t->speed * 5 / 18;
	int64_t way = um * 8983, cos_lat;

	t->lat += way / ONE * sim_world_sine(t->heading + 90);
	cos_lat = sim_world_sine((int)(t->lat / DEG15) + 90);
	t->lng += way / 10 / cos_lat * sim_world_sine(t->heading);
}

/* The way home, to 45 degrees. */
static int
sim_world_way_home(const sim_tracker *t)
{
	int ns = t->home_lat > t->lat ? 1 : -1,
	    we = t->home_lng > t->lng ? 1 : -1;

	return ns > 0 ? (we > 0 ? 45 : 315) : (we > 0 ? 135 : 225);
}

static bool
sim_world_strayed(const sim_tracker *t)
{
	return llabs(t->lat - t->home_lat) > DEG15 / 4 ||
	    llabs(t->lng - t->home_lng) > DEG14 / 4;
}

/* The end of a phase: a traffic light turns green, or the driver stops for the
 * day. */
static void
sim_world_change_phase(sim_tracker *t, int64_t now_ns)
{
	sim_rng *r = &t->rng;
	int64_t now_s = now_ns / EVT_NS_PER_S, last_s;

	if (t->movement != SIM_MOVING) {
		if (t->movement == SIM_PARKED) {
			t->inputs |= 1; /* ignition */
			t->inputs_s = t->track_s = now_s;
		}
		t->movement = SIM_MOVING;
		t->cruise = (int16_t)sim_rng_between(r, 30, 110);
		last_s = sim_rng_between(r, 30, 400);
	} else if (sim_rng_below(r, 5) > 0) {
		t->movement = SIM_STOPPED;
		last_s = sim_rng_between(r, 5, 60);
	} else {
		t->movement = SIM_PARKED;
		t->inputs &= (uint8_t)~1u;
		t->inputs_s = now_s;
		last_s = sim_rng_between(r, 120, 1800);
	}
	t->phase_until_ns = now_ns + last_s * EVT_NS_PER_S;
}

static void
sim_world_drive(sim_tracker *t)
{
	sim_rng *r = &t->rng;
	int turn = (int)sim_rng_between(r, -8, 8);

	if (t->movement != SIM_MOVING) {
		t->speed = 0;
		return;
	}
	t->speed = (int16_t)sim_world_clamp(t->speed +
	        (t->cruise - t->speed) / 6 + sim_rng_between(r, -6, 6),
	    3, 130);
	if (sim_world_strayed(t))
		t->heading = (int16_t)sim_world_way_home(t);
	else if (sim_rng_below(r, 20) == 0)
		turn = sim_rng_below(r, 2) == 0 ? 90 : -90;
	t->heading = (int16_t)((t->heading + turn + 360) % 360);
	t->alt = sim_world_clamp(t->alt + sim_rng_between(r, -2, 2), 1, 3000);
}

static void
sim_world_measure(sim_tracker *t, int64_t now_s)
{
	sim_rng *r = &t->rng;
	uint64_t dice = sim_rng_next(r);

	t->update_s = now_s - (int64_t)(dice & 3);
	t->gps_s = t->update_s - (int64_t)(dice >> 2 & 3);
	t->gps_signal =
	    (int8_t)sim_world_clamp(t->gps_signal + sim_rng_between(r, -3, 3),
	        40, 100);
	if (t->gsm_signal >= 0) {
		t->gsm_signal = (int8_t)sim_world_clamp(t->gsm_signal +
		        sim_rng_between(r, -4, 4),
		    10, 100);
		t->gsm_s = t->gps_s;
	}
	if (t->battery >= 0 && (dice >> 8 & 63) == 0) {
		t->battery = t->battery < 12 ? 100 : t->battery - 1;
		t->battery_s = t->gps_s;
	}
	if ((dice >> 16 & 255) == 0) {
		t->outputs ^= (uint8_t)(1u << (dice >> 24 & 1));
		t->outputs_s = now_s;
	}
}

void
sim_world_step(sim_world *world, size_t no)
{
	sim_tracker *t = &world->tracker[no];
	int64_t now = world->now_ns;

	assert(no < world->n);
	sim_world_move(t, (now - t->stepped_ns) / EVT_NS_PER_US);
	t->stepped_ns = now;
	if (now >= t->phase_until_ns)
		sim_world_change_phase(t, now);
	sim_world_drive(t);
	sim_world_measure(t, now / EVT_NS_PER_S);
	t->known = true;
}

void
sim_world_place(sim_world *world, size_t no, int64_t lat, int64_t lng,
    int speed)
{
	sim_tracker *t = &world->tracker[no];
	double north = (double)(lat - t->lat) / 10,
	       east = (double)(lng - t->lng);
	int64_t now_s = world->now_ns / EVT_NS_PER_S;

	assert(no < world->n);
	if (t->known && (north != 0 || east != 0)) {
		east *= (double)sim_world_sine((int)(lat / DEG15) + 90) / ONE;
		t->heading =
		    (int16_t)((int)lround(
		                  atan2(east, north) * 180 / M_PI + 360) %
		        360);
	}
	t->lat = lat;
	t->lng = lng;
	t->speed = (int16_t)sim_world_clamp(speed, 0, 1000);
	t->movement = speed > 0 ? SIM_MOVING : SIM_STOPPED;
	t->stepped_ns = world->now_ns;
	sim_world_measure(t, now_s);
	t->update_s = t->gps_s = now_s;
	t->known = true;
}
