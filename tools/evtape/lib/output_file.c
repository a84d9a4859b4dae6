/* output_file.c - the output of a command: stdout, or a file that is renamed when
 * it is complete. */
#include "tools/evtape/lib/output_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/err.h"
#include "tools/evtape/lib/stop.h"
#include "tools/output_path.h"
#include "tools/print.h"

/* Bytes in one write(). */
#define CHUNK (256u << 10)

struct output_file {
	int fd;
	char *path; /* NULL: stdout */
	char *part; /* NULL: stdout, or a device or pipe */
	bool force, done;
	bool shown; /* on a terminal, or to people */
	mode_t mode;
	evt_buf buf;
	uint64_t written;
};

int
output_file_exists(const char *path, evt_error *err)
{
	return evt_err_set(err, EVT_ERR_ARG,
	    "%s exists; name another file, or give --force to replace it",
	    path);
}

static int
output_file_open_file(output_file *o, const char *path, evt_error *err)
{
	enum output_path_kind kind;
	evt_buf part = { 0 };
	int r = output_path_find(path, &kind, &o->path, err);

	if (r != EVT_OK)
		return r;
	if (kind == OUTPUT_PATH_SPECIAL)
		return output_path_open(o->path, &o->fd, err);
	if (kind == OUTPUT_PATH_FILE && !o->force)
		return output_file_exists(path, err);
	if (!evt_buf_printf(&part, "%s.part-%ld", o->path, (long)getpid())) {
		evt_buf_free(&part);
		return evt_err_nomem(err);
	}
	o->part = (char *)part.data;
	stop_catch_signals();
	o->fd = open(o->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, o->mode);
	if (o->fd < 0)
		return evt_err_sys(err, errno, "cannot create %s", o->part);
	return EVT_OK;
}

static int
output_file_open_mode(const char *path, bool force, mode_t mode,
    output_file **ret_out, evt_error *err)
{
	output_file *o = calloc(1, sizeof(*o));
	int r = EVT_OK;

	if (o == NULL)
		return evt_err_nomem(err);
	o->fd = STDOUT_FILENO;
	o->shown = isatty(STDOUT_FILENO);
	o->force = force;
	o->mode = mode;
	if (!output_file_is_stdout(path)) {
		o->shown = false;
		r = output_file_open_file(o, path, err);
	}
	if (r != EVT_OK) {
		output_file_close(o);
		return r;
	}
	*ret_out = o;
	return EVT_OK;
}

bool
output_file_is_stdout(const char *path)
{
	return path == NULL || strcmp(path, "-") == 0;
}

int
output_file_open(const char *path, bool force, output_file **ret_out,
    evt_error *err)
{
	return output_file_open_mode(path, force, 0666, ret_out, err);
}

int
output_file_open_text(output_file **ret_out, evt_error *err)
{
	int r = output_file_open(NULL, false, ret_out, err);

	if (r == EVT_OK)
		(*ret_out)->shown = true;
	return r;
}

int
output_file_open_private(const char *path, output_file **ret_out,
    evt_error *err)
{
	return output_file_open_mode(path, false, 0600, ret_out, err);
}

evt_buf *
output_file_buf(output_file *o)
{
	return &o->buf;
}

uint64_t
output_file_offset(const output_file *o)
{
	return o->written + o->buf.len;
}

int
output_file_flush(output_file *o, evt_error *err)
{
	size_t at = 0;

	if (o->shown && !print_escape(&o->buf))
		return evt_err_nomem(err);
	while (at < o->buf.len) {
		ssize_t n = write(o->fd, o->buf.data + at, o->buf.len - at);

		if (n < 0 && errno == EAGAIN) { /* stdout is non-blocking */
			struct pollfd p = { .fd = o->fd, .events = POLLOUT };

			poll(&p, 1, -1);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE && o->path == NULL)
			return EVT_END;
		if (n < 0)
			return evt_err_sys(err, errno, "cannot write %s",
			    o->path != NULL ? o->path : "to stdout");
		at += (size_t)n;
	}
	o->written += o->buf.len;
	o->buf.len = 0;
	return EVT_OK;
}

int
output_file_flush_some(output_file *o, evt_error *err)
{
	return o->buf.len >= CHUNK ? output_file_flush(o, err) : EVT_OK;
}

int
output_file_finish(output_file *o, evt_error *err)
{
	int r = output_file_flush(o, err);

	if (r != EVT_OK || o->part == NULL)
		return r;
	if (fdatasync(o->fd) != 0)
		return evt_err_sys(err, errno, "cannot sync %s", o->part);
	if (rename(o->part, o->path) != 0)
		return evt_err_sys(err, errno, "cannot create %s", o->path);
	o->done = true;
	return EVT_OK;
}

void
output_file_close(output_file *o)
{
	if (o == NULL)
		return;
	if (o->path != NULL && o->fd >= 0 && o->fd != STDOUT_FILENO) {
		close(o->fd);
		if (o->part != NULL && !o->done)
			unlink(o->part);
	}
	evt_buf_free(&o->buf);
	free(o->path);
	free(o->part);
	free(o);
}
