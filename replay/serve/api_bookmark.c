/*
 * api_bookmark.c - set and remove bookmarks: POST /api/marks.
 *
 * A program does it (programs.h): writing to a tape may wait for its disk, and another
 * process may be recording to it.
 */
#include <string.h>

#include "format/base/err.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/program_job.h"

static int
api_bookmark_answer(evt_http_request *x, const evt_program_job_result *got,
    int64_t limit, evt_error *err)
{
	evt_buf body = { 0 };

	(void)limit;
	if (got->code != 0)
		return evt_err_set(err,
		    got->code == 2 ? EVT_ERR_ARG : EVT_ERR_IO,
		    "the bookmark was not changed: %s", got->error);
	evt_api_args_finish(x, EVT_OK,
	    evt_buf_add_str(&body, "{\"done\":true}"), &body, err);
	return EVT_OK;
}

/* A member that is a text without NUL; *ret is empty if there is none. */
static int
api_bookmark_text(evt_json_view body, const char *name, evt_buf *ret,
    evt_error *err)
{
	evt_json_view v = evt_json_view_member(body, name, strlen(name));

	if (evt_json_view_kind(v) == EVT_JSON_VIEW_NONE)
		return evt_buf_add_byte(ret, '\0') ? EVT_OK :
		                                     evt_err_nomem(err);
	if (evt_json_view_kind(v) != EVT_JSON_VIEW_STRING)
		return evt_err_set(err, EVT_ERR_ARG, "%s must be a text", name);
	if (!evt_json_view_text(v, ret))
		return evt_err_nomem(err);
	if (ret->len > 0 && memchr(ret->data, '\0', ret->len) != NULL)
		return evt_err_set(err, EVT_ERR_ARG, "%s contains a NUL", name);
	return evt_buf_add_byte(ret, '\0') ? EVT_OK : evt_err_nomem(err);
}

/* The tape that holds the time, or else the first one. */
static const char *
api_bookmark_tape(const evt_site *site, int64_t time_ns)
{
	int64_t first, last;

	for (size_t i = 0; i < site->tapes->n; i++) {
		if (evt_tape_span(site->tapes->tape[i], &first, &last, NULL) ==
		        EVT_OK &&
		    time_ns >= first && time_ns <= last)
			return evt_tape_path(site->tapes->tape[i]);
	}
	return evt_tape_path(site->tapes->tape[0]);
}

/* {"time":TIME,"text":"…"} or {"remove":NUMBER} */
static int
api_bookmark_read(const evt_site *site, evt_json_view body, evt_buf *text,
    evt_programs_bookmark *what, evt_error *err)
{
	evt_json_view remove = EVT_JSON_VIEW_MEMBER(body, "remove");
	evt_buf time = { 0 };
	int r;

	if (evt_json_view_kind(remove) != EVT_JSON_VIEW_NONE) {
		what->tape = evt_tape_path(site->tapes->tape[0]);
		return evt_json_view_int(remove, &what->removes) &&
		        what->removes > 0 ?
		    EVT_OK :
		    evt_err_set(err, EVT_ERR_ARG,
		        "remove must be the seq of a bookmark");
	}
	r = api_bookmark_text(body, "text", text, err);
	if (r == EVT_OK && text->data[0] == '\0')
		r = evt_err_set(err, EVT_ERR_ARG,
		    "give a text and a time: {\"time\":\"12:51\",\"text\":"
		    "\"the jump\"}");
	if (r == EVT_OK)
		r = api_bookmark_text(body, "time", &time, err);
	if (r == EVT_OK)
		r = evt_api_args_parse_time(site, (const char *)time.data, NULL,
		    &what->time_ns, err);
	evt_buf_free(&time);
	if (r == EVT_OK) {
		what->text = (const char *)text->data;
		what->tape = api_bookmark_tape(site, what->time_ns);
	}
	return r;
}

static int
api_bookmark_run(const evt_site *site, evt_http_request *x, evt_buf *text,
    evt_error *err)
{
	const evt_programs *how = site->programs.how;
	evt_programs_bookmark what = { 0 };
	evt_strings argv = { 0 };
	evt_json_view body;
	int r = evt_api_args_body(x, &body, err);

	if (r == EVT_OK && how == NULL)
		r = evt_err_set(err, EVT_ERR_IO,
		    "this server has no program that sets bookmarks");
	if (r == EVT_OK)
		r = api_bookmark_read(site, body, text, &what, err);
	if (r == EVT_OK && what.removes > 0 && site->tapes->n > 1)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "several tapes are played: remove it on its own tape");
	if (r == EVT_OK && !how->bookmark(how->ctx, &what, &argv))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_program_job_run(site, x, &argv, api_bookmark_answer, 0,
		    err);
	evt_strings_free(&argv);
	return r;
}

void
evt_api_bookmark(evt_site *site, evt_http_request *x)
{
	evt_buf text = { 0 };
	evt_error err;

	if (api_bookmark_run(site, x, &text, &err) != EVT_OK)
		evt_http_request_answer_failed(x, &err);
	evt_buf_free(&text);
}
