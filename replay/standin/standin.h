/*
 * standin.h - one client of the stand-in: what it asked for, and what it is told
 * of the tape.
 *
 * A client that speaks the platform's protocol gets what the platform would
 * have sent it: the states of what it subscribed to at once, then what the deck
 * hands out, byte for byte where it asked for no other form.  A tape of batches
 * serves a client that asked for single states, and the other way round.  See
 * docs/protocols.md for the rules.
 *
 * Times are tape times (receive times): rate limits count on the tape, so that
 * a deck that plays ten times as fast also sends batches ten times as often.
 */
#ifndef EVT_REPLAY_STANDIN_STANDIN_H
#define EVT_REPLAY_STANDIN_STANDIN_H

#include "format/navixy/subscription.h"
#include "replay/standin/broadcast.h"
#include "replay/standin/state_table.h"

typedef struct evt_standin evt_standin;

typedef struct evt_standin_options {
	evt_state_table *table;
	evt_broadcast *broadcast;
	const char *hash; /* the only credential that is taken; NULL: any */
	/* Send a text message.  Errors: EVT_ERR_NOMEM. */
	int (*send)(void *ctx, const void *text, size_t n, evt_error *err);
	void *ctx;
} evt_standin_options;

/* What the options point to must outlive it.  Errors: EVT_ERR_NOMEM. */
int evt_standin_new(const evt_standin_options *options,
    evt_standin **ret_standin, evt_error *err);
void evt_standin_free(evt_standin *c);

/* Whether it has a subscription. */
bool evt_standin_subscribed(const evt_standin *c);

/* What all of these return: EVT_OK, EVT_ERR_NOMEM, or the error of send(). */

/* A message came from the client, at the deck's time now_ns. */
int evt_standin_on_message(evt_standin *c, const char *text, size_t n,
    int64_t now_ns, evt_error *err);

/* The deck handed a frame out, which the broadcast was begun with.  Before the table
 * took it, evt_standin_tick() must have sent what was due before. */
int evt_standin_on_frame(evt_standin *c, evt_error *err);

/* Its current state, to who subscribed to it: it was unblocked. */
int evt_standin_send_current(evt_standin *c, evt_state_source *source,
    evt_error *err);

/* When, in tape time, a batch is due that gathers states; INT64_MAX: none is.
 * Then it is to be sent. */
int64_t evt_standin_due(const evt_standin *c);
int evt_standin_tick(evt_standin *c, int64_t now_ns, evt_error *err);

/* What a source was, before the deck was moved. */
enum { EVT_STANDIN_WAS_BLOCKED = 1, EVT_STANDIN_WAS_CORRUPT = 2 };

/* The deck was moved to now_ns and the table loaded anew: tell the states
 * there.  was: a byte of the above for each of the first n sources. */
int evt_standin_on_moved(evt_standin *c, const uint8_t *was, size_t n,
    int64_t now_ns, evt_error *err);

#endif
