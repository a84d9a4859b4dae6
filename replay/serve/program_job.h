/* program_job.h - answer a request with what a program found out (programs.h). */
#ifndef EVT_REPLAY_SERVE_PROGRAM_JOB_H
#define EVT_REPLAY_SERVE_PROGRAM_JOB_H

#include "replay/serve/http_request.h"
#include "replay/serve/site.h"

/* More output of a program is not kept, bytes. */
#define EVT_PROGRAM_JOB_OUTPUT (16u << 20)

/* How it ended. */
typedef struct evt_program_job_result {
	const evt_buf *out; /* what it printed */
	int code;           /* its exit code, or 128 plus a signal's number */
	const char *error;  /* the first line on stderr, without the program's
	                       name; never empty */
} evt_program_job_result;

/* Answers the request, or returns an error to answer with.  limit: as given. */
typedef int evt_program_job_answer(evt_http_request *x,
    const evt_program_job_result *result, int64_t limit, evt_error *err);

/*
 * Run the program, and let `answer` answer the request when it has ended.  argv is
 * copied.  After an error the request is not answered yet.  Errors: EVT_ERR_IO,
 * EVT_ERR_NOMEM.
 */
int evt_program_job_run(const evt_site *site, evt_http_request *x,
    const evt_strings *argv, evt_program_job_answer *answer, int64_t limit,
    evt_error *err);

/* A download. */
typedef struct evt_program_job_file {
	const char *type; /* media type; must outlive the request */
	const char *name; /* without its ending, copied */
	const char *ending;
} evt_program_job_file;

/*
 * Run the program, and answer with all that it printed, as a file: it is kept in a
 * temporary file until then, so that an answer that begins is whole.  Of a damaged
 * tape (exit code 3) the name says so.  After an error the request is not answered
 * yet.  Errors: EVT_ERR_IO, EVT_ERR_NOMEM.
 */
int evt_program_job_save(const evt_site *site, evt_http_request *x,
    const evt_strings *argv, const evt_program_job_file *file, evt_error *err);

#endif
