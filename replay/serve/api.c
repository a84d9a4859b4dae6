/*
 * api.c - /api/: look at the tapes, and move the house deck; see
 * docs/control.md.
 */
#include "replay/serve/api.h"

#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/timetext.h"

/* ---- what was asked for -------------------------------------------------- */

/* From the first frame of all tapes to behind the last. */
static int
api_whole_span(const evt_server *s, int64_t *ret_first, int64_t *ret_last,
    evt_error *err)
{
	int64_t first, last;
	bool any = false;

	for (size_t i = 0; i < s->o.reel->n; i++) {
		int r = evt_tape_span(s->o.reel->tape[i], &first, &last, err);

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

/* What relative times refer to: to a tape that is recorded, a moment ago is not
 * what it was when the server began. */
static evt_timetext_ref
api_ref_now(const evt_server *s)
{
	evt_timetext_ref ref = s->o.ref;
	bool fresh = !ref.has_span;
	int64_t first = 0, last = 0;

	for (size_t i = 0; i < s->o.reel->n && !fresh; i++)
		fresh = evt_tape_live(s->o.reel->tape[i]);
	if (fresh && api_whole_span(s, &first, &last, NULL) == EVT_OK) {
		ref.has_span = true;
		ref.first_ns = first;
		ref.last_ns = last;
	}
	return ref;
}

int
evt_api_time(const evt_server *s, const char *text, int64_t *ret_ns,
    evt_error *err)
{
	evt_timetext_ref ref = api_ref_now(s);

	return evt_timetext_parse(text, &ref, ret_ns, err);
}

int
evt_api_arg_time(const struct exchange *x, const char *name, int64_t *ret_ns,
    evt_error *err)
{
	const char *text = evt_http_args_get(&x->args, name);
	char plus[64];

	if (text == NULL || *text == '\0')
		return EVT_END;
	if (*text == ' ' && strlen(text) < sizeof(plus)) {
		/* A plus that a form encoder reads as a space. */
		memcpy(plus, text, strlen(text) + 1);
		plus[0] = '+';
		text = plus;
	}
	return evt_api_time(x->server, text, ret_ns, err);
}

int
evt_api_arg_int(const struct exchange *x, const char *name, int64_t max,
    int64_t otherwise, int64_t *ret, evt_error *err)
{
	const char *text = evt_http_args_get(&x->args, name);

	*ret = otherwise;
	return text == NULL ?
	    EVT_OK :
	    evt_timetext_int_parse(text, name, 1, max, ret, err);
}

int
evt_api_arg_window(const struct exchange *x, int64_t *ret_from, int64_t *ret_to,
    evt_error *err)
{
	int64_t first = 0, last = 0;
	int from = evt_api_arg_time(x, "from", ret_from, err), to, r;

	if (from != EVT_OK && from != EVT_END)
		return from;
	to = evt_api_arg_time(x, "to", ret_to, err);
	if (to != EVT_OK && to != EVT_END)
		return to;
	r = from == EVT_OK && to == EVT_OK ?
	    EVT_OK :
	    api_whole_span(x->server, &first, &last, err);
	if (r == EVT_OK && from != EVT_OK)
		*ret_from = first;
	if (r == EVT_OK && to != EVT_OK)
		*ret_to = evt_clock_add(last, 1);
	if (r == EVT_OK && *ret_from >= *ret_to)
		return evt_err_set(err, EVT_ERR_ARG,
		    "nothing lies between from and to");
	return r;
}

void
evt_api_finish(struct exchange *x, int r, bool ok, evt_buf *body,
    evt_error *err)
{
	if (r == EVT_OK && !ok)
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		evt_http_answer_json(x, 200, body);
	else
		evt_http_answer_failed(x, err);
	evt_buf_free(body);
}

bool
evt_api_string(const char *text, evt_buf *out)
{
	return text != NULL ? evt_buf_add_json(out, text, strlen(text)) :
	                      evt_buf_add_str(out, "null");
}

/* ---- which call ---------------------------------------------------------- */

static const struct {
	const char *path;
	void (*fn)(struct exchange *x);
} calls[] = {
	{ "/api/tape", evt_api_tape },
	{ "/api/timeline", evt_api_timeline },
	{ "/api/sources", evt_api_sources },
	{ "/api/frames", evt_api_frames },
	{ "/api/gaps", evt_api_gaps },
	{ "/api/marks", evt_api_marks },
	{ "/api/deck", evt_api_deck },
};

/* "/api/sources/ID" and what may follow. */
static void
api_source_call(struct exchange *x, const char *rest)
{
	static const char track[] = "/track";
	size_t n = strlen(rest), m = sizeof(track) - 1;
	char *id;

	if (n <= m || strcmp(rest + n - m, track) != 0) {
		evt_api_source(x, rest);
		return;
	}
	id = strndup(rest, n - m);
	if (id == NULL)
		evt_http_answer_error(x, 500, "out of memory");
	else
		evt_api_track(x, id);
	free(id);
}

void
evt_api(struct exchange *x)
{
	static const char deck[] = "/api/deck/", source[] = "/api/sources/";

	if (strncmp(x->path, deck, sizeof(deck) - 1) == 0) {
		evt_api_deck_call(x, x->path + sizeof(deck) - 1);
		return;
	}
	if (x->method == METHOD_POST) {
		evt_http_answer_error(x, 405,
		    "this is only to be looked at: GET");
		return;
	}
	if (strncmp(x->path, source, sizeof(source) - 1) == 0) {
		api_source_call(x, x->path + sizeof(source) - 1);
		return;
	}
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i].path, x->path) == 0) {
			calls[i].fn(x);
			return;
		}
	}
	evt_http_answer_error(x, 404, "there is no such call here");
}
