/*
 * session.h - keep a feed coming: connect, say what the profile says, connect
 * again when it is lost, and put all that comes into the queue.
 *
 * Runs on the network thread.
 */
#ifndef EVT_RECORD_FEED_SESSION_H
#define EVT_RECORD_FEED_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "record/status.h"
#include "record/net/client.h"
#include "record/feed/tracker_poll.h"
#include "record/heartbeat.h"
#include "record/tape/queue.h"
#include "format/wire/credential.h"
#include "record/receive_clock.h"
#include "record/feed/dialog.h"
#include "format/wire/url.h"

typedef struct evt_session evt_session;

/* All that is pointed to must outlive the session. */
typedef struct evt_session_options {
	const evt_url *url;
	const char *const *headers; /* "Name: value", with ${CREDENTIAL} */
	size_t n_headers;
	const char *ca_file;
	bool insecure;
	size_t max_message;
	int64_t ping_ns; /* between two pings; nothing heard in three: dead */
	int64_t idle_ns; /* without a message: connect anew; 0: never */
	bool stop_on_logout;
	uint64_t max_frames; /* end() after as many received frames; 0: never */
	uint32_t first_conn; /* number of the first connection */
	evt_dialog *talk;
	evt_tracker_poll *lister; /* NULL: none */
	evt_credential *secret;
	evt_queue *queue;
	evt_status *board;
	evt_receive_clock *stamps;
	evt_heartbeat *pulse;
	char *(*env)(const char *name);
	/* Whether the recording is being ended: 0 no, 1 politely, more: at
	 * once. */
	int (*ending)(void *ctx);
	/* Ask for that. */
	void (*end)(void *ctx, const char *reason);
	void (*say)(void *ctx, enum evt_status_event event, const char *text);
	/* A connection came up (ended is NULL), or an attempt or a connection
	 * ended (opened is NULL); what the server said may stand in it, with
	 * the credential.  May be NULL. */
	void (*tried)(void *ctx, const evt_client_opened *opened,
	    const evt_client_ended *ended);
	void *ctx;
} evt_session_options;

/* Errors: those of evt_client_new(). */
int evt_session_new(const evt_session_options *options,
    evt_session **ret_session, evt_error *err);
void evt_session_free(evt_session *s);

/* Run until ending() says so.  The queue is not closed. */
void evt_session_run(evt_session *s);

/* Put the list of trackers, if the lister has one.  To be called once more
 * when the lister has ended, by the thread that ran the session. */
void evt_session_put_list(evt_session *s);

/* Look at ending(), at the queue and at the lister.  From any thread. */
void evt_session_wake(evt_session *s);

#endif
