/* api_folder.c - the tapes in the server's folder, and playing another of them.
 * A list looks at each tape, so it is a job: one tape, then the decks again. */
#include <stdlib.h>
#include <string.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/find/tape_folder.h"
#include "replay/serve/api.h"
#include "replay/serve/api_args.h"

struct folder_job {
	evt_http_request_job job;
	const char *path, *open_name; /* the site's */
	evt_tape_folder_query query;
	evt_source_select sources;
	evt_tape_folder folder;
	size_t looked; /* tapes */
};

static void
api_folder_answer(const struct folder_job *j, evt_http_request *x, int r,
    evt_error *err)
{
	evt_buf out = { 0 };
	evt_json_write w;

	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	evt_json_write_str(&w, "folder", j->path);
	evt_json_write_str(&w, "open", j->open_name);
	evt_tape_folder_write(&w, &j->folder);
	evt_json_write_close(&w);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, err);
}

static bool
api_folder_work(evt_http_request_job *job, evt_http_request *x,
    int64_t until_ns)
{
	struct folder_job *j = (struct folder_job *)job;
	evt_error err;
	int r = EVT_OK;

	while (j->looked < j->folder.names.n && r == EVT_OK) {
		r = evt_tape_folder_look(j->path,
		    j->folder.names.item[j->looked++], &j->query, &j->folder,
		    &err);
		if (r == EVT_OK && evt_clock_mono() >= until_ns)
			return false;
	}
	evt_tape_folder_sort(&j->folder);
	api_folder_answer(j, x, r, &err);
	return true;
}

static void
api_folder_free(evt_http_request_job *job)
{
	struct folder_job *j = (struct folder_job *)job;

	evt_tape_folder_free(&j->folder);
	evt_source_select_free(&j->sources);
	free(j);
}

/* An absolute time: it is not one of the tape that is played. */
static int
api_folder_time(const evt_site *site, const evt_http_request *x,
    const char *name, bool *ret_has, int64_t *ret_ns, evt_error *err)
{
	const char *text = evt_http_request_arg(x, name);
	evt_timetext_ref in_zone = { .zone = site->ref.zone };

	*ret_has = text != NULL && *text != '\0';
	return *ret_has ? evt_timetext_parse(text, &in_zone, ret_ns, err) :
	                  EVT_OK;
}

/* The arguments are those of the request, which outlives the job. */
static int
api_folder_query(const evt_site *site, struct folder_job *j,
    const evt_http_request *x, evt_error *err)
{
	const char *source = evt_http_request_arg(x, "source");
	evt_tape_folder_query *q = &j->query;
	int r =
	    api_folder_time(site, x, "from", &q->has_from, &q->from_ns, err);

	if (r == EVT_OK)
		r = api_folder_time(site, x, "to", &q->has_to, &q->to_ns, err);
	if (r == EVT_OK && source != NULL && *source != '\0')
		r = evt_source_select_add(&j->sources, source, NULL, 0, err);
	q->label = evt_http_request_arg(x, "label");
	q->mark = evt_http_request_arg(x, "mark");
	q->sources = &j->sources;
	return r;
}

/* true: the server has no folder, and the request was answered. */
static bool
api_folder_is_missing(const evt_site *site, evt_http_request *x)
{
	if (site->folder.path == NULL)
		evt_http_request_answer_error(x, 404,
		    "this server plays tapes, not a folder of tapes");
	return site->folder.path == NULL;
}

void
evt_api_tapes(evt_site *site, evt_http_request *x)
{
	struct folder_job *j;
	evt_error err;
	int r;

	if (api_folder_is_missing(site, x))
		return;
	j = calloc(1, sizeof(*j));
	if (j == NULL) {
		evt_http_request_answer_error(x, 500, "out of memory");
		return;
	}
	j->job = (evt_http_request_job){ .work = api_folder_work,
		.free = api_folder_free };
	j->path = site->folder.path;
	j->open_name = site->folder.open_name;
	r = api_folder_query(site, j, x, &err);
	if (r == EVT_OK)
		r = evt_tape_folder_find(j->path, &j->folder, &err);
	if (r == EVT_OK) {
		evt_http_request_set_job(x, &j->job);
		return;
	}
	api_folder_free(&j->job);
	evt_http_request_answer_failed(x, &err);
}

/* ---- opening ------------------------------------------------------------- */

/* The name is compared with those that are found in the folder, and is no path
 * that is followed: nothing else can be opened. */
static int
api_folder_check(const char *path, const char *name, evt_error *err)
{
	evt_tape_folder folder = { .n_tapes = 0 };
	int r = evt_tape_folder_find(path, &folder, err);

	if (r == EVT_OK && !evt_strings_has(&folder.names, name, strlen(name)))
		r = evt_err_set(err, EVT_ERR_NOTFOUND,
		    "there is no tape '%.200s' in the folder; GET /api/tapes "
		    "lists its tapes",
		    name);
	if (r == EVT_OK)
		r = evt_tape_folder_look(path, name, NULL, &folder, err);
	if (r == EVT_OK && folder.n_tapes == 1 && folder.tape[0].fault != NULL)
		r = evt_err_set(err, EVT_ERR_CORRUPT, "%s",
		    folder.tape[0].fault);
	evt_tape_folder_free(&folder);
	return r;
}

/* {"name":"a.tape"} */
static int
api_folder_read_name(evt_http_request *x, evt_buf *out, evt_error *err)
{
	evt_json_view body, name;
	int r = evt_api_args_body(x, &body, err);

	if (r != EVT_OK)
		return r;
	name = EVT_JSON_VIEW_MEMBER(body, "name");
	if (evt_json_view_kind(name) != EVT_JSON_VIEW_STRING)
		return evt_err_set(err, EVT_ERR_ARG,
		    "give the name of a tape: {\"name\":\"a.tape\"}");
	if (!evt_json_view_text(name, out))
		return evt_err_nomem(err);
	if (out->len > 0 && memchr(out->data, '\0', out->len) != NULL)
		return evt_err_set(err, EVT_ERR_ARG, "name contains a NUL");
	return evt_buf_add_byte(out, '\0') ? EVT_OK : evt_err_nomem(err);
}

static int
api_folder_open(evt_site *site, evt_http_request *x, evt_buf *name,
    evt_error *err)
{
	int r = api_folder_read_name(x, name, err);

	if (r == EVT_OK)
		r = api_folder_check(site->folder.path,
		    (const char *)name->data, err);
	if (r != EVT_OK ||
	    strcmp((const char *)name->data, site->folder.open_name) == 0)
		return r;
	if (site->folder.wanted != NULL)
		return evt_err_set(err, EVT_ERR_LOCKED,
		    "another tape is being opened");
	site->folder.wanted = strdup((const char *)name->data);
	return site->folder.wanted != NULL ? EVT_OK : evt_err_nomem(err);
}

void
evt_api_open(evt_site *site, evt_http_request *x)
{
	evt_buf name = { 0 }, out = { 0 };
	evt_json_write w;
	evt_error err;
	int r;

	if (api_folder_is_missing(site, x))
		return;
	if (evt_http_request_method(x) != EVT_HTTP_REQUEST_POST) {
		evt_http_request_answer_error(x, 405,
		    "method not allowed; use POST");
		return;
	}
	if (!evt_http_request_may_change(x)) {
		evt_http_request_answer_error(x, 403,
		    "a page of another origin may open a tape only with the "
		    "token");
		return;
	}
	r = api_folder_open(site, x, &name, &err);
	evt_json_write_begin(&w, &out);
	evt_json_write_object(&w, NULL);
	if (r == EVT_OK)
		evt_json_write_str(&w, "open", (const char *)name.data);
	evt_json_write_close(&w);
	evt_api_args_finish(x, r, evt_json_write_end(&w), &out, &err);
	evt_buf_free(&name);
}
