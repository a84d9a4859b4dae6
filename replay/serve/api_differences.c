/*
 * api_differences.c - what differs between the played tape and the one that it is
 * compared with.
 *
 * That takes a while and sorts all frames, so a program does it beside the server
 * (programs.h).  Its lines of JSON become one answer.
 */
#include <string.h>

#include "format/base/err.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/program_job.h"

#define DIFFERENCES_MAX 1000
/* The exit code if the tapes differ. */
#define THEY_DIFFER 3

/* Each line but the last is a difference, the last one has the totals. */
static bool
api_differences_write(const evt_buf *lines, int64_t limit, evt_buf *ret)
{
	const char *p = (const char *)lines->data, *end = p + lines->len;
	int64_t n = 0;
	evt_json_write w;

	evt_json_write_begin(&w, ret);
	evt_json_write_object(&w, NULL);
	evt_json_write_array(&w, "differences");
	for (;;) {
		const char *feed = memchr(p, '\n', (size_t)(end - p));

		if (feed == NULL || feed + 1 == end)
			break;
		evt_json_write_raw(&w, NULL, p, (size_t)(feed - p));
		n++;
		p = feed + 1;
	}
	evt_json_write_close(&w);
	evt_json_write_bool(&w, "more", n == limit);
	/* Without its line feed. */
	evt_json_write_raw(&w, "totals", p, (size_t)(end - p) - 1);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static int
api_differences_answer(evt_http_request *x, const evt_program_job_result *got,
    int64_t limit, evt_error *err)
{
	evt_buf body = { 0 };

	if ((got->code != 0 && got->code != THEY_DIFFER) || got->out->len == 0)
		return evt_err_set(err,
		    got->code == 2 ? EVT_ERR_ARG : EVT_ERR_IO,
		    "comparing the tapes failed: %s", got->error);
	evt_api_args_finish(x, EVT_OK,
	    api_differences_write(got->out, limit, &body), &body, err);
	return EVT_OK;
}

static int
api_differences_check(const evt_site *site, evt_error *err)
{
	if (site->comparison.other == NULL)
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "the server has no tape to compare with");
	if (site->tapes->n != 1)
		return evt_err_set(err, EVT_ERR_ARG,
		    "several tapes are played: only one can be compared");
	if (site->programs.how == NULL)
		return evt_err_set(err, EVT_ERR_IO,
		    "this server has no program that compares tapes");
	return EVT_OK;
}

static int
api_differences_run(const evt_site *site, evt_http_request *x, evt_error *err)
{
	const evt_site *other = site->comparison.other;
	const evt_programs *how = site->programs.how;
	evt_programs_differences what = { .played = evt_tape_path(
		                              site->tapes->tape[0]),
		.compared = evt_tape_path(other->tapes->tape[0]),
		.offset_ns = other->comparison.offset_ns,
		.args = evt_http_request_args(x) };
	evt_strings argv = { 0 };
	int r = evt_api_args_window(site, x, &what.from_ns, &what.to_ns, err);

	if (r == EVT_OK)
		r = evt_api_args_int(x, "limit", DIFFERENCES_MAX, 100,
		    &what.limit, err);
	if (r == EVT_OK && !how->differences(how->ctx, &what, &argv))
		r = evt_err_nomem(err);
	if (r == EVT_OK)
		r = evt_program_job_run(site, x, &argv, api_differences_answer,
		    what.limit, err);
	evt_strings_free(&argv);
	return r;
}

void
evt_api_differences(evt_site *site, evt_http_request *x)
{
	evt_error err;
	int r = api_differences_check(site, &err);

	if (r == EVT_OK)
		r = api_differences_run(site, x, &err);
	if (r != EVT_OK)
		evt_http_request_answer_failed(x, &err);
}
