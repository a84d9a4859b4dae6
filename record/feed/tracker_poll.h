/*
 * tracker_poll.h - get the platform's list of trackers, again and again.
 *
 * The poll has a thread of its own, so that a slow server or a long list delays
 * neither the feed nor the tape.  A list waits until the session takes it and
 * puts it onto the tape.  A failure is reported and the request is retried; it
 * ends nothing.
 */
#ifndef EVT_RECORD_FEED_TRACKER_POLL_H
#define EVT_RECORD_FEED_TRACKER_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "record/supervisor.h"

#define EVT_TRACKER_POLL_EVERY_NS (24 * INT64_C(3600000000000))
/* The time limit of one attempt. */
#define EVT_TRACKER_POLL_PATIENCE_NS INT64_C(60000000000)
/* How long the first attempt may outlast the end of the recording. */
#define EVT_TRACKER_POLL_GRACE_NS INT64_C(2000000000)

typedef struct evt_tracker_poll evt_tracker_poll;

/* All that is pointed to must outlive the poll. */
typedef struct evt_tracker_poll_options {
	const char *from;    /* URL or file, see evt_tracker_request_is_url() */
	int64_t every_ns;    /* 0: EVT_TRACKER_POLL_EVERY_NS */
	int64_t patience_ns; /* 0: EVT_TRACKER_POLL_PATIENCE_NS */
	const char *ca_file; /* NULL: the system's */
	bool insecure;       /* accept any certificate */
	const char *credential_file; /* NULL: credential */
	const char *credential;      /* NULL: none */
	char *(*env)(const char *name);
	/* There is a list to take.  Called from the poll's thread. */
	void (*ready)(void *ctx);
	void *ready_ctx;
	/* say: called from the poll's thread, never with the credential. */
	const evt_supervisor *supervisor;
} evt_tracker_poll_options;

/*
 * Check the options and be ready to start.  This makes a client: see client.h
 * for when that is allowed.  Errors: EVT_ERR_ARG with a message (URL, no
 * credential, proxy), EVT_ERR_IO (credential, CA file), EVT_ERR_NOMEM.
 */
int evt_tracker_poll_new(const evt_tracker_poll_options *options,
    evt_tracker_poll **ret_poll, evt_error *err);
/* Its thread must not run.  NULL is allowed. */
void evt_tracker_poll_free(evt_tracker_poll *l);

/* Start the thread, which sends its first request at once.  To be called once.
 * Errors: EVT_ERR_IO. */
int evt_tracker_poll_start(evt_tracker_poll *l, evt_error *err);

/*
 * Take the latest list, from any thread.  *ret_payload: the payload of its
 * mark; it must be empty, and is the caller's to free.  *ret_count: how many
 * trackers are in it.  false: there is no list that was not taken yet.
 */
bool evt_tracker_poll_take(evt_tracker_poll *l, evt_buf *ret_payload,
    uint64_t *ret_count);

/* Stop polling, from any thread.  The first answer is still waited for, for
 * EVT_TRACKER_POLL_GRACE_NS; after a second call it is not. */
void evt_tracker_poll_end(evt_tracker_poll *l);
/* Wait until the thread has ended.  evt_tracker_poll_end() must have been
 * called. */
void evt_tracker_poll_join(evt_tracker_poll *l);

#endif
