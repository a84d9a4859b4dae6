/*
 * control_feed.h - /control: changes of the deck, of states, and frames, as they
 * happen; see docs/control.md.
 *
 * The feed observes a playback and uses its states.  A page cannot draw a hundred
 * thousand frames a second: states and frames are gathered and sent at most five
 * times a second.  A client that reads slowly misses messages, and is never
 * waited for.
 */
#ifndef EVT_REPLAY_SERVE_CONTROL_FEED_H
#define EVT_REPLAY_SERVE_CONTROL_FEED_H

#include "replay/serve/audience.h"
#include "replay/serve/client_log.h"
#include "replay/serve/playback.h"
#include "replay/serve/state_feed.h"
#include "replay/serve/ws_client.h"

typedef struct evt_control_feed evt_control_feed;

typedef struct evt_control_feed_options {
	evt_playback *playback;
	evt_state_feed *states; /* of the same playback */
	const evt_tape_set *tapes;
	const evt_audience *audience; /* of the playback, as it is now */
	evt_client_log *log;          /* of all clients of the server */
} evt_control_feed_options;

/* Observe the playback: `states` must do so already.  What the options point to
 * must outlive the feed.  Errors: EVT_ERR_NOMEM. */
int evt_control_feed_new(const evt_control_feed_options *options,
    evt_control_feed **ret_feed, evt_error *err);
/* Its clients must be gone. */
void evt_control_feed_free(evt_control_feed *feed);

/* The deck's message has changed: send it soon.  Changes of the playback itself
 * need no call. */
void evt_control_feed_changed(evt_control_feed *feed);

typedef struct evt_control_feed_client evt_control_feed_client;

/* What a client wants beside the deck. */
typedef struct evt_control_feed_with {
	bool states, frames, clients;
} evt_control_feed_with;

/* Add a client, whose WebSocket has a stream of its own and outlives it.
 * Errors: EVT_ERR_NOMEM. */
int evt_control_feed_client_new(evt_control_feed *feed, evt_ws_client *ws,
    evt_control_feed_with with, evt_control_feed_client **ret_client,
    evt_error *err);
void evt_control_feed_client_free(evt_control_feed_client *client);

/* Its WebSocket is open: send it the deck, and the states if it wants them.
 * Errors: EVT_ERR_NOMEM, as evt_state_feed_table(). */
int evt_control_feed_client_open(evt_control_feed_client *client,
    evt_error *err);
/* It has read something: if it missed messages, send it everything again.
 * Errors: as before. */
int evt_control_feed_client_catch_up(evt_control_feed_client *client,
    evt_error *err);

#endif
