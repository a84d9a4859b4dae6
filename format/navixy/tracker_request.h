/*
 * tracker_request.h - the request for the platform's list of trackers, and the
 * mark that is made of the answer.
 *
 * All of it works on text; tracker_poll.h does the network part.
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
bool evt_tracker_request_body(const char *credential, evt_buf *out);

/*
 * Make the payload of the trackers mark from n bytes of text: the platform's
 * answer or the bare list.  The text is blotted in place first; numbers keep
 * their digits.  *ret_payload must be empty; *ret_count: how many trackers.
 * Errors: EVT_ERR_ARG with words (see evt_trackers_parse()), EVT_ERR_NOMEM.
 */
int evt_tracker_request_take(uint8_t *text, size_t n, const char *from,
    const evt_credential *secret, evt_buf *ret_payload, size_t *ret_count,
    evt_error *err);

/* The error for an answer with a status other than 200, with the platform's own
 * words if the n bytes of text (blotted in place) have any.  Always EVT_ERR_ARG
 * or EVT_ERR_NOMEM. */
int evt_tracker_request_refused(unsigned status, uint8_t *text, size_t n,
    const evt_credential *secret, evt_error *err);

#endif
