/*
 * session.h - keep a feed connected: connect, say what the profile says,
 * reconnect after a loss, and put every frame into the queue.
 *
 * Runs on the network thread.
 */
#ifndef EVT_RECORD_FEED_SESSION_H
#define EVT_RECORD_FEED_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/evtape.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"
#include "record/feed/dialog.h"
#include "record/feed/tracker_poll.h"
#include "record/heartbeat.h"
#include "record/net/client.h"
#include "record/receive_clock.h"
#include "record/supervisor.h"
#include "record/tape/queue.h"

typedef struct evt_session evt_session;

/* All that is pointed to must outlive the session. */
typedef struct evt_session_options {
	const evt_url *url;
	const char *const *headers; /* "Name: value", with ${CREDENTIAL} */
	size_t n_headers;
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* accept any certificate */
	size_t max_message;  /* bytes */
	int64_t ping_ns;     /* between two pings; without any answer in three
	                        intervals the connection is dropped */
	int64_t idle_ns;     /* reconnect after this time without a message;
	                        0: never */
	bool stop_on_logout;
	uint64_t max_frames; /* end() after as many received frames; 0: never */
	uint32_t first_conn; /* number of the first connection */
	evt_dialog *dialog;
	evt_tracker_poll *tracker_poll; /* NULL: none */
	evt_credential *secret;
	evt_queue *queue;
	evt_receive_clock *clock;
	evt_heartbeat *heartbeat; /* of the network thread */
	char *(*env)(const char *name);
	const evt_supervisor *supervisor; /* say, ending, end, status */
	/*
	 * A connection was opened (`ended` is NULL), or an attempt or a
	 * connection ended (`opened` is NULL).  The texts may hold what the
	 * server said, the credential included.  May be NULL.
	 */
	void (*tried)(void *ctx, const evt_client_opened *opened,
	    const evt_client_ended *ended);
	void *tried_ctx;
} evt_session_options;

/* Errors: those of evt_client_new(). */
int evt_session_new(const evt_session_options *options,
    evt_session **ret_session, evt_error *err);
/* NULL is allowed. */
void evt_session_free(evt_session *s);

/* Run until the supervisor's ending() asks for the end.  The queue is not
 * closed. */
void evt_session_run(evt_session *s);

/* Put the tracker list, if the poll has one.  To be called once more after the
 * poll has ended, by the thread that ran the session. */
void evt_session_put_list(evt_session *s);

/* Have the session look at ending(), at the queue and at the tracker poll.
 * From any thread. */
void evt_session_wake(evt_session *s);

#endif
