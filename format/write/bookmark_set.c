/*
 * bookmark_set.c - set a bookmark, or take one back.
 *
 * If no process holds the tape, the mark is put at once.  Otherwise the request
 * is left for the recorder as a file in the journal folder.  The file gets its
 * name by a rename, so that the recorder finds all of it or nothing.
 */
#include "format/write/bookmark_set.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "format/base/clock.h"
#include "format/base/err.h"
#include "format/store/lock.h"
#include "format/store/tape_dir.h"
#include "format/write/bookmark_request.h"
#include "format/write/ring.h"

static int
bookmark_set_write(const evt_io *io, const char *path, const evt_buf *content,
    evt_error *err)
{
	int r, fd = io->open(io->ctx, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);

	if (fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", path);
	r = evt_io_write_all(io, fd, content->data, content->len, 0, path, err);
	if (r == EVT_OK && io->fdatasync(io->ctx, fd) != 0)
		r = evt_err_sys(err, errno, "cannot sync %s", path);
	io->close(io->ctx, fd);
	return r;
}

/* Leave the request for the recorder. */
static int
bookmark_set_queue(const evt_io *io, const char *path,
    const evt_bookmark_request *request, evt_error *err)
{
	static const char tmp_suffix[] = ".tmp";
	evt_buf content = { 0 }, tmp = { 0 }, name = { 0 };
	int r;

	/* Names are in the order of the requests.  The clock of this machine
	 * gives the order: several requests may have the same time on tape. */
	if (!evt_buf_printf(&tmp, "%s/journal/%020" PRId64 "-%ld%s", path,
	        evt_clock_boot(), (long)getpid(), tmp_suffix) ||
	    !evt_buf_printf(&name, "%.*s" EVT_BOOKMARK_REQUEST_SUFFIX,
	        (int)(tmp.len - strlen(tmp_suffix)), (char *)tmp.data) ||
	    !evt_bookmark_request_print(request, &content)) {
		r = evt_err_nomem(err);
		goto out;
	}
	r = bookmark_set_write(io, (char *)tmp.data, &content, err);
	if (r != EVT_OK)
		goto out;
	if (io->rename(io->ctx, (char *)tmp.data, (char *)name.data) != 0)
		r = evt_err_sys(err, errno, "cannot create %s",
		    (char *)name.data);
	else
		r = evt_io_sync_parent(io, (char *)name.data, err);
out:
	evt_buf_free(&content);
	evt_buf_free(&tmp);
	evt_buf_free(&name);
	return r;
}

/* Put the mark, or leave the request if another process holds the tape. */
static int
bookmark_set_request(const char *path, const evt_bookmark_request *request,
    const evt_writer_env *env, bool *ret_queued, evt_error *err)
{
	evt_writer_options options;
	evt_writer *w;
	int r, closed;

	evt_writer_options_init(&options);
	options.existing = true;
	r = evt_writer_open_brief(path, &options, env, &w, err);
	if (r == EVT_ERR_LOCKED) {
		r = bookmark_set_queue(env != NULL ? env->io : &evt_io_posix,
		    path, request, err);
		if (r == EVT_OK)
			*ret_queued = true;
		return r;
	}
	if (r != EVT_OK)
		return r;
	r = evt_bookmark_request_put(w, request, err);
	closed = evt_writer_close(w, r == EVT_OK ? err : NULL);
	if (r == EVT_OK)
		r = closed;
	if (r == EVT_OK)
		*ret_queued = false;
	return r;
}

/* Check a request; `text` may be NULL. */
static int
bookmark_set_check(const evt_io *io, const char *path, const char *text,
    evt_error *err)
{
	int r = evt_tape_dir_check(io, path, err);

	if (r == EVT_OK && text != NULL &&
	    strlen(text) > EVT_BOOKMARK_REQUEST_TEXT_MAX)
		r = evt_err_set(err, EVT_ERR_ARG,
		    "the text of a bookmark must not be longer than %d bytes",
		    EVT_BOOKMARK_REQUEST_TEXT_MAX);
	return r;
}

int
evt_bookmark_set_env(const char *path, const char *text, int64_t time_ns,
    const evt_writer_env *env, bool *ret_queued, evt_error *err)
{
	evt_bookmark_request request = { .text = text, .time_ns = time_ns };
	int r;

	assert(path != NULL && text != NULL && ret_queued != NULL);
	r = bookmark_set_check(env != NULL ? env->io : &evt_io_posix, path,
	    text, err);
	if (r == EVT_OK)
		r = bookmark_set_request(path, &request, env, ret_queued, err);
	return r;
}

int
evt_bookmark_add(const char *path, const char *text, int64_t time_ns,
    bool *ret_queued, evt_error *err)
{
	return evt_bookmark_set_env(path, text, time_ns, NULL, ret_queued, err);
}

int
evt_bookmark_trigger(const char *path, const char *text, evt_error *err)
{
	const evt_io *io = &evt_io_posix;
	evt_bookmark_request request = { .text = text, .trigger = true };
	int r;

	assert(path != NULL);
	request.time_ns = evt_clock_real();
	r = bookmark_set_check(io, path, text, err);
	if (r != EVT_OK)
		return r;
	if (!evt_lock_held(io, path))
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "cannot trigger %s: no process is recording to it", path);
	if (!evt_ring_armed(io, path))
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "cannot trigger %s: its recorder does not wait for a "
		    "trigger, it keeps every frame",
		    path);
	return bookmark_set_queue(io, path, &request, err);
}

int
evt_bookmark_remove(const char *path, uint64_t seq, bool *ret_queued,
    evt_error *err)
{
	evt_bookmark_request request = { .removes = seq };
	evt_bookmark *bookmarks = NULL;
	evt_tape *tape;
	bool found = false;
	size_t n = 0;
	int r;

	assert(path != NULL && ret_queued != NULL);
	r = evt_tape_open(path, &tape, err);
	if (r != EVT_OK)
		return r;
	r = evt_tape_bookmarks(tape, &bookmarks, &n, err);
	for (size_t i = 0; i < n && !found; i++) {
		found = bookmarks[i].seq == seq;
		/* The mark gets the time of the bookmark that it takes back, so
		 * that it does not lengthen the tape. */
		request.time_ns = bookmarks[i].time_ns;
	}
	evt_bookmarks_free(bookmarks, n);
	evt_tape_close(tape);
	if (r != EVT_OK)
		return r;
	if (!found)
		return evt_err_set(err, EVT_ERR_NOTFOUND,
		    "%s has no bookmark with the number %" PRIu64, path, seq);
	return bookmark_set_request(path, &request, NULL, ret_queued, err);
}
