/*
 * find_track.h - what the items of one source say together: jumps, silences,
 * places that stay the same, times that go back.
 *
 * A track holds a few numbers of its source's last items, whatever their number.
 */
#ifndef EVT_FORMAT_FIND_FIND_TRACK_H
#define EVT_FORMAT_FIND_FIND_TRACK_H

#include <stdbool.h>
#include <stdint.h>

/* Two positions that are nearer than this are one place: receivers at rest waver. */
#define EVT_FIND_TRACK_PLACE_M 20.0

/* An item as a track sees it. */
typedef struct evt_find_track_item {
	int64_t time_ns; /* received */
	uint64_t seq;
	/* The item was received before the window.  Seeds may come in any order,
	 * and nothing is found at them. */
	bool seed;
	bool has_own, has_place, moving;
	int64_t own_ns; /* its own time, UTC */
	struct evt_find_track_place {
		double lat, lng; /* degrees */
		/* When the receiver was there, by which clock: times of one
		 * clock compare.  0: it is not known. */
		int64_t at_ns;
		int clock;
	} place;
	uint64_t hash, event; /* of its contents, and of its event's name */
} evt_find_track_item;

#define EVT_FIND_TRACK_EVENTS 4u

/* All zero is valid: no item was seen. */
typedef struct evt_find_track {
	bool heard, has_place, has_own, still;
	int64_t heard_ns; /* the last item */
	uint64_t heard_seq;
	struct evt_find_track_place place;
	int64_t place_ns; /* received */
	uint64_t place_seq;
	int64_t own_ns; /* the latest */
	/* While `still`: the place that it has not left, and since when. */
	double still_lat, still_lng;
	int64_t still_since_ns, still_last_ns;
	/* The last item of each of the last few events. */
	struct evt_find_track_copy {
		uint64_t hash; /* 0: none */
		uint64_t event;
		int64_t time_ns;
	} last[EVT_FIND_TRACK_EVENTS];
} evt_find_track;

/* What an item and those before it say.  A time that is not known is negative in
 * seconds, as is a distance. */
typedef struct evt_find_track_found {
	double silent_s;                  /* since the source's last item */
	int64_t heard_ns;                 /* when that was received */
	double jump_m;                    /* from the last position */
	double speed_ms;                  /* metres a second, between the two */
	struct evt_find_track_place from; /* the last position */
	int64_t from_ns;                  /* when it was received */
	double stuck_s;                   /* at one place while moving */
	double stuck_before_s;            /* the same at the last item */
	int64_t stuck_since_ns;
	bool late_known;
	double late_s; /* receive time minus its own */
	bool out_of_order, duplicate;
	int64_t own_ns;        /* its own time */
	int64_t own_before_ns; /* out_of_order: the latest own time before it */
	int64_t copy_ns;       /* duplicate: when its equal was received */
} evt_find_track_found;

/* Take the next item of the source. */
void evt_find_track_see(evt_find_track *track, const evt_find_track_item *item,
    evt_find_track_found *ret_found);

/* Metres between two places, along the surface of a sphere. */
double evt_find_track_distance(double lat_a, double lng_a, double lat_b,
    double lng_b);

#endif
