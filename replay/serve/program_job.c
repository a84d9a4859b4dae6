/* program_job.c - see program_job.h. */
#include "replay/serve/program_job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "replay/serve/command.h"

/* The exit code of a program that met damage. */
#define LOSSES 3

struct program_job {
	evt_http_request_job job;
	evt_http_request *request;
	evt_program_job_answer *answer; /* NULL: the output is a file */
	int64_t limit;
	int file; /* -1: none */
	const char *type;
	char name[160];
	char ending[16];
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

static int
program_job_answer_file(struct program_job *j, evt_http_request *x,
    evt_error *err)
{
	char name[200];
	int fd = j->file;

	if (j->code != 0 && j->code != LOSSES)
		return evt_err_set(err, j->code == 2 ? EVT_ERR_ARG : EVT_ERR_IO,
		    "there is no file: %s", j->error);
	snprintf(name, sizeof(name), "%s%s.%s", j->name,
	    j->code == LOSSES ? "-damaged" : "", j->ending);
	j->file = -1;
	evt_http_request_answer_file(x, j->type, name, fd);
	return EVT_OK;
}

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
	else if (j->answer == NULL)
		r = program_job_answer_file(j, x, &err);
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
	if (j->file >= 0)
		close(j->file);
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
	r = evt_command_new(site->programs.running, list, j->file,
	    &program_job_ops, j, &j->command, err);
	free(list);
	return r;
}

static struct program_job *
program_job_new(evt_http_request *x)
{
	struct program_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->job = (evt_http_request_job){ .work = program_job_work,
		.free = program_job_free,
		.waits = true };
	j->request = x;
	j->file = -1;
	return j;
}

/* The job is taken over. */
static int
program_job_begin(struct program_job *j, const evt_site *site,
    const evt_strings *argv, evt_error *err)
{
	int r = program_job_start(j, site, argv, err);

	if (r == EVT_OK)
		evt_http_request_set_job(j->request, &j->job);
	else
		program_job_free(&j->job);
	return r;
}

int
evt_program_job_run(const evt_site *site, evt_http_request *x,
    const evt_strings *argv, evt_program_job_answer *answer, int64_t limit,
    evt_error *err)
{
	struct program_job *j = program_job_new(x);

	if (j == NULL)
		return evt_err_nomem(err);
	j->answer = answer;
	j->limit = limit;
	return program_job_begin(j, site, argv, err);
}

/* A file without a name; -1: there can be none. */
static int
program_job_open_file(void)
{
	FILE *f = tmpfile();
	int fd;

	if (f == NULL)
		return -1;
	fd = fcntl(fileno(f), F_DUPFD_CLOEXEC, 0);
	fclose(f);
	return fd;
}

int
evt_program_job_save(const evt_site *site, evt_http_request *x,
    const evt_strings *argv, const evt_program_job_file *file, evt_error *err)
{
	struct program_job *j = program_job_new(x);

	if (j == NULL)
		return evt_err_nomem(err);
	j->type = file->type;
	snprintf(j->name, sizeof(j->name), "%s", file->name);
	snprintf(j->ending, sizeof(j->ending), "%s", file->ending);
	j->file = program_job_open_file();
	if (j->file < 0) {
		program_job_free(&j->job);
		return evt_err_sys(err, errno, "cannot make a temporary file");
	}
	return program_job_begin(j, site, argv, err);
}
