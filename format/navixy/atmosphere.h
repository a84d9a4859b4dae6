/*
 * atmosphere.h - the layer below the platform's JSON: what a server says first.
 *
 * Clients of the Atmosphere framework name a tracking id in the query of their
 * URL.  The first time it is 0, and they wait for a handshake before they say
 * anything.  When they come back it is the one that they were given: a second
 * handshake would reach their message handler, and silence would leave them
 * waiting, but a lone X makes them subscribe again.  Other clients get neither:
 * most take every frame for JSON.
 */
#ifndef EVT_FORMAT_NAVIXY_ATMOSPHERE_H
#define EVT_FORMAT_NAVIXY_ATMOSPHERE_H

#include <stdbool.h>
#include <stdint.h>

/* A heartbeat, from either side. */
#define EVT_ATMOSPHERE_BEAT "X"

/* Room for a greeting. */
#define EVT_ATMOSPHERE_TEXT 80

/*
 * What to say first: a handshake with an id made of 16 random bytes and the
 * interval at which the client is to send a heartbeat, a heartbeat, or "".
 * tracking_id: argument X-Atmosphere-tracking-id of the query, NULL if there is
 * none.  protocol: there is an argument X-atmo-protocol.  Returns whether the
 * client is one of Atmosphere, and so may be sent heartbeats.
 */
bool evt_atmosphere_greet(const char *tracking_id, bool protocol,
    const uint8_t random[16], int64_t beat_ms, char out[EVT_ATMOSPHERE_TEXT]);

#endif
