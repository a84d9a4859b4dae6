/*
 * atmosphere.h - the first message of a server to a client of Atmosphere, the
 * layer below the platform's JSON.
 *
 * Clients of the Atmosphere framework give a tracking id in the query of their
 * URL.  On the first connection it is 0, and the client sends nothing before it
 * has received a handshake.  On later connections it is the id of that
 * handshake.  Such a client must get a heartbeat, a lone X: then it subscribes
 * again.  It would give a second handshake to its message handler, and without
 * any message it would wait for ever.  Other clients get neither, since most of
 * them parse every frame as JSON.
 */
#ifndef EVT_FORMAT_NAVIXY_ATMOSPHERE_H
#define EVT_FORMAT_NAVIXY_ATMOSPHERE_H

#include <stdbool.h>
#include <stdint.h>

/* A heartbeat, from either side. */
#define EVT_ATMOSPHERE_BEAT "X"

/* Bytes that hold every greeting, with its NUL. */
#define EVT_ATMOSPHERE_TEXT 80

/*
 * Write the first message to `out`: a handshake, a heartbeat, or "".  The
 * handshake has an id made of 16 random bytes, and `beat_ms`, the interval of
 * the client's heartbeats.  `tracking_id`: argument X-Atmosphere-tracking-id of
 * the query, or NULL.  `protocol`: the query has an argument X-atmo-protocol.
 * Returns whether this is a client of Atmosphere, which may be sent heartbeats.
 */
bool evt_atmosphere_greet(const char *tracking_id, bool protocol,
    const uint8_t random[16], int64_t beat_ms, char out[EVT_ATMOSPHERE_TEXT]);

#endif
