/*
 * trackers.h - the platform's list of trackers: which tracker has which
 * source.
 *
 * A feed names sources, its clients name trackers, and the two numbers are not
 * the same.  The platform's answer to tracker/list has the mapping, and the
 * recorder keeps that answer on the tape as a mark.
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
	evt_key source;      /* as events name it; text NULL: the item has no
	                       source id, or one that cannot be a key */
	const char *label;   /* decoded UTF-8, NUL-terminated; "" without a
	                       label */
	size_t label_len;    /* the label may hold NULs, too */
	const uint8_t *json; /* the whole item, as in the text */
	size_t json_len;
} evt_tracker;

/*
 * Read the list from n bytes of JSON: the platform's answer, the bare list
 * in it, or the payload of a trackers mark.  The text is copied.  An item
 * without an integer id is left out.
 * Errors: EVT_ERR_ARG (not JSON, no list in it, or the platform refused; the
 * error then has the platform's description), EVT_ERR_NOMEM.
 */
int evt_trackers_parse(const uint8_t *p, size_t n, evt_trackers **ret_trackers,
    evt_error *err);
void evt_trackers_free(evt_trackers *t);

/* The number of trackers, and the i-th in the order of the list (NULL past it). */
size_t evt_trackers_count(const evt_trackers *t);
const evt_tracker *evt_trackers_at(const evt_trackers *t, size_t i);

/* The list itself, as in the text: a JSON array. */
const uint8_t *evt_trackers_json(const evt_trackers *t, size_t *ret_len);

/*
 * Find a tracker by its id, or by its source (`text` of `len` bytes, as in
 * evt_key).  If several have it (the platform's clones share a source), the first
 * in the list is returned.  NULL: no tracker has it.
 */
const evt_tracker *evt_trackers_by_id(const evt_trackers *t, int64_t id);
const evt_tracker *evt_trackers_by_source(const evt_trackers *t,
    const char *text, size_t len);

#endif
