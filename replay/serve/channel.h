/*
 * channel.h - one playback with the WebSocket clients that watch it.
 *
 * A channel puts the pieces together: a playback, the stream of what it plays
 * (for clients of /stream), the feed of states (for clients of the stand-in) and
 * the feed of changes (for clients of /control).  It is the playback's output:
 * it sends batches to clients, holds the playback back for slow ones, or cuts
 * them off where it must not wait.
 */
#ifndef EVT_REPLAY_SERVE_CHANNEL_H
#define EVT_REPLAY_SERVE_CHANNEL_H

#include "replay/serve/audience.h"
#include "replay/serve/client_log.h"
#include "replay/serve/control_feed.h"
#include "replay/serve/playback.h"
#include "replay/serve/server_stats.h"
#include "replay/serve/state_feed.h"
#include "replay/serve/ws_client.h"

/* What all channels of a server have in common. */
typedef struct evt_channel_options {
	const evt_tape_set *tapes;
	const evt_trackers *trackers; /* as evt_state_feed_options */
	const char *hash;
	int64_t heartbeat_ns;
	uint64_t client_bytes;   /* a client further behind is cut off */
	int64_t client_stall_ns; /* so is one that reads nothing for so long */
	size_t wait_clients; /* a shared channel starts with so many clients */
	bool shift;          /* as evt_playback_options */
	bool once; /* all clients are closed at the end, not only streams */
	bool *said_no_trackers;  /* the notice on missing trackers was sent */
	evt_client_log *clients; /* where all clients are kept */
	evt_server_stats *stats;
	const evt_notice *notice;
} evt_channel_options;

typedef struct evt_channel evt_channel;

/*
 * options must outlive the channel.  play is copied.  shared: any number of
 * clients watch it, so that it waits for none of them while it is paced, and
 * for wait_clients of them before it starts.
 * Errors: as evt_playback_new().
 */
int evt_channel_new(const evt_channel_options *options,
    const evt_play_options *play, bool shared, evt_channel **ret_channel,
    evt_error *err);
/* Its clients must be gone.  Its figures are added to the stats. */
void evt_channel_free(evt_channel *channel);

evt_playback *evt_channel_playback(const evt_channel *channel);
evt_state_feed *evt_channel_states(const evt_channel *channel);
/* Its clients whose WebSocket is open. */
const evt_audience *evt_channel_audience(const evt_channel *channel);
/* All its clients, also those whose handshake is not complete. */
size_t evt_channel_clients(const evt_channel *channel);
/* Add its figures to the sums. */
void evt_channel_add_stats(const evt_channel *channel, evt_server_stats *sum);

/* Which WebSocket was asked for. */
typedef struct evt_channel_join {
	enum evt_channel_kind {
		EVT_CHANNEL_STREAM,
		EVT_CHANNEL_STANDIN,
		EVT_CHANNEL_CONTROL
	} kind;
	/* EVT_CHANNEL_STANDIN */
	bool atmosphere;
	char greeting[EVT_STATE_FEED_GREETING];
	/* EVT_CHANNEL_CONTROL */
	evt_control_feed_with with;
	/* For the log of clients; without what the channel knows. */
	evt_client_log_about about;
} evt_channel_join;

/* Accept a client.  The connection's owner passes its events on to it, and frees
 * it.  Errors: EVT_ERR_NOMEM. */
int evt_channel_accept(evt_channel *channel, evt_connection *connection,
    const evt_channel_join *join, evt_ws_client **ret_client, evt_error *err);

/* Cut off clients that read nothing, and send heartbeats.  Call it once or twice
 * a second. */
void evt_channel_check(evt_channel *channel, int64_t now_ns);
/* The server stops: close all clients, and those that still come. */
void evt_channel_stop(evt_channel *channel);

#endif
