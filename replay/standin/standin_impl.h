/* standin_impl.h - what the files of the stand-in's client share; for them
 * alone. */
#ifndef EVT_REPLAY_STANDIN_STANDIN_IMPL_H
#define EVT_REPLAY_STANDIN_STANDIN_IMPL_H

#include "format/base/bitset.h"
#include "replay/standin/standin.h"

/* What a client gets of one kind of event. */
struct sub {
	bool on;
	evt_bitset member;
	evt_bitset dirty; /* batches: changed since the last one */
	unsigned variant;
	int64_t period_ns; /* the rate limit */
	int64_t base_ns;   /* its grid begins here */
	int64_t due_ns;    /* of the next gathered batch; INT64_MAX: none */
	int64_t next_ns;   /* of the tape's next batch; INT64_MIN: any */
	uint32_t last_conn, last_tape; /* of the last one that passed */
};

struct evt_standin {
	evt_standin_options o;
	struct sub sub[EVT_SUBSCRIPTION_KINDS];
	evt_buf out, scratch;
};

/* Whether it subscribed to that of the source; and whether the touched item,
 * which must not be one of a blocked source, may go to it. */
bool evt_standin_wants(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_source *s);
bool evt_standin_goes(const evt_standin *c, enum evt_subscription_kind kind,
    const evt_state_update_change *t);

/* ---- standin_send.c: what messages are made of ----
 *
 * All return EVT_OK, EVT_ERR_NOMEM, or the error of send().
 */

/* A text; NULL: there was no memory for it. */
int evt_standin_send(evt_standin *c, const evt_buf *text, evt_error *err);
/* The last state of a source, as a message of its own. */
int evt_standin_send_state(evt_standin *c, const evt_state_source *s,
    evt_error *err);
/* What the sources of the set last said, in one message; nothing where they
 * said nothing. */
int evt_standin_send_batch(evt_standin *c, enum evt_subscription_kind kind,
    const evt_bitset *which, evt_error *err);
/* The items of the frame that may go, between what stands around them. */
int evt_standin_send_part(evt_standin *c, enum evt_subscription_kind kind,
    evt_error *err);
/* A lifecycle event: "block", "unblock" or "corrupt". */
int evt_standin_send_lifecycle(evt_standin *c, const evt_state_source *s,
    const char *what, evt_error *err);

#endif
