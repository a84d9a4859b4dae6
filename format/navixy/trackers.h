/*
 * trackers.h - the platform's list of trackers: which tracker has which
 * source.
 *
 * A feed names sources, its clients name trackers, and the two numbers are not
 * the same.  The mapping stands in the platform's answer to tracker/list, and
 * the recorder keeps that on the tape as a mark.
 */
#ifndef EVT_FORMAT_NAVIXY_TRACKERS_H
#define EVT_FORMAT_NAVIXY_TRACKERS_H

#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"

typedef struct evt_trackers evt_trackers;

/* A tracker belongs to its list and is valid until that is freed. */
typedef struct evt_tracker {
	int64_t id;
	evt_key source;    /* as events name it; text is NULL if the platform
	                       told none that can be a key */
	const char *label; /* decoded UTF-8, NUL-terminated, "" if there is
	                       none; may hold NULs itself, hence: */
	size_t label_len;
	const uint8_t *json; /* the whole item, as it stands in the text */
	size_t json_len;
} evt_tracker;

/*
 * Read the list from n bytes of JSON: the platform's answer, the bare list
 * in it, or the payload of a trackers mark.  The text is copied.  An item
 * without an integer id is left out.
 * Errors: EVT_ERR_ARG (not JSON, no list in it, or the platform refused: then
 * with its own words), EVT_ERR_NOMEM.
 */
int evt_trackers_parse(const uint8_t *p, size_t n, evt_trackers **ret_trackers,
    evt_error *err);
void evt_trackers_free(evt_trackers *t);

/* The number of trackers, and the i-th in the order of the list (NULL past it). */
size_t evt_trackers_count(const evt_trackers *t);
const evt_tracker *evt_trackers_at(const evt_trackers *t, size_t i);

/* The list itself as it stands in the text: a JSON array. */
const uint8_t *evt_trackers_json(const evt_trackers *t, size_t *ret_len);

/*
 * The tracker of that id, or with the source of that text (len bytes, as in
 * evt_key); NULL if there is none.  Where several have it (the platform's
 * clones share a source) the first of them in the list.
 */
const evt_tracker *evt_trackers_by_id(const evt_trackers *t, int64_t id);
const evt_tracker *evt_trackers_by_source(const evt_trackers *t,
    const char *text, size_t len);

#endif
