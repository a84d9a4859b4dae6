/* standin_impl.h - declarations that standin.c and standin_send.c share; for
 * them alone. */
#ifndef EVT_REPLAY_STANDIN_STANDIN_IMPL_H
#define EVT_REPLAY_STANDIN_STANDIN_IMPL_H

#include "format/base/bitset.h"
#include "replay/standin/standin.h"

/* A client's subscription to one kind of event.  Batches that are gathered from
 * single states go out on a grid: at base_ns and every period_ns from there. */
struct standin_sub {
	bool on;
	evt_bitset member; /* sources, by index */
	evt_bitset dirty;  /* members that changed since the last batch */
	unsigned variant;
	int64_t period_ns; /* the rate limit; 0: none */
	int64_t base_ns;
	int64_t
	    due_ns; /* when the next gathered batch is due; INT64_MAX: none */
	int64_t
	    next_ns; /* when the tape's next batch is; INT64_MIN: any time */
	/* The connection and tape of the last batch of the tape that was sent. */
	uint32_t last_conn, last_tape;
};

struct evt_standin {
	evt_standin_options o;
	struct standin_sub sub[EVT_SUBSCRIPTION_KINDS];
	uint64_t asked; /* requests that changed them */
	evt_buf out, scratch;
};

/* Whether the client subscribed to that kind of event of the source. */
bool evt_standin_wants(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_source *s);
/* The same, and the source is neither blocked nor corrupt. */
bool evt_standin_may_send(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_update_change *change);

/* ---- standin_send.c: messages to the client ----
 *
 * All return EVT_OK, EVT_ERR_NOMEM, or the error of send().
 */

/* Send a text.  NULL: EVT_ERR_NOMEM, because there was no memory for it. */
int evt_standin_send(evt_standin *c, const evt_buf *text, evt_error *err);
/* Send the last state of a source as a message of its own. */
int evt_standin_send_state(evt_standin *c, const evt_state_source *s,
    evt_error *err);
/* Send the last items of the sources in the set as one batch; without items,
 * send nothing. */
int evt_standin_send_batch(evt_standin *c, enum evt_subscription_kind kind,
    const evt_bitset *which, evt_error *err);
/* Send the batch of the broadcast without the items that the client may not
 * get. */
int evt_standin_send_part(evt_standin *c, enum evt_subscription_kind kind,
    evt_error *err);
/* Send a lifecycle event; what: "block", "unblock" or "corrupt". */
int evt_standin_send_lifecycle(evt_standin *c, const evt_state_source *s,
    const char *what, evt_error *err);

#endif
