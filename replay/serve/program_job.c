/* program_job.c - see program_job.h. */
#include "replay/serve/program_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "replay/serve/command.h"

struct program_job {
	evt_http_request_job job;
	evt_http_request *request;
	evt_program_job_answer *answer;
	int64_t limit;
	evt_command *command; /* NULL: it has ended */
	evt_buf out;
	bool too_much; /* the output did not fit */
	bool nomem;
	int code;
	char error[400];
};

static void
program_job_on_output(void *ctx, const uint8_t *p, size_t n)
{
	struct program_job *j = ctx;

	if (j->out.len + n > EVT_PROGRAM_JOB_OUTPUT)
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
program_job_on_end(void *ctx, int code, const char *error)
{
	struct program_job *j = ctx;
	const char *text = strstr(error, ": ");

	j->command = NULL;
	j->code = code;
	/* "program: what and why" */
	snprintf(j->error, sizeof(j->error), "%s",
	    *error == '\0'   ? "it was ended" :
	        text != NULL ? text + 2 :
	                       error);
	j->error[strcspn(j->error, "\n")] = '\0';
	evt_http_request_wake(j->request);
}

static const evt_command_ops program_job_ops = { program_job_on_output,
	program_job_on_end };

static bool
program_job_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
{
	struct program_job *j = (struct program_job *)job;
	const evt_program_job_result result = { &j->out, j->code, j->error };
	evt_error err;
	int r;

	(void)until_ns;
	if (j->command != NULL)
		return false;
	if (j->nomem)
		r = evt_err_nomem(&err);
	else if (j->too_much)
		r = evt_err_set(&err, EVT_ERR_ARG,
		    "the answer has more than %u MiB: choose a shorter time, "
		    "or a smaller limit",
		    EVT_PROGRAM_JOB_OUTPUT >> 20);
	else
		r = j->answer(x, &result, j->limit, &err);
	if (r != EVT_OK)
		evt_http_request_answer_failed(x, &err);
	return true;
}

static void
program_job_free(evt_http_request_job *job)
{
	struct program_job *j = (struct program_job *)job;

	evt_command_free(j->command);
	evt_buf_free(&j->out);
	free(j);
}

static int
program_job_start(struct program_job *j, const evt_site *site,
    const evt_strings *argv, evt_error *err)
{
	const char **list = calloc(argv->n + 1, sizeof(*list));
	int r;

	if (list == NULL)
		return evt_err_nomem(err);
	for (size_t i = 0; i < argv->n; i++)
		list[i] = argv->item[i];
	r = evt_command_new(site->programs.running, list, &program_job_ops, j,
	    &j->command, err);
	free(list);
	return r;
}

int
evt_program_job_run(const evt_site *site, evt_http_request *x,
    const evt_strings *argv, evt_program_job_answer *answer, int64_t limit,
    evt_error *err)
{
	struct program_job *j = calloc(1, sizeof(*j));
	int r;

	if (j == NULL)
		return evt_err_nomem(err);
	j->job = (evt_http_request_job){ .work = program_job_work,
		.free = program_job_free,
		.waits = true };
	j->request = x;
	j->answer = answer;
	j->limit = limit;
	r = program_job_start(j, site, argv, err);
	if (r == EVT_OK)
		evt_http_request_set_job(x, &j->job);
	else
		program_job_free(&j->job);
	return r;
}
