/*
 * state_update.h - the changes of sources by one frame, as
 * evt_state_table_apply() found them.
 */
#ifndef EVT_REPLAY_STANDIN_STATE_UPDATE_H
#define EVT_REPLAY_STANDIN_STATE_UPDATE_H

#include "format/base/json_view.h"
#include "replay/standin/state_source.h"

enum evt_state_update_kind {
	EVT_STATE_UPDATE_NONE, /* clients of the platform do not get it */
	EVT_STATE_UPDATE_STATE,
	EVT_STATE_UPDATE_STATE_BATCH,
	EVT_STATE_UPDATE_READINGS,
	EVT_STATE_UPDATE_IOT,
	EVT_STATE_UPDATE_LIFECYCLE,
	EVT_STATE_UPDATE_LOGOUT,
	EVT_STATE_UPDATE_ANSWER /* a response, or another message that is not an
	                         * event */
};

/* A change of a source's condition. */
enum evt_state_update_life {
	EVT_STATE_UPDATE_LIFE_OTHER, /* nothing, or something unknown */
	EVT_STATE_UPDATE_LIFE_BLOCK,
	EVT_STATE_UPDATE_LIFE_UNBLOCK,
	EVT_STATE_UPDATE_LIFE_CORRUPT
};

/* A frame's change of one source. A batch may name a source several times. */
typedef struct evt_state_update_change {
	evt_state_source *source;
	evt_json_view item;  /* its element of a batch; p NULL: no batch */
	evt_json_view value; /* of states: the state object; else p NULL */
	bool superseded; /* a later item of the frame is about the source too */
	/* The source was blocked or unblocked while nothing was recorded: a
	 * later connection was told so, or got a state of it again. */
	enum evt_state_update_life life;
} evt_state_update_change;

/* The views point into the frame's payload, `change` into the table. */
typedef struct evt_state_update {
	enum evt_state_update_kind kind;
	evt_json_view root; /* the payload */
	evt_json_view list; /* of batches: the array of items */
	size_t n_items;     /* elements of list, also those without a source */
	evt_state_update_change *change; /* in the order of the frame */
	size_t n;
	enum evt_state_update_life life; /* of a lifecycle event */
	int offset_s; /* of the frame's local times from UTC */
} evt_state_update;

#endif
