/* api_args.c - arguments of calls of the API; see api_args.h. */
#include "replay/serve/api_args.h"

#include <assert.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/keys/json_scan.h"
#include "format/base/timetext.h"

/* The receive times of the first and the last frame of all tapes. */
static int
api_args_whole_span(const evt_site *site, int64_t *ret_first, int64_t *ret_last,
    evt_error *err)
{
	int64_t first, last;
	bool any = false;

	for (size_t i = 0; i < site->tapes->n; i++) {
		int r = evt_tape_span(site->tapes->tape[i], &first, &last, err);

		if (r == EVT_ERR_NOTFOUND)
			continue;
		if (r != EVT_OK)
			return r;
		if (!any || first < *ret_first)
			*ret_first = first;
		if (!any || last > *ret_last)
			*ret_last = last;
		any = true;
	}
	if (any)
		return EVT_OK;
	return evt_err_set(err, EVT_ERR_NOTFOUND, "the tape is empty");
}

/* What relative times refer to.  The end of a tape that is being recorded
 * has moved since the server began. */
static evt_timetext_ref
api_args_ref_now(const evt_site *site)
{
	evt_timetext_ref ref = site->ref;
	bool fresh = !ref.has_span;
	int64_t first = 0, last = 0;

	for (size_t i = 0; i < site->tapes->n && !fresh; i++)
		fresh = evt_tape_live(site->tapes->tape[i]);
	if (fresh && api_args_whole_span(site, &first, &last, NULL) == EVT_OK) {
		ref.has_span = true;
		ref.first_ns = first;
		ref.last_ns = last;
	}
	return ref;
}

int
evt_api_args_parse_time(const evt_site *site, const char *text,
    const evt_zone *zone, int64_t *ret_ns, evt_error *err)
{
	evt_timetext_ref ref = api_args_ref_now(site);

	if (zone != NULL)
		ref.zone = zone;
	return evt_timetext_parse(text, &ref, ret_ns, err);
}

int
evt_api_args_time(const evt_site *site, const evt_http_request *x,
    const char *name, int64_t *ret_ns, evt_error *err)
{
	const char *text = evt_http_request_arg(x, name);
	char plus[64];

	if (text == NULL || *text == '\0')
		return EVT_END;
	if (*text == ' ' && strlen(text) < sizeof(plus)) {
		/* A form encoder writes a plus, which is read as a space. */
		memcpy(plus, text, strlen(text) + 1);
		plus[0] = '+';
		text = plus;
	}
	return evt_api_args_parse_time(site, text, NULL, ret_ns, err);
}

int
evt_api_args_int(const evt_http_request *x, const char *name, int64_t max,
    int64_t otherwise, int64_t *ret, evt_error *err)
{
	const char *text = evt_http_request_arg(x, name);

	assert(max >= 1);
	*ret = otherwise;
	return text == NULL ?
	    EVT_OK :
	    evt_timetext_int_parse(text, name, 1, max, ret, err);
}

int
evt_api_args_window(const evt_site *site, const evt_http_request *x,
    int64_t *ret_from, int64_t *ret_to, evt_error *err)
{
	int64_t first = 0, last = 0;
	int from = evt_api_args_time(site, x, "from", ret_from, err), to, r;

	if (from != EVT_OK && from != EVT_END)
		return from;
	to = evt_api_args_time(site, x, "to", ret_to, err);
	if (to != EVT_OK && to != EVT_END)
		return to;
	r = from == EVT_OK && to == EVT_OK ?
	    EVT_OK :
	    api_args_whole_span(site, &first, &last, err);
	if (r == EVT_OK && from != EVT_OK)
		*ret_from = first;
	if (r == EVT_OK && to != EVT_OK)
		*ret_to = evt_clock_add(last, 1);
	if (r == EVT_OK && *ret_from >= *ret_to)
		return evt_err_set(err, EVT_ERR_ARG, "from must be before to");
	return r;
}

int
evt_api_args_body(evt_http_request *x, evt_json_view *ret_body, evt_error *err)
{
	size_t n;
	const uint8_t *body = evt_http_request_body_data(x, &n);
	evt_json_scanner *scanner;
	evt_json_scan_result found;
	evt_json_view v = evt_json_view_make(body, n);
	int r;

	*ret_body = (evt_json_view){ NULL, 0 };
	if (n == 0)
		return EVT_OK;
	r = evt_json_scanner_new(NULL, &scanner, err);
	if (r != EVT_OK)
		return r;
	r = evt_json_scan(scanner, body, n, &found, err);
	evt_json_scanner_free(scanner);
	if (r != EVT_OK)
		return r;
	if (!found.json || evt_json_view_kind(v) != EVT_JSON_VIEW_OBJECT)
		return evt_err_set(err, EVT_ERR_ARG,
		    "the body must be a JSON object");
	*ret_body = v;
	return EVT_OK;
}

void
evt_api_args_finish(evt_http_request *x, int r, bool ok, evt_buf *body,
    evt_error *err)
{
	if (r == EVT_OK && !ok)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		evt_http_request_answer_json(x, 200, body);
	else
		evt_http_request_answer_failed(x, err);
	evt_buf_free(body);
}
