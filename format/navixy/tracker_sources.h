/*
 * tracker_sources.h - the sources of events that name trackers.
 *
 * Items of `readings_batch` and `iot_monitor` have a `tracker_id` and no source.
 * With the platform's list of trackers they belong to the source of their
 * tracker.
 */
#ifndef EVT_FORMAT_NAVIXY_TRACKER_SOURCES_H
#define EVT_FORMAT_NAVIXY_TRACKER_SOURCES_H

#include "format/evtape.h"

/* All zero is valid: no list is known, and no frame gets sources. */
typedef struct evt_tracker_sources {
	struct evt_trackers *trackers;
	evt_key *key; /* of the last frame */
	size_t cap_keys;
} evt_tracker_sources;

/* Take the list from the n bytes of a trackers mark; what is no list is left out.
 * Errors: EVT_ERR_NOMEM; the former list then stays. */
int evt_tracker_sources_set(evt_tracker_sources *x, const uint8_t *mark,
    size_t n, evt_error *err);

/*
 * Set the sources of a frame that is well-formed JSON, has its event and names no
 * source.  Frames of other events stay as they are.  The sources are valid until
 * the next call and until the list changes.  Errors: EVT_ERR_NOMEM.
 */
int evt_tracker_sources_find(evt_tracker_sources *x, evt_frame *f,
    evt_error *err);

void evt_tracker_sources_free(evt_tracker_sources *x);

#endif
