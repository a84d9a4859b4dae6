/*
 * lister.h - get the platform's list of trackers, and get it again each day.
 *
 * It has a thread of its own: a server that does not answer, or a list that
 * takes a while to parse, holds up neither the feed nor the tape.  What it gets
 * waits to be taken by whoever puts it onto the tape.  No failure ends
 * anything: it is told, and the list is asked for again.
 */
#ifndef EVT_RECORD_FEED_TRACKER_POLL_H
#define EVT_RECORD_FEED_TRACKER_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "record/status.h"

#define EVT_TRACKER_POLL_EVERY_NS (24 * INT64_C(3600000000000))
/* What one attempt may take. */
#define EVT_TRACKER_POLL_PATIENCE_NS INT64_C(60000000000)
/* What the first one may take beyond the end of the recording. */
#define EVT_TRACKER_POLL_GRACE_NS INT64_C(2000000000)

typedef struct evt_tracker_poll evt_tracker_poll;

/* All that is pointed to must outlive the lister. */
typedef struct evt_tracker_poll_options {
	const char *from;    /* URL or file, see evt_tracker_request_is_url() */
	int64_t every_ns;    /* 0: EVT_TRACKER_POLL_EVERY_NS */
	int64_t patience_ns; /* 0: EVT_TRACKER_POLL_PATIENCE_NS */
	const char *ca_file; /* NULL: the system's */
	bool insecure;
	const char *credential_file; /* NULL: credential */
	const char *credential;      /* NULL: none */
	char *(*env)(const char *name);
	/* Called from the lister's thread: there is something to take; a line
	 * for a person, without the credential. */
	void (*ready)(void *ctx);
	void (*say)(void *ctx, enum evt_status_event event, const char *text);
	void *ctx;
} evt_tracker_poll_options;

/*
 * Check the options and be ready to start.  It makes a client: see client.h
 * for when.  Errors: EVT_ERR_ARG with words (URL, no credential, proxy),
 * EVT_ERR_IO (credential, CA file), EVT_ERR_NOMEM.
 */
int evt_tracker_poll_new(const evt_tracker_poll_options *options,
    evt_tracker_poll **ret_lister, evt_error *err);
/* Not while its thread runs.  NULL is allowed. */
void evt_tracker_poll_free(evt_tracker_poll *l);

/* Start the thread, which asks at once.  Errors: EVT_ERR_IO. */
int evt_tracker_poll_start(evt_tracker_poll *l, evt_error *err);

/* From any thread: the payload of the latest trackers mark, and how many
 * trackers are in it; false if there is none that was not taken yet.
 * *ret_payload must be empty, and is the caller's to free. */
bool evt_tracker_poll_take(evt_tracker_poll *l, evt_buf *ret_payload,
    uint64_t *ret_count);

/* From any thread: stop asking.  If the first answer is still to come, it is
 * waited for a little; with a second call it is not. */
void evt_tracker_poll_end(evt_tracker_poll *l);
/* Wait until the thread has ended; evt_tracker_poll_end() must have been called. */
void evt_tracker_poll_join(evt_tracker_poll *l);

#endif
