/*
 * standin.h - the stand-in for one client: its subscriptions, and the messages
 * that it gets of the tape.
 *
 * A client that speaks the platform's protocol gets what the platform would have
 * sent: the states of everything that it subscribed to at once, then the frames
 * that the deck plays, to the byte unless the client asked for another form.  A
 * tape of batches serves a client that asked for single states, and the other
 * way round.  docs/protocols.md has the rules.
 *
 * Times are receive times on the tape, moved by the time shift, in ns: rate
 * limits count on the tape, so that a deck that plays ten times as fast also
 * sends batches ten times as often.
 */
#ifndef EVT_REPLAY_STANDIN_STANDIN_H
#define EVT_REPLAY_STANDIN_STANDIN_H

#include "format/navixy/subscription.h"
#include "replay/standin/broadcast.h"
#include "replay/standin/state_table.h"

typedef struct evt_standin evt_standin;

typedef struct evt_standin_options {
	evt_state_table *table;
	evt_broadcast *broadcast; /* one for all clients of the table */
	const char *hash; /* the only credential that is accepted; NULL: any */
	/* Send a text message of n bytes.  Errors: EVT_ERR_NOMEM. */
	int (*send)(void *ctx, const void *text, size_t n, evt_error *err);
	void *ctx;
} evt_standin_options;

/* The options are copied; what they point to must outlive the client.
 * Errors: EVT_ERR_NOMEM. */
int evt_standin_new(const evt_standin_options *options,
    evt_standin **ret_standin, evt_error *err);
void evt_standin_free(evt_standin *standin);

/* Whether the client has a subscription. */
bool evt_standin_subscribed(const evt_standin *standin);

/* How many requests changed its subscriptions. */
uint64_t evt_standin_asked(const evt_standin *standin);
/* Append what it is subscribed to, in words: "state of 3 sources; ...".  false: out of
 * memory. */
bool evt_standin_words(const evt_standin *standin, evt_buf *out);

/* All of the following return EVT_OK, EVT_ERR_NOMEM, or the error of send(). */

/* A message of n bytes came from the client, when the deck was at now_ns.  A
 * message that is not understood is answered with an error. */
int evt_standin_on_message(evt_standin *standin, const char *text, size_t n,
    int64_t now_ns, evt_error *err);

/*
 * The deck played a frame, which evt_broadcast_begin() began and the table has
 * applied.  Before the table applied it, evt_standin_tick() must have sent the
 * batches that were due.
 */
int evt_standin_on_frame(evt_standin *standin, evt_error *err);

/* Send the current state of a source, if the client subscribed to it: the source
 * was unblocked. */
int evt_standin_send_current(evt_standin *standin, evt_state_source *source,
    evt_error *err);

/* When a batch of gathered states is due; INT64_MAX: none. */
int64_t evt_standin_due(const evt_standin *standin);
/* Send the batches that are due by now_ns. */
int evt_standin_tick(evt_standin *standin, int64_t now_ns, evt_error *err);

/* The conditions of a source before the deck was moved; a bit each. */
enum { EVT_STANDIN_WAS_BLOCKED = 1, EVT_STANDIN_WAS_CORRUPT = 2 };

/*
 * The deck was moved to now_ns, and the table was loaded again: send the states
 * there.  was[i] has the bits above for the source with index i, i < n; later
 * sources are new.
 */
int evt_standin_on_moved(evt_standin *standin, const uint8_t *was, size_t n,
    int64_t now_ns, evt_error *err);

#endif
