/*
 * bookmark_take.c - the writer takes the bookmarks that others requested.
 *
 * A request's file is removed after its mark was synced.  A recorder that dies
 * between the two leaves both.  So the next recorder looks for the mark on the
 * tape first, and does not set it twice.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/base/strings.h"
#include "format/read/tape.h"
#include "format/write/bookmark_request.h"
#include "format/write/writer_priv.h"

int
evt_writer_put_bookmark(evt_writer *w, const char *text, int64_t time_ns,
    evt_error *err)
{
	evt_bookmark_request request = { .text = text, .time_ns = time_ns };

	return evt_bookmark_request_put(w, &request, err);
}

/* ---- triggers ------------------------------------------------------------ */

/* Keep the request until evt_writer_take_trigger().  Of several the earliest
 * time and the last text count. */
static int
bookmark_take_keep_trigger(evt_writer *w, const evt_bookmark_request *request,
    evt_error *err)
{
	evt_writer_requests *requests = evt_writer_get_requests(w);
	char *text = NULL;

	if (request->text != NULL) {
		text = strdup(request->text);
		if (text == NULL)
			return evt_err_nomem(err);
	}
	if (!requests->triggered || request->time_ns < requests->trigger_ns)
		requests->trigger_ns = request->time_ns;
	requests->triggered = true;
	if (text != NULL) {
		free(requests->trigger_text);
		requests->trigger_text = text;
	}
	return EVT_OK;
}

bool
evt_writer_take_trigger(evt_writer *w, int64_t *ret_ns, char **ret_text)
{
	evt_writer_requests *requests = evt_writer_get_requests(w);

	if (!requests->triggered)
		return false;
	*ret_ns = requests->trigger_ns;
	*ret_text = requests->trigger_text;
	requests->triggered = false;
	requests->trigger_text = NULL;
	return true;
}

/* ---- one file ------------------------------------------------------------ */

/* Read the file of a request.  `ret_content` is empty if the file may not be
 * read.  A file that is too long is cut off, and then it is not valid JSON. */
static int
bookmark_take_read(const evt_io *io, const char *path, evt_buf *ret_content,
    evt_error *err)
{
	size_t n = 0;
	int fd, r;

	if (!evt_buf_reserve(ret_content, EVT_BOOKMARK_REQUEST_FILE_MAX))
		return evt_err_nomem(err);
	fd = io->open(io->ctx, path, O_RDONLY, 0);
	if (fd < 0 && (errno == EACCES || errno == ELOOP)) {
		/* Frames must not wait for a bookmark. */
		r = EVT_OK;
	} else if (fd < 0) {
		r = errno == ENOENT ?
		    EVT_ERR_NOTFOUND :
		    evt_err_sys(err, errno, "cannot open %s", path);
	} else {
		r = evt_io_read_at(io, fd, ret_content->data,
		    EVT_BOOKMARK_REQUEST_FILE_MAX, 0, path, &n, err);
		io->close(io->ctx, fd);
	}
	ret_content->len = n;
	return r;
}

/* Whether the n bookmarks of the tape are as requested. */
static bool
bookmark_take_is_done(const evt_bookmark *bookmarks, size_t n,
    const evt_bookmark_request *request)
{
	for (size_t i = 0; i < n; i++) {
		const evt_bookmark *b = &bookmarks[i];

		if (request->text == NULL) {
			if (b->seq == request->removes)
				return false;
		} else if (b->time_ns == request->time_ns &&
		    strcmp(b->text, request->text) == 0) {
			return true;
		}
	}
	return request->text == NULL;
}

/* Whether the recorder before this one has put the mark already.  If the tape
 * cannot be read, the mark is put: twice is better than not at all. */
static bool
bookmark_take_is_on_tape(const evt_writer *w,
    const evt_bookmark_request *request)
{
	evt_bookmark *bookmarks;
	evt_tape *tape;
	size_t n;
	bool done = false;

	if (evt_tape_open_io(evt_writer_path(w), evt_writer_io(w), &tape,
	        NULL) != EVT_OK)
		return false;
	if (evt_tape_bookmarks(tape, &bookmarks, &n, NULL) == EVT_OK) {
		done = bookmark_take_is_done(bookmarks, n, request);
		evt_bookmarks_free(bookmarks, n);
	}
	evt_tape_close(tape);
	return done;
}

/* Sync the mark that was put, then remove the file that requested it. */
static int
bookmark_take_finish(evt_writer *w, evt_error *err)
{
	evt_writer_requests *requests = evt_writer_get_requests(w);
	const evt_io *io = evt_writer_io(w);
	int r;

	if (requests->path == NULL)
		return EVT_OK;
	r = evt_writer_sync(w, err);
	if (r != EVT_OK)
		return r;
	if (io->unlink(io->ctx, requests->path) != 0 && errno != ENOENT)
		return evt_err_sys(err, errno, "cannot remove %s",
		    requests->path);
	free(requests->path);
	requests->path = NULL;
	return EVT_OK;
}

/* Do what a file requests, unless it is not a valid request. */
static int
bookmark_take_do(evt_writer *w, const char *path, evt_error *err)
{
	evt_buf content = { 0 }, text = { 0 };
	evt_bookmark_request request;
	int r = bookmark_take_read(evt_writer_io(w), path, &content, err);

	if (r == EVT_OK)
		r = evt_bookmark_request_parse(evt_writer_scanner(w), &content,
		    &request, &text, err);
	if (r == EVT_END) {
		evt_writer_notice(w,
		    "removed %s: it is not a valid bookmark request, or cannot "
		    "be read",
		    path);
		r = EVT_OK;
	} else if (r == EVT_OK && request.trigger) {
		r = bookmark_take_keep_trigger(w, &request, err);
	} else if (r == EVT_OK &&
	    (evt_writer_get_requests(w)->known ||
	        !bookmark_take_is_on_tape(w, &request))) {
		r = evt_bookmark_request_put(w, &request, err);
	}
	evt_buf_free(&content);
	evt_buf_free(&text);
	return r;
}

static int
bookmark_take_file(evt_writer *w, const char *name, evt_error *err)
{
	/* Allocate first: a mark that was put must not be put again. */
	char *path = evt_io_path_join(evt_writer_journal_dir(w), name);
	int r;

	if (path == NULL)
		return evt_err_nomem(err);
	r = bookmark_take_do(w, path, err);
	if (r != EVT_OK) {
		free(path);
		/* Another process removed the file. */
		return r == EVT_ERR_NOTFOUND ? EVT_OK : r;
	}
	evt_writer_get_requests(w)->path = path;
	return bookmark_take_finish(w, err);
}

/* ---- all files ----------------------------------------------------------- */

struct bookmark_take_found {
	evt_strings names;
	bool nomem;
};

/* Keep the name of a file in the journal folder if it is a request. */
static bool
bookmark_take_find(void *arg, const char *name, bool is_file)
{
	static const char suffix[] = EVT_BOOKMARK_REQUEST_SUFFIX;
	struct bookmark_take_found *found = arg;
	size_t n = strlen(name);

	if (!is_file || n < sizeof(suffix) ||
	    strcmp(name + n - (sizeof(suffix) - 1), suffix) != 0)
		return true;
	found->nomem = !evt_strings_add(&found->names, name, n);
	return !found->nomem;
}

static int
bookmark_take_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
evt_writer_take_bookmarks(evt_writer *w, evt_error *err)
{
	struct bookmark_take_found found = { 0 };
	evt_writer_requests *requests = evt_writer_get_requests(w);
	const evt_io *io = evt_writer_io(w);
	int r = bookmark_take_finish(w, err);

	if (r != EVT_OK)
		return r;
	if (io->list(io->ctx, evt_writer_journal_dir(w), bookmark_take_find,
	        &found) != 0)
		r = evt_err_sys(err, errno, "cannot read folder %s",
		    evt_writer_journal_dir(w));
	else if (found.nomem)
		r = evt_err_nomem(err);
	/* The names begin with a time: this is the order of the requests. */
	if (r == EVT_OK && found.names.n > 1)
		qsort(found.names.item, found.names.n,
		    sizeof(*found.names.item), bookmark_take_compare);
	for (size_t i = 0; i < found.names.n && r == EVT_OK; i++)
		r = bookmark_take_file(w, found.names.item[i], err);
	evt_strings_free(&found.names);
	requests->known = requests->known || r == EVT_OK;
	return r;
}
