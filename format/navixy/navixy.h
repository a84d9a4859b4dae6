/*
 * navixy.h - the tracker platform's protocol: what to ask for, and what the
 * answers mean.  Pure: text in, text out.
 *
 * The layer below its JSON is Atmosphere: the query that its clients send,
 * a first frame "<id>|<interval>|X|", and heartbeats that are a lone X.
 */
#ifndef EVT_FORMAT_NAVIXY_NAVIXY_H
#define EVT_FORMAT_NAVIXY_NAVIXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"

/* Where the keys of a frame stand: the event's name, and the source ids of a
 * state, a batch of bare states and a batch of wrapped ones.  A tracker id is
 * not a source id, so readings have none. */
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
 * The profile of a feed: the paths that were given and, where none were and
 * `navixy` is set, the platform's.  Errors: those of evt_profile_new().
 */
int evt_navixy_profile(bool navixy, const char *const *events, size_t n_events,
    const char *const *sources, size_t n_sources, evt_profile **ret_profile,
    evt_error *err);

typedef struct evt_navixy_options {
	const char *const *events; /* what to ask for; none: state_batch, or
	                              state in the old form */
	size_t n_events;
	const char *const *trackers; /* tracker ids; none: all */
	size_t n_trackers;
	const char *rate_limit; /* "5s"; NULL: that */
	bool compact;
	bool old_form;
} evt_navixy_options;

/*
 * Append the subscription: one JSON text.  hash: the session credential, or
 * ${CREDENTIAL} to be put in later.  Errors, with words: EVT_ERR_ARG for what
 * cannot be asked for (an unknown event, a bad tracker id, a form that needs
 * tracker ids), EVT_ERR_NOMEM.
 */
int evt_navixy_subscription(const evt_navixy_options *options, const char *hash,
    evt_buf *out, evt_error *err);

/*
 * Append the query of an Atmosphere client to the target (path and query) of
 * a URL, unless it has one.  id: what an earlier handshake gave, or NULL.
 */
bool evt_navixy_target(const char *target, const char *id, evt_buf *out);

#define EVT_NAVIXY_ID_MAX 127u

typedef struct evt_navixy_handshake {
	char id[EVT_NAVIXY_ID_MAX + 1];
	int64_t beat_ns; /* between two X that we send; 0: none */
} evt_navixy_handshake;

/* Whether a frame is the handshake; the interval is kept within 1 s and 1 h. */
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
	/* For a person, on one line.  RESPONSE: what was not granted, empty if
	 * all was.  ERROR: what is wrong and what to do. */
	char text[400];
} evt_navixy_answer;

typedef struct evt_navixy evt_navixy;

/* The reader of answers.  Errors: EVT_ERR_NOMEM. */
int evt_navixy_new(evt_navixy **ret_navixy, evt_error *err);
void evt_navixy_free(evt_navixy *navixy);

/* What a received text frame is.  Costs little for ordinary events. */
void evt_navixy_read(evt_navixy *navixy, const uint8_t *p, size_t n,
    evt_navixy_answer *ret_answer);

#endif
