/* find_track.c - see find_track.h. */
#include "format/find/find_track.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

#include "format/base/clock.h"

#define EARTH_M 6371008.8 /* mean radius */
#define RADIANS (3.14159265358979323846 / 180)

double
evt_find_track_distance(double lat_a, double lng_a, double lat_b, double lng_b)
{
	double a = lat_a * RADIANS, b = lat_b * RADIANS;
	double s = sin((b - a) / 2);
	double t = sin((lng_b - lng_a) * RADIANS / 2);
	double h = s * s + cos(a) * cos(b) * t * t;

	return 2 * EARTH_M * asin(sqrt(h < 1 ? h : 1));
}

static double
find_track_seconds(int64_t from_ns, int64_t to_ns)
{
	return (double)evt_clock_sub(to_ns, from_ns) / EVT_NS_PER_S;
}

/* How fast the source was between its last place and this one, by the times of the
 * fixes.  If these are not known or are the same, though the places differ, the
 * receive times count.  Stamps have whole seconds, so that less than one counts as
 * one. */
static double
find_track_speed(const evt_find_track *t, const evt_find_track_item *item,
    double distance)
{
	bool stamped = item->place.clock != 0 &&
	    item->place.clock == t->place.clock &&
	    item->place.at_ns != t->place.at_ns;
	double s = stamped ?
	    find_track_seconds(t->place.at_ns, item->place.at_ns) :
	    find_track_seconds(t->place_ns, item->time_ns);

	s = fabs(s);
	return distance / (s < 1 ? 1 : s);
}

static void
find_track_see_place(evt_find_track *t, const evt_find_track_item *item,
    evt_find_track_found *found)
{
	if (t->has_place && !item->seed) {
		found->from = t->place;
		found->from_ns = t->place_ns;
		found->jump_m = evt_find_track_distance(t->place.lat,
		    t->place.lng, item->place.lat, item->place.lng);
		found->speed_ms = find_track_speed(t, item, found->jump_m);
	}
	t->has_place = true;
	t->place = item->place;
	t->place_ns = item->time_ns;
	t->place_seq = item->seq;
}

/* Whether the source still is at one place, and says that it moves. */
static void
find_track_see_still(evt_find_track *t, const evt_find_track_item *item,
    evt_find_track_found *found)
{
	if (!item->moving) {
		t->still = false;
		return;
	}
	if (t->still &&
	    evt_find_track_distance(t->still_lat, t->still_lng, item->place.lat,
	        item->place.lng) < EVT_FIND_TRACK_PLACE_M) {
		found->stuck_before_s =
		    find_track_seconds(t->still_since_ns, t->still_last_ns);
		found->stuck_s =
		    find_track_seconds(t->still_since_ns, item->time_ns);
		found->stuck_since_ns = t->still_since_ns;
	} else {
		t->still = true;
		t->still_lat = item->place.lat;
		t->still_lng = item->place.lng;
		t->still_since_ns = item->time_ns;
	}
	t->still_last_ns = item->time_ns;
}

static void
find_track_see_own(evt_find_track *t, const evt_find_track_item *item,
    evt_find_track_found *found)
{
	found->late_known = true;
	found->late_s = find_track_seconds(item->own_ns, item->time_ns);
	found->out_of_order = t->has_own && item->own_ns < t->own_ns;
	found->own_ns = item->own_ns;
	found->own_before_ns = t->own_ns;
	if (!t->has_own || item->own_ns > t->own_ns)
		t->own_ns = item->own_ns;
	t->has_own = true;
}

static void
find_track_see_copy(evt_find_track *t, const evt_find_track_item *item,
    evt_find_track_found *found)
{
	struct evt_find_track_copy *last = t->last;

	/* The one of this event, or else the oldest. */
	for (size_t i = 0; i < EVT_FIND_TRACK_EVENTS; i++) {
		struct evt_find_track_copy *copy = &t->last[i];

		if (copy->hash != 0 && copy->event == item->event) {
			last = copy;
			break;
		}
		if (last->hash != 0 &&
		    (copy->hash == 0 || copy->time_ns < last->time_ns))
			last = copy;
	}
	found->duplicate = last->hash != 0 && last->hash == item->hash &&
	    last->event == item->event;
	found->copy_ns = last->time_ns;
	*last = (struct evt_find_track_copy){ item->hash, item->event,
		item->time_ns };
}

void
evt_find_track_see(evt_find_track *t, const evt_find_track_item *item,
    evt_find_track_found *found)
{
	assert(t != NULL && item != NULL && found != NULL);
	*found = (evt_find_track_found){ .silent_s = -1,
		.jump_m = -1,
		.speed_ms = -1,
		.stuck_s = -1,
		.stuck_before_s = -1 };
	if (t->heard && !item->seed) {
		found->silent_s =
		    find_track_seconds(t->heard_ns, item->time_ns);
		found->heard_ns = t->heard_ns;
	}
	/* Of seeds, the last one counts for each part of the track. */
	if (item->has_place &&
	    (!item->seed || !t->has_place || item->seq > t->place_seq)) {
		find_track_see_place(t, item, found);
		find_track_see_still(t, item, found);
	}
	if (item->has_own)
		find_track_see_own(t, item, found);
	find_track_see_copy(t, item, found);
	if (!t->heard || !item->seed || item->seq > t->heard_seq) {
		t->heard = true;
		t->heard_ns = item->time_ns;
		t->heard_seq = item->seq;
	}
}
