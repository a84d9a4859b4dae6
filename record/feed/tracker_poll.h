/*
 * lister.h - get the platform's list of trackers, and get it again each day.
 *
 * It has a thread of its own: a server that does not answer, or a list that
 * takes a while to parse, holds up neither the feed nor the tape.  What it gets
 * waits to be taken by whoever puts it onto the tape.  No failure ends
 * anything: it is told, and the list is asked for again.
 */
#ifndef EVT_LISTER_H
#define EVT_LISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "record/status.h"

#define EVT_LISTER_EVERY_NS (24 * INT64_C(3600000000000))
/* What one attempt may take. */
#define EVT_LISTER_PATIENCE_NS INT64_C(60000000000)
/* What the first one may take beyond the end of the recording. */
#define EVT_LISTER_GRACE_NS INT64_C(2000000000)

typedef struct evt_lister evt_lister;

/* All that is pointed to must outlive the lister. */
typedef struct evt_lister_options {
	const char *from;    /* URL or file, see evt_listing_is_url() */
	int64_t every_ns;    /* 0: EVT_LISTER_EVERY_NS */
	int64_t patience_ns; /* 0: EVT_LISTER_PATIENCE_NS */
	const char *ca_file; /* NULL: the system's */
	bool insecure;
	const char *credential_file; /* NULL: credential */
	const char *credential;      /* NULL: none */
	char *(*env)(const char *name);
	/* Called from the lister's thread: there is something to take; a line
	 * for a person, without the credential. */
	void (*ready)(void *ctx);
	void (*say)(void *ctx, enum evt_record_event event, const char *text);
	void *ctx;
} evt_lister_options;

/*
 * Check the options and be ready to start.  It makes a client: see client.h
 * for when.  Errors: EVT_ERR_ARG with words (URL, no credential, proxy),
 * EVT_ERR_IO (credential, CA file), EVT_ERR_NOMEM.
 */
int evt_lister_new(const evt_lister_options *options, evt_lister **ret_lister,
    evt_error *err);
/* Not while its thread runs.  NULL is allowed. */
void evt_lister_free(evt_lister *l);

/* Start the thread, which asks at once.  Errors: EVT_ERR_IO. */
int evt_lister_start(evt_lister *l, evt_error *err);

/* From any thread: the payload of the latest trackers mark, and how many
 * trackers are in it; false if there is none that was not taken yet.
 * *ret_payload must be empty, and is the caller's to free. */
bool evt_lister_take(evt_lister *l, evt_buf *ret_payload, uint64_t *ret_count);

/* From any thread: stop asking.  If the first answer is still to come, it is
 * waited for a little; with a second call it is not. */
void evt_lister_end(evt_lister *l);
/* Wait until the thread has ended; evt_lister_end() must have been called. */
void evt_lister_join(evt_lister *l);

#endif
