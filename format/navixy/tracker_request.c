/* tracker_request.c - see tracker_request.h. */
#include "format/navixy/tracker_request.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "format/base/err.h"
#include "format/mark.h"
#include "format/navixy/trackers.h"
#include "format/base/json_view.h"

bool
evt_tracker_request_is_url(const char *from)
{
	return strncasecmp(from, "http://", 7) == 0 ||
	    strncasecmp(from, "https://", 8) == 0;
}

bool
evt_tracker_request_show(const evt_url *url, evt_buf *out)
{
	return evt_buf_printf(out, "%s://%s", url->tls ? "https" : "http",
	           url->authority) &&
	    evt_buf_add(out, url->target, strcspn(url->target, "?"));
}

bool
evt_tracker_request_body(const char *credential, evt_buf *out)
{
	return evt_buf_add_str(out, "{\"hash\":") &&
	    evt_buf_add_json(out, credential, strlen(credential)) &&
	    evt_buf_add_byte(out, '}');
}

int
evt_tracker_request_take(uint8_t *text, size_t n, const char *from,
    evt_credential *secret, evt_buf *ret_payload, size_t *ret_count,
    evt_error *err)
{
	const uint8_t *list;
	size_t list_len;
	evt_trackers *t;
	int r;

	assert((text != NULL || n == 0) && from != NULL && secret != NULL &&
	    ret_payload != NULL && ret_payload->len == 0 && ret_count != NULL);
	/* Blot before anything is parsed or shown.  If that breaks the JSON, the
	 * parser reports it. */
	(void)evt_credential_blot(secret, text, n);
	r = evt_trackers_parse(text, n, &t, err);
	if (r != EVT_OK)
		return r;
	*ret_count = evt_trackers_count(t);
	list = evt_trackers_json(t, &list_len);
	if (!evt_mark_trackers(ret_payload, from, *ret_count, list, list_len))
		r = evt_err_nomem(err);
	evt_trackers_free(t);
	return r;
}

int
evt_tracker_request_refused(unsigned status, uint8_t *text, size_t n,
    evt_credential *secret, evt_error *err)
{
	evt_trackers *t;
	evt_error said;
	evt_json_view success;
	int r;

	assert((text != NULL || n == 0) && secret != NULL);
	(void)evt_credential_blot(secret, text, n);
	if (status >= 300 && status < 400)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the server answered HTTP %u (moved): redirects are not "
		    "followed, give the new URL",
		    status);
	/* Only JSON may be viewed; the parser finds out whether it is. */
	r = evt_trackers_parse(text, n, &t, &said);
	if (r == EVT_OK)
		evt_trackers_free(t);
	if (r == EVT_ERR_NOMEM)
		return evt_err_nomem(err);
	success = EVT_JSON_VIEW_MEMBER(evt_json_view_make(text, n), "success");
	if (r == EVT_ERR_ARG &&
	    evt_json_view_kind(success) == EVT_JSON_VIEW_BOOL)
		return evt_err_set(err, EVT_ERR_ARG, "%.400s (HTTP %u)",
		    said.text, status);
	return evt_err_set(err, EVT_ERR_ARG, "the server answered HTTP %u%s",
	    status,
	    status == 401 || status == 403 ? ": is the credential right?" :
	        status == 404              ? ": is the path of the URL right?" :
	                                     "");
}
