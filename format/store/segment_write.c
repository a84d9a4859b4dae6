/* segment_write.c - write a segment; see segment.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/err.h"
#include "format/store/layout.h"
#include "format/store/segment.h"

struct evt_segment_writer {
	const evt_io *io;
	int fd;
	bool torn; /* bytes may follow the last block */
	evt_segment s;
	evt_buf scratch;
};

static int
segment_write_open_file(evt_segment_writer *w, int flags, evt_error *err)
{
	w->fd = w->io->open(w->io->ctx, w->s.path, O_RDWR | flags, 0666);
	if (w->fd < 0)
		return evt_err_sys(err, errno, "cannot %s %s",
		    flags & O_CREAT ? "create" : "open", w->s.path);
	return EVT_OK;
}

int
evt_segment_create(const evt_io *io, const char *dir, const uint8_t uuid[16],
    uint32_t no, evt_segment_writer **ret_writer, evt_error *err)
{
	evt_segment_writer *w = calloc(1, sizeof(*w));
	char name[EVT_SEGMENT_NAME_LEN];
	int r;

	if (w == NULL)
		return evt_err_nomem(err);
	w->io = w->s.io = io;
	w->fd = -1;
	evt_segment_name(no, name);
	w->s.no = no;
	w->s.path = evt_io_path_join(dir, name);
	if (w->s.path == NULL) {
		evt_segment_close(w);
		return evt_err_nomem(err);
	}
	w->s.name = strrchr(w->s.path, '/') + 1;
	memcpy(w->s.uuid, uuid, EVT_UUID_LEN);
	r = segment_write_open_file(w, O_CREAT | O_EXCL, err);
	if (r == EVT_OK) {
		r = evt_io_sync_dir(io, dir, err);
		/* So that a retry can create it. */
		if (r != EVT_OK)
			io->unlink(io->ctx, w->s.path);
	}
	if (r != EVT_OK) {
		evt_segment_close(w);
		return r;
	}
	*ret_writer = w;
	return EVT_OK;
}

int
evt_segment_resume(const evt_io *io, evt_segment *segment,
    const uint8_t uuid[16], evt_segment_writer **ret_writer, evt_error *err)
{
	evt_segment_writer *w = calloc(1, sizeof(*w));
	int r;

	assert(!segment->sealed);
	if (w == NULL)
		return evt_err_nomem(err);
	w->io = io;
	w->s = *segment;
	w->s.io = io;
	memset(segment, 0, sizeof(*segment));
	memcpy(w->s.uuid, uuid, EVT_UUID_LEN);
	w->torn = w->s.size > w->s.walked;
	w->s.size = w->s.walked;
	r = segment_write_open_file(w, 0, err);
	if (r != EVT_OK) {
		evt_segment_close(w);
		return r;
	}
	*ret_writer = w;
	return EVT_OK;
}

const evt_segment *
evt_segment_written(const evt_segment_writer *w)
{
	return &w->s;
}

/* Write after the last good byte.  After a failure the size is unchanged. */
static int
segment_write_append(evt_segment_writer *w, const evt_buf *b, evt_error *err)
{
	int r;

	if (w->torn &&
	    w->io->ftruncate(w->io->ctx, w->fd, (off_t)w->s.size) != 0)
		return evt_err_sys(err, errno, "cannot cut %s back", w->s.path);
	w->torn = true;
	r = evt_io_write_all(w->io, w->fd, b->data, b->len, w->s.size,
	    w->s.path, err);
	if (r != EVT_OK) {
		/* Tried again by the next call if it fails here too. */
		if (w->io->ftruncate(w->io->ctx, w->fd, (off_t)w->s.size) == 0)
			w->torn = false;
		return r;
	}
	w->torn = false;
	w->s.size += b->len;
	return EVT_OK;
}

int
evt_segment_append(evt_segment_writer *w, const evt_buf *block, evt_error *err)
{
	evt_block_head head;
	uint64_t at = w->s.size;
	int r =
	    evt_block_head_read(block->data, block->len, w->s.name, &head, err);

	/* The list is grown first: afterwards it cannot fail. */
	if (r == EVT_OK)
		r = evt_segment_add_ref(&w->s, &head, at, err);
	if (r != EVT_OK)
		return r;
	r = segment_write_append(w, block, err);
	if (r != EVT_OK) {
		w->s.n_blocks--;
		return r;
	}
	w->s.walked = w->s.size;
	return EVT_OK;
}

int
evt_segment_sync(evt_segment_writer *w, evt_error *err)
{
	if (w->io->fdatasync(w->io->ctx, w->fd) != 0)
		return evt_err_sys(err, errno, "cannot sync %s", w->s.path);
	return EVT_OK;
}

int
evt_segment_seal(evt_segment_writer *w, uint32_t max_conn, evt_error *err)
{
	int r;

	if (w->s.sealed)
		return EVT_OK;
	w->s.max_conn = max_conn;
	r = evt_segment_dir_encode(&w->s, &w->scratch, err);
	if (r == EVT_OK)
		r = segment_write_append(w, &w->scratch, err);
	if (r != EVT_OK)
		return r;
	w->s.sealed = true;
	return EVT_OK;
}

void
evt_segment_close(evt_segment_writer *w)
{
	if (w == NULL)
		return;
	if (w->fd >= 0)
		w->io->close(w->io->ctx, w->fd);
	evt_segment_free(&w->s);
	evt_buf_free(&w->scratch);
	free(w);
}
