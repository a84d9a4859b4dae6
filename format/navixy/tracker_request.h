/*
 * tracker_request.h - the request for the platform's list of trackers, and the
 * mark that is made from the answer.
 *
 * All functions work on text; record/feed/tracker_poll.h does the network part.
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

/* Longest answer or file that is accepted, in bytes. */
#define EVT_TRACKER_REQUEST_MAX (64u << 20)

/* Whether `from` is a URL (http:// or https://); otherwise it is a file. */
bool evt_tracker_request_is_url(const char *from);

/* Append the URL of the list as it may be stored and shown: without the query,
 * and with ${CREDENTIAL} unchanged.  false: out of memory. */
bool evt_tracker_request_show(const evt_url *url, evt_buf *out);

/* Append the body of the request, which contains the credential.  false: out of
 * memory. */
bool evt_tracker_request_body(const char *credential, evt_buf *out);

/*
 * Make the payload of the trackers mark from n bytes of text: the platform's
 * answer or the bare list.  The credential is blotted out of the text
 * first, in place.  Numbers keep their digits.  *ret_payload must be empty;
 * *ret_count: the number of trackers.
 * Errors: EVT_ERR_ARG (see evt_trackers_parse()), EVT_ERR_NOMEM.
 */
int evt_tracker_request_take(uint8_t *text, size_t n, const char *from,
    evt_credential *secret, evt_buf *ret_payload, size_t *ret_count,
    evt_error *err);

/* Make the error for an answer with a status other than 200.  It has the
 * platform's description if the n bytes of text have one.  The credential is
 * blotted out of the text in place.  Always EVT_ERR_ARG or EVT_ERR_NOMEM. */
int evt_tracker_request_refused(unsigned status, uint8_t *text, size_t n,
    evt_credential *secret, evt_error *err);

#endif
