/*
 * channels.h - all channels of a server: the shared one, and those of single
 * clients.
 *
 * The shared channel is made on the first use, and stays.  A channel of a
 * single client ends with that client.
 */
#ifndef EVT_REPLAY_SERVE_CHANNELS_H
#define EVT_REPLAY_SERVE_CHANNELS_H

#include "replay/serve/channel.h"

typedef struct evt_channels evt_channels;

/* play: how the shared channel plays; must outlive the list, as must what the
 * options point to.  Errors: EVT_ERR_NOMEM. */
int evt_channels_new(const evt_channel_options *options,
    const evt_play_options *play, evt_channels **ret_channels, evt_error *err);
/* All clients must be gone. */
void evt_channels_free(evt_channels *channels);

/* The shared channel.  Errors: as evt_channel_new(). */
int evt_channels_shared(evt_channels *channels, evt_channel **ret_channel,
    evt_error *err);
/* Add a channel for one client; play is copied.  Errors: as
 * evt_channel_new(). */
int evt_channels_add(evt_channels *channels, const evt_play_options *play,
    evt_channel **ret_channel, evt_error *err);

/* The log of all clients. */
evt_client_log *evt_channels_log(const evt_channels *channels);
/* Clients of all channels, also those whose handshake is not complete. */
size_t evt_channels_clients(const evt_channels *channels);
/* Clients of all channels whose WebSocket is open. */
void evt_channels_audience(const evt_channels *channels,
    evt_audience *ret_audience);
/* Add what the channels that exist have played to the sums. */
void evt_channels_add_stats(const evt_channels *channels,
    evt_server_stats *sum);

/* Pump the playbacks that are due at the steady time now_ns. */
void evt_channels_pump(evt_channels *channels, int64_t now_ns);
/* When to pump again; INT64_MAX: when something happens. */
int64_t evt_channels_wake_ns(const evt_channels *channels);
/* evt_channel_check() for all. */
void evt_channels_check(evt_channels *channels, int64_t now_ns);
/* Free the channels that have lost their client. */
void evt_channels_sweep(evt_channels *channels);

/* Stop all: clients are closed, and new ones must not be accepted. */
void evt_channels_stop(evt_channels *channels);
/* With the option `once`: a channel has started, and has lost its clients. */
bool evt_channels_finished(const evt_channels *channels);
/* They were stopped, or are finished: no client may be accepted. */
bool evt_channels_closing(const evt_channels *channels);

#endif
