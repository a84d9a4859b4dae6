/*
 * listing.h - the platform's list of trackers as text: what is asked, and what
 * of the answer goes onto the tape.
 *
 * Nothing here waits for anybody: see lister.h for that.
 */
#ifndef EVT_FORMAT_NAVIXY_TRACKER_REQUEST_H
#define EVT_FORMAT_NAVIXY_TRACKER_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/base/buf.h"
#include "format/evtape.h"
#include "format/wire/credential.h"
#include "format/wire/url.h"

/* Longest answer or file that is taken. */
#define EVT_TRACKER_REQUEST_MAX (64u << 20)

/* Whether a list is to be had from a URL (http:// or https://) or else from a
 * file. */
bool evt_tracker_request_is_url(const char *from);

/* Append where the list comes from as it may be stored and shown: without the
 * query, with the credential's mark where it stands.  false: out of memory. */
bool evt_tracker_request_show(const evt_url *url, evt_buf *out);

/* Append the body of the request; the credential is in it.  false: out of
 * memory. */
bool evt_tracker_request_request(const char *credential, evt_buf *out);

/*
 * Make the payload of the trackers mark of n bytes of text: the platform's
 * answer or the bare list.  The text is blotted in place first; numbers stay
 * as they stand.  *ret_payload must be empty; *ret_count: how many trackers.
 * Errors: EVT_ERR_ARG with words (see evt_trackers_parse()), EVT_ERR_NOMEM.
 */
int evt_tracker_request_take(uint8_t *text, size_t n, const char *from,
    const evt_credential *secret, evt_buf *ret_payload, size_t *ret_count,
    evt_error *err);

/* Words for an answer with another status than 200, with the platform's own
 * (in n bytes of text, blotted in place) if it has any.  Always EVT_ERR_ARG
 * or EVT_ERR_NOMEM. */
int evt_tracker_request_refused(unsigned status, uint8_t *text, size_t n,
    const evt_credential *secret, evt_error *err);

#endif
