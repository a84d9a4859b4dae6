/*
 * messages.h - the JSON of the messages that the server sends.
 *
 * Every function appends to `out` and returns false when out of memory; `out`
 * then keeps what was appended so far.
 */
#ifndef EVT_TOOLS_EVTAPE_SIM_MESSAGES_H
#define EVT_TOOLS_EVTAPE_SIM_MESSAGES_H

#include "format/base/buf.h"
#include "format/navixy/subscription.h"
#include "tools/evtape-sim/world.h"

/* {"type":"event","event":"state",...} of one tracker.  `serial`: its number
 * among all states, for the ledger; 0: the message has no such member. */
bool sim_msg_state(evt_buf *out, const sim_world *world, const sim_tracker *t,
    unsigned variant, uint64_t serial);

/*
 * A batch: begin, any number of items, end.  Each kind of batch has its own
 * function for items: state_batch, readings_batch, iot_monitor.
 */
bool sim_msg_batch_begin(evt_buf *out, const sim_world *world,
    const char *event, unsigned variant);
bool sim_msg_batch_state(evt_buf *out, const sim_world *world,
    const sim_tracker *t, unsigned variant);
bool sim_msg_batch_readings(evt_buf *out, const sim_world *world,
    const sim_tracker *t, unsigned variant);
bool sim_msg_batch_iot(evt_buf *out, const sim_world *world,
    const sim_tracker *t, unsigned variant);
bool sim_msg_batch_end(evt_buf *out, const char *event);

/* what: "block", "unblock" or "corrupt". */
bool sim_msg_lifecycle(evt_buf *out, const sim_tracker *t, const char *what);
bool sim_msg_logout(evt_buf *out);

#endif
