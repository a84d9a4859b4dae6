/*
 * broadcast.h - one frame on its way to all clients of the stand-in.
 *
 * Clients ask for the same event in different forms (EVT_SUBSCRIPTION_VARIANTS).
 * The text of each form is made once, for the first client that needs it.
 */
#ifndef EVT_REPLAY_STANDIN_BROADCAST_H
#define EVT_REPLAY_STANDIN_BROADCAST_H

#include "format/navixy/stamp_rewrite.h"
#include "format/navixy/subscription.h"
#include "replay/standin/state_update.h"

/* Zero-initialised is valid. */
typedef struct evt_broadcast {
	const evt_frame *frame;
	const evt_state_update *update; /* the sources that the frame changed */
	evt_buf text[EVT_SUBSCRIPTION_VARIANTS];
	bool have[EVT_SUBSCRIPTION_VARIANTS];
	evt_buf scratch;
} evt_broadcast;

/* Begin a broadcast of the frame; both must outlive it. */
void evt_broadcast_begin(evt_broadcast *broadcast, const evt_frame *frame,
    const evt_state_update *update);
void evt_broadcast_free(evt_broadcast *broadcast);

/* How time stamps are rewritten for a variant; `offset_s`: the offset from UTC of
 * local times. */
evt_stamp_rewrite evt_broadcast_stamps(unsigned variant, int offset_s);

/* The whole frame as text of a variant (0 to EVT_SUBSCRIPTION_VARIANTS - 1),
 * valid until the next evt_broadcast_begin().  NULL: out of memory. */
const evt_buf *evt_broadcast_text(evt_broadcast *broadcast, unsigned variant);

#endif
