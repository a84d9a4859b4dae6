/*
 * api_differences.c - what differs between the played tape and the one that it is
 * compared with.
 *
 * That takes a while and sorts all frames, so a program does it beside the server
 * (programs.h).  Its lines of JSON become one answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"
#include "replay/serve/command.h"

#define DIFFERENCES_MAX 1000
/* More output is not kept. */
#define OUTPUT_BYTES (16u << 20)
/* The exit code if the tapes differ. */
#define THEY_DIFFER 3

struct differences_job {
	evt_http_request_job job;
	evt_http_request *request;
	evt_command *command; /* NULL: it has ended */
	evt_buf out;
	int64_t limit;
	bool too_much; /* the output did not fit */
	bool nomem;
	int code;
	char error[400];
};

static void
api_differences_on_output(void *ctx, const uint8_t *p, size_t n)
{
	struct differences_job *j = ctx;

	if (j->out.len + n > OUTPUT_BYTES)
		j->too_much = true;
	else if (!evt_buf_add(&j->out, p, n))
		j->nomem = true;
	if (!j->too_much && !j->nomem)
		return;
	evt_command_free(j->command);
	j->command = NULL;
	evt_http_request_wake(j->request);
}

static void
api_differences_on_end(void *ctx, int code, const char *error)
{
	struct differences_job *j = ctx;
	const char *text = strstr(error, ": ");

	j->command = NULL;
	j->code = code;
	/* "program: what and why" */
	snprintf(j->error, sizeof(j->error), "%s",
	    text != NULL ? text + 2 : error);
	j->error[strcspn(j->error, "\n")] = '\0';
	evt_http_request_wake(j->request);
}

static const evt_command_ops api_differences_ops = { api_differences_on_output,
	api_differences_on_end };

/* Each line but the last is a difference, the last one has the totals. */
static bool
api_differences_write(struct differences_job *j, evt_buf *ret)
{
	char *p = (char *)j->out.data, *end = p + j->out.len, *line = p;
	int64_t n = 0;
	evt_json_write w;

	evt_json_write_begin(&w, ret);
	evt_json_write_object(&w, NULL);
	evt_json_write_array(&w, "differences");
	for (char *next = p; p != NULL && next < end; line = next) {
		char *feed = memchr(line, '\n', (size_t)(end - line));

		if (feed == NULL || feed + 1 == end)
			break;
		next = feed + 1;
		evt_json_write_raw(&w, NULL, line, (size_t)(feed - line));
		n++;
	}
	evt_json_write_close(&w);
	evt_json_write_bool(&w, "more", n == j->limit);
	/* Without its line feed. */
	evt_json_write_raw(&w, "totals", line, (size_t)(end - line) - 1);
	evt_json_write_close(&w);
	return evt_json_write_end(&w);
}

static bool
api_differences_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
{
	struct differences_job *j = (struct differences_job *)job;
	evt_buf body = { 0 };
	evt_error err;
	int r = EVT_OK;
	bool ok = false;

	(void)until_ns;
	if (j->command != NULL)
		return false;
	if (j->nomem)
		r = evt_err_nomem(&err);
	else if (j->too_much)
		r = evt_err_set(&err, EVT_ERR_ARG,
		    "the differences have more than %u MiB: choose a shorter "
		    "time, or fewer of them with limit",
		    OUTPUT_BYTES >> 20);
	else if ((j->code != 0 && j->code != THEY_DIFFER) || j->out.len == 0)
		r = evt_err_set(&err, j->code == 2 ? EVT_ERR_ARG : EVT_ERR_IO,
		    "comparing the tapes failed: %s",
		    *j->error != '\0' ? j->error : "it was ended");
	else
		ok = api_differences_write(j, &body);
	evt_api_args_finish(x, r, ok, &body, &err);
	return true;
}

static void
api_differences_free(evt_http_request_job *job)
{
	struct differences_job *j = (struct differences_job *)job;

	evt_command_free(j->command);
	evt_buf_free(&j->out);
	free(j);
}

static int
api_differences_argv(const evt_site *site, const evt_http_request *x,
    int64_t limit, evt_strings *argv, evt_error *err)
{
	const evt_site *other = site->comparison.other;
	evt_programs_differences what = { .played = evt_tape_path(
		                              site->tapes->tape[0]),
		.compared = evt_tape_path(other->tapes->tape[0]),
		.offset_ns = other->comparison.offset_ns,
		.limit = limit,
		.args = evt_http_request_args(x) };
	int r = evt_api_args_window(site, x, &what.from_ns, &what.to_ns, err);

	if (r != EVT_OK)
		return r;
	return site->programs.how->differences(site->programs.how->ctx, &what,
	           argv) ?
	    EVT_OK :
	    evt_err_nomem(err);
}

static int
api_differences_run(struct differences_job *j, const evt_site *site,
    const evt_http_request *x, evt_error *err)
{
	evt_strings argv = { 0 };
	const char **list = NULL;
	int r = api_differences_argv(site, x, j->limit, &argv, err);

	if (r == EVT_OK) {
		list = calloc(argv.n + 1, sizeof(*list));
		if (list == NULL)
			r = evt_err_nomem(err);
	}
	for (size_t i = 0; r == EVT_OK && i < argv.n; i++)
		list[i] = argv.item[i];
	if (r == EVT_OK)
		r = evt_command_new(site->programs.running, list,
		    &api_differences_ops, j, &j->command, err);
	free(list);
	evt_strings_free(&argv);
	return r;
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

void
evt_api_differences(evt_site *site, evt_http_request *x)
{
	struct differences_job *j = NULL;
	evt_error err;
	int64_t limit = 0;
	int r = api_differences_check(site, &err);

	if (r == EVT_OK)
		r = evt_api_args_int(x, "limit", DIFFERENCES_MAX, 100, &limit,
		    &err);
	if (r == EVT_OK) {
		j = calloc(1, sizeof(*j));
		if (j == NULL)
			r = evt_err_nomem(&err);
	}
	if (j != NULL) {
		j->job = (evt_http_request_job){ .work = api_differences_work,
			.free = api_differences_free,
			.waits = true };
		j->request = x;
		j->limit = limit;
		r = api_differences_run(j, site, x, &err);
	}
	if (r == EVT_OK) {
		evt_http_request_set_job(x, &j->job);
		return;
	}
	if (j != NULL)
		api_differences_free(&j->job);
	evt_http_request_answer_failed(x, &err);
}
