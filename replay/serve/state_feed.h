/*
 * state_feed.h - the last states of a playback's sources, sent to the clients of
 * the stand-in.
 *
 * The feed observes a playback.  Its state table is made on the first use, and
 * follows the playback only while it has users: without them the playback's
 * frames are not parsed.
 *
 * After an unblocking the platform sends the source's state.  If that state is
 * not on the tape soon after, the feed sends the last one that it knows: a
 * deferred state.
 */
#ifndef EVT_REPLAY_SERVE_STATE_FEED_H
#define EVT_REPLAY_SERVE_STATE_FEED_H

#include "format/navixy/trackers.h"
#include "replay/serve/playback.h"
#include "replay/serve/ws_client.h"
#include "replay/standin/state_table.h"

typedef struct evt_state_feed evt_state_feed;

typedef struct evt_state_feed_options {
	evt_playback *playback;
	const evt_tape_set *tapes;
	const evt_trackers *trackers; /* NULL: as evt_state_feed_new_table() */
	const char *hash;      /* the only credential accepted; NULL: any */
	int64_t heartbeat_ns;  /* between two to Atmosphere clients; 0: none */
	uint64_t client_bytes; /* unread answers of one client, at most */
	/* A client has subscribed to something. */
	void (*on_subscribed)(void *ctx);
	void *ctx;
} evt_state_feed_options;

/* Observe the playback.  What the options point to must outlive the feed, and
 * the playback must not be pumped after the feed is freed.
 * Errors: EVT_ERR_NOMEM. */
int evt_state_feed_new(const evt_state_feed_options *options,
    evt_state_feed **ret_feed, evt_error *err);
/* Its clients must be gone. */
void evt_state_feed_free(evt_state_feed *feed);

/*
 * The state table, as of where the playback is.  It is the feed's and follows
 * the playback as long as it is used, see evt_state_feed_use(); otherwise it
 * holds until the next frame.  Errors: those of reading.
 */
int evt_state_feed_table(evt_state_feed *feed, evt_state_table **ret_table,
    evt_error *err);
/* Whether the table is loaded and follows the playback. */
bool evt_state_feed_follows(const evt_state_feed *feed);
/* Whether there is a table, loaded or not. */
bool evt_state_feed_has_table(const evt_state_feed *feed);
/* Add or remove a user of the table; it follows while it has users. */
void evt_state_feed_use(evt_state_feed *feed);
void evt_state_feed_unuse(evt_state_feed *feed);

/*
 * Make a table of the tapes that knows the trackers.  shift may be NULL.
 * trackers NULL: tracker ids are taken for source ids.  Errors: those of
 * evt_state_table_new().
 */
int evt_state_feed_new_table(const evt_tape_set *tapes,
    const evt_trackers *trackers, evt_time_shift *shift,
    evt_state_table **ret_table, evt_error *err);

/* ---- clients of the stand-in ------------------------------------------------- */

typedef struct evt_state_feed_client evt_state_feed_client;

/* Room for the first message to a client of Atmosphere. */
#define EVT_STATE_FEED_GREETING 80

/*
 * Add a client, whose WebSocket has a stream of its own and outlives it.
 * greeting: sent first, "" for none; copied.  atmosphere: it expects
 * heartbeats.  Errors: EVT_ERR_NOMEM.
 */
int evt_state_feed_client_new(evt_state_feed *feed, evt_ws_client *ws,
    const char *greeting, bool atmosphere, evt_state_feed_client **ret_client,
    evt_error *err);
void evt_state_feed_client_free(evt_state_feed_client *client);

/* Its WebSocket is open: greet it.  Errors: as evt_state_feed_table(). */
int evt_state_feed_client_open(evt_state_feed_client *client, evt_error *err);
/* It sent a message.  Errors: as evt_state_feed_table(). */
int evt_state_feed_client_message(evt_state_feed_client *client,
    const char *text, size_t n, evt_error *err);

/* How often its subscriptions were changed; and append what they are, in words.
 * false: out of memory. */
uint64_t evt_state_feed_client_asked(const evt_state_feed_client *client);
bool evt_state_feed_client_words(const evt_state_feed_client *client,
    evt_buf *out);

/* Send the heartbeats that are due, by the steady clock. */
void evt_state_feed_beat(evt_state_feed *feed, int64_t now_ns);

#endif
