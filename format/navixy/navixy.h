/*
 * navixy.h - the client side of the platform's protocol: make a subscription,
 * and read what the server answers.  All functions work on text alone.
 *
 * The layer below the JSON is Atmosphere: a query in the client's URL, a first
 * frame "<id>|<interval>|X|", and heartbeats, which are a lone X.
 */
#ifndef EVT_FORMAT_NAVIXY_NAVIXY_H
#define EVT_FORMAT_NAVIXY_NAVIXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

/* The paths of a frame's keys: the event's name; and the source ids of a state,
 * of a batch of bare states, and of a batch of wrapped states.  Readings have
 * tracker ids only, which are not source ids. */
#define EVT_NAVIXY_EVENT_PATHS \
	{                      \
		"/event"       \
	}
#define EVT_NAVIXY_SOURCE_PATHS                         \
	{                                               \
		"/data/source_id", "/data/*/source_id", \
		    "/data/*/state/source_id"           \
	}

/*
 * Make the profile of a feed from the given paths.  With `navixy`, an empty list
 * of paths is replaced by the platform's.  Errors: those of evt_profile_new().
 */
int evt_navixy_profile(bool navixy, const char *const *events, size_t n_events,
    const char *const *sources, size_t n_sources, evt_profile **ret_profile,
    evt_error *err);

typedef struct evt_navixy_options {
	const char *const *events; /* to ask for; an empty list: state_batch,
	                              or state in the old form */
	size_t n_events;
	const char *const *trackers; /* tracker ids; an empty list: all */
	size_t n_trackers;
	const char *rate_limit; /* a duration; NULL: "5s" */
	bool compact;           /* leave out rarely used members */
	bool old_form;          /* "events" and "trackers", no "requests" */
} evt_navixy_options;

/*
 * Append the subscription: one JSON text.  `hash`: the session credential, or
 * ${CREDENTIAL}, which is replaced later.  Errors: EVT_ERR_ARG (an unknown
 * event, a bad tracker id, a form that needs tracker ids), EVT_ERR_NOMEM.
 */
int evt_navixy_subscription(const evt_navixy_options *options, const char *hash,
    evt_buf *out, evt_error *err);

/*
 * Append the target (path and query) of a URL, with the query of an Atmosphere
 * client unless the target already has it.  `id`: the id of an earlier
 * handshake, or NULL.  false: out of memory.
 */
bool evt_navixy_target(const char *target, const char *id, evt_buf *out);

#define EVT_NAVIXY_ID_MAX 127u

typedef struct evt_navixy_handshake {
	char id[EVT_NAVIXY_ID_MAX + 1];
	int64_t beat_ns; /* interval of our heartbeats; 0: send none */
} evt_navixy_handshake;

/* Whether a frame is the handshake.  An interval other than 0 is limited to 1 s
 * to 1 h. */
bool evt_navixy_is_handshake(const uint8_t *p, size_t n,
    evt_navixy_handshake *ret_handshake);

enum evt_navixy_type {
	EVT_NAVIXY_EVENT, /* data, or anything not listed here */
	EVT_NAVIXY_LOGOUT,
	EVT_NAVIXY_RESPONSE, /* to a subscription */
	EVT_NAVIXY_ERROR
};

typedef struct evt_navixy_answer {
	enum evt_navixy_type type;
	/* One line for a person.  RESPONSE: which trackers were not granted;
	 * empty if all were.  ERROR: what is wrong and what to do. */
	char text[400];
} evt_navixy_answer;

typedef struct evt_navixy evt_navixy;

/* The reader of answers.  Errors: EVT_ERR_NOMEM. */
int evt_navixy_new(evt_navixy **ret_navixy, evt_error *err);
void evt_navixy_free(evt_navixy *navixy);

/* Find out what a received text frame is.  Cheap for ordinary events. */
void evt_navixy_read(evt_navixy *navixy, const uint8_t *p, size_t n,
    evt_navixy_answer *ret_answer);

#endif
